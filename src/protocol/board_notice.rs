//! What clients are told of a board, besides the events of its room.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, ProjectId, TaskId, UserId};

/// What one connection looks at or edits on a board; the newest counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFocus {
    /// The user.
    pub(crate) by: UserId,
    /// The connection: a user may have several.
    pub(crate) session_id: ConnectionId,
    /// The client's own id, on the endpoint of boards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<Arc<str>>,
    /// The task; `None` if no longer any.
    pub(crate) task_id: Option<TaskId>,
    /// Whether the task is being edited.
    pub(crate) editing: bool,
    /// Since when.
    pub(crate) at: Timestamp,
}

/// A client that opened or closed a board, as the older system told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoardClient {
    /// The client's id.
    pub(crate) client_id: Arc<str>,
    /// Its user.
    pub(crate) user_id: UserId,
    /// The user's email address.
    pub(crate) user_email: Arc<str>,
    /// The project of the board.
    pub(crate) project_id: ProjectId,
    /// When.
    pub(crate) timestamp: Timestamp,
    /// Clients that have the board open from now on.
    pub(crate) active_clients: usize,
}

/// The answer to a command about a board: one named value, such as `task` and its representation.
#[derive(Debug, Clone)]
pub struct BoardAnswer {
    /// The value's name.
    pub(crate) name: Cow<'static, str>,
    /// The value.
    pub(crate) value: Arc<RawValue>,
}

impl Serialize for BoardAnswer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(&self.name, &self.value)])
    }
}
