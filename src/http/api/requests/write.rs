//! Creating and editing requests.

use actix_web::{HttpResponse, patch, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::place::{Address, Place};
use crate::domain::requests::{self, Description, Edit, NewRequest, Opening, RequestDetails, Title};
use crate::http::input::{PointInput, PriceRangeInput, nullable};
use crate::http::{Body, Fields, Id, IdempotentCall, IfMatch, Problem, Reply};
use crate::ids::{Category, RequestId};

use super::RequestView;

/// The initial state of a request.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OpeningInput {
    /// Nobody else sees it until it is published.
    Draft,
    /// Published at once.
    #[default]
    Open,
}

/// A new request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    #[schema(value_type = Category)]
    category: String,
    /// 1 to 120 characters.
    #[schema(value_type = Title)]
    title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    #[schema(value_type = Description)]
    description: String,
    /// What you want to spend, and the currency that offers must come in.
    budget: PriceRangeInput,
    /// The street address, 1 to 300 characters; only the provider with the booking will see it.
    #[schema(value_type = Option<Address>)]
    address: Option<String>,
    /// Coordinates; others see them rounded to 0.01 degrees.
    point: Option<PointInput>,
    /// When the work is wanted.
    wanted_at: Option<Timestamp>,
    /// `open` by default.
    #[serde(default)]
    state: OpeningInput,
    /// When it expires: 14 days from now by default, at most 90. Not for drafts.
    expires_at: Option<Timestamp>,
}

impl CreateRequest {
    fn parse(self) -> Result<NewRequest, Error> {
        let mut fields = Fields::default();
        let category = fields.take("category", self.category.parse::<Category>());
        let title = fields.take("title", Title::parse(&self.title));
        let description = fields.take("description", Description::parse(&self.description));
        let budget = fields.take("budget", self.budget.parse());
        let address = fields.take_optional("address", self.address.as_deref().map(Address::parse));
        let point = fields.take_optional("point", self.point.map(PointInput::parse));
        let opening = match self.state {
            OpeningInput::Open => Opening::Open(self.expires_at),
            OpeningInput::Draft => {
                if self.expires_at.is_some() {
                    fields.refuse("expires_at", "is set when the draft is published");
                }
                Opening::Draft
            }
        };
        let details = || {
            Some(RequestDetails {
                category: category?,
                title: title?,
                description: description?,
                budget: budget?,
                place: Place { address: address?, point: point? },
                wanted_at: self.wanted_at,
            })
        };
        Ok(NewRequest { details: fields.finish(details())?, opening })
    }
}

/// Create a request.
#[utoipa::path(request_body = CreateRequest, responses((status = 201, body = RequestView)))]
#[post("/requests")]
pub(super) async fn create(
    Body(body): Body<CreateRequest>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    call.run(move |uow, scope| {
        let request = requests::create(uow, scope, &new)?;
        let location = format!("/requests/{}", request.id);
        Ok(Reply::created(location, &RequestView::of(scope, &request))?.etag(request.version))
    })
    .await
}

/// What to change in a request; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditRequest {
    #[schema(value_type = Option<Category>)]
    category: Option<String>,
    /// 1 to 120 characters.
    #[schema(value_type = Option<Title>)]
    title: Option<String>,
    /// At most 4,000 characters.
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    budget: Option<PriceRangeInput>,
    /// 1 to 300 characters; null clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Address>)]
    address: Option<Option<String>>,
    /// Null clears it.
    #[serde(default, deserialize_with = "nullable")]
    point: Option<Option<PointInput>>,
    /// Null clears it.
    #[serde(default, deserialize_with = "nullable")]
    wanted_at: Option<Option<Timestamp>>,
}

impl EditRequest {
    fn parse(self) -> Result<Edit, Error> {
        let mut fields = Fields::default();
        let category = fields.take_optional("category", self.category.map(|text| text.parse::<Category>()));
        let title = fields.take_optional("title", self.title.as_deref().map(Title::parse));
        let description = self.description.as_deref().map(Description::parse);
        let description = fields.take_optional("description", description);
        let budget = fields.take_optional("budget", self.budget.map(|budget| budget.parse()));
        let address = self.address.map(|address| address.as_deref().map(Address::parse).transpose());
        let address = fields.take_optional("address", address);
        let point = self.point.map(|point| point.map(PointInput::parse).transpose());
        let point = fields.take_optional("point", point);
        let changes = || {
            Some(Edit {
                category: category?,
                title: title?,
                description: description?,
                budget: budget?,
                address: address?,
                point: point?,
                wanted_at: self.wanted_at,
            })
        };
        fields.finish(changes())
    }
}

/// Change a request. Its live offers must be affirmed before they can be accepted.
#[utoipa::path(params(IfMatch), request_body = EditRequest, responses((status = 200, body = RequestView)))]
#[patch("/requests/{id}")]
pub(super) async fn edit(
    Id(id): Id<RequestId>,
    Body(body): Body<EditRequest>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let changes = body.parse()?;
    call.run(move |uow, scope| {
        let request = requests::edit(uow, scope, id, seen, &changes)?;
        Ok(Reply::ok(&RequestView::of(scope, &request))?.etag(request.version))
    })
    .await
}
