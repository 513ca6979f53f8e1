//! Comments on tasks. Authorization is that of the project: who may change a task may comment on it.

mod events;
mod repository;
mod service;

pub(crate) use service::{add, list};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::text::MultiLine;
use crate::ids::{CommentId, TaskId, UserId};

/// Text of a comment.
pub(crate) type CommentText = MultiLine<2000>;

/// A comment on a task.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable, serde::Serialize, utoipa::ToSchema)]
#[diesel(table_name = schema::task_comments)]
pub(crate) struct Comment {
    /// Primary key.
    pub(crate) id: CommentId,
    /// The task it is about.
    pub(crate) task_id: TaskId,
    /// Who wrote it.
    pub(crate) user_id: UserId,
    /// What they wrote.
    pub(crate) text: CommentText,
    /// When.
    pub(crate) created_at: Timestamp,
}
