//! Calls every route of the OpenAPI document as every kind of caller.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::rows::{CALLERS, MATRIX, ROWS, Row, Statuses, Whose, update, with_statuses};
use super::world::{People, World};
use crate::both_engines;
use crate::support::{CONTRACT, Call, Client, TestApp};

/// The routes of the OpenAPI document, which is generated from the route list.
async fn routes(app: &TestApp) -> BTreeSet<String> {
    let document = app.anyone().get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().unwrap();
    let of = |path: &String, item: &Value| -> Vec<String> {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation.is_object());
        operations.map(|(method, _)| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.iter().flat_map(|(path, item)| of(path, item)).collect()
}

/// A caller of this kind. Authenticated ones get a token of their own, since some routes revoke it.
async fn caller(app: &TestApp, people: &People, kind: &str, whose: Whose) -> Client {
    let person = match (kind, whose) {
        ("anonymous", _) => return people.anonymous.clone(),
        ("suspended", _) => return people.suspended.clone(),
        ("expired", _) => return people.expired.clone(),
        ("revoked", _) => return people.revoked.clone(),
        ("admin", _) => &people.admin,
        ("owner", Whose::Ana) | ("other side", Whose::Ben) => &people.ana,
        ("owner", Whose::Ben) | ("other side", Whose::Ana) => &people.ben,
        (_, Whose::Ana) => &people.carl,
        (_, Whose::Ben) => &people.dora,
    };
    app.with_token(&app.db_token(&person.email, Duration::from_secs(600)).await)
}

pub(super) fn call(app: &TestApp, client: &Client, row: &Row, world: &World) -> Call {
    let method = row.route.split_once(' ').unwrap().0;
    let (path, body) = (row.path(app, world), row.body(app, world));
    let call = match method {
        "POST" => client.post(&path, body),
        "PUT" => client.put(&path, body),
        "PATCH" => client.patch(&path, body),
        method => client.call(Method::from_bytes(method.as_bytes()).unwrap(), &path),
    };
    // Where it is required; what a caller may do does not depend on it.
    if CONTRACT.answers(row.route, "428") { call.if_match("*") } else { call }
}

/// The row as its owner sees it, as text.
async fn read_back(app: &TestApp, people: &People, row: &Row, world: &World) -> String {
    people.owner(row.whose).get(&world.fill(app, row.read_back)).await.text
}

async fn statuses(app: &TestApp, people: &People, row: &Row) -> Statuses {
    let mut statuses = [0; CALLERS.len()];
    let mut world = World::at(app, people, row.stage).await;
    for (kind, status) in CALLERS.iter().zip(&mut statuses) {
        let client = caller(app, people, kind, row.whose).await;
        let before = read_back(app, people, row, &world).await;
        let answer = call(app, &client, row, &world).await;
        *status = answer.status;
        assert!(answer.status < 500, "{kind}: {answer}");
        if answer.status >= 400 {
            let after = read_back(app, people, row, &world).await;
            assert_eq!(before, after, "refused, and yet changed, by {kind}: {}", row.route);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
        } else if !row.route.starts_with("GET") {
            world = World::at(app, people, row.stage).await;
        }
    }
    statuses
}

/// Routes to log in and out, which take no token.
pub(super) const WITHOUT_TOKEN: [&str; 5] = [
    "POST /auth/register",
    "POST /auth/token",
    "POST /auth/login",
    "POST /auth/refresh",
    "POST /auth/revoke",
];

/// How the dashboard logs in and out: from its own pages alone, whatever the token.
pub(super) const OF_THE_DASHBOARD: [&str; 3] =
    ["POST /admin/login", "POST /admin/login/refresh", "DELETE /admin/login"];

/// What operators' machines ask, whoever they are.
pub(super) const PROBES: [&str; 4] = ["GET /healthz", "GET /readyz", "GET /metrics", "GET /"];

/// The path with an invalid id.
fn misspelt(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "xyz" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

both_engines! {
    async fn a_forged_token_is_refused_before_path_and_body_are_looked_at(
        app with ["--anonymous-requests=1000000"]
    ) {
        for route in routes(app).await {
            let (method, path) = route.split_once(' ').unwrap();
            let path = misspelt(path) + "?limit=many";
            for client in [app.anyone(), app.with_token("a.b.c"), app.with_token("")] {
                let call = client.call(Method::from_bytes(method.as_bytes()).unwrap(), &path);
                let call = call.header("If-Match", "none").header("Idempotency-Key", "");
                let answer = call.body("application/json", "{").await;
                let expected = match route.as_str() {
                    probe if PROBES.contains(&probe) => 200,
                    open if WITHOUT_TOKEN.contains(&open) => 400,
                    open if OF_THE_DASHBOARD.contains(&open) => 403,
                    _ => 401,
                };
                assert_eq!(answer.status, expected, "{answer}");
            }
        }
    }

    async fn every_route_takes_the_headers_that_the_document_says(
        app with [
            "--free-requests=1000000", "--free-simulations=1000000", "--free-simulations-per-day=1000000",
            "--free-messages-per-day=1000000", "--free-plans-per-day=1000000",
            "--free-generated-characters-per-day=1000000000",
        ]
    ) {
        let people = People::come(app).await;
        let wrong = [("Idempotency-Key", "", "bad_idempotency_key"), ("If-Match", "nonsense", "bad_if_match")];
        for row in &*ROWS {
            let world = World::at(app, &people, row.stage).await;
            for (header, value, code) in wrong {
                let client = caller(app, &people, "owner", row.whose).await;
                let answer = call(app, &client, row, &world).header(header, value).await;
                let is_read = answer.text.contains(code);
                assert_eq!(is_read, CONTRACT.takes(row.route, header), "{header} of {}: {answer}", row.route);
            }
        }
    }

    async fn every_route_answers_every_kind_of_caller_as_the_matrix_says(
        app with [
            "--free-requests=1000000", "--anonymous-requests=1000000", "--logins-per-address=1000000",
            "--free-simulations=1000000", "--free-simulations-per-day=1000000", "--simulation-threads=0",
            "--free-messages-per-day=1000000", "--free-plans-per-day=1000000",
            "--free-generated-characters-per-day=1000000000",
        ]
    ) {
        let covered: BTreeSet<String> = ROWS.iter().map(|row| row.route.to_owned()).collect();
        let routes = routes(app).await;
        let without_a_row: Vec<_> = routes.difference(&covered).collect();
        let without_a_route: Vec<_> = covered.difference(&routes).collect();
        assert!(without_a_row.is_empty() && without_a_route.is_empty(), "{without_a_row:?} {without_a_route:?}");

        let people = People::come(app).await;
        let mut found = Vec::new();
        for row in &*ROWS {
            found.push(statuses(app, &people, row).await);
        }
        let found = with_statuses(&found);
        if std::env::var_os("UPDATE_MATRIX").is_some() {
            update(&found);
        } else {
            MATRIX.lines().zip(found.lines()).for_each(|(expected, found)| assert_eq!(expected, found));
        }
    }
}
