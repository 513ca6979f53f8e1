//! `/projects/{id}/tasks`: the tasks on a project's board. Where they are is changed in `task_moves.rs`.

use actix_web::{HttpResponse, get, patch, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::projects::tasks::{
    self, Archived, Label, NewTask, Place, Task, TaskInput, TaskText, TaskTitle,
};
use crate::domain::text::SingleLine;
use crate::http::input::nullable;
use crate::http::{Body, Id, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply, Seen};
use crate::ids::{ColumnId, ProjectId, TaskId, UserId};

/// Which tasks, and which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TasksQuery {
    /// Archived tasks instead of those on the board.
    #[serde(default)]
    archived: bool,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// The tasks of a project, newest first.
#[utoipa::path(params(TasksQuery), responses((status = 200, body = Paged<Task>)))]
#[get("/projects/{id}/tasks")]
pub(super) async fn list(
    call: ReadCall,
    Id(project): Id<ProjectId>,
    Query(query): Query<TasksQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.parse(call.app())?;
    let archived = if query.archived { Archived::Yes } else { Archived::No };
    call.read(move |uow, scope| Reply::ok(&Paged::of(tasks::list(uow, scope, project, archived, page)?)))
        .await
}

/// An item of a checklist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemInput {
    /// 1 to 200 characters.
    #[schema(value_type = SingleLine<200>)]
    text: String,
    #[serde(default)]
    done: bool,
}

fn items(given: Option<Vec<ItemInput>>) -> Option<Vec<(String, bool)>> {
    given.map(|items| items.into_iter().map(|item| (item.text, item.done)).collect())
}

/// A new task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateTask {
    /// 1 to 200 characters.
    #[schema(value_type = TaskTitle)]
    title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    #[schema(value_type = TaskText)]
    text: String,
    /// Its column; the board's first one if absent.
    column_id: Option<ColumnId>,
    /// The task that it follows; null for the first place, absent for the last.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TaskId>)]
    after: Option<Option<TaskId>>,
    /// A member of the project.
    assignee_id: Option<UserId>,
    due_at: Option<Timestamp>,
    /// At most 20, each of 1 to 40 characters.
    #[schema(value_type = Option<Vec<Label>>, max_items = 20)]
    labels: Option<Vec<String>>,
    /// At most 50 items.
    #[schema(max_items = 50)]
    checklist: Option<Vec<ItemInput>>,
}

impl CreateTask {
    fn parse(self) -> Result<NewTask, Error> {
        let input = TaskInput {
            title: Some(self.title),
            text: Some(self.text),
            assignee: Some(self.assignee_id),
            due_at: Some(self.due_at),
            labels: self.labels,
            checklist: items(self.checklist),
        };
        Ok(NewTask { column: self.column_id, place: Place::of(self.after), content: input.parse()? })
    }
}

/// Create a task (editors and owners).
#[utoipa::path(request_body = CreateTask, responses((status = 201, body = Task)))]
#[post("/projects/{id}/tasks")]
pub(super) async fn create(
    Id(project): Id<ProjectId>,
    Body(body): Body<CreateTask>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    call.run(move |uow, scope| {
        let task = tasks::create(uow, scope, project, &new)?;
        let (location, version) = (format!("/projects/{project}/tasks/{}", task.id), task.version);
        Ok(Reply::created(location, &task)?.etag(version))
    })
    .await
}

/// A task.
// Its position may change without its version, so there is no 304.
#[utoipa::path(responses((status = 200, body = Task)))]
#[get("/projects/{id}/tasks/{task_id}")]
pub(super) async fn get_one(
    call: ReadCall,
    Ids(project, id): Ids<ProjectId, TaskId>,
) -> Result<HttpResponse, Problem> {
    call.read_current(move |uow, scope| reply(&tasks::find(uow, scope, project, id)?)).await
}

/// What to change in a task; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditTask {
    /// 1 to 200 characters.
    #[schema(value_type = Option<TaskTitle>)]
    title: Option<String>,
    /// At most 4,000 characters.
    #[schema(value_type = Option<TaskText>)]
    text: Option<String>,
    /// A member of the project, or null for nobody.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<UserId>)]
    assignee_id: Option<Option<UserId>>,
    /// A time, or null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Timestamp>)]
    due_at: Option<Option<Timestamp>>,
    /// At most 20, each of 1 to 40 characters.
    #[schema(value_type = Option<Vec<Label>>, max_items = 20)]
    labels: Option<Vec<String>>,
    /// At most 50 items.
    #[schema(max_items = 50)]
    checklist: Option<Vec<ItemInput>>,
}

impl EditTask {
    fn into_input(self) -> TaskInput {
        TaskInput {
            title: self.title,
            text: self.text,
            assignee: self.assignee_id,
            due_at: self.due_at,
            labels: self.labels,
            checklist: items(self.checklist),
        }
    }
}

/// Change a task (editors and owners).
///
/// If somebody was faster, the answer has the task as it is now in `current`.
#[utoipa::path(params(Seen), request_body = EditTask, responses((status = 200, body = Task)))]
#[patch("/projects/{id}/tasks/{task_id}")]
pub(super) async fn edit(
    Ids(project, id): Ids<ProjectId, TaskId>,
    Body(body): Body<EditTask>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    let changes = body.into_input().parse()?;
    call.run(move |uow, scope| reply(&tasks::update(uow, scope, project, id, seen, &changes)?)).await
}

/// 200 with the task and its version.
pub(super) fn reply(task: &Task) -> Result<Reply, Error> {
    Ok(Reply::ok(task)?.etag(task.version))
}
