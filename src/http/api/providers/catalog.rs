//! What the routes of the three kinds of catalogue items have in common. Each kind's file has its
//! representation, its forms, and the routes that name them.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::domain::policy::Scope;
use crate::domain::providers::{self, CatalogItem, ItemKind};
use crate::http::{Id, IdempotentCall, Ids, IfMatch, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::ProviderId;

/// The answer of a route.
pub(super) type Answer = Result<HttpResponse, Problem>;

/// The primary key of an item that `V` represents.
type ItemId<V> = <<V as ItemView>::Kind as ItemKind>::Id;

/// The representation of an item.
pub(super) trait ItemView: Serialize + 'static {
    /// What it represents.
    type Kind: ItemKind;
    /// The part of the addresses that names the collection.
    const COLLECTION: &'static str;

    /// As the caller sees it.
    fn of(scope: &Scope, item: &CatalogItem<Self::Kind>) -> Self;
}

/// A page of a provider's items.
pub(super) async fn list<V: ItemView>(
    call: ReadCall,
    Id(shop): Id<ProviderId>,
    Query(page): Query<PageQuery>,
) -> Answer {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = providers::list_items::<V::Kind>(uow, scope, shop, page)?;
        Reply::ok(&Paged::of(slice.map(|item| V::of(scope, &item))))
    })
    .await
}

/// Adds an item.
pub(super) async fn add<V: ItemView>(
    call: IdempotentCall,
    Id(shop): Id<ProviderId>,
    item: V::Kind,
) -> Answer {
    call.run(move |uow, scope| {
        let item = providers::add(uow, scope, shop, &item)?;
        let location = format!("/providers/{shop}/{}/{}", V::COLLECTION, item.id);
        Ok(Reply::created(location, &V::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// One item.
pub(super) async fn get_one<V: ItemView>(
    call: ReadCall,
    Ids(shop, id): Ids<ProviderId, ItemId<V>>,
) -> Answer {
    call.read(move |uow, scope| {
        let item = providers::get::<V::Kind>(uow, scope, shop, id)?;
        Ok(Reply::ok(&V::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// Changes an item.
pub(super) async fn edit<V: ItemView>(
    call: IdempotentCall,
    Ids(shop, id): Ids<ProviderId, ItemId<V>>,
    IfMatch(seen): IfMatch,
    changes: <V::Kind as ItemKind>::Changes,
) -> Answer {
    call.run(move |uow, scope| {
        let item = providers::change::<V::Kind>(uow, scope, shop, id, &changes, seen)?;
        Ok(Reply::ok(&V::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// Deletes an item.
pub(super) async fn remove<V: ItemView>(
    call: IdempotentCall,
    Ids(shop, id): Ids<ProviderId, ItemId<V>>,
    IfMatch(seen): IfMatch,
) -> Answer {
    call.run(move |uow, scope| {
        providers::remove::<V::Kind>(uow, scope, shop, id, seen)?;
        Ok(Reply::no_content())
    })
    .await
}
