//! Answers of the assistant: in each conversation one is written at a time, in the order in which the messages
//! came, however many sessions follow them.

mod job;
mod line;

use std::sync::Arc;
use std::time::Duration;

use crate::db::Db;
use crate::domain::Error;
use crate::domain::conversations;
use crate::domain::conversations::messages::{self, Asked, ContextBudget};
use crate::domain::policy::Scope;
use crate::domain::quotas::DailyLimits;
use crate::ids::{ConversationId, MessageId, Seq};

use super::texts::Texts;
use super::writer::Writer;
use super::writing::{Failure, Follower};
use job::Job;
use line::{Lines, Order, Pushed};

pub(crate) use line::Place;

/// An answer: what its followers know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its id, which it has before it is stored.
    pub(crate) id: MessageId,
    /// The message that it answers.
    pub(crate) answers_to: MessageId,
    /// Its position in the conversation's room, once it is stored.
    pub(crate) seq: Option<Seq>,
}

impl Answer {
    fn to(asked: &Asked) -> Self {
        Self { id: asked.answer, answers_to: asked.id, seq: None }
    }
}

/// What a client that does not follow a conversation may ask of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnswerStatus {
    /// It is being written: the text so far, and the place in line while it waits for other users' texts. It
    /// has neither while it waits for an earlier answer of its conversation.
    Running(String, Option<usize>),
    /// It has failed, and nothing was stored.
    Failed(Failure),
}

/// Whether an answer goes on when nobody follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfollowed {
    /// It is given up after a while: a live session asked, which would follow it.
    GivenUp,
    /// It goes on: the client will come for it.
    GoesOn,
}

/// On what terms an answer is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How many texts the user may have written at once.
    pub(crate) per_user: usize,
    /// What the user's plan allows a day.
    pub(crate) limits: DailyLimits,
    /// Whether it goes on without followers.
    pub(crate) unfollowed: Unfollowed,
}

/// All answers that are being written, wait or are followed on this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Answers(Arc<Inner>);

struct Inner {
    db: Db,
    writer: Writer,
    grace: Duration,
    budget: ContextBudget,
    texts: Texts<ConversationId, Answer>,
    /// The conversations in which answers are written, each by one task.
    lines: Lines,
}

impl Answers {
    /// `grace` is how long an answer that nobody follows any more goes on; `budget` how much of a conversation
    /// the generator is given.
    pub(crate) fn new(db: Db, writer: Writer, grace: Duration, budget: ContextBudget) -> Self {
        let (texts, lines) = Default::default();
        Self(Arc::new(Inner { db, writer, grace, budget, texts, lines }))
    }

    /// Follows the answers in a conversation from now on, the one that is being written from its beginning. The
    /// caller must have been authorized for the conversation.
    pub(crate) fn follow(&self, conversation: ConversationId) -> Follower<Answer> {
        self.0.texts.writing(conversation).follow_on()
    }

    /// A place in a conversation's line, to be taken before a message is stored there.
    pub(crate) fn place(&self, conversation: ConversationId) -> Place {
        self.0.lines.place(conversation)
    }

    /// Has a message answered that was sent, after those that are ordered already. For a repeated message
    /// nothing is begun unless its answer was neither stored nor ever ordered here: a server that was killed may
    /// have left it so.
    ///
    /// # Errors
    /// If the database fails, or if too many wait and the place was not taken.
    pub(crate) async fn order(
        &self,
        scope: &Scope,
        asked: &Asked,
        terms: Terms,
        place: &Place,
    ) -> Result<(), Error> {
        if asked.repeated {
            let (conversation, id) = (place.conversation(), asked.answer);
            if self.keep(conversation, id, terms.unfollowed) {
                return Ok(());
            }
            let is_stored = self.0.db.read(move |uow| messages::is_stored(uow, conversation, id));
            if self.status(conversation, id).is_some() || is_stored.await? {
                return Ok(());
            }
        }
        self.answer_again(scope, asked, terms, place)
    }

    /// Has the newest message answered that has no answer: after a failure, a cancellation, or a restart.
    ///
    /// # Errors
    /// If the caller does not own the conversation, all messages are answered, it is being answered, too many
    /// wait, or the day's quota is used up.
    pub(crate) async fn answer(
        &self,
        scope: &Scope,
        conversation: ConversationId,
        terms: Terms,
    ) -> Result<Answer, Error> {
        let (of_caller, limits) = (scope.clone(), terms.limits);
        let newest = self
            .0
            .db
            .read(move |uow| messages::newest_unanswered(uow, &of_caller, conversation, &limits))
            .await?;
        let answer = Answer::to(&newest.ok_or_else(messages::nothing_to_answer)?);
        match self.push(&self.place(conversation), Order { scope: scope.clone(), answer, terms }) {
            Pushed::Ordered { .. } => Ok(answer),
            Pushed::AlreadyThere => Err(messages::already_answering()),
            Pushed::Full => Err(messages::too_many_waiting()),
        }
    }

