//! `/providers/{id}/portfolio`: metadata of photos; uploading the images is not supported yet.

use actix_web::{HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::providers::{self, Caption, CatalogItem, Photo, PhotoChanges, Position};
use crate::http::schema::changes;
use crate::http::{
    Body, Fields, Id, IdempotentCall, Ids, IfMatch, PageQuery, Paged, Problem, Query, ReadCall, Reply,
};
use crate::ids::{PhotoId, ProviderId};

/// A photo's record.
#[derive(Serialize, ToSchema)]
#[schema(as = Photo)]
struct PhotoView {
    id: PhotoId,
    provider_id: ProviderId,
    caption: Caption,
    #[schema(minimum = 0, maximum = 9_999)]
    position: i32,
    /// What you may do with it.
    #[schema(schema_with = changes::<CatalogItem<Photo>>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl PhotoView {
    fn of(scope: &Scope, item: &CatalogItem<Photo>) -> Self {
        Self {
            id: item.id,
            provider_id: item.provider_id,
            caption: item.kind.caption.clone(),
            position: item.kind.position.as_i32(),
            allowed_actions: allowed_changes(scope, item),
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A new photo.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddPhoto {
    /// At most 300 characters.
    #[serde(default)]
    #[schema(value_type = Caption)]
    caption: String,
    /// Position in the portfolio, from 0; of two at one position, the older is first.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9_999)]
    position: i32,
}

impl AddPhoto {
    fn parse(self) -> Result<Photo, Error> {
        let mut fields = Fields::default();
        let caption = fields.take("caption", Caption::parse(&self.caption));
        let position = fields.take("position", Position::new(self.position));
        let photo = || Some(Photo { caption: caption?, position: position? });
        fields.finish(photo())
    }
}

/// What to change in a photo's record; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditPhoto {
    /// At most 300 characters.
    #[schema(value_type = Option<Caption>)]
    caption: Option<String>,
    /// Position in the portfolio, from 0.
    #[schema(minimum = 0, maximum = 9_999)]
    position: Option<i32>,
}

impl EditPhoto {
    fn parse(self) -> Result<PhotoChanges, Error> {
        let mut fields = Fields::default();
        let caption = fields.take_optional("caption", self.caption.as_deref().map(Caption::parse));
        let position = fields.take_optional("position", self.position.map(Position::new));
        let changes = || Some(PhotoChanges { caption: caption?, position: position? });
        fields.finish(changes())
    }
}

/// The photos of a shop, in the order of its portfolio.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<PhotoView>)))]
#[get("/providers/{id}/portfolio")]
pub(super) async fn list(
    call: ReadCall,
    Id(shop): Id<ProviderId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = providers::list_items::<Photo>(uow, scope, shop, page)?;
        Reply::ok(&Paged::of(slice.map(|item| PhotoView::of(scope, &item))))
    })
    .await
}

/// Add a photo's record.
#[utoipa::path(request_body = AddPhoto, responses((status = 201, body = PhotoView)))]
#[post("/providers/{id}/portfolio")]
pub(super) async fn add(
    Id(shop): Id<ProviderId>,
    Body(body): Body<AddPhoto>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let photo = body.parse()?;
    call.run(move |uow, scope| {
        let item = providers::add(uow, scope, shop, &photo)?;
        let location = format!("/providers/{shop}/portfolio/{}", item.id);
        Ok(Reply::created(location, &PhotoView::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// A photo's record.
#[utoipa::path(responses((status = 200, body = PhotoView), (status = 304)))]
#[get("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn get_one(
    call: ReadCall,
    Ids(shop, id): Ids<ProviderId, PhotoId>,
) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let item = providers::get::<Photo>(uow, scope, shop, id)?;
        Ok(Reply::ok(&PhotoView::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// Change a photo's record.
#[utoipa::path(params(IfMatch), request_body = EditPhoto, responses((status = 200, body = PhotoView)))]
#[patch("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn edit(
    Ids(shop, id): Ids<ProviderId, PhotoId>,
    Body(body): Body<EditPhoto>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let changes = body.parse()?;
    call.run(move |uow, scope| {
        let item = providers::change::<Photo>(uow, scope, shop, id, &changes, seen)?;
        Ok(Reply::ok(&PhotoView::of(scope, &item))?.etag(item.version))
    })
    .await
}

/// Delete a photo's record.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn remove(
    Ids(shop, id): Ids<ProviderId, PhotoId>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        providers::remove::<Photo>(uow, scope, shop, id, seen)?;
        Ok(Reply::no_content())
    })
    .await
}
