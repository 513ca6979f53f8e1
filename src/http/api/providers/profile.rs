//! Provider profiles: `/providers`, `/providers/{id}` and, for old clients, `/providers/{id}/profile`.

use actix_web::{HttpResponse, get, patch};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::providers::{
    self, Bio, Categories, DisplayName, ProfileChanges, Provider, Rating, ServiceArea,
};
use crate::domain::{Error, Page};
use crate::http::input::{PointInput, nullable};
use crate::http::schema::changes;
use crate::http::{
    Body, Fields, Id, IdempotentCall, IfMatch, PageQuery, Paged, Problem, Query, ReadCall, Reply,
};
use crate::ids::{Category, ProviderId, UserId};

/// A provider's shop.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
struct ProviderView {
    id: ProviderId,
    /// The owner's user id.
    user_id: UserId,
    display_name: DisplayName,
    bio: Bio,
    categories: Vec<Category>,
    service_area: Option<ServiceArea>,
    rating: RatingView,
    /// What you may do with it.
    #[schema(schema_with = changes::<Provider>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The ratings by consumers.
#[derive(Serialize, ToSchema)]
#[schema(as = Rating)]
struct RatingView {
    /// Number of ratings.
    #[schema(minimum = 0)]
    count: i64,
    /// Average stars, 1 to 5; null if there are no ratings.
    #[schema(minimum = 1, maximum = 5)]
    average: Option<f64>,
}

impl ProviderView {
    fn of(scope: &Scope, provider: &Provider) -> Self {
        let Rating { count, .. } = provider.rating;
        Self {
            id: provider.id,
            user_id: provider.user_id,
            display_name: provider.profile.display_name.clone(),
            bio: provider.profile.bio.clone(),
            categories: provider.profile.categories.iter().cloned().collect(),
            service_area: provider.profile.service_area,
            rating: RatingView { count, average: provider.rating.average() },
            allowed_actions: allowed_changes(scope, provider),
            version: provider.version,
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}

/// Which shops, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those of this category.
    #[param(value_type = Option<Category>)]
    category: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(Option<Category>, Page<ProviderId>), Error> {
        let category = self.category.map(|category| category.parse()).transpose();
        let category = category
            .map_err(|error: crate::ids::InvalidCategory| Error::invalid("category", error.to_string()))?;
        Ok((category, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// Shops, newest first.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<ProviderView>)))]
#[get("/providers")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (category, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = providers::list(uow, category.as_ref(), page)?;
        Reply::ok(&Paged::of(slice.map(|provider| ProviderView::of(scope, &provider))))
    })
    .await
}

/// A shop.
#[utoipa::path(responses((status = 200, body = ProviderView), (status = 304)))]
#[get("/providers/{id}")]
pub(super) async fn get_one(call: ReadCall, Id(id): Id<ProviderId>) -> Result<HttpResponse, Problem> {
    show(call, id).await
}

/// The same shop, at the path where it is changed.
#[utoipa::path(responses((status = 200, body = ProviderView), (status = 304)))]
#[get("/providers/{id}/profile")]
pub(super) async fn get_profile(call: ReadCall, Id(id): Id<ProviderId>) -> Result<HttpResponse, Problem> {
    show(call, id).await
}

async fn show(call: ReadCall, id: ProviderId) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let provider = providers::find(uow, scope, id)?;
        Ok(Reply::ok(&ProviderView::of(scope, &provider))?.etag(provider.version))
    })
    .await
}

/// What to change in a profile; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditProfile {
    /// 1 to 80 characters.
    #[schema(value_type = Option<DisplayName>)]
    display_name: Option<String>,
    /// At most 2,000 characters.
    #[schema(value_type = Option<Bio>)]
    bio: Option<String>,
    /// All categories, at most 20.
    #[schema(value_type = Option<Vec<Category>>, max_items = 20)]
    categories: Option<Vec<String>>,
    /// Null clears it.
    #[serde(default, deserialize_with = "nullable")]
    service_area: Option<Option<AreaInput>>,
}

/// A circle on the map.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AreaInput {
    centre: PointInput,
    /// More than 0, at most 1,000.
    #[schema(exclusive_minimum = 0, maximum = 1_000)]
    radius_km: f64,
}

impl AreaInput {
    fn parse(self) -> Result<ServiceArea, String> {
        let centre = self.centre.parse().map_err(|error| error.to_string())?;
        ServiceArea::new(centre, self.radius_km).map_err(|error| format!("radius_km {error}"))
    }
}

impl EditProfile {
    fn parse(self) -> Result<ProfileChanges, Error> {
        let mut fields = Fields::default();
        let name = self.display_name.as_deref().map(DisplayName::parse);
        let display_name = fields.take_optional("display_name", name);
        let bio = fields.take_optional("bio", self.bio.as_deref().map(Bio::parse));
        let categories = fields.take_optional("categories", self.categories.map(parse_categories));
        let area = match self.service_area {
            Some(Some(area)) => Some(area.parse().map(Some)),
            Some(None) => Some(Ok(None)),
            None => None,
        };
        let service_area = fields.take_optional("service_area", area);
        let changes = || {
            Some(ProfileChanges {
                display_name: display_name?,
                bio: bio?,
                categories: categories?,
                service_area: service_area?,
            })
        };
        fields.finish(changes())
    }
}

fn parse_categories(categories: Vec<String>) -> Result<Categories, String> {
    let parsed: Result<Vec<Category>, _> = categories.iter().map(|category| category.parse()).collect();
    let parsed = parsed.map_err(|error: crate::ids::InvalidCategory| format!("each {error}"))?;
    Categories::new(parsed).map_err(|error| error.to_string())
}

/// Change a shop's profile.
#[utoipa::path(params(IfMatch), request_body = EditProfile, responses((status = 200, body = ProviderView)))]
#[patch("/providers/{id}")]
pub(super) async fn edit(
    Id(id): Id<ProviderId>,
    Body(body): Body<EditProfile>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    change(call, id, body, seen).await
}

/// Change a shop's profile, at the path that older clients use.
#[utoipa::path(params(IfMatch), request_body = EditProfile, responses((status = 200, body = ProviderView)))]
#[patch("/providers/{id}/profile")]
pub(super) async fn edit_profile(
    Id(id): Id<ProviderId>,
    Body(body): Body<EditProfile>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    change(call, id, body, seen).await
}

async fn change(
    call: IdempotentCall,
    id: ProviderId,
    body: EditProfile,
    seen: Option<i64>,
) -> Result<HttpResponse, Problem> {
    let changes = body.parse()?;
    call.run(move |uow, scope| {
        let provider = providers::edit(uow, scope, id, &changes, seen)?;
        Ok(Reply::ok(&ProviderView::of(scope, &provider))?.etag(provider.version))
    })
    .await
}
