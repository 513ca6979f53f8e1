//! Answers of the assistant: in each conversation one is written at a time, in the order in which the messages
//! came, however many sessions follow them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::db::Db;
use crate::domain::Error;
use crate::domain::conversations;
use crate::domain::conversations::messages::{
    self, Asked, Author, ContextBudget, ConversationMessage, NewAnswer,
};
use crate::domain::policy::Scope;
use crate::domain::quotas::DailyLimits;
use crate::generation::{self, Prompt, Turn};
use crate::ids::{ConversationId, MessageId, Seq};

use super::texts::Texts;
use super::writer::{Writer, describe};
use super::writing::{Attempt, Failure, Follower};

/// Most bytes of an answer.
const MAX_BYTES: usize = 16 * 1024;

/// How many messages of one conversation may wait for their answers.
const WAITING: usize = 16;

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
    lines: Mutex<HashMap<ConversationId, Line>>,
}

/// The answers of one conversation that are ordered.
#[derive(Default)]
struct Line {
    /// The one that is being written, or is about to be.
    current: Option<MessageId>,
    waiting: VecDeque<Order>,
}

/// An answer to write.
struct Order {
    scope: Scope,
    answer: Answer,
    per_user: usize,
    unfollowed: Unfollowed,
}

impl Line {
    fn has(&self, id: MessageId) -> bool {
        self.current == Some(id) || self.waiting.iter().any(|order| order.answer.id == id)
    }
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

    /// Refuses a message whose answer could not be ordered.
    ///
    /// # Errors
    /// If too many wait already.
    pub(crate) fn check_line(&self, conversation: ConversationId) -> Result<(), Error> {
        let is_full =
            lock(&self.0.lines).get(&conversation).is_some_and(|line| line.waiting.len() >= WAITING);
        if is_full { Err(messages::too_many_waiting()) } else { Ok(()) }
    }

