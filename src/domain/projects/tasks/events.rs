//! Domain events of tasks. They go to the project's room.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ProjectId, Room, TaskId, UserId};

use super::{Position, Status, Task, TaskText, TaskTitle};

/// A task was created. Contains the whole task, so that clients need no further request.
#[derive(Debug, Serialize)]
pub(crate) struct TaskCreated<'a> {
    task_id: TaskId,
    project_id: ProjectId,
    created_by: UserId,
    title: &'a TaskTitle,
    text: &'a TaskText,
    status: Status,
    position: &'a Position,
    version: i64,
}

impl<'a> TaskCreated<'a> {
    pub(super) fn new(task: &'a Task) -> Self {
        Self {
            task_id: task.id,
            project_id: task.project_id,
            created_by: task.created_by,
            title: &task.title,
            text: &task.text,
            status: task.status,
            position: &task.position,
            version: task.version,
        }
    }
}

impl DomainEvent for TaskCreated<'_> {
    fn kind(&self) -> &'static str {
        "task.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id)]
    }
}
