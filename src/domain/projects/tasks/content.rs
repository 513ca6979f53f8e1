//! What people write into tasks: input as clients give it, and its parsed form.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::text::SingleLine;
use crate::domain::{Error, FieldError};
use crate::ids::UserId;

use super::{Task, TaskText, TaskTitle};

/// A label of a task.
pub(crate) type Label = SingleLine<40>;

/// A task's labels: at most 20.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub(crate) struct Labels(Vec<Label>);

/// A task's checklist: at most 50 items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub(crate) struct Checklist(Vec<ChecklistItem>);

/// An item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct ChecklistItem {
    /// What has to be done.
    pub(crate) text: SingleLine<200>,
    /// Whether it is.
    pub(crate) done: bool,
}

impl Labels {
    const MOST: usize = 20;

    fn parse(texts: &[String]) -> Result<Self, String> {
        if texts.len() > Self::MOST {
            return Err(format!("must have at most {} labels", Self::MOST));
        }
        texts.iter().map(|text| Label::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    /// As JSON, to be stored.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl Checklist {
    const MOST: usize = 50;

    fn parse(items: &[(String, bool)]) -> Result<Self, String> {
        if items.len() > Self::MOST {
            return Err(format!("must have at most {} items", Self::MOST));
        }
        let item =
            |(text, done): &(String, bool)| Ok(ChecklistItem { text: SingleLine::parse(text)?, done: *done });
        items.iter().map(item).collect::<Result<_, String>>().map(Self)
    }

    /// As JSON, to be stored.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// For Diesel: labels as they were stored.
impl TryFrom<String> for Labels {
    type Error = serde_json::Error;

    fn try_from(json: String) -> Result<Self, serde_json::Error> {
        let texts: Vec<String> = serde_json::from_str(&json)?;
        Ok(Self(texts.into_iter().map(Label::from_stored).collect()))
    }
}

/// For Diesel: a checklist as it was stored.
impl TryFrom<String> for Checklist {
    type Error = serde_json::Error;

    fn try_from(json: String) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Stored {
            text: String,
            done: bool,
        }
        let items: Vec<Stored> = serde_json::from_str(&json)?;
        let item = |item: Stored| ChecklistItem { text: SingleLine::from_stored(item.text), done: item.done };
        Ok(Self(items.into_iter().map(item).collect()))
    }
}

/// A task's content as clients give it, in any protocol; what is absent is not changed.
#[derive(Default)]
pub(crate) struct TaskInput {
    /// Title, as on the board.
    pub(crate) title: Option<String>,
    /// Description.
    pub(crate) text: Option<String>,
    /// Who does it; `Some(None)` for nobody.
    pub(crate) assignee: Option<Option<UserId>>,
    /// When it should be done; `Some(None)` for no such time.
    pub(crate) due_at: Option<Option<Timestamp>>,
    /// All labels.
    pub(crate) labels: Option<Vec<String>>,
    /// The whole checklist.
    pub(crate) checklist: Option<Vec<(String, bool)>>,
}

impl TaskInput {
    /// Parses the content; the error names every field that is wrong.
    pub(crate) fn parse(&self) -> Result<TaskChanges, Error> {
        let mut errors = Vec::new();
        let mut wrong = |field, message: String| errors.push(FieldError::new(field, message));
        let title = self.title.as_deref().map(TaskTitle::parse).transpose();
        let text = self.text.as_deref().map(TaskText::parse).transpose();
        let labels = self.labels.as_deref().map(Labels::parse).transpose();
        let checklist = self.checklist.as_deref().map(Checklist::parse).transpose();
        let changes = TaskChanges {
            title: title.map_err(|must| wrong("title", must)).ok().flatten(),
            text: text.map_err(|must| wrong("text", must)).ok().flatten(),
            assignee: self.assignee,
            due_at: self.due_at,
            labels: labels.map_err(|must| wrong("labels", must)).ok().flatten(),
            checklist: checklist.map_err(|must| wrong("checklist", must)).ok().flatten(),
        };
        if errors.is_empty() { Ok(changes) } else { Err(Error::Invalid(errors)) }
    }
}

/// A change of a task's content; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskChanges {
    pub(crate) title: Option<TaskTitle>,
    pub(crate) text: Option<TaskText>,
    pub(crate) assignee: Option<Option<UserId>>,
    pub(crate) due_at: Option<Option<Timestamp>>,
    pub(crate) labels: Option<Labels>,
    pub(crate) checklist: Option<Checklist>,
}

impl TaskChanges {
    /// The task with these changes.
    pub(super) fn applied_to(self, task: &Task) -> Task {
        let task = task.clone();
        Task {
            title: self.title.unwrap_or(task.title),
            text: self.text.unwrap_or(task.text),
            assignee_id: self.assignee.unwrap_or(task.assignee_id),
            due_at: self.due_at.unwrap_or(task.due_at),
            labels: self.labels.unwrap_or(task.labels),
            checklist: self.checklist.unwrap_or(task.checklist),
            ..task
        }
    }
}
