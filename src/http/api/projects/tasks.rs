//! `/projects/{id}/tasks`: the tasks on a project's board.

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::projects::tasks::{self, NewTask, Position, Status, Task, TaskText, TaskTitle};
use crate::http::{Body, Fields, Id, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{ProjectId, TaskId, UserId};

/// A task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
struct TaskView {
    id: TaskId,
    project_id: ProjectId,
    /// The user who created it.
    created_by: UserId,
    title: TaskTitle,
    text: TaskText,
    /// The column of the board that it is in.
    status: Status,
    /// Its position in the column: tasks are ordered by these texts, byte by byte.
    position: Position,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            project_id: task.project_id,
            created_by: task.created_by,
            title: task.title,
            text: task.text,
            status: task.status,
            position: task.position,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// The tasks of a project, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<TaskView>)))]
#[get("/projects/{id}/tasks")]
pub(super) async fn list(
    call: ReadCall,
    Id(project): Id<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        Reply::ok(&Paged::of(tasks::list(uow, scope, project, page)?.map(TaskView::from)))
    })
    .await
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
}

impl CreateTask {
    fn parse(self) -> Result<NewTask, Error> {
        let mut fields = Fields::default();
        let title = fields.take("title", TaskTitle::parse(&self.title));
        let text = fields.take("text", TaskText::parse(&self.text));
        let new = || Some(NewTask { title: title?, text: text? });
        fields.finish(new())
    }
}

/// Create a task (editors and owners).
#[utoipa::path(request_body = CreateTask, responses((status = 201, body = TaskView)))]
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
        Ok(Reply::created(location, &TaskView::from(task))?.etag(version))
    })
    .await
}

/// A task.
#[utoipa::path(responses((status = 200, body = TaskView), (status = 304)))]
#[get("/projects/{id}/tasks/{task_id}")]
pub(super) async fn get_one(
    call: ReadCall,
    Ids(project, id): Ids<ProjectId, TaskId>,
) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let task = tasks::find(uow, scope, project, id)?;
        let version = task.version;
        Ok(Reply::ok(&TaskView::from(task))?.etag(version))
    })
    .await
}