    /// Has a message answered that was sent, after those that are ordered already, of which this user may have
    /// `per_user` written at once. For a repeated message nothing is done unless its answer was neither stored
    /// nor ever ordered here: a server that was killed may have left it so.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn order(
        &self,
        scope: &Scope,
        conversation: ConversationId,
        asked: &Asked,
        per_user: usize,
        unfollowed: Unfollowed,
    ) -> Result<(), Error> {
        if asked.repeated {
            let id = asked.answer;
            let is_stored = self.0.db.read(move |uow| messages::is_stored(uow, conversation, id));
            if self.status(conversation, id).is_some() || is_stored.await? {
                return Ok(());
            }
        }
        let order = Order { scope: scope.clone(), answer: Answer::to(asked), per_user, unfollowed };
        self.push(conversation, order);
        Ok(())
    }

    /// Has the newest message answered that has no answer: after a failure, a cancellation, or a restart.
    ///
    /// # Errors
    /// If the caller does not own the conversation, all messages are answered, it is being answered, or the
    /// day's quota is used up.
    pub(crate) async fn answer(
        &self,
        scope: &Scope,
        conversation: ConversationId,
        per_user: usize,
        limits: DailyLimits,
    ) -> Result<Answer, Error> {
        let of_caller = scope.clone();
        let newest = self
            .0
            .db
            .read(move |uow| messages::newest_unanswered(uow, &of_caller, conversation, &limits))
            .await?;
        let asked = newest.ok_or_else(messages::nothing_to_answer)?;
        let (answer, unfollowed) = (Answer::to(&asked), Unfollowed::GivenUp);
        if !self.push(conversation, Order { scope: scope.clone(), answer, per_user, unfollowed }) {
            return Err(messages::already_answering());
        }
        Ok(answer)
    }

    /// Has a message answered after those that are ordered already, whatever came of it before. Does nothing if
    /// it is ordered. The caller must have been authorized for the conversation.
    pub(crate) fn answer_again(
        &self,
        scope: &Scope,
        conversation: ConversationId,
        asked: &Asked,
        per_user: usize,
    ) {
        let (scope, answer, unfollowed) = (scope.clone(), Answer::to(asked), Unfollowed::GoesOn);
        self.push(conversation, Order { scope, answer, per_user, unfollowed });
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
        if let Some(line) = lock(&self.0.lines).get_mut(&conversation) {
            line.waiting.clear();
        }
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
        if lock(&self.0.lines).get(&conversation).is_some_and(|line| line.has(id)) {
            return Some(AnswerStatus::Running(String::new(), None));
        }
        self.0.texts.failure(conversation, |failed| failed.id == id).map(AnswerStatus::Failed)
    }

    /// Puts an order into its conversation's line, with a task that works on it; `false` if it is there.
    fn push(&self, conversation: ConversationId, order: Order) -> bool {
        let mut lines = lock(&self.0.lines);
        let is_idle = !lines.contains_key(&conversation);
        let line = lines.entry(conversation).or_default();
        if line.has(order.answer.id) {
            return false;
        }
        if line.waiting.len() >= WAITING {
            drop(lines);
            self.0.texts.remember(conversation, order.answer, Failure::LINE_FULL);
            return true;
        }
        line.waiting.push_back(order);
        drop(lines);
        if is_idle {
            let of = self.clone();
            tokio::spawn(async move { of.work(conversation).await });
        }
        true
    }

    /// Writes the conversation's answers until none is ordered.
    async fn work(self, conversation: ConversationId) {
        let writing = self.0.texts.writing(conversation);
        while let Some(order) = self.next_order(conversation) {
            let attempt = loop {
                match writing.begin() {
                    Some(attempt) => break attempt,
                    None => writing.idle().await,
                }
            };
            if order.unfollowed == Unfollowed::GoesOn {
                attempt.detach();
            }
            attempt.start(order.answer);
            let job = Job { of: self.clone(), conversation, order };
            // A task of its own, so that the line goes on even if it panics.
            let _ = tokio::spawn(async move { job.run(attempt).await }).await;
        }
    }

    fn next_order(&self, conversation: ConversationId) -> Option<Order> {
        let mut lines = lock(&self.0.lines);
        let line = lines.get_mut(&conversation)?;
        let next = line.waiting.pop_front();
        line.current = next.as_ref().map(|order| order.answer.id);
        if next.is_none() {
            lines.remove(&conversation);
        }
        next
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One attempt to answer a message.
struct Job {
    of: Answers,
    conversation: ConversationId,
    order: Order,
}

impl Job {
    async fn run(self, attempt: Attempt<Answer>) {
        match self.outcome(&attempt).await {
            Ok(answer) => attempt.done_as(answer),
            Err(failure) => {
                self.of.0.texts.remember(self.conversation, self.order.answer, failure.clone());
                attempt.failed(failure);
            }
        }
    }

    async fn outcome(&self, attempt: &Attempt<Answer>) -> Result<Answer, Failure> {
        tokio::select! {
            biased;
            stopped = attempt.stopped(self.of.0.grace) => return Err(stopped),
            written = self.write(attempt) => written?,
        }
        // Not interrupted from here on: what is committed is told to the followers.
        attempt.store()?;
        let stored = self.store(attempt.text()).await.map_err(|error| self.failure(&error))?;
        Ok(Answer { seq: Some(stored.seq), ..self.order.answer })
    }

    async fn write(&self, attempt: &Attempt<Answer>) -> Result<(), Failure> {
        let (scope, asked, conversation) =
            (self.order.scope.clone(), self.order.answer.answers_to, self.conversation);
        let budget = self.of.0.budget;
        let read =
            self.of.0.db.read(move |uow| messages::question(uow, &scope, conversation, asked, budget)).await;
        let history = read.map_err(|error| self.failure(&error))?.into_iter().map(turn).collect();
        let Order { scope, per_user, .. } = &self.order;
        let prompt = Prompt::Answer { history };
        let written = self.of.0.writer.write(attempt, scope.user(), *per_user, prompt, MAX_BYTES).await;
        written.map_err(|error| {
            log::info!(
                target: "souk::jobs", conversation_id:% = conversation, message_id:% = asked,
                user_id:% = scope.user(), request_id:% = scope.call();
                "no answer was written: {}", describe(&error)
            );
            Failure::from(&error)
        })
    }

    async fn store(&self, text: String) -> Result<ConversationMessage, Error> {
        let scope = self.order.scope.clone();
        let new = NewAnswer {
            conversation: self.conversation,
            answers_to: self.order.answer.answers_to,
            generator: self.of.0.writer.name(),
            text,
        };
        self.of.0.db.write(move |uow| messages::store_answer(uow, &scope, &new)).await
    }

    /// The failure for an error of the domain.
    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::NotFound(_) => Failure::CONVERSATION_DELETED,
            Error::Forbidden { .. } => Failure::FORBIDDEN,
            Error::Taken { .. } => Failure::ANSWERED,
            error => {
                log::error!(
                    target: "souk::jobs", conversation_id:% = self.conversation,
                    message_id:% = self.order.answer.answers_to, request_id:% = self.order.scope.call();
                    "an answer could not be stored or its question read: {error}"
                );
                Failure::INTERNAL
            }
        }
    }
}

impl Failure {
    const LINE_FULL: Self = Self::new("generator_busy", "too many messages wait for answers; ask again");
    const FORBIDDEN: Self =
        Self::new("forbidden", "you were suspended or signed out while it was being written");
    const ANSWERED: Self = Self::new("already_answered", "the message was answered by another server");
}

fn turn(message: ConversationMessage) -> Turn {
    let author = match message.author {
        Author::User => generation::Author::User,
        Author::Assistant => generation::Author::Assistant,
    };
    Turn { author, text: message.text }
}
