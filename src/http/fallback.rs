//! The response to requests that no route matches: 405 with `Allow` if the path exists for other methods,
//! else 404.

use actix_web::dev::ResourceDef;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::path::PathItem;

use super::Problem;

/// All paths with their methods, from the OpenAPI document.
pub(super) struct Addresses(Vec<(ResourceDef, String)>);

impl Addresses {
    pub(super) fn of(document: &utoipa::openapi::OpenApi) -> Self {
        let known = document.paths.paths.iter().flat_map(|(path, item)| {
            let methods = methods(item).join(", ");
            // Paths with their own `servers` entry exist at the root only.
            let versioned = item.servers.is_none().then(|| ResourceDef::new(format!("/api/v1{path}")));
            let addresses = [Some(ResourceDef::new(path.as_str())), versioned];
            addresses.into_iter().flatten().map(move |address| (address, methods.clone()))
        });
        Self(known.collect())
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    [
        ("GET", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ]
    .into_iter()
    .filter_map(|(method, there)| there.then_some(method))
    .collect()
}

pub(super) async fn answer(
    request: HttpRequest,
    addresses: web::Data<Addresses>,
) -> Result<HttpResponse, Problem> {
    let known = addresses.0.iter().find(|(address, _)| address.is_match(request.path()));
    match known {
        Some((_, methods)) => {
            let detail = format!("this address takes {methods}");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
            Ok(problem.marked().insert_header((header::ALLOW, methods.as_str())).finish())
        }
        None => Err(no_such_address()),
    }
}

/// The answer where there is nothing.
pub(super) fn no_such_address() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such address")
}
