//! The rules of an outbox, without wakers: a plain struct, so that property tests can drive it.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::backlog::Share;
use super::{Channel, Delivery, LatestKey, OutboxLimits, Progress, Pushed};

/// Bytes added to each frame for storing it, so that a million tiny frames cannot pass under the limits.
pub(super) const OVERHEAD: usize = 64;

/// An emptied queue releases memory beyond this many entries.
const KEPT_CAPACITY: usize = 8;

pub(super) struct Queue {
    limits: OutboxLimits,
    /// Oldest first. An entry whose frame was dropped stays as a tombstone, so that the recorded positions
    /// remain valid.
    entries: VecDeque<Entry>,
    /// Position of the front entry, counted from the first entry that was ever pushed.
    front: u64,
    /// Position of each key's waiting frame.
    latest: HashMap<Key, u64>,
    /// Positions of droppable frames, oldest first; some may have been drained already.
    droppable: VecDeque<u64>,
    waiting: usize,
    drained: u64,
    discarded: usize,
    phase: Phase,
}

struct Entry {
    /// `None` marks a tombstone.
    frame: Option<Bytes>,
    key: Option<Key>,
}

type Key = (Channel, LatestKey);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The hard limit was exceeded: nothing more is accepted, and the client is about to be evicted.
    Overflowed,
    /// Waiting frames are still drained, then the stream ends.
    Finishing,
    Closed,
}

pub(super) enum Drained {
    Frames(Bytes),
    Nothing,
    Ended,
}

