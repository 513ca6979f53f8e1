//! The commands about reflections: `reflect`, `regenerate` and `cancel`.

use crate::ids::{EntryId, ReflectionId, Room};
use crate::jobs::{Failure, Step};
use crate::protocol::{AckBody, ErrorCode, Notice};

use super::following::{Followed, Told};
use super::{Following, Outcome, Refusal, SessionContext};

/// Follows the reflection on an entry. A session that follows it already goes on with that.
pub(super) async fn reflect(caller: &SessionContext, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = named(caller, entry)?;
    let following = follow(caller, entry).await?;
    Ok(Outcome::Following(AckBody::Reflecting { entry_id: entry, reflection_id: None }, following))
}

/// Begins a new reflection, and follows it.
pub(super) async fn regenerate(caller: &SessionContext, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = named(caller, entry)?;
    check_limit(caller, entry)?;
    let app = caller.gateway.app();
    let per_user = app.limits(caller.scope.plan()).generations;
    let id = app.reflections.regenerate(&caller.scope, entry, per_user).await?;
    let answer = AckBody::Reflecting { entry_id: entry, reflection_id: Some(id) };
    Ok(Outcome::Following(answer, follow(caller, entry).await?))
}

/// Follows the reflection on an entry, which must be the caller's own; `None` if the session does already.
pub(crate) async fn follow(caller: &SessionContext, entry: EntryId) -> Result<Option<Following>, Refusal> {
    check_limit(caller, entry)?;
    let app = caller.gateway.app();
    let per_user = app.limits(caller.scope.plan()).generations;
    let follower = app.reflections.follow(&caller.scope, entry, per_user).await?;
    Ok(Followed::by(caller, OfEntry(entry), follower).map(Following::Reflections))
}

fn check_limit(caller: &SessionContext, entry: EntryId) -> Result<(), Refusal> {
    let (limits, followed) = (caller.gateway.app().limits(caller.scope.plan()), caller.followed.borrow());
    if followed.len() < limits.rooms || followed.contains_key(&Room::Entry(entry)) {
        return Ok(());
    }
    let message = "this session follows too many reflections; leave the room of another entry first";
    Err(Refusal::new(ErrorCode::TooManyRooms, message))
}

/// Cancels the reflection that is being written.
pub(super) async fn cancel(caller: &SessionContext, entry: Option<EntryId>) -> Result<Outcome, Refusal> {
    let entry = entry.or(caller.target.entry()).ok_or_else(|| {
        Refusal::invalid("entry_id", "is required here, or conversation_id, or simulation_id")
    })?;
    caller.gateway.app().reflections.cancel(&caller.scope, entry).await?;
    Ok(Outcome::Done)
}

/// The entry that a command names, or else the one that the connection was opened for.
fn named(caller: &SessionContext, entry: Option<EntryId>) -> Result<EntryId, Refusal> {
    entry.or(caller.target.entry()).ok_or_else(|| Refusal::invalid("entry_id", "is required here"))
}

/// The reflections on an entry, as sessions are told of them.
pub(crate) struct OfEntry(EntryId);

impl Told for OfEntry {
    type Id = ReflectionId;
    const GONE: Failure = Failure::ENTRY_DELETED;

    fn room(&self) -> Room {
        Room::Entry(self.0)
    }

    fn notice(&mut self, step: Step<ReflectionId>) -> Option<Notice> {
        let entry_id = self.0;
        Some(match step {
            Step::Start(reflection_id) => Notice::ReflectionStarted { entry_id, reflection_id },
            Step::Waiting(place) => Notice::ReflectionWaiting { entry_id, place },
            Step::Chunk(text) => Notice::ReflectionChunk { entry_id, text },
            Step::Done(reflection_id) => Notice::ReflectionDone { entry_id, reflection_id },
            Step::Failed(failure) => {
                let retry_after = failure.retry_after_s();
                let Failure { code, message, .. } = failure;
                Notice::ReflectionFailed { entry_id, code, message, retry_after }
            }
        })
    }
}
