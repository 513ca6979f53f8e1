//! Commands that read: `board`, `task.list`, `comment.list`, `invitation.list`.

use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{ProjectRole, Scope};
use crate::domain::projects::board::{self, Board};
use crate::domain::projects::columns::Column;
use crate::domain::projects::tasks::{self, Archived, Task};
use crate::domain::projects::{self, ProjectTitle, comments, invitations};
use crate::domain::{Error, Page, Slice};
use crate::ids::{CommentId, InvitationId, ProjectId, Seq, TaskId, UserId};
use crate::protocol::{AckBody, BoardAnswer};
use crate::realtime::handlers::{Outcome, Refusal, SessionContext};

/// Items of a page. Ten of the largest tasks still fit into what may wait for a client.
const ITEMS: u16 = 10;

/// A page of a list, newest first.
#[derive(Serialize)]
struct List<T, I> {
    items: Vec<T>,
    /// Given as `before`, brings the next page.
    next: Option<I>,
}

impl<T, I> List<T, I> {
    fn of(Slice { items, next }: Slice<T, I>) -> Self {
        Self { items, next }
    }
}

#[derive(Serialize)]
struct BoardPage {
    project_id: ProjectId,
    title: ProjectTitle,
    version: i64,
    members: Vec<MemberOfBoard>,
    columns: Vec<Column>,
    tasks: Vec<Task>,
    head: Seq,
    next: Option<TaskId>,
}

#[derive(Serialize)]
struct MemberOfBoard {
    user_id: UserId,
    display_name: String,
    role: ProjectRole,
}

/// A page of the board, with the position after which to follow its events.
pub(super) async fn page(
    caller: &SessionContext,
    project: ProjectId,
    after: Option<TaskId>,
) -> Result<Outcome, Refusal> {
    let answer = reading(caller, "board", move |uow, scope| {
        let Board { project, columns, tasks, head, next } = board::read(uow, scope, project, after)?;
        let mut names = projects::names(uow, std::slice::from_ref(&project))?;
        let members = project.members.iter().map(|member| MemberOfBoard {
            user_id: member.user,
            display_name: names.remove(&member.user).unwrap_or_default(),
            role: member.role,
        });
        Ok(BoardPage {
            project_id: project.id,
            title: project.title.clone(),
            version: project.version,
            members: members.collect(),
            columns,
            tasks,
            head,
            next,
        })
    });
    answer.await
}

/// A page of the archived tasks.
pub(super) async fn archived(
    caller: &SessionContext,
    project: ProjectId,
    before: Option<TaskId>,
) -> Result<Outcome, Refusal> {
    let page = Page { before, limit: ITEMS };
    let answer = reading(caller, "tasks", move |uow, scope| {
        Ok(List::of(tasks::list(uow, scope, project, Archived::Yes, page)?))
    });
    answer.await
}

/// A page of the comments on a task.
pub(super) async fn comments(
    caller: &SessionContext,
    project: ProjectId,
    task: TaskId,
    before: Option<CommentId>,
) -> Result<Outcome, Refusal> {
    let page = Page { before, limit: ITEMS };
    let answer = reading(caller, "comments", move |uow, scope| {
        Ok(List::of(comments::list(uow, scope, project, task, page)?))
    });
    answer.await
}

/// A page of the project's invitations.
pub(super) async fn invitations(
    caller: &SessionContext,
    project: ProjectId,
    before: Option<InvitationId>,
) -> Result<Outcome, Refusal> {
    let page = Page { before, limit: ITEMS };
    let answer = reading(caller, "invitations", move |uow, scope| {
        Ok(List::of(invitations::list(uow, scope, project, page)?))
    });
    answer.await
}

/// Reads, and answers with the named value.
async fn reading<T: Serialize>(
    caller: &SessionContext,
    name: &'static str,
    read: impl FnOnce(&mut UnitOfWork<'_>, &Scope) -> Result<T, Error> + Send + 'static,
) -> Result<Outcome, Refusal> {
    let scope = caller.scope.clone();
    let read = caller.db().read(move |uow| {
        let value = read(uow, &scope)?;
        Ok::<_, Error>(to_raw_value(&value).map_err(DbError::from)?)
    });
    let value = read.await?.into();
    Ok(Outcome::Answer(AckBody::Board(BoardAnswer { name: name.into(), value })))
}
