//! `/projects/{id}/tasks/{task_id}/comments`: what members say about a task.

use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::Error;
use crate::domain::projects::comments::{self, Comment, CommentText};
use crate::http::{Body, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{ProjectId, TaskId};

/// The comments on a task, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<Comment>)))]
#[get("/projects/{id}/tasks/{task_id}/comments")]
pub(super) async fn list(
    call: ReadCall,
    Ids(project, task): Ids<ProjectId, TaskId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| Reply::ok(&Paged::of(comments::list(uow, scope, project, task, page)?))).await
}

/// A new comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateComment {
    /// 1 to 2,000 characters.
    #[schema(schema_with = CommentText::some)]
    text: String,
}

/// Comment on a task (editors and owners).
#[utoipa::path(request_body = CreateComment, responses((status = 201, body = Comment)))]
#[post("/projects/{id}/tasks/{task_id}/comments")]
pub(super) async fn add(
    Ids(project, task): Ids<ProjectId, TaskId>,
    Body(body): Body<CreateComment>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let text = CommentText::parse_some(&body.text).map_err(|must| Error::invalid("text", must))?;
    call.run(move |uow, scope| {
        let comment = comments::add(uow, scope, project, task, &text)?;
        Reply::created(format!("/projects/{project}/tasks/{task}/comments"), &comment)
    })
    .await
}
