//! Texts that a session follows while they are written, besides the events of its rooms.

use tokio::sync::oneshot;

use crate::hub::Pushed;
use crate::ids::Room;
use crate::jobs::{Failure, Follower, Step};
use crate::protocol::Notice;
use crate::protocol::close::CloseReason;

use super::SessionContext;

/// A kind of text, as sessions are told of it.
pub(crate) trait Told {
    /// The text's id.
    type Id: Copy;

    /// Why a text fails whose owner is deleted: nothing comes after it.
    const GONE: Failure;

    /// The room in which it is followed; leaving the room ends following.
    fn room(&self) -> Room;

    /// What is sent of a step; `None` for nothing.
    fn notice(&mut self, step: Step<Self::Id>) -> Option<Notice>;
}

/// Texts of one kind in one room that a session follows.
pub(crate) struct Followed<T: Told> {
    told: T,
    follower: Follower<T::Id>,
    /// Completes when the session leaves the room.
    left: oneshot::Receiver<()>,
}

impl<T: Told> Followed<T> {
    /// Lets the session follow; `None` if it does already.
    pub(super) fn by(caller: &SessionContext, told: T, follower: Follower<T::Id>) -> Option<Self> {
        let mut followed = caller.followed.borrow_mut();
        if followed.contains_key(&told.room()) {
            return None;
        }
        let (keep, left) = oneshot::channel();
        followed.insert(told.room(), keep);
        Some(Self { told, follower, left })
    }

    /// Sends the caller every step, until the session leaves the room, the room ends, or the session ends.
    pub(super) async fn run(mut self, caller: SessionContext) {
        loop {
            let step = tokio::select! {
                _ = &mut self.left => return,
                step = self.follower.next() => step,
            };
            let is_gone = matches!(&step, Step::Failed(failure) if *failure == T::GONE);
            if let Some(notice) = self.told.notice(step)
                && caller.send(&notice) == Pushed::Overflow
            {
                return caller.handle.close(CloseReason::SlowConsumer);
            }
            if is_gone {
                caller.followed.borrow_mut().remove(&self.told.room());
                return;
            }
        }
    }
}
