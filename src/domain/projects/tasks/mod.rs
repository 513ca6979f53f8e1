//! Tasks on a project's board. Authorization is that of the project.
//!
//! Whoever changes a board locks its project first ([`repository::lock`](super::repository::lock)): the
//! board's limits and positions are then read and changed by one unit of work at a time. More than one could
//! not commit at once anyway, since each appends to the log of the project's room.

mod content;
mod events;
mod moves;
mod placement;
mod position;
mod repository;
mod service;

pub(crate) use content::{Checklist, Label, Labels, TaskChanges, TaskInput};
pub(in crate::domain::projects) use moves::evacuate;
pub(crate) use moves::{archive, move_to, restore};
pub(in crate::domain::projects) use placement::rebalance;
pub(crate) use position::Position;
pub(crate) use repository::Archived;
pub(in crate::domain::projects) use service::load_to_change;
pub(crate) use service::{NewTask, create, find, list, page_of_board, unassign, update};

use crate::clock::Timestamp;
use crate::db::{schema, text_enum};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{ColumnId, ProjectId, TaskId, UserId};

/// Title of a task.
pub(crate) type TaskTitle = SingleLine<200>;

/// Description of a task.
pub(crate) type TaskText = MultiLine<4000>;

/// Maximum number of tasks on a board; archived ones do not count. Bounds what a client has to hold.
pub(crate) const MOST_TASKS: i64 = 2_000;

text_enum! {
    /// What the release before called the board's only column. Written for it, read by nobody.
    enum Status {
        /// The only one.
        Todo = "todo",
    }
}

/// A task on a project's board.
#[derive(
    Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable, serde::Serialize, utoipa::ToSchema,
)]
#[diesel(table_name = schema::tasks)]
pub(crate) struct Task {
    /// Primary key.
    pub(crate) id: TaskId,
    /// The project it belongs to.
    pub(crate) project_id: ProjectId,
    /// The column it is in. Null only for an archived task whose column was deleted.
    pub(crate) column_id: Option<ColumnId>,
    /// Its position in the column: tasks are ordered by these texts, byte by byte. May change without a new
    /// version, when a column's positions are spread anew.
    #[diesel(deserialize_as = String)]
    pub(crate) position: Position,
    /// The user who created it.
    pub(crate) created_by: UserId,
    /// Title, as on the board.
    pub(crate) title: TaskTitle,
    /// Description.
    pub(crate) text: TaskText,
    /// The member who does it.
    pub(crate) assignee_id: Option<UserId>,
    /// When it should be done.
    pub(crate) due_at: Option<Timestamp>,
    /// Labels, in the order in which they were given.
    #[diesel(deserialize_as = String)]
    pub(crate) labels: Labels,
    /// What has to be done.
    #[diesel(deserialize_as = String)]
    pub(crate) checklist: Checklist,
    /// When it was archived; null while it is on the board.
    pub(crate) archived_at: Option<Timestamp>,
    /// Incremented by each change of the task.
    #[schema(minimum = 1)]
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

/// Where something is put among its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<I> {
    /// Before all others.
    First,
    /// Directly after this one.
    After(I),
    /// After all others.
    Last,
}

impl<I> Place<I> {
    /// As clients write it: `null` is first, absent is last.
    pub(crate) fn of(after: Option<Option<I>>) -> Self {
        match after {
            None => Self::Last,
            Some(None) => Self::First,
            Some(Some(neighbour)) => Self::After(neighbour),
        }
    }
}
