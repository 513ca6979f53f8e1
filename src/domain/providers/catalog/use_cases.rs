//! Use cases of catalogue items, generic over their kind.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::providers::service::load as load_shop;
use crate::domain::providers::{ADD_ITEM, ProviderUpdated};
use crate::domain::{Error, Page, Slice};
use crate::ids::{ProviderId, UserId};

use super::{CatalogItem, ItemKind};

/// A provider's items of one kind, for those who may list them.
pub(crate) fn list_items<C: ItemKind>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    page: Page<C::Cursor>,
) -> Result<Slice<CatalogItem<C>, C::Cursor>, Error> {
    let shop = load_shop(uow, shop)?;
    let shop = authorize(uow, scope, shop, C::BROWSE)?;
    let rows = C::page(uow, &shop, &page)?;
    Ok(page.slice(rows, C::cursor))
}

/// One item, for those who may read it.
pub(crate) fn get<C: ItemKind>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
) -> Result<Authorized<CatalogItem<C>>, Error> {
    let item = load(uow, shop, id)?;
    authorize(uow, scope, item, C::READ)
}

/// Adds an item to the caller's catalogue.
pub(crate) fn add<C: ItemKind>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    kind: &C,
) -> Result<CatalogItem<C>, Error> {
    let shop = load_shop(uow, shop)?;
    let shop = authorize(uow, scope, shop, ADD_ITEM)?;
    let now = uow.now();
    let item = CatalogItem {
        id: C::new_id(now),
        provider_id: shop.id,
        owner: shop.user_id,
        kind: kind.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    C::insert(uow, &shop, &item)?;
    announce::<C>(uow, scope, shop.id, shop.user_id);
    Ok(item)
}

/// Updates an item; with an expected version, only if that is the current one.
pub(crate) fn change<C: ItemKind>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
    changes: &C::Changes,
    expected: Option<i64>,
) -> Result<CatalogItem<C>, Error> {
    let item = load::<C>(uow, shop, id)?;
    let item = authorize(uow, scope, item, C::EDIT)?;
    Error::if_stale(C::KIND, item.version, expected)?;
    let kind = item.kind.with(changes);
    if kind == item.kind {
        return Ok(item.into_row());
    }
    exactly_one(C::update(uow, &item, &kind)?)?;
    announce::<C>(uow, scope, shop, item.owner);
    Ok(CatalogItem { kind, version: item.version + 1, updated_at: uow.now(), ..item.into_row() })
}

/// Deletes an item; with an expected version, only if that is the current one.
pub(crate) fn remove<C: ItemKind>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
    expected: Option<i64>,
) -> Result<(), Error> {
    let item = load::<C>(uow, shop, id)?;
    let item = authorize(uow, scope, item, C::REMOVE)?;
    Error::if_stale(C::KIND, item.version, expected)?;
    exactly_one(C::delete(uow, &item)?)?;
    announce::<C>(uow, scope, shop, item.owner);
    Ok(())
}

fn load<C: ItemKind>(uow: &mut UnitOfWork<'_>, shop: ProviderId, id: C::Id) -> Result<CatalogItem<C>, Error> {
    C::find(uow, shop, id)?.ok_or(Error::NotFound(C::KIND))
}

/// Writes are conditional on the version that was read. No row means that another unit was faster, and this
/// one is retried.
fn exactly_one(rows: usize) -> Result<(), DbError> {
    if rows == 1 { Ok(()) } else { Err(DbError::Contended("the item changed meanwhile".into())) }
}

fn announce<C: ItemKind>(uow: &mut UnitOfWork<'_>, scope: &Scope, shop: ProviderId, owner: UserId) {
    uow.record(Some(scope.user()), &ProviderUpdated { provider_id: shop, part: C::PART, owner });
}
