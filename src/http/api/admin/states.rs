//! `/admin/machines` and `/admin/states`: the state machines, and where a row stands in its own.

use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::lifecycle::{self, Change, Lifecycle, NextStep, StateMachine, Transition};
use crate::domain::policy::Need;
use crate::domain::users::User;
use crate::domain::{Error, Kind};
use crate::http::{Fields, Problem, Query, ReadCall, Reply};
use crate::ids::UserId;

/// The state machines.
#[derive(Serialize, ToSchema)]
#[schema(as = Machines)]
struct MachinesView {
    items: Vec<MachineView>,
}

/// A state machine.
#[derive(Serialize, ToSchema)]
#[schema(as = Machine)]
struct MachineView {
    /// What has these states: request, offer, booking or simulation.
    kind: Kind,
    #[schema(value_type = Vec<String>, example = json!(["pending", "accepted"]))]
    states: Vec<&'static str>,
    transitions: Vec<TransitionView>,
}

/// A transition of a state machine.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = Transition)]
struct TransitionView {
    /// State before.
    #[schema(example = "pending")]
    from: &'static str,
    #[schema(example = "accept")]
    action: &'static str,
    /// State after.
    #[schema(example = "accepted")]
    to: &'static str,
    /// Who may: a standing, in words.
    #[schema(value_type = String, example = "its consumer")]
    needs: NeedView,
    /// Nobody takes it by a call of its own: it comes with time, or with another action.
    is_systems: bool,
    /// Admins may take it, too.
    admins_pass: bool,
}

#[derive(Clone, Copy)]
struct NeedView(Need);

impl Serialize for NeedView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl From<Transition> for TransitionView {
    fn from(transition: Transition) -> Self {
        let Transition { from, action, to, need, admins_pass } = transition;
        Self { from, action, to, needs: NeedView(need), is_systems: need == Need::System, admins_pass }
    }
}

impl From<StateMachine> for MachineView {
    fn from(machine: StateMachine) -> Self {
        let StateMachine { kind, states, transitions } = machine;
        Self { kind, states, transitions: transitions.into_iter().map(TransitionView::from).collect() }
    }
}

/// The state machines of requests, offers, bookings and simulations: the tables by which every call is decided.
#[utoipa::path(operation_id = "readMachines", responses((status = 200, body = MachinesView)))]
#[get("/admin/machines")]
pub(super) async fn machines(call: ReadCall) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let items = lifecycle::machines(uow, scope)?.into_iter().map(MachineView::from).collect();
        Reply::ok(&MachinesView { items })
    })
    .await
}

/// Which row.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatesQuery {
    /// The kind of resource: request, offer or booking.
    #[param(value_type = Kind)]
    kind: String,
    /// The resource's id.
    #[param(value_type = uuid::Uuid)]
    row: String,
}

impl StatesQuery {
    fn parse(self) -> Result<(Kind, String), Error> {
        let mut fields = Fields::default();
        let kind = fields.take("kind", self.kind.parse::<Kind>());
        fields.finish(kind.map(|kind| (kind, self.row)))
    }
}

/// Where a resource stands, how it came there, and what could happen next.
#[derive(Serialize, ToSchema)]
#[schema(as = States)]
struct StatesView {
    kind: Kind,
    row: String,
    #[schema(example = "pending")]
    current_state: &'static str,
    /// Its changes, oldest first.
    history: Vec<StateChange>,
    /// Whether older changes may be missing: events are kept for a time, and only the newest of their room are searched.
    is_cut: bool,
    /// The transitions from the current state.
    next: Vec<NextStepView>,
}

/// A change of a resource.
#[derive(Serialize, ToSchema)]
struct StateChange {
    /// The event that told it.
    #[schema(example = "offer.accepted")]
    kind: String,
    /// The state afterwards.
    #[schema(example = "accepted")]
    state: Option<String>,
    /// Who caused it; null for the system.
    by: Option<UserId>,
    at: Timestamp,
}

/// A transition from the current state.
#[derive(Serialize, ToSchema)]
#[schema(as = NextStep)]
struct NextStepView {
    #[serde(flatten)]
    transition: TransitionView,
    /// Something besides the state prevents it now: an offer on a request that was edited since, for example.
    is_obstructed: bool,
    /// Those of its parties who may take it now, by the policy.
    by: Vec<StepTaker>,
}

/// Somebody who may take a step.
#[derive(Serialize, ToSchema)]
struct StepTaker {
    user_id: UserId,
    display_name: String,
}

impl From<User> for StepTaker {
    fn from(user: User) -> Self {
        Self { user_id: user.id, display_name: user.display_name }
    }
}

impl From<NextStep> for NextStepView {
    fn from(step: NextStep) -> Self {
        let NextStep { transition, is_obstructed, by } = step;
        let by = by.into_iter().map(StepTaker::from).collect();
        Self { transition: transition.into(), is_obstructed, by }
    }
}

impl StatesView {
    fn of(kind: Kind, row: String, lifecycle: Lifecycle) -> Self {
        let Lifecycle { state, history, is_cut, next } = lifecycle;
        let history =
            history.into_iter().map(|Change { kind, state, by, at }| StateChange { kind, state, by, at });
        let next = next.into_iter().map(NextStepView::from).collect();
        Self { kind, row, current_state: state, history: history.collect(), is_cut, next }
    }
}

/// Where a request, an offer or a booking stands, how it came there, and who could do what next.
#[utoipa::path(operation_id = "readStates", params(StatesQuery), responses((status = 200, body = StatesView)))]
#[get("/admin/states")]
pub(super) async fn read(call: ReadCall, Query(query): Query<StatesQuery>) -> Result<HttpResponse, Problem> {
    let (kind, row) = query.parse()?;
    call.read_current(move |uow, scope| {
        let lifecycle = lifecycle::read(uow, scope, kind, &row)?;
        Reply::ok(&StatesView::of(kind, row.clone(), lifecycle))
    })
    .await
}
