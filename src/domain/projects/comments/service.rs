//! Use cases of comments.

use crate::db::UnitOfWork;
use crate::domain::policy::Scope;
use crate::domain::projects::tasks;
use crate::domain::{Error, Page, Slice};
use crate::ids::{CommentId, ProjectId, TaskId};

use super::events::CommentAdded;
use super::{Comment, CommentText, repository};

/// Adds a comment to a task, archived or not.
pub(crate) fn add(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    task: TaskId,
    text: &CommentText,
) -> Result<Comment, Error> {
    let (project, task) = tasks::load_to_change(uow, scope, project, task)?;
    let now = uow.now();
    let (id, text) = (CommentId::new(now), text.clone());
    let comment = Comment { id, task_id: task.id, user_id: scope.user(), text, created_at: now };
    repository::insert(uow, &project, &comment)?;
    uow.record(
        Some(scope.user()),
        &CommentAdded { comment_id: id, project_id: project.id, comment: &comment },
    );
    Ok(comment)
}

/// The comments on a task of a project that the caller may read, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    task: TaskId,
    page: Page<CommentId>,
) -> Result<Slice<Comment, CommentId>, Error> {
    let task = tasks::find(uow, scope, project, task)?;
    let rows = repository::of_task(uow, task.id, page)?;
    Ok(page.slice(rows, |comment| comment.id))
}
