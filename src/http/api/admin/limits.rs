//! `/admin/users/{id}/limits`: what a user's plan allows, and how much of it is used.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::quotas::{self, Quota};
use crate::domain::simulations;
use crate::domain::users::service as users;
use crate::http::api::me::Usage;
use crate::http::{Id, Problem, ReadCall, Reply};
use crate::ids::UserId;

/// What a user's plan allows, and how much of it is used now.
#[derive(Serialize, ToSchema)]
#[schema(as = UserLimits)]
struct LimitsView {
    #[schema(example = "free")]
    plan: &'static str,
    /// Live connections, of all devices.
    connections: Usage,
    /// Queued and running simulations.
    simulations: Usage,
    /// Simulations that were created today (UTC).
    simulations_per_day: Usage,
    /// Messages to the assistant today.
    messages_per_day: Usage,
    /// Masterplans today.
    plans_per_day: Usage,
    /// Characters of answers and masterplans that were written today.
    generated_characters_per_day: Usage,
}

/// What a user's plan allows on this server, and how much of it is used.
#[utoipa::path(operation_id = "getUserLimits", responses((status = 200, body = LimitsView)))]
#[get("/admin/users/{id}/limits")]
pub(super) async fn read(call: ReadCall, Id(id): Id<UserId>) -> Result<HttpResponse, Problem> {
    let app = call.app().clone();
    let connections = app.connections_of(id).await?;
    call.read(move |uow, scope| {
        let plan = users::see(uow, scope, id)?.user.plan;
        let (limits, daily) = (app.limits(plan), app.daily_limits(plan));
        let (live, today) = simulations::usage(uow, id)?;
        let used = quotas::usage(uow, id)?;
        let of_day = |quota: Quota| Usage { limit: daily.of(quota).into(), used: used.of(quota).into() };
        Reply::ok(&LimitsView {
            plan: plan.as_str(),
            connections: Usage { limit: limits.connections as u64, used: connections as u64 },
            simulations: Usage { limit: limits.simulations.into(), used: live },
            simulations_per_day: Usage { limit: limits.simulations_per_day.into(), used: today },
            messages_per_day: of_day(Quota::Messages),
            plans_per_day: of_day(Quota::Plans),
            generated_characters_per_day: of_day(Quota::Characters),
        })
    })
    .await
}
