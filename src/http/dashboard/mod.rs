//! `/admin/`: the pages of the dashboard. They hold no data; what they show comes from the API, by an admin's token.

mod bundle;
mod guard;

use std::sync::Arc;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::{Problem, etag, fallback};
use bundle::Bundle;

pub(crate) use guard::DashboardCall;

/// Scripts, styles and data from this origin alone; nothing inline, no frames, no plugins.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// A file's path contains the version of all files, so its content never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Must be asked for again, with the tag of the last answer.
const REVALIDATED: &str = "no-cache";

/// The files, shared by the worker threads.
#[derive(Clone)]
pub(crate) struct Dashboard(Arc<Bundle>);

impl Dashboard {
    /// Reads the files.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Bundle::read()))
    }

    /// The files as they are now: debug builds read them anew, so that a change needs no restart.
    fn bundle(&self) -> Arc<Bundle> {
        if cfg!(debug_assertions) { Arc::new(Bundle::read()) } else { self.0.clone() }
    }
}

/// Mounts `/admin/` and its files.
pub(crate) fn configure(cfg: &mut web::ServiceConfig, dashboard: &Dashboard) {
    cfg.app_data(web::Data::new(dashboard.clone()));
    cfg.service(web::redirect("/admin", "/admin/"));
    cfg.route("/admin/", web::get().to(page)).route("/admin/", web::head().to(page));
    let files = "/admin/assets/{version}/{path:.*}";
    cfg.route(files, web::get().to(file)).route(files, web::head().to(file));
}

async fn page(request: HttpRequest, dashboard: web::Data<Dashboard>) -> HttpResponse {
    let bundle = dashboard.bundle();
    // The policy is part of the answer, and a browser keeps it with the page that it has.
    let tag = format!("\"{}\"", bundle.version());
    if let Some(known) = etag::known(&request, &tag) {
        return with_headers(&mut HttpResponse::NotModified(), REVALIDATED, known).finish();
    }
    with_headers(&mut HttpResponse::Ok(), REVALIDATED, tag)
        .content_type("text/html; charset=utf-8")
        .body(bundle.page().to_owned())
}

async fn file(request: HttpRequest, dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Problem> {
    let bundle = dashboard.bundle();
    let part = |name: &str| request.match_info().get(name).unwrap_or_default();
    let Some(asset) = bundle.file(part("path")) else { return Err(fallback::no_such_address()) };
    // During a rolling upgrade, a page of one version may ask a server of another: it gets what is there, but not for
    // ever.
    let caching = if part("version") == bundle.version() { IMMUTABLE } else { REVALIDATED };
    let tag = format!("\"{}\"", bundle.version());
    if let Some(known) = etag::known(&request, &tag) {
        return Ok(with_headers(&mut HttpResponse::NotModified(), caching, known).finish());
    }
    Ok(with_headers(&mut HttpResponse::Ok(), caching, tag)
        .content_type(asset.media_type)
        .body(asset.body.clone().into_owned()))
}

fn with_headers<'a>(
    response: &'a mut HttpResponseBuilder,
    caching: &'static str,
    tag: String,
) -> &'a mut HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::ETAG, tag))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
}
