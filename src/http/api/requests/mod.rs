//! `/requests`: consumers' requests for work.

mod read;
mod actions;
mod write;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::money::PriceRange;
use crate::domain::place::{Address, Point};
use crate::domain::policy::{Scope, allowed_actions};
use crate::domain::requests::{Description, Request, State, Title};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::steps;
use crate::ids::{Category, ConsumerId, RequestId, UserId};

/// All routes under `/requests`, except for the offers on them.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(read::list)
        .service(read::get_one)
        .service(write::create)
        .service(write::edit)
        .service(actions::publish)
        .service(actions::extend)
        .service(actions::cancel)
        .service(actions::remove)
        .service(actions::restore);
}

/// A request.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
struct RequestView {
    id: RequestId,
    /// The owner.
    consumer_id: ConsumerId,
    /// The owner's user id.
    user_id: UserId,
    category: Category,
    title: Title,
    description: Description,
    /// The consumer's budget; offers must be in its currency.
    budget: PriceRange,
    /// The street address; null except for the owner and the provider with the booking.
    address: Option<Address>,
    /// Coordinates; rounded to 0.01 degrees for callers who may not see the address.
    point: Option<Point>,
    wanted_at: Option<Timestamp>,
    state: State,
    /// Increases when it is edited while offers are live.
    revision: i64,
    /// When it expires; null for a draft.
    expires_at: Option<Timestamp>,
    /// What you may do with it.
    #[schema(schema_with = steps::<Request>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl RequestView {
    fn of(scope: &Scope, request: &Request) -> Self {
        let details = request.details.clone();
        let shows_address = request.shows_address_to(scope);
        Self {
            id: request.id,
            consumer_id: request.consumer_id,
            user_id: request.user_id,
            category: details.category,
            title: details.title,
            description: details.description,
            budget: details.budget,
            address: details.place.address.filter(|_| shows_address),
            point: details.place.point.map(|point| if shows_address { point } else { point.roughly() }),
            wanted_at: details.wanted_at,
            state: request.state,
            revision: request.revision,
            expires_at: request.expires_at,
            allowed_actions: allowed_actions(scope, request),
            version: request.version,
            created_at: request.created_at,
            updated_at: request.updated_at,
        }
    }
}
