//! The shape of the house: who may know whom, which names stay in which room, how long a file may be.
//!
//! Reads the sources as text. A rule that must change is changed here, in the same commit, where reviewers see it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which other modules of ours a module may name. The longest matching path decides.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("config", &[]),
    ("telemetry", &[]),
    ("ids", &["clock"]),
    ("json", &[]),
    ("limits", &["clock", "ids"]),
    ("events", &["clock", "ids", "db"]),
    ("db", &["clock", "ids", "events"]),
    ("domain", &["clock", "ids", "db", "events"]),
    ("auth", &["clock", "ids", "db", "events", "domain", "config", "cluster", "telemetry", "limits"]),
    ("cluster", &["clock", "ids", "db", "events", "config", "telemetry"]),
    ("realtime/protocol", &["clock", "ids", "json"]),
    (
        "realtime",
        &[
            "clock",
            "ids",
            "json",
            "limits",
            "db",
            "events",
            "domain",
            "auth",
            "cluster",
            "config",
            "telemetry",
            "app",
            "http",
        ],
    ),
    (
        "http",
        &[
            "clock",
            "ids",
            "json",
            "limits",
            "db",
            "events",
            "domain",
            "auth",
            "cluster",
            "config",
            "telemetry",
            "app",
            "realtime",
        ],
    ),
    (
        "dashboard",
        &["clock", "ids", "db", "events", "domain", "auth", "cluster", "config", "telemetry", "app", "http"],
    ),
];

/// Crates that a module may not name: what is decided there must not depend on how it is carried.
const MUST_NOT_NAME: &[(&str, &[&str])] = &[
    ("domain", &["actix", "actix_web", "actix_http", "serde_json::Value"]),
    ("auth", &["actix_web", "actix_http"]),
    ("db", &["actix_web", "actix_http"]),
    ("events", &["actix_web", "actix_http"]),
    ("realtime/protocol", &["actix", "actix_web", "actix_http", "actix_web_actors"]),
];

/// Names with one home: naming them elsewhere goes around a check.
const AT_HOME_ONLY: &[(&str, &str)] = &[
    ("Scope::new", "auth"),
    ("ScopeParts", "auth"),
    ("actix_web_actors", "realtime/transport"),
    ("actix_http::ws", "realtime/transport"),
];

const LONGEST_FILE: usize = 500;
const LONGEST_MAIN: usize = 60;

struct Source {
    /// Under `src`, without `.rs` or `/mod.rs`: `domain/offers`.
    module: String,
    path: PathBuf,
    /// Without comments, literals and the tests at its end.
    code: String,
    lines: usize,
}

impl Source {
    fn is_in(&self, place: &str) -> bool {
        self.module.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                sources.push(read(&root, path));
            }
        }
    }
    assert!(sources.len() > 20, "found only {} sources", sources.len());
    sources
}

fn read(root: &Path, path: PathBuf) -> Source {
    let text = std::fs::read_to_string(&path).unwrap();
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let module = relative.to_str().unwrap().trim_end_matches("/mod").to_owned();
    let is_tests = module.ends_with("tests");
    let code = if is_tests { String::new() } else { code_of(&text) };
    Source { module, code, lines: text.lines().count(), path }
}

/// The code without what only looks like code, and without the tests at the end of the file.
fn code_of(text: &str) -> String {
    let shown = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    shown
        .lines()
        .map(|line| {
            let code = line.split("//").next().unwrap_or_default();
            // What stands between quotes; a quote in a character literal hides no path worth finding.
            code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules of ours that `code` names: what follows `crate::`, also in braces.
fn named(code: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => names.extend(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        c if begins && c.is_alphabetic() => {
                            begins = false;
                            names.extend(word(&group[at..]));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}

/// Whether everything that `code` names of our module `own` lies within `part`.
fn only_names(code: &str, own: &str, part: &str) -> bool {
    code.matches(&format!("crate::{own}")).count() == code.matches(part).count()
}

/// Whether `code` names `path`, and not a longer name that ends or goes on like it.
fn names(code: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[test]
fn modules_know_only_whom_they_may() {
    let mut wrong = Vec::new();
    for source in sources() {
        let rule =
            MAY_NAME.iter().filter(|(place, _)| source.is_in(place)).max_by_key(|(place, _)| place.len());
        let Some((place, allowed)) = rule else { continue };
        let own = place.split('/').next().unwrap();
        for name in named(&source.code) {
            // A part of a module (`realtime/protocol`) may name itself, not the rest of its module.
            let is_part = place.contains('/');
            let part = format!("crate::{}", place.replace('/', "::"));
            let is_own = name == own && (!is_part || only_names(&source.code, own, &part));
            if !is_own && !allowed.contains(&name) {
                wrong.push(format!("{} names crate::{name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the directions of the architecture:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_decided_inside_does_not_depend_on_how_it_is_carried() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (place, crates) in MUST_NOT_NAME.iter().filter(|(place, _)| source.is_in(place)) {
            for name in crates.iter().filter(|name| names(&source.code, name)) {
                wrong.push(format!("{}: {place} must not name {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn some_names_have_one_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, home) in AT_HOME_ONLY {
            // Where the scope itself is defined and shown to the others.
            let is_definition = *home == "auth" && source.is_in("domain/policy");
            if !source.is_in(home) && !is_definition && names(&source.code, name) {
                wrong.push(format!("{} names {name}, which lives in src/{home}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let too_long: Vec<_> = sources()
        .into_iter()
        .filter(|source| {
            let longest = if source.module == "main" { LONGEST_MAIN } else { LONGEST_FILE };
            source.lines > longest
        })
        .map(|source| format!("{} has {} lines", source.path.display(), source.lines))
        .collect();
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn the_reader_of_sources_finds_what_is_named() {
    let code = code_of(
        "use crate::{db::{Db, x}, ids::Room};\n// crate::http\nlet a = \"crate::auth\"; crate::clock::now()",
    );
    assert_eq!(named(&code), BTreeSet::from(["clock", "db", "ids"]));
    assert!(names("a Scope::new(", "Scope::new") && !names("MyScope::new(", "Scope::new"));
    assert!(!names("Scope::newest(", "Scope::new"));
}
