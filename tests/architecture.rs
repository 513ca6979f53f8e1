//! The architecture of `src`: which module may use which, that no files import each other in a cycle, which
//! names stay in which module, how long a file may be.
//!
//! Reads the sources as text. A rule that must change is changed here, in the same commit, where reviewers
//! see it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod source_tree;

use std::collections::{BTreeMap, BTreeSet};

use source_tree::{Tree, names};

/// The modules ("rooms") from top to bottom, each with the other modules that it may use, which must be below
/// it. A file belongs to the module whose path is the longest prefix of its own.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["server", "app", "auth", "domain", "db", "config", "telemetry", "secret", "clock", "ids"]),
    (
        "server",
        &[
            "realtime",
            "realtime/gateway",
            "realtime/routes",
            "realtime/websocket",
            "http",
            "http/middleware",
            "app",
            "nodes",
            "bus",
            "hub",
            "protocol",
            "auth",
            "jobs",
            "domain",
            "db",
            "events",
            "simulation",
            "generation",
            "config",
            "telemetry",
            "limits",
            "clock",
            "ids",
        ],
    ),
    // The facade of the folder: it only names its parts.
    ("realtime", &["realtime/routes", "realtime/gateway", "realtime/metrics"]),
    (
        "realtime/routes",
        &[
            "realtime/socketio",
            "realtime/session",
            "realtime/handlers",
            "realtime/rooms",
            "realtime/admission",
            "realtime/gateway",
            "realtime/engineio",
            "realtime/websocket",
            "realtime/target",
            "http",
            "hub",
            "protocol",
            "domain",
            "ids",
        ],
    ),
    (
        "realtime/socketio",
        &[
            "realtime/session",
            "realtime/admission",
            "realtime/admission/pending_connections",
            "realtime/gateway",
            "realtime/engineio",
            "realtime/websocket",
            "realtime/target",
            "realtime/connection",
            "hub",
            "protocol",
            "domain",
            "config",
            "json",
            "secret",
            "ids",
        ],
    ),
    (
        "realtime/session",
        &[
            "realtime/handlers",
            "realtime/admission",
            "realtime/admission/pending_connections",
            "realtime/gateway",
            "realtime/metrics",
            "realtime/limits",
            "realtime/target",
            "realtime/connection",
            "nodes",
            "hub",
            "protocol",
            "domain",
            "config",
            "limits",
            "clock",
            "ids",
        ],
    ),
    (
        "realtime/handlers",
        &[
            "realtime/rooms",
            "realtime/admission",
            "realtime/gateway",
            "realtime/limits",
            "realtime/target",
            "realtime/connection",
            "hub",
            "protocol",
            "jobs",
            "domain",
            "db",
            "events",
            "json",
            "secret",
            "ids",
        ],
    ),
    ("realtime/rooms", &["domain", "db", "ids"]),
    (
        "realtime/admission",
        &[
            "realtime/gateway",
            "realtime/admission/pending_connections",
            "realtime/websocket",
            "app",
            "nodes",
            "hub",
            "protocol",
            "auth",
            "domain",
            "limits",
            "secret",
            "ids",
        ],
    ),
    (
        "realtime/gateway",
        &[
            "realtime/metrics",
            "realtime/limits",
            "realtime/admission/pending_connections",
            "realtime/engineio",
            "realtime/websocket",
            "app",
            "nodes",
            "hub",
            "protocol",
            "domain",
            "config",
        ],
    ),
    (
        "realtime/metrics",
        &["realtime/admission/pending_connections", "realtime/engineio", "protocol", "telemetry"],
    ),
    ("realtime/limits", &["protocol", "config"]),
    ("realtime/admission/pending_connections", &[]),
    ("realtime/engineio", &["realtime/websocket", "realtime/connection", "http", "hub", "protocol"]),
    ("realtime/websocket", &["realtime/connection", "http", "hub", "protocol", "secret"]),
    ("realtime/target", &["hub", "ids"]),
    ("realtime/connection", &["protocol"]),
    // The routes share what `http` offers: extractors, problems, replies.
    ("http/routes", &["http/api", "http/openapi", "http", "config"]),
    ("http/openapi", &["http/api", "http", "domain"]),
    (
        "http/api",
        &[
            "http",
            "health",
            "app",
            "nodes",
            "hub",
            "protocol",
            "auth",
            "jobs",
            "domain",
            "db",
            "simulation",
            "config",
            "events",
            "limits",
            "clock",
            "ids",
        ],
    ),
    ("http/middleware", &["http", "app", "auth", "domain", "config", "limits", "telemetry", "clock", "ids"]),
    ("http", &["app", "auth", "domain", "db", "config", "limits", "json", "clock", "ids"]),
    ("health", &["app", "nodes", "bus", "hub", "db", "telemetry", "clock", "ids"]),
    (
        "app",
        &[
            "nodes",
            "bus",
            "hub",
            "auth",
            "jobs",
            "domain",
            "db",
            "generation",
            "config",
            "telemetry",
            "limits",
            "clock",
            "ids",
        ],
    ),
    ("nodes", &["hub", "protocol", "domain", "db", "events", "clock", "ids"]),
    ("bus", &["secret", "ids"]),
    ("hub", &["protocol", "domain", "db", "config", "events", "clock", "ids"]),
    ("protocol", &["json", "secret", "clock", "ids"]),
    ("auth", &["domain", "db", "events", "config", "telemetry", "limits", "secret", "clock", "ids"]),
    ("jobs", &["domain", "db", "simulation", "generation", "clock", "ids"]),
    ("domain", &["db", "simulation", "events", "clock", "ids"]),
    ("db", &["events", "limits", "clock", "ids"]),
    ("events", &["clock", "ids"]),
    ("simulation", &[]),
    ("generation", &["config", "telemetry", "secret", "clock", "ids"]),
    ("config", &["secret"]),
    ("telemetry", &[]),
    ("limits", &["clock", "ids"]),
    ("json", &[]),
    ("secret", &[]),
    ("ids", &["clock"]),
    ("clock", &[]),
];

