//! The `focus` command.

use crate::domain::projects;
use crate::ids::{ProjectId, Room};
use crate::protocol::TaskFocus;
use crate::protocol::board::Focus;
use crate::realtime::handlers::{Outcome, Refusal, SessionContext};

/// Tells the board's other members what this connection looks at or edits. Every member may look; only who
/// may change the board can edit.
pub(super) async fn focus(
    caller: &SessionContext,
    project: ProjectId,
    wanted: Focus,
) -> Result<Outcome, Refusal> {
    let Focus { task_id, editing } = wanted;
    let editing = editing && task_id.is_some();
    if editing {
        let scope = caller.scope.clone();
        caller.db().read(move |uow| projects::check_may_plan(uow, &scope, project)).await?;
    }
    let own = caller.target.client().filter(|_| caller.target.project() == Some(project));
    let focus = TaskFocus {
        by: caller.scope.user(),
        session_id: caller.connection(),
        client_id: own.map(|client| client.as_str().clone()),
        task_id,
        editing,
        at: caller.gateway.app().clock.now(),
    };
    caller.hub.focus(&Room::Project(project), focus)?;
    Ok(Outcome::Done)
}
