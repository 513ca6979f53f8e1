//! The dashboard, the alerts and the documentation name metrics and labels that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Engine, Person, Socket, TestApp, eventually, run};

use super::deployed;

/// Labels that Prometheus adds to what it scrapes, and that of buckets.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Names and labels in an expression.
#[derive(Debug, Default)]
struct Named {
    metrics: BTreeSet<String>,
    /// Labels that are compared or grouped by.
    labels: BTreeSet<String>,
}

/// Words that begin like one of our metrics, and the labels in braces and after `by`.
fn named(expression: &str) -> Named {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut named = Named::default();
    for word in expression.split(|c| !is_word(c)).filter(|word| is_metric(word)) {
        named.metrics.insert(word.to_owned());
    }
    for (at, _) in expression.match_indices('{') {
        let selector = expression[at + 1..].split('}').next().unwrap();
        let names = selector.split(',').map(|pair| pair.split(['=', '!']).next().unwrap().trim().to_owned());
        named.labels.extend(names.filter(|name| !name.is_empty()));
    }
    for (at, _) in expression.match_indices("by (") {
        let grouped = expression[at + 4..].split(')').next().unwrap();
        named.labels.extend(grouped.split(',').map(|name| name.trim().to_owned()));
    }
    named
}

fn is_metric(word: &str) -> bool {
    ["souk_", "process_"].iter().any(|prefix| word.starts_with(prefix))
}

/// The expressions of the dashboard, of its variables as well.
fn of_dashboard() -> Vec<String> {
    let board: Value = serde_json::from_str(&deployed("grafana/souk.json")).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    let variables = board["templating"]["list"].as_array().unwrap().iter();
    expressions
        .into_iter()
        .chain(variables.filter_map(|variable| Some(variable["definition"].as_str()?.to_owned())))
        .collect()
}

/// The expressions of the alerts: what follows `expr:`, on the line or indented below it.
fn of_alerts() -> Vec<String> {
    let rules = deployed("prometheus/alerts.yaml");
    let blocks: Vec<_> = rules.split("expr:").skip(1).collect();
    let expression = |block: &&str| {
        block
            .lines()
            .take_while(|line| {
                !line.trim_start().starts_with("for:") && !line.trim_start().starts_with("labels:")
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    let expressions: Vec<_> = blocks.iter().map(expression).collect();
    assert_eq!(expressions.len(), rules.matches("alert:").count());
    expressions
}

/// Each metric of a running server that has been used in every way, with its labels.
fn shown(metrics: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        let labels = shown.entry(name.to_owned()).or_default();
        if line.contains('{') {
            let pairs = rest.rsplit_once('}').unwrap().0;
            labels.extend(pairs.split("\",").map(|pair| pair.split('=').next().unwrap().to_owned()));
        }
    }
    shown
}

/// Uses the server so that every metric has been counted once.
async fn use_everything(app: &TestApp) {
    let ana = app.consumer("ana").await;
    let entry = ana.post("/entries", json!({"text": "Slept badly."})).await.ok();
    let reflections = format!("/entries/{}/reflections", entry["id"].as_str().unwrap());
    let reflection = ana.post(&reflections, json!({})).await.ok();
    let reflection = format!("{reflections}/{}", reflection["id"].as_str().unwrap());
    eventually(async || ana.get(&reflection).await.ok()["status"] == "done").await;
    let mut socket = ana.live().await;
    socket.request(json!({"type": "whoami"})).await;
    socket.send_text("no message at all").await;
    socket.recv("error").await;
    let beyond_the_limit = Socket::connect(app.address, &ana.live_path()).await;
    drop(beyond_the_limit);
    app.with_token("no.token.atall").get("/auth/me").await.refused(401);
    let sara: Person = app.consumer("sara").await;
    let mut evicted = sara.live().await;
    app.db_suspend(&app.db_admin("root").await, &sara).await;
    evicted.closed().await;
    socket.close().await;
}

#[test]
fn the_dashboard_and_the_alerts_name_what_a_running_server_shows() {
    run(Engine::Sqlite, &["--free-connections=1"], async |app: &TestApp| {
        use_everything(app).await;
        let expressions = [of_dashboard(), of_alerts()].concat();
        let named: Vec<(String, Named)> =
            expressions.into_iter().map(|text| (text.clone(), named(&text))).collect();
        // The end of a session is counted soon after its socket has closed.
        let missing = async || {
            let shown = shown(&app.anyone().get("/metrics").await.text);
            let mut missing = Vec::new();
            for (expression, named) in &named {
                // Those of the bus are shown by servers that have a Redis: the tests of that read them.
                let expected = named.metrics.iter().filter(|metric| !metric.starts_with("souk_bus_"));
                let unknown = expected.filter(|metric| !shown.contains_key(*metric));
                missing.extend(unknown.map(|metric| format!("{metric} in {expression}")));
                let labels: BTreeSet<_> =
                    named.metrics.iter().filter_map(|metric| shown.get(metric)).flatten().collect();
                let unknown = named
                    .labels
                    .iter()
                    .filter(|label| !labels.contains(label) && !ADDED.contains(&label.as_str()));
                missing.extend(unknown.map(|label| format!("label {label} in {expression}")));
            }
            missing
        };
        for _ in 0..200 {
            if missing().await.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("not shown: {:#?}", missing().await);
    });
}

/// Every metric that the source registers, by its name in quotes.
fn registered(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            registered(&entry, names);
        } else {
            let source = std::fs::read_to_string(&entry).unwrap();
            let words =
                source.split('"').filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            names.extend(words.filter(|word| is_metric(word) && !word.ends_with('_')).map(str::to_owned));
        }
    }
}

#[test]
fn the_documentation_names_metrics_that_exist_and_all_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    registered(&root.join("src"), &mut names);
    let mut told = BTreeSet::new();
    for page in ["docs/protocol.md", "docs/operations.md", "README.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let words = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| is_metric(word) && !word.ends_with('_'));
        for word in words.map(str::to_owned) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
            assert!(names.contains(family.unwrap_or(&word)), "{page} names {word}");
            told.insert(word);
        }
    }
    let untold: Vec<_> = names.difference(&told).filter(|name| name.starts_with("souk_")).collect();
    assert!(untold.is_empty(), "in no documentation: {untold:?}");
}
