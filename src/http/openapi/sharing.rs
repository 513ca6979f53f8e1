//! What occurs several times is written once.

use std::collections::BTreeMap;

use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ArrayItems, Schema};
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

/// Makes pages refer to the schema of their items, which they hold themselves at first.
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
