//! Computes simulations: one after the other in order of creation, on a few threads of its own, so that the
//! event loops go on.
//!
//! What waits is in the database. A simulation that a killed process left running is computed anew: the same
//! scenario with the same seed has the same result. Two processes may compute the same one; the first to
//! finish stores it, and the other finds it done.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::clock::{Clock, Timestamp};
use crate::db::{Db, DbError};
use crate::domain::Error;
use crate::domain::simulations::{self, Assumptions, Scenario, Simulation, Waiting};
use crate::ids::SimulationId;
use crate::simulation::{Estimates, Parameters, Tally, start};

/// How often to look for simulations that were created by other processes or left by them.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// How often to look whether the running simulation was cancelled.
const LOOK_FOR_CANCELLATION: Duration = Duration::from_millis(250);

/// A simulation that another process has been running for so long was left by it. The largest takes seconds.
const LEFT_AFTER: Duration = Duration::from_secs(600);

/// Pauses before the database is asked again after a failure: they double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// Runs simulations of all users. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Simulations(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    threads: usize,
    created: Notify,
    progress: watch::Sender<Option<SimulationProgress>>,
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
    pub(crate) fn new(db: Db, clock: Clock, threads: usize) -> Self {
        let progress = watch::Sender::new(None);
        Self(Arc::new(Inner { db, clock, threads, created: Notify::new(), progress }))
    }

    /// Tells that a simulation was created and committed.
    pub(crate) fn created(&self) {
        self.0.created.notify_one();
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
        let began = self.0.clock.now();
        let mut pause = PAUSES.0;
        loop {
            match self.next(began).await {
                Ok(Some((simulation, assumptions))) => {
                    pause = PAUSES.0;
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

    /// Starts the next simulation. Those that run since before this process began are taken over, too.
    async fn next(&self, began: Timestamp) -> Result<Option<(Simulation, Assumptions)>, Error> {
        loop {
            let running_since = began.max(self.0.clock.now().minus(LEFT_AFTER));
            let found = self.0.db.read(move |uow| {
                Ok::<_, Error>(match simulations::next(uow, running_since)? {
                    Some(Waiting::Simulation(simulation)) => {
                        let assumptions = simulations::assume(uow, &simulation)?;
                        Some(Ok((simulation.id, assumptions)))
                    }
                    Some(Waiting::Unreadable(id, error)) => Some(Err((id, error))),
                    None => None,
                })
            });
            let (id, assumptions) = match found.await? {
                None => return Ok(None),
                Some(Ok(found)) => found,
                Some(Err((id, error))) => {
                    log::error!(
                        target: "souk::jobs", simulation_id:% = id;
                        "a simulation cannot be read, and has failed: {error}"
                    );
                    self.0.db.write(move |uow| simulations::give_up(uow, id)).await?;
                    continue;
                }
            };
            let started = self.0.db.write(move |uow| simulations::start(uow, id, &assumptions)).await?;
            // It may have been cancelled meanwhile.
            let Some(simulation) = started else { continue };
            if let Some(assumptions) = simulation.assumptions.clone() {
                return Ok(Some((simulation, assumptions)));
            }
        }
    }

    async fn compute(&self, simulation: &Simulation, assumptions: &Assumptions) {
        let (id, user) = (simulation.id, simulation.user_id);
        let computed = self.blocks(simulation, assumptions).await;
        // Before the end is stored, so that no progress is told after it.
        self.0.progress.send_replace(None);
        let mut result = match computed {
            Computed::Whole(result) => Some(result),
            Computed::Impossible => None,
            Computed::Cancelled => return,
        };
        let mut pause = PAUSES.0;
        loop {
            let end = result.clone();
            let stored = match end {
                Some(_) => self.0.db.write(move |uow| simulations::finish(uow, id, end.clone())).await,
                None => self.0.db.write(move |uow| simulations::give_up(uow, id)).await,
            };
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
    matches!(error, Error::Db(DbError::Contended(_) | DbError::Overloaded | DbError::Unavailable(_)))
}

fn parameters(scenario: &Scenario, assumptions: &Assumptions) -> Parameters {
    Parameters {
        base_price: scenario.base_price.amount(),
        reference_price: assumptions.reference_price,
        steps: scenario.steps.get().into(),
        runs: scenario.runs.get().into(),
        seed: scenario.seed.0.into(),
        capacity: scenario.capacity,
        market: assumptions.market,
    }
}