/// Crates that a module may not name: decisions made there must not depend on the transport.
const MUST_NOT_NAME: &[(&str, &[&str])] = &[
    ("domain", &["actix", "actix_web", "actix_http", "serde_json::Value"]),
    ("auth", &["actix_web", "actix_http"]),
    ("db", &["actix_web", "actix_http"]),
    ("events", &["actix", "actix_web", "actix_http"]),
    ("simulation", &["actix", "actix_web", "actix_http", "diesel"]),
    ("generation", &["actix", "actix_web", "actix_http"]),
    ("hub", &["actix_web", "actix_http", "actix_web_actors"]),
    ("protocol", &["actix", "actix_web", "actix_http", "actix_web_actors"]),
];

/// Names with one home: using them elsewhere would bypass a check.
const AT_HOME_ONLY: &[(&str, &[&str])] = &[
    // Where the scope is defined, and where it is constructed.
    ("Scope::new", &["auth", "domain/policy"]),
    ("ScopeParts", &["auth", "domain/policy"]),
    ("actix_web_actors", &["realtime/websocket"]),
    ("actix_http::ws", &["realtime/websocket"]),
];

const LONGEST_FILE: usize = 500;
const LONGEST_MAIN: usize = 60;

#[test]
fn every_file_stands_in_a_room_and_every_room_exists() {
    assert_eq!(strangers(&Tree::of_this_crate()), Vec::<String>::new());
}

/// Files without a module, modules without a file, and modules that may use what is not below them.
fn strangers(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in tree.files() {
        if file != "lib.rs" && room_of(file).is_none() {
            wrong.push(format!("src/{file} stands in no room: give its module a row in ROOMS"));
        }
    }
    for (at, (room, may_use)) in ROOMS.iter().enumerate() {
        if !tree.files().any(|file| room_of(file) == Some(room)) {
            wrong.push(format!("the room {room} has a row in ROOMS and no file"));
        }
        for other in *may_use {
            if !ROOMS[at + 1..].iter().any(|(below, _)| below == other) {
                wrong.push(format!("{room} may use {other}, which does not stand below it"));
            }
        }
    }
    wrong
}

#[test]
fn rooms_use_only_what_stands_below_them() {
    assert_eq!(upward_imports(&Tree::of_this_crate()), Vec::<String>::new());
}

fn upward_imports(tree: &Tree) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for import in tree.imports() {
        let (Some(from), Some(to)) = (room_of(&import.from), room_of(&import.to)) else { continue };
        let may_use = ROOMS.iter().find(|(room, _)| *room == from).map_or(&[][..], |(_, may_use)| may_use);
        if from != to && !may_use.contains(&to) {
            wrong.insert(format!("src/{} names {}: {from} may not use {to}", import.from, import.path));
        }
    }
    wrong.into_iter().collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(circles(&Tree::of_this_crate()), Vec::<String>::new());
}

