//! Commands about a project's board: each read from its own JSON object.
//!
//! Here, unlike elsewhere, `null` may say something that absence does not: nobody, no time, no limit, the
//! first place.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

use super::ErrorCode;
use crate::clock::Timestamp;
use crate::ids::{ColumnId, CommentId, InvitationId, ProjectId, TaskId, UserId};
use crate::json::{self, DocumentError};

/// What is wrong with a command, as for the commands of `fields.rs`.
type FieldError = (ErrorCode, String);

/// A command about a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnProject {
    /// The project; on the endpoint of a board it may be absent.
    pub(crate) project: Option<ProjectId>,
    /// The client's own id for this command. The same id again is the same command, and gets the same answer.
    pub(crate) client_msg_id: Option<String>,
    /// What is to be done.
    pub(crate) command: BoardCommand,
}

/// What is to be done on a board.
///
/// Serialized only to tell whether a command is sent again.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) enum BoardCommand {
    /// Read the board, a page at a time.
    Read(ReadBoard),
    /// Read the archived tasks.
    ListTasks(ReadPage<TaskId>),
    /// Read the comments on a task.
    ListComments(ReadComments),
    /// Read the project's invitations.
    ListInvitations(ReadPage<InvitationId>),
    /// Create a task.
    CreateTask(CreateTask, TaskContent),
    /// Change what a task contains.
    UpdateTask(UpdateTask, TaskContent),
    /// Move a task.
    MoveTask(MoveTask),
    /// Take a task off the board.
    ArchiveTask(SeenTask),
    /// Put an archived task back.
    RestoreTask(SeenTask),
    /// Create a column.
    CreateColumn(CreateColumn),
    /// Rename a column, or change its limit.
    UpdateColumn(UpdateColumn),
    /// Move a column.
    MoveColumn(MoveColumn),
    /// Delete a column.
    DeleteColumn(DeleteColumn),
    /// Comment on a task.
    AddComment(AddComment),
    /// Add a member, or change a member's role.
    SetMember(SetMember),
    /// Remove a member, or leave.
    RemoveMember(RemoveMember),
    /// Invite a user, or whoever holds a link.
    CreateInvitation(CreateInvitation),
    /// Revoke an invitation.
    RevokeInvitation(OneInvitation),
    /// Accept an invitation.
    AcceptInvitation(AcceptInvitation),
    /// Decline an invitation.
    DeclineInvitation(OneInvitation),
    /// Tell the others which task one looks at or edits.
    Focus(Focus),
}

impl BoardCommand {
    /// As [`Command::only_reads`](super::Command::only_reads).
    pub(crate) fn only_reads(&self) -> bool {
        match self {
            Self::Read(_) | Self::ListTasks(_) | Self::ListComments(_) | Self::ListInvitations(_) => true,
            Self::CreateTask(..)
            | Self::UpdateTask(..)
            | Self::MoveTask(_)
            | Self::ArchiveTask(_)
            | Self::RestoreTask(_)
            | Self::CreateColumn(_)
            | Self::UpdateColumn(_)
            | Self::MoveColumn(_)
            | Self::DeleteColumn(_)
            | Self::AddComment(_)
            | Self::SetMember(_)
            | Self::RemoveMember(_)
            | Self::CreateInvitation(_)
            | Self::RevokeInvitation(_)
            | Self::AcceptInvitation(_)
            | Self::DeclineInvitation(_)
            | Self::Focus(_) => false,
        }
    }

    /// The command's name in `type`, in logs and in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Read(_) => "board",
            Self::ListTasks(_) => "task.list",
            Self::ListComments(_) => "comment.list",
            Self::ListInvitations(_) => "invitation.list",
            Self::CreateTask(..) => "task.create",
            Self::UpdateTask(..) => "task.update",
            Self::MoveTask(_) => "task.move",
            Self::ArchiveTask(_) => "task.archive",
            Self::RestoreTask(_) => "task.restore",
            Self::CreateColumn(_) => "column.create",
            Self::UpdateColumn(_) => "column.update",
            Self::MoveColumn(_) => "column.move",
            Self::DeleteColumn(_) => "column.delete",
            Self::AddComment(_) => "comment.add",
            Self::SetMember(_) => "member.set",
            Self::RemoveMember(_) => "member.remove",
            Self::CreateInvitation(_) => "invitation.create",
            Self::RevokeInvitation(_) => "invitation.revoke",
            Self::AcceptInvitation(_) => "invitation.accept",
            Self::DeclineInvitation(_) => "invitation.decline",
            Self::Focus(_) => "focus",
        }
    }
}

