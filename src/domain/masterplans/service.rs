//! Use cases of masterplans: drafting, reading, listing, applying.

use crate::db::{DbError, UnitOfWork};
use crate::domain::conversations;
use crate::domain::policy::{self, Authorized, Scope};
use crate::domain::projects::tasks::{NewTask, Place, TaskChanges, TaskText, TaskTitle};
use crate::domain::projects::{self, tasks};
use crate::domain::quotas::{self, DailyLimits, Usage};
use crate::domain::users::logins;
use crate::domain::{Error, Kind, Page, Slice, requests};
use crate::ids::{Category, ConversationId, MasterplanId, ProjectId, RequestId};

use super::plan::{Phase, PlannedTask};
use super::{
    APPLY, CREATE, Masterplan, MasterplanApplied, MasterplanCreated, MasterplanText, MasterplanTitle, Plan,
    READ, repository,
};

/// What a plan is wanted for. No `Debug`, so that its text reaches no log.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The conversation to draft it in.
    pub(crate) conversation: ConversationId,
    /// The request for work that it is about, which the caller must be able to read.
    pub(crate) request: Option<RequestId>,
    /// The category of the work; that of the request if there is one.
    pub(crate) category: Option<Category>,
    /// What is to be done, in a line.
    pub(crate) title: MasterplanTitle,
    /// What is to be done, at length.
    pub(crate) text: MasterplanText,
}

/// What a generator is given to write a plan from.
#[derive(Clone)]
pub(crate) struct Order {
    /// The category of the work, if it is known.
    pub(crate) category: Option<Category>,
    /// What is to be done, in a line.
    pub(crate) title: String,
    /// What is to be done, at length: with the description of the request, if there is one.
    pub(crate) text: String,
}

/// A plan to store as a draft.
#[derive(Clone)]
pub(crate) struct Draft {
    /// Its id, which the caller may know already.
    pub(crate) id: MasterplanId,
    /// What it was wanted for.
    pub(crate) wanted: Wanted,
    /// The category of the work, if it is known.
    pub(crate) category: Option<Category>,
    /// The name of the generator that wrote it.
    pub(crate) generator: &'static str,
    /// The plan itself.
    pub(crate) plan: Plan,
}

/// Requires that the caller may have such a plan written now, and returns what it is to be written from.
pub(crate) fn authorize(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    wanted: &Wanted,
    limits: &DailyLimits,
) -> Result<Order, Error> {
    conversations::find_for_message(uow, scope, wanted.conversation)?;
    quotas::check_plans(uow, scope.user(), limits)?;
    let (title, text) = (wanted.title.as_str().to_owned(), wanted.text.as_str().to_owned());
    let Some(request) = wanted.request else {
        return Ok(Order { category: wanted.category.clone(), title, text });
    };
    let details = requests::find(uow, scope, request)?.into_row().details;
    let text = match details.description.as_str() {
        "" => text,
        description => format!("{text}\n\n{description}"),
    };
    Ok(Order { category: Some(details.category), title, text })
}

/// Stores a plan as a draft, and counts it.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    draft: &Draft,
    limits: &DailyLimits,
) -> Result<(Masterplan, Usage), Error> {
    let conversation = conversations::find_for_message(uow, scope, draft.wanted.conversation)?;
    // Whoever was suspended or signed out while it was being written gets nothing more.
    if !logins::is_still_valid(uow, scope)? {
        let (action, needed) = (CREATE.action, CREATE.need);
        return Err(Error::Forbidden { action, kind: Kind::Masterplan, needed });
    }
    let now = uow.now();
    let masterplan = Masterplan {
        id: draft.id,
        conversation_id: conversation.id,
        user_id: conversation.user_id,
        request_id: draft.wanted.request,
        title: draft.wanted.title.clone(),
        category: draft.category.clone(),
        generator: draft.generator.to_owned(),
        plan: draft.plan.clone(),
        project_id: None,
        applied_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let masterplan = policy::authorize(uow, scope, masterplan, CREATE)?;
    repository::insert(uow, &masterplan)?;
    let usage = quotas::take_plan(uow, scope.user(), limits, written(&masterplan.plan))?;
    let (masterplan_id, conversation_id, owner) = (masterplan.id, conversation.id, conversation.user_id);
    uow.record(Some(scope.user()), &MasterplanCreated { masterplan_id, conversation_id, owner });
    Ok((masterplan.into_row(), usage))
}

/// The masterplan, for its owner only.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: MasterplanId,
) -> Result<Authorized<Masterplan>, Error> {
    let masterplan = load(uow, id)?;
    policy::authorize(uow, scope, masterplan, READ)
}

