//! What can be done with wares.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Page, Slice};
use crate::ids::{ProviderId, UserId};

use super::super::service::load as load_shop;
use super::super::{STOCK, ShopUpdated};
use super::{Content, Ware};

/// The wares of a shop, for whoever may look.
pub fn browse<C: Content>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    page: Page<C::Cursor>,
) -> Result<Slice<Ware<C>, C::Cursor>, Error> {
    let shop = load_shop(uow, shop)?;
    let shop = authorize(uow, scope, shop, C::BROWSE)?;
    let rows = C::page(uow, &shop, &page)?;
    Ok(page.cut(rows, C::cursor))
}

/// One ware, for whoever may look.
pub fn get<C: Content>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
) -> Result<Authorized<Ware<C>>, Error> {
    let ware = load(uow, shop, id)?;
    authorize(uow, scope, ware, C::READ)
}

/// Puts a ware into the caller's shop.
pub fn add<C: Content>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    content: &C,
) -> Result<Ware<C>, Error> {
    let shop = load_shop(uow, shop)?;
    let shop = authorize(uow, scope, shop, STOCK)?;
    let now = uow.now();
    let ware = Ware {
        id: C::new_id(now),
        provider_id: shop.id,
        owner: shop.user_id,
        content: content.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    C::insert(uow, &shop, &ware)?;
    announce::<C>(uow, scope, shop.id, shop.user_id);
    Ok(ware)
}

/// Changes a ware, provided that it is at the expected version where one is named.
pub fn change<C: Content>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
    changes: &C::Changes,
    expected: Option<i64>,
) -> Result<Ware<C>, Error> {
    let ware = load::<C>(uow, shop, id)?;
    let ware = authorize(uow, scope, ware, C::EDIT)?;
    Error::if_stale(C::KIND, ware.version, expected)?;
    let content = ware.content.with(changes);
    if content == ware.content {
        return Ok(ware.into_row());
    }
    exactly_one(C::update(uow, &ware, &content)?)?;
    announce::<C>(uow, scope, shop, ware.owner);
    Ok(Ware { content, version: ware.version + 1, updated_at: uow.now(), ..ware.into_row() })
}

/// Takes a ware out of the shop, provided that it is at the expected version where one is named.
pub fn remove<C: Content>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    shop: ProviderId,
    id: C::Id,
    expected: Option<i64>,
) -> Result<(), Error> {
    let ware = load::<C>(uow, shop, id)?;
    let ware = authorize(uow, scope, ware, C::REMOVE)?;
    Error::if_stale(C::KIND, ware.version, expected)?;
    exactly_one(C::delete(uow, &ware)?)?;
    announce::<C>(uow, scope, shop, ware.owner);
    Ok(())
}

fn load<C: Content>(uow: &mut UnitOfWork<'_>, shop: ProviderId, id: C::Id) -> Result<Ware<C>, Error> {
    C::find(uow, shop, id)?.ok_or(Error::NotFound(C::KIND))
}

/// Writes name the version that was read. Where it is gone, another unit came first, and this one runs again.
fn exactly_one(rows: usize) -> Result<(), DbError> {
    if rows == 1 { Ok(()) } else { Err(DbError::Contended("the ware changed meanwhile".into())) }
}

fn announce<C: Content>(uow: &mut UnitOfWork<'_>, scope: &Scope, shop: ProviderId, owner: UserId) {
    uow.record(Some(scope.user()), &ShopUpdated { provider_id: shop, part: C::PART, owner });
}
