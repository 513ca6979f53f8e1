//! The `board` command.

use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::db::DbError;
use crate::domain::Error;
use crate::domain::policy::ProjectRole;
use crate::domain::projects::board::{self, Board};
use crate::domain::projects::columns::Column;
use crate::domain::projects::tasks::Task;
use crate::domain::projects::{self, ProjectTitle};
use crate::ids::{ProjectId, Seq, TaskId, UserId};
use crate::protocol::{AckBody, BoardAnswer};
use crate::realtime::handlers::{Caller, Outcome, Refusal};

#[derive(Serialize)]
struct Page {
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
    caller: &Caller,
    project: ProjectId,
    after: Option<TaskId>,
) -> Result<Outcome, Refusal> {
    let scope = caller.scope.clone();
    let read = caller.db().read(move |uow| {
        let Board { project, columns, tasks, head, next } = board::read(uow, &scope, project, after)?;
        let mut names = projects::names(uow, std::slice::from_ref(&project))?;
        let members = project.members.iter().map(|member| MemberOfBoard {
            user_id: member.user,
            display_name: names.remove(&member.user).unwrap_or_default(),
            role: member.role,
        });
        let page = Page {
            project_id: project.id,
            title: project.title.clone(),
            version: project.version,
            members: members.collect(),
            columns,
            tasks,
            head,
            next,
        };
        Ok::<_, Error>(to_raw_value(&page).map_err(DbError::from)?)
    });
    let value = read.await?.into();
    Ok(Outcome::Answer(AckBody::Board(BoardAnswer { name: "board".into(), value })))
}
