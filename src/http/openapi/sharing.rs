//! Answers that several operations give alike are written once.

use std::collections::BTreeMap;

use utoipa::openapi::response::Response;
use utoipa::openapi::{Components, Paths, RefOr};

use super::{operations, shared};

/// Moves the good answers that several operations give to the shared ones.
pub(super) fn share_answers(paths: &mut Paths, components: &mut Components) {
    let mut alike: BTreeMap<String, Vec<&mut RefOr<Response>>> = BTreeMap::new();
    for at in operations::each(paths) {
        for response in at.operation.responses.responses.values_mut() {
            if let RefOr::T(inline) = &*response {
                let name = name(inline);
                alike.entry(name).or_default().push(response);
            }
        }
    }
    for (name, mut responses) in alike {
        let Some((first, others)) = responses.split_first_mut() else { continue };
        let answer = (*first).clone();
        let mut is_shared = false;
        for other in others.iter_mut().filter(|other| ***other == answer) {
            **other = shared("responses", &name);
            is_shared = true;
        }
        if is_shared {
            **first = shared("responses", &name);
            components.responses.insert(name, answer);
        }
    }
}

/// What is in it, and how it came about: answers of one name are most often the same.
fn name(response: &Response) -> String {
    let body = response.content.values().find_map(|content| match content {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    });
    let body = match body {
        Some(RefOr::Ref(schema)) => schema.ref_location.rsplit('/').next().unwrap_or_default(),
        Some(RefOr::T(_)) => "Inline",
        None => "Empty",
    };
    let created = if response.headers.contains_key("Location") { "Created" } else { "" };
    let decided = if response.headers.contains_key("Idempotency-Replayed") { "Decided" } else { "" };
    format!("{body}{created}{decided}")
}
