//! Why a live connection ends, and the table of close codes and texts per endpoint.
//!
//! Older clients act on these codes, so they are part of the contract. The text may go to an unauthenticated
//! client, so it reveals nothing about anyone's data; it always says whether reconnecting makes sense.

/// Why the server refuses or closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The handshake carried no token.
    NoToken,
    /// The token is malformed or badly signed, or its issuer or audience is wrong.
    InvalidToken,
    /// The token, its login, or the role in it was revoked before the token expired.
    Revoked,
    /// The token has expired.
    TokenExpired,
    /// The token has no subject.
    NoSubject,
    /// The user does not exist or is not active.
    UserUnknownOrInactive,
    /// The handshake comes from a web page whose origin is not on the allow-list.
    OriginRefused,
    /// The caller has no standing in the endpoint's room.
    NotYours,
    /// The endpoint's room does not exist.
    NotFound,
    /// The user or the address has as many connections as allowed.
    TooManyConnections,
    /// The client kept sending commands faster than its plan allows.
    TooFast,
    /// Too many of the client's messages were malformed.
    TooManyMistakes,
    /// An admin closed this one connection; the user's rights are unchanged.
    ClosedByAdmin,
    /// Slow consumer: the client does not read what is sent to it.
    SlowConsumer,
    /// Nothing was received from the client within the heartbeat timeout.
    Silent,
    /// The same client has opened a newer connection, which replaces this one.
    Replaced,
    /// The server is shutting down; the client should reconnect.
    Restarting,
    /// An internal error of the server.
    Internal,
    /// The client violated RFC 6455 or Engine.IO.
    ProtocolError,
    /// A binary message on an endpoint that accepts only text.
    NotText,
    /// A text message or close reason is not UTF-8.
    NotUtf8,
    /// A frame or message exceeds its size limit.
    TooBig,
}

/// The endpoint that a connection was made to; each has close codes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/ws`
    Ws,
    /// `/ws/reflections/{entry_id}`
    Reflections,
    /// `/ws/kanban/projects/{project_id}`
    Kanban,
    /// `/ws/simulate`
    Simulate,
    /// `/socket.io/`: Socket.IO packets have no codes, so these close the WebSocket below them.
    SocketIo,
}

impl Endpoint {
    /// The endpoint's name in lists of connections.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Reflections => "reflections",
            Self::Kanban => "kanban",
            Self::Simulate => "simulate",
            Self::SocketIo => "socket.io",
        }
    }
}

/// The content of a close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Close {
    /// The close code, 1000 to 4999.
    pub(crate) code: u16,
    /// The reason text, at most 123 bytes (RFC 6455, section 5.5).
    pub(crate) reason: &'static str,
}

/// Whether and when the client should reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reconnect {
    /// At once, resuming with `since`.
    Now,
    /// After a pause.
    Later,
    /// With another token.
    WithFreshToken,
    /// Not before the client changes what it does.
    Never,
}

/// Reconnect delay in milliseconds for a client that sent too much, or that met an internal error.
const LATER_MS: u64 = 5_000;

impl Reconnect {
    /// The delay in milliseconds that `disconnecting` carries; `None` if reconnecting with the same token
    /// makes no sense.
    pub(crate) fn in_ms(self) -> Option<u64> {
        match self {
            Self::Now => Some(0),
            Self::Later => Some(LATER_MS),
            Self::WithFreshToken | Self::Never => None,
        }
    }
}

impl CloseReason {
    /// Every reason.
    pub(crate) const ALL: [CloseReason; 22] = [
        Self::NoToken,
        Self::InvalidToken,
        Self::Revoked,
        Self::TokenExpired,
        Self::NoSubject,
        Self::UserUnknownOrInactive,
        Self::OriginRefused,
        Self::NotYours,
        Self::NotFound,
        Self::TooManyConnections,
        Self::TooFast,
        Self::TooManyMistakes,
        Self::ClosedByAdmin,
        Self::SlowConsumer,
        Self::Silent,
        Self::Replaced,
        Self::Restarting,
        Self::Internal,
        Self::ProtocolError,
        Self::NotText,
        Self::NotUtf8,
        Self::TooBig,
    ];

