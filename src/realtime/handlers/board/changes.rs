//! Commands that change a board: each parses the domain's types and runs one use case.

use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::db::{DbError, UnitOfWork};
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::domain::projects::columns::{self, ColumnInput};
use crate::domain::projects::comments::{self, CommentText};
use crate::domain::projects::invitations::{self, Invitation, InvitationSecret, NewInvitation, Wanted};
use crate::domain::projects::tasks::{self, NewTask, Place, TaskChanges, TaskInput};
use crate::domain::projects::{self, Member};
use crate::domain::repeats::Answer;
use crate::ids::{ColumnId, InvitationId, ProjectId, TaskId, UserId};
use crate::protocol::BoardCommand as Command;
use crate::protocol::board::TaskContent;
use crate::realtime::handlers::Refusal;

use super::named;

/// A change of a board, ready to be run.
pub(super) enum Change {
    OnProject(ProjectId, Box<OnProject>),
    Accept(Wanted),
    Decline(InvitationId),
}

/// A change of a project's board.
pub(super) enum OnProject {
    CreateTask(NewTask),
    UpdateTask(TaskId, i64, TaskChanges),
    MoveTask(TaskId, i64, ColumnId, Place<TaskId>),
    ArchiveTask(TaskId, i64),
    RestoreTask(TaskId, i64),
    CreateColumn(ColumnInput, Place<ColumnId>),
    UpdateColumn(ColumnId, i64, ColumnInput),
    MoveColumn(ColumnId, i64, Place<ColumnId>),
    DeleteColumn(ColumnId, i64, Option<ColumnId>),
    AddComment(TaskId, CommentText),
    SetMember(Member),
    RemoveMember(UserId),
    Invite(NewInvitation, Option<InvitationSecret>),
    RevokeInvitation(InvitationId),
}

impl Change {
    /// Parses a command that changes something.
    pub(super) fn parse(
        project: Option<ProjectId>,
        command: &Command,
        secret: Option<InvitationSecret>,
    ) -> Result<Self, Refusal> {
        let change = match command.clone() {
            Command::AcceptInvitation(by) => return accept(by.invitation_id, by.secret.as_deref()),
            Command::DeclineInvitation(one) => return Ok(Self::Decline(one.invitation_id)),
            Command::CreateTask(new, content) => OnProject::CreateTask(NewTask {
                column: new.column_id,
                place: Place::of(new.after),
                content: parsed(content)?,
            }),
            Command::UpdateTask(task, content) => {
                OnProject::UpdateTask(task.task_id, task.version, parsed(content)?)
            }
            Command::MoveTask(to) => {
                OnProject::MoveTask(to.task_id, to.version, to.column_id, Place::of(to.after))
            }
            Command::ArchiveTask(task) => OnProject::ArchiveTask(task.task_id, task.version),
            Command::RestoreTask(task) => OnProject::RestoreTask(task.task_id, task.version),
            Command::CreateColumn(new) => {
                let input = ColumnInput { name: Some(new.name), wip_limit: Some(new.wip_limit) };
                OnProject::CreateColumn(input, Place::of(new.after))
            }
            Command::UpdateColumn(column) => {
                let input = ColumnInput { name: column.name, wip_limit: column.wip_limit };
                OnProject::UpdateColumn(column.column_id, column.version, input)
            }
            Command::MoveColumn(to) => OnProject::MoveColumn(to.column_id, to.version, Place::of(to.after)),
            Command::DeleteColumn(column) => {
                OnProject::DeleteColumn(column.column_id, column.version, column.to_column_id)
            }
            Command::AddComment(comment) => {
                let text = CommentText::parse_some(&comment.text);
                OnProject::AddComment(comment.task_id, text.map_err(|must| Refusal::invalid("text", &must))?)
            }
            Command::SetMember(member) => {
                let role = member.role.parse().map_err(|must: String| Refusal::invalid("role", &must))?;
                OnProject::SetMember(Member { user: member.user_id, role })
            }
            Command::RemoveMember(member) => OnProject::RemoveMember(member.user_id),
            Command::CreateInvitation(new) => {
                let hash = secret.as_ref().map(InvitationSecret::hash);
                let new = NewInvitation::parse(new.user_id, hash, &new.role, new.expires_in)?;
                OnProject::Invite(new, secret)
            }
            Command::RevokeInvitation(one) => OnProject::RevokeInvitation(one.invitation_id),
            // Not changes; `board::run` carries them out.
            Command::Read(_)
            | Command::ListTasks(_)
            | Command::ListComments(_)
            | Command::ListInvitations(_)
            | Command::Focus(_) => return Err(Refusal::invalid("type", "changes nothing")),
        };
        Ok(Self::OnProject(named(project)?, Box::new(change)))
    }

