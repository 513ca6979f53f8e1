//! `souk load`: opens many synthetic sessions at once, and measures how quickly a server serves them.
//!
//! It drives any server from outside, by the protocol that every client speaks; none of the server's own code
//! is used here. It measures three things: how quickly sessions open, how long a session waits for an answer,
//! and how long a message takes to reach the other members of its room.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, sleep_until};

use super::client::{Client, Failure, Received, Target};
use super::report::{Measured, Report};

/// The parameters of a load test.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// The server's address and the load-test secret.
    pub(crate) target: Target,
    /// Sessions to open.
    pub(crate) sessions: u32,
    /// Concurrent handshakes.
    pub(crate) at_once: u32,
    /// Sessions in each room.
    pub(crate) room_size: u32,
    /// Duration of the traffic once all sessions are open.
    pub(crate) period: Duration,
    /// Interval between a session's messages.
    pub(crate) every: Duration,
}

/// The state that all sessions share.
struct Shared {
    load: Load,
    connecting: Semaphore,
    /// Every session has connected or failed.
    all_here: Barrier,
    all_joined: Barrier,
    began: Instant,
    /// Session numbers by the user ids that the server assigned.
    numbers: RwLock<HashMap<String, u32>>,
    /// When each session last sent `typing`, in microseconds after `began`.
    last_typing: Vec<AtomicU64>,
}

/// Opens the sessions, generates traffic for the period, and reports the measurements.
pub(super) async fn run(load: Load) -> Report {
    let count = usize::try_from(load.sessions).unwrap_or(usize::MAX);
    let shared = Arc::new(Shared {
        connecting: Semaphore::new(usize::try_from(load.at_once).unwrap_or(1)),
        all_here: Barrier::new(count),
        all_joined: Barrier::new(count),
        began: Instant::now(),
        numbers: RwLock::default(),
        last_typing: (0..load.sessions).map(|_| AtomicU64::new(0)).collect(),
        load,
    });
    let mut sessions = JoinSet::new();
    for number in 0..shared.load.sessions {
        sessions.spawn(session(shared.clone(), number));
    }
    let measured = sessions.join_all().await;
    Report::of(shared.began, &measured)
}

async fn session(shared: Arc<Shared>, number: u32) -> Measured {
    let mut measured = Measured::default();
    let opened = open(&shared, number, &mut measured).await;
    shared.all_here.wait().await;
    let mut client = match opened {
        Ok(client) => Some(client),
        Err(failure) => {
            measured.failure = Some(failure);
            None
        }
    };
    if let Some(opened) = &mut client {
        let room = number / shared.load.room_size;
        let asked = Instant::now();
        match opened.join(&room_name(room)).await {
            Ok(()) => measured.join = Some(asked.elapsed()),
            Err(failure) => {
                measured.failure = Some(failure);
                client = None;
            }
        }
    }
    shared.all_joined.wait().await;
    if let Some(client) = client {
        measured.failure = talk(&shared, number, client, &mut measured).await.err();
    }
    measured
}

fn room_name(room: u32) -> String {
    format!("loadtest:{room}")
}

async fn open(shared: &Shared, number: u32, measured: &mut Measured) -> Result<Client, Failure> {
    // The semaphore is never closed.
    let _permit = shared.connecting.acquire().await;
    let asked = Instant::now();
    let client = Client::open(&shared.load.target).await?;
    let here = Instant::now();
    measured.connect = Some((here - asked, here));
    let mut numbers = shared.numbers.write().unwrap_or_else(PoisonError::into_inner);
    numbers.insert(client.user().to_owned(), number);
    Ok(client)
}

/// Sends `ping` and `typing` at each interval until the period is over, and receives all the while.
async fn talk(
    shared: &Shared,
    number: u32,
    mut client: Client,
    measured: &mut Measured,
) -> Result<(), Failure> {
    let Load { sessions, room_size, period, every, .. } = shared.load;
    let room = room_name(number / room_size);
    let start = tokio::time::Instant::now();
    // Sessions are staggered, so that the load is even.
    let mut turns = interval_at(start + every.mul_f64(f64::from(number) / f64::from(sessions)), every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pinged_at = None;
    loop {
        tokio::select! {
            () = sleep_until(start + period) => return client.close().await,
            _ = turns.tick() => {
                // Receivers look up this time to compute the delivery latency.
                let at = u64::try_from(shared.began.elapsed().as_micros()).unwrap_or(u64::MAX);
                if let Some(sent_at) = usize::try_from(number).ok().and_then(|number| shared.last_typing.get(number)) {
                    sent_at.store(at, Ordering::Release);
                }
                client.send_typing(&room).await?;
                if pinged_at.is_none() {
                    pinged_at = Some(Instant::now());
                    client.send_ping().await?;
                }
            }
            received = client.receive() => match received? {
                Received::Pong => measured.round_trips.extend(pinged_at.take().map(|sent_at: Instant| sent_at.elapsed())),
                Received::Typing(user) => measured.deliveries.extend(shared.since_typing(&user)),
                Received::Other => {}
            },
        }
    }
}

impl Shared {
    fn since_typing(&self, user: &str) -> Option<Duration> {
        let number = self.numbers.read().unwrap_or_else(PoisonError::into_inner).get(user).copied()?;
        let sent_at = self.last_typing.get(usize::try_from(number).ok()?)?.load(Ordering::Acquire);
        self.began.elapsed().checked_sub(Duration::from_micros(sent_at))
    }
}
