//! One connection's membership in one room, and which event it gets next.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::events::RevocationReason;
use crate::hub::message::MembershipId;
use crate::hub::{Delivery, Outbox, Pushed};
use crate::ids::{Seq, UserId};
use crate::protocol::Dialect;

/// Whether the events that the session read from the log and the live events are contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Spliced {
    /// They are: from now on events are delivered live.
    Live,
    /// More events arrived than the buffer holds: read the log from where the last read ended, and splice
    /// again.
    Behind,
    /// The membership has ended.
    Gone,
}

pub(super) struct Membership {
    pub(super) id: MembershipId,
    pub(super) user: UserId,
    pub(super) dialect: Dialect,
    pub(super) outbox: Outbox,
    stage: Stage,
}

enum Stage {
    /// Boxed, because it is larger than what follows, and soon over.
    Joining(Box<Joining>),
    /// The session has every event before `next`; its standing was checked in the moment when the log ended at
    /// `checked_at`.
    Live { next: Seq, checked_at: Seq },
}

/// The session is reading the log; live events are buffered. When the buffer is full the oldest is dropped, because the
/// log has it.
struct Joining {
    waiting: VecDeque<(Seq, Bytes)>,
    at_most: usize,
    revoked: Option<Revoked>,
    /// What the connection was last sent by the membership that this one replaces.
    sent: Option<Seq>,
}

/// The standing ended with the event at this position, for this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revoked {
    pub(super) at: Seq,
    pub(super) reason: RevocationReason,
}

/// What happened to an event for one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeliveryResult {
    Pushed(Pushed),
    /// It is buffered until the splice.
    Waiting,
    /// The member has it already.
    Known,
    /// The event before it is missing. Never happens while the RoomHub keeps the order; the member must
    /// reconnect and resume.
    Gap,
}

impl Membership {
    pub(super) fn joining(
        id: MembershipId,
        user: UserId,
        dialect: Dialect,
        outbox: Outbox,
        at_most: usize,
    ) -> Self {
        let joining = Joining { waiting: VecDeque::new(), at_most, revoked: None, sent: None };
        Self { id, user, dialect, outbox, stage: Stage::Joining(Box::new(joining)) }
    }

    /// The same, of a connection that was a member until now and was sent the events up to this one.
    pub(super) fn after(mut self, last: Option<Seq>) -> Self {
        if let Stage::Joining(joining) = &mut self.stage {
            joining.sent = last;
        }
        self
    }

    pub(super) fn take(&mut self, seq: Seq, frame: &Bytes) -> DeliveryResult {
        match &mut self.stage {
            Stage::Joining(joining) => {
                if joining.waiting.len() >= joining.at_most {
                    joining.waiting.pop_front();
                }
                joining.waiting.push_back((seq, frame.clone()));
                DeliveryResult::Waiting
            }
            Stage::Live { next, .. } if seq == *next => {
                *next = seq.next();
                DeliveryResult::Pushed(self.outbox.push(frame.clone(), Delivery::Durable))
            }
            Stage::Live { next, .. } if seq < *next => DeliveryResult::Known,
            Stage::Live { .. } => DeliveryResult::Gap,
        }
    }

    /// Whether this is the next event that the session gets.
    pub(super) fn expects(&self, seq: Seq) -> bool {
        matches!(self.stage, Stage::Live { next, .. } if next == seq)
    }

    /// Goes live after `up_to`, the last position that the session has read from the log, in the snapshot in
    /// which it has checked its standing.
    /// `sent` is told what is put into the outbox.
    pub(super) fn splice(&mut self, up_to: Seq, mut sent: impl FnMut(Seq, &Bytes)) -> Spliced {
        let Stage::Joining(joining) = &mut self.stage else { return Spliced::Live };
        let waiting = &mut joining.waiting;
        if waiting.front().is_some_and(|(first, _)| *first > up_to.next()) {
            return Spliced::Behind;
        }
        let mut next = up_to.next();
        for (seq, frame) in std::mem::take(waiting) {
            if seq == next {
                next = seq.next();
                sent(seq, &frame);
                // An overflow is found at the next tick by `Liveness::is_slow`; a closed outbox has no reader.
                let _ = self.outbox.push(frame, Delivery::Durable);
            }
        }
        self.stage = Stage::Live { next, checked_at: up_to };
        Spliced::Live
    }

