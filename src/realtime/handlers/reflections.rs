//! The commands about reflections: `reflect`, `regenerate` and `cancel`.

use tokio::sync::oneshot;

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
    check_limit(caller, entry)?;
    let app = caller.gateway.app();
    let per_user = app.limits(caller.scope.plan()).generations;
    let id = app.reflections.regenerate(&caller.scope, entry, per_user).await?;
    let answer = AckBody::Reflecting { entry_id: entry, reflection_id: Some(id) };
    Ok(Outcome::Following(answer, follow(caller, entry).await?))
}

/// Follows the reflection on an entry, which must be the caller's own; `None` if the session does already.
pub(crate) async fn follow(caller: &Caller, entry: EntryId) -> Result<Option<Following>, Refusal> {
    check_limit(caller, entry)?;
    let app = caller.gateway.app();
    let per_user = app.limits(caller.scope.plan()).generations;
    let follower = app.reflections.follow(&caller.scope, entry, per_user).await?;
    if caller.followed.borrow().contains_key(&entry) {
        return Ok(None);
    }
    let (keep, left) = oneshot::channel();
    caller.followed.borrow_mut().insert(entry, keep);
    Ok(Some(Following { entry, follower, left }))
}

fn check_limit(caller: &Caller, entry: EntryId) -> Result<(), Refusal> {
    let (limits, followed) = (caller.gateway.app().limits(caller.scope.plan()), caller.followed.borrow());
    if followed.len() < limits.rooms || followed.contains_key(&entry) {
        return Ok(());
    }
    let message = "this session follows too many reflections; leave the room of another entry first";
    Err(Refusal::new(ErrorCode::TooManyRooms, message))
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
    /// Completes when the session leaves the entry's room.
    left: oneshot::Receiver<()>,
}

impl Following {
    /// Sends the caller every step, until the session leaves the entry's room, the entry is deleted, or the
    /// session ends.
    pub(crate) async fn run(mut self, caller: Caller) {
        loop {
            let step = tokio::select! {
                _ = &mut self.left => return,
                step = self.follower.next() => step,
            };
            let is_gone = step == Step::Failed(Failure::ENTRY_DELETED);
            if caller.send(&notice(self.entry, step)) == Pushed::Overflow {
                return caller.handle.close(CloseReason::SlowConsumer);
            }
            if is_gone {
                caller.followed.borrow_mut().remove(&self.entry);
                return;
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
        Step::Failed(failure) => {
            let retry_after = failure.retry_after_s();
            let Failure { code, message, .. } = failure;
            Notice::ReflectionFailed { entry_id, code, message, retry_after }
        }
    }
}
