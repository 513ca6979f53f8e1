//! `/admin/users/{id}/view-as`: seeing the marketplace as a user does.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::ViewToken;
use crate::clock::Timestamp;
use crate::http::input::ReasonInput;
use crate::http::{Body, Caller, Id, Problem};
use crate::ids::UserId;

/// A token that shows what a user sees, and changes nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = ViewToken)]
struct ViewTokenView {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    expires_at: Timestamp,
    /// `jti` of the token, as in the audit trail; `POST /admin/tokens/revoke` takes it.
    token_id: String,
    /// Who is viewed.
    user_id: UserId,
}

impl From<ViewToken> for ViewTokenView {
    fn from(token: ViewToken) -> Self {
        Self {
            access_token: token.access_token,
            token_type: "Bearer",
            expires_in: token.expires_in.as_secs(),
            expires_at: token.expires_at,
            token_id: token.id.0,
            user_id: token.user,
        }
    }
}

/// See the marketplace as a user does: a token for 15 minutes that only reads (403 `read_only`), shows nothing that is
/// private to the user (403 `private`), and has you in its claim `act` (RFC 8693). It is no login of theirs.
///
/// It ends at once when it is revoked (`POST /auth/revoke`), with the login by which you call, and when you or the user
/// are suspended, logged out everywhere or given another role. 409 `view_of_self`, `view_of_admin`, `user_suspended`.
#[utoipa::path(operation_id = "viewAsUser", request_body = ReasonInput, responses((status = 200, body = ViewTokenView)))]
#[post("/admin/users/{id}/view-as")]
pub(super) async fn begin(
    Id(id): Id<UserId>,
    Body(body): Body<ReasonInput>,
    app: Data<App>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    // Not kept for an `Idempotency-Key`: it is a token. A repeated call begins another view.
    let token = app.auth.view_as(&caller, id, reason).await?;
    let view = ViewTokenView::from(token);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}
