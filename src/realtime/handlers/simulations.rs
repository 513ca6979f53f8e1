//! The commands about simulations: `run`, and `cancel` with a `simulation_id`.

use crate::domain::simulations::{self, SimulationInput};
use crate::domain::{Error, FieldError};
use crate::ids::SimulationId;
use crate::json::{self, DocumentError};
use crate::protocol::{AckBody, Correlation, ErrorCode};

use super::{Outcome, Refusal, SessionContext, join};

/// Creates a simulation, answers, and joins its room: the session hears all of it, from its creation on.
pub(super) async fn run(
    caller: &SessionContext,
    id: Option<&Correlation>,
    scenario: &str,
) -> Result<Outcome, Refusal> {
    let app = caller.gateway.app();
    let plan = caller.scope.plan();
    let limits = app.simulation_limits(plan);
    let input: SimulationInput =
        json::from_slice(scenario.as_bytes()).map_err(|error| not_a_scenario(&error))?;
    let new = input.parse(&limits).map_err(within_scenario)?;
    // Before anything is created, since the room has no name yet that the hub could refuse.
    if caller.subscriptions.borrow().len() >= app.limits(plan).rooms {
        return Err(Refusal::new(ErrorCode::TooManyRooms, "leave another room first"));
    }
    let scope = caller.scope.clone();
    let created = caller.db().write(move |uow| simulations::create(uow, &scope, &new, &limits)).await;
    let simulation = created.inspect_err(|error| {
        if matches!(error, Error::Limited { .. }) {
            app.metrics.plan_limited("simulations", plan.as_str());
        }
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

/// What is wrong is told to the client whose own input it is, at a length that is bounded.
fn not_a_scenario(error: &DocumentError) -> Refusal {
    match error {
        DocumentError::Syntax(_) => Refusal::invalid("scenario", "must be JSON"),
        DocumentError::Data { path, message } => {
            let field = if path.is_empty() { "scenario".to_owned() } else { format!("scenario.{path}") };
            let shown = |text: &str| text.get(..text.floor_char_boundary(200)).unwrap_or_default().to_owned();
            Refusal::invalid(&shown(&field), &shown(message))
        }
    }
}

/// Names the fields as the command has them.
fn within_scenario(error: Error) -> Error {
    match error {
        Error::Invalid(errors) => {
            let field =
                |error: FieldError| FieldError::new(format!("scenario.{}", error.field), error.message);
            Error::Invalid(errors.into_iter().map(field).collect())
        }
        error => error,
    }
}

/// Cancels a simulation.
pub(super) async fn cancel(caller: &SessionContext, simulation: SimulationId) -> Result<Outcome, Refusal> {
    let scope = caller.scope.clone();
    let silence = caller.gateway.app().simulations.silence(simulation);
    caller.db().write(move |uow| simulations::cancel(uow, &scope, simulation)).await?;
    silence.keep();
    Ok(Outcome::Done)
}
