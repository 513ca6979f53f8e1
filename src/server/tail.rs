//! Follows what other processes commit: tells authentication and the hub, fills the admins' room, and closes this
//! node's sessions when it can no longer hear of rights that ended.
//!
//! This process publishes its own commits at once. Those of other processes it finds in the table `commits`:
//! on PostgreSQL other nodes and commands, on SQLite commands that run beside the server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use crate::app::App;
use crate::clock::Timestamp;
use crate::config::DatabaseConfig;
use crate::db::{Commit, Db, DbError, Tail, TailError, Target, commits_after, forget_commits};
use crate::events::{Committed, Envelope};
use crate::hub::{Closing, Followed};

use super::options::{db_config, drain_plan};

/// How often other nodes' commits are looked for.
const POLL: Duration = Duration::from_millis(50);

/// How often a server on SQLite looks for commits of commands, which are rare.
const POLL_FOR_COMMANDS: Duration = Duration::from_millis(250);

/// Pause before a node that lost the database connects again.
const RECONNECT: Duration = Duration::from_millis(250);

/// After this time beyond that of a statement, a poll that has not returned is given up with its connection; and
/// how many may be given up before their threads are waited for.
const SILENCE: Duration = Duration::from_secs(2);
const MAX_ABANDONED: usize = 8;

/// How often the leader renews its lease, and the others ask whether it has ended.
const LEAD: Duration = Duration::from_secs(1);

/// How often the leader fills the admins' room at most; and how often it does so even if no commit was seen
/// that has something for it, since it may have been another leader's.
const FILL: Duration = Duration::from_millis(100);
const FILL_ANYWAY: Duration = Duration::from_secs(10);

/// How long rows of `commits` are kept. Longer than any node may go on without polling.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// How often old rows are deleted, and how many at once.
const FORGET: Duration = Duration::from_secs(60);
const FORGET_AT_ONCE: i64 = 10_000;

/// Starts to follow: what is committed from now on will be told. Called before connections are accepted, since
/// a session must not miss a right that ends right after its handshake. Blocking.
pub(crate) fn start(config: &DatabaseConfig, db: &Db, now: Timestamp) -> Result<Option<Tail>, TailError> {
    let config = db_config(config);
    if let Target::Sqlite(_) = config.target {
        return Ok(None);
    }
    let mut tail = Tail::new(&config, db.node());
    tail.poll(now)?;
    Ok(Some(tail))
}

/// Follows for ever; `tail` is what [`start`] returned.
pub(crate) async fn run(app: &App, tail: Option<Tail>) {
    match tail {
        None => follow_commands(app).await,
        Some(tail) => {
            let contact = Contact::new();
            tokio::join!(follow_nodes(app, &contact, tail), guard(app, &contact));
        }
    }
}

/// What the poller tells the guard, and the guard the poller.
struct Contact {
    polled: watch::Sender<Polled>,
    /// How often the guard has asked the poller to start anew.
    asked: AtomicU64,
    /// The start (request to start anew) since which something was missed that cannot be read afterwards.
    lost: watch::Sender<Option<u64>>,
}

/// The last poll that succeeded.
#[derive(Clone, Copy)]
struct Polled {
    /// When it began: what was committed before it has been told.
    at: Instant,
    /// The request to start anew that it followed.
    anew: u64,
}

impl Contact {
    fn new() -> Self {
        let polled = watch::Sender::new(Polled { at: Instant::now(), anew: 0 });
        Self { polled, asked: AtomicU64::new(0), lost: watch::Sender::new(None) }
    }
}

/// Closes all sessions when the poller has had no success for the fence time, and admits new ones once it has
/// started anew: a session that is not told of ended rights must not go on.
async fn guard(app: &App, contact: &Contact) {
    let fence = app.config.database.fence_timeout;
    let (mut polled, mut lost) = (contact.polled.subscribe(), contact.lost.subscribe());
    let mut anew = 0;
    loop {
        let until = polled.borrow_and_update().at + fence;
        tokio::select! {
            biased;
            // What an earlier start missed has been dealt with. The senders live as long as this runs.
            _ = lost.wait_for(|lost| lost.is_some_and(|start| start >= anew)) => {}
            _ = polled.changed() => continue,
            () = sleep_until(until) => {}
        }
        app.node_status.set_cut_off(true);
        log::error!("what other nodes commit is not known: all sessions are closed, and none is admitted");
        anew = contact.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut closed = 0;
        loop {
            // A command that waits for the database may wait for long.
            let drained = app.hub.drain(drain_plan(app, Closing::AtOnce)).await;
            closed += drained.at_first - drained.left;
            if drained.left == 0 {
                break;
            }
        }
        let _ = polled.wait_for(|polled| polled.anew >= anew).await;
        app.hub.admit_again();
        app.node_status.set_cut_off(false);
        log::info!(closed; "the database is followed again: sessions are admitted");
    }
}

