//! `/consumers/{id}`: consumer profiles, for their owners only.

use actix_web::{HttpResponse, get, patch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::consumers::{self, Consumer, DisplayName, ProfileChanges};
use crate::domain::place::{Address, Point};
use crate::domain::policy::{Scope, allowed_changes};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::input::{PointInput, nullable};
use crate::http::schema::changes;
use crate::http::{Body, Fields, Id, IdempotentCall, IfMatch, Problem, ReadCall, Reply};
use crate::ids::{ConsumerId, UserId};

/// All routes under `/consumers`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(get_one).service(edit);
}

/// A consumer.
#[derive(Serialize, ToSchema)]
#[schema(as = Consumer)]
struct ConsumerView {
    id: ConsumerId,
    /// The owner.
    user_id: UserId,
    display_name: DisplayName,
    /// The default address of requests.
    address: Option<Address>,
    /// The coordinates of the address.
    point: Option<Point>,
    /// What you may do with it.
    #[schema(schema_with = changes::<Consumer>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ConsumerView {
    fn of(scope: &Scope, consumer: &Consumer) -> Self {
        Self {
            id: consumer.id,
            user_id: consumer.user_id,
            display_name: consumer.profile.display_name.clone(),
            address: consumer.profile.place.address.clone(),
            point: consumer.profile.place.point,
            allowed_actions: allowed_changes(scope, consumer),
            version: consumer.version,
            created_at: consumer.created_at,
            updated_at: consumer.updated_at,
        }
    }
}

/// A consumer's profile.
#[utoipa::path(responses((status = 200, body = ConsumerView), (status = 304)))]
#[get("/consumers/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<ConsumerId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let consumer = consumers::find(uow, scope, id)?;
        Ok(Reply::ok(&ConsumerView::of(scope, &consumer))?.etag(consumer.version))
    })
    .await
}

/// What to change in a profile; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditConsumer {
    /// 1 to 80 characters.
    #[schema(value_type = Option<DisplayName>)]
    display_name: Option<String>,
    /// 1 to 300 characters; null clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Address>)]
    address: Option<Option<String>>,
    /// Null clears it.
    #[serde(default, deserialize_with = "nullable")]
    point: Option<Option<PointInput>>,
}

impl EditConsumer {
    fn parse(self) -> Result<ProfileChanges, Error> {
        let mut fields = Fields::default();
        let name = self.display_name.as_deref().map(DisplayName::parse);
        let display_name = fields.take_optional("display_name", name);
        let address = self.address.map(|address| address.as_deref().map(Address::parse).transpose());
        let address = fields.take_optional("address", address);
        let point = self.point.map(|point| point.map(PointInput::parse).transpose());
        let point = fields.take_optional("point", point);
        let changes =
            || Some(ProfileChanges { display_name: display_name?, address: address?, point: point? });
        fields.finish(changes())
    }
}

/// Change a consumer's profile.
#[utoipa::path(params(IfMatch), request_body = EditConsumer, responses((status = 200, body = ConsumerView)))]
#[patch("/consumers/{id}")]
async fn edit(
    Id(id): Id<ConsumerId>,
    Body(body): Body<EditConsumer>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let changes = body.parse()?;
    call.run(move |uow, scope| {
        let consumer = consumers::edit(uow, scope, id, &changes, seen)?;
        Ok(Reply::ok(&ConsumerView::of(scope, &consumer))?.etag(consumer.version))
    })
    .await
}
