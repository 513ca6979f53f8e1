//! Use cases of simulations: creating, reading, listing, cancelling.

use std::time::Duration;

use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::policy::{Authorized, Right, Scope, Step, authorize, step};
use crate::domain::{Error, Page, Slice};
use crate::ids::{Category, SimulationId};

use super::events::announce;
use super::{Action, CREATE, Change, READ, Scenario, Seed, Simulation, State, Steps, repository};

/// `Retry-After` for a caller at the limit of their plan; when a slot becomes free is unknown.
const PAUSE: Duration = Duration::from_secs(10);

/// A simulation to create.
#[derive(Clone, Debug)]
pub(crate) struct NewSimulation {
    /// The market to simulate.
    pub(crate) category: Category,
    /// Initial price.
    pub(crate) base_price: Money,
    /// Number of steps.
    pub(crate) steps: Steps,
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
    let NewSimulation { category, base_price, steps, seed } = new.clone();
    let seed = seed.unwrap_or_else(|| Seed::of(id));
    let simulation = Simulation {
        id,
        user_id: scope.user(),
        scenario: Scenario { category, base_price, steps, seed },
        state: State::Pending,
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
    announce(uow, Change::Created, &simulation);
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

/// Cancels a simulation, which frees its place under the plan's limit.
pub(crate) fn cancel(uow: &mut UnitOfWork<'_>, scope: &Scope, id: SimulationId) -> Result<Simulation, Error> {
    let simulation = repository::find(uow, id)?;
    let simulation = authorize(uow, scope, simulation, Right::to::<Simulation>(Action::Cancel))?;
    let Step::To(state) = step(scope, &*simulation, Action::Cancel)? else {
        return Ok(simulation.into_row());
    };
    let simulation = repository::set_state(uow, simulation, state)?;
    announce(uow, Change::Cancelled, &simulation);
    Ok(simulation)
}
