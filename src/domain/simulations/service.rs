//! Use cases of simulations.

use std::time::Duration;

use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::policy::{Authorized, Right, Scope, Step, authorize, step};
use crate::domain::{Error, Page, Slice};
use crate::ids::{Category, SimulationId};

use super::events::announce;
use super::{Action, CREATE, Change, READ, Scenario, Seed, Simulation, State, Steps, repository};

/// When to try again who has as many as their plan allows: nobody knows when one of them ends.
const PAUSE: Duration = Duration::from_secs(10);

/// A simulation that is asked for.
#[derive(Clone, Debug)]
pub struct NewSimulation {
    /// In which market.
    pub category: Category,
    /// Where prices start.
    pub base_price: Money,
    /// How long.
    pub steps: Steps,
    /// What chance begins with; made up where it does not matter.
    pub seed: Option<Seed>,
}

/// Asks for a simulation, of which the caller has at most `most` that wait or run, also where many calls come at once.
pub fn create(
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
    if repository::count_live(uow, simulation.user_id)? >= i64::from(most) {
        let detail = "as many simulations wait or run as your plan allows: cancel one, or wait for its end";
        return Err(Error::Limited { detail, retry_after: PAUSE });
    }
    repository::insert(uow, &simulation)?;
    announce(uow, Change::Created, &simulation);
    Ok(simulation.into_row())
}

/// The simulation, for its owner alone.
pub fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: SimulationId,
) -> Result<Authorized<Simulation>, Error> {
    let simulation = repository::find(uow, id)?;
    authorize(uow, scope, simulation, READ)
}

/// The caller's own simulations, newest first.
pub fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<SimulationId>,
) -> Result<Slice<Simulation, SimulationId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |simulation| simulation.id))
}

/// Calls a simulation off, which makes room for another one.
pub fn cancel(uow: &mut UnitOfWork<'_>, scope: &Scope, id: SimulationId) -> Result<Simulation, Error> {
    let simulation = repository::find(uow, id)?;
    let simulation = authorize(uow, scope, simulation, Right::to::<Simulation>(Action::Cancel))?;
    let Step::To(state) = step(scope, &*simulation, Action::Cancel)? else {
        return Ok(simulation.into_row());
    };
    let simulation = repository::set_state(uow, simulation, state)?;
    announce(uow, Change::Cancelled, &simulation);
    Ok(simulation)
}
