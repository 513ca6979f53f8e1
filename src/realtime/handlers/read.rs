//! The `read` command.

use super::{Outcome, Refusal, SessionContext};
use crate::domain::sessions::{mark_read, markers};
use crate::ids::{Room, Seq};
use crate::realtime::rooms;

/// Records how far the caller has read; the marker never moves back.
pub(super) async fn mark(caller: &SessionContext, room: Room, seq: Seq) -> Result<Outcome, Refusal> {
    if let Room::LoadTest(_) = room {
        return Err(Refusal::invalid("room", "is a load test's; nothing is kept of its members"));
    }
    let scope = caller.scope.clone();
    let marked = caller.db().write(move |uow| match room {
        Room::Session(session) => mark_read(uow, &scope, session, seq),
        _ => {
            rooms::authorize(uow, &scope, &room)?;
            Ok(markers::advance(uow, scope.user(), &room, seq)?)
        }
    });
    marked.await?;
    Ok(Outcome::Done)
}
