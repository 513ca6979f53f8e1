//! Verifying journals: sealed rows have a data key, and with the journal key everything that is sealed opens.

use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::db::DbError;
use crate::db::verify::{BATCH, Fault, SqlCheck, Verification};
use crate::ids::UserId;

use super::KeyEncryptionKey;
use super::cipher::{CipherError, Place};
use super::journal::open;
use super::keys::{self, StoredKey};

/// What can be checked without the journal key.
const OWNERS: SqlCheck = SqlCheck {
    name: "journals",
    of: "entries",
    faults: "SELECT 'entries' AS in_table, id, 'it is sealed, and its user has no data key' AS what \
             FROM entries WHERE sealed \
               AND NOT EXISTS (SELECT 1 FROM journal_keys WHERE journal_keys.user_id = entries.user_id) \
             UNION ALL \
             SELECT 'reflections', reflections.id, 'its user is not that of its entry' \
             FROM reflections JOIN entries ON entries.id = reflections.entry_id \
             WHERE entries.user_id <> reflections.user_id \
             UNION ALL \
             SELECT 'reflections', id, 'it is sealed, and its user has no data key' FROM reflections \
             WHERE NOT EXISTS (SELECT 1 FROM journal_keys WHERE journal_keys.user_id = reflections.user_id)",
};

/// Where values are stored that a data key has sealed.
struct Sealed {
    name: &'static str,
    table: &'static str,
    /// The column that is the row in a [`Place`].
    row: &'static str,
    /// The order in which rows are read, by an index.
    order: (&'static str, &'static str),
    /// One or two columns.
    columns: (Option<&'static str>, &'static str),
    /// Of the rows that are sealed.
    condition: &'static str,
}

const SEALED: &[Sealed] = &[
    Sealed {
        name: "sealed_entries",
        table: "entries",
        row: "id",
        order: ("id", "user_id"),
        columns: (Some("title"), "text"),
        condition: "kept.sealed",
    },
    Sealed {
        name: "sealed_reflections",
        table: "reflections",
        row: "id",
        order: ("id", "user_id"),
        columns: (None, "text"),
        condition: "TRUE",
    },
    // Answers to calls about journals, as `http` stores them.
    Sealed {
        name: "sealed_answers",
        table: "idempotency_keys",
        row: "key",
        order: ("user_id", "key"),
        columns: (None, "body"),
        condition: "kept.body LIKE 'v1:%'",
    },
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    major: String,
    #[diesel(sql_type = Text)]
    minor: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    first: Option<String>,
    #[diesel(sql_type = Text)]
    second: String,
    #[diesel(sql_type = Text)]
    user_id: UserId,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Text)]
    sealed_key: String,
}

/// Checks the journals; without the journal key, only that every sealed row has a data key.
pub(crate) fn verify(
    verification: &mut Verification<'_, '_>,
    key: Option<&KeyEncryptionKey>,
) -> Result<(), DbError> {
    verification.query(&OWNERS)?;
    let Some(key) = key else { return Ok(()) };
    verification.each(
        "data_keys",
        None,
        |uow, after| keys::page_after(uow, *after, BATCH),
        |stored| Some(stored.user_id),
        |_, stored| {
            let opened = open(key, &stored);
            Ok(opened
                .err()
                .map(|error| Fault::new("journal_keys", stored.user_id.as_str(), error.to_string())))
        },
    )?;
    SEALED.iter().try_for_each(|sealed| sealed.verify(verification, key))
}

impl Sealed {
    fn verify(&self, verification: &mut Verification<'_, '_>, key: &KeyEncryptionKey) -> Result<(), DbError> {
        let sql = self.page();
        verification.each(
            self.name,
            (String::new(), String::new()),
            |uow, (major, minor)| {
                let page = diesel::sql_query(&sql).bind::<Text, _>(major).bind::<Text, _>(minor);
                Ok(page.bind::<BigInt, _>(BATCH).load::<Row>(uow.conn())?)
            },
            |row| (row.major.clone(), row.minor.clone()),
            |_, row| {
                let id = row.id.clone();
                Ok(self.open(key, row).err().map(|error| Fault::new(self.table, id, error.to_string())))
            },
        )
    }

    /// A page of sealed rows, each with its owner's data key. Rows without one are [`OWNERS`]' matter.
    fn page(&self) -> String {
        let Self { table, row, order: (major, minor), columns: (first, second), condition, .. } = self;
        let first = first.map_or_else(|| "CAST(NULL AS TEXT)".to_owned(), |column| format!("kept.{column}"));
        format!(
            "SELECT kept.{major} AS major, kept.{minor} AS minor, kept.{row} AS id, {first} AS first, \
             kept.{second} AS second, kept.user_id AS user_id, owner.key_id AS key_id, \
             owner.sealed_key AS sealed_key \
             FROM {table} AS kept JOIN journal_keys AS owner ON owner.user_id = kept.user_id \
             WHERE {condition} AND (kept.{major}, kept.{minor}) > ($1, $2) \
             ORDER BY kept.{major}, kept.{minor} LIMIT $3"
        )
    }

    fn open(&self, key: &KeyEncryptionKey, row: Row) -> Result<(), CipherError> {
        let Row { id, first, second, user_id, key_id, sealed_key, .. } = row;
        let data_key = open(key, &StoredKey { user_id, key_id, sealed_key })?;
        let place = |column| Place { table: self.table, row: &id, column };
        if let ((Some(column), _), Some(first)) = (self.columns, first) {
            data_key.open(&place(column), &first)?;
        }
        data_key.open(&place(self.columns.1), &second)?;
        Ok(())
    }
}
