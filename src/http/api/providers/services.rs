//! `/providers/{id}/services`: the services that a provider offers.

use actix_web::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::money::Currency;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::providers::{CatalogItem, Service, ServiceChanges, ServiceDuration, ServicePrice};
use crate::domain::text::{MultiLine, SingleLine};
use crate::http::schema::changes;
use crate::http::{Body, Fields, Id, IdempotentCall, Ids, IfMatch, PageQuery, Paged, Query, ReadCall};
use crate::ids::{Category, ProviderId, ServiceId};

use super::catalog::{self, Answer, ItemView};

/// A service in a shop.
#[derive(Serialize, ToSchema)]
#[schema(as = Service)]
struct ServiceView {
    id: ServiceId,
    provider_id: ProviderId,
    name: SingleLine<120>,
    category: Category,
    description: MultiLine<4000>,
    price: ServicePrice,
    #[schema(minimum = 1, maximum = 44_640)]
    duration_minutes: i32,
    /// What you may do with it.
    #[schema(schema_with = changes::<CatalogItem<Service>>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ItemView for ServiceView {
    type Kind = Service;
    const COLLECTION: &'static str = "services";

    fn of(scope: &Scope, item: &CatalogItem<Service>) -> Self {
        let Service { name, category, description, price, duration } = item.kind.clone();
        Self {
            id: item.id,
            provider_id: item.provider_id,
            name,
            category,
            description,
            price,
            duration_minutes: duration.minutes(),
            allowed_actions: allowed_changes(scope, item),
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// What a service costs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServicePriceInput {
    /// Minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    min: i64,
    /// Minor units; not less than `min`.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max: i64,
    /// ISO 4217 code.
    #[schema(value_type = Currency)]
    currency: String,
}

impl ServicePriceInput {
    fn parse(&self) -> Result<ServicePrice, String> {
        let currency: Currency = self.currency.parse().map_err(|error| format!("currency {error}"))?;
        ServicePrice::new(self.min, self.max, currency).map_err(|error| error.to_string())
    }
}

/// A new service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddService {
    /// 1 to 120 characters.
    #[schema(value_type = SingleLine<120>)]
    name: String,
    #[schema(value_type = Category)]
    category: String,
    /// At most 4,000 characters.
    #[serde(default)]
    #[schema(value_type = MultiLine<4000>)]
    description: String,
    price: ServicePriceInput,
    #[schema(minimum = 1, maximum = 44_640)]
    duration_minutes: i32,
}

impl AddService {
    fn parse(self) -> Result<Service, Error> {
        let mut fields = Fields::default();
        let name = fields.take("name", SingleLine::parse(&self.name));
        let category = fields.take("category", self.category.parse::<Category>());
        let description = fields.take("description", MultiLine::parse(&self.description));
        let price = fields.take("price", self.price.parse());
        let duration = fields.take("duration_minutes", ServiceDuration::from_minutes(self.duration_minutes));
        let service = || {
            Some(Service {
                name: name?,
                category: category?,
                description: description?,
                price: price?,
                duration: duration?,
            })
        };
        fields.finish(service())
    }
}

/// What to change in a service; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditService {
    /// 1 to 120 characters.
    #[schema(value_type = Option<SingleLine<120>>)]
    name: Option<String>,
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
    /// At most 4,000 characters.
    #[schema(value_type = Option<MultiLine<4000>>)]
    description: Option<String>,
    price: Option<ServicePriceInput>,
    #[schema(minimum = 1, maximum = 44_640)]
    duration_minutes: Option<i32>,
}

impl EditService {
    fn parse(self) -> Result<ServiceChanges, Error> {
        let mut fields = Fields::default();
        let name = fields.take_optional("name", self.name.as_deref().map(SingleLine::parse));
        let category = self.category.map(|category| category.parse::<Category>());
        let category = fields.take_optional("category", category);
        let description =
            fields.take_optional("description", self.description.as_deref().map(MultiLine::parse));
        let price = fields.take_optional("price", self.price.map(|price| price.parse()));
        let duration = self.duration_minutes.map(ServiceDuration::from_minutes);
        let duration = fields.take_optional("duration_minutes", duration);
        let changes = || {
            Some(ServiceChanges {
                name: name?,
                category: category?,
                description: description?,
                price: price?,
                duration: duration?,
            })
        };
        fields.finish(changes())
    }
}

/// The services of a shop, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<ServiceView>)))]
#[get("/providers/{id}/services")]
pub(super) async fn list(call: ReadCall, shop: Id<ProviderId>, page: Query<PageQuery>) -> Answer {
    catalog::list::<ServiceView>(call, shop, page).await
}

/// Add a service.
#[utoipa::path(request_body = AddService, responses((status = 201, body = ServiceView)))]
#[post("/providers/{id}/services")]
pub(super) async fn add(shop: Id<ProviderId>, Body(body): Body<AddService>, call: IdempotentCall) -> Answer {
    catalog::add::<ServiceView>(call, shop, body.parse()?).await
}

/// A service.
#[utoipa::path(responses((status = 200, body = ServiceView), (status = 304)))]
#[get("/providers/{id}/services/{service_id}")]
pub(super) async fn get_one(call: ReadCall, ids: Ids<ProviderId, ServiceId>) -> Answer {
    catalog::get_one::<ServiceView>(call, ids).await
}

/// Change a service.
#[utoipa::path(params(IfMatch), request_body = EditService, responses((status = 200, body = ServiceView)))]
#[patch("/providers/{id}/services/{service_id}")]
pub(super) async fn edit(
    ids: Ids<ProviderId, ServiceId>,
    Body(body): Body<EditService>,
    call: IdempotentCall,
    seen: IfMatch,
) -> Answer {
    catalog::edit::<ServiceView>(call, ids, seen, body.parse()?).await
}

/// Delete a service.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/providers/{id}/services/{service_id}")]
pub(super) async fn remove(ids: Ids<ProviderId, ServiceId>, call: IdempotentCall, seen: IfMatch) -> Answer {
    catalog::remove::<ServiceView>(call, ids, seen).await
}
