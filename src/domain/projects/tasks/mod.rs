//! Tasks: the work of a project, on its board. Who may see and change them is a matter of the project.

mod events;
mod repository;
mod service;

pub use events::TaskCreated;
pub use service::{NewTask, create, find, list};

use crate::clock::Timestamp;
use crate::db::{schema, text_enum};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{ProjectId, TaskId, UserId};

/// What a task is called.
pub type TaskTitle = SingleLine<200>;

/// What there is to say about a task.
pub type TaskText = MultiLine<4000>;

text_enum! {
    /// The column of the board that a task stands in.
    pub enum Status as "TaskStatus" {
        /// Where every task begins.
        Todo = "todo",
    }
}

/// Where a task stands within its column: the order of these texts, byte by byte, is the order of the tasks.
///
/// Texts and not numbers, because between any two of them there is room for a third without touching the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Position(String);

impl Position {
    /// Behind those that were there before it: ids sort by the time that they were made, so that nobody has to look
    /// which one is the last, and two that come at once need not wait for each other.
    pub fn of_new(id: TaskId) -> Self {
        Self(id.as_str().replace('-', ""))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is stored was a position before; lets Diesel read it.
impl From<String> for Position {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A task.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::tasks)]
pub struct Task {
    /// Primary key.
    pub id: TaskId,
    /// Of which project.
    pub project_id: ProjectId,
    /// Who put it there.
    pub created_by: UserId,
    /// What it is called.
    pub title: TaskTitle,
    /// What there is to say about it.
    pub text: TaskText,
    /// In which column it stands.
    pub status: Status,
    /// Where in that column.
    #[diesel(deserialize_as = String)]
    pub position: Position,
    /// Incremented by each change.
    pub version: i64,
    /// When it was put there.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
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
