//! Rows of catalogue items: one table per kind, with the same columns around those of the kind.

use diesel::prelude::Queryable;

use crate::clock::Timestamp;
use crate::db::DbError;
use crate::ids::{ProviderId, UserId};

use super::{CatalogItem, ItemKind};

/// A row: the columns that all kinds share, and those of one kind.
#[derive(Queryable)]
pub(super) struct Row<Id, Columns> {
    id: Id,
    provider_id: ProviderId,
    owner: UserId,
    columns: Columns,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<Id, Columns> Row<Id, Columns> {
    pub(super) fn into_item<C: ItemKind<Id = Id>>(
        self,
        read: impl FnOnce(Columns) -> Result<C, DbError>,
    ) -> Result<CatalogItem<C>, DbError> {
        Ok(CatalogItem {
            id: self.id,
            provider_id: self.provider_id,
            owner: self.owner,
            kind: read(self.columns)?,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The statements of an [`ItemKind`]. They differ in the table, in its `Columns`, and in the order of pages:
/// `after` is the condition for what comes after a cursor.
///
/// A macro, since the bounds of a function that is generic over Diesel's tables are longer than its body.
macro_rules! stored_in {
    ($table:ident, order: $order:expr, after: $after:expr) => {
        fn find(
            uow: &mut UnitOfWork<'_>,
            shop: ProviderId,
            id: Self::Id,
        ) -> Result<Option<CatalogItem<Self>>, DbError> {
            let row: Option<Row<Self::Id, Columns>> = $table::table
                .inner_join(providers::table)
                .filter($table::id.eq(id).and($table::provider_id.eq(shop)))
                .select(stored_in!(@columns $table))
                .get_result(uow.conn())
                .optional()?;
            row.map(|row| row.into_item(Columns::read)).transpose()
        }

        fn page(
            uow: &mut UnitOfWork<'_>,
            shop: &Authorized<Provider>,
            page: &Page<Self::Cursor>,
        ) -> Result<Vec<CatalogItem<Self>>, DbError> {
            let theirs = $table::table.inner_join(providers::table).filter($table::provider_id.eq(shop.id));
            let mut query = theirs.into_boxed();
            if let Some(rest) = page.before.map($after) {
                query = query.filter(rest);
            }
            let query = query.order($order).limit(page.fetch()).select(stored_in!(@columns $table));
            let rows: Vec<Row<Self::Id, Columns>> = query.load(uow.conn())?;
            rows.into_iter().map(|row| row.into_item(Columns::read)).collect()
        }

        fn insert(
            uow: &mut UnitOfWork<'_>,
            shop: &Authorized<Provider>,
            item: &CatalogItem<Self>,
        ) -> Result<(), DbError> {
            diesel::insert_into($table::table)
                .values((
                    $table::id.eq(item.id),
                    $table::provider_id.eq(shop.id),
                    Columns::of(&item.kind),
                    $table::version.eq(item.version),
                    $table::created_at.eq(item.created_at),
                    $table::updated_at.eq(item.updated_at),
                ))
                .execute(uow.conn())?;
            Ok(())
        }

        fn update(
            uow: &mut UnitOfWork<'_>,
            item: &Authorized<CatalogItem<Self>>,
            kind: &Self,
        ) -> Result<usize, DbError> {
            let now = uow.now();
            let seen = $table::table.find(item.id).filter($table::version.eq(item.version));
            let written = ($table::version.eq(item.version + 1), $table::updated_at.eq(now));
            Ok(diesel::update(seen).set((Columns::of(kind), written)).execute(uow.conn())?)
        }

        fn delete(uow: &mut UnitOfWork<'_>, item: &Authorized<CatalogItem<Self>>) -> Result<usize, DbError> {
            let seen = $table::table.find(item.id).filter($table::version.eq(item.version));
            Ok(diesel::delete(seen).execute(uow.conn())?)
        }
    };
    (@columns $table:ident) => {
        (
            $table::id,
            $table::provider_id,
            providers::user_id,
            Columns::as_select(),
            $table::version,
            $table::created_at,
            $table::updated_at,
        )
    };
}

pub(super) use stored_in;
