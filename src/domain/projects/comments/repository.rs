//! Storage of comments: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::task_comments as comments;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::{CommentId, TaskId};

use super::Comment;

/// The task's comments, newest first.
pub(super) fn of_task(
    uow: &mut UnitOfWork<'_>,
    task: TaskId,
    page: Page<CommentId>,
) -> Result<Vec<Comment>, DbError> {
    let mut query = comments::table.filter(comments::task_id.eq(task)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(comments::id.lt(before));
    }
    Ok(query.order(comments::id.desc()).limit(page.fetch()).select(Comment::as_select()).load(uow.conn())?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    _project: &Authorized<Project>,
    comment: &Comment,
) -> Result<(), DbError> {
    diesel::insert_into(comments::table)
        .values((
            comments::id.eq(comment.id),
            comments::task_id.eq(comment.task_id),
            comments::user_id.eq(comment.user_id),
            comments::text.eq(&comment.text),
            comments::created_at.eq(comment.created_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}
