//! `/providers/{id}/templates`: a provider's offer templates, for their owner only.

use actix_web::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::money::Money;
use crate::domain::offers::Message;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::providers::{CatalogItem, Template, TemplateChanges};
use crate::domain::text::SingleLine;
use crate::http::input::MoneyInput;
use crate::http::schema::changes;
use crate::http::{Body, Fields, Id, IdempotentCall, Ids, IfMatch, PageQuery, Paged, Query, ReadCall};
use crate::ids::{ProviderId, TemplateId};

use super::catalog::{self, Answer, ItemView};

/// A ready-made offer text.
#[derive(Serialize, ToSchema)]
#[schema(as = Template)]
struct TemplateView {
    id: TemplateId,
    provider_id: ProviderId,
    title: SingleLine<120>,
    message: Message,
    price: Money,
    /// What you may do with it.
    #[schema(schema_with = changes::<CatalogItem<Template>>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ItemView for TemplateView {
    type Kind = Template;
    const COLLECTION: &'static str = "templates";

    fn of(scope: &Scope, item: &CatalogItem<Template>) -> Self {
        let Template { title, message, price } = item.kind.clone();
        Self {
            id: item.id,
            provider_id: item.provider_id,
            title,
            message,
            price,
            allowed_actions: allowed_changes(scope, item),
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A new template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddTemplate {
    /// 1 to 120 characters.
    #[schema(value_type = SingleLine<120>)]
    title: String,
    /// 1 to 2,000 characters.
    #[schema(schema_with = Message::some)]
    message: String,
    price: MoneyInput,
}

impl AddTemplate {
    fn parse(self) -> Result<Template, Error> {
        let mut fields = Fields::default();
        let title = fields.take("title", SingleLine::parse(&self.title));
        let message = fields.take("message", Message::parse_some(&self.message));
        let price = fields.take("price", self.price.parse());
        let template = || Some(Template { title: title?, message: message?, price: price? });
        fields.finish(template())
    }
}

/// What to change in a template; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditTemplate {
    /// 1 to 120 characters.
    #[schema(value_type = Option<SingleLine<120>>)]
    title: Option<String>,
    /// 1 to 2,000 characters.
    #[schema(schema_with = Message::some)]
    message: Option<String>,
    price: Option<MoneyInput>,
}

impl EditTemplate {
    fn parse(self) -> Result<TemplateChanges, Error> {
        let mut fields = Fields::default();
        let title = fields.take_optional("title", self.title.as_deref().map(SingleLine::parse));
        let message = fields.take_optional("message", self.message.as_deref().map(Message::parse_some));
        let price = fields.take_optional("price", self.price.map(|price| price.parse()));
        let changes = || Some(TemplateChanges { title: title?, message: message?, price: price? });
        fields.finish(changes())
    }
}

/// Your templates, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<TemplateView>)))]
#[get("/providers/{id}/templates")]
pub(super) async fn list(call: ReadCall, shop: Id<ProviderId>, page: Query<PageQuery>) -> Answer {
    catalog::list::<TemplateView>(call, shop, page).await
}

/// Create a template.
#[utoipa::path(request_body = AddTemplate, responses((status = 201, body = TemplateView)))]
#[post("/providers/{id}/templates")]
pub(super) async fn add(shop: Id<ProviderId>, Body(body): Body<AddTemplate>, call: IdempotentCall) -> Answer {
    catalog::add::<TemplateView>(call, shop, body.parse()?).await
}

/// A template.
#[utoipa::path(responses((status = 200, body = TemplateView), (status = 304)))]
#[get("/providers/{id}/templates/{template_id}")]
pub(super) async fn get_one(call: ReadCall, ids: Ids<ProviderId, TemplateId>) -> Answer {
    catalog::get_one::<TemplateView>(call, ids).await
}

/// Change a template.
#[utoipa::path(params(IfMatch), request_body = EditTemplate, responses((status = 200, body = TemplateView)))]
#[patch("/providers/{id}/templates/{template_id}")]
pub(super) async fn edit(
    ids: Ids<ProviderId, TemplateId>,
    Body(body): Body<EditTemplate>,
    call: IdempotentCall,
    seen: IfMatch,
) -> Answer {
    catalog::edit::<TemplateView>(call, ids, seen, body.parse()?).await
}

/// Delete a template.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/providers/{id}/templates/{template_id}")]
pub(super) async fn remove(ids: Ids<ProviderId, TemplateId>, call: IdempotentCall, seen: IfMatch) -> Answer {
    catalog::remove::<TemplateView>(call, ids, seen).await
}
