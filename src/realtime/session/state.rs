//! A session's logic: messages and times in, effects out.

use crate::clock::Timestamp;
use crate::domain::policy::Scope;
use crate::ids::ConnectionId;
use crate::protocol::close::CloseReason;
use crate::protocol::{Command, ErrorCode, Established, Malformed, Notice, OnBoard, Request, TokenClaims};

use super::limits::{MalformedCounter, RateLimit, Verdict};
use crate::realtime::limits::SessionLimits;

/// A connection that is not authenticated. All it can do is become a [`Session`].
#[derive(Debug)]
pub(crate) struct Unauthenticated {
    connection: ConnectionId,
}

/// What the actor must do for the session.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Send this notice to the client.
    Send(Notice),
    /// Run this command and answer it before the next message is looked at.
    Run(Request),
    /// Close the connection.
    Close(CloseReason),
}

/// An authenticated client's session.
#[derive(Debug)]
pub(crate) struct Session {
    connection: ConnectionId,
    scope: Scope,
    limits: SessionLimits,
    rate_limit: RateLimit,
    malformed: MalformedCounter,
    warned: bool,
}

impl Unauthenticated {
    /// The state of a new connection.
    pub(crate) fn new(connection: ConnectionId) -> Self {
        Self { connection }
    }

    /// The connection's id.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The connection's user has been authenticated.
    pub(crate) fn authenticated(self, scope: Scope, limits: SessionLimits) -> Session {
        Session {
            connection: self.connection,
            scope,
            limits,
            rate_limit: RateLimit::new(limits.plan.messages),
            malformed: MalformedCounter::new(limits.malformed),
            warned: false,
        }
    }
}

impl Session {
    /// The connection's id.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The authenticated scope, of the newest token.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The session's limits.
    pub(crate) fn limits(&self) -> &SessionLimits {
        &self.limits
    }

    /// The first notice to the client.
    pub(crate) fn greeting(&self, now: Timestamp, heartbeat_s: u64, board: Option<OnBoard>) -> Notice {
        Notice::ConnectionEstablished(Box::new(Established {
            session_id: self.connection,
            user_id: self.scope.user(),
            user_email: self.scope.email().into(),
            role: self.scope.role().as_str(),
            plan: self.scope.plan().as_str(),
            expires_at: self.scope.expires_at(),
            heartbeat_s,
            timestamp: now,
            limits: self.limits.announced(),
            board,
            token: TokenClaims {
                jti: self.scope.token().0.clone(),
                sid: self.scope.login(),
                iss: self.scope.issuer().cloned(),
            },
        }))
    }

    /// Handles a decoded message. The token's expiry is checked first: no command runs after it.
    pub(crate) fn on_message(&mut self, message: Result<Request, Malformed>, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.on_timer(now);
        if !matches!(effects.last(), Some(Effect::Close(_))) {
            effects.extend(self.receive(message, now));
        }
        effects
    }

    fn receive(&mut self, message: Result<Request, Malformed>, now: Timestamp) -> Vec<Effect> {
        match self.rate_limit.on_message(now) {
            Verdict::Allow => {}
            Verdict::Refuse(wait) => {
                let id = message.map_or_else(|malformed| malformed.id, |request| request.id);
                let retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
                let message = "too many messages; send slower".into();
                return vec![Effect::Send(Notice::Error {
                    id,
                    code: ErrorCode::RateLimited,
                    message,
                    retry_after,
                })];
            }
            Verdict::GiveUp => return vec![Effect::Close(CloseReason::TooFast)],
        }
        match message {
            Ok(Request { id, command: Command::Ping }) => vec![Effect::Send(Notice::Pong { id })],
            Ok(request) => vec![Effect::Run(request)],
            Err(malformed) => self.on_malformed(malformed, now),
        }
    }

    fn on_malformed(&mut self, malformed: Malformed, now: Timestamp) -> Vec<Effect> {
        let Malformed { id, code, message } = malformed;
        let mut effects =
            vec![Effect::Send(Notice::Error { id, code, message: message.into(), retry_after: None })];
        if self.malformed.add(now) {
            effects.push(Effect::Close(CloseReason::TooManyMistakes));
        }
        effects
    }

    /// The session continues with another token of the same user, under the plan that the user has now.
    pub(crate) fn refreshed(&mut self, scope: Scope, limits: SessionLimits) {
        if limits.plan.messages != self.limits.plan.messages {
            self.rate_limit = RateLimit::new(limits.plan.messages);
        }
        self.limits = limits;
        self.scope = scope;
        self.warned = false;
    }

    /// When [`Session::on_timer`] must be called next.
    pub(crate) fn next_timer(&self) -> Timestamp {
        if self.warned { self.ends_at() } else { self.warning_at() }
    }

    /// Checks the token's expiry: warns the client, or closes the session.
    pub(crate) fn on_timer(&mut self, now: Timestamp) -> Vec<Effect> {
        if now >= self.ends_at() {
            return vec![Effect::Close(CloseReason::TokenExpired)];
        }
        if !self.warned && now >= self.warning_at() {
            self.warned = true;
            return vec![Effect::Send(Notice::TokenExpiring { expires_at: self.scope.expires_at() })];
        }
        Vec::new()
    }

    fn warning_at(&self) -> Timestamp {
        self.scope.expires_at().minus(self.limits.token_warning)
    }

    /// When the session must end. Clocks and lifetimes of outside issuers are not under our control, so their
    /// tokens have a grace period.
    fn ends_at(&self) -> Timestamp {
        match self.scope.issuer() {
            Some(_) => self.scope.expires_at().plus(self.limits.token_grace),
            None => self.scope.expires_at(),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
