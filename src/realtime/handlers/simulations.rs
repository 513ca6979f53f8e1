//! The commands about simulations: `run`, and `cancel` with a `simulation_id`.

use crate::domain::Error;
use crate::domain::money::Money;
use crate::domain::simulations::{self, NewSimulation, Reference, Runs, Seed, Steps};
use crate::ids::SimulationId;
use crate::protocol::{AckBody, Amount, Correlation, ErrorCode, RunSimulation};

use super::{Caller, Outcome, Refusal, join};

/// Creates a simulation, answers, and joins its room: the session hears all of it, from its creation on.
pub(super) async fn run(
    caller: &Caller,
    id: Option<&Correlation>,
    wanted: RunSimulation,
) -> Result<Outcome, Refusal> {
    let new = parse(&wanted)?;
    let app = caller.gateway.app();
    let plan = caller.scope.plan();
    let limits = app.limits(plan);
    // Before anything is created, since the room has no name yet that the hub could refuse.
    if caller.subscriptions.borrow().len() >= limits.rooms {
        return Err(Refusal::new(ErrorCode::TooManyRooms, "leave another room first"));
    }
    let (scope, most) = (caller.scope.clone(), limits.simulations);
    let created = caller.db().write(move |uow| simulations::create(uow, &scope, &new, most)).await;
    let simulation = created.map_err(|error| match error {
        Error::Limited { detail, .. } => {
            app.metrics.plan_limited("simulations", plan.as_str());
            Refusal::new(ErrorCode::Conflict, detail)
        }
        error => error.into(),
    })?;
    app.simulations.created();
    let room = simulation.room();
    caller.ack(id, AckBody::Simulating { simulation_id: simulation.id, room: room.clone() });
    if let Err(reason) = join::from_start(caller, room).await {
        // It was answered already. The client comes back and joins by itself.
        caller.handle.close(reason);
    }
    Ok(Outcome::Answered)
}

/// Cancels a simulation.
pub(super) async fn cancel(caller: &Caller, simulation: SimulationId) -> Result<Outcome, Refusal> {
    let scope = caller.scope.clone();
    caller.db().write(move |uow| simulations::cancel(uow, &scope, simulation)).await?;
    Ok(Outcome::Done)
}

fn parse(wanted: &RunSimulation) -> Result<NewSimulation, Refusal> {
    let invalid = |field, must: String| Refusal::invalid(field, &must);
    let base_price = money(wanted.base_price.expose()).map_err(|must| invalid("base_price", must))?;
    let reference = |given: &Amount| {
        let price = money(given)?;
        Reference::new(price, base_price).map_err(|error| error.to_string())
    };
    let reference = wanted.reference_price.as_ref().map(reference).transpose();
    Ok(NewSimulation {
        category: wanted
            .category
            .parse()
            .map_err(|error| Refusal::invalid("category", &format!("{error}")))?,
        base_price,
        reference: reference.map_err(|must| invalid("reference_price", must))?,
        steps: wanted
            .steps
            .map_or(Ok(Steps::DEFAULT), Steps::new)
            .map_err(|e| invalid("steps", e.to_string()))?,
        runs: wanted.runs.map_or(Ok(Runs::DEFAULT), Runs::new).map_err(|e| invalid("runs", e.to_string()))?,
        seed: wanted.seed.map(Seed),
    })
}

fn money(given: &Amount) -> Result<Money, String> {
    let currency = given.currency.parse().map_err(|error| format!("currency {error}"))?;
    Money::new(given.amount, currency).map_err(|error| format!("amount {error}"))
}
