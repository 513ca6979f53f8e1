//! Consumers: the profile of users who post requests. Only its owner and admins may read it; the other party
//! of a session or booking learns the name from there.

mod events;
mod repository;
mod service;

pub(crate) use events::ConsumerUpdated;
pub(crate) use repository::id_of;
pub(crate) use service::{ProfileChanges, edit, find};

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::place::Place;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConsumerId, UserId};

/// A consumer profile.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    /// Primary key.
    pub(crate) id: ConsumerId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// The part that its owner edits.
    pub(crate) profile: Profile,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

/// A consumer's name, as the other party sees it.
pub(crate) type DisplayName = SingleLine<80>;

/// The part of a consumer that its owner edits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    /// Name, as the other party sees it.
    pub(crate) display_name: DisplayName,
    /// Default place of their requests.
    pub(crate) place: Place,
}

impl Resource for Consumer {
    const KIND: Kind = Kind::Consumer;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Consumer, "read", Need::Owner);
const EDIT: Right = Right::change(Kind::Consumer, "edit", Need::Owner);

impl Rights for Consumer {
    const RIGHTS: &'static [Right] = &[READ, EDIT];
}
