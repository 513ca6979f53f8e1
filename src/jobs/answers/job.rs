//! One attempt to answer a message.

use crate::domain::Error;
use crate::domain::conversations::messages::{self, Author, ConversationMessage, NewAnswer};
use crate::domain::quotas;
use crate::generation::{self, GenerationError, Prompt, Turn};
use crate::ids::ConversationId;

use super::line::Order;
use super::{Answer, Answers};
use crate::jobs::writer::describe;
use crate::jobs::writing::{Attempt, Failure};

/// Most bytes of an answer.
const MAX_BYTES: usize = 16 * 1024;

/// One attempt to answer a message.
pub(super) struct Job {
    pub(super) of: Answers,
    pub(super) conversation: ConversationId,
    pub(super) order: Order,
}

impl Job {
    /// Tells the followers how it goes.
    pub(super) async fn run(self, attempt: Attempt<Answer>) {
        match self.outcome(&attempt).await {
            Ok(answer) => attempt.done_as(answer),
            Err(failure) => {
                self.charge(attempt.text()).await;
                let (user, answer) = (self.order.scope.user(), self.order.answer);
                self.of.0.texts.remember(self.conversation, user, answer, failure.clone());
                // First, so that whoever is told of the failure may ask again at once.
                self.of.0.lines.ended(self.conversation);
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

    /// Waits for its turn, and has it written. What the caller may still have is looked at when it begins: much
    /// may have changed while it waited.
    async fn write(&self, attempt: &Attempt<Answer>) -> Result<(), Failure> {
        let (user, writer) = (self.order.scope.user(), &self.of.0.writer);
        let turn = writer.turn(attempt, user, self.order.terms.per_user).await;
        let turn = turn.map_err(|error| self.unwritten(&error))?;
        let prompt = self.prompt().await.map_err(|error| self.failure(&error))?;
        let written = writer.write(attempt, turn, prompt, MAX_BYTES).await;
        written.map_err(|error| self.unwritten(&error))
    }

    async fn prompt(&self) -> Result<Prompt, Error> {
        let (scope, asked) = (self.order.scope.clone(), self.order.answer.answers_to);
        let (conversation, budget, limits) = (self.conversation, self.of.0.budget, self.order.terms.limits);
        let read = self
            .of
            .0
            .db
            .read(move |uow| messages::question(uow, &scope, conversation, asked, budget, &limits));
        Ok(Prompt::Answer { history: read.await?.into_iter().map(turn).collect() })
    }

    fn unwritten(&self, error: &GenerationError) -> Failure {
        log::info!(
            target: "souk::jobs", conversation_id:% = self.conversation,
            message_id:% = self.order.answer.answers_to, user_id:% = self.order.scope.user(),
            request_id:% = self.order.scope.call();
            "no answer was written: {}", describe(error)
        );
        Failure::from(error)
    }

    /// Counts what was written for nothing: else whoever cancels before the end reads without a limit.
    async fn charge(&self, text: String) {
        if text.is_empty() {
            return;
        }
        let user = self.order.scope.user();
        let counted = self.of.0.db.write(move |uow| quotas::add_characters(uow, user, text.chars().count()));
        if let Err(error) = counted.await {
            log::error!(
                target: "souk::jobs", conversation_id:% = self.conversation, user_id:% = user,
                request_id:% = self.order.scope.call();
                "generated characters could not be counted: {error}"
            );
        }
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
            Error::QuotaExceeded { retry_after, .. } => {
                Failure { retry_after: Some(*retry_after), ..Failure::QUOTA_EXCEEDED }
            }
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
    const QUOTA_EXCEEDED: Self =
        Self::new("quota_exceeded", "the generated characters of your plan are used up for today");
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
