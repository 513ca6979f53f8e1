//! What the OpenAPI document promises, held against every answer that any test receives.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use actix_web::dev::ResourceDef;
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document with its routes ready for look-up.
pub struct Contract {
    /// As clients get it.
    pub document: Value,
    routes: Vec<(ResourceDef, String)>,
    validators: Mutex<HashMap<String, &'static Validator>>,
}

/// Of this build.
pub static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::of_this_build);

impl Contract {
    fn of_this_build() -> Self {
        let document = serde_json::to_value(souk::http::openapi::document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let routes = paths.keys().map(|path| (ResourceDef::new(path.as_str()), path.clone())).collect();
        Self { document, routes, validators: Mutex::default() }
    }

    /// Every operation: method, path, and what the document says of it.
    pub fn operations(&self) -> Vec<(String, String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                let operations = item.as_object().unwrap().iter();
                operations.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
            })
            .collect()
    }

    /// Fails the test when the answer to a documented route is not a documented one.
    #[track_caller]
    pub fn hold(&self, method: &str, path: &str, status: u16, body: &str) {
        let path = path.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        let Some((_, route)) = self.routes.iter().find(|(address, _)| address.is_match(path)) else { return };
        let operation = &self.document["paths"][route][method.to_lowercase()];
        // Not a documented method: the answer is the server's own 405, or a CORS preflight's.
        let Some(responses) = operation["responses"].as_object() else { return };
        let what = format!("{method} {route} {status}");
        // 304 has no body, and which routes answer it depends on the caller's headers alone.
        if status == 304 {
            return;
        }
        let response = responses.get(&status.to_string());
        let response = response.unwrap_or_else(|| panic!("{what} is not in the OpenAPI document: {body}"));
        let media = response["content"].as_object().and_then(|content| content.values().next());
        let Some(schema) = media.map(|media| &media["schema"]) else {
            assert!(body.is_empty(), "{what} has a body that is not in the OpenAPI document: {body}");
            return;
        };
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{what}: {error}: {body}"));
        let errors: Vec<String> =
            self.validator(&what, schema).iter_errors(&body).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{what} does not fit the OpenAPI document: {errors:?} in {body}");
    }

    fn validator(&self, what: &str, schema: &Value) -> &'static Validator {
        let mut validators = self.validators.lock().unwrap();
        if let Some(validator) = validators.get(what) {
            return validator;
        }
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.document["components"],
        });
        // Lives as long as the test process: one for each kind of answer.
        let validator: &'static Validator = Box::leak(Box::new(jsonschema::validator_for(&root).unwrap()));
        validators.insert(what.to_owned(), validator);
        validator
    }
}