/// Import cycles between files. A `mod.rs` is the facade of its folder: what a file in the folder takes from
/// it is taken from its own module, and is no import of another.
fn circles(tree: &Tree) -> Vec<String> {
    let named = tree.imports();
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in &named {
        let is_own_folder =
            import.to.strip_suffix("mod.rs").is_some_and(|folder| import.from.starts_with(folder));
        if import.from != import.to && !is_own_folder && !import.is_re_export {
            imports.entry(&import.from).or_default().insert(&import.to);
        }
    }
    let reach = |start: &str| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(file) = open.pop() {
            for next in imports.get(file).into_iter().flatten() {
                if reached.insert(*next) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports.keys().map(|file| (*file, reach(file))).collect();
    let mut found = BTreeSet::new();
    for (file, others) in &reached {
        if others.contains(file) {
            let circle: Vec<_> = others
                .iter()
                .filter(|other| reached.get(**other).is_some_and(|back| back.contains(file)))
                .copied()
                .collect();
            found.insert(circle.join(" ⇄ "));
        }
    }
    found.into_iter().collect()
}

#[test]
fn nothing_climbs_past_its_parent() {
    assert_eq!(detours(&Tree::of_this_crate()), Vec::<String>::new());
}

/// `super::super` names an item relative to the importing file; `crate::…` names it absolutely and survives
/// moves.
fn detours(tree: &Tree) -> Vec<String> {
    tree.sources()
        .filter(|source| source.code.contains("super::super"))
        .map(|source| format!("src/{} goes through super::super", source.file))
        .collect()
}

#[test]
fn what_is_decided_inside_does_not_depend_on_how_it_is_carried() {
    let mut wrong = Vec::new();
    for source in Tree::of_this_crate().sources() {
        for (place, crates) in MUST_NOT_NAME.iter().filter(|(place, _)| is_in(&source.file, place)) {
            for name in crates.iter().filter(|name| names(&source.code, name)) {
                wrong.push(format!("src/{}: {place} must not name {name}", source.file));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn some_names_have_one_home() {
    let mut wrong = Vec::new();
    for source in Tree::of_this_crate().sources() {
        for (name, homes) in AT_HOME_ONLY {
            if !homes.iter().any(|home| is_in(&source.file, home)) && names(&source.code, name) {
                wrong.push(format!("src/{} names {name}, which lives in {}", source.file, homes.join(", ")));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn files_are_short() {
    let tree = Tree::of_this_crate();
    let too_long: Vec<_> = tree
        .sources()
        .filter(|source| source.lines > if source.file == "main.rs" { LONGEST_MAIN } else { LONGEST_FILE })
        .map(|source| format!("src/{} has {} lines", source.file, source.lines))
        .collect();
    assert_eq!(too_long, Vec::<String>::new());
}

fn room_of(file: &str) -> Option<&'static str> {
    let rooms = ROOMS.iter().map(|(room, _)| *room).filter(|room| is_in(file, room));
    rooms.max_by_key(|room| room.len())
}

/// Whether `file` (`hub/room/state.rs`) is the module `place` (`hub`) or in its folder.
fn is_in(file: &str, place: &str) -> bool {
    file.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Each check must find a planted fault, since the sources contain none.
mod planted {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        Tree::of(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn an_upward_import_is_found_also_through_a_re_export() {
        let direct =
            tree(&[("db/write.rs", "use crate::http::Problem;"), ("http/mod.rs", "pub struct Problem;")]);
        assert_eq!(upward_imports(&direct).len(), 1, "{:?}", upward_imports(&direct));
        let inline =
            tree(&[("db/write.rs", "fn f() { crate::{http::x()} }"), ("http/mod.rs", "pub fn x() {}")]);
        assert_eq!(upward_imports(&inline).len(), 1);
        let re_exported = tree(&[
            ("hub/mod.rs", "mod handle;\npub use handle::HubHandle;"),
            ("hub/handle.rs", "pub struct HubHandle;"),
            ("db/write.rs", "fn f() { let hub: crate::hub::HubHandle; }"),
        ]);
        assert_eq!(upward_imports(&re_exported).len(), 1);
    }

    #[test]
    fn a_circle_is_found_also_through_the_face_of_the_folder() {
        let direct = tree(&[
            ("hub/mod.rs", "mod a;\nmod b;"),
            ("hub/a.rs", "use super::b::B;\npub struct A;"),
            ("hub/b.rs", "use super::a::A;\npub struct B;"),
        ]);
        assert_eq!(circles(&direct), ["hub/a.rs ⇄ hub/b.rs"]);
        let re_exported = tree(&[
            ("hub/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
            ("hub/a.rs", "use crate::hub::B;\npub struct A;"),
            ("hub/b.rs", "pub struct B;\nfn f(a: super::A) {}"),
        ]);
        assert_eq!(circles(&re_exported), ["hub/a.rs ⇄ hub/b.rs"]);
    }

    #[test]
    fn a_detour_is_found() {
        let tree = tree(&[("hub/room/state.rs", "use super::super::Delivery;")]);
        assert_eq!(detours(&tree).len(), 1);
    }

    #[test]
    fn a_module_without_a_room_is_found() {
        let tree = tree(&[("gossip/mod.rs", "")]);
        assert!(strangers(&tree).iter().any(|wrong| wrong.contains("src/gossip/mod.rs stands in no room")));
    }

    #[test]
    fn what_only_looks_like_code_is_not_code() {
        let tree = tree(&[
            (
                "db/write.rs",
                "// use crate::http::Problem;\nconst S: &str = \"crate::http\";\n#[cfg(test)]\nmod tests {\n use crate::http::Problem; }",
            ),
            ("http/mod.rs", "pub struct Problem;"),
        ]);
        assert_eq!(upward_imports(&tree), Vec::<String>::new());
        assert!(names("a Scope::new(", "Scope::new") && !names("MyScope::new(", "Scope::new"));
        assert!(!names("Scope::newest(", "Scope::new"));
    }
}
