use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::ids::Room;

const LANE: Channel = Channel(0);

const LIMITS: OutboxLimits = OutboxLimits { soft: 1_000, hard: 2_000 };

fn key(name: u8) -> LatestKey {
    let user = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    LatestKey::presence(Room::LoadTest(Arc::from(format!("room-{name}"))), user)
}

fn frame(fill: u8, length: usize) -> Bytes {
    Bytes::from(vec![fill; length])
}

fn drained(queue: &mut Queue) -> Vec<u8> {
    match queue.drain(usize::MAX, usize::MAX) {
        Drained::Frames(bytes) => bytes.to_vec(),
        Drained::Nothing | Drained::Ended => Vec::new(),
    }
}

#[test]
fn all_that_waits_leaves_together_and_in_order() {
    let mut queue = Queue::new(LIMITS);
    for fill in 1..=3 {
        assert_eq!(queue.push(frame(fill, 2), Delivery::Durable, LANE), Pushed::Queued);
    }
    assert_eq!(drained(&mut queue), [1, 1, 2, 2, 3, 3]);
    assert!(matches!(queue.drain(usize::MAX, usize::MAX), Drained::Nothing));
}

#[test]
fn no_more_frames_leave_together_than_are_asked_for() {
    let mut queue = Queue::new(LIMITS);
    for fill in 1..=5 {
        assert_eq!(queue.push(frame(fill, 1), Delivery::Durable, LANE), Pushed::Queued);
    }
    let mut next = |at_most| match queue.drain(usize::MAX, at_most) {
        Drained::Frames(bytes) => bytes.to_vec(),
        Drained::Nothing | Drained::Ended => Vec::new(),
    };
    assert_eq!(
        (next(2), next(1), next(0), next(2), next(2)),
        (vec![1, 2], vec![3], vec![4], vec![5], vec![])
    );
}

#[test]
fn a_newer_state_takes_the_place_of_the_older_one() {
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.push(frame(1, 1), Delivery::Latest(key(1)), LANE), Pushed::Queued);
    assert_eq!(queue.push(frame(2, 1), Delivery::Durable, LANE), Pushed::Queued);
    assert_eq!(queue.push(frame(3, 4), Delivery::Latest(key(1)), LANE), Pushed::Replaced);
    assert_eq!(queue.push(frame(4, 1), Delivery::Latest(key(2)), LANE), Pushed::Queued);
    assert_eq!(drained(&mut queue), [3, 3, 3, 3, 2, 4]);
    assert_eq!(
        queue.push(frame(5, 1), Delivery::Latest(key(1)), LANE),
        Pushed::Queued,
        "the old one has left"
    );
    let other_session = queue.push(frame(6, 1), Delivery::Latest(key(1)), Channel(1));
    assert_eq!(other_session, Pushed::Queued, "states of sessions that share the outbox stay apart");
}

#[test]
fn droppable_frames_go_first_and_durable_ones_never_silently() {
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.push(frame(1, 400), Delivery::Droppable, LANE), Pushed::Queued);
    assert_eq!(queue.push(frame(2, 400), Delivery::Durable, LANE), Pushed::Queued);
    assert_eq!(queue.push(frame(3, 400), Delivery::Droppable, LANE), Pushed::Dropped, "past the soft limit");
    assert_eq!(queue.push(frame(4, 400), Delivery::Durable, LANE), Pushed::Queued);
    assert_eq!(queue.progress().waiting, 2 * (400 + OVERHEAD), "the first droppable one made room");
    assert_eq!(queue.push(frame(5, 1_500), Delivery::Durable, LANE), Pushed::Overflow);
    assert_eq!(
        queue.push(frame(6, 1), Delivery::Durable, LANE),
        Pushed::Overflow,
        "and it stays so: nothing is skipped"
    );
    assert!(queue.progress().overflowed);
}

#[test]
fn finishing_lets_out_what_waits_and_then_ends() {
    let mut queue = Queue::new(LIMITS);
    let _ = queue.push(frame(1, 1), Delivery::Durable, LANE);
    queue.finish(Some(frame(9, 2)));
    assert_eq!(queue.push(frame(2, 1), Delivery::Durable, LANE), Pushed::Closed);
    assert_eq!(drained(&mut queue), [1, 9, 9]);
    assert!(matches!(queue.drain(usize::MAX, usize::MAX), Drained::Ended));
}

