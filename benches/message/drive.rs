//! Sends messages, and takes the time until they are acknowledged and until every member has them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::Scenario;
use super::client::{Incoming, Outgoing, Socket};
use super::process::Server;
use super::rooms::Room;

/// Length of a message's text.
const TEXT: usize = 128;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A chat message, which is stored and comes back to its sender as an event.
    Message,
    /// A signal, which is not stored and reaches the others alone.
    Signal,
}

impl Sent {
    /// The member of a room, and the beginning of the frame to it, that end the sender's turn. A signal is acknowledged
    /// before it has been delivered.
    fn end_of_turn(self) -> (usize, &'static [u8]) {
        match self {
            Self::Message => (0, ACK),
            Self::Signal => (1, SIGNAL),
        }
    }
}

const ACK: &[u8] = br#"{"type":"ack""#;
const EVENT: &[u8] = br#"{"type":"event""#;
const SIGNAL: &[u8] = br#"{"type":"signal""#;

/// How messages are sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each sender waits for the end of its turn before the next message.
    Closed,
    /// This many deliveries a second, however long they take.
    Open(u64),
}

/// Result of one measurement.
pub(crate) struct Measured {
    messages: usize,
    deliveries: usize,
    elapsed: Duration,
    cpu: Duration,
    writer: Duration,
    acks: Vec<Duration>,
    events: Vec<Duration>,
}

/// What all sockets share.
#[derive(Default)]
struct Count {
    acks: RefCell<Vec<Duration>>,
    events: RefCell<Vec<Duration>>,
    last: Cell<Option<Instant>>,
    arrived: Notify,
}

pub(crate) async fn measure(
    server: &Server,
    writer: &str,
    rooms: &[Room],
    scenario: Scenario,
    length: Duration,
) -> Measured {
    let (count, began) = (Rc::<Count>::default(), Instant::now());
    let (mut senders, mut listeners) = (Vec::new(), Vec::new());
    let joining = rooms.iter().flat_map(|room| (0..scenario.members).map(move |member| (room, member)));
    let joined = futures_util::stream::iter(joining)
        .map(|(room, member)| async move {
            (room, member, Socket::join(server.address, &room.tokens[member % 2], &room.name).await)
        })
        .buffered(32);
    let mut joined = std::pin::pin!(joined);
    let (ends_turn, frame) = scenario.what.end_of_turn();
    let mut turn = Rc::<Notify>::default();
    while let Some((room, member, Socket { incoming, outgoing })) = joined.next().await {
        if member == 0 {
            turn = Rc::default();
        }
        let ends = (member == ends_turn).then(|| (frame, turn.clone()));
        tokio::task::spawn_local(receive(incoming, began, count.clone(), ends));
        if member == 0 {
            let (room, what) = (room.name.clone(), scenario.what);
            senders.push(Sender { room, what, outgoing, turn: turn.clone(), began, sent: 0 });
        } else {
            // Kept: a client that has closed its side is gone.
            listeners.push(outgoing);
        }
    }
    // A second that is not measured: statements are prepared, pages are read.
    let senders = send(senders, scenario, Duration::from_secs(1)).await;
    let before = total(&senders);
    arrived(&count, before, scenario).await;
    count.acks.borrow_mut().clear();
    count.events.borrow_mut().clear();
    let (start, cpu, writer_cpu) = (Instant::now(), server.cpu(), server.cpu_of(writer));
    let senders = send(senders, scenario, length).await;
    let messages = total(&senders) - before;
    arrived(&count, messages, scenario).await;
    drop(listeners);
    let elapsed = count.last.get().unwrap() - start;
    Measured {
        messages,
        deliveries: messages * scenario.recipients(),
        elapsed,
        cpu: server.cpu() - cpu,
        writer: server.cpu_of(writer) - writer_cpu,
        acks: count.acks.take(),
        events: count.events.take(),
    }
}

/// Messages sent so far.
fn total(senders: &[Sender]) -> usize {
    senders.iter().map(|sender| sender.sent).sum()
}

/// Waits until this many messages have been acknowledged and have arrived everywhere.
async fn arrived(count: &Count, messages: usize, scenario: Scenario) {
    let deliveries = messages * scenario.recipients();
    while count.events.borrow().len() < deliveries || count.acks.borrow().len() < messages {
        count.arrived.notified().await;
    }
}

