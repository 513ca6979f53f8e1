//! `/admin/users`: lists and manages users.

use actix_web::{HttpResponse, get, post, put};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::users::{Account, Plan, Role, User, service as users};
use crate::http::input::ReasonInput;
use crate::http::schema::changes;
use crate::http::{Body, Id, IdempotentCall, IfMatch, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{ConsumerId, ProviderId, UserId};

/// A user as admins see them.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct UserView {
    id: UserId,
    #[schema(format = Email)]
    email: String,
    display_name: String,
    role: Role,
    plan: Plan,
    /// Every request of a suspended user is refused.
    is_active: bool,
    /// The outside issuer that authenticates the user.
    issuer: Option<String>,
    /// The user's `sub` at that issuer.
    clerk_id: Option<String>,
    /// Actions that you may perform on the user.
    #[schema(schema_with = changes::<User>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl UserView {
    fn of(scope: &Scope, user: User) -> Self {
        Self {
            allowed_actions: allowed_changes(scope, &user),
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            role: user.role,
            plan: user.plan,
            is_active: user.is_active,
            issuer: user.issuer,
            clerk_id: user.clerk_id,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A user with profiles and live connections.
#[derive(Serialize, ToSchema)]
#[schema(as = UserDetails)]
struct DetailsView {
    #[serde(flatten)]
    user: UserView,
    /// The provider profile, if there is one.
    provider_id: Option<ProviderId>,
    /// The consumer profile, if there is one.
    consumer_id: Option<ConsumerId>,
    /// Number of the user's live connections to this server.
    connections: usize,
}

/// Which users, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only users whose email address begins with this.
    email: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A user's new role.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleInput {
    role: Role,
}

/// A user's new plan.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanInput {
    plan: Plan,
}

/// All users, newest first; can be filtered by the beginning of the email address.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<UserView>)))]
#[get("/admin/users")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = users::list(uow, scope, query.email.as_deref(), None, &page)?;
        Reply::ok(&Paged::of(slice.map(|user| UserView::of(scope, user))))
    })
    .await
}

/// A user.
#[utoipa::path(responses((status = 200, body = DetailsView)))]
#[get("/admin/users/{id}")]
pub(super) async fn get_one(call: ReadCall, Id(id): Id<UserId>) -> Result<HttpResponse, Problem> {
    let connections = call.app().connections_of(id).await?;
    call.read_current(move |uow, scope| {
        let Account { user, provider, consumer } = users::see(uow, scope, id)?;
        let version = user.version;
        let user = UserView::of(scope, user);
        let details = DetailsView { user, provider_id: provider, consumer_id: consumer, connections };
        Ok(Reply::ok(&details)?.etag(version))
    })
    .await
}

async fn change(
    call: IdempotentCall,
    change: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<User, Error> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let user = change(uow, scope)?;
        let version = user.version;
        Ok(Reply::ok(&UserView::of(scope, user))?.etag(version))
    })
    .await
}

/// Suspend a user: all their calls are refused, their logins end, and their live sessions close at once.
///
/// Their open requests are cancelled and their live offers not selected; bookings stay as they are (`GET /admin/bookings`).
/// 409 `last_admin` for the last active admin.
#[utoipa::path(request_body = ReasonInput, responses((status = 200, body = UserView)))]
#[post("/admin/users/{id}/suspend")]
pub(super) async fn suspend(
    Id(id): Id<UserId>,
    Body(body): Body<ReasonInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    change(call, move |uow, scope| users::suspend(uow, scope, id, &reason)).await
}

/// Reinstate a suspended user, who must log in again. Requests and offers that the suspension closed stay closed.
#[utoipa::path(responses((status = 200, body = UserView)))]
#[post("/admin/users/{id}/reinstate")]
pub(super) async fn reinstate(Id(id): Id<UserId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    change(call, move |uow, scope| users::reinstate(uow, scope, id, None)).await
}

/// Change a user's role. Their logins end and their live sessions close, since their tokens contain the old role.
///
/// 409 `last_admin` for the last active admin.
#[utoipa::path(params(IfMatch), request_body = RoleInput, responses((status = 200, body = UserView)))]
#[put("/admin/users/{id}/role")]
pub(super) async fn change_role(
    Id(id): Id<UserId>,
    Body(body): Body<RoleInput>,
    seen: IfMatch,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    change(call, move |uow, scope| users::change_role(uow, scope, id, body.role, seen.0)).await
}

/// Change a user's plan. Its limits apply from the next request, and for a live session from its next token refresh.
#[utoipa::path(params(IfMatch), request_body = PlanInput, responses((status = 200, body = UserView)))]
#[put("/admin/users/{id}/plan")]
pub(super) async fn change_plan(
    Id(id): Id<UserId>,
    Body(body): Body<PlanInput>,
    seen: IfMatch,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    change(call, move |uow, scope| users::change_plan(uow, scope, id, body.plan, seen.0)).await
}

/// End all logins of a user: their tokens are revoked, and their live sessions close at once.
#[utoipa::path(responses((status = 204, description = "Logged out")))]
#[post("/admin/users/{id}/log-out")]
pub(super) async fn log_out(Id(id): Id<UserId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        users::log_out(uow, scope, id)?;
        Ok(Reply::no_content())
    })
    .await
}