#[test]
fn a_frame_larger_than_a_chunk_leaves_alone() {
    let mut queue = Queue::new(LIMITS);
    for (fill, length) in [(1, 3), (2, 50), (3, 3), (4, 3)] {
        let _ = queue.push(frame(fill, length), Delivery::Durable, LANE);
    }
    let lengths: Vec<usize> = std::iter::from_fn(|| match queue.drain(8, usize::MAX) {
        Drained::Frames(bytes) => Some(bytes.len()),
        Drained::Nothing | Drained::Ended => None,
    })
    .collect();
    assert_eq!(lengths, [3, 50, 6]);
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, Kind),
    Drain(usize),
    Discard,
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Durable,
    Latest(u8),
    Droppable,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        3 => Just(Kind::Durable),
        2 => (0..4_u8).prop_map(Kind::Latest),
        2 => Just(Kind::Droppable),
    ];
    prop_oneof![
        30 => (1..400_usize, kind).prop_map(|(length, kind)| Step::Push(length, kind)),
        8 => (1..1_000_usize).prop_map(Step::Drain),
        1 => Just(Step::Discard),
        1 => Just(Step::Finish),
    ]
}

/// A naive model of the queue: a list of waiting frames, searched from the front each time.
#[derive(Default)]
struct Model {
    waiting: Vec<(u8, usize, Kind)>,
    overflowed: bool,
    finished: bool,
}

impl Model {
    fn weight(&self) -> usize {
        self.waiting.iter().map(|(_, length, _)| length + OVERHEAD).sum()
    }

    fn push(&mut self, fill: u8, length: usize, kind: Kind) -> Pushed {
        if self.finished {
            return Pushed::Closed;
        }
        if self.overflowed {
            return Pushed::Overflow;
        }
        let older = match kind {
            Kind::Latest(_) => self.waiting.iter().position(|(_, _, other)| *other == kind),
            Kind::Durable | Kind::Droppable => None,
        };
        if let Some(at) = older {
            let weight = self.weight() - self.waiting[at].1 + length;
            self.overflowed = weight > LIMITS.hard;
            if self.overflowed {
                return Pushed::Overflow;
            }
            self.waiting[at] = (fill, length, kind);
            return Pushed::Replaced;
        }
        let past_soft = |model: &Self| model.weight() + length + OVERHEAD > LIMITS.soft;
        if past_soft(self) {
            if kind == Kind::Droppable {
                return Pushed::Dropped;
            }
            self.waiting.retain(|(_, _, kind)| *kind != Kind::Droppable);
        }
        if self.weight() + length + OVERHEAD > LIMITS.hard {
            self.overflowed = true;
            return Pushed::Overflow;
        }
        self.waiting.push((fill, length, kind));
        Pushed::Queued
    }

    fn drain(&mut self, chunk: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some((fill, length, _)) = self.waiting.first().copied() {
            if !bytes.is_empty() && bytes.len() + length > chunk {
                break;
            }
            self.waiting.remove(0);
            bytes.extend(std::iter::repeat_n(fill, length));
        }
        bytes
    }
}

proptest! {
    #[test]
    fn behaves_as_the_naive_model(steps in prop::collection::vec(step(), 1..200)) {
        let mut queue = Queue::new(LIMITS);
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            let fill = u8::try_from(number % 256).unwrap();
            match step {
                Step::Push(length, kind) => {
                    let delivery = match kind {
                        Kind::Durable => Delivery::Durable,
                        Kind::Latest(name) => Delivery::Latest(key(name)),
                        Kind::Droppable => Delivery::Droppable,
                    };
                    prop_assert_eq!(queue.push(frame(fill, length), delivery, LANE), model.push(fill, length, kind));
                }
                Step::Drain(chunk) => {
                    let expected = model.drain(chunk);
                    match queue.drain(chunk, usize::MAX) {
                        Drained::Frames(bytes) => prop_assert_eq!(bytes.to_vec(), expected),
                        Drained::Nothing => prop_assert!(expected.is_empty() && !model.finished),
                        Drained::Ended => prop_assert!(expected.is_empty() && model.finished),
                    }
                }
                Step::Discard => {
                    queue.clear();
                    model.waiting.clear();
                    model.overflowed = false;
                }
                Step::Finish => {
                    if !model.finished {
                        if model.overflowed {
                            model.waiting.clear();
                        }
                        model.waiting.push((255, 2, Kind::Durable));
                        model.finished = true;
                    }
                    queue.finish(Some(frame(255, 2)));
                }
            }
            queue.check_invariants();
            prop_assert_eq!(queue.progress().waiting, model.weight());
        }
    }
}