impl Queue {
    pub(super) fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            entries: VecDeque::new(),
            front: 0,
            latest: HashMap::new(),
            droppable: VecDeque::new(),
            waiting: 0,
            drained: 0,
            discarded: 0,
            phase: Phase::Open,
        }
    }

    pub(super) fn push(&mut self, frame: Bytes, delivery: Delivery, channel: Channel) -> Pushed {
        match self.phase {
            Phase::Open => {}
            Phase::Overflowed => return Pushed::Overflow,
            Phase::Finishing | Phase::Closed => return Pushed::Closed,
        }
        match delivery {
            Delivery::Durable => self.append(frame, None),
            Delivery::Latest(key) => self.replace(frame, (channel, key)),
            Delivery::Droppable => self.append_droppable(frame),
        }
    }

    fn append_droppable(&mut self, frame: Bytes) -> Pushed {
        if self.waiting + weight(&frame) > self.limits.soft {
            return Pushed::Dropped;
        }
        self.droppable.push_back(self.front + self.entries.len() as u64);
        self.append(frame, None)
    }

    fn replace(&mut self, frame: Bytes, key: Key) -> Pushed {
        let Some(old) = self.latest.get(&key).and_then(|at| self.frame_at(*at)) else {
            return self.append(frame, Some(key));
        };
        let (gone, come) = (weight(&old), weight(&frame));
        if self.waiting - gone + come > self.limits.hard {
            return self.overflow();
        }
        if let Some(entry) = self.latest.get(&key).copied().and_then(|at| self.entry_at(at)) {
            entry.frame = Some(frame);
        }
        self.waiting = self.waiting - gone + come;
        Pushed::Replaced
    }

    fn append(&mut self, frame: Bytes, key: Option<Key>) -> Pushed {
        if self.waiting + weight(&frame) > self.limits.soft {
            self.shed_droppable();
        }
        if self.waiting + weight(&frame) > self.limits.hard {
            return self.overflow();
        }
        self.waiting += weight(&frame);
        if let Some(key) = &key {
            self.latest.insert(key.clone(), self.front + self.entries.len() as u64);
        }
        self.entries.push_back(Entry { frame: Some(frame), key });
        Pushed::Queued
    }

    fn overflow(&mut self) -> Pushed {
        self.phase = Phase::Overflowed;
        Pushed::Overflow
    }

    fn shed_droppable(&mut self) {
        while let Some(at) = self.droppable.pop_front() {
            if let Some(frame) = self.entry_at(at).and_then(|entry| entry.frame.take()) {
                self.waiting -= weight(&frame);
            }
        }
    }

    fn entry_at(&mut self, at: u64) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(at.checked_sub(self.front)?).ok()?)
    }

    fn frame_at(&self, at: u64) -> Option<Bytes> {
        self.entries.get(usize::try_from(at.checked_sub(self.front)?).ok()?)?.frame.clone()
    }

    /// Drains about `chunk` bytes of the waiting frames, and at most so many frames: at least one if there is one.
    pub(super) fn drain(&mut self, chunk: usize, at_most: usize) -> Drained {
        let Some(first) = self.pop() else {
            return match self.phase {
                Phase::Open | Phase::Overflowed => Drained::Nothing,
                Phase::Finishing | Phase::Closed => Drained::Ended,
            };
        };
        let mut left = at_most.saturating_sub(1);
        let mut pop = |queue: &mut Self, room: usize| {
            left = left.checked_sub(1)?;
            queue.pop_within(room)
        };
        let Some(mut next) = pop(self, chunk.saturating_sub(first.len())) else {
            return Drained::Frames(first);
        };
        let mut all = BytesMut::with_capacity(chunk.min(first.len() + self.waiting + next.len()));
        all.extend_from_slice(&first);
        loop {
            all.extend_from_slice(&next);
            match pop(self, chunk.saturating_sub(all.len())) {
                Some(frame) => next = frame,
                None => return Drained::Frames(all.freeze()),
            }
        }
    }

    fn pop_within(&mut self, room: usize) -> Option<Bytes> {
        while self.entries.front().is_some_and(|entry| entry.frame.is_none()) {
            self.pop_front();
        }
        let fits = self.entries.front()?.frame.as_ref()?.len() <= room;
        if fits { self.pop() } else { None }
    }

    fn pop(&mut self) -> Option<Bytes> {
        while let Some(entry) = self.pop_front() {
            if let Some(frame) = entry.frame {
                self.waiting -= weight(&frame);
                self.drained += 1;
                return Some(frame);
            }
        }
        None
    }

    fn pop_front(&mut self) -> Option<Entry> {
        let Some(entry) = self.entries.pop_front() else {
            self.entries.shrink_to(KEPT_CAPACITY);
            return None;
        };
        if let Some(key) = &entry.key {
            self.latest.remove(key);
        }
        if self.droppable.front() == Some(&self.front) {
            self.droppable.pop_front();
        }
        self.front += 1;
        Some(entry)
    }

    pub(super) fn finish(&mut self, last: Option<Bytes>) {
        if matches!(self.phase, Phase::Open | Phase::Overflowed) {
            // After an overflow a frame is missing from the sequence, and the client does not read what waits
            // before it.
            if self.phase == Phase::Overflowed {
                self.forget();
            }
            if let Some(last) = last {
                // Exceeds the limits on purpose: it is one small frame, and the last one.
                self.waiting += weight(&last);
                self.entries.push_back(Entry { frame: Some(last), key: None });
            }
            self.phase = Phase::Finishing;
        }
    }

    pub(super) fn close(&mut self) {
        self.forget();
        self.phase = Phase::Closed;
    }

    pub(super) fn clear(&mut self) {
        self.forget();
        if self.phase == Phase::Overflowed {
            self.phase = Phase::Open;
        }
    }

    fn forget(&mut self) {
        self.front += self.entries.len() as u64;
        self.entries = VecDeque::new();
        self.latest = HashMap::new();
        self.droppable = VecDeque::new();
        self.discarded += std::mem::take(&mut self.waiting);
    }

    /// Bytes that the client has not been sent: they wait, or were discarded.
    pub(super) fn unsent(&self) -> usize {
        self.waiting + self.discarded
    }

    /// Whether a reader that found nothing would now find frames or the end of the stream.
    pub(super) fn is_worth_a_poll(&self) -> bool {
        self.waiting > 0 || matches!(self.phase, Phase::Finishing | Phase::Closed)
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { waiting: self.waiting, drained: self.drained, overflowed: self.phase == Phase::Overflowed }
    }

    /// What the queue contributes to the backlog of its thread.
    pub(super) fn share(&self) -> Share {
        let is_behind = self.waiting > self.limits.soft || self.phase == Phase::Overflowed;
        Share { waiting: self.waiting, is_behind }
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        let weights = self.entries.iter().filter_map(|entry| entry.frame.as_ref()).map(weight);
        assert_eq!(self.waiting, weights.sum::<usize>(), "what waits is weighed right");
        assert!(
            self.waiting <= self.limits.hard + OVERHEAD + 125,
            "the hard limit holds, but for a close frame"
        );
        let keyed = self.entries.iter().filter(|entry| entry.key.is_some()).count();
        assert_eq!(self.latest.len(), keyed, "each key waits once");
        for (key, at) in &self.latest {
            let index = usize::try_from(at - self.front).unwrap();
            assert_eq!(self.entries[index].key.as_ref(), Some(key), "a key knows its place");
        }
        assert!(self.droppable.len() <= self.entries.len(), "the droppable ones are among those that wait");
    }
}

pub(super) fn weight(frame: &Bytes) -> usize {
    frame.len() + OVERHEAD
}

#[cfg(test)]
mod tests;
