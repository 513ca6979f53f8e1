//! `/projects/{id}/board` and `/projects/{id}/activity`: a board as a whole, and what happened on it.

use std::sync::Arc;

use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::projects::board::{self, Board};
use crate::domain::projects::columns::Column;
use crate::domain::projects::tasks::Task;
use crate::events::Envelope;
use crate::http::{Id, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{ProjectId, Seq, TaskId, UserId};

use super::ProjectView;

/// A page of a board.
#[derive(Serialize, ToSchema)]
#[schema(as = Board)]
struct BoardView {
    project: ProjectView,
    /// All columns, in their order.
    columns: Vec<Column>,
    /// Tasks on the board, oldest first: at most 500, or about 128 KiB.
    tasks: Vec<Task>,
    /// Position of the room's newest event that this contains: `join` the room with it as `since`, that of
    /// the first page if there are more.
    #[schema(value_type = u64)]
    head: Seq,
    /// Give it as `after` for the next page; null on the last.
    next: Option<TaskId>,
}

/// Which page of a board.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BoardQuery {
    /// `next` of the page before.
    after: Option<TaskId>,
}

/// A board: its columns, its tasks without archived ones, its members.
#[utoipa::path(params(BoardQuery), responses((status = 200, body = BoardView)))]
#[get("/projects/{id}/board")]
pub(super) async fn read(
    call: ReadCall,
    Id(id): Id<ProjectId>,
    Query(query): Query<BoardQuery>,
) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let Board { project, columns, tasks, head, next } = board::read(uow, scope, id, query.after)?;
        let project = ProjectView::read(uow, scope, &project)?;
        Reply::ok(&BoardView { project, columns, tasks, head, next })
    })
    .await
}

/// Something that happened on a board: an event of its room.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
struct ActivityView {
    /// Position in the room.
    #[schema(value_type = u64)]
    seq: Seq,
    /// What, as `noun.verb`.
    #[schema(value_type = String)]
    kind: Arc<str>,
    /// Who; null for the system.
    by: Option<UserId>,
    at: Timestamp,
    /// The event's own fields, as the room's members got them.
    #[schema(value_type = Object)]
    data: Arc<RawValue>,
}

impl From<Envelope> for ActivityView {
    fn from(event: Envelope) -> Self {
        let Envelope { seq, kind, by, at, data, .. } = event;
        Self { seq, kind, by, at, data }
    }
}

/// What happened on a board, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<ActivityView>)))]
#[get("/projects/{id}/activity")]
pub(super) async fn activity(
    call: ReadCall,
    Id(id): Id<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        Reply::ok(&Paged::of(board::activity(uow, scope, id, page)?.map(ActivityView::from)))
    })
    .await
}
