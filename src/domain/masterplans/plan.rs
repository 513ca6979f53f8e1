//! A plan as structured data: phases of tasks with estimates and dependencies. Whoever writes it, only
//! [`Plan::parse`] makes one, and its faults name what is wrong and where, so that a writer can mend them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::FieldError;
use crate::domain::text::{MultiLine, SingleLine};

/// Most phases of a plan.
pub(crate) const MOST_PHASES: usize = 12;

/// Most tasks of a plan.
pub(crate) const MOST_TASKS: usize = 100;

/// Most tasks that one task depends on.
pub(crate) const MOST_DEPENDENCIES: usize = 10;

/// Longest estimate of a task in hours.
pub(crate) const MOST_HOURS: u32 = 400;

/// Faults that are told at once.
const MOST_FAULTS: usize = 20;

/// The work in one or two sentences.
pub(crate) type Summary = MultiLine<1000>;

/// Title of a phase.
pub(crate) type PhaseTitle = SingleLine<120>;

/// Title of a task in a plan: short enough for the board with a number before it.
pub(crate) type PlannedTitle = SingleLine<160>;

/// What a task of a plan consists of.
pub(crate) type PlannedText = MultiLine<1000>;

/// The name of a task within its plan.
pub(crate) type TaskKey = SingleLine<40>;

/// A plan without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Plan {
    summary: Summary,
    /// 1 to 12, in the order in which they are done; at most 100 tasks in all.
    #[schema(min_items = 1, max_items = 12)]
    phases: Vec<Phase>,
}

/// A part of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Phase {
    title: PhaseTitle,
    #[schema(min_items = 1, max_items = 100)]
    tasks: Vec<PlannedTask>,
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PlannedTask {
    /// Its name within the plan.
    id: TaskKey,
    title: PlannedTitle,
    text: PlannedText,
    /// The estimate.
    #[schema(minimum = 1, maximum = 400)]
    hours: u32,
    /// Tasks of the plan that are done before. There are no circles.
    #[schema(max_items = 10)]
    depends_on: Vec<TaskKey>,
}

/// What somebody has written, checked for its form only.
#[derive(Deserialize)]
struct Draft {
    summary: String,
    phases: Vec<DraftPhase>,
}

#[derive(Deserialize)]
struct DraftPhase {
    title: String,
    tasks: Vec<DraftTask>,
}

#[derive(Deserialize)]
struct DraftTask {
    id: String,
    title: String,
    #[serde(default)]
    text: String,
    hours: u32,
    #[serde(default)]
    depends_on: Vec<String>,
}

impl Plan {
    /// Reads a plan from JSON. Fields that no plan has are ignored, since models add some.
    ///
    /// # Errors
    /// Every fault with its place, at most twenty.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<FieldError>> {
        let mut reader = serde_json::Deserializer::from_str(json.trim());
        let draft: Draft = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "plan".to_owned() } else { path };
            // Without serde_json's position, which means nothing to whoever writes the text anew.
            let message = error.into_inner().to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            vec![FieldError::new(field, message)]
        })?;
        if reader.end().is_err() {
            return Err(vec![FieldError::new("plan", "must be one JSON object and nothing else")]);
        }
        Faults::default().plan(draft)
    }

    /// The work in one or two sentences.
    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The phases, in order.
    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// All estimates together.
    pub(crate) fn hours(&self) -> u32 {
        self.tasks().map(|(_, task)| task.hours).sum()
    }

    /// The tasks with their phases, in order.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (&Phase, &PlannedTask)> {
        self.phases.iter().flat_map(|phase| phase.tasks.iter().map(move |task| (phase, task)))
    }

    /// The tasks' numbers, such as `2.1` for the first one of the second phase.
    pub(crate) fn numbers(&self) -> BTreeMap<&str, String> {
        let phases = self.phases.iter().enumerate();
        let numbered = phases.flat_map(|(phase, Phase { tasks, .. })| {
            let tasks = tasks.iter().enumerate();
            tasks.map(move |(task, of)| (of.id.as_str(), format!("{}.{}", phase + 1, task + 1)))
        });
        numbered.collect()
    }
}

impl Phase {
    /// Its title.
    pub(crate) fn title(&self) -> &PhaseTitle {
        &self.title
    }
}

impl PlannedTask {
    /// Its name within the plan.
    pub(crate) fn id(&self) -> &TaskKey {
        &self.id
    }

    /// Its title.
    pub(crate) fn title(&self) -> &PlannedTitle {
        &self.title
    }