struct Sender {
    room: String,
    what: Sent,
    outgoing: Outgoing,
    turn: Rc<Notify>,
    began: Instant,
    sent: usize,
}

impl Sender {
    async fn send(&mut self, due: Instant) {
        self.sent += 1;
        let (id, room) = (self.sent, &self.room);
        let at = (due - self.began).as_micros();
        let text = format!("{at:016}{:x<1$}", "", TEXT - 16);
        let message = match self.what {
            Sent::Message => format!(
                r#"{{"type":"chat_message","id":{at},"room":"{room}","text":"{text}","client_msg_id":"m-{id:010}"}}"#
            ),
            // Each on a topic of its own: none replaces another that waits.
            Sent::Signal => format!(
                r#"{{"type":"signal","id":{at},"room":"{room}","topic":"t-{id:010}","data":{{"text":"{text}"}}}}"#
            ),
        };
        self.outgoing.write(message.as_bytes()).await;
    }
}

async fn send(senders: Vec<Sender>, scenario: Scenario, length: Duration) -> Vec<Sender> {
    let count = senders.len();
    let sending = senders.into_iter().enumerate().map(|(number, mut sender)| {
        let until = Instant::now() + length;
        tokio::task::spawn_local(async move {
            match scenario.pace {
                Pace::Closed => {
                    while Instant::now() < until {
                        sender.send(Instant::now()).await;
                        sender.turn.notified().await;
                    }
                }
                Pace::Open(rate) => {
                    let every = Duration::from_secs_f64((count * scenario.recipients()) as f64 / rate as f64);
                    let first = tokio::time::Instant::now() + every.mul_f64(number as f64 / count as f64);
                    let mut turns = tokio::time::interval_at(first, every);
                    turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
                    loop {
                        let due = turns.tick().await.into_std();
                        if due >= until {
                            break;
                        }
                        sender.send(due).await;
                    }
                }
            }
            sender
        })
    });
    futures_util::future::join_all(sending).await.into_iter().map(Result::unwrap).collect()
}

/// Takes in what a member is sent; `ends`: what ends the turn of its room's sender.
async fn receive(
    mut incoming: Incoming,
    began: Instant,
    count: Rc<Count>,
    ends: Option<(&'static [u8], Rc<Notify>)>,
) {
    while let Some(text) = incoming.next().await {
        let now = Instant::now();
        let since = |mark: &[u8], digits: usize| {
            let start = find(text, mark).expect("the time is in it") + mark.len();
            let end =
                text[start..].iter().take(digits).position(|byte| !byte.is_ascii_digit()).unwrap_or(digits);
            let micros = std::str::from_utf8(&text[start..start + end]).unwrap().parse().unwrap();
            now - (began + Duration::from_micros(micros))
        };
        if text.starts_with(EVENT) || text.starts_with(SIGNAL) {
            count.events.borrow_mut().push(since(br#""text":""#, 16));
        } else if text.starts_with(ACK) {
            count.acks.borrow_mut().push(since(br#""id":"#, 16));
        } else if text.starts_with(br#"{"type":"error""#) || text.starts_with(br#"{"type":"disconnecting""#) {
            panic!("{}", String::from_utf8_lossy(text));
        } else {
            continue;
        }
        if let Some((_, turn)) = ends.as_ref().filter(|(frame, _)| text.starts_with(frame)) {
            turn.notify_one();
        }
        count.last.set(Some(now));
        count.arrived.notify_one();
    }
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

impl Measured {
    pub(crate) fn deliveries_per_second(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of the server's CPU per message.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.messages as f64
    }

    pub(crate) fn print(&self, name: &str) {
        let writer = self.writer.as_secs_f64() * 1e6 / self.messages as f64;
        println!(
            "  {name:<34} {:>12.0} {:>13.0} {:>12.1} ({writer:>5.1})   {}  {}",
            self.messages as f64 / self.elapsed.as_secs_f64(),
            self.deliveries_per_second(),
            self.cpu_each(),
            percentiles(&self.acks),
            percentiles(&self.events),
        );
    }
}

fn percentiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at =
        |percent: usize| sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1e3;
    format!("{:>6.2}/{:<6.2}", at(50), at(99))
}
