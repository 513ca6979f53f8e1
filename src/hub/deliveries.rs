//! The messages to rooms that wait for one worker thread. They wait beside its mailbox, so that a group of commits
//! wakes the thread once, and so that they are bounded by what they hold.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::message::RoomMessage;

/// Messages that may wait for one worker.
const MAX_MESSAGES: usize = 8_192;

/// Bytes of frames that may wait for one worker; a single message may be longer.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Places that an empty queue keeps for the next messages.
const KEPT: usize = 256;

/// The worker has too much to do already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// The queue of one worker.
#[derive(Default)]
pub(super) struct Deliveries(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    messages: VecDeque<RoomMessage>,
    bytes: usize,
    /// Whether the worker was told that something waits, and has not emptied the queue since.
    is_announced: bool,
}

impl Deliveries {
    /// Adds a message; returns whether the worker must be told.
    pub(super) fn push(&self, message: RoomMessage) -> Result<bool, Refused> {
        let mut queue = self.lock();
        let bytes = queue.bytes + message.encoded.bytes();
        let is_full = queue.messages.len() >= MAX_MESSAGES || bytes > MAX_BYTES;
        if is_full && !queue.messages.is_empty() {
            return Err(Refused);
        }
        queue.bytes = bytes;
        queue.messages.push_back(message);
        Ok(!std::mem::replace(&mut queue.is_announced, true))
    }

    /// Adds the oldest messages to `taken`, at most `limit`; returns whether others still wait, for which the worker
    /// must come again.
    pub(super) fn take(&self, limit: usize, taken: &mut Vec<RoomMessage>) -> bool {
        let queue = &mut *self.lock();
        let count = queue.messages.len().min(limit);
        for message in queue.messages.drain(..count) {
            queue.bytes -= message.encoded.bytes();
            taken.push(message);
        }
        if queue.messages.is_empty() {
            queue.is_announced = false;
            queue.messages.shrink_to(KEPT);
        }
        queue.is_announced
    }

    /// Whether half of what may wait does: what can be said again is refused from here on, so that there is room for
    /// what was acknowledged.
    pub(super) fn is_behind(&self) -> bool {
        let queue = self.lock();
        queue.messages.len() >= MAX_MESSAGES / 2 || queue.bytes >= MAX_BYTES / 2
    }

    /// Forgets what waits: nobody will take it.
    pub(super) fn clear(&self) {
        *self.lock() = Queue::default();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::value::RawValue;

    use super::*;
    use crate::clock::Timestamp;
    use crate::hub::message::{Contents, EncodedNotice};
    use crate::ids::{Room, Seq};
    use crate::protocol::{Dialect, Event, Notice};

    /// The room's event of this position, with a frame of `length` bytes and a few.
    fn message(seq: u64, length: usize) -> RoomMessage {
        let data = RawValue::from_string(format!("\"{}\"", "x".repeat(length))).unwrap();
        let notice = Notice::Event(Event {
            room: Room::Admin,
            seq: Seq(seq),
            kind: "message.sent".into(),
            data: data.into(),
            by: None,
            at: Timestamp::EPOCH,
        });
        let encoded = Arc::new(EncodedNotice::encode(&notice, |dialect| dialect == Dialect::Json));
        RoomMessage { room: Room::Admin, name: notice.name(), encoded, contents: Contents::Event(Seq(seq)) }
    }

    fn take(deliveries: &Deliveries, limit: usize) -> (Vec<u64>, bool) {
        let mut taken = Vec::new();
        let has_more = deliveries.take(limit, &mut taken);
        let seqs = taken.iter().map(|message| match message.contents {
            Contents::Event(seq) => seq.0,
            Contents::Ephemeral { .. } => unreachable!("only events are pushed"),
        });
        (seqs.collect(), has_more)
    }

    #[test]
    fn a_worker_is_told_once_until_it_has_taken_everything() {
        let deliveries = Deliveries::default();
        assert_eq!(deliveries.push(message(1, 1)), Ok(true));
        assert_eq!(deliveries.push(message(2, 1)), Ok(false));
        assert_eq!(deliveries.push(message(3, 1)), Ok(false));
        assert_eq!(take(&deliveries, 2), (vec![1, 2], true));
        assert_eq!(deliveries.push(message(4, 1)), Ok(false), "it comes again anyhow");
        assert_eq!(take(&deliveries, 2), (vec![3, 4], false));
        assert_eq!(take(&deliveries, 2), (vec![], false));
        assert_eq!(deliveries.push(message(5, 1)), Ok(true));
    }

    #[test]
    fn they_are_bounded_in_number() {
        let deliveries = Deliveries::default();
        for seq in 0..MAX_MESSAGES as u64 {
            assert_eq!(deliveries.is_behind(), seq >= MAX_MESSAGES as u64 / 2);
            assert!(deliveries.push(message(seq, 1)).is_ok());
        }
        assert_eq!(deliveries.push(message(0, 1)), Err(Refused));
        assert_eq!(take(&deliveries, 1), (vec![0], true));
        assert!(deliveries.push(message(0, 1)).is_ok());
    }

    #[test]
    fn they_are_bounded_in_bytes_but_for_a_single_one() {
        let deliveries = Deliveries::default();
        assert_eq!(deliveries.push(message(1, MAX_BYTES)), Ok(true), "it could never be sent otherwise");
        assert_eq!(deliveries.push(message(2, 1)), Err(Refused));
        assert_eq!(take(&deliveries, 9), (vec![1], false));
        for seq in 2..6 {
            assert!(deliveries.push(message(seq, MAX_BYTES / 5)).is_ok());
        }
        assert_eq!(deliveries.push(message(6, MAX_BYTES / 4)), Err(Refused));
        assert_eq!(take(&deliveries, 9), (vec![2, 3, 4, 5], false));
        assert!(deliveries.push(message(6, MAX_BYTES / 4)).is_ok(), "what was taken no longer counts");
    }
}
