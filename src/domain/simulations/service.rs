//! Use cases of simulations: creating, reading, listing, comparing, cancelling; and those of the system that
//! computes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::db::{UnitOfWork, claims};
use crate::domain::money::Money;
use crate::domain::policy::{
    Authorized, Right, Scope, Step, authorize, authorize_own_list, by_system, step, system_step,
};
use crate::domain::{Error, Page, Slice};
use crate::ids::{Category, NodeId, SimulationId, UserId};
use crate::simulation::Capacity;

use super::events::{SimulationChanged, announce};
use super::market::Sample;
use super::repository::Changes;
use super::{
    Action, Area, Assumptions, CREATE, Change, READ, Reference, Runs, Scenario, Seed, Simulation, State,
    Steps, history, repository,
};

/// `Retry-After` for a caller with as many simulations as may wait or run; when one ends is unknown.
const PAUSE: Duration = Duration::from_secs(10);

/// A simulation to create.
#[derive(Clone, Debug)]
pub(crate) struct NewSimulation {
    /// The market to simulate.
    pub(crate) category: Category,
    /// Initial price.
    pub(crate) base_price: Money,
    /// What others charge on average; what is assumed of the market if `None`.
    pub(crate) reference: Option<Reference>,
    /// Whose history counts.
    pub(crate) area: Option<Area>,
    /// How many bookings the provider can take.
    pub(crate) capacity: Option<Capacity>,
    /// What the assumptions come from instead of the history.
    pub(crate) sample: Option<Sample>,
    /// Number of steps.
    pub(crate) steps: Steps,
    /// Number of independent runs.
    pub(crate) runs: Runs,
    /// Seed; derived from the new id if `None`.
    pub(crate) seed: Option<Seed>,
}

/// What a plan allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulationLimits {
    /// Simulations that wait or run.
    pub(crate) live: u32,
    /// Simulations that are created on one day (UTC).
    pub(crate) per_day: u32,
    /// Steps of a simulation.
    pub(crate) steps: u32,
    /// Runs of a simulation.
    pub(crate) runs: u32,
}

/// Creates a simulation, unless as many of the caller's wait or run, or were created today, as the plan allows; the
/// limits hold under concurrency. What the plan says of steps and runs was checked when the input was parsed.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    new: &NewSimulation,
    limits: &SimulationLimits,
) -> Result<Simulation, Error> {
    let now = uow.now();
    let id = SimulationId::new(now);
    let NewSimulation { category, base_price, reference, area, capacity, sample, steps, runs, seed } =
        new.clone();
    let seed = seed.unwrap_or_else(|| Seed::of(id));
    let simulation = Simulation {
        id,
        user_id: scope.user(),
        scenario: Scenario { category, base_price, reference, area, capacity, steps, runs, seed },
        assumptions: sample.map(|sample| sample.assumptions(reference.map(Reference::amount))),
        state: State::Pending,
        result: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let simulation = authorize(uow, scope, simulation, CREATE)?;
    repository::lock_owner(uow, simulation.user_id)?;
    check_limits(uow, simulation.user_id, limits)?;
    repository::insert(uow, &simulation)?;
    announce(uow, Some(scope.user()), Change::Created, &simulation);
    Ok(simulation.into_row())
}

fn check_limits(uow: &mut UnitOfWork<'_>, user: UserId, limits: &SimulationLimits) -> Result<(), Error> {
    if repository::count_live(uow, user)? >= u64::from(limits.live) {
        let detail = "as many simulations wait or run as your plan allows: cancel one, or wait for its end";
        return Err(Error::Limited { detail, retry_after: PAUSE });
    }
    let now = uow.now();
    if repository::count_since(uow, user, now.start_of_day())? >= u64::from(limits.per_day) {
        let detail = "as many simulations were created today as your plan allows; a day ends at midnight UTC";
        return Err(Error::Limited { detail, retry_after: now.end_of_day().since(now) });
    }
    Ok(())
}

/// What the caller uses of the plan: simulations that wait or run, and those created today.
pub(crate) fn usage(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(u64, u64), Error> {
    let today = uow.now().start_of_day();
    Ok((repository::count_live(uow, user)?, repository::count_since(uow, user, today)?))
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
    authorize_own_list::<Simulation>(uow, scope)?;
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
    let simulation = repository::set_state(uow, simulation, state, Changes::default())?;
    announce(uow, Some(scope.user()), Change::Cancelled, &simulation);
    Ok(simulation)
}

/// The next simulation that this node should compute: one that a node which is gone has left running, or else one that
/// waits, where users take turns after the one whose turn was last.
pub(crate) fn next(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    last: Option<UserId>,
) -> Result<Option<SimulationId>, Error> {
    Ok(repository::next(uow, node, last)?)
}

/// What a simulation is to assume of its market: what it does already, or else what the history says now.
pub(crate) fn assume(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<Assumptions, Error> {
    let simulation = repository::find(uow, id)?;
    match simulation.assumptions {
        Some(known) => Ok(known),
        None => Ok(history::assumptions(uow, &simulation)?),
    }
}

/// Claims a simulation for this node and marks it as running, on these assumptions unless it has some. `None` if it
/// needs not be computed any more, or another node does.
pub(crate) fn start(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    id: SimulationId,
    assumptions: &Assumptions,
) -> Result<Option<Simulation>, Error> {
    if !claims::take(uow, node, &repository::claim(id))? {
        return Ok(None);
    }
    let simulation = repository::find(uow, id)?;
    match simulation.state {
        State::Pending => {
            let changes = Changes { assumptions: Some(assumptions.clone()), result: None };
            take(uow, simulation, Action::Start, Change::Started, changes).map(Some)
        }
        State::Running if simulation.assumptions.is_some() => Ok(Some(simulation)),
        State::Running => {
            // Left by a version that did not store them.
            let changes = Changes { assumptions: Some(assumptions.clone()), result: None };
            Ok(Some(repository::set_state(uow, by_system(simulation), State::Running, changes)?))
        }
        _ => Ok(None),
    }
}

/// This node has ended computing a simulation, whose end is stored.
pub(crate) fn release(uow: &mut UnitOfWork<'_>, node: NodeId, id: SimulationId) -> Result<(), Error> {
    Ok(claims::release(uow, node, &repository::claim(id))?)
}

/// Marks a simulation as failed whose row cannot be read, or whose result cannot be stored.
pub(crate) fn give_up(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<(), Error> {
    if let Some((owner, version)) = repository::give_up(uow, id)? {
        uow.record(None, &SimulationChanged::given_up(id, owner, version));
    }
    Ok(())
}

/// Whether the simulation is still to be computed: not cancelled, not finished by another process, and its owner not
/// suspended.
pub(crate) fn is_running(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<bool, Error> {
    Ok(repository::is_running(uow, id)?)
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
    take(uow, simulation, action, change, Changes { assumptions: None, result }).map(drop)
}

/// A step of the system.
fn take(
    uow: &mut UnitOfWork<'_>,
    simulation: Simulation,
    action: Action,
    change: Change,
    changes: Changes,
) -> Result<Simulation, Error> {
    let state = system_step(&simulation, action)?;
    let simulation = repository::set_state(uow, by_system(simulation), state, changes)?;
    announce(uow, None, change, &simulation);
    Ok(simulation)
}
