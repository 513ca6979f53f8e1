//! Records what single sessions send and are sent, while an admin watches them: when, which way, what kind, how large.
//! Never what is in it.
//!
//! While nothing is recorded, a frame costs one relaxed load.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::{ConnectionId, Room, Seq};
use crate::protocol::Direction;

use super::HubBusy;

/// Frames that a recording keeps until they are taken. Beyond that the oldest go, and are counted.
const KEPT: usize = 512;

/// Sessions that are recorded at once.
const RECORDINGS: usize = 64;

/// How long a recording lasts that nobody watches: longer than it takes to join its room.
const UNWATCHED: Duration = Duration::from_secs(5);

/// A frame without its contents.
#[derive(Clone, Debug)]
pub(crate) struct FrameSeen {
    /// When it was received, or put into the outbox.
    pub(crate) at: Instant,
    /// Which way it went.
    pub(crate) direction: Direction,
    /// The command's or the notice's name.
    pub(crate) kind: &'static str,
    /// The room that it is about, if any.
    pub(crate) room: Option<Room>,
    /// Its position in the room.
    pub(crate) seq: Option<Seq>,
    /// Its length: as the message was received, or with the header of the frame as it is sent.
    pub(crate) bytes: usize,
    /// For an answer: the time since its command was received.
    pub(crate) latency: Option<Duration>,
}

/// What was recorded since the last time it was taken.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// The frames and their numbers, oldest first.
    pub(crate) frames: Vec<(u64, FrameSeen)>,
    /// Frames that were not kept, since the recording began.
    pub(crate) dropped: u64,
}

/// The recordings of one process. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Recordings>);

#[derive(Default)]
struct Recordings {
    /// Whether there is any.
    is_on: AtomicBool,
    by_connection: RwLock<BTreeMap<ConnectionId, Mutex<Recording>>>,
}

struct Recording {
    watched_until: Instant,
    next: u64,
    dropped: u64,
    kept: VecDeque<(u64, FrameSeen)>,
}

impl Recorder {
    /// Records this session from now on, or goes on doing so. It ends when nobody watches it.
    ///
    /// # Errors
    /// So many are recorded that this one cannot be.
    pub(crate) fn begin(&self, connection: ConnectionId, now: Instant) -> Result<(), HubBusy> {
        let mut all = self.0.by_connection.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= RECORDINGS && !all.contains_key(&connection) {
            return Err(HubBusy);
        }
        let begun =
            || Mutex::new(Recording { watched_until: now, next: 1, dropped: 0, kept: VecDeque::new() });
        let recording = all.entry(connection).or_insert_with(begun);
        recording.get_mut().unwrap_or_else(PoisonError::into_inner).watched_until = now + UNWATCHED;
        self.0.is_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether any session is recorded.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// Records a frame of this session, if it is recorded.
    pub(super) fn record(&self, connection: ConnectionId, frame: impl FnOnce() -> FrameSeen) {
        if !self.is_on() {
            return;
        }
        let all = self.0.by_connection.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(recording) = all.get(&connection) {
            recording.lock().unwrap_or_else(PoisonError::into_inner).add(frame());
        }
    }

    /// The sessions that are recorded.
    pub(crate) fn recorded(&self) -> Vec<ConnectionId> {
        if !self.is_on() {
            return Vec::new();
        }
        let all = self.0.by_connection.read().unwrap_or_else(PoisonError::into_inner);
        all.keys().copied().collect()
    }

    /// Takes what was recorded since the last call; `None` if the session is not recorded any more, because
    /// nobody has watched for a while.
    pub(crate) fn take(&self, connection: ConnectionId, is_watched: bool, now: Instant) -> Option<Recorded> {
        let mut all = self.0.by_connection.write().unwrap_or_else(PoisonError::into_inner);
        let recording = all.get_mut(&connection)?.get_mut().unwrap_or_else(PoisonError::into_inner);
        if is_watched {
            recording.watched_until = now + UNWATCHED;
        }
        if recording.watched_until > now {
            return Some(recording.take());
        }
        all.remove(&connection);
        self.0.is_on.store(!all.is_empty(), Ordering::Relaxed);
        None
    }
}

impl Recording {
    fn add(&mut self, frame: FrameSeen) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back((self.next, frame));
        self.next += 1;
    }

    fn take(&mut self) -> Recorded {
        Recorded { frames: self.kept.drain(..).collect(), dropped: self.dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> ConnectionId {
        "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
    }

    fn frame(at: Instant) -> FrameSeen {
        let (direction, kind) = (Direction::In, "ping");
        FrameSeen { at, direction, kind, room: None, seq: None, bytes: 1, latency: None }
    }

    fn numbers(recorded: &Recorded) -> Vec<u64> {
        recorded.frames.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn frames_are_recorded_only_while_somebody_watches() {
        let (recorder, now) = (Recorder::default(), Instant::now());
        recorder.record(connection(), || panic!("nothing is recorded"));
        recorder.begin(connection(), now).unwrap();
        recorder.record(connection(), || frame(now));
        assert_eq!(numbers(&recorder.take(connection(), true, now).unwrap()), [1]);
        let later = now + UNWATCHED;
        assert!(recorder.take(connection(), true, later).is_some(), "somebody watches");
        assert!(
            recorder.take(connection(), false, later + UNWATCHED / 2).is_some(),
            "who watches may come back"
        );
        assert!(recorder.take(connection(), false, later + UNWATCHED).is_none());
        assert!(recorder.recorded().is_empty() && !recorder.is_on());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (recorder, now) = (Recorder::default(), Instant::now());
        recorder.begin(connection(), now).unwrap();
        (0..KEPT + 3).for_each(|_| recorder.record(connection(), || frame(now)));
        let taken = recorder.take(connection(), true, now).unwrap();
        assert_eq!((taken.frames.len(), taken.dropped), (KEPT, 3));
        assert_eq!(taken.frames[0].0, 4, "the oldest are gone");
        recorder.record(connection(), || frame(now));
        let next = recorder.take(connection(), true, now).unwrap();
        assert_eq!((numbers(&next), next.dropped), (vec![KEPT as u64 + 4], 3));
    }

    #[test]
    fn no_more_sessions_are_recorded_than_fit() {
        let (recorder, now) = (Recorder::default(), Instant::now());
        let clock = crate::clock::Clock::system();
        let all: Vec<_> = (0..=RECORDINGS).map(|_| ConnectionId::new(clock.now())).collect();
        let begun = all.iter().filter(|one| recorder.begin(**one, now).is_ok()).count();
        assert_eq!(begun, RECORDINGS);
        assert!(recorder.begin(all[0], now).is_ok(), "it is recorded already");
    }
}