    /// Notes that the standing ended. Returns whether it ended after it was checked: then the membership must
    /// end. A session that is still joining checks it in a while, and [`Self::revoked_after`] tells then.
    pub(super) fn revoke(&mut self, revocation: Revoked) -> bool {
        match &mut self.stage {
            Stage::Joining(joining) => {
                if joining.revoked.is_none_or(|former| former.at < revocation.at) {
                    joining.revoked = Some(revocation);
                }
                false
            }
            Stage::Live { checked_at, .. } => *checked_at < revocation.at,
        }
    }

    /// Why the standing, which was there when the log ended at `checked_at`, is gone by now.
    pub(super) fn revoked_after(&self, checked_at: Seq) -> Option<RevocationReason> {
        let Stage::Joining(joining) = &self.stage else { return None };
        joining.revoked.filter(|revoked| checked_at < revoked.at).map(|revoked| revoked.reason)
    }

    /// The last position that was put into the outbox; `None` before the first splice.
    pub(super) fn last(&self) -> Option<Seq> {
        match &self.stage {
            Stage::Joining(joining) => joining.sent,
            Stage::Live { next, .. } => Some(Seq(next.0.saturating_sub(1))),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live { .. })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::hub::{HubConfig, OutboxStream};

    fn member(at_most: usize) -> (Membership, OutboxStream) {
        let (outbox, stream) = Outbox::new(HubConfig::default().outbox);
        let user = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        (Membership::joining(MembershipId(1), user, Dialect::Json, outbox, at_most), stream)
    }

    fn take_all(member: &mut Membership, seqs: impl IntoIterator<Item = u64>) -> Vec<DeliveryResult> {
        let frame = |seq: u64| Bytes::from(vec![u8::try_from(seq).unwrap()]);
        seqs.into_iter().map(|seq| member.take(Seq(seq), &frame(seq))).collect()
    }

    fn received(stream: &mut OutboxStream) -> Vec<u8> {
        stream.next().now_or_never().flatten().map(|bytes| bytes.to_vec()).unwrap_or_default()
    }

    #[test]
    fn live_events_wait_for_the_log_and_are_spliced_by_position() {
        let (mut member, mut stream) = member(10);
        assert_eq!(take_all(&mut member, 4..=7), [DeliveryResult::Waiting; 4]);
        assert!(received(&mut stream).is_empty(), "nothing before the splice");
        assert_eq!(member.splice(Seq(5), |_, _| {}), Spliced::Live);
        assert_eq!(received(&mut stream), [6, 7]);
        assert_eq!(
            take_all(&mut member, 7..=8),
            [DeliveryResult::Known, DeliveryResult::Pushed(Pushed::Queued)]
        );
        assert_eq!(received(&mut stream), [8]);
    }

    #[test]
    fn a_buffer_that_overran_sends_the_session_back_to_the_log() {
        let (mut member, mut stream) = member(3);
        let _ = take_all(&mut member, 1..=9);
        assert_eq!(member.splice(Seq(2), |_, _| {}), Spliced::Behind, "only 7 to 9 are kept");
        assert_eq!(member.splice(Seq(6), |_, _| {}), Spliced::Live);
        assert_eq!(received(&mut stream), [7, 8, 9]);
    }

    #[test]
    fn a_log_read_past_what_waits_needs_nothing_of_it() {
        let (mut member, mut stream) = member(3);
        let _ = take_all(&mut member, 1..=2);
        assert_eq!(member.splice(Seq(5), |_, _| {}), Spliced::Live);
        assert_eq!(take_all(&mut member, 3..=6)[..3], [DeliveryResult::Known; 3]);
        assert_eq!(received(&mut stream), [6]);
    }

    #[test]
    fn a_missing_event_is_not_passed_over() {
        let (mut member, mut stream) = member(3);
        assert_eq!(member.splice(Seq(0), |_, _| {}), Spliced::Live);
        assert_eq!(take_all(&mut member, [2]), [DeliveryResult::Gap]);
        assert!(received(&mut stream).is_empty());
    }
}
