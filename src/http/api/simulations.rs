//! `/simulations`: pricing simulations, for their owners only.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError as _, get, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::money::Money;
use crate::domain::place::Point;
use crate::domain::policy::{Scope, allowed_actions};
use crate::domain::simulations::{self, Assumptions, Simulation, SimulationInput, State};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::steps;
use crate::http::{Body, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{Category, SimulationId};
use crate::jobs::SimulationProgress;
use crate::simulation::{Capacity, Estimate, Outcome, WhenFull};

/// All routes under `/simulations`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(create).service(compare).service(get_one).service(cancel);
}

/// A pricing run.
#[derive(Serialize, ToSchema)]
#[schema(as = Simulation)]
struct SimulationView {
    id: SimulationId,
    /// The room of its live progress.
    #[schema(example = "simulation:01890a5d-ac96-774b-bcce-b302099a8057")]
    room: String,
    category: Category,
    /// The initial price.
    base_price: Money,
    /// What others charge on average, if it was given.
    reference_price: Option<Money>,
    /// Whose history counts; null if it is the whole category's.
    place: Option<PlaceView>,
    /// How many bookings the provider can take; null if it is any number.
    slots: Option<SlotsView>,
    /// What it assumes of its market; null until that is known, at the latest when it starts.
    market: Option<Assumptions>,
    /// Days of a run.
    steps: u16,
    /// Independent runs.
    runs: u16,
    /// The seed of the random numbers: the same scenario with the same seed gives the same result.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_i64)]
    seed: u32,
    state: State,
    /// How far it is, while this server is running it.
    progress: Option<ProgressView>,
    /// What it brought, once it is done. Not in lists.
    #[schema(value_type = Option<Outcome>)]
    result: Option<Arc<RawValue>>,
    /// What you may do with it.
    #[schema(schema_with = steps::<Simulation>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A neighbourhood.
#[derive(Serialize, ToSchema)]
#[schema(as = SimulatedPlace)]
struct PlaceView {
    #[serde(flatten)]
    point: Point,
    radius_km: u16,
}

/// How many bookings a provider can take.
#[derive(Serialize, ToSchema)]
#[schema(as = SimulatedSlots)]
struct SlotsView {
    per_day: u32,
    #[schema(pattern = "^(decline|defer)$")]
    when_full: &'static str,
}

impl SlotsView {
    fn of(Capacity { per_step, when_full }: Capacity) -> Self {
        let when_full = match when_full {
            WhenFull::Decline => "decline",
            WhenFull::Defer => "defer",
        };
        Self { per_day: per_step, when_full }
    }
}

/// How far a simulation is.
#[derive(Serialize, ToSchema)]
#[schema(as = SimulationProgress)]
struct ProgressView {
    /// Runs that are computed.
    done: u32,
    /// All runs.
    total: u32,
    /// Mean bookings of the runs so far; null before the second.
    bookings: Option<Estimate>,
    /// Mean revenue of the runs so far, in minor units; null before the second.
    revenue: Option<Estimate>,
}

impl SimulationView {
    fn of(scope: &Scope, simulation: &Simulation) -> Self {
        let scenario = simulation.scenario.clone();
        Self {
            id: simulation.id,
            room: simulation.room().to_string(),
            category: scenario.category,
            base_price: scenario.base_price,
            reference_price: scenario
                .reference
                .and_then(|reference| Money::new(reference.amount(), scenario.base_price.currency()).ok()),
            place: scenario.area.map(|area| PlaceView { point: area.point(), radius_km: area.radius_km() }),
            slots: scenario.capacity.map(SlotsView::of),
            market: simulation.assumptions.clone(),
            steps: scenario.steps.get(),
            runs: scenario.runs.get(),
            seed: scenario.seed.0,
            state: simulation.state,
            progress: None,
            result: simulation.result.clone(),
            allowed_actions: allowed_actions(scope, simulation),
            version: simulation.version,
            created_at: simulation.created_at,
            updated_at: simulation.updated_at,
        }
    }

    fn at(self, progress: Option<SimulationProgress>) -> Self {
        let running = progress.filter(|_| self.state == State::Running);
        let progress = running.map(|SimulationProgress { done, total, estimates, .. }| ProgressView {
            done,
            total,
            bookings: estimates.map(|estimates| estimates.bookings),
            revenue: estimates.map(|estimates| estimates.revenue),
        });
        Self { progress, ..self }
    }

