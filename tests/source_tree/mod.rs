//! The sources as a tree of modules, read as text: who imports what, resolved to the file that defines it.
//!
//! Not a compiler: what macros write is not seen, and a name that is re-exported by a glob counts for the file with the
//! glob. What it finds is there; `tests/architecture.rs` plants a fault for each check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub(crate) struct Source {
    /// Below `src`: `hub/room/state.rs`.
    pub file: String,
    /// Without comments, literals, and the tests at its end.
    pub code: String,
    /// Of the whole file.
    pub lines: usize,
}

/// That one file names something of another.
pub(crate) struct Import {
    /// Who names it.
    pub from: String,
    /// Where it is defined.
    pub to: String,
    /// As it is named, from the crate's root.
    pub path: String,
    /// Named only to show it to others, who are counted as importing it from where it is defined.
    pub is_re_export: bool,
}

/// All files of a crate.
pub(crate) struct Tree {
    sources: BTreeMap<String, Source>,
    /// Files by module path: `hub::room`.
    modules: BTreeMap<String, String>,
    /// What a module shows of others: (module, name) → path from the root.
    re_exports: BTreeMap<(String, String), String>,
}

impl Tree {
    /// The crate that this test belongs to.
    pub(crate) fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") {
                    let file = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    files.push((file, fs::read_to_string(path).unwrap()));
                }
            }
        }
        assert!(files.len() > 100, "found only {} sources", files.len());
        Self::of(files.into_iter())
    }

    /// Of files and their texts.
    pub(crate) fn of(files: impl Iterator<Item = (String, String)>) -> Self {
        let sources: BTreeMap<_, _> = files
            .map(|(file, text)| {
                let code = if is_tests(&file) { String::new() } else { code_of(&text) };
                (file.clone(), Source { file, code, lines: text.lines().count() })
            })
            .collect();
        let modules = sources.keys().map(|file| (module_of(file), file.clone())).collect();
        let mut tree = Self { sources, modules, re_exports: BTreeMap::new() };
        let mut re_exports = BTreeMap::new();
        for source in tree.sources.values() {
            let module = module_of(&source.file);
            for (path, name) in
                uses(&source.code).into_iter().filter(|used| used.is_shown).map(|used| (used.path, used.name))
            {
                if let Some(path) = tree.absolute(&module, &path) {
                    re_exports.insert((module.clone(), name), path);
                }
            }
        }
        tree.re_exports = re_exports;
        tree
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// Every import of every file, by `use` and by path.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut found = Vec::new();
        for source in self.sources.values() {
            let module = module_of(&source.file);
            let used = uses(&source.code);
            let shown: BTreeSet<_> =
                used.iter().filter(|used| used.is_shown).map(|used| &used.path).collect();
            let mut paths: BTreeSet<_> = used.iter().map(|used| used.path.clone()).collect();
            paths.extend(inline_paths(&source.code));
            for path in &paths {
                let is_re_export = shown.contains(path);
                let Some(path) = self.absolute(&module, path) else { continue };
                if let Some(to) = self.file_of(&path) {
                    let path = format!("crate::{path}");
                    found.push(Import { from: source.file.clone(), to, path, is_re_export });
                }
            }
        }
        found
    }

    /// The path from the crate's root of one that is written in `module`; nothing where another crate is named.
    fn absolute(&self, module: &str, path: &str) -> Option<String> {
        let mut segments = path.split("::").peekable();
        let mut at: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
        match *segments.peek()? {
            "crate" => {
                segments.next();
                at.clear();
            }
            "self" => drop(segments.next()),
            "super" => {
                while segments.next_if_eq(&"super").is_some() {
                    at.pop();
                }
            }
            // A child of the module itself, or another crate.
            child => {
                let own = at.iter().copied().chain([child]).collect::<Vec<_>>().join("::");
                self.modules.get(&own)?;
            }
        }
        at.extend(segments);
        Some(at.join("::"))
    }

    /// The file that defines what `path` names: the longest part of it that is a module, unless that only shows it.
    fn file_of(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        // Re-exports of re-exports end somewhere, or do not compile.
        for _ in 0..8 {
            let segments: Vec<&str> = path.split("::").collect();
            let known = (0..=segments.len()).rev().map(|n| (segments[..n].join("::"), n));
            let (module, n) = known.into_iter().find(|(module, _)| self.modules.contains_key(module))?;
            let Some(name) = segments.get(n) else { return self.modules.get(&module).cloned() };
            match self.re_exports.get(&(module.clone(), (*name).to_owned())) {
                Some(shown) => path = [&[shown.as_str()], &segments[n + 1..]].concat().join("::"),
                None => return self.modules.get(&module).cloned(),
            }
        }
        None
    }
}

fn is_tests(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("/tests/") || file.ends_with("testing.rs")
}

/// `hub/room/mod.rs` → `hub::room`; the root is empty.
fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

struct Use {
    path: String,
    /// What it is called here.
    name: String,
    /// Whether others may take it from here.
    is_shown: bool,
}

/// Every `use` of `code`, one for each name.
fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].trim_end();
        let line = code[..at].rsplit(['\n', ';', '{', '}']).next().unwrap_or_default().trim();
        if !(line.is_empty() || line.starts_with("pub")) || before.ends_with("r#") {
            continue;
        }
        let Some(end) = code[at..].find(';') else { continue };
        let mut leaves = Vec::new();
        leaves_of(&code[at + "use ".len()..at + end], "", &mut leaves);
        for (path, name) in leaves {
            found.push(Use { path, name, is_shown: line.starts_with("pub") });
        }
    }
    found
}

/// The paths of a `use` tree such as `a::{b, c::{self, d as e}}`.
fn leaves_of(tree: &str, prefix: &str, leaves: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    if tree.is_empty() {
        return;
    }
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let path = format!("{prefix}{}", path.trim());
        let path = path.strip_suffix("::self").or(path.strip_suffix("::*")).unwrap_or(&path).to_owned();
        let name = alias.map(str::trim).unwrap_or(path.rsplit("::").next().unwrap_or_default()).to_owned();
        leaves.push((path, name));
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].trim());
    let inner = tree[open + 1..].trim_end().trim_end_matches('}');
    // Where the group's own closing brace was one of several, the others belong to it.
    let inner = &tree[open + 1..open + 1 + balanced(&tree[open + 1..]).unwrap_or(inner.len())];
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves_of(&inner[start..at], &prefix, leaves);
                start = at + 1;
            }
            _ => {}
        }
    }
    leaves_of(&inner[start..], &prefix, leaves);
}

/// Where the brace that is open at the beginning closes.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    })
}

/// Paths from `crate`, `super` or `self` that stand in the code itself, groups too.
fn inline_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let is_longer = code[..at].chars().next_back().is_some_and(|c| is_part(c) || c == ':');
            if is_longer {
                continue;
            }
            let path = &code[at..];
            let end = path.find(|c: char| !is_part(c) && c != ':').unwrap_or(path.len());
            let mut leaves = Vec::new();
            if path[end..].starts_with('{') && path[..end].ends_with("::") {
                let close = balanced(&path[end + 1..]).map_or(path.len(), |close| end + close + 2);
                leaves_of(&path[..close], "", &mut leaves);
            } else {
                leaves.push((path[..end].trim_end_matches(':').to_owned(), String::new()));
            }
            found.extend(leaves.into_iter().map(|(path, _)| path));
        }
    }
    found
}

/// Whether `code` names `path`, and not a longer name that ends or goes on like it.
pub(crate) fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
