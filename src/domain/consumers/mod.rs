//! Consumers: the buying side of users who post requests. A consumer's profile is for its owner alone; whom they deal
//! with learns their name from the session or booking that the two share.

mod events;
mod repository;
mod service;

pub use events::ConsumerUpdated;
pub use repository::id_of;
pub use service::{ProfileChanges, edit, find};

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::place::Place;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConsumerId, UserId};

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its id.
    pub id: ConsumerId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner writes.
    pub profile: Profile,
    /// What If-Match is compared with.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a consumer is called.
pub type DisplayName = SingleLine<80>;

/// The part of a consumer that its owner writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What they are called.
    pub display_name: DisplayName,
    /// Where their requests are, unless a request says otherwise.
    pub place: Place,
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
