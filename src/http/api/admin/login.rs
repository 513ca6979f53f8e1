//! `/admin/login`: how the dashboard logs in. As `/auth/token`, but for admins alone, and the refresh token stays in a
//! cookie that scripts cannot read.

use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Credentials, PasswordInput, SignInError, SignedIn};
use crate::domain::users::Role;
use crate::http::api::auth::{AccountView, ClientInfo};
use crate::http::dashboard::DashboardCall;
use crate::http::{Body, Problem};

/// The cookie of the refresh token.
const REFRESH: &str = "souk-admin-refresh";

/// The cookie of the device token: a known device is not throttled by failed logins from elsewhere.
const DEVICE: &str = "souk-admin-device";

/// The only addresses that the cookies are sent to.
const PATH: &str = "/admin/login";

/// An admin's credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AdminLoginForm {
    #[schema(format = Email, max_length = 254, example = "root@example.com")]
    email: String,
    password: String,
}

/// An access token for the dashboard. The refresh token is in a cookie.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminLogin)]
struct AdminLoginView {
    /// Send it with each request: `Authorization: Bearer …`.
    access_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    user: AccountView,
}

/// Log in to the dashboard: for admins alone, and from its pages alone (`Origin` and `X-Souk-Dashboard`).
///
/// 401 if email or password are wrong, 403 for users who are no admins.
#[utoipa::path(
    operation_id = "logInToDashboard",
    request_body = AdminLoginForm,
    responses((status = 200, body = AdminLoginView))
)]
#[post("/admin/login")]
pub(super) async fn log_in(
    app: Data<App>,
    call: DashboardCall,
    request: HttpRequest,
    client: ClientInfo,
    Body(form): Body<AdminLoginForm>,
) -> Result<HttpResponse, Problem> {
    let device_token = request.cookie(DEVICE).map(|cookie| cookie.value().to_owned());
    let password = PasswordInput::new(&form.password);
    let credentials = Credentials { email: form.email, password, device_token };
    let request_id = client.call;
    let signed_in = app.auth.log_in(credentials, client.device, client.call).await?;
    if signed_in.account.user.role == Role::Admin {
        return Ok(signed_in_answer(&app, call, signed_in));
    }
    // What was opened a moment ago is of no use to anybody.
    app.auth.revoke(&signed_in.refresh_token, request_id).await?;
    let detail = "only admins may use the dashboard; this account is not one";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// Get the dashboard's next access token, by the cookie of its login.
///
/// 401 if there is no cookie, or its login has ended.
#[utoipa::path(operation_id = "refreshDashboardLogin", responses((status = 200, body = AdminLoginView)))]
#[post("/admin/login/refresh")]
pub(super) async fn refresh(
    app: Data<App>,
    call: DashboardCall,
    request: HttpRequest,
    client: ClientInfo,
) -> Result<HttpResponse, Problem> {
    let shown = request.cookie(REFRESH).ok_or(SignInError::Refused)?;
    // A change of role ends all logins, so whoever can refresh is an admin still.
    let signed_in = app.auth.refresh(shown.value(), client.device, client.call).await?;
    Ok(signed_in_answer(&app, call, signed_in))
}

/// Log out of the dashboard: the login of the cookie ends, with its tokens and live sessions.
#[utoipa::path(operation_id = "logOutOfDashboard", responses((status = 204, description = "Logged out")))]
#[delete("/admin/login")]
pub(super) async fn log_out(
    app: Data<App>,
    call: DashboardCall,
    request: HttpRequest,
    client: ClientInfo,
) -> Result<HttpResponse, Problem> {
    if let Some(shown) = request.cookie(REFRESH) {
        app.auth.revoke(shown.value(), client.call).await?;
    }
    let gone = cookie(REFRESH, String::new(), Duration::ZERO, call);
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

fn signed_in_answer(app: &App, call: DashboardCall, signed_in: SignedIn) -> HttpResponse {
    let settings = &app.config.auth;
    let mut response = HttpResponse::Ok();
    with_cookies(
        &mut response,
        [
            cookie(REFRESH, signed_in.refresh_token, settings.login_max, call),
            cookie(DEVICE, signed_in.device_token, settings.device_ttl, call),
        ],
    );
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(AdminLoginView {
        access_token: signed_in.access_token,
        expires_in: signed_in.expires_in.as_secs(),
        user: signed_in.account.into(),
    })
}

fn with_cookies(response: &mut HttpResponseBuilder, cookies: [Cookie<'static>; 2]) {
    for cookie in cookies {
        response.cookie(cookie);
    }
}

fn cookie(name: &'static str, value: String, age: Duration, call: DashboardCall) -> Cookie<'static> {
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(name, value)
        .path(PATH)
        .http_only(true)
        .secure(call.is_secure)
        .same_site(SameSite::Strict)
        .max_age(time::Duration::seconds(age))
        .finish()
}
