//! The commands about reflections: `reflect`, `regenerate` and `cancel`.

use std::time::Duration;

use crate::hub::Pushed;
use crate::ids::{EntryId, ReflectionId};
use crate::jobs::{Failure, Follower, Step};
use crate::protocol::close::CloseReason;
use crate::protocol::{AckBody, ErrorCode, Notice};

use super::{Caller, Outcome, Refusal};

/// Follows the reflection on an entry. A session that follows it already goes on with that.
pub(super) async fn reflect(caller: &Caller, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = named(caller, entry)?;
    let following = follow(caller, entry).await?;
    Ok(Outcome::Following(AckBody::Reflecting { entry_id: entry, reflection_id: None }, following))
}

/// Begins a new reflection, and follows it.
pub(super) async fn regenerate(caller: &Caller, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = named(caller, entry)?;
    let app = caller.gateway.app();
    let per_user = app.limits(caller.scope.plan()).generations;
    let id = app.reflections.regenerate(&caller.scope, entry, per_user).await?;
    let answer = AckBody::Reflecting { entry_id: entry, reflection_id: Some(id) };
    Ok(Outcome::Following(answer, follow(caller, entry).await?))
}

/// Follows the reflection on an entry, which must be the caller's own; `None` if the session does already.
pub(crate) async fn follow(caller: &Caller, entry: EntryId) -> Result<Option<Following>, Refusal> {
    let app = caller.gateway.app();
    let limits = app.limits(caller.scope.plan());
    let followed = caller.followed.borrow().len();
    if caller.followed.borrow().contains(&entry) {
        return Ok(None);
    }
    if followed >= limits.rooms {
        return Err(Refusal::new(ErrorCode::TooManyRooms, "this session follows too many reflections"));
    }
    let follower = app.reflections.follow(&caller.scope, entry, limits.generations).await?;
    caller.followed.borrow_mut().insert(entry);
    Ok(Some(Following { entry, follower }))
}

/// Cancels the reflection that is being written.
pub(super) async fn cancel(caller: &Caller, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = named(caller, entry)?;
    caller.gateway.app().reflections.cancel(&caller.scope, entry).await?;
    Ok(Outcome::Done)
}

/// The entry that a command names, or else the one that the connection was opened for.
fn named(caller: &Caller, entry: Option<EntryId>) -> Result<EntryId, Refusal> {
    entry.or(caller.target.entry()).ok_or_else(|| Refusal::invalid("entry_id", "is required here"))
}

/// A reflection that a session follows from now on.
pub(crate) struct Following {
    entry: EntryId,
    follower: Follower<ReflectionId>,
}

impl Following {
    /// Sends the caller every step, without end: the session ends it.
    pub(crate) async fn run(mut self, caller: Caller) {
        loop {
            let step = self.follower.next().await;
            if caller.send(&notice(self.entry, step)) == Pushed::Overflow {
                return caller.handle.close(CloseReason::SlowConsumer);
            }
        }
    }
}

fn notice(entry_id: EntryId, step: Step<ReflectionId>) -> Notice {
    match step {
        Step::Start(reflection_id) => Notice::ReflectionStarted { entry_id, reflection_id },
        Step::Waiting(place) => Notice::ReflectionWaiting { entry_id, place },
        Step::Chunk(text) => Notice::ReflectionChunk { entry_id, text },
        Step::Done(reflection_id) => Notice::ReflectionDone { entry_id, reflection_id },
        Step::Failed(Failure { code, message, retry_after }) => {
            let seconds = |after: Duration| (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1);
            Notice::ReflectionFailed { entry_id, code, message, retry_after: retry_after.map(seconds) }
        }
    }
}
