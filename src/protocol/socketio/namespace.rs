//! The namespaces of `/socket.io/`.

/// The namespace of a session; its packets carry the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// `/`, for all users.
    Main,
    /// `/admin`, for admins, who join the admins' room automatically.
    Admin,
}

impl Namespace {
    /// The namespace of this name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "/" => Some(Self::Main),
            "/admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The name in packets.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "/",
            Self::Admin => "/admin",
        }
    }
}
