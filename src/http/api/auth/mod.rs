//! Signing in and out over HTTP. Decisions are made in [`crate::auth`]; here requests are parsed and results
//! represented.

mod forms;
mod problems;
mod views;
mod client_info;

use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use serde::Deserialize;

use crate::app::App;
use crate::auth::{AuthError, SignedIn};
use crate::domain::Page;
use crate::domain::users::{logins, service as users};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::{Body, Caller, FormOrJson, Id, PageQuery, Paged, Problem, Query, extract};
use crate::hub::SessionFilter;
use crate::ids::LoginId;
pub(super) use client_info::ClientInfo;
use forms::{RefreshForm, RegisterForm, RevokeForm, TokenForm, TokenRequest};
pub(super) use views::{AccountView, LoginView};
use views::{TicketView, TokenView};

/// All routes under `/auth`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(register)
        .service(issue_token)
        .service(log_in)
        .service(refresh_token)
        .service(log_out)
        .service(revoke_token)
        .service(me)
        .service(sessions)
        .service(end_sessions)
        .service(end_session)
        .service(ticket);
}

/// Register as a consumer or a provider, and log in.
///
/// Also creates the profile of that role. 409 `email_taken` if the address is already registered.
#[utoipa::path(
    operation_id = "registerAccount",
    request_body = RegisterForm,
    responses((status = 201, description = "Signed in", body = TokenView))
)]
#[post("/auth/register")]
async fn register(
    app: Data<App>,
    client: ClientInfo,
    form: Body<RegisterForm>,
) -> Result<HttpResponse, Problem> {
    let signed_in = app.auth.register(form.0.parse()?, client.device, client.call).await?;
    Ok(signed_in_answer(HttpResponse::Created().insert_header((header::LOCATION, "/auth/me")), signed_in))
}

/// Sign in with a password, or exchange a refresh token for the next pair.
///
/// The answer to an unknown address and to a wrong password is the same. A refresh token is valid for one use; using
/// it again ends its login, except once while no token of the new pair has been used (the response may be lost).
#[utoipa::path(
    operation_id = "issueToken",
    request_body = TokenForm,
    responses((status = 200, description = "Signed in", body = TokenView))
)]
#[post("/auth/token")]
async fn issue_token(
    app: Data<App>,
    client: ClientInfo,
    form: Body<TokenForm>,
) -> Result<HttpResponse, Problem> {
    sign_in(&app, client, form.0).await
}

/// The same as `POST /auth/token`.
#[utoipa::path(
    operation_id = "logIn",
    request_body = TokenForm,
    responses((status = 200, description = "Signed in", body = TokenView))
)]
#[post("/auth/login")]
async fn log_in(app: Data<App>, client: ClientInfo, form: Body<TokenForm>) -> Result<HttpResponse, Problem> {
    sign_in(&app, client, form.0).await
}

async fn sign_in(app: &App, client: ClientInfo, form: TokenForm) -> Result<HttpResponse, Problem> {
    let signed_in = match form.parse()? {
        TokenRequest::Password(credentials) => {
            app.auth.log_in(credentials, client.device, client.call).await?
        }
        TokenRequest::Refresh(shown) => app.auth.refresh(&shown, client.device, client.call).await?,
    };
    Ok(signed_in_answer(&mut HttpResponse::Ok(), signed_in))
}

/// Exchange a refresh token for the next pair.
#[utoipa::path(
    operation_id = "refreshToken",
    request_body = RefreshForm,
    responses((status = 200, description = "The next pair", body = TokenView))
)]
#[post("/auth/refresh")]
async fn refresh_token(
    app: Data<App>,
    client: ClientInfo,
    form: Body<RefreshForm>,
) -> Result<HttpResponse, Problem> {
    let signed_in = app.auth.refresh(&form.0.refresh_token, client.device, client.call).await?;
    Ok(signed_in_answer(&mut HttpResponse::Ok(), signed_in))
}