    /// The table: code and text of this reason on `endpoint`.
    pub(crate) fn on(self, endpoint: Endpoint) -> Close {
        let code = match endpoint {
            Endpoint::Ws | Endpoint::Reflections | Endpoint::SocketIo => self.own_code(),
            Endpoint::Kanban => self.shared_code(|_| 1008),
            Endpoint::Simulate => self.shared_code(|reason| match reason {
                Self::NoToken => 4001,
                Self::InvalidToken | Self::Revoked | Self::NoSubject => 4002,
                Self::TokenExpired => 4003,
                _ => 4000,
            }),
        };
        let reason = match (self, endpoint) {
            // Clients of the older board compare this text.
            (Self::NoSubject, Endpoint::Kanban) => "Invalid token payload",
            _ => self.text(),
        };
        Close { code, reason }
    }

    /// The code on `/ws`: one per kind of reason.
    fn own_code(self) -> u16 {
        self.shared_code(|reason| match reason {
            Self::UserUnknownOrInactive => 4002,
            Self::OriginRefused | Self::NotYours => 4003,
            Self::NotFound => 4004,
            // Clients that know 4008 reconnect after a pause, which is what is wanted here.
            Self::TooManyConnections | Self::TooFast | Self::TooManyMistakes | Self::ClosedByAdmin => 4008,
            Self::SlowConsumer | Self::Silent => 4009,
            _ => 4001,
        })
    }

    /// The codes that RFC 6455 (section 7.4.1) and the IANA registry define are the same on every endpoint;
    /// `other` gives the rest.
    fn shared_code(self, other: impl FnOnce(Self) -> u16) -> u16 {
        match self {
            // A normal closure: clients that reconnect after an error must not, or the two connections would
            // replace each other in turn.
            Self::Replaced => 1000,
            Self::Restarting => 1012,
            Self::Internal => 1011,
            Self::ProtocolError => 1002,
            Self::NotText => 1003,
            Self::NotUtf8 => 1007,
            Self::TooBig => 1009,
            _ => other(self),
        }
    }

