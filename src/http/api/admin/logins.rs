//! Ends logins and revokes tokens of other users.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::AuthError;
use crate::domain::users::logins::{RevocationTarget, service as logins};
use crate::domain::{Error, Page};
use crate::http::api::auth::LoginView;
use crate::http::input::ReasonQuery;
use crate::http::{Body, Caller, Id, IdempotentCall, PageQuery, Paged, Problem, Query, Reply};
use crate::hub::SessionFilter;
use crate::ids::{LoginId, TokenId, UserId};

/// A user's logins that have not ended, newest first.
#[utoipa::path(operation_id = "listUserLogins", params(PageQuery), responses((status = 200, body = Paged<LoginView>)))]
#[get("/admin/users/{id}/logins")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (page, lifetimes, scope) = (query.parse(&app)?, app.auth.lifetimes(), caller.0.clone());
    let slice = app.db.read(move |uow| logins::list_as_admin(uow, &scope, id, lifetimes, &page)).await?;
    let all = Page { before: None, limit: u16::MAX };
    let live = app.nodes.list(&app.hub, SessionFilter::User(id), None, all, app.clock.now()).await?.items;
    Ok(HttpResponse::Ok().json(Paged::of(slice.map(|login| LoginView::of(login, &caller, &live)))))
}

/// End a user's login: its tokens are revoked and its live sessions close, everywhere.
#[utoipa::path(
    operation_id = "endUserLogin",
    params(("sid" = LoginId, Path, description = "the login, the `sid` of its tokens"), ReasonQuery),
    responses((status = 204, description = "Ended"))
)]
#[delete("/admin/logins/{sid}")]
pub(super) async fn end(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<LoginId>,
    Query(query): Query<ReasonQuery>,
) -> Result<HttpResponse, Problem> {
    let (scope, reason) = (caller.0, query.parse()?);
    app.db.write(move |uow| logins::end_as_admin(uow, &scope, id, reason.as_ref())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A token, or its `jti`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevokeInput {
    /// An access or a refresh token.
    token: Option<String>,
    /// The `jti` of an access token, instead of the token.
    jti: Option<String>,
    /// With `jti`: the `iss` of an outside token; our own issuer by default.
    issuer: Option<String>,
}

/// Longest `jti` or `iss` accepted: a longer one does not fit into a token.
const LONGEST: usize = crate::auth::token::MAX_TOKEN_BYTES;

impl RevokeInput {
    /// Resolves the token or name; `None` if there is nothing left to revoke.
    async fn parse(self, app: &App) -> Result<Option<RevocationTarget>, Problem> {
        let fits = |text: &str| (1..=LONGEST).contains(&text.len());
        match (self.token, self.jti) {
            (Some(token), None) => match app.auth.revocation_targets(&token).await {
                Ok(condemned) => Ok(Some(condemned)),
                Err(AuthError::Expired) => Ok(None),
                Err(error) if !error.is_verdict() => Err(error.into()),
                Err(_) => Err(Error::invalid("token", "must be a token that could be shown here").into()),
            },
            (None, Some(jti)) if fits(&jti) && self.issuer.as_deref().is_none_or(fits) => {
                // Our own issuer name means our own tokens, which are stored without an issuer.
                let ours = app.config.auth.jwt_issuer.as_str();
                let issuer = self.issuer.filter(|issuer| issuer != ours).map(Arc::from);
                Ok(Some(RevocationTarget::Access { issuer, jti: TokenId(jti), until: None }))
            }
            (None, Some(_)) => Err(Error::invalid("jti", "must be as a token has it").into()),
            _ => Err(Error::invalid("token", "must be given, or else jti").into()),
        }
    }
}

/// Revoke a user's token and close its live sessions: an access token by itself, a refresh token with its login.
#[utoipa::path(
    operation_id = "revokeUserToken",
    request_body = RevokeInput,
    responses((status = 204, description = "The token is revoked"))
)]
#[post("/admin/tokens/revoke")]
pub(super) async fn revoke(
    Body(body): Body<RevokeInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let condemned = match call.scope().is_admin() {
        true => body.parse(call.app()).await?,
        // Refused below with 403, without revealing what the token is.
        false => Some(RevocationTarget::Access { issuer: None, jti: TokenId(String::new()), until: None }),
    };
    let Some(condemned) = condemned else { return Ok(HttpResponse::NoContent().finish()) };
    call.run(move |uow, scope| {
        logins::revoke_as_admin(uow, scope, &condemned)?;
        Ok(Reply::no_content())
    })
    .await
}
