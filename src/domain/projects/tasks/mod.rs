//! Tasks on a project's board. Authorization is that of the project.

mod events;
mod repository;
mod service;

pub(crate) use events::TaskCreated;
pub(crate) use service::{NewTask, create, find, list};

use crate::clock::Timestamp;
use crate::db::{schema, text_enum};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{ProjectId, TaskId, UserId};

/// Title of a task.
pub(crate) type TaskTitle = SingleLine<200>;

/// Description of a task.
pub(crate) type TaskText = MultiLine<4000>;

text_enum! {
    /// The board's column that a task is in.
    pub(crate) enum Status as "TaskStatus" {
        /// The first column; new tasks start here.
        Todo = "todo",
    }
}

/// Where a task stands within its column: the order of these texts, byte by byte, is the order of the tasks.
///
/// Texts and not numbers, because between any two of them there is room for a third without touching the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub(crate) struct Position(String);

impl Position {
    /// A position after all existing tasks. Ids sort by creation time, so this needs neither a query for the
    /// last task nor a lock between concurrent creations.
    pub(crate) fn of_new(id: TaskId) -> Self {
        Self(id.as_str().replace('-', ""))
    }

    /// The key to sort by, bytewise.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// For Diesel; a stored position was validated when it was written.
impl From<String> for Position {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A task on a project's board.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::tasks)]
pub(crate) struct Task {
    /// Primary key.
    pub(crate) id: TaskId,
    /// The project it belongs to.
    pub(crate) project_id: ProjectId,
    /// The creating user.
    pub(crate) created_by: UserId,
    /// Title, as on the board.
    pub(crate) title: TaskTitle,
    /// Description.
    pub(crate) text: TaskText,
    /// The column it is in.
    pub(crate) status: Status,
    /// Order within that column.
    #[diesel(deserialize_as = String)]
    pub(crate) position: Position,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_task_stands_behind_those_before_it() {
        let at = Timestamp::from_seconds(1_700_000_000).unwrap();
        let early = Position::of_new(TaskId::new(at));
        let late = Position::of_new(TaskId::new(at.plus(std::time::Duration::from_millis(2))));
        assert!(early < late);
        assert!(early.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()), "room between any two");
    }
}
