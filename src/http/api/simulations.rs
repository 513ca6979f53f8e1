//! `/simulations`: pricing simulations, for their owners only.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError as _, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::money::Money;
use crate::domain::policy::{Scope, allowed_actions};
use crate::domain::simulations::{self, NewSimulation, Seed, Simulation, State, Steps};
use crate::http::input::MoneyInput;
use crate::http::schema::steps;
use crate::http::{Body, Fields, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{Category, SimulationId};

/// All routes under `/simulations`.
pub(super) fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(list).service(create).service(get_one).service(cancel);
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
    steps: u16,
    /// The seed of the random numbers: the same scenario with the same seed gives the same result.
    seed: u32,
    state: State,
    /// What you may do with it.
    #[schema(schema_with = steps::<Simulation>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl SimulationView {
    fn of(scope: &Scope, simulation: &Simulation) -> Self {
        let scenario = simulation.scenario.clone();
        Self {
            id: simulation.id,
            room: simulation.room().to_string(),
            category: scenario.category,
            base_price: scenario.base_price,
            steps: scenario.steps.get(),
            seed: scenario.seed.0,
            state: simulation.state,
            allowed_actions: allowed_actions(scope, simulation),
            version: simulation.version,
            created_at: simulation.created_at,
            updated_at: simulation.updated_at,
        }
    }
}

/// Your simulations, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<SimulationView>)))]
#[get("/simulations")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = simulations::list(uow, scope, page)?;
        Reply::ok(&Paged::of(slice.map(|simulation| SimulationView::of(scope, &simulation))))
    })
    .await
}

/// A new simulation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSimulation {
    /// The market's category.
    #[schema(value_type = Category)]
    category: String,
    /// The initial price.
    base_price: MoneyInput,
    /// 1 to 1,000.
    #[schema(minimum = 1, maximum = 1_000)]
    steps: u32,
    /// The seed of the random numbers; generated if absent.
    seed: Option<u32>,
}

impl CreateSimulation {
    fn parse(self) -> Result<NewSimulation, Error> {
        let mut fields = Fields::default();
        let category = fields.take("category", self.category.parse::<Category>());
        let base_price = fields.take("base_price", self.base_price.parse());
        let steps = fields.take("steps", Steps::new(self.steps));
        let seed = self.seed.map(Seed);
        let new =
            || Some(NewSimulation { category: category?, base_price: base_price?, steps: steps?, seed });
        fields.finish(new())
    }
}

/// Start a simulation. Your plan limits how many may be queued or running: 429 beyond it.
#[utoipa::path(request_body = CreateSimulation, responses((status = 201, body = SimulationView)))]
#[post("/simulations")]
async fn create(Body(body): Body<CreateSimulation>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    let (app, plan) = (call.app().clone(), call.scope().plan());
    let most = app.limits(plan).simulations;
    let created = call
        .run(move |uow, scope| {
            let simulation = simulations::create(uow, scope, &new, most)?;
            let location = format!("/simulations/{}", simulation.id);
            Ok(Reply::created(location, &SimulationView::of(scope, &simulation))?.etag(simulation.version))
        })
        .await;
    if created.as_ref().is_err_and(|problem| problem.status_code() == StatusCode::TOO_MANY_REQUESTS) {
        app.metrics.plan_limited("simulations", plan.as_str());
    }
    created
}

/// A simulation.
#[utoipa::path(responses((status = 200, body = SimulationView), (status = 304)))]
#[get("/simulations/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<SimulationId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let simulation = simulations::find(uow, scope, id)?;
        Ok(Reply::ok(&SimulationView::of(scope, &simulation))?.etag(simulation.version))
    })
    .await
}

/// Cancel a simulation.
#[utoipa::path(responses((status = 200, body = SimulationView)))]
#[post("/simulations/{id}/cancel")]
async fn cancel(Id(id): Id<SimulationId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let simulation = simulations::cancel(uow, scope, id)?;
        Ok(Reply::ok(&SimulationView::of(scope, &simulation))?.etag(simulation.version))
    })
    .await
}
