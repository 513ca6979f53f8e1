//! Domain events of tasks. They go to the project's room, and say how things are afterwards: who applies them
//! in order has the board, whatever of it was known before.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::events::DomainEvent;
use crate::ids::{ColumnId, ProjectId, Room, TaskId, UserId};

use super::{Position, Task};

/// How a task changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Updated,
    Restored,
}

/// A task was created, updated or restored. Contains the whole task, so that clients need no further request.
#[derive(Debug, Serialize)]
pub(super) struct TaskChanged<'a> {
    task_id: TaskId,
    #[serde(flatten)]
    task: &'a Task,
    #[serde(skip)]
    change: Change,
}

impl<'a> TaskChanged<'a> {
    pub(super) fn new(change: Change, task: &'a Task) -> Self {
        Self { task_id: task.id, task, change }
    }
}

impl DomainEvent for TaskChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "task.created",
            Change::Updated => "task.updated",
            Change::Restored => "task.restored",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.task.project_id)]
    }
}

/// A task was moved.
#[derive(Debug, Serialize)]
pub(super) struct TaskMoved<'a> {
    pub(super) task_id: TaskId,
    pub(super) project_id: ProjectId,
    /// The column that it left.
    pub(super) from_column_id: Option<ColumnId>,
    pub(super) column_id: ColumnId,
    pub(super) position: &'a Position,
    pub(super) version: i64,
    pub(super) updated_at: Timestamp,
}

impl DomainEvent for TaskMoved<'_> {
    fn kind(&self) -> &'static str {
        "task.moved"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}

/// A task left the board.
#[derive(Debug, Serialize)]
pub(super) struct TaskArchived {
    pub(super) task_id: TaskId,
    pub(super) project_id: ProjectId,
    pub(super) version: i64,
    pub(super) archived_at: Timestamp,
}

impl DomainEvent for TaskArchived {
    fn kind(&self) -> &'static str {
        "task.archived"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}

/// Tasks have no assignee any more, since that user is no member any more.
#[derive(Debug, Serialize)]
pub(super) struct TasksUnassigned {
    pub(super) project_id: ProjectId,
    pub(super) user_id: UserId,
    pub(super) tasks: Vec<TaskVersion>,
    pub(super) updated_at: Timestamp,
}

/// A task and its new version.
#[derive(Debug, Serialize)]
pub(super) struct TaskVersion {
    pub(super) task_id: TaskId,
    pub(super) version: i64,
}

impl DomainEvent for TasksUnassigned {
    fn kind(&self) -> &'static str {
        "task.unassigned"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}

/// A column's positions were spread anew. Nothing else changed, no order and no version.
#[derive(Debug, Serialize)]
pub(super) struct ColumnRebalanced {
    pub(super) project_id: ProjectId,
    pub(super) column_id: ColumnId,
    pub(super) positions: Vec<Placed>,
}

/// A task and its new position.
#[derive(Debug, Serialize)]
pub(super) struct Placed {
    pub(super) task_id: TaskId,
    pub(super) position: Position,
}

impl DomainEvent for ColumnRebalanced {
    fn kind(&self) -> &'static str {
        "column.rebalanced"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}
