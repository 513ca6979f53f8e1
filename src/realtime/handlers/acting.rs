//! What callers may not do who act as somebody else: change anything, or be seen.

use crate::domain::Error;
use crate::domain::policy::refuse_write;
use crate::hub::has_presence;
use crate::ids::Room;
use crate::protocol::{Command, ErrorCode};

use super::{Refusal, SessionContext};

/// Refuses a command that changes something or would show the caller to others. What each use case and the policy
/// refuse is refused here before: some commands have no row that the policy could check.
pub(super) async fn check(caller: &SessionContext, command: &Command) -> Result<(), Refusal> {
    if !command.only_reads() {
        let (scope, name) = (caller.scope.clone(), command.name());
        let refused = caller.db().write(move |uow| Err::<(), Error>(refuse_write(uow, &scope, name)));
        return Ok(refused.await?);
    }
    match command {
        Command::Join { room, .. } => check_unseen(room),
        _ => Ok(()),
    }
}

/// Others would see the user come, and take that for the user's own doing.
fn check_unseen(room: &Room) -> Result<(), Refusal> {
    if !has_presence(room) {
        return Ok(());
    }
    let why = "the members of this room would see its user in it; read it with `history` instead";
    Err(Refusal::new(ErrorCode::Forbidden, why))
}
