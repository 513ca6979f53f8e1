//! Masterplans while they are written. A generator's text is not trusted: it is read by our own types, and
//! asked for again with its faults named.

use crate::db::Db;
use crate::domain::masterplans::{self, Draft, Masterplan, Order, Plan, Wanted};
use crate::domain::policy::Scope;
use crate::domain::quotas::DailyLimits;
use crate::domain::{Error, FieldError};
use crate::generation::Prompt;
use crate::ids::MasterplanId;

use super::writer::{Writer, describe};
use super::writing::Failure;

/// Most bytes of a plan's text.
const MAX_BYTES: usize = 128 * 1024;

/// How often a plan is asked for: once, and twice more with its faults.
const ATTEMPTS: usize = 3;

/// Has masterplans written. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Masterplans {
    db: Db,
    writer: Writer,
}

/// Why there is no masterplan.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The caller may not have it, or the database failed.
    Refused(Error),
    /// The generator failed, or gave no usable plan.
    Failed(Failure),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Masterplans {
    /// Writes with this writer.
    pub(crate) fn new(db: Db, writer: Writer) -> Self {
        Self { db, writer }
    }

    /// Has a plan written, of which this user may have `per_user` texts at once. Nothing is stored. Dropping
    /// the future gives it up.
    pub(crate) async fn write(
        &self,
        scope: &Scope,
        id: MasterplanId,
        wanted: Wanted,
        per_user: usize,
        limits: DailyLimits,
    ) -> Result<Draft, Unwritten> {
        let (of_caller, asked) = (scope.clone(), wanted.clone());
        let order = self.db.read(move |uow| masterplans::authorize(uow, &of_caller, &asked, &limits)).await?;
        let plan = self.plan(scope, id, &order, per_user).await?;
        Ok(Draft { id, wanted, category: order.category, generator: self.writer.name(), plan })
    }

    /// Has a plan written and stores it as a draft.
    pub(crate) async fn create(
        &self,
        scope: &Scope,
        id: MasterplanId,
        wanted: Wanted,
        per_user: usize,
        limits: DailyLimits,
    ) -> Result<Masterplan, Unwritten> {
        let draft = self.write(scope, id, wanted, per_user, limits).await?;
        let scope = scope.clone();
        let stored = self.db.write(move |uow| masterplans::create(uow, &scope, &draft, &limits));
        Ok(stored.await?.0)
    }

    async fn plan(
        &self,
        scope: &Scope,
        id: MasterplanId,
        order: &Order,
        per_user: usize,
    ) -> Result<Plan, Unwritten> {
        let mut faults = Vec::new();
        for attempt in 1..=ATTEMPTS {
            let prompt = Prompt::Plan {
                category: order.category.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string),
                title: order.title.clone(),
                text: order.text.clone(),
                faults: faults.iter().map(sentence).collect(),
            };
            let text = self.writer.whole(scope.user(), per_user, prompt, MAX_BYTES).await;
            let text = text.map_err(|error| {
                log::info!(
                    target: "souk::jobs", masterplan_id:% = id, user_id:% = scope.user(),
                    request_id:% = scope.call();
                    "no masterplan was written: {}", describe(&error)
                );
                Unwritten::Failed(Failure::from(&error))
            })?;
            match Plan::parse(&text) {
                Ok(plan) => return Ok(plan),
                Err(found) => {
                    // Their number alone: a fault may repeat a word of the text.
                    log::info!(
                        target: "souk::jobs", masterplan_id:% = id, attempt, faults = found.len(),
                        request_id:% = scope.call();
                        "a plan has faults"
                    );
                    faults = found;
                }
            }
        }
        Err(Unwritten::Failed(Failure::PLAN_INVALID))
    }
}

impl Failure {
    /// No attempt gave a plan without faults.
    pub(crate) const PLAN_INVALID: Self = Self::new(
        "plan_invalid",
        "the text service gave no usable plan, although its faults were named twice; try again, or say it in other words",
    );
}

fn sentence(fault: &FieldError) -> String {
    format!("{} {}", fault.field, fault.message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::Registry;

    use super::*;
    use crate::clock::Clock;
    use crate::generation::{self, CATEGORIES};
    use crate::ids::UserId;

    const TEXTS: [&str; 3] = [
        "The tap in the kitchen drips. The pipe under the sink is rusty and has to be replaced. Please bring a new tap.",
        "Der Wasserhahn in der Küche tropft. Das Rohr unter der Spüle ist rostig und muss ersetzt werden.",
        "…",
    ];

    #[tokio::test]
    async fn every_template_gives_a_plan_without_faults() {
        let config = crate::config::Settings::given(["--jwt-secret=6f1d0c5be2a94783b1a7c9d2e4f60811"])
            .unwrap()
            .into_config()
            .unwrap();
        let (generator, slots) =
            generation::open(&config.generation, &Clock::system(), &Registry::new()).unwrap();
        let writer = Writer::new(generator, slots);
        let user = UserId::new(Clock::system().now());
        for category in CATEGORIES.into_iter().chain(["unheard-of"]) {
            for text in TEXTS.into_iter().map(str::to_owned).chain([TEXTS[0].repeat(30)]) {
                let prompt = Prompt::Plan {
                    category: category.to_owned(),
                    title: "The kitchen".to_owned(),
                    text,
                    faults: Vec::new(),
                };
                let written =
                    tokio::time::timeout(Duration::from_secs(20), writer.whole(user, 1, prompt, MAX_BYTES));
                let written = written.await.unwrap().unwrap();
                let plan = Plan::parse(&written).unwrap_or_else(|faults| panic!("{category}: {faults:?}"));
                assert!(plan.tasks().count() >= 3 && plan.hours() > 0, "{category}");
            }
        }
    }
}
