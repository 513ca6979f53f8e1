//! The namespaces that are there.

/// Where a session lives; each hears its events under this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// `/`, for everybody.
    Main,
    /// `/admin`, for admins, who hear the admins' room there by themselves.
    Admin,
}

impl Namespace {
    /// The namespace of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "/" => Some(Self::Main),
            "/admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "/",
            Self::Admin => "/admin",
        }
    }
}
