//! Creating and revising offers.

use actix_web::{HttpResponse, patch, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::offers::{self, Message, NewOffer, Revision};
use crate::http::input::{MoneyInput, SlotInput};
use crate::http::{Body, Fields, Id, IdempotentCall, IfMatch, Problem, Reply};
use crate::ids::{OfferId, RequestId};

use super::OfferView;

/// A new offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubmitOffer {
    /// In the request's currency.
    price: MoneyInput,
    /// At most 2,000 characters.
    #[serde(default)]
    #[schema(value_type = Message)]
    message: String,
    /// When you would do the work; must start in the future.
    slot: SlotInput,
    /// When it expires: 72 hours by default, never past the request's end or the slot's start.
    valid_until: Option<Timestamp>,
}

impl SubmitOffer {
    fn parse(self) -> Result<NewOffer, Error> {
        let mut fields = Fields::default();
        let price = fields.take("price", self.price.parse());
        let message = fields.take("message", Message::parse(&self.message));
        let slot = fields.take("slot", self.slot.parse());
        let valid_until = self.valid_until;
        let new = || Some(NewOffer { price: price?, message: message?, slot: slot?, valid_until });
        fields.finish(new())
    }
}

/// Submit an offer on a request. Opens a chat session with its owner.
#[utoipa::path(
    operation_id = "submitOffer",
    request_body = SubmitOffer,
    responses((status = 201, body = OfferView))
)]
#[post("/requests/{id}/offers")]
pub(super) async fn submit(
    Id(id): Id<RequestId>,
    Body(body): Body<SubmitOffer>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    call.run(move |uow, scope| {
        let offer = offers::submit(uow, scope, id, &new)?;
        let location = format!("/offers/{}", offer.id);
        Ok(Reply::created(location, &OfferView::of(scope, &offer))?.etag(offer.version))
    })
    .await
}

/// What to change in an offer; absent fields stay unchanged. An empty object affirms it for an edited request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviseOffer {
    /// In the request's currency.
    price: Option<MoneyInput>,
    /// At most 2,000 characters.
    #[schema(value_type = Option<Message>)]
    message: Option<String>,
    /// Must start in the future.
    slot: Option<SlotInput>,
    /// Never past the request's end or the slot's start.
    valid_until: Option<Timestamp>,
}

impl ReviseOffer {
    fn parse(self) -> Result<Revision, Error> {
        let mut fields = Fields::default();
        let price = fields.take_optional("price", self.price.map(|price| price.parse()));
        let message = fields.take_optional("message", self.message.as_deref().map(Message::parse));
        let slot = fields.take_optional("slot", self.slot.map(SlotInput::parse));
        let valid_until = self.valid_until;
        let revision = || Some(Revision { price: price?, message: message?, slot: slot?, valid_until });
        fields.finish(revision())
    }
}

/// Change an offer, or affirm it for the edited request.
#[utoipa::path(params(IfMatch), request_body = ReviseOffer, responses((status = 200, body = OfferView)))]
#[patch("/offers/{id}")]
pub(super) async fn revise(
    Id(id): Id<OfferId>,
    Body(body): Body<ReviseOffer>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let revision = body.parse()?;
    call.run(move |uow, scope| {
        let offer = offers::revise(uow, scope, id, seen, &revision)?;
        Ok(Reply::ok(&OfferView::of(scope, &offer))?.etag(offer.version))
    })
    .await
}
