//! What a session is told of itself: who it belongs to, and what it may do.

use std::sync::Arc;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, ProjectId, UserId};

/// Whom a session belongs to, and what applies to it.
#[derive(Debug, Clone, Serialize)]
pub struct Established {
    /// The connection's id, as in the server's logs.
    pub(crate) session_id: ConnectionId,
    /// The authenticated user.
    pub(crate) user_id: UserId,
    /// The user's own email address; sent to nobody else.
    pub(crate) user_email: Arc<str>,
    /// The user's role, as in REST.
    pub(crate) role: &'static str,
    /// The user's plan, which determines the limits.
    pub(crate) plan: &'static str,
    /// When the token expires.
    pub(crate) expires_at: Timestamp,
    /// Interval between two pings of the server, in seconds.
    pub(crate) heartbeat_s: u64,
    /// The server's time.
    pub(crate) timestamp: Timestamp,
    /// The limits of the user's plan.
    pub(crate) limits: Limits,
    /// The board and the client's id there, if the connection was made to a board.
    #[serde(flatten)]
    pub(crate) board: Option<OnBoard>,
    /// Further claims of the token; sent to Socket.IO clients only.
    #[serde(skip)]
    pub(crate) token: TokenClaims,
}

/// The ids by which a token and its login can be revoked. None of them is a secret.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TokenClaims {
    /// The token's id.
    pub(crate) jti: String,
    /// The login that it was issued for; `None` for other issuers.
    pub(crate) sid: Option<LoginId>,
    /// Its issuer; `None` for our own tokens.
    pub(crate) iss: Option<Arc<str>>,
}

/// A plan's limits for live connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Limits {
    /// Concurrent sessions of one user.
    pub(crate) connections: usize,
    /// Messages per second of one session; also its burst size.
    pub(crate) messages_per_second: u32,
    /// Rooms that one session may be in.
    pub(crate) rooms: usize,
    /// Simulations of one user that are queued or running.
    pub(crate) simulations: u32,
    /// Simulations that one user may create in a day (UTC).
    pub(crate) simulations_per_day: u32,
    /// Runs of one simulation.
    pub(crate) simulation_runs: u32,
    /// Steps of one simulation.
    pub(crate) simulation_steps: u32,
    /// Texts that are written for one user at once.
    pub(crate) generations: usize,
    /// Messages to the assistant on a day.
    pub(crate) messages_per_day: u32,
    /// Masterplans on a day.
    pub(crate) plans_per_day: u32,
    /// Characters of generated texts on a day.
    pub(crate) generated_characters_per_day: u32,
}

/// A client of a project's board.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OnBoard {
    /// The client's id: its own, or the one that the server gave it.
    pub(crate) client_id: Arc<str>,
    /// The project of the board.
    pub(crate) project_id: ProjectId,
}

/// Who a session belongs to, by its newest token.
#[derive(Debug, Clone, Serialize)]
pub struct Whoami {
    /// The connection's id, as in `connection_established`.
    pub(crate) session_id: ConnectionId,
    /// The user.
    pub(crate) user_id: UserId,
    /// Their e-mail address.
    pub(crate) user_email: Arc<str>,
    /// `consumer`, `provider` or `admin`.
    pub(crate) role: &'static str,
    /// `free`, `pro` or `enterprise`.
    pub(crate) plan: &'static str,
    /// What the plan allows.
    pub(crate) limits: Limits,
    /// When the token ends.
    pub(crate) expires_at: Timestamp,
}
