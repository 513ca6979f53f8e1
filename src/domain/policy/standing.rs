//! What a caller is towards a row, and what an action asks for.

use std::fmt;

crate::db::text_enum! {
    /// What a member may do on a project. Each includes the ones before it.
    pub enum ProjectRole {
        /// Looks.
        Viewer = "viewer",
        /// Changes tasks.
        Editor = "editor",
        /// Changes members.
        Owner = "owner",
    }
}

/// The two sides of a request, an offer, a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who asked for the work.
    Consumer,
    /// Who does it.
    Provider,
}

/// What a caller is towards a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is theirs.
    Owner,
    /// They are one of its two sides.
    Party(Side),
    /// They are a member.
    Member(ProjectRole),
    /// It is there for them to see.
    Public,
    /// Nothing.
    Stranger,
}

/// The standing that an action asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its owner.
    Owner,
    /// Its consumer's side.
    Consumer,
    /// Its provider's side.
    Provider,
    /// Its owner or either side.
    Party,
    /// A member of at least this role.
    Member(ProjectRole),
    /// Anyone it is there for.
    Public,
    /// An admin.
    Admin,
    /// Nobody who could ask: time, or another use case.
    System,
}

impl Need {
    /// Whether a caller of this standing may.
    pub fn is_met_by(self, standing: Standing) -> bool {
        match (self, standing) {
            (Need::Admin | Need::System, _) => false,
            (Need::Public, Standing::Stranger) => false,
            (Need::Public, _) => true,
            (Need::Owner | Need::Party, Standing::Owner) => true,
            (Need::Party, Standing::Party(_)) => true,
            (Need::Consumer, Standing::Party(Side::Consumer)) => true,
            (Need::Provider, Standing::Party(Side::Provider)) => true,
            (Need::Member(needed), Standing::Member(role)) => role >= needed,
            _ => false,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::Owner => "its owner",
            Need::Consumer => "its consumer",
            Need::Provider => "its provider",
            Need::Party => "one of its parties",
            Need::Member(ProjectRole::Viewer) => "a member",
            Need::Member(ProjectRole::Editor) => "an editor",
            Need::Member(ProjectRole::Owner) => "an owner",
            Need::Public => "somebody it is shown to",
            Need::Admin => "an admin",
            Need::System => "the system itself",
        })
    }
}
