//! The marketplace's rules: resources, their states, and who may change them. No actix, no HTTP, no sockets.
//!
//! Each feature has types (`mod.rs`), a transition table (`states.rs`), storage (`repository.rs`), use cases
//! (`service.rs`) and domain events (`events.rs`). Use cases are plain functions on a `UnitOfWork`, called
//! alike by REST, every WebSocket dialect and the tests. Authorization is decided by `policy` alone.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod consumers;
pub mod conversations;
mod due;
pub(crate) mod entries;
pub(crate) mod error;
pub(crate) mod explain;
mod fields;
pub(crate) mod lifecycle;
pub(crate) mod masterplans;
pub mod money;
pub(crate) mod offers;
pub(crate) mod oversight;
pub(crate) mod page;
pub mod place;
pub mod policy;
pub(crate) mod projects;
pub(crate) mod providers;
pub(crate) mod quotas;
pub(crate) mod repeats;
pub mod requests;
pub(crate) mod retention;
pub mod sessions;
pub(crate) mod simulations;
pub(crate) mod slot;
pub(crate) mod text;
pub mod users;
pub(crate) mod verify;

pub(crate) use due::Due;
pub use error::Error;
pub(crate) use error::FieldError;
pub(crate) use fields::Fields;
pub(crate) use page::{Page, Slice};

crate::db::text_enum! {
    /// Kinds of rows and resources, as named in errors, audit rows and documentation.
    pub enum Kind {
        /// A user account.
        User = "user",
        /// A login of a user.
        Login = "login",
        /// A provider's profile and catalogue.
        Provider = "provider",
        /// A service in a provider's catalogue.
        Service = "service",
        /// An offer template in a provider's catalogue.
        Template = "template",
        /// A photo in a provider's portfolio.
        Photo = "photo",
        /// A consumer's profile.
        Consumer = "consumer",
        /// A request for work.
        Request = "request",
        /// An offer on a request.
        Offer = "offer",
        /// A booking.
        Booking = "booking",
        /// A chat session.
        Session = "session",
        /// A kanban project.
        Project = "project",
        /// A member of a project.
        Member = "member",
        /// A task of a project.
        Task = "task",
        /// A column of a project's board.
        Column = "column",
        /// A comment on a task.
        Comment = "comment",
        /// An invitation to a project.
        Invitation = "invitation",
        /// A conversation with the assistant.
        Conversation = "conversation",
        /// A message in a conversation with the assistant.
        Message = "message",
        /// A plan of work, drafted in a conversation.
        Masterplan = "masterplan",
        /// A journal entry.
        Entry = "entry",
        /// A reflection on a journal entry.
        Reflection = "reflection",
        /// A simulation run.
        Simulation = "simulation",
        /// A room of live events.
        Room = "room",
        /// A live connection.
        Connection = "connection",
        /// An access or refresh token.
        Token = "token",
        /// What a server runs with.
        Setting = "setting",
        /// The audit trail.
        Audit = "audit trail",
    }
}