    /// Runs the use case; returns the answer.
    pub(super) fn run(&self, uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Answer, Error> {
        match self {
            Self::OnProject(project, change) => change.run(uow, scope, *project),
            Self::Accept(wanted) => {
                let project = invitations::accept(uow, scope, wanted)?;
                answer("project", &Joined { id: project.id, room: project.room().to_string() })
            }
            Self::Decline(id) => answer("invitation", &invitations::decline(uow, scope, *id)?),
        }
    }
}

impl OnProject {
    fn run(&self, uow: &mut UnitOfWork<'_>, scope: &Scope, project: ProjectId) -> Result<Answer, Error> {
        match self {
            Self::CreateTask(new) => answer("task", &tasks::create(uow, scope, project, new)?),
            Self::UpdateTask(id, seen, changes) => {
                answer("task", &tasks::update(uow, scope, project, *id, Some(*seen), changes)?)
            }
            Self::MoveTask(id, seen, column, place) => {
                answer("task", &tasks::move_to(uow, scope, project, *id, Some(*seen), *column, *place)?)
            }
            Self::ArchiveTask(id, seen) => {
                answer("task", &tasks::archive(uow, scope, project, *id, Some(*seen))?)
            }
            Self::RestoreTask(id, seen) => {
                answer("task", &tasks::restore(uow, scope, project, *id, Some(*seen))?)
            }
            Self::CreateColumn(input, place) => {
                answer("column", &columns::create(uow, scope, project, input, *place)?)
            }
            Self::UpdateColumn(id, seen, input) => {
                answer("column", &columns::update(uow, scope, project, *id, Some(*seen), input)?)
            }
            Self::MoveColumn(id, seen, place) => {
                answer("column", &columns::move_to(uow, scope, project, *id, Some(*seen), *place)?)
            }
            Self::DeleteColumn(id, seen, to) => {
                columns::delete(uow, scope, project, *id, Some(*seen), *to)?;
                answer("column_id", id)
            }
            Self::AddComment(task, text) => {
                answer("comment", &comments::add(uow, scope, project, *task, text)?)
            }
            Self::SetMember(member) => {
                let (project, _) = projects::set_member(uow, scope, project, None, *member)?;
                let Member { user, role } = *member;
                answer("member", &ChangedMember { user_id: user, role, version: project.version })
            }
            Self::RemoveMember(user) => {
                projects::remove_member(uow, scope, project, None, *user)?;
                answer("user_id", user)
            }
            Self::Invite(new, secret) => {
                let invitation = invitations::create(uow, scope, project, new)?;
                let secret = secret.as_ref().map(InvitationSecret::as_str);
                answer("invitation", &Invited { invitation, secret })
            }
            Self::RevokeInvitation(id) => {
                answer("invitation", &invitations::revoke(uow, scope, project, *id)?)
            }
        }
    }
}

/// The project that the caller has joined, and its room.
#[derive(Serialize)]
struct Joined {
    id: ProjectId,
    room: String,
}

/// A member, and the project's version.
#[derive(Serialize)]
struct ChangedMember {
    user_id: UserId,
    role: crate::domain::policy::ProjectRole,
    version: i64,
}

/// A new invitation, and the secret of its link.
#[derive(Serialize)]
struct Invited<'a> {
    #[serde(flatten)]
    invitation: Invitation,
    secret: Option<&'a str>,
}

fn answer(name: &str, value: &impl Serialize) -> Result<Answer, Error> {
    Ok((name.to_owned(), to_raw_value(value).map_err(DbError::from)?.into()))
}

fn accept(id: Option<InvitationId>, secret: Option<&str>) -> Result<Change, Refusal> {
    match (id, secret) {
        (Some(id), None) => Ok(Change::Accept(Wanted::Named(id))),
        (None, Some(secret)) => Ok(Change::Accept(Wanted::BySecret(InvitationSecret::hash_of(secret)))),
        _ => Err(Refusal::invalid("invitation_id", "or `secret` is required, and not both")),
    }
}

fn parsed(content: TaskContent) -> Result<TaskChanges, Refusal> {
    let TaskContent { title, text, assignee_id, due_at, labels, checklist } = content;
    let items = |items: Vec<crate::protocol::board::Item>| {
        items.into_iter().map(|item| (item.text, item.done)).collect()
    };
    let input =
        TaskInput { title, text, assignee: assignee_id, due_at, labels, checklist: checklist.map(items) };
    Ok(input.parse()?)
}
