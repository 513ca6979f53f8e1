//! Handlers of commands: each parses the domain's types, calls one use case, and represents the result.
//!
//! No rule of the marketplace is decided here. The same handlers serve every dialect.

mod board;
mod caller;
mod chat;
mod history;
mod join;
mod presence;
mod read;
mod refresh;
mod reflections;
mod refusal;
mod simulations;
mod typing;
mod whoami;

use crate::domain::policy::Scope;
use crate::protocol::{AckBody, Command, Correlation};

pub(crate) use caller::{Caller, credentials};
pub(super) use join::first_rooms as join_first_rooms;
pub(super) use reflections::{Following, follow as follow_reflection};
pub(crate) use refusal::Refusal;

/// The result of a command that was not refused.
pub(crate) enum Outcome {
    /// Done, without data to return.
    Done,
    /// Done; this is the data to return.
    Answer(AckBody),
    /// Done, and the handler has sent the answer itself, because other notices had to follow it.
    Answered,
    /// Done; this is the data to return, and what the session follows from now on besides what it follows
    /// already.
    Following(AckBody, Option<Following>),
    /// The session continues with this scope's token.
    Refreshed(Scope),
}

/// Runs a command.
pub(crate) async fn run(
    caller: &Caller,
    id: Option<&Correlation>,
    command: Command,
) -> Result<Outcome, Refusal> {
    match command {
        Command::Join { room, since } => join::join(caller, id, room, since).await,
        Command::JoinChat { conversation, since } => join::join_chat(caller, id, conversation, since).await,
        Command::Leave { room } => join::leave(caller, &room),
        Command::ChatMessage { room, text, client_msg_id } => {
            chat::send(caller, &room, &text, client_msg_id).await
        }
        Command::Typing { room } => typing::typing(caller, room),
        Command::Read { room, seq } => read::mark(caller, room, seq).await,
        Command::History { room, before, limit } => history::page(caller, room, before, limit).await,
        Command::Presence { room } => presence::members(caller, &room).await,
        Command::Refresh { token } => refresh::refresh(caller, &token).await,
        Command::Reflect { entry } => reflections::reflect(caller, entry).await,
        Command::Regenerate { entry } => reflections::regenerate(caller, entry).await,
        Command::Cancel { entry } => reflections::cancel(caller, entry).await,
        Command::Run(wanted) => simulations::run(caller, id, wanted).await,
        Command::CancelSimulation { simulation } => simulations::cancel(caller, simulation).await,
        Command::Board(on_project) => board::run(caller, *on_project).await,
        Command::Whoami => Ok(whoami::answer(caller)),
        // The session answers it itself.
        Command::Ping => Ok(Outcome::Done),
    }
}
