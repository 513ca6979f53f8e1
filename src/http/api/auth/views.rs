//! Representations of users, tokens and logins.

use serde::Serialize;

use crate::auth::SignedIn;
use crate::clock::Timestamp;
use crate::domain::policy::Scope;
use crate::domain::users::logins::Login;
use crate::domain::users::{Account, Plan, Role};
use crate::ids::{ConsumerId, LoginId, ProviderId, UserId};
use crate::nodes::LiveConnection;

/// The authenticated user.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Account)]
pub(in crate::http::api) struct AccountView {
    id: UserId,
    #[schema(format = Email)]
    email: String,
    display_name: String,
    role: Role,
    plan: Plan,
    /// Your `sub` at the outside issuer, if you log in there.
    clerk_id: Option<String>,
    /// Your provider profile, if there is one.
    provider_id: Option<ProviderId>,
    /// Your consumer profile, if there is one.
    consumer_id: Option<ConsumerId>,
    created_at: Timestamp,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let user = account.user;
        Self {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            role: user.role,
            plan: user.plan,
            clerk_id: user.clerk_id,
            provider_id: account.provider,
            consumer_id: account.consumer,
            created_at: user.created_at,
        }
    }
}

/// A pair of tokens.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Tokens)]
pub(super) struct TokenView {
    /// Send it with each request: `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    /// Can be exchanged once for the next pair.
    refresh_token: String,
    /// Keep it on the device and send it with the next login: a known device is not throttled by failed
    /// logins from elsewhere. It grants nothing else.
    device_token: String,
    user: AccountView,
}

impl From<SignedIn> for TokenView {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in.as_secs(),
            refresh_token: signed_in.refresh_token,
            device_token: signed_in.device_token,
            user: signed_in.account.into(),
        }
    }
}

/// A ticket for a WebSocket handshake.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Ticket)]
pub(super) struct TicketView {
    /// Send it as `?ticket=` in the handshake.
    pub(super) ticket: String,
    /// Lifetime in seconds.
    pub(super) expires_in: u64,
}

/// A login.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Login)]
pub(in crate::http::api) struct LoginView {
    id: LoginId,
    /// The device's `User-Agent`.
    user_agent: Option<String>,
    /// The address from which it logged in or last refreshed.
    address: Option<String>,
    created_at: Timestamp,
    /// When it was last used: to the second while it has a live connection, within five minutes otherwise.
    last_used_at: Timestamp,
    /// Number of its live connections to this server.
    connections: usize,
    /// Messages that its live connections to this server have sent.
    #[schema(minimum = 0)]
    messages: u64,
    /// When it ends, even if it is used.
    expires_at: Timestamp,
    /// Whether it is the login of this request.
    current: bool,
}

impl LoginView {
    /// `live` are the user's live sessions.
    pub(in crate::http::api) fn of(login: Login, scope: &Scope, live: &[LiveConnection]) -> Self {
        let of_login = live.iter().filter(|connection| connection.login == Some(login.id));
        let live: Vec<&LiveConnection> = of_login.collect();
        let last_received = live.iter().map(|connection| connection.last_seen_at);
        Self {
            current: scope.login() == Some(login.id),
            id: login.id,
            user_agent: login.user_agent,
            address: login.address,
            created_at: login.created_at,
            last_used_at: last_received.fold(login.last_used_at, Timestamp::max),
            connections: live.len(),
            messages: live.iter().map(|connection| connection.messages).sum(),
            expires_at: login.expires_at,
        }
    }
}