    /// The text for people: what happened, and whether to reconnect.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoToken => "authentication required; reconnect with a token",
            Self::InvalidToken => "invalid token; reconnect with a fresh token",
            Self::Revoked => "token revoked; sign in again before reconnecting",
            Self::TokenExpired => "token expired; reconnect with a fresh token",
            Self::NoSubject => "the token names no user; do not reconnect with it",
            Self::UserUnknownOrInactive => "user unknown or inactive; do not reconnect",
            Self::OriginRefused => "origin not allowed; do not reconnect",
            Self::NotYours => "access denied; do not reconnect",
            Self::NotFound => "not found; do not reconnect",
            Self::TooManyConnections => "too many connections; close others, reconnect later",
            Self::TooFast => "too many messages; reconnect later and send slower",
            Self::TooManyMistakes => "too many malformed messages; do not reconnect until this is fixed",
            Self::ClosedByAdmin => "closed by an admin; reconnect later",
            Self::SlowConsumer => "not reading fast enough; reconnect and resume with since",
            Self::Silent => "heartbeat timeout; reconnect and resume with since",
            Self::Replaced => "replaced by a newer connection of this client; do not reconnect",
            Self::Restarting => "server restarting; reconnect after a short pause",
            Self::Internal => "internal error; reconnect later",
            Self::ProtocolError => "protocol error; do not reconnect until this is fixed",
            Self::NotText => "only text messages are accepted; do not reconnect until this is fixed",
            Self::NotUtf8 => "text is not valid UTF-8; do not reconnect until this is fixed",
            Self::TooBig => "message too large; reconnect and send smaller messages",
        }
    }

    /// The name in `disconnecting`, log lines and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::InvalidToken => "invalid_token",
            Self::Revoked => "token_revoked",
            Self::TokenExpired => "token_expired",
            Self::NoSubject => "no_subject",
            Self::UserUnknownOrInactive => "user_unknown_or_inactive",
            Self::OriginRefused => "origin_refused",
            Self::NotYours => "not_yours",
            Self::NotFound => "not_found",
            Self::TooManyConnections => "too_many_connections",
            Self::TooFast => "rate_limited",
            Self::TooManyMistakes => "too_many_mistakes",
            Self::ClosedByAdmin => "closed_by_admin",
            Self::SlowConsumer => "slow_consumer",
            Self::Silent => "silent",
            Self::Replaced => "replaced",
            Self::Restarting => "server_restarting",
            Self::Internal => "internal",
            Self::ProtocolError => "protocol_error",
            Self::NotText => "not_text",
            Self::NotUtf8 => "not_utf8",
            Self::TooBig => "too_big",
        }
    }

    /// The reason of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The message of a Socket.IO `connect_error`, or the one sent before a `disconnect`.
    pub(crate) fn socket_io(self) -> &'static str {
        match self {
            Self::NoToken => "authentication required",
            Self::InvalidToken | Self::Revoked | Self::NoSubject => "invalid token",
            Self::TokenExpired => "token expired",
            other => other.text(),
        }
    }

    /// Whether and when reconnecting makes sense.
    pub(crate) fn reconnect(self) -> Reconnect {
        match self {
            Self::NoToken | Self::InvalidToken | Self::Revoked | Self::TokenExpired => {
                Reconnect::WithFreshToken
            }
            Self::NoSubject
            | Self::UserUnknownOrInactive
            | Self::OriginRefused
            | Self::NotYours
            | Self::NotFound
            | Self::TooManyMistakes
            | Self::Replaced
            | Self::ProtocolError
            | Self::NotText
            | Self::NotUtf8 => Reconnect::Never,
            Self::TooManyConnections
            | Self::TooFast
            | Self::ClosedByAdmin
            | Self::Restarting
            | Self::Internal => Reconnect::Later,
            Self::SlowConsumer | Self::Silent | Self::TooBig => Reconnect::Now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINTS: [Endpoint; 5] =
        [Endpoint::Ws, Endpoint::Reflections, Endpoint::Kanban, Endpoint::Simulate, Endpoint::SocketIo];

    #[test]
    fn the_contracted_codes_stand() {
        use CloseReason::*;
        let table = [
            (NoToken, 4001, 1008, 4001),
            (InvalidToken, 4001, 1008, 4002),
            (Revoked, 4001, 1008, 4002),
            (TokenExpired, 4001, 1008, 4003),
            (NoSubject, 4001, 1008, 4002),
            (UserUnknownOrInactive, 4002, 1008, 4000),
            (NotYours, 4003, 1008, 4000),
            (NotFound, 4004, 1008, 4000),
            (TooManyConnections, 4008, 1008, 4000),
            (TooFast, 4008, 1008, 4000),
            (ClosedByAdmin, 4008, 1008, 4000),
            (SlowConsumer, 4009, 1008, 4000),
            (Replaced, 1000, 1000, 1000),
            (Restarting, 1012, 1012, 1012),
            (Internal, 1011, 1011, 1011),
            (ProtocolError, 1002, 1002, 1002),
            (NotText, 1003, 1003, 1003),
            (NotUtf8, 1007, 1007, 1007),
            (TooBig, 1009, 1009, 1009),
        ];
        for (reason, ws, kanban, simulate) in table {
            assert_eq!(reason.on(Endpoint::Ws).code, ws, "{reason:?} on /ws");
            assert_eq!(reason.on(Endpoint::Reflections).code, ws, "{reason:?} on reflections");
            assert_eq!(reason.on(Endpoint::Kanban).code, kanban, "{reason:?} on kanban");
            assert_eq!(reason.on(Endpoint::Simulate).code, simulate, "{reason:?} on simulate");
        }
        assert_eq!(NoSubject.on(Endpoint::Kanban).reason, "Invalid token payload");
        assert_eq!(NoToken.socket_io(), "authentication required");
        assert_eq!(Revoked.socket_io(), "invalid token");
        assert_eq!(TokenExpired.socket_io(), "token expired");
    }

    #[test]
    fn every_reason_fits_a_close_frame_and_says_whether_to_come_back() {
        for reason in CloseReason::ALL {
            for endpoint in ENDPOINTS {
                assert!(reason.on(endpoint).reason.len() <= 123, "{reason:?}");
            }
            let text = reason.text();
            assert!(text.contains("reconnect"), "{text}");
            assert_eq!(text.contains("do not reconnect"), reason.reconnect() == Reconnect::Never, "{text}");
        }
    }

    #[test]
    fn reasons_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> =
            CloseReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), CloseReason::ALL.len());
    }
}