    /// Has a message answered after those that are ordered already, whatever came of it before. One that is
    /// ordered goes on without followers from now on, if the terms say so. The caller must have been authorized
    /// for the conversation.
    ///
    /// # Errors
    /// If too many wait and the place was not taken.
    pub(crate) fn answer_again(
        &self,
        scope: &Scope,
        asked: &Asked,
        terms: Terms,
        place: &Place,
    ) -> Result<(), Error> {
        let order = Order { scope: scope.clone(), answer: Answer::to(asked), terms };
        match self.push(place, order) {
            Pushed::Ordered { .. } | Pushed::AlreadyThere => Ok(()),
            Pushed::Full => Err(messages::too_many_waiting()),
        }
    }

    /// Cancels the answer that is being written in a conversation; those that wait are written.
    ///
    /// # Errors
    /// If the caller does not own the conversation, or none is being written.
    pub(crate) async fn cancel(&self, scope: &Scope, conversation: ConversationId) -> Result<(), Error> {
        let scope = scope.clone();
        self.0.db.read(move |uow| conversations::find(uow, &scope, conversation).map(drop)).await?;
        let writing = self.0.texts.known(conversation);
        match writing.is_some_and(|writing| writing.cancel(Failure::CANCELLED)) {
            true => Ok(()),
            false => Err(messages::not_answering()),
        }
    }

    /// Ends what is being written and what waits in a conversation that was deleted, and lets its followers go.
    pub(crate) fn conversation_deleted(&self, conversation: ConversationId) {
        self.0.lines.clear(conversation);
        let Some(writing) = self.0.texts.known(conversation) else { return };
        if !writing.cancel(Failure::CONVERSATION_DELETED)
            && let Some(attempt) = writing.begin()
        {
            attempt.failed(Failure::CONVERSATION_DELETED);
        }
    }

    /// How an answer stands that is not stored; `None` if this process does not know it. The caller must have
    /// been authorized for the conversation.
    pub(crate) fn status(&self, conversation: ConversationId, id: MessageId) -> Option<AnswerStatus> {
        let progress = self.0.texts.progress(conversation);
        if let Some((_, text, place)) = progress.filter(|(answer, ..)| answer.id == id) {
            return Some(AnswerStatus::Running(text, place));
        }
        if self.0.lines.has(conversation, id) {
            return Some(AnswerStatus::Running(String::new(), None));
        }
        self.0.texts.failure(conversation, |failed| failed.id == id).map(AnswerStatus::Failed)
    }

    /// Puts an order into its conversation's line, with a task that works on it.
    fn push(&self, place: &Place, order: Order) -> Pushed {
        let (conversation, id, unfollowed) = (place.conversation(), order.answer.id, order.terms.unfollowed);
        let pushed = self.0.lines.push(place, order);
        match pushed {
            Pushed::Ordered { is_first: true } => {
                let of = self.clone();
                tokio::spawn(async move { of.work(conversation).await });
            }
            Pushed::Ordered { is_first: false } | Pushed::Full => {}
            Pushed::AlreadyThere => {
                self.keep(conversation, id, unfollowed);
            }
        }
        pushed
    }

    /// Has an ordered answer go on without followers, if that is asked for; `false` if it is not ordered.
    fn keep(&self, conversation: ConversationId, id: MessageId, unfollowed: Unfollowed) -> bool {
        let is_ordered = self.0.lines.keep(conversation, id, unfollowed);
        if unfollowed == Unfollowed::GoesOn
            && self.0.lines.is_current(conversation, id)
            && let Some(writing) = self.0.texts.known(conversation)
        {
            writing.detach();
        }
        is_ordered
    }

    /// Writes the conversation's answers until none is ordered.
    async fn work(self, conversation: ConversationId) {
        let writing = self.0.texts.writing(conversation);
        while let Some(order) = self.0.lines.next(conversation) {
            let attempt = loop {
                match writing.begin() {
                    Some(attempt) => break attempt,
                    None => writing.idle().await,
                }
            };
            // Looked up now: it may have been asked for once more since it was taken from the line.
            if self.0.lines.current_goes_on(conversation) {
                attempt.detach();
            }
            attempt.start(order.answer);
            let job = Job { of: self.clone(), conversation, order };
            // A task of its own, so that the line goes on even if it panics.
            let _ = tokio::spawn(async move { job.run(attempt).await }).await;
        }
    }
}
