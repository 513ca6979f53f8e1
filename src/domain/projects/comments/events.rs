//! The domain event of comments. It goes to the project's room.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{CommentId, ProjectId, Room};

use super::Comment;

/// A comment was added.
#[derive(Debug, Serialize)]
pub(super) struct CommentAdded<'a> {
    pub(super) comment_id: CommentId,
    pub(super) project_id: ProjectId,
    #[serde(flatten)]
    pub(super) comment: &'a Comment,
}

impl DomainEvent for CommentAdded<'_> {
    fn kind(&self) -> &'static str {
        "comment.added"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}