    /// What it consists of.
    pub(crate) fn text(&self) -> &PlannedText {
        &self.text
    }

    /// The estimate in hours.
    pub(crate) fn hours(&self) -> u32 {
        self.hours
    }

    /// The tasks that are done before.
    pub(crate) fn depends_on(&self) -> &[TaskKey] {
        &self.depends_on
    }
}

/// Collects what is wrong with a draft.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn plan(mut self, draft: Draft) -> Result<Plan, Vec<FieldError>> {
        let summary = self.take("summary", Summary::parse_some(&draft.summary));
        if draft.phases.is_empty() || draft.phases.len() > MOST_PHASES {
            self.refuse("phases", format!("must be 1 to {MOST_PHASES}, not {}", draft.phases.len()));
        }
        let tasks: usize = draft.phases.iter().map(|phase| phase.tasks.len()).sum();
        if tasks > MOST_TASKS {
            self.refuse("phases", format!("must have at most {MOST_TASKS} tasks in all, not {tasks}"));
        }
        if !self.0.is_empty() {
            return Err(self.0);
        }
        let phases: Vec<_> =
            draft.phases.into_iter().enumerate().filter_map(|(at, phase)| self.phase(at, phase)).collect();
        if self.0.is_empty() {
            self.dependencies(&phases);
        }
        match summary {
            Some(summary) if self.0.is_empty() => Ok(Plan { summary, phases }),
            _ => Err(self.0),
        }
    }

    fn phase(&mut self, at: usize, draft: DraftPhase) -> Option<Phase> {
        let path = format!("phases[{at}]");
        let title = self.take(format!("{path}.title"), PhaseTitle::parse(&draft.title));
        if draft.tasks.is_empty() {
            self.refuse(format!("{path}.tasks"), "must not be empty".to_owned());
        }
        let tasks = draft.tasks.into_iter().enumerate();
        let tasks = tasks.filter_map(|(at, task)| self.task(format!("{path}.tasks[{at}]"), &task)).collect();
        Some(Phase { title: title?, tasks })
    }

    fn task(&mut self, path: String, draft: &DraftTask) -> Option<PlannedTask> {
        let id = self.take(format!("{path}.id"), TaskKey::parse(&draft.id));
        let title = self.take(format!("{path}.title"), PlannedTitle::parse(&draft.title));
        let text = self.take(format!("{path}.text"), PlannedText::parse(&draft.text));
        let hours = draft.hours;
        if !(1..=MOST_HOURS).contains(&hours) {
            self.refuse(format!("{path}.hours"), format!("must be 1 to {MOST_HOURS}, not {hours}"));
        }
        if draft.depends_on.len() > MOST_DEPENDENCIES {
            self.refuse(format!("{path}.depends_on"), format!("must name at most {MOST_DEPENDENCIES} tasks"));
        }
        let depends_on = draft.depends_on.iter().take(MOST_DEPENDENCIES).enumerate();
        let depends_on = depends_on
            .map(|(at, on)| self.take(format!("{path}.depends_on[{at}]"), TaskKey::parse(on)))
            .collect::<Option<_>>();
        Some(PlannedTask { id: id?, title: title?, text: text?, hours, depends_on: depends_on? })
    }

    /// Ids are unique, dependencies exist, and none leads back to its task.
    fn dependencies(&mut self, phases: &[Phase]) {
        let places = phases.iter().enumerate().flat_map(|(phase, Phase { tasks, .. })| {
            let tasks = tasks.iter().enumerate();
            tasks.map(move |(at, task)| (format!("phases[{phase}].tasks[{at}]"), task))
        });
        let mut tasks: BTreeMap<&str, &PlannedTask> = BTreeMap::new();
        for (path, task) in places.clone() {
            if tasks.insert(task.id.as_str(), task).is_some() {
                self.refuse(
                    format!("{path}.id"),
                    format!("{:?} is the id of another task", task.id.as_str()),
                );
            }
        }
        if !self.0.is_empty() {
            // Until ids are unique, nobody knows what depends on what.
            return;
        }
        for (path, task) in places {
            for on in &task.depends_on {
                if !tasks.contains_key(on.as_str()) {
                    let unknown = format!("{:?} is not the id of a task", on.as_str());
                    self.refuse(format!("{path}.depends_on"), unknown);
                }
            }
            if leads_to_itself(task, &tasks) {
                self.refuse(format!("{path}.depends_on"), "leads back to the task itself".to_owned());
            }
        }
    }

    fn take<T>(&mut self, field: impl Into<String>, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|must| self.refuse(field, must)).ok()
    }

    fn refuse(&mut self, field: impl Into<String>, message: String) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(FieldError::new(field.into(), message));
        }
    }
}

