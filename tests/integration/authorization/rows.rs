//! The rows of `matrix.txt`: how each route is called, and what each kind of caller is answered.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

use super::world::{Stage, World};
use crate::support::TestApp;

/// Kinds of callers, one per column.
pub(super) const CALLERS: [&str; 8] =
    ["anonymous", "suspended", "expired", "revoked", "same role", "other side", "admin", "owner"];

/// The answers to all callers.
pub(super) type Statuses = [u16; CALLERS.len()];

/// Which user's row is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Ana,
    Ben,
}

/// A route, called in one stage of the world.
pub(super) struct Row {
    /// The route as in the OpenAPI document.
    pub(super) route: &'static str,
    pub(super) stage: Stage,
    pub(super) whose: Whose,
    /// Path at which the owner reads what a refused call must not have changed.
    pub(super) read_back: &'static str,
    /// The query (`?..`) or the body (`{..}`) of the call; empty for neither.
    sends: &'static str,
}

impl Row {
    /// The path and query of the call.
    pub(super) fn path(&self, app: &TestApp, world: &World) -> String {
        let path = world.fill(app, self.route.split_once(' ').unwrap().1);
        if self.sends.starts_with('?') { path + &world.fill(app, self.sends) } else { path }
    }

    /// The collection that the row adds to: `entries` of `POST /entries`.
    pub(super) fn collection(&self) -> Option<&'static str> {
        self.route.strip_prefix("POST /").filter(|path| !path.contains('/'))
    }

    /// The body of the call, or `null`.
    pub(super) fn body(&self, app: &TestApp, world: &World) -> Value {
        match self.sends.starts_with('{') {
            true => serde_json::from_str(&world.fill(app, self.sends)).unwrap(),
            false => Value::Null,
        }
    }
}

/// The file, read when the tests run: after a change of it nothing needs to be compiled.
pub(super) static MATRIX: LazyLock<String> = LazyLock::new(|| std::fs::read_to_string(file()).unwrap());

/// All rows, in the order of the file.
pub(super) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut section = None;
    let mut rows = Vec::new();
    for line in MATRIX.lines() {
        if let Some(text) = line.strip_prefix("== ") {
            section = read_section(text);
            assert!(section.is_some(), "{line}");
        } else if let Some((route, sends)) = read_row(line) {
            let (stage, whose, read_back) = section.unwrap_or_else(|| panic!("{route} is in no section"));
            rows.push(Row { route, stage, whose, read_back, sends });
        }
    }
    rows
});

/// Writes the file with these statuses.
pub(super) fn update(matrix: &str) {
    std::fs::write(file(), matrix).unwrap();
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/integration/authorization/matrix.txt")
}

fn read_section(text: &'static str) -> Option<(Stage, Whose, &'static str)> {
    let (stage, of) = text.split_once(": ")?;
    let (whose, read_back) = of.split_once("'s ")?;
    let whose = match whose {
        "ana" => Whose::Ana,
        "ben" => Whose::Ben,
        _ => return None,
    };
    Some((Stage::named(stage)?, whose, read_back))
}

/// The route of a line, and what is behind its statuses; `None` if the line is not a row.
fn read_row(line: &'static str) -> Option<(&'static str, &'static str)> {
    line.starts_with(|first: char| first.is_ascii_uppercase()).then_some(())?;
    let path = line.find(' ')? + 1;
    let route = path + line.get(path..)?.find(' ').unwrap_or(line.len() - path);
    let (route, rest) = line.split_at(route);
    Some((route, rest.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit())))
}

/// The file's text with these statuses in its rows, and the callers above them.
pub(super) fn with_statuses(statuses: &[Statuses]) -> String {
    let mut statuses = statuses.iter();
    let mut text = String::new();
    for line in MATRIX.lines() {
        let line = match read_row(line) {
            Some((route, sends)) => {
                let cells = statuses.next().unwrap().map(|status| format!("{status:<11}"));
                format!("{route:<50}{}{sends}", cells.concat())
            }
            None if line.starts_with(' ') => {
                format!("{:<50}{}", "", CALLERS.map(|caller| format!("{caller:<11}")).concat())
            }
            None => line.to_owned(),
        };
        text += line.trim_end();
        text.push('\n');
    }
    text
}
