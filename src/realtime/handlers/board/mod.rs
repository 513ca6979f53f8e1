//! Commands about a project's board: so many that a client needs no REST.

mod changes;
mod focus;
mod read;

use sha2::{Digest, Sha256};

use crate::domain::projects::invitations::InvitationSecret;
use crate::domain::repeats::{self, Repeatable};
use crate::domain::sessions::ClientMsgId;
use crate::ids::ProjectId;
use crate::protocol::{AckBody, BoardAnswer, BoardCommand, ErrorCode, OnProject};

use super::{Outcome, Refusal, SessionContext};

/// Runs a command about a board. Changes are answered only once they are committed.
pub(super) async fn run(caller: &SessionContext, on_project: OnProject) -> Result<Outcome, Refusal> {
    let OnProject { project, client_msg_id, command } = on_project;
    let project = project.or(caller.target.project());
    match command {
        BoardCommand::Read(page) => read::page(caller, named(project)?, page.after).await,
        BoardCommand::ListTasks(page) => read::archived(caller, named(project)?, page.before).await,
        BoardCommand::ListComments(page) => {
            read::comments(caller, named(project)?, page.task_id, page.before).await
        }
        BoardCommand::ListInvitations(page) => read::invitations(caller, named(project)?, page.before).await,
        BoardCommand::Focus(wanted) => focus::focus(caller, named(project)?, wanted).await,
        command => change(caller, project, client_msg_id.as_deref(), command).await,
    }
}

/// The project that a command names, or else the one that the connection was opened for.
fn named(project: Option<ProjectId>) -> Result<ProjectId, Refusal> {
    project.ok_or_else(|| Refusal::invalid("project_id", "is required here"))
}

async fn change(
    caller: &SessionContext,
    project: Option<ProjectId>,
    client_msg_id: Option<&str>,
    command: BoardCommand,
) -> Result<Outcome, Refusal> {
    let repeatable = match client_msg_id {
        None => None,
        Some(id) => {
            let id = ClientMsgId::parse(id).map_err(|must| Refusal::invalid("client_msg_id", &must))?;
            Some(Repeatable::new(project, &id, fingerprint(&command)?))
        }
    };
    let secret = match &command {
        BoardCommand::CreateInvitation(new) if new.user_id.is_none() => {
            Some(InvitationSecret::generate().map_err(internal)?)
        }
        _ => None,
    };
    // An answer that has a secret is kept sealed.
    let journal =
        matches!(command, BoardCommand::CreateInvitation(_)).then(|| caller.gateway.app().journal.clone());
    let change = changes::Change::parse(project, &command, secret)?;
    let scope = caller.scope.clone();
    let done = caller.db().write(move |uow| {
        repeats::once(uow, &scope, repeatable.as_ref(), journal.as_ref(), |uow| change.run(uow, &scope))
    });
    let (name, value) = done.await?;
    Ok(Outcome::Answer(AckBody::Board(BoardAnswer { name: name.into(), value })))
}

/// Tells a command that is sent again from another one with the same id.
fn fingerprint(command: &BoardCommand) -> Result<String, Refusal> {
    let contents = serde_json::to_vec(command).map_err(internal)?;
    Ok(Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn internal(error: impl std::fmt::Display) -> Refusal {
    log::error!("a board's command failed: {error}");
    Refusal::new(ErrorCode::Internal, "our fault; it has been logged")
}
