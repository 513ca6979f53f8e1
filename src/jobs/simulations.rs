//! Computes simulations: one after the other, where users take turns, on a few threads of its own, so that the
//! event loops go on.
//!
//! What waits is in the database, and what runs is claimed there by the node that computes it. A simulation that a killed
//! process left running is computed anew, by another node once the first one counts as dead: the same scenario with the
//! same seed has the same result. Should two nodes compute the same one all the same, since one of them was silent for
//! that long, the first to finish stores it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::db::{Db, DbError};
use crate::domain::Error;
use crate::domain::simulations::{self, Assumptions, Scenario, Simulation};
use crate::ids::{SimulationId, UserId};
use crate::simulation::{Estimates, Market, Parameters, Tally, start};

/// How often to look for simulations that were created by other processes or left by them.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How often to look whether the running simulation was cancelled.
const LOOK_FOR_CANCELLATION: Duration = Duration::from_millis(250);

/// Pauses before the database is asked again after a failure: they double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// Runs simulations of all users. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Simulations(Arc<Inner>);

struct Inner {
    db: Db,
    threads: usize,
    created: Notify,
    progress: watch::Sender<Option<SimulationProgress>>,
    /// Of which no progress is told.
    silent: Mutex<BTreeSet<SimulationId>>,
}

/// Keeps the progress of a simulation from being told.
pub(crate) struct Silence {
    of: Simulations,
    id: SimulationId,
    is_kept: bool,
}

impl Silence {
    /// The simulation was cancelled. What runs ends soon, and forgets it.
    pub(crate) fn keep(mut self) {
        self.is_kept = self.of.progress(self.id).is_some();
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if !self.is_kept {
            self.of.0.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        }
    }
}

/// How far the running simulation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SimulationProgress {
    /// The simulation.
    pub(crate) id: SimulationId,
    /// Runs that are computed.
    pub(crate) done: u32,
    /// All runs.
    pub(crate) total: u32,
    /// What the runs so far bring, as soon as their spread is known.
    pub(crate) estimates: Option<Estimates>,
}

/// How a computation ended.
enum Computed {
    Whole(Arc<RawValue>),
    Impossible,
    Cancelled,
}

impl Simulations {
    /// With no `threads`, nothing is computed.
    pub(crate) fn new(db: Db, threads: usize) -> Self {
        let progress = watch::Sender::new(None);
        Self(Arc::new(Inner { db, threads, created: Notify::new(), progress, silent: Mutex::default() }))
    }

    /// Tells that a simulation was created and committed.
    pub(crate) fn created(&self) {
        self.0.created.notify_one();
    }

    /// Tells no more progress of this simulation, since it is about to be cancelled: unless the result is kept, only
    /// until it is dropped.
    pub(crate) fn silence(&self, id: SimulationId) -> Silence {
        self.0.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Silence { of: self.clone(), id, is_kept: false }
    }

    /// Whether no progress of this simulation is told any more.
    pub(crate) fn is_silent(&self, id: SimulationId) -> bool {
        self.0.silent.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// How far this simulation is, if this process is running it.
    pub(crate) fn progress(&self, id: SimulationId) -> Option<SimulationProgress> {
        self.0.progress.borrow().filter(|progress| progress.id == id)
    }

    /// The progress of whichever simulation is running; whoever reads slowly sees the newest.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<SimulationProgress>> {
        self.0.progress.subscribe()
    }

