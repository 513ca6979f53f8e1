//! A caller's standing towards a row, and the standing that an action needs.

use std::fmt;

crate::db::text_enum! {
    /// A member's role in a project. Each includes the ones before it.
    pub enum ProjectRole {
        /// May read.
        Viewer = "viewer",
        /// May change tasks.
        Editor = "editor",
        /// May change members.
        Owner = "owner",
    }
}

/// The two sides of a request, an offer or a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Asked for the work.
    Consumer,
    /// Does the work.
    Provider,
}

/// A caller's relation to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Owns it.
    Owner,
    /// Is one of its two sides.
    Party(Side),
    /// Is a member of it.
    Member(ProjectRole),
    /// It is readable for every signed-in user.
    Public,
    /// No relation.
    Stranger,
}

/// The relation in words, after "the user is".
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Owner => "its owner",
            Standing::Party(Side::Consumer) => "its consumer",
            Standing::Party(Side::Provider) => "its provider",
            Standing::Member(ProjectRole::Viewer) => "a viewer of it",
            Standing::Member(ProjectRole::Editor) => "an editor of it",
            Standing::Member(ProjectRole::Owner) => "an owner of it",
            Standing::Public => "somebody it is shown to",
            Standing::Stranger => "none of those it concerns",
        })
    }
}

/// The standing that an action requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its owner.
    Owner,
    /// The consumer's side.
    Consumer,
    /// The provider's side.
    Provider,
    /// The owner or either side.
    Party,
    /// A member of at least this role.
    Member(ProjectRole),
    /// Anyone to whom it is public.
    Public,
    /// An admin.
    Admin,
    /// No caller: only the sweeper or another use case.
    System,
}

impl Need {
    /// Whether a caller of this standing is allowed.
    pub(crate) fn is_met_by(self, standing: Standing) -> bool {
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
