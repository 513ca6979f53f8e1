//! Handlers of commands: each parses the domain's types, calls one use case, and represents the result.
//!
//! No rule of the marketplace is decided here. The same handlers serve every dialect.

mod acting;
mod answers;
mod board;
mod chat;
mod conversations;
mod ephemeral;
mod following;
mod history;
mod join;
mod masterplans;
mod presence;
mod read;
mod refresh;
mod reflections;
mod refusal;
mod session_context;
mod simulations;
mod whoami;

use crate::domain::policy::Scope;
use crate::events::Envelope;
use crate::protocol::{AckBody, Command, Correlation};

use answers::OfConversation;
use following::Followed;
use masterplans::Writing;
use reflections::OfEntry;

pub(super) use join::{FirstRoom, first_rooms as begin_first_rooms};
pub(super) use reflections::follow as follow_reflection;
pub(crate) use refusal::Refusal;
pub(crate) use session_context::{SessionContext, credentials};

/// What a session follows from now on.
pub(crate) enum Following {
    /// The reflections on an entry.
    Reflections(Followed<OfEntry>),
    /// The answers in a conversation.
    Answers(Followed<OfConversation>),
    /// A masterplan until it is written.
    Masterplan(Writing),
}

impl Following {
    /// Sends the caller every step, until the session leaves the room, the room ends, or the session ends.
    pub(crate) async fn run(self, caller: SessionContext) {
        match self {
            Self::Reflections(followed) => followed.run(caller).await,
            Self::Answers(followed) => followed.run(caller).await,
            Self::Masterplan(writing) => writing.run(caller).await,
        }
    }
}

/// The result of a command that was not refused.
pub(crate) enum Outcome {
    /// Done, without data to return.
    Done,
    /// Done; this is the data to return.
    Answer(AckBody),
    /// Done; this is the data to return, and the event that the command has caused: the session, if it is in its room,
    /// need not wait for the hub to bring it.
    Caused(AckBody, Envelope),
    /// Done, and the handler has sent the answer itself, because other notices had to follow it.
    Answered,
    /// Done; this is the data to return, and what the session follows from now on besides what it follows
    /// already.
    Following(AckBody, Option<Following>),
    /// Done, and the handler has sent the answer itself; this is what the session follows from now on.
    Follows(Option<Following>),
    /// The session continues with this scope's token.
    Refreshed(Scope),
}

/// Runs a command.
pub(crate) async fn run(
    caller: &SessionContext,
    id: Option<&Correlation>,
    command: Command,
) -> Result<Outcome, Refusal> {
    if caller.scope.impersonator().is_some() {
        acting::check(caller, &command).await?;
    }
    match command {
        Command::Join { room, since } => join::join(caller, id, room, since).await,
        Command::JoinChat { conversation, since } => join::join_chat(caller, id, conversation, since).await,
        Command::CreateConversation { title } => conversations::create(caller, title).await,
        Command::RenameConversation { conversation, title, version } => {
            conversations::rename(caller, conversation, &title, version).await
        }
        Command::DeleteConversation { conversation, version } => {
            conversations::delete(caller, conversation, version).await
        }
        Command::Answer { conversation } => answers::answer(caller, conversation).await,
        Command::Masterplan(wanted) => masterplans::write(caller, wanted),
        Command::CancelAnswer { conversation } => answers::cancel(caller, conversation).await,
        Command::Leave { room } => join::leave(caller, &room),
        Command::ChatMessage { room, text, client_msg_id } => {
            chat::send(caller, &room, &text, client_msg_id).await
        }
        Command::Typing { room } => ephemeral::typing(caller, room).await,
        Command::Signal { room, topic, data } => ephemeral::signal(caller, room, topic, data).await,
        Command::Read { room, seq } => read::mark(caller, room, seq).await,
        Command::History { room, before, limit } => history::page(caller, room, before, limit).await,
        Command::Presence { room } => presence::members(caller, &room).await,
        Command::Refresh { token } => refresh::refresh(caller, &token).await,
        Command::Reflect { entry } => reflections::reflect(caller, entry).await,
        Command::Regenerate { entry } => reflections::regenerate(caller, entry).await,
        Command::Cancel { entry } => reflections::cancel(caller, entry).await,
        Command::Run { scenario } => simulations::run(caller, id, scenario.expose()).await,
        Command::CancelSimulation { simulation } => simulations::cancel(caller, simulation).await,
        Command::Board(on_project) => board::run(caller, *on_project).await,
        Command::Whoami => Ok(whoami::answer(caller)),
        // The session answers it itself.
        Command::Ping => Ok(Outcome::Done),
    }
}
