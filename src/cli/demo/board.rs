//! The board of the sample booking's project.

use crate::app::App;
use crate::domain::projects::columns;
use crate::domain::projects::comments;
use crate::domain::projects::tasks::{self, NewTask, Place, TaskInput};
use crate::domain::text::MultiLine;
use crate::ids::{ProjectId, UserId};

use super::Failed;
use super::users::{Person, act};

/// Plans the painting of a fence: a task in each column, one with a checklist, and a question.
pub(super) async fn plan(app: &App, dora: &Person, ben: &Person, project: ProjectId) -> Result<(), Failed> {
    let columns = act(app, dora, move |uow, scope| columns::list(uow, scope, project)).await?;
    let checklist = ["Weatherproof paint, green", "Two brushes"];
    let planned: [(&str, Option<UserId>, &[&str]); 3] = [
        ("Both coats", None, &[]),
        ("Sand the boards", Some(ben.id), &[]),
        ("Buy paint", Some(ben.id), &checklist),
    ];
    for (column, (title, assignee, items)) in columns.into_iter().zip(planned) {
        let input = TaskInput {
            title: Some(title.to_owned()),
            assignee: Some(assignee),
            checklist: Some(items.iter().map(|item| ((*item).to_owned(), true)).collect()),
            ..TaskInput::default()
        };
        let new = NewTask { column: Some(column.id), place: Place::Last, content: input.parse()? };
        let task = act(app, ben, move |uow, scope| tasks::create(uow, scope, project, &new)).await?;
        if items.is_empty() {
            continue;
        }
        let text = MultiLine::parse_some("Is there any left for the gate?")?;
        act(app, dora, move |uow, scope| comments::add(uow, scope, project, task.id, &text)).await?;
    }
    Ok(())
}
