//! What the engine itself guarantees: that the file is whole, and that no row names one that does not exist.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::DbError;

use super::{Checked, Fault, SqlCheck, Verification, count, select_faults};

/// The file's structure, its indexes and its `CHECK` constraints, as SQLite finds them.
const INTEGRITY: SqlCheck = SqlCheck {
    name: "integrity",
    of: "pragma_page_count",
    faults: "SELECT 'the file' AS in_table, '-' AS id, integrity_check AS what \
             FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
};

/// Constraints that PostgreSQL does not vouch for: left unchecked, or an index whose building failed.
const CONSTRAINTS: SqlCheck = SqlCheck {
    name: "constraints",
    of: "pg_constraint WHERE connamespace = current_schema()::regnamespace",
    faults: "SELECT conrelid::regclass::text AS in_table, conname::text AS id, \
                    'this constraint was never checked on the rows that are there' AS what \
             FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND NOT convalidated \
             UNION ALL \
             SELECT indrelid::regclass::text, indexrelid::regclass::text, 'this index is not valid: REINDEX it' \
             FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
             WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid",
};

pub(super) fn check(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    let is_postgres = verification.conn().is_postgres();
    if is_postgres {
        verification.query(&CONSTRAINTS)?;
    } else {
        let mut checked = Checked::new(INTEGRITY.name);
        let found = pages(verification).and_then(|pages| {
            checked.rows = pages;
            select_faults(verification.conn(), INTEGRITY.faults)
        });
        match found {
            Ok(faults) => faults.into_iter().for_each(|fault| checked.add(fault)),
            // So damaged that the check itself cannot be made, or does not come to its end.
            Err(error) if error.to_string().contains("malformed") => {
                checked.add(Fault::new("the file", "-", error.to_string()));
            }
            Err(error) => return Err(error),
        }
        (verification.report)(checked);
    }
    let mut checked = Checked::new("foreign_keys");
    for key in foreign_keys(verification)? {
        checked.rows += count(verification.conn(), &key.rows())?;
        for fault in select_faults(verification.conn(), &key.orphans())? {
            checked.add(fault);
        }
    }
    (verification.report)(checked);
    Ok(())
}

#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    page_count: i64,
}

fn pages(verification: &mut Verification<'_, '_>) -> Result<u64, DbError> {
    let found: Pages = diesel::sql_query("PRAGMA page_count").get_result(verification.conn())?;
    Ok(u64::try_from(found.page_count).unwrap_or(0))
}

/// A foreign key of one column.
#[derive(QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    child_column: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Text)]
    parent_column: String,
    /// An expression for the child's primary key.
    #[diesel(sql_type = Text)]
    child_key: String,
}

impl ForeignKey {
    fn rows(&self) -> String {
        format!("{} WHERE {} IS NOT NULL", self.child, self.child_column)
    }

    fn orphans(&self) -> String {
        let Self { child, child_column, parent, parent_column, child_key } = self;
        format!(
            "SELECT '{child}' AS in_table, {child_key} AS id, \
             '{child_column} names a row of {parent} that does not exist' AS what FROM {child} \
             WHERE {child_column} IS NOT NULL AND NOT EXISTS ( \
                 SELECT 1 FROM {parent} AS parent WHERE parent.{parent_column} = {child}.{child_column})"
        )
    }
}

/// Every foreign key, from the engine's catalogue. Read by ourselves on SQLite as well, since its
/// `foreign_key_check` names rows by their `rowid`, which nobody else does.
fn foreign_keys(verification: &mut Verification<'_, '_>) -> Result<Vec<ForeignKey>, DbError> {
    let sql = if verification.conn().is_postgres() { POSTGRES } else { SQLITE };
    Ok(diesel::sql_query(sql).load(verification.conn())?)
}

const SQLITE: &str = "\
    SELECT child.name AS child, key.\"from\" AS child_column, key.\"table\" AS parent, key.\"to\" AS parent_column, \
           (SELECT group_concat(info.name, ' || ''/'' || ') FROM pragma_table_info(child.name) AS info WHERE info.pk > 0) \
               AS child_key \
    FROM sqlite_master AS child, pragma_foreign_key_list(child.name) AS key \
    WHERE child.type = 'table' ORDER BY child.name, key.\"from\"";

const POSTGRES: &str = "\
    SELECT key.conrelid::regclass::text AS child, child.attname::text AS child_column, \
           key.confrelid::regclass::text AS parent, parent.attname::text AS parent_column, \
           (SELECT string_agg(own.attname::text, ' || ''/'' || ' ORDER BY array_position(pk.conkey, own.attnum)) \
            FROM pg_constraint AS pk JOIN pg_attribute AS own ON own.attrelid = pk.conrelid AND own.attnum = ANY (pk.conkey) \
            WHERE pk.contype = 'p' AND pk.conrelid = key.conrelid) AS child_key \
    FROM pg_constraint AS key \
    JOIN pg_attribute AS child ON child.attrelid = key.conrelid AND child.attnum = key.conkey[1] \
    JOIN pg_attribute AS parent ON parent.attrelid = key.confrelid AND parent.attnum = key.confkey[1] \
    WHERE key.contype = 'f' AND key.connamespace = current_schema()::regnamespace ORDER BY 1, 2";