    /// Runs what waits, for ever. Dropping it ends the threads, and leaves the running one to the next process.
    pub(crate) async fn run(&self) {
        if self.0.threads == 0 {
            return std::future::pending().await;
        }
        let (mut pause, mut last) = (PAUSES.0, None);
        loop {
            match self.next(last).await {
                Ok(Some((simulation, assumptions))) => {
                    (pause, last) = (PAUSES.0, Some(simulation.user_id));
                    self.compute(&simulation, &assumptions).await;
                }
                Ok(None) => {
                    pause = PAUSES.0;
                    let _ = timeout(LOOK_AGAIN, self.0.created.notified()).await;
                }
                Err(error) => {
                    log::warn!(target: "souk::jobs", "no simulation can be started: {error}");
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Starts the next simulation. Those that nobody runs any more are taken over, too.
    async fn next(&self, last: Option<UserId>) -> Result<Option<(Simulation, Assumptions)>, Error> {
        let node = self.0.db.node();
        loop {
            let next = self.0.db.read(move |uow| simulations::next(uow, node, last));
            let Some(id) = next.await? else { return Ok(None) };
            match self.start(id).await {
                Ok(Some(simulation)) => {
                    if let Some(assumptions) = simulation.assumptions.clone() {
                        return Ok(Some((simulation, assumptions)));
                    }
                }
                // It was cancelled meanwhile, or another node was faster.
                Ok(None) => {}
                Err(error) if is_passing(&error) => return Err(error),
                // It stays what it is however often it is tried, and others wait behind it.
                Err(error) => {
                    log::error!(
                        target: "souk::jobs", simulation_id:% = id;
                        "a simulation cannot be started, and has failed: {error}"
                    );
                    self.0.db.write(move |uow| simulations::give_up(uow, id)).await?;
                }
            }
        }
    }

    async fn start(&self, id: SimulationId) -> Result<Option<Simulation>, Error> {
        let assumptions = self.0.db.read(move |uow| simulations::assume(uow, id)).await?;
        let node = self.0.db.node();
        self.0.db.write(move |uow| simulations::start(uow, node, id, &assumptions)).await
    }

    async fn compute(&self, simulation: &Simulation, assumptions: &Assumptions) {
        let (id, user) = (simulation.id, simulation.user_id);
        let computed = self.blocks(simulation, assumptions).await;
        // Before the end is stored, so that no progress is told after it.
        self.0.progress.send_replace(None);
        self.0.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let mut result = match computed {
            Computed::Whole(result) => Some(result),
            // One that has ended stays as it is; one whose owner was suspended has failed.
            Computed::Impossible | Computed::Cancelled => None,
        };
        let mut pause = PAUSES.0;
        loop {
            let (end, node) = (result.clone(), self.0.db.node());
            let stored = self.0.db.write(move |uow| {
                match &end {
                    Some(_) => simulations::finish(uow, id, end.clone())?,
                    None => simulations::give_up(uow, id)?,
                }
                simulations::release(uow, node, id)
            });
            let stored = stored.await;
            let Err(error) = stored else { return };
            if is_passing(&error) {
                log::warn!(
                    target: "souk::jobs", simulation_id:% = id, user_id:% = user;
                    "the end of a simulation cannot be stored yet: {error}"
                );
            } else {
                log::error!(
                    target: "souk::jobs", simulation_id:% = id, user_id:% = user;
                    "the end of a simulation cannot be stored: {error}"
                );
                result = None;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Computes block by block.
    async fn blocks(&self, simulation: &Simulation, assumptions: &Assumptions) -> Computed {
        let id = simulation.id;
        let parameters = parameters(&simulation.scenario, assumptions);
        let told = |why: &dyn std::fmt::Display| {
            log::error!(
                target: "souk::jobs", simulation_id:% = id, user_id:% = simulation.user_id;
                "a simulation cannot be computed: {why}"
            );
            Computed::Impossible
        };
        let mut blocks = match start(parameters, self.0.threads) {
            Ok(blocks) => blocks,
            Err(error) => return told(&error),
        };
        let mut look = interval(LOOK_FOR_CANCELLATION);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tally = Tally::default();
        loop {
            let estimates = (tally.runs() > 1).then(|| tally.estimates(&parameters));
            let progress = SimulationProgress { id, done: tally.runs(), total: parameters.runs, estimates };
            self.0.progress.send_replace(Some(progress));
            tokio::select! {
                block = blocks.recv() => match block {
                    Some(block) => tally.merge(&block),
                    None => break,
                },
                _ = look.tick() => {
                    let still = self.0.db.read(move |uow| simulations::is_running(uow, id)).await;
                    // Where the database does not answer, it is asked again before anything is stored.
                    if matches!(still, Ok(false)) {
                        return Computed::Cancelled;
                    }
                }
            }
        }
        if tally.runs() < parameters.runs {
            return told(&"a thread has ended early");
        }
        match to_raw_value(&tally.outcome(&parameters)) {
            Ok(result) => Computed::Whole(result.into()),
            Err(error) => told(&error),
        }
    }
}

/// Whether the same attempt may succeed later.
fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::Db(
            DbError::Contended(_) | DbError::TimedOut(_) | DbError::Overloaded | DbError::Unavailable(_)
        )
    )
}

/// Most offers that one simulation decides on: seconds of one thread.
const MOST_OFFERS: f64 = 200_000_000.0;

/// In a busy market there are fewer runs, which the result says, so that one simulation does not keep the others
/// waiting for minutes.
fn affordable(runs: u32, steps: u32, market: &Market) -> u32 {
    let offers_per_run = f64::from(steps) * market.requests_per_step * (1.0 + market.rivals_per_request);
    let affordable = (MOST_OFFERS / offers_per_run.max(1.0)) as u32;
    runs.min(affordable).max(2)
}

fn parameters(scenario: &Scenario, assumptions: &Assumptions) -> Parameters {
    let (runs, steps) = (scenario.runs.get().into(), scenario.steps.get().into());
    Parameters {
        base_price: scenario.base_price.amount(),
        reference_price: assumptions.reference_price,
        steps,
        runs: affordable(runs, steps, &assumptions.market),
        seed: scenario.seed.0.into(),
        capacity: scenario.capacity,
        market: assumptions.market,
    }
}
