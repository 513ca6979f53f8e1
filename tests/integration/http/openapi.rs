//! The OpenAPI document and its browsable page. That responses match the document is checked with every
//! response of every test, in `support/contract.rs`.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::both_engines;
use crate::support::CONTRACT;

#[test]
fn every_operation_says_what_it_does_and_how_it_refuses() {
    let operations = CONTRACT.operations();
    assert!(operations.len() > 50, "the premise: the list is there");
    for (method, path, operation) in operations {
        let what = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{what} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{what} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{what} never succeeds");
        let is_probe = ["/healthz", "/readyz", "/metrics"].contains(&path.as_str());
        for status in ["429", "500", "503"].iter().filter(|_| !is_probe) {
            assert!(responses.contains_key(*status), "{what} does not say when it answers {status}");
        }
        let body_is_described = operation["requestBody"]["content"]["application/json"]["schema"].is_object();
        assert!(operation["requestBody"].is_null() || body_is_described, "{what} does not describe its body");
        let security = operation.get("security").unwrap_or(&CONTRACT.document["security"]);
        let needs_a_token = security.as_array().is_some_and(|schemes| !schemes.is_empty());
        let lets_in = [
            "/",
            "/auth/register",
            "/auth/token",
            "/auth/login",
            "/auth/refresh",
            "/auth/revoke",
            "/admin/login",
            "/admin/login/refresh",
        ];
        assert_eq!(needs_a_token, !is_probe && !lets_in.contains(&path.as_str()), "{what}");
    }
}

#[test]
fn every_operation_has_a_name_for_generators() {
    let mut names = HashMap::new();
    for (method, path, operation) in CONTRACT.operations() {
        let name = operation["operationId"].as_str().unwrap();
        let (first, others) = name.split_at(1);
        let is_camel_case = first.chars().all(|c| c.is_ascii_lowercase())
            && others.chars().all(|c| c.is_ascii_alphanumeric())
            && others.contains(char::is_uppercase);
        assert!(is_camel_case, "{method} {path} is called {name}");
        if let Some(other) = names.insert(name, format!("{method} {path}")) {
            panic!("{method} {path} and {other} are both called {name}");
        }
    }
}

#[test]
fn every_tag_is_told_of_once() {
    let tags = CONTRACT.document["tags"].as_array().unwrap();
    let mut told = HashSet::new();
    assert!(tags.iter().all(|tag| told.insert(tag["name"].as_str().unwrap())), "{tags:?}");
    for (method, path, operation) in CONTRACT.operations() {
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(told.contains(tag), "{method} {path} has the tag {tag}");
    }
}

#[test]
fn only_answers_that_can_come_are_documented() {
    for (method, path, operation) in CONTRACT.operations() {
        let what = format!("{method} {path}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<_> = parameters.map(|p| CONTRACT.resolved(p)["name"].as_str().unwrap()).collect();
        let answers = |status: &str| operation["responses"].get(status).is_some();
        assert_eq!(answers("412"), parameters.contains(&"If-Match"), "{what} 412");
        assert_eq!(answers("304"), parameters.contains(&"If-None-Match"), "{what} 304");
        let has_body = !operation["requestBody"].is_null();
        for status in ["408", "413", "415"] {
            assert_eq!(answers(status), has_body, "{what} {status}");
        }
        if method == "GET" {
            assert!(!answers("400") && !answers("409"), "{what} only reads");
        }
    }
}

#[test]
fn the_answer_for_other_methods_is_documented() {
    let answer = &CONTRACT.document["components"]["responses"]["MethodNotAllowed"];
    assert_eq!(CONTRACT.resolved(&answer["headers"]["Allow"])["schema"]["type"], "string");
}

#[test]
fn what_is_taken_has_bounds() {
    let schemas = CONTRACT.document["components"]["schemas"].as_object().unwrap();
    let taken = CONTRACT.operations().into_iter().flat_map(|(_, _, operation)| {
        let content = operation["requestBody"]["content"].as_object().into_iter().flatten();
        content.map(|(_, media)| &media["schema"]).collect::<Vec<_>>()
    });
    let mut queue: Vec<&Value> = taken.collect();
    let mut seen = HashSet::new();
    while let Some(schema) = queue.pop() {
        if !seen.insert(schema.to_string()) {
            continue;
        }
        let schema = CONTRACT.resolved(schema);
        let parts = ["oneOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
        queue.extend(parts.chain(schema["items"].is_object().then_some(&schema["items"])));
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            queue.push(field);
            let is = |kind: &str| field["type"] == kind || field["type"][0] == kind;
            let has = |keys: &[&str]| keys.iter().any(|key| field.get(key).is_some());
            // Values that only this server creates and parses.
            let is_opaque =
                name.ends_with("token") || name == "token_type_hint" || name == "jti" || name == "issuer";
            if is("string") && !is_opaque && name != "password" {
                assert!(has(&["maxLength", "pattern", "format", "enum"]), "{name}: {field}");
            }
            if is("integer") || is("number") {
                assert!(has(&["minimum", "exclusiveMinimum"]), "{name}: {field}");
            }
        }
    }
    assert!(seen.len() > 30, "the premise: they were looked at");
    let title = CONTRACT.resolved(&schemas["CreateRequest"]["properties"]["title"]);
    assert_eq!((&title["minLength"], &title["maxLength"]), (&1.into(), &120.into()));
}

#[test]
fn the_document_is_small() {
    // What operations have in common is said once, so the document grows with them and not with its own prose.
    let (size, operations) = (CONTRACT.document.to_string().len(), CONTRACT.operations().len());
    assert!(size < 2_000 * operations, "{size} bytes for {operations} operations");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&CONTRACT.document, &mut found);
    assert!(!found.is_empty(), "the premise: there are references");
    let lost: Vec<_> = found
        .iter()
        .filter(|path| CONTRACT.document.pointer(path.trim_start_matches('#')).is_none())
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn an_operation_takes_the_path_parameters_of_its_path() {
    for (path, operations) in CONTRACT.document["paths"].as_object().unwrap() {
        let named: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in operations.as_object().unwrap() {
            let given = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
                match parameter["$ref"].as_str() {
                    Some(shared) => CONTRACT.document.pointer(shared.trim_start_matches('#')).unwrap(),
                    None => parameter,
                }
            });
            let of_path = given.filter(|parameter| parameter["in"] == "path");
            let taken: BTreeSet<&str> =
                of_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert_eq!(taken, named, "{method} {path}");
        }
    }
}

both_engines! {
    async fn the_document_says_how_long_a_page_may_be(app with ["--page-max=7"]) {
        let document = app.anyone().get("/openapi.json").await.ok();
        let limit = &document["components"]["parameters"]["limit"]["schema"];
        assert_eq!((&limit["maximum"], &limit["default"]), (&7.into(), &7.into()));
    }

    async fn the_document_is_openapi_3_1_and_its_page_needs_no_network(app) {
        let document = app.anyone().get("/openapi.json").await.ok();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let page = app.anyone().get("/docs/").await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
        for asset in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
            assert_eq!(app.anyone().get(&format!("/docs/{asset}")).await.status, 200, "{asset}");
        }
    }
}
