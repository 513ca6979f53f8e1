//! `/entries/{id}/reflections`: what a text generator wrote about an entry, for the entry's owner only.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::entries::reflections::{self, Reflection};
use crate::domain::{Error, Kind};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::{Id, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{EntryId, ReflectionId};
use crate::jobs::ReflectionStatus;

use super::generated::{FailureView, Status};

/// All routes under `/entries/{id}/reflections`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(create).service(get_one).service(remove);
}

/// A reflection on a journal entry: stored, being written, or failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Reflection)]
struct ReflectionView {
    id: ReflectionId,
    entry_id: EntryId,
    status: Status,
    /// The whole text of a stored reflection; the text so far of one that is being written.
    text: Option<String>,
    /// The place in line, while it waits for others to be written; 1 is next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place: Option<usize>,
    /// The version of the entry that a stored reflection is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    entry_version: Option<i64>,
    /// The generator that wrote a stored reflection: `extractive`, `ollama` or `openai`.
    #[serde(skip_serializing_if = "Option::is_none")]
    generator: Option<String>,
    /// When a stored reflection was whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    /// Why a reflection failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureView>,
}

impl From<Reflection> for ReflectionView {
    fn from(reflection: Reflection) -> Self {
        let Reflection { id, entry_id, entry_version, generator, text, created_at } = reflection;
        Self {
            text: Some(text),
            entry_version: Some(entry_version),
            generator: Some(generator),
            created_at: Some(created_at),
            ..Self::new(id, entry_id, Status::Done)
        }
    }
}

impl ReflectionView {
    fn new(id: ReflectionId, entry_id: EntryId, status: Status) -> Self {
        Self {
            id,
            entry_id,
            status,
            text: None,
            place: None,
            entry_version: None,
            generator: None,
            created_at: None,
            error: None,
        }
    }

    fn of_status(id: ReflectionId, entry_id: EntryId, status: ReflectionStatus) -> Self {
        match status {
            ReflectionStatus::Running(text, place) => {
                Self { text: Some(text), place, ..Self::new(id, entry_id, Status::Running) }
            }
            ReflectionStatus::Failed(failure) => {
                Self { error: Some(failure.into()), ..Self::new(id, entry_id, Status::Failed) }
            }
        }
    }
}

/// The stored reflections on an entry, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<ReflectionView>)))]
#[get("/entries/{id}/reflections")]
async fn list(
    call: ReadCall,
    Id(entry): Id<EntryId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    let journal = call.app().journal.clone();
    call.read(move |uow, scope| {
        let slice = reflections::list(uow, &journal, scope, entry, page)?;
        Reply::ok(&Paged::of(slice.map(ReflectionView::from)))
    })
    .await
}

/// Have a reflection written, for clients without a WebSocket: 202 at once, and `Location` tells how it goes.
///
/// Each call has one written, after the one that is being written on the entry. Texts that are written for one
/// user at once are a matter of the plan; further ones wait.
#[utoipa::path(responses((status = 202, body = ReflectionView)))]
#[post("/entries/{id}/reflections")]
async fn create(Id(entry): Id<EntryId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    // A task of its own, which goes on when the client leaves: what is accepted must also begin.
    match actix_web::rt::spawn(accept(entry, call)).await {
        Ok(answer) => answer,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

async fn accept(entry: EntryId, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let per_user = app.limits(scope.plan()).generations;
    let id = app.reflections.new_id();
    let accepted = call
        .run_private(move |uow, _, scope| {
            reflections::authorize(uow, scope, entry)?;
            let view = ReflectionView::new(id, entry, Status::Running);
            Reply::accepted(format!("/entries/{entry}/reflections/{id}"), &view)
        })
        .await?;
    let location = accepted.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let named = location.and_then(|location| location.rsplit('/').next()?.parse().ok()).unwrap_or(id);
    // A stored answer names a reflection of an earlier call, which a restart may have ended before it was whole.
    let is_stored = named != id && app.db.read(move |uow| reflections::exists(uow, entry, named)).await?;
    if !is_stored {
        app.reflections.begin_detached(&scope, entry, per_user, named)?;
    }
    Ok(accepted)
}

/// A reflection. One that is being written is answered with what there is of it; one that failed is remembered
/// for a while.
#[utoipa::path(responses((status = 200, body = ReflectionView)))]
#[get("/entries/{id}/reflections/{reflection_id}")]
async fn get_one(
    call: ReadCall,
    Ids(entry, id): Ids<EntryId, ReflectionId>,
) -> Result<HttpResponse, Problem> {
    let (app, journal) = (call.app().clone(), call.app().journal.clone());
    call.read_current(move |uow, scope| {
        // Before the row is looked for: a reflection that is stored meanwhile is found by one or the other.
        let status = app.reflections.status(entry, id);
        let view = match reflections::find(uow, &journal, scope, entry, id)? {
            Some(stored) => stored.into(),
            None => {
                let status = status.ok_or(Error::NotFound(Kind::Reflection))?;
                ReflectionView::of_status(id, entry, status)
            }
        };
        Reply::ok(&view)
    })
    .await
}

/// Delete a reflection.
#[utoipa::path(responses((status = 204)))]
#[delete("/entries/{id}/reflections/{reflection_id}")]
async fn remove(
    Ids(entry, id): Ids<EntryId, ReflectionId>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        reflections::delete(uow, scope, entry, id)?;
        Ok(Reply::no_content())
    })
    .await
}
