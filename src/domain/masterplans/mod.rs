//! Masterplans: plans of work, drafted from what a user writes in a conversation. A draft changes nothing;
//! applied to a project, its tasks come onto the board, once.
//!
//! They belong to their conversation: only its owner sees them, and they are deleted with it.

mod events;
mod plan;
mod repository;
mod service;

pub(crate) use events::{MasterplanApplied, MasterplanCreated};
pub(crate) use plan::{Phase, Plan, Summary};
pub(crate) use service::{Draft, Order, Wanted, apply, authorize, create, find, list};

use std::fmt;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{Category, ConversationId, MasterplanId, ProjectId, RequestId, UserId};

/// What is to be done, in a line.
pub(crate) type MasterplanTitle = SingleLine<120>;

/// What is to be done, at length.
pub(crate) type MasterplanText = MultiLine<4000>;

/// A masterplan.
#[derive(Clone)]
pub(crate) struct Masterplan {
    /// Primary key.
    pub(crate) id: MasterplanId,
    /// The conversation it was drafted in.
    pub(crate) conversation_id: ConversationId,
    /// The owner of that conversation.
    pub(crate) user_id: UserId,
    /// The request for work that it is about, if it is about one.
    pub(crate) request_id: Option<RequestId>,
    /// What is to be done, in a line.
    pub(crate) title: MasterplanTitle,
    /// The category of the work, if it is known.
    pub(crate) category: Option<Category>,
    /// The name of the generator that wrote it.
    pub(crate) generator: String,
    /// The plan itself.
    pub(crate) plan: Plan,
    /// The project to whose board it was applied, if it was.
    pub(crate) project_id: Option<ProjectId>,
    /// When it was applied, if it was.
    pub(crate) applied_at: Option<Timestamp>,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

/// By hand, without title and plan: what is planned in a conversation must not reach the logs.
impl fmt::Debug for Masterplan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masterplan({})", self.id)
    }
}

impl Resource for Masterplan {
    const KIND: Kind = Kind::Masterplan;
    /// As private as the conversation.
    const ADMIN_PASSES: bool = false;
    const IS_PRIVATE: bool = true;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Masterplan, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Masterplan, "create", Need::Owner);
const APPLY: Right = Right::change(Kind::Masterplan, "apply", Need::Owner);

impl Rights for Masterplan {
    const RIGHTS: &'static [Right] = &[READ, CREATE, APPLY];
}