/// End the current login: its tokens are revoked and its live sessions close, everywhere.
#[utoipa::path(operation_id = "logOut", responses((status = 204, description = "Signed out")))]
#[post("/auth/logout")]
async fn log_out(app: Data<App>, caller: Caller) -> Result<HttpResponse, Problem> {
    app.auth.log_out(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Revoke a token (RFC 7009): an access token by itself, a refresh token with its whole login.
///
/// Needs only the token itself. A revoked or unknown token gets the same response.
#[utoipa::path(
    operation_id = "revokeToken",
    request_body(content(
        (RevokeForm = "application/x-www-form-urlencoded"),
        (RevokeForm = "application/json"),
    )),
    responses((status = 200, description = "The token is revoked"))
)]
#[post("/auth/revoke")]
async fn revoke_token(
    app: Data<App>,
    client: ClientInfo,
    form: FormOrJson<RevokeForm>,
) -> Result<HttpResponse, Problem> {
    app.auth.revoke(&form.0.token, client.call).await?;
    Ok(HttpResponse::Ok().finish())
}

/// The authenticated user, with profiles.
#[utoipa::path(
    operation_id = "getCurrentUser",
    responses((status = 200, description = "The user", body = AccountView))
)]
#[get("/auth/me")]
async fn me(app: Data<App>, caller: Caller) -> Result<Json<AccountView>, Problem> {
    let scope = caller.0;
    let account = app.db.read(move |uow| users::me(uow, &scope)).await?;
    Ok(Json(account.into()))
}

/// Your logins, newest first, with device, address and the time of last use.
#[utoipa::path(
    operation_id = "listLogins",
    params(PageQuery),
    responses((status = 200, description = "Your logins", body = Paged<LoginView>))
)]
#[get("/auth/sessions")]
async fn sessions(
    app: Data<App>,
    caller: Caller,
    page: Query<PageQuery>,
) -> Result<Json<Paged<LoginView>>, Problem> {
    let logins = app.auth.logins(&caller, page.0.parse(&app)?).await?;
    let all = Page { before: None, limit: u16::MAX };
    let of_user = SessionFilter::User(caller.user());
    let live = app.nodes.list(&app.hub, of_user, None, all, app.clock.now()).await?.items;
    Ok(Json(Paged::of(logins.map(|login| LoginView::of(login, &caller, &live)))))
}

/// Whether the login by which the caller calls stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct KeepQuery {
    /// End all logins except the current one.
    #[serde(default)]
    keep_current: bool,
}

/// Log out everywhere: the tokens of all your logins are revoked and their live sessions close at once.
///
/// With `keep_current`, the current login is kept. 409 `no_login` if the access token belongs to no login.
#[utoipa::path(operation_id = "endLogins", params(KeepQuery), responses((status = 204, description = "Ended")))]
#[delete("/auth/sessions")]
async fn end_sessions(
    app: Data<App>,
    caller: Caller,
    Query(query): Query<KeepQuery>,
) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    app.db
        .write(move |uow| match query.keep_current {
            true => users::log_out_elsewhere(uow, &scope),
            false => users::log_out_everywhere(uow, &scope),
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End one of your logins: its tokens are revoked and its live sessions close, everywhere.
#[utoipa::path(
    operation_id = "endLogin",
    params(("id" = LoginId, Path, description = "A login of `GET /auth/sessions`")),
    responses((status = 204, description = "Ended"))
)]
#[delete("/auth/sessions/{id}")]
async fn end_session(app: Data<App>, caller: Caller, id: Id<LoginId>) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    app.db.write(move |uow| logins::service::end(uow, &scope, id.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A ticket for a WebSocket handshake (`?ticket=`), in which browsers cannot send a header.
///
/// It replaces the access token, is valid once and for 30 seconds, and is not logged.
#[utoipa::path(
    operation_id = "createTicket",
    responses((status = 200, description = "A ticket", body = TicketView))
)]
#[post("/auth/ticket")]
async fn ticket(app: Data<App>, request: HttpRequest, caller: Caller) -> Result<HttpResponse, Problem> {
    let token = extract::bearer(request.headers()).ok_or(AuthError::Missing)?;
    let (ticket, good_for) = app.auth.give_ticket(caller.0.user(), token).await?;
    let view = TicketView { ticket, expires_in: good_for.as_secs() };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// Responses with tokens must not be cached on the way (RFC 6749, section 5.1).
fn signed_in_answer(response: &mut actix_web::HttpResponseBuilder, signed_in: SignedIn) -> HttpResponse {
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(TokenView::from(signed_in))
}
