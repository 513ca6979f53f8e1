//! What-if questions of admins: why a user may or may not do something, and what would happen if they did.
//!
//! Both run the code that decides and does, as the user; nothing of it is committed.

use std::str::FromStr;
use std::sync::Arc;

use crate::db::{DbError, Failure, UnitOfWork};
use crate::ids::{CallId, Room, UserId};

use super::policy::{Explanation, Need, Right, Scope, Verdict, authorize_admin_because};
use super::users::{Reason, User, repository as users, service as accounts};
use super::{Error, Kind, bookings, offers, projects, requests, sessions};

/// The right to ask why a user may or may not.
const EXPLAIN: Right = Right::look(Kind::User, "explain the rights of", Need::Admin);
/// The right to try something out as a user.
const TRY_OUT: Right = Right::look(Kind::User, "try out an action of", Need::Admin);

/// Which user, and which action on which row.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The user.
    pub(crate) user: UserId,
    /// The action's name in the rights table or the state table.
    pub(crate) action: String,
    /// The kind of row.
    pub(crate) kind: Kind,
    /// The row's id.
    pub(crate) row: String,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The user as they are now.
    pub(crate) user: User,
    /// What policy and state say.
    pub(crate) explanation: Explanation,
}

impl Answer {
    /// Whether the user may do it now.
    pub(crate) fn is_allowed(&self) -> bool {
        let is_permitted = self.explanation.state.as_ref().is_none_or(|state| state.permits);
        let verdict = self.explanation.decision.verdict;
        self.user.is_active && is_permitted && matches!(verdict, Verdict::ByStanding | Verdict::AsAdmin)
    }

    /// The deciding rule, in a sentence.
    pub(crate) fn because(&self, kind: Kind) -> String {
        let Explanation { action, need, decision, state } = &self.explanation;
        let standing = decision.standing;
        if !self.user.is_active {
            return "the account is suspended: every call is refused".to_owned();
        }
        match (decision.verdict, state) {
            (Verdict::NoStanding | Verdict::ReadsOnly | Verdict::Private, _) => {
                format!("to {action} this {kind} one must be {need}; the user is {standing}")
            }
            (_, Some(state)) if !state.permits => {
                format!("cannot {action} a {kind} that is {}", state.current)
            }
            (Verdict::AsAdmin, _) => {
                format!("to {action} this {kind} one must be {need}, and admins pass as well")
            }
            (Verdict::ByStanding, _) => {
                format!("to {action} this {kind} one must be {need}; the user is {standing}")
            }
        }
    }
}

/// Why the user may or may not do it, for admins.
pub(crate) fn explain(uow: &mut UnitOfWork<'_>, scope: &Scope, question: &Question) -> Result<Answer, Error> {
    let Question { action, kind, row, .. } = question;
    let (user, supposed) = suppose(uow, scope, question, EXPLAIN)?;
    let explanation = match kind {
        Kind::Request => requests::explain(uow, &supposed, id(row)?, action)?,
        Kind::Offer => offers::explain(uow, &supposed, id(row)?, action)?,
        Kind::Booking => bookings::explain(uow, &supposed, id(row)?, action)?,
        Kind::Project => projects::explain(uow, &supposed, id(row)?, action)?,
        Kind::Session => sessions::explain(uow, &supposed, id(row)?, action)?,
        Kind::User => accounts::explain(uow, &supposed, id(row)?, action)?,
        _ => return Err(Error::invalid("kind", "must be request, offer, booking, project, session or user")),
    };
    let explanation = explanation.ok_or_else(|| no_action(*kind))?;
    Ok(Answer { user, explanation })
}

fn no_action(kind: Kind) -> Error {
    Error::invalid("action", format!("is no action on a {kind} that can be answered for"))
}

/// The id of the row that is asked about.
pub(super) fn id<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::invalid("row", "must be a UUID"))
}

/// The user, and a scope as if they called. The admin's question is audited.
fn suppose(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    question: &Question,
    right: Right,
) -> Result<(User, Scope), Error> {
    let Question { user, action, kind, row } = question;
    let asked = format!("{action} {kind} {row}");
    authorize_admin_because(uow, scope, right, Some(user.to_string()), Some(&asked))?;
    let user = users::find(uow, *user)?.ok_or(Error::NotFound(Kind::User))?;
    let supposed = supposed(&user, scope.call());
    Ok((user, supposed))
}

/// The user as if they called.
pub(super) fn supposed(user: &User, call: CallId) -> Scope {
    Scope::supposed(user.id, user.role, user.plan, &user.email, call)
}

