//! `/entries`: journal entries, for their owners only.

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::entries::{self, Entry, EntryText, EntryTitle, NewEntry};
use crate::http::{Body, Fields, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::EntryId;

/// All routes under `/entries`.
pub(super) fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(list).service(create).service(get_one);
}

/// A journal entry.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
struct EntryView {
    id: EntryId,
    /// The room of its live reflections.
    #[schema(example = "entry:01890a5d-ac96-774b-bcce-b302099a8057")]
    room: String,
    title: Option<EntryTitle>,
    text: EntryText,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            room: entry.room().to_string(),
            title: entry.title,
            text: entry.text,
            version: entry.version,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// Your journal, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<EntryView>)))]
#[get("/entries")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| Reply::ok(&Paged::of(entries::list(uow, scope, page)?.map(EntryView::from))))
        .await
}

/// A new journal entry.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateEntry {
    /// 1 to 120 characters.
    #[schema(value_type = Option<EntryTitle>)]
    title: Option<String>,
    /// 1 to 20,000 characters.
    #[schema(schema_with = EntryText::some)]
    text: String,
}

impl CreateEntry {
    fn parse(self) -> Result<NewEntry, Error> {
        let mut fields = Fields::default();
        let title = fields.take_optional("title", self.title.as_deref().map(EntryTitle::parse));
        let text = fields.take("text", EntryText::parse_some(&self.text));
        let new = || Some(NewEntry { title: title?, text: text? });
        fields.finish(new())
    }
}

/// Create a journal entry. Nobody else can read it, not even an admin.
#[utoipa::path(request_body = CreateEntry, responses((status = 201, body = EntryView)))]
#[post("/entries")]
async fn create(Body(body): Body<CreateEntry>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    call.run(move |uow, scope| {
        let entry = entries::create(uow, scope, &new)?;
        let version = entry.version;
        Ok(Reply::created(format!("/entries/{}", entry.id), &EntryView::from(entry))?.etag(version))
    })
    .await
}

/// A journal entry.
#[utoipa::path(responses((status = 200, body = EntryView), (status = 304)))]
#[get("/entries/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<EntryId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let entry = entries::find(uow, scope, id)?.into_row();
        let version = entry.version;
        Ok(Reply::ok(&EntryView::from(entry))?.etag(version))
    })
    .await
}
