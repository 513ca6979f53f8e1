//! A plan of work from a template for its category and the user's own sentences: each sentence becomes a task
//! between what comes before and after such work.

use serde::{Deserialize, Serialize};

use super::compose::shortened_to;
use super::language::Language;
use super::rank::{heaviest, weights};
use super::sentences::{Sentence, sentences};
use super::words::stems;
use crate::generation::error::GenerationError;

/// The templates, as data.
const TEMPLATES: &str = include_str!("plan_templates.json");

/// The categories that have a template of their own.
#[cfg(test)]
pub(crate) const CATEGORIES: [&str; 5] = ["plumbing", "painting", "cleaning", "moving", "gardening"];

/// Tasks that are made of the user's sentences.
const MOST_SENTENCES: usize = 10;

/// Longest title in characters.
const TITLE: usize = 120;

/// Longest text in characters.
const TEXT: usize = 900;

/// The templates by language.
#[derive(Deserialize)]
struct Templates {
    english: OfLanguage,
    german: OfLanguage,
}

#[derive(Deserialize)]
struct OfLanguage {
    /// How a plan begins: where its words come from.
    summary: String,
    /// The title of the phase of the user's sentences.
    work: String,
    /// For a text without sentences.
    nothing: String,
    /// For categories without a template of their own.
    general: Template,
    categories: std::collections::BTreeMap<String, Template>,
}

/// What comes before and after the work itself, and how long a sentence of it takes.
#[derive(Deserialize)]
struct Template {
    before: Phase,
    hours: u32,
    after: Phase,
}

#[derive(Serialize, Deserialize)]
struct Phase {
    title: String,
    tasks: Vec<Task>,
}

#[derive(Serialize, Deserialize)]
struct Task {
    #[serde(default)]
    id: String,
    title: String,
    #[serde(default)]
    text: String,
    hours: u32,
    #[serde(default)]
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Plan {
    summary: String,
    phases: Vec<Phase>,
}

/// A plan as JSON.
pub(super) fn plan(category: &str, title: &str, text: &str) -> Result<String, GenerationError> {
    let broken = |_| GenerationError::Malformed { detail: "the embedded templates cannot be read" };
    let Templates { english, german } = serde_json::from_str(TEMPLATES).map_err(broken)?;
    let mut words = match Language::of(text) {
        Language::English => english,
        Language::German => german,
    };
    let template = words.categories.remove(category).unwrap_or(words.general);
    let all = sentences(text);
    let chosen = heaviest(&all, &weights(&all, &stems(title)), MOST_SENTENCES);
    let before = named(template.before, "a", &[]);
    let preparation: Vec<_> = before.tasks.last().map(|task| task.id.clone()).into_iter().collect();
    let work = Phase { title: words.work, tasks: tasks(&chosen, &words.nothing, template.hours) };
    let work = named(work, "b", &preparation);
    let done: Vec<_> = work.tasks.iter().map(|task| task.id.clone()).collect();
    let after = named(template.after, "c", &done);
    let plan = Plan { summary: format!("{} {title}", words.summary), phases: vec![before, work, after] };
    serde_json::to_string(&plan).map_err(broken)
}

fn tasks(chosen: &[&Sentence], nothing: &str, hours: u32) -> Vec<Task> {
    let task =
        |title: String, text: String| Task { id: String::new(), title, text, hours, depends_on: Vec::new() };
    if chosen.is_empty() {
        return vec![task(nothing.to_owned(), String::new())];
    }
    chosen
        .iter()
        .map(|sentence| task(shortened_to(&sentence.text, TITLE), shortened_to(&sentence.text, TEXT)))
        .collect()
}

/// The phase with ids. Its first task depends on `first`, each later one of a template on the one before it;
/// what users wrote depends on `first` alone, since nobody has said in which order it is done.
fn named(phase: Phase, prefix: &str, first: &[String]) -> Phase {
    let is_work = prefix == "b";
    let mut before = first.to_vec();
    let name = |(at, task): (usize, Task)| {
        let id = format!("{prefix}{}", at + 1);
        let depends_on = before.clone();
        if !is_work {
            before = vec![id.clone()];
        }
        Task { id, depends_on, ..task }
    };
    let tasks = phase.tasks.into_iter().enumerate().map(name).collect();
    Phase { tasks, ..phase }
}
