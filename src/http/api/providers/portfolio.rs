//! `/providers/{id}/portfolio`: metadata of photos; uploading the images is not supported yet.

use actix_web::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::providers::{Caption, CatalogItem, Photo, PhotoChanges, Position};
use crate::http::schema::changes;
use crate::http::{Body, Fields, Id, IdempotentCall, Ids, IfMatch, PageQuery, Paged, Query, ReadCall};
use crate::ids::{PhotoId, ProviderId};

use super::catalog::{self, Answer, ItemView};

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

impl ItemView for PhotoView {
    type Kind = Photo;
    const COLLECTION: &'static str = "portfolio";

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
pub(super) async fn list(call: ReadCall, shop: Id<ProviderId>, page: Query<PageQuery>) -> Answer {
    catalog::list::<PhotoView>(call, shop, page).await
}

/// Add a photo's record.
#[utoipa::path(request_body = AddPhoto, responses((status = 201, body = PhotoView)))]
#[post("/providers/{id}/portfolio")]
pub(super) async fn add(shop: Id<ProviderId>, Body(body): Body<AddPhoto>, call: IdempotentCall) -> Answer {
    catalog::add::<PhotoView>(call, shop, body.parse()?).await
}

/// A photo's record.
#[utoipa::path(responses((status = 200, body = PhotoView), (status = 304)))]
#[get("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn get_one(call: ReadCall, ids: Ids<ProviderId, PhotoId>) -> Answer {
    catalog::get_one::<PhotoView>(call, ids).await
}

/// Change a photo's record.
#[utoipa::path(params(IfMatch), request_body = EditPhoto, responses((status = 200, body = PhotoView)))]
#[patch("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn edit(
    ids: Ids<ProviderId, PhotoId>,
    Body(body): Body<EditPhoto>,
    call: IdempotentCall,
    seen: IfMatch,
) -> Answer {
    catalog::edit::<PhotoView>(call, ids, seen, body.parse()?).await
}

/// Delete a photo's record.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/providers/{id}/portfolio/{photo_id}")]
pub(super) async fn remove(ids: Ids<ProviderId, PhotoId>, call: IdempotentCall, seen: IfMatch) -> Answer {
    catalog::remove::<PhotoView>(call, ids, seen).await
}