fn leads_to_itself(task: &PlannedTask, tasks: &BTreeMap<&str, &PlannedTask>) -> bool {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&TaskKey> = task.depends_on.iter().collect();
    while let Some(on) = open.pop() {
        if *on == task.id {
            return true;
        }
        if reached.insert(on.as_str()) {
            open.extend(tasks.get(on.as_str()).into_iter().flat_map(|before| &before.depends_on));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A change of a good plan, and the faults that it brings.
    type Case = (fn(&mut Value), &'static [&'static str]);

    fn plan() -> Value {
        json!({
            "summary": "A new bathroom.",
            "phases": [
                {"title": "Before", "tasks": [{"id": "a", "title": "Measure", "text": "All walls.", "hours": 2}]},
                {"title": "Work", "tasks": [
                    {"id": "b", "title": "Tiles", "text": "", "hours": 16, "depends_on": ["a"], "colour": "white"},
                    {"id": "c", "title": "Sink", "text": "", "hours": 4, "depends_on": ["a", "b"]}
                ]}
            ]
        })
    }

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut plan = plan();
        change(&mut plan);
        let faults = Plan::parse(&plan.to_string()).unwrap_err();
        faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect()
    }

    #[test]
    fn a_plan_reads_back_from_what_it_writes() {
        let read = Plan::parse(&plan().to_string()).unwrap();
        assert_eq!((read.hours(), read.tasks().count()), (22, 3));
        assert_eq!(read.numbers()["c"], "2.2");
        assert_eq!(Plan::parse(&serde_json::to_string(&read).unwrap()), Ok(read));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let cases: [Case; 9] = [
            (|plan| plan["phases"] = json!([]), &["phases must be 1 to 12, not 0"]),
            (|plan| plan["phases"] = json!({}), &["phases invalid type: map, expected a sequence"]),
            (|plan| plan["phases"][0]["tasks"] = json!([]), &["phases[0].tasks must not be empty"]),
            (
                |plan| plan["phases"][1]["tasks"][0]["hours"] = json!(0),
                &["phases[1].tasks[0].hours must be 1 to 400, not 0"],
            ),
            (
                |plan| {
                    plan["phases"][0]["title"] = json!("");
                    plan["phases"][1]["tasks"][1]["title"] = json!("a\nb");
                },
                &[
                    "phases[0].title must have 1 to 120 characters",
                    "phases[1].tasks[1].title must not have line breaks or control characters",
                ],
            ),
            (
                |plan| plan["phases"][1]["tasks"][0]["depends_on"] = json!(["x"]),
                &[r#"phases[1].tasks[0].depends_on "x" is not the id of a task"#],
            ),
            (
                |plan| plan["phases"][1]["tasks"][1]["id"] = json!("a"),
                &[r#"phases[1].tasks[1].id "a" is the id of another task"#],
            ),
            (
                |plan| plan["phases"][0]["tasks"][0]["depends_on"] = json!(["c"]),
                &[
                    "phases[0].tasks[0].depends_on leads back to the task itself",
                    "phases[1].tasks[0].depends_on leads back to the task itself",
                    "phases[1].tasks[1].depends_on leads back to the task itself",
                ],
            ),
            (
                |plan| plan["phases"][0]["tasks"][0]["depends_on"] = vec!["a"; 11].into(),
                &["phases[0].tasks[0].depends_on must name at most 10 tasks"],
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(faults(change), expected);
        }
        let task = |n: usize| json!({"id": n.to_string(), "title": "x", "text": "", "hours": 1});
        let many = |plan: &mut Value| plan["phases"][0]["tasks"] = (0..99).map(task).collect();
        assert_eq!(faults(many), ["phases must have at most 100 tasks in all, not 101"]);
        let wrong = |plan: &mut Value| {
            plan["phases"][0]["tasks"] =
                (0..50).map(|n| json!({"id": n.to_string(), "title": "", "hours": 1})).collect();
        };
        assert_eq!(faults(wrong).len(), MOST_FAULTS);
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for text in ["", "Sure! Here is the plan:", "[]", "{} and more", "{\"summary\": \"x\"}"] {
            assert!(Plan::parse(text).is_err(), "{text}");
        }
    }
}
