//! Domain events of columns. They go to the project's room.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::domain::projects::tasks::Position;
use crate::events::DomainEvent;
use crate::ids::{ColumnId, ProjectId, Room, TaskId};

use super::Column;

/// How a column changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Updated,
    Moved,
}

/// A column was created, updated or moved. Contains the whole column, and the order of all.
#[derive(Debug, Serialize)]
pub(super) struct ColumnChanged<'a> {
    pub(super) column_id: ColumnId,
    #[serde(flatten)]
    pub(super) column: &'a Column,
    /// All columns of the board, in their order.
    pub(super) order: Vec<ColumnId>,
    #[serde(skip)]
    pub(super) change: Change,
}

impl DomainEvent for ColumnChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "column.created",
            Change::Updated => "column.updated",
            Change::Moved => "column.moved",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.column.project_id)]
    }
}

/// A column was deleted; its tasks went to another one.
#[derive(Debug, Serialize)]
pub(super) struct ColumnDeleted {
    pub(super) column_id: ColumnId,
    pub(super) project_id: ProjectId,
    /// The columns that are left, in their order.
    pub(super) order: Vec<ColumnId>,
    /// Where its tasks went, if it had any.
    pub(super) to_column_id: Option<ColumnId>,
    pub(super) tasks: Vec<Evacuated>,
    pub(super) updated_at: Timestamp,
}

/// A task of a deleted column, in its new one.
#[derive(Debug, Serialize)]
pub(super) struct Evacuated {
    pub(super) task_id: TaskId,
    pub(super) position: Position,
    pub(super) version: i64,
}

impl DomainEvent for ColumnDeleted {
    fn kind(&self) -> &'static str {
        "column.deleted"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}
