//! Conversations with the assistant: messages to it, `answer`, and `cancel` with a `conversation_id`.

use crate::domain::conversations::messages::{self, SendToAssistant};
use crate::domain::quotas::{DailyLimits, Usage};
use crate::domain::sessions::{ClientMsgId, MessageText};
use crate::ids::{ConversationId, Room};
use crate::jobs::{Answer, Failure, Step, Terms, Unfollowed};
use crate::protocol::{AckBody, AnswerIds, Notice, QuotaWarning, TextFailure};

use super::following::{Followed, Told};
use super::{Following, Outcome, Refusal, SessionContext};

/// Sends a message to the assistant, and has it answered. Answered itself only once it is committed; a retry
/// with the same `client_msg_id` gets the same answer and begins no second one. The session follows the
/// answers in the conversation from now on.
pub(super) async fn send(
    caller: &SessionContext,
    conversation: ConversationId,
    text: MessageText,
    client_msg_id: ClientMsgId,
) -> Result<Outcome, Refusal> {
    let app = caller.gateway.app();
    let name = client_msg_id.as_str().to_owned();
    let (scope, command) = (caller.scope.clone(), SendToAssistant { conversation, client_msg_id, text });
    let plan = caller.scope.plan();
    let (terms, place) = (terms(caller), app.answers.place(conversation));
    let (limits, taken) = (terms.limits, place.clone());
    let asked =
        caller.db().write(move |uow| messages::send(uow, &scope, &command, &limits, || taken.take())).await;
    let asked = asked.inspect_err(|error| app.count_quota_refusal(plan, error))?;
    let following = follow(caller, conversation);
    app.answers.order(&caller.scope, &asked, terms, &place).await?;
    let answer = AckBody::Sent {
        seq: asked.seq,
        message_id: asked.id,
        client_msg_id: name,
        at: asked.at,
        answer_id: Some(asked.answer),
        quota_warning: asked.usage.and_then(|usage| warning(&usage, &limits)),
    };
    Ok(Outcome::Following(answer, following))
}

/// Has the newest message answered that has no answer.
pub(super) async fn answer(
    caller: &SessionContext,
    conversation: ConversationId,
) -> Result<Outcome, Refusal> {
    let app = caller.gateway.app();
    let plan = caller.scope.plan();
    let ordered = app.answers.answer(&caller.scope, conversation, terms(caller)).await;
    let ordered = ordered.inspect_err(|error| app.count_quota_refusal(plan, error))?;
    let answer = AckBody::Answering { answer: ids(conversation, ordered) };
    Ok(Outcome::Following(answer, follow(caller, conversation)))
}

/// The session follows the answer: without anybody who does, it is given up.
fn terms(caller: &SessionContext) -> Terms {
    let (app, plan) = (caller.gateway.app(), caller.scope.plan());
    let (per_user, limits) = (app.limits(plan).generations, app.daily_limits(plan));
    Terms { per_user, limits, unfollowed: Unfollowed::GivenUp }
}

/// Cancels the answer that is being written in a conversation.
pub(super) async fn cancel(
    caller: &SessionContext,
    conversation: ConversationId,
) -> Result<Outcome, Refusal> {
    caller.gateway.app().answers.cancel(&caller.scope, conversation).await?;
    Ok(Outcome::Done)
}

/// Follows the answers in a conversation, for which the caller must have been authorized; `None` if the
/// session does already.
pub(super) fn follow(caller: &SessionContext, conversation: ConversationId) -> Option<Following> {
    let follower = caller.gateway.app().answers.follow(conversation);
    let told = OfConversation { conversation, current: None };
    Followed::by(caller, told, follower).map(Following::Answers)
}

/// The answers in a conversation, as sessions are told of them.
pub(crate) struct OfConversation {
    conversation: ConversationId,
    /// The answer that the last notice was about, until its end.
    current: Option<AnswerIds>,
}

impl Told for OfConversation {
    type Id = Answer;
    const GONE: Failure = Failure::CONVERSATION_DELETED;

    fn room(&self) -> Room {
        Room::Conversation(self.conversation)
    }

    /// Nothing of an end without a beginning: where no answer is written, the end of the conversation is told
    /// by its event alone.
    fn notice(&mut self, step: Step<Answer>) -> Option<Notice> {
        if let Step::Start(answer) = step {
            self.current = Some(ids(self.conversation, answer));
        }
        let answer = self.current?;
        Some(match step {
            Step::Start(_) => Notice::AnswerStarted { answer },
            Step::Waiting(place) => Notice::AnswerWaiting { answer, place },
            Step::Chunk(text) => Notice::AnswerChunk { answer, text },
            Step::Done(stored) => {
                self.current = None;
                Notice::AnswerDone { answer, seq: stored.seq.unwrap_or_default() }
            }
            Step::Failed(failure) => {
                self.current = None;
                Notice::AnswerFailed { answer, failure: told(&failure) }
            }
        })
    }
}

fn ids(conversation_id: ConversationId, answer: Answer) -> AnswerIds {
    AnswerIds { conversation_id, message_id: answer.id, answers_to: answer.answers_to }
}

/// Says what is nearly used up, before it is.
fn warning(usage: &Usage, limits: &DailyLimits) -> Option<QuotaWarning> {
    let quota = usage.nearly_used_up(limits)?;
    let limit = limits.of(quota);
    Some(QuotaWarning {
        quota: quota.as_str(),
        limit,
        remaining: limit.saturating_sub(usage.of(quota)),
        resets_in: usage.resets_in.as_secs(),
    })
}

/// A failure, as clients are told.
pub(super) fn told(failure: &Failure) -> TextFailure {
    TextFailure { code: failure.code, message: failure.message.into(), retry_after: failure.retry_after_s() }
}
