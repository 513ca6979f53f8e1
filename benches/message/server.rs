//! Which server is measured.

use super::Options;
use super::process::Server;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The minimal one.
    Peer,
    Souk,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peer => "by hand, without rights",
            Self::Souk => "souk",
        }
    }

    /// The name of the thread that writes.
    pub(crate) fn writer(self) -> &'static str {
        match self {
            Self::Peer => "writer",
            Self::Souk => "souk-writer",
        }
    }

    pub(crate) fn start(self, database: &str, options: &Options) -> Server {
        match self {
            Self::Peer => Server::baseline(options.core, &["--peer", database]),
            Self::Souk => Server::souk(&options.souk, options.core, database),
        }
    }
}