    fn without_result(self) -> Self {
        Self { result: None, ..self }
    }
}

/// Your simulations, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<SimulationView>)))]
#[get("/simulations")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    let jobs = call.app().simulations.clone();
    call.read(move |uow, scope| {
        let slice = simulations::list(uow, scope, page)?;
        let view = |simulation: Simulation| {
            SimulationView::of(scope, &simulation).at(jobs.progress(simulation.id)).without_result()
        };
        Reply::ok(&Paged::of(slice.map(view)))
    })
    .await
}

/// Which simulations to compare.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CompareQuery {
    /// Ids of 2 to 10 simulations of your own, separated by commas.
    #[param(required = true)]
    ids: Option<String>,
}

impl CompareQuery {
    fn parse(&self) -> Result<Vec<SimulationId>, Error> {
        let ids = self.ids.as_deref().unwrap_or_default().split(',').take(11).map(str::parse);
        let ids: Option<Vec<SimulationId>> = ids.collect::<Result<_, _>>().ok();
        ids.filter(|ids| (2..=10).contains(&ids.len())).ok_or_else(|| {
            Error::invalid("ids", "must be the ids of 2 to 10 simulations, separated by commas")
        })
    }
}

/// Simulations beside each other.
#[derive(Serialize, ToSchema)]
#[schema(as = SimulationComparison)]
struct Comparison {
    /// In the order asked for.
    items: Vec<SimulationView>,
}

/// Several of your simulations with their results.
#[utoipa::path(operation_id = "compareSimulations", params(CompareQuery), responses((status = 200, body = Comparison)))]
#[get("/simulations/compare")]
async fn compare(call: ReadCall, Query(query): Query<CompareQuery>) -> Result<HttpResponse, Problem> {
    let ids = query.parse()?;
    let jobs = call.app().simulations.clone();
    call.read(move |uow, scope| {
        let found = simulations::compare(uow, scope, &ids)?;
        let view =
            |simulation: &Simulation| SimulationView::of(scope, simulation).at(jobs.progress(simulation.id));
        Reply::ok(&Comparison { items: found.iter().map(|simulation| view(simulation)).collect() })
    })
    .await
}

/// Start a simulation. Your plan limits its steps and runs (422), how many may be queued or running, and how many
/// you create in a day (429).
#[utoipa::path(request_body = SimulationInput, responses((status = 201, body = SimulationView)))]
#[post("/simulations")]
async fn create(Body(body): Body<SimulationInput>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let (app, plan) = (call.app().clone(), call.scope().plan());
    let limits = app.simulation_limits(plan);
    let new = body.parse(&limits)?;
    let created = call
        .run(move |uow, scope| {
            let simulation = simulations::create(uow, scope, &new, &limits)?;
            let location = format!("/simulations/{}", simulation.id);
            Ok(Reply::created(location, &SimulationView::of(scope, &simulation))?.etag(simulation.version))
        })
        .await;
    if created.as_ref().is_err_and(|problem| problem.status_code() == StatusCode::TOO_MANY_REQUESTS) {
        app.metrics.plan_limited("simulations", plan.as_str());
    }
    app.simulations.created();
    created
}

/// A simulation, with its progress while it is running and its result once it is done.
#[utoipa::path(responses((status = 200, body = SimulationView), (status = 304)))]
#[get("/simulations/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<SimulationId>) -> Result<HttpResponse, Problem> {
    let jobs = call.app().simulations.clone();
    call.read(move |uow, scope| {
        let simulation = simulations::find(uow, scope, id)?;
        let view = SimulationView::of(scope, &simulation).at(jobs.progress(id));
        // Progress changes without the version, and a copy of it is out of date as well.
        let done = view.progress.as_ref().map_or(0, |progress| i64::from(progress.done));
        Ok(Reply::ok(&view)?.etag(simulation.version | done << 32))
    })
    .await
}

/// Cancel a simulation that waits or runs.
#[utoipa::path(responses((status = 200, body = SimulationView)))]
#[post("/simulations/{id}/cancel")]
async fn cancel(Id(id): Id<SimulationId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let silence = call.app().simulations.silence(id);
    let cancelled = call
        .run(move |uow, scope| {
            let simulation = simulations::cancel(uow, scope, id)?;
            Ok(Reply::ok(&SimulationView::of(scope, &simulation))?.etag(simulation.version))
        })
        .await;
    if cancelled.is_ok() {
        silence.keep();
    }
    cancelled
}
