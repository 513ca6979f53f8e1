//! `/me`: the caller's own limits and usage. Needs no id in the path, and so no ownership check.

use actix_web::web::ReqData;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::quotas::{self, Quota};
use crate::domain::simulations;
use crate::http::feature_routes::FeatureRoutes;
use crate::http::{Problem, ReadCall, Reply};
use crate::limits::RateLimitStatus;

/// Everything under `/me`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(limits);
}

/// What the caller's plan allows, and how much of it is used now.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
struct LimitsView {
    #[schema(example = "free")]
    plan: &'static str,
    /// Live connections, of all devices.
    connections: Usage,
    /// HTTP requests, this one included. The budget is refilled evenly, as the `RateLimit-*` headers say.
    requests_per_minute: Usage,
    /// Queued and running simulations.
    simulations: Usage,
    /// Simulations that were created today (UTC).
    simulations_per_day: Usage,
    /// Runs of one simulation.
    simulation_runs: u32,
    /// Steps (days) of one simulation.
    simulation_steps: u32,
    /// Messages to the assistant today.
    messages_per_day: Usage,
    /// Masterplans today.
    plans_per_day: Usage,
    /// Characters of answers and masterplans that were written today.
    generated_characters_per_day: Usage,
    /// Seconds until the next day, at midnight UTC.
    day_ends_in: u64,
    /// Messages per second from one live connection, which is also the burst size.
    messages_per_second: u32,
    /// Rooms that one live connection may be in.
    rooms_per_connection: usize,
}

/// A limit and what is used of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Usage {
    pub(super) limit: u64,
    pub(super) used: u64,
}

/// What your plan allows, and what you use of it.
#[utoipa::path(operation_id = "getMyLimits", responses((status = 200, body = LimitsView)))]
#[get("/me/limits")]
async fn limits(call: ReadCall, requests: ReqData<RateLimitStatus>) -> Result<HttpResponse, Problem> {
    let plan = call.app().limits(call.scope().plan());
    let daily = call.app().daily_limits(call.scope().plan());
    let connections = call.app().connections_of(call.scope().user()).await?;
    let RateLimitStatus { limit, remaining, .. } = *requests;
    call.read(move |uow, scope| {
        let (live, today) = simulations::usage(uow, scope.user())?;
        let used = quotas::usage(uow, scope.user())?;
        let of_day = |quota: Quota| Usage { limit: daily.of(quota).into(), used: used.of(quota).into() };
        Reply::ok(&LimitsView {
            plan: scope.plan().as_str(),
            connections: Usage { limit: plan.connections as u64, used: connections as u64 },
            requests_per_minute: Usage { limit: limit.into(), used: limit.saturating_sub(remaining).into() },
            simulations: Usage { limit: plan.simulations.into(), used: live },
            simulations_per_day: Usage { limit: plan.simulations_per_day.into(), used: today },
            simulation_runs: plan.simulation_runs,
            simulation_steps: plan.simulation_steps,
            messages_per_day: of_day(Quota::Messages),
            plans_per_day: of_day(Quota::Plans),
            generated_characters_per_day: of_day(Quota::Characters),
            day_ends_in: used.resets_in.as_secs(),
            messages_per_second: plan.messages,
            rooms_per_connection: plan.rooms,
        })
    })
    .await
}