/// The masterplans of a conversation of the caller, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: ConversationId,
    page: Page<MasterplanId>,
) -> Result<Slice<Masterplan, MasterplanId>, Error> {
    let conversation = conversations::find(uow, scope, conversation)?;
    let rows = repository::of_conversation(uow, conversation.id, page)?;
    Ok(page.slice(rows, |masterplan| masterplan.id))
}

/// Puts all tasks of a masterplan onto the board of a project whose editor the caller is: once, in one unit of
/// work.
pub(crate) fn apply(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: MasterplanId,
    project: ProjectId,
) -> Result<Masterplan, Error> {
    let masterplan = load(uow, id)?;
    let masterplan = policy::authorize(uow, scope, masterplan, APPLY)?;
    if let Some(project) = masterplan.project_id {
        return Err(Error::AlreadyApplied { project });
    }
    // Before anything refers to it: it may not exist, or not be the caller's to plan.
    projects::check_may_plan(uow, scope, project)?;
    if repository::set_applied(uow, &masterplan, project)? == 0 {
        return Err(DbError::Contended("the masterplan was applied meanwhile".into()).into());
    }
    let numbers = masterplan.plan.numbers();
    let number = |id: &str| numbers.get(id).map_or("", String::as_str);
    let mut count = 0;
    for (phase, task) in masterplan.plan.tasks() {
        tasks::create(uow, scope, project, &on_board(phase, task, number)?)?;
        count += 1;
    }
    let event = MasterplanApplied {
        masterplan_id: id,
        conversation_id: masterplan.conversation_id,
        project_id: project,
        tasks: count,
        owner: masterplan.user_id,
    };
    uow.record(Some(scope.user()), &event);
    load(uow, id)
}

/// A task as it comes onto a board, which knows neither phases nor estimates nor dependencies: they are told in
/// words.
fn on_board<'a>(
    phase: &Phase,
    task: &PlannedTask,
    number: impl Fn(&str) -> &'a str,
) -> Result<NewTask, Error> {
    let title = format!("{} {}", number(task.id().as_str()), task.title().as_str());
    let mut text = format!("{}\n\n{} · {} h", task.text().as_str(), phase.title().as_str(), task.hours());
    let before: Vec<_> = task.depends_on().iter().map(|on| number(on.as_str())).collect();
    if !before.is_empty() {
        text = format!("{text} · after {}", before.join(", "));
    }
    let content = TaskChanges {
        title: Some(TaskTitle::parse(&title).map_err(|error| Error::invalid("title", error))?),
        text: Some(TaskText::parse(&text).map_err(|error| Error::invalid("text", error))?),
        ..TaskChanges::default()
    };
    Ok(NewTask { column: None, place: Place::Last, content })
}

/// The characters that a generator has written for a plan.
fn written(plan: &Plan) -> usize {
    let tasks = plan
        .tasks()
        .map(|(_, task)| task.title().as_str().chars().count() + task.text().as_str().chars().count());
    let phases = plan.phases().iter().map(|phase| phase.title().as_str().chars().count());
    plan.summary().as_str().chars().count() + tasks.sum::<usize>() + phases.sum::<usize>()
}

fn load(uow: &mut UnitOfWork<'_>, id: MasterplanId) -> Result<Masterplan, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Masterplan))
}
