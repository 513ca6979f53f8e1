//! `/entries`: journal entries, for their owners only.

use actix_web::{HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::entries::{self, Content, Entry, EntryChanges, EntryText, EntryTitle, SearchText};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::input::nullable;
use crate::http::{
    Body, Fields, Id, IdempotentCall, IfMatch, PageQuery, Paged, Problem, Query, ReadCall, Reply,
};
use crate::ids::EntryId;

/// All routes under `/entries`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(create).service(get_one).service(edit).service(remove);
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
            title: entry.content.title,
            text: entry.content.text,
            version: entry.version,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// What to search for, and which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only entries whose title or text contains this, whatever its case: 1 to 100 characters.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Your journal, newest first. A search looks through a bounded part of it per call: a page may be short, or even
/// empty, and still have a `next_cursor`.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<EntryView>)))]
#[get("/entries")]
async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.parse(call.app())?;
    let wanted = query.q.as_deref().map(SearchText::parse).transpose();
    let wanted = wanted.map_err(|error| Error::invalid("q", error))?;
    let journal = call.app().journal.clone();
    call.read(move |uow, scope| {
        let slice = match &wanted {
            Some(wanted) => entries::search(uow, &journal, scope, wanted, page)?,
            None => entries::list(uow, &journal, scope, page)?,
        };
        Reply::ok(&Paged::of(slice.map(EntryView::from)))
    })
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
    fn parse(self) -> Result<Content, Error> {
        let mut fields = Fields::default();
        let title = fields.take_optional("title", self.title.as_deref().map(EntryTitle::parse));
        let text = fields.take("text", EntryText::parse_some(&self.text));
        let new = || Some(Content { title: title?, text: text? });
        fields.finish(new())
    }
}

/// Create a journal entry. Nobody else can read it, not even an admin.
#[utoipa::path(request_body = CreateEntry, responses((status = 201, body = EntryView)))]
#[post("/entries")]
async fn create(Body(body): Body<CreateEntry>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    call.run_private(move |uow, journal, scope| {
        let entry = entries::create(uow, journal, scope, &new)?;
        let version = entry.version;
        Ok(Reply::created(format!("/entries/{}", entry.id), &EntryView::from(entry))?.etag(version))
    })
    .await
}

/// A journal entry.
#[utoipa::path(responses((status = 200, body = EntryView), (status = 304)))]
#[get("/entries/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<EntryId>) -> Result<HttpResponse, Problem> {
    let journal = call.app().journal.clone();
    call.read(move |uow, scope| {
        let entry = entries::find(uow, &journal, scope, id)?;
        let version = entry.version;
        Ok(Reply::ok(&EntryView::from(entry))?.etag(version))
    })
    .await
}

/// What to change in a journal entry; absent fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditEntry {
    /// 1 to 120 characters, or null to remove it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<EntryTitle>)]
    title: Option<Option<String>>,
    /// 1 to 20,000 characters.
    #[schema(schema_with = EntryText::some, required = false)]
    text: Option<String>,
}

impl EditEntry {
    fn parse(self) -> Result<EntryChanges, Error> {
        let mut fields = Fields::default();
        let title = match &self.title {
            Some(Some(title)) => {
                fields.take("title", EntryTitle::parse(title)).map(|title| Some(Some(title)))
            }
            Some(None) => Some(Some(None)),
            None => Some(None),
        };
        let text = fields.take_optional("text", self.text.as_deref().map(EntryText::parse_some));
        let changes = || Some(EntryChanges { title: title?, text: text? });
        fields.finish(changes())
    }
}

/// Change a journal entry.
#[utoipa::path(params(IfMatch), request_body = EditEntry, responses((status = 200, body = EntryView)))]
#[patch("/entries/{id}")]
async fn edit(
    Id(id): Id<EntryId>,
    Body(body): Body<EditEntry>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let changes = body.parse()?;
    call.run_private(move |uow, journal, scope| {
        let entry = entries::edit(uow, journal, scope, id, &changes, seen)?;
        let version = entry.version;
        Ok(Reply::ok(&EntryView::from(entry))?.etag(version))
    })
    .await
}

/// Delete a journal entry, and all reflections on it.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/entries/{id}")]
async fn remove(
    Id(id): Id<EntryId>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let reflections = call.app().reflections.clone();
    let done = call
        .run(move |uow, scope| {
            entries::delete(uow, scope, id, seen)?;
            Ok(Reply::no_content())
        })
        .await?;
    reflections.entry_deleted(id);
    Ok(done)
}