/// Polls for other nodes' commits, and does the leader's work if this node is the leader.
async fn follow_nodes(app: &App, contact: &Contact, tail: Tail) {
    let follower = || Follower::new(Tail::new(&db_config(&app.config.database), app.db.node()));
    let mut idle = Some(Follower::new(tail));
    let mut anew = 0;
    let mut fails = false;
    // Whether commits were missed that cannot be read afterwards.
    let mut missed = false;
    let patience = app.config.database.database_statement_timeout + SILENCE;
    let mut abandoned = Vec::new();
    loop {
        if abandoned.len() >= MAX_ABANDONED {
            sleep(RECONNECT).await;
            abandoned.retain(|round: &JoinHandle<_>| !round.is_finished());
            continue;
        }
        let at = Instant::now();
        let asked = contact.asked.load(Ordering::SeqCst);
        let starts_anew = asked > anew;
        let now = app.clock.now();
        let mut working = idle.take().unwrap_or_else(follower);
        let mut running = spawn_blocking(move || {
            let round = working.round(now, starts_anew);
            (working, round)
        });
        let polled = match timeout(patience, &mut running).await {
            Ok(Ok((rested, round))) => {
                idle = Some(rested);
                app.node_status.set_leading(round.leads);
                if round.has_read_again {
                    app.hub.nodes_changed();
                }
                app.hub.publisher().publish(Committed { events: round.appended, revocations: Vec::new() });
                round.polled
            }
            // It panicked: another one starts at the next round, and the sessions of this one's time end.
            Ok(Err(_)) => Err(TailError::Interrupted),
            // The server has gone silent, which the thread may not notice for long.
            Err(_) => {
                abandoned.push(running);
                Err(TailError::Interrupted)
            }
        };
        match polled {
            Ok(commits) => {
                tell(app, commits);
                if std::mem::take(&mut missed) || starts_anew {
                    app.invalidations.note_everybody();
                }
                app.invalidations.followed(at);
                anew = asked;
                contact.polled.send_replace(Polled { at, anew });
                if std::mem::take(&mut fails) {
                    log::info!("commits of other nodes are followed again");
                }
                sleep(POLL).await;
            }
            Err(error) => {
                if !std::mem::replace(&mut fails, true) {
                    log::warn!("commits of other nodes cannot be followed: {error}");
                }
                if !error.may_go_on() {
                    missed = true;
                    contact.lost.send_replace(Some(asked));
                }
                sleep(RECONNECT).await;
            }
        }
    }
}

/// Tells authentication, then the hub.
fn tell(app: &App, commits: Vec<Commit>) {
    let mut followed = Followed::default();
    for commit in commits {
        // Those of this process as well: one whose `COMMIT` got no answer was noted before it was visible.
        app.invalidations.note(&commit.revocations);
        followed.heads.extend(commit.heads);
        if !commit.is_own {
            followed.revocations.extend(commit.revocations);
        }
        followed.presence.extend(commit.presence);
    }
    app.hub.follow(followed);
}

/// The tail, and what the leader has to do; used on blocking threads.
struct Follower {
    tail: Tail,
    /// Whether a commit was seen that has something for the admins' room.
    admin_events: bool,
    lead_at: Instant,
    fill_at: Instant,
    fill_anyway_at: Instant,
    forget_at: Instant,
}

/// The result of a round.
struct Round {
    polled: Result<Vec<Commit>, TailError>,
    /// Who is on other nodes must be read anew.
    has_read_again: bool,
    leads: bool,
    /// Events that were appended to the admins' room.
    appended: Vec<Envelope>,
}

impl Follower {
    fn new(tail: Tail) -> Self {
        let now = Instant::now();
        Self {
            tail,
            admin_events: false,
            lead_at: now,
            fill_at: now,
            fill_anyway_at: now,
            forget_at: now + FORGET,
        }
    }

    fn round(&mut self, now: Timestamp, starts_anew: bool) -> Round {
        if starts_anew {
            self.tail.start_anew();
        }
        let polled = self.tail.poll(now);
        if let Ok(commits) = &polled {
            self.admin_events |= commits.iter().any(|commit| commit.has_admin_events);
        }
        let mut appended = Vec::new();
        if polled.is_ok()
            && let Err(error) = self.work(now, &mut appended)
        {
            // The next attempt is by whoever leads then.
            log::warn!("the leader's work failed: {error}");
        }
        let has_read_again = self.tail.take_read_again();
        Round { polled, has_read_again, leads: self.tail.is_leader(), appended }
    }

    /// What only the leader does.
    fn work(&mut self, now: Timestamp, appended: &mut Vec<Envelope>) -> Result<(), TailError> {
        let time = Instant::now();
        if time >= self.lead_at {
            self.lead_at = time + LEAD;
            self.tail.try_to_lead()?;
        }
        if !self.tail.is_leader() {
            return Ok(());
        }
        if (self.admin_events && time >= self.fill_at) || time >= self.fill_anyway_at {
            self.fill_at = time + FILL;
            self.fill_anyway_at = time + FILL_ANYWAY;
            self.admin_events = false;
            *appended = self.tail.fill_admin_room(now)?;
        }
        if time >= self.forget_at {
            self.forget_at = time + FORGET;
            self.tail.forget(now.minus(KEPT), FORGET_AT_ONCE)?;
        }
        Ok(())
    }
}

/// Polls for what commands commit beside a server on SQLite.
async fn follow_commands(app: &App) {
    app.node_status.set_leading(true);
    let mut rounds = interval(POLL_FOR_COMMANDS);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What commands committed before this server started is told as well: it ends no right that a new
    // session has.
    let mut position = 0;
    let mut forget_at = Instant::now() + FORGET;
    loop {
        rounds.tick().await;
        let at = Instant::now();
        // A failure is logged where reads are.
        if let Ok(true) = poll_commands(app, &mut position).await {
            app.invalidations.followed(at);
        }
        if Instant::now() >= forget_at && position > 0 {
            forget_at = Instant::now() + FORGET;
            let before = app.clock.now().minus(KEPT);
            let _ = app.db.write(move |uow| forget_commits(uow, before)).await;
        }
    }
}

/// Whether that was all of it.
async fn poll_commands(app: &App, position: &mut i64) -> Result<bool, DbError> {
    let (node, after) = (app.db.node(), *position);
    let read = app.db.read(move |uow| commits_after(uow, node, after)).await?;
    *position = read.position;
    tell(app, read.commits);
    Ok(read.is_all)
}