/// What an action needs besides its row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// The version to accept.
    pub(crate) version: Option<i64>,
    /// The reason of an admin's intervention, or of a cancellation.
    pub(crate) reason: Option<Reason>,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effects {
    /// The row's state afterwards; `None` for rows without states.
    pub(crate) state: Option<&'static str>,
    /// The events, with the rooms whose members would get them.
    pub(crate) events: Vec<(Arc<str>, Vec<Room>)>,
    /// How many rights (to sessions or rooms) would end.
    pub(crate) revocations: usize,
}

/// How a trial ends: never with a commit.
#[derive(Debug)]
pub(crate) enum Trial {
    /// It would have been done.
    Done(Effects),
    /// It was refused, as the user would be.
    Refused(Error),
}

impl From<Error> for Trial {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<DbError> for Trial {
    fn from(error: DbError) -> Self {
        Self::Refused(error.into())
    }
}

impl Failure for Trial {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Done(_) => None,
            Self::Refused(error) => error.database(),
        }
    }
}

/// Authorizes an admin to try something out, and says as whom: to be committed before [`try_out`] begins.
pub(crate) fn begin_trial(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    question: &Question,
) -> Result<Scope, Error> {
    let (user, supposed) = suppose(uow, scope, question, TRY_OUT)?;
    match user.is_active {
        true => Ok(supposed),
        false => {
            Err(Error::Taken { code: "suspended", detail: "the account is suspended: every call is refused" })
        }
    }
}

/// Does it as the user. The result is always an error, so that the unit of work is rolled back.
pub(crate) fn try_out(
    uow: &mut UnitOfWork<'_>,
    supposed: &Scope,
    question: &Question,
    details: &Details,
) -> Trial {
    let done = run(uow, supposed, question, details);
    // What was refused to the user was not asked for by them.
    let (events, revocations) = uow.forget();
    match done {
        Err(error) => error.into(),
        Ok(state) => Trial::Done(Effects { state, events: by_kind(events), revocations }),
    }
}

fn run(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    question: &Question,
    details: &Details,
) -> Result<Option<&'static str>, Error> {
    let Question { action, kind, row, .. } = question;
    let reason = || details.reason.as_ref().ok_or_else(|| Error::invalid("reason", "is needed"));
    let state = match (*kind, action.as_str()) {
        (Kind::Request, "publish") => requests::publish(uow, scope, id(row)?, None)?.state.as_str(),
        (Kind::Request, "extend") => requests::extend(uow, scope, id(row)?, None)?.state.as_str(),
        (Kind::Request, "cancel") => requests::cancel(uow, scope, id(row)?)?.state.as_str(),
        (Kind::Request, "remove") => requests::remove(uow, scope, id(row)?, reason()?)?.state.as_str(),
        (Kind::Request, "restore") => requests::restore(uow, scope, id(row)?, reason()?)?.state.as_str(),
        (Kind::Offer, "accept") => {
            let version = details.version.ok_or_else(|| Error::invalid("version", "is needed"))?;
            offers::accept(uow, scope, id(row)?, version)?.state.as_str()
        }
        (Kind::Offer, "decline") => offers::decline(uow, scope, id(row)?)?.state.as_str(),
        (Kind::Offer, "withdraw") => offers::withdraw(uow, scope, id(row)?)?.state.as_str(),
        (Kind::Offer, "remove") => offers::remove(uow, scope, id(row)?, reason()?)?.state.as_str(),
        (Kind::Booking, "start") => bookings::start(uow, scope, id(row)?)?.state.as_str(),
        (Kind::Booking, "complete") => bookings::complete(uow, scope, id(row)?)?.state.as_str(),
        (Kind::Booking, "cancel") => {
            bookings::cancel(uow, scope, id(row)?, details.reason.as_ref())?.state.as_str()
        }
        (Kind::Booking, "force_cancel") => {
            bookings::force_cancel(uow, scope, id(row)?, reason()?)?.state.as_str()
        }
        (Kind::User, "suspend") => {
            accounts::suspend(uow, scope, id(row)?, reason()?)?;
            return Ok(None);
        }
        (Kind::User, "log out") => {
            accounts::log_out(uow, scope, id(row)?)?;
            return Ok(None);
        }
        (kind, _) => return Err(no_action(kind)),
    };
    Ok(Some(state))
}

/// The rooms of each kind of event, in the order in which the kinds were first recorded.
fn by_kind(events: Vec<(Arc<str>, Room)>) -> Vec<(Arc<str>, Vec<Room>)> {
    let mut kinds: Vec<(Arc<str>, Vec<Room>)> = Vec::new();
    for (kind, room) in events {
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, rooms)) => rooms.push(room),
            None => kinds.push((kind, vec![room])),
        }
    }
    for (_, rooms) in &mut kinds {
        rooms.sort();
        rooms.dedup();
    }
    kinds
}
