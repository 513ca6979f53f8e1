//! Use cases of simulations: creating, reading, listing, comparing, cancelling; and those of the system that
//! computes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::policy::{Authorized, Right, Scope, Step, authorize, by_system, step, system_step};
use crate::domain::{Error, Page, Slice};
use crate::ids::{Category, SimulationId};

use super::events::announce;
use super::{
    Action, CREATE, Change, READ, Reference, Runs, Scenario, Seed, Simulation, State, Steps, repository,
};

/// `Retry-After` for a caller at the limit of their plan; when a slot becomes free is unknown.
const PAUSE: Duration = Duration::from_secs(10);

/// A simulation to create.
#[derive(Clone, Debug)]
pub(crate) struct NewSimulation {
    /// The market to simulate.
    pub(crate) category: Category,
    /// Initial price.
    pub(crate) base_price: Money,
    /// What others charge on average; the base price if `None`.
    pub(crate) reference: Option<Reference>,
    /// Number of steps.
    pub(crate) steps: Steps,
    /// Number of independent runs.
    pub(crate) runs: Runs,
    /// Seed; derived from the new id if `None`.
    pub(crate) seed: Option<Seed>,
}

/// Creates a simulation, unless `most` of the caller's are waiting or running; the limit holds under
/// concurrency.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    new: &NewSimulation,
    most: u32,
) -> Result<Simulation, Error> {
    let now = uow.now();
    let id = SimulationId::new(now);
    let NewSimulation { category, base_price, reference, steps, runs, seed } = new.clone();
    let seed = seed.unwrap_or_else(|| Seed::of(id));
    let simulation = Simulation {
        id,
        user_id: scope.user(),
        scenario: Scenario { category, base_price, reference, steps, runs, seed },
        state: State::Pending,
        result: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let simulation = authorize(uow, scope, simulation, CREATE)?;
    repository::lock_owner(uow, simulation.user_id)?;
    if repository::count_live(uow, simulation.user_id)? >= u64::from(most) {
        let detail = "as many simulations wait or run as your plan allows: cancel one, or wait for its end";
        return Err(Error::Limited { detail, retry_after: PAUSE });
    }
    repository::insert(uow, &simulation)?;
    announce(uow, Some(scope.user()), Change::Created, &simulation);
    Ok(simulation.into_row())
}

/// Number of the caller's waiting and running simulations.
pub(crate) fn count_live(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<u64, Error> {
    Ok(repository::count_live(uow, scope.user())?)
}

/// The simulation, for its owner only.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: SimulationId,
) -> Result<Authorized<Simulation>, Error> {
    let simulation = repository::find(uow, id)?;
    authorize(uow, scope, simulation, READ)
}

/// The caller's simulations, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<SimulationId>,
) -> Result<Slice<Simulation, SimulationId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |simulation| simulation.id))
}

/// Several of the caller's simulations, in the order given.
pub(crate) fn compare(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    ids: &[SimulationId],
) -> Result<Vec<Authorized<Simulation>>, Error> {
    ids.iter().map(|id| find(uow, scope, *id)).collect()
}

/// Cancels a simulation, which frees its place under the plan's limit.
pub(crate) fn cancel(uow: &mut UnitOfWork<'_>, scope: &Scope, id: SimulationId) -> Result<Simulation, Error> {
    let simulation = repository::find(uow, id)?;
    let simulation = authorize(uow, scope, simulation, Right::to::<Simulation>(Action::Cancel))?;
    let Step::To(state) = step(scope, &*simulation, Action::Cancel)? else {
        return Ok(simulation.into_row());
    };
    let simulation = repository::set_state(uow, simulation, state, None)?;
    announce(uow, Some(scope.user()), Change::Cancelled, &simulation);
    Ok(simulation)
}

/// The next simulation to compute, in order of creation: one that waits, which is marked as running, or one
/// that is marked as running since `running_since` or longer, whose process has ended.
pub(crate) fn start_next(
    uow: &mut UnitOfWork<'_>,
    running_since: Timestamp,
) -> Result<Option<Simulation>, Error> {
    match repository::next(uow, running_since)? {
        Some(simulation) if simulation.state == State::Pending => {
            take(uow, simulation, Action::Start, Change::Started, None).map(Some)
        }
        other => Ok(other),
    }
}

/// Whether the simulation is still to be computed: not cancelled, and not finished by another process.
pub(crate) fn is_running(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<bool, Error> {
    Ok(repository::find(uow, id)?.state == State::Running)
}

/// Stores the result of a running simulation, or without one marks it as failed. Nothing happens to one that
/// is not running any more.
pub(crate) fn finish(
    uow: &mut UnitOfWork<'_>,
    id: SimulationId,
    result: Option<Arc<RawValue>>,
) -> Result<(), Error> {
    let simulation = repository::find(uow, id)?;
    if simulation.state != State::Running {
        return Ok(());
    }
    let (action, change) = match result {
        Some(_) => (Action::Complete, Change::Completed),
        None => (Action::Fail, Change::Failed),
    };
    take(uow, simulation, action, change, result).map(drop)
}

/// A step of the system.
fn take(
    uow: &mut UnitOfWork<'_>,
    simulation: Simulation,
    action: Action,
    change: Change,
    result: Option<Arc<RawValue>>,
) -> Result<Simulation, Error> {
    let state = system_step(&simulation, action)?;
    let simulation = repository::set_state(uow, by_system(simulation), state, result)?;
    announce(uow, None, change, &simulation);
    Ok(simulation)
}
