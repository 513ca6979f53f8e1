//! The `masterplan` command.

use crate::domain::masterplans::{MasterplanText, MasterplanTitle, Wanted};
use crate::hub::Pushed;
use crate::ids::MasterplanId;
use crate::jobs::Unwritten;
use crate::protocol::close::CloseReason;
use crate::protocol::{AckBody, Notice, WantedPlan};

use super::answers::told;
use super::{Following, Outcome, Refusal, SessionContext};

/// Answers at once, and has a masterplan written: its end is the event `masterplan.created` in the user's own
/// room, or a notice to this session. The session may go on meanwhile; if it ends, the plan is given up.
pub(super) fn write(caller: &SessionContext, wanted: WantedPlan) -> Result<Outcome, Refusal> {
    let wanted = parse(&wanted)?;
    let masterplan_id = MasterplanId::new(caller.gateway.app().clock.now());
    let conversation_id = wanted.conversation;
    let answer = AckBody::Planning { conversation_id, masterplan_id };
    Ok(Outcome::Following(answer, Some(Following::Masterplan(Writing { id: masterplan_id, wanted }))))
}

fn parse(given: &WantedPlan) -> Result<Wanted, Refusal> {
    let category = given.category.as_deref().map(str::parse).transpose();
    Ok(Wanted {
        conversation: given.conversation,
        request: given.request,
        category: category.map_err(|error| Refusal::invalid("category", &format!("{error}")))?,
        title: MasterplanTitle::parse(given.title.expose())
            .map_err(|must| Refusal::invalid("title", &must))?,
        text: MasterplanText::parse_some(given.text.expose())
            .map_err(|must| Refusal::invalid("text", &must))?,
    })
}

/// A masterplan that is being written for a session.
pub(crate) struct Writing {
    id: MasterplanId,
    wanted: Wanted,
}

impl Writing {
    /// Has it written and stored, and tells the caller if that fails.
    pub(super) async fn run(self, caller: SessionContext) {
        let Self { id, wanted } = self;
        let (app, scope) = (caller.gateway.app(), &caller.scope);
        let (limits, per_user) = (app.daily_limits(scope.plan()), app.limits(scope.plan()).generations);
        let conversation = wanted.conversation;
        let Err(unwritten) = app.masterplans.create(scope, id, wanted, per_user, limits).await else {
            return;
        };
        let failure = match unwritten {
            Unwritten::Refused(error) => {
                app.count_quota_refusal(scope.plan(), &error);
                Refusal::from(error).into_failure()
            }
            Unwritten::Failed(failure) => told(&failure),
        };
        let notice = Notice::MasterplanFailed { conversation_id: conversation, masterplan_id: id, failure };
        if caller.send(&notice) == Pushed::Overflow {
            caller.handle.close(CloseReason::SlowConsumer);
        }
    }
}