/// Without its contents: what people write, and the secrets of links.
impl fmt::Debug for BoardCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a command of this name from its JSON object; `None` if it is no command about a board.
pub(super) fn read(name: &str, object: &str) -> Option<Result<OnProject, FieldError>> {
    use BoardCommand as To;
    let command = match name {
        "board" => parse(object).map(To::Read),
        "task.list" => parse(object).map(To::ListTasks),
        "comment.list" => parse(object).map(To::ListComments),
        "invitation.list" => parse(object).map(To::ListInvitations),
        "task.create" => parse(object).and_then(|task| Ok(To::CreateTask(task, parse(object)?))),
        "task.update" => parse(object).and_then(|task| Ok(To::UpdateTask(task, parse(object)?))),
        "task.move" => parse(object).map(To::MoveTask),
        "task.archive" => parse(object).map(To::ArchiveTask),
        "task.restore" => parse(object).map(To::RestoreTask),
        "column.create" => parse(object).map(To::CreateColumn),
        "column.update" => parse(object).map(To::UpdateColumn),
        "column.move" => parse(object).map(To::MoveColumn),
        "column.delete" => parse(object).map(To::DeleteColumn),
        "comment.add" => parse(object).map(To::AddComment),
        "member.set" => parse(object).map(To::SetMember),
        "member.remove" => parse(object).map(To::RemoveMember),
        "invitation.create" => parse(object).map(To::CreateInvitation),
        "invitation.revoke" => parse(object).map(To::RevokeInvitation),
        "invitation.accept" => parse(object).map(To::AcceptInvitation),
        "invitation.decline" => parse(object).map(To::DeclineInvitation),
        "focus" => parse(object).map(To::Focus),
        _ => return None,
    };
    Some(command.and_then(|command| {
        let Around { project_id, client_msg_id } = parse(object)?;
        Ok(OnProject { project: project_id, client_msg_id, command })
    }))
}

/// The fields that all of them have.
#[derive(Deserialize)]
struct Around {
    project_id: Option<ProjectId>,
    client_msg_id: Option<String>,
}

/// Which page of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadBoard {
    /// The last task of the page before.
    pub(crate) after: Option<TaskId>,
}

/// Which page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadPage<I> {
    /// The last one of the page before.
    pub(crate) before: Option<I>,
}

/// Which page of the comments on a task, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadComments {
    pub(crate) task_id: TaskId,
    pub(crate) before: Option<CommentId>,
}

/// What people write into a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskContent {
    pub(crate) title: Option<String>,
    pub(crate) text: Option<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) assignee_id: Option<Option<UserId>>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Option<Timestamp>>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) checklist: Option<Vec<Item>>,
}

/// An item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) done: bool,
}

/// A task to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreateTask {
    pub(crate) column_id: Option<ColumnId>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Option<TaskId>>,
}

/// A change of what a task contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateTask {
    pub(crate) task_id: TaskId,
    pub(crate) version: i64,
}

/// Where a task goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoveTask {
    pub(crate) task_id: TaskId,
    pub(crate) version: i64,
    pub(crate) column_id: ColumnId,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Option<TaskId>>,
}

/// A task, and the version that the client has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenTask {
    pub(crate) task_id: TaskId,
    pub(crate) version: i64,
}

/// A column to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreateColumn {
    pub(crate) name: String,
    pub(crate) wip_limit: Option<i32>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Option<ColumnId>>,
}

/// A change of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateColumn {
    pub(crate) column_id: ColumnId,
    pub(crate) version: i64,
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) wip_limit: Option<Option<i32>>,
}

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoveColumn {
    pub(crate) column_id: ColumnId,
    pub(crate) version: i64,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Option<ColumnId>>,
}

/// A column to delete, and where its tasks go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeleteColumn {
    pub(crate) column_id: ColumnId,
    pub(crate) version: i64,
    pub(crate) to_column_id: Option<ColumnId>,
}

/// A comment to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddComment {
    pub(crate) task_id: TaskId,
    pub(crate) text: String,
}

/// A member's role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetMember {
    pub(crate) user_id: UserId,
    pub(crate) role: String,
}

/// A member to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemoveMember {
    pub(crate) user_id: UserId,
}

/// Whom to invite, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreateInvitation {
    pub(crate) user_id: Option<UserId>,
    pub(crate) role: String,
    pub(crate) expires_in: Option<u32>,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OneInvitation {
    pub(crate) invitation_id: InvitationId,
}

/// An invitation to accept: by its id, or by the secret of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcceptInvitation {
    pub(crate) invitation_id: Option<InvitationId>,
    pub(crate) secret: Option<String>,
}

/// The task that a client looks at or edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Focus {
    pub(crate) task_id: Option<TaskId>,
    #[serde(default)]
    pub(crate) editing: bool,
}

/// Tells `null` from an absent field.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn parse<T: DeserializeOwned>(object: &str) -> Result<T, FieldError> {
    json::from_slice(object.as_bytes()).map_err(|error| {
        let message = match error {
            DocumentError::Syntax(_) => "the command must be a JSON object".to_owned(),
            DocumentError::Data { message, .. } if message.starts_with("missing field") => message,
            DocumentError::Data { path, message } if message.starts_with("must ") => {
                format!("`{path}` {message}")
            }
            // Other texts of serde quote the value, which may be long, or a secret in the wrong field.
            DocumentError::Data { path, .. } => format!("`{path}` is not of the right type"),
        };
        (ErrorCode::Invalid, message)
    })
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
