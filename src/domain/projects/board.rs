//! A board as a whole: what a client loads before it follows the events.

use crate::db::{DbError, UnitOfWork, event_log};
use crate::domain::policy::Scope;
use crate::domain::{Error, Page, Slice};
use crate::events::Envelope;
use crate::ids::{ProjectId, Seq, TaskId};

use super::columns::{self, Column};
use super::tasks::{self, Task};
use super::{Project, find};

/// Most tasks of a page, and about the most bytes of their representations.
const PAGE: i64 = 500;
const PAGE_BYTES: usize = 128 * 1024;

/// A page of a board, read in one transaction.
///
/// Whoever follows the room's events after the `head` of the *first* page misses nothing, however many pages
/// there are: events say how things are afterwards, so that applying one to a later page changes nothing that
/// is not changed again by the events behind it.
#[derive(Debug)]
pub(crate) struct Board {
    /// The project with its members.
    pub(crate) project: Project,
    /// All columns, in their order.
    pub(crate) columns: Vec<Column>,
    /// Tasks that are not archived, oldest first.
    pub(crate) tasks: Vec<Task>,
    /// Position of the room's newest event that is contained.
    pub(crate) head: Seq,
    /// The task after which the next page begins; `None` on the last.
    pub(crate) next: Option<TaskId>,
}

/// A page of the board of a project that the caller may read.
pub(crate) fn read(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
    after: Option<TaskId>,
) -> Result<Board, Error> {
    let project = find(uow, scope, id)?;
    let head = event_log::head(uow.conn(), &project.room())?;
    let columns = columns::of_project(uow, &project)?;
    let mut tasks = tasks::page_of_board(uow, &project, after, PAGE + 1)?;
    let fitting = fitting(&tasks)?;
    let next = if tasks.len() > fitting { fitting.checked_sub(1) } else { None };
    let next = next.and_then(|last| tasks.get(last)).map(|task| task.id);
    tasks.truncate(fitting);
    Ok(Board { project: project.into_row(), columns, tasks, head, next })
}

/// How many of the tasks fit on a page; at least one.
fn fitting(tasks: &[Task]) -> Result<usize, DbError> {
    let mut bytes = 0;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    for (count, task) in tasks.iter().take(most).enumerate() {
        bytes += serde_json::to_string(task)?.len();
        if bytes > PAGE_BYTES && count > 0 {
            return Ok(count);
        }
    }
    Ok(tasks.len().min(most))
}

/// What happened on the board of a project that the caller may read: its room's events, newest first.
pub(crate) fn activity(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
    page: Page<Seq>,
) -> Result<Slice<Envelope, Seq>, Error> {
    let project = find(uow, scope, id)?;
    let (mut events, has_more) =
        event_log::before(uow.conn(), &project.room(), page.before, usize::from(page.limit))?;
    events.reverse();
    let next = events.last().map(|event| event.seq).filter(|_| has_more);
    Ok(Slice { items: events, next })
}
