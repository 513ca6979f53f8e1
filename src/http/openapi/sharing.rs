//! Moves repeated parts of the document into its components.

use std::collections::BTreeMap;

use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{Components, Paths, RefOr};

use super::{operations, shared};

/// Moves successful responses that several operations have in common to the shared responses.
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

/// A name from the response's schema and description; responses of one name are usually equal.
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

/// Replaces the item schemas that pages inline with references.
pub(super) fn share_items(components: &mut Components) {
    let mut found = Vec::new();
    for (name, page) in &mut components.schemas {
        if let Some(item) = name.strip_prefix("Paged_")
            && let RefOr::T(Schema::Object(page)) = page
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
            && let ArrayItems::RefOrSchema(schema) = &mut items.items
        {
            let inline = std::mem::replace(schema.as_mut(), shared("schemas", item));
            found.push((item.to_owned(), inline));
        }
    }
    components.schemas.extend(found);
}
