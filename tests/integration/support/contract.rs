//! Checks every response that any test receives against the OpenAPI document.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use actix_web::dev::ResourceDef;
use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// Headers defined by HTTP itself or for browsers, which the document need not list.
const STANDARD: [&str; 12] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "keep-alive",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
];

/// Headers that must be present wherever they are documented. Others depend on the call: a caller refused
/// before being counted gets no rate limit headers.
const ALWAYS: [&str; 4] = ["X-Request-Id", "ETag", "Location", "WWW-Authenticate"];

/// The document, with its routes indexed.
pub struct Contract {
    /// The JSON document, as clients get it.
    pub document: Value,
    routes: Vec<(ResourceDef, String)>,
    validators: Mutex<HashMap<Value, &'static Validator>>,
}

/// The document of this build.
pub static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::of_this_build);

impl Contract {
    fn of_this_build() -> Self {
        let document = serde_json::to_value(souk::http::openapi::document(100)).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let routes = paths.keys().map(|path| (ResourceDef::new(path.as_str()), path.clone())).collect();
        Self { document, routes, validators: Mutex::default() }
    }

    /// Every operation: method, path, and its definition.
    pub fn operations(&self) -> Vec<(String, String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                let operations =
                    item.as_object().unwrap().iter().filter(|(_, operation)| operation.is_object());
                operations.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
            })
            .collect()
    }

    /// Whether the operation of `METHOD /path` has a parameter of this name.
    pub fn takes(&self, route: &str, name: &str) -> bool {
        let (method, path) = route.split_once(' ').unwrap();
        let parameters = &self.document["paths"][path][method.to_lowercase()]["parameters"];
        parameters.as_array().into_iter().flatten().any(|parameter| self.resolved(parameter)["name"] == name)
    }

    /// Whether the operation of `METHOD /path` may answer with this status.
    pub fn answers(&self, route: &str, status: &str) -> bool {
        let (method, path) = route.split_once(' ').unwrap();
        self.document["paths"][path][method.to_lowercase()]["responses"].get(status).is_some()
    }

    /// Panics if the response to a documented route does not match the document: status, headers and body.
    #[track_caller]
    pub fn hold(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &str) {
        let path = path.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        let Some((_, route)) = self.routes.iter().find(|(address, _)| address.is_match(path)) else { return };
        let operation = &self.document["paths"][route][method.to_lowercase()];
        // The method is not documented: the response is the server's own 405, or a CORS preflight's.
        let Some(responses) = operation["responses"].as_object() else { return };
        let what = format!("{method} {route} {status}");
        let response = responses.get(&status.to_string());
        let response = response.unwrap_or_else(|| panic!("{what} is not in the OpenAPI document: {body}"));
        let response = self.resolved(response);
        self.hold_headers(&what, &response["headers"], headers);
        let given = headers.get("content-type").and_then(|given| given.to_str().ok()).unwrap_or_default();
        let is_given = |media_type: &str| given.starts_with(media_type);
        let content = response["content"].as_object();
        let media = content.and_then(|content| {
            content.iter().find(|(media_type, _)| is_given(media_type)).or(content.iter().next())
        });
        let Some((media_type, media)) = media else {
            assert!(body.is_empty(), "{what} has a body that is not in the OpenAPI document: {body}");
            return;
        };
        assert!(is_given(media_type), "{what} is documented as {media_type}, not {given}");
        if !media_type.ends_with("json") {
            return;
        }
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{what}: {error}: {body}"));
        self.hold_value(&what, &media["schema"], &body);
    }

    /// Every header must be documented and match its schema, and required ones must be present.
    fn hold_headers(&self, what: &str, documented: &Value, headers: &HeaderMap) {
        for (name, value) in headers {
            let name = name.as_str();
            if STANDARD.contains(&name) || name.starts_with("access-control-") {
                continue;
            }
            let documented = documented.as_object().into_iter().flatten();
            let Some((_, header)) = documented.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name))
            else {
                panic!("{what} has a header that is not in the OpenAPI document: {name}: {value:?}");
            };
            let schema = &self.resolved(header)["schema"];
            let text = value.to_str().unwrap();
            let value = match schema["type"].as_str() {
                Some("integer") => text.parse::<i64>().unwrap().into(),
                _ => Value::from(text),
            };
            self.hold_value(&format!("{what} {name}"), schema, &value);
        }
        for name in ALWAYS.iter().filter(|name| documented.get(name).is_some()) {
            assert!(headers.contains_key(*name), "{what} lacks a header of the OpenAPI document: {name}");
        }
    }

    fn hold_value(&self, what: &str, schema: &Value, value: &Value) {
        let errors: Vec<String> = self.validator(schema).iter_errors(value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{what} does not fit the OpenAPI document: {errors:?} in {value}");
    }

    /// Follows a `$ref`; other values are returned unchanged.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.document.pointer(reference.trim_start_matches('#')).unwrap()
    }

    /// The validator of a schema, which many operations share: to make one takes far longer than to use it.
    fn validator(&self, schema: &Value) -> &'static Validator {
        let mut validators = self.validators.lock().unwrap();
        if let Some(validator) = validators.get(schema) {
            return validator;
        }
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.document["components"],
        });
        // Leaked: one validator per schema for the lifetime of the test process.
        let validator: &'static Validator = Box::leak(Box::new(jsonschema::validator_for(&root).unwrap()));
        validators.insert(schema.clone(), validator);
        validator
    }
}
