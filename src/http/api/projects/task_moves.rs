//! `/projects/{id}/tasks/{task_id}/…`: where a task is.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::projects::tasks::{self, Place, Task};
use crate::http::input::nullable;
use crate::http::{Body, IdempotentCall, Ids, Problem, Seen};
use crate::ids::{ColumnId, ProjectId, TaskId};

use super::tasks::reply;

/// Where a task goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveTask {
    column_id: ColumnId,
    /// The task that it follows; null for the first place, absent for the last.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TaskId>)]
    after: Option<Option<TaskId>>,
}

/// Move a task (editors and owners). 409 `wip_limit` if the column is full.
#[utoipa::path(params(Seen), request_body = MoveTask, responses((status = 200, body = Task)))]
#[post("/projects/{id}/tasks/{task_id}/move")]
pub(super) async fn relocate(
    Ids(project, id): Ids<ProjectId, TaskId>,
    Body(body): Body<MoveTask>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    let (column, place) = (body.column_id, Place::of(body.after));
    call.run(move |uow, scope| reply(&tasks::move_to(uow, scope, project, id, seen, column, place)?)).await
}

/// Archive a task (editors and owners): it leaves the board and can be restored.
#[utoipa::path(params(Seen), responses((status = 200, body = Task)))]
#[post("/projects/{id}/tasks/{task_id}/archive")]
pub(super) async fn archive(
    Ids(project, id): Ids<ProjectId, TaskId>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| reply(&tasks::archive(uow, scope, project, id, seen)?)).await
}

/// Restore an archived task (editors and owners).
///
/// It goes to the end of its column, or of the first one if that is gone.
#[utoipa::path(params(Seen), responses((status = 200, body = Task)))]
#[post("/projects/{id}/tasks/{task_id}/restore")]
pub(super) async fn restore(
    Ids(project, id): Ids<ProjectId, TaskId>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| reply(&tasks::restore(uow, scope, project, id, seen)?)).await
}
