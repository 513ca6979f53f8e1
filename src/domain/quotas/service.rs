//! Counting, and refusing what would be too much.

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Error;
use crate::ids::UserId;

use super::repository::{self, Counts};
use super::{DailyLimits, Quota, Usage, day_of};

/// What the user has used today.
pub(crate) fn usage(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Usage, DbError> {
    let (day, _) = day_of(uow.now());
    let counts = repository::find(uow, user, day)?;
    Ok(read(uow, counts))
}

/// Counts a message to the assistant.
///
/// # Errors
/// If the plan's messages or generated characters of the day are used up; then nothing is counted, since the
/// unit of work is rolled back.
pub(crate) fn take_message(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limits: &DailyLimits,
) -> Result<Usage, Error> {
    take(uow, user, limits, Quota::Messages, (1, 0, 0))
}

/// Counts a masterplan of so many characters.
///
/// # Errors
/// As for [`take_message`].
pub(crate) fn take_plan(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limits: &DailyLimits,
    characters: usize,
) -> Result<Usage, Error> {
    let usage = take(uow, user, limits, Quota::Plans, (0, 1, 0))?;
    add_characters(uow, user, characters)?;
    Ok(usage)
}

/// Counts generated characters. They were asked for while there were some left, so that nothing is refused.
pub(crate) fn add_characters(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    characters: usize,
) -> Result<(), DbError> {
    let (day, _) = day_of(uow.now());
    repository::add(uow, user, day, (0, 0, i64::try_from(characters).unwrap_or(i64::MAX)))?;
    Ok(())
}

/// Requires that some of the day's generated characters are left.
pub(crate) fn check_characters(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limits: &DailyLimits,
) -> Result<(), Error> {
    let usage = usage(uow, user)?;
    refuse_if(usage.characters >= limits.characters, Quota::Characters, &usage, limits)
}

/// Requires that the day's masterplans and generated characters are not used up, before one is written.
pub(crate) fn check_plans(uow: &mut UnitOfWork<'_>, user: UserId, limits: &DailyLimits) -> Result<(), Error> {
    let usage = usage(uow, user)?;
    refuse_if(usage.plans >= limits.plans, Quota::Plans, &usage, limits)?;
    refuse_if(usage.characters >= limits.characters, Quota::Characters, &usage, limits)
}

/// Forgets what was counted on days before that of `horizon`, at most `limit` rows. Called by the sweeper.
pub(crate) fn forget(uow: &mut UnitOfWork<'_>, horizon: Timestamp, limit: u16) -> Result<usize, DbError> {
    repository::delete_before(uow, day_of(horizon).0, limit)
}

fn take(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limits: &DailyLimits,
    quota: Quota,
    counts: Counts,
) -> Result<Usage, Error> {
    let (day, _) = day_of(uow.now());
    let counts = repository::add(uow, user, day, counts)?;
    let usage = read(uow, counts);
    refuse_if(usage.of(quota) > limits.of(quota), quota, &usage, limits)?;
    refuse_if(usage.characters >= limits.characters, Quota::Characters, &usage, limits)?;
    Ok(usage)
}

fn read(uow: &UnitOfWork<'_>, (messages, plans, characters): Counts) -> Usage {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Usage {
        messages: count(messages),
        plans: count(plans),
        characters: count(characters),
        resets_in: day_of(uow.now()).1,
    }
}

fn refuse_if(is_too_much: bool, quota: Quota, usage: &Usage, limits: &DailyLimits) -> Result<(), Error> {
    if !is_too_much {
        return Ok(());
    }
    Err(Error::QuotaExceeded { quota, limit: limits.of(quota), retry_after: usage.resets_in })
}
