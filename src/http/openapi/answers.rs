//! Derives the error responses and the headers of an operation from what it takes.

use std::iter;

use utoipa::IntoParams;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Schema, SchemaType};
use utoipa::openapi::{Components, ContentBuilder, RefOr, Required, Type};

use crate::http::PageQuery;

use super::operations::Located;
use super::shared;
use crate::http::schema::{number, text};

/// The properties of an operation that determine its error responses and headers.
struct Takes {
    token: bool,
    /// Its path contains ids.
    ids: bool,
    body: bool,
    query: bool,
    /// It takes `Idempotency-Key`.
    key: bool,
    /// It takes `If-Match`.
    version: bool,
    /// It is rate-limited.
    count: bool,
}

/// An error response: its status and name, its description, a header of its own, and which operations have
/// it.
type Refusal = (&'static str, &'static str, &'static str, Option<&'static str>, fn(&Takes) -> bool);

const REFUSALS: [Refusal; 16] = [
    ("400", "BadRequest", "The request is not well-formed.", None, |t| t.body || t.key || t.version),
    ("401", "Unauthorized", "No token, or not a valid one.", Some("WWW-Authenticate"), |t| t.token),
    ("403", "Forbidden", "The caller lacks the right, or acts as somebody else.", None, |t| t.token),
    ("404", "NotFound", "There is no such resource.", None, |t| t.ids),
    // Of no operation: it is the answer for the methods that a path does not document.
    ("405", "MethodNotAllowed", "The address does not take that method.", Some("Allow"), |_| false),
    ("408", "Timeout", "The body took too long to arrive.", None, |t| t.body),
    ("409", "Conflict", "It conflicts with the current state of the resource.", None, |t| t.key),
    ("412", "Stale", "`If-Match` names an older version.", None, |t| t.version),
    ("413", "TooLarge", "The body is too large.", None, |t| t.body),
    ("415", "UnsupportedMediaType", "The body is not plain or gzipped JSON.", Some("Accept-Encoding"), |t| {
        t.body
    }),
    ("422", "Invalid", "A field is wrong; `errors` says which.", None, |t| t.body || t.query || t.key),
    // Of operations in `FURTHER`.
    ("428", "PreconditionRequired", "`If-Match` is required.", None, |_| false),
    ("429", "Limited", "Too many requests.", Some("Retry-After"), |t| t.count),
    ("500", "Internal", "An internal error.", None, |t| t.count),
    (
        "502",
        "BadGateway",
        "The text service failed, or wrote nothing that can be used.",
        Some("Retry-After"),
        |_| false,
    ),
    ("503", "Unavailable", "The server is overloaded or stopping.", Some("Retry-After"), |t| t.count),
];

/// Error answers that do not follow from what the operation takes.
const FURTHER: [(&str, &str); 30] = [
    ("registerAccount", "409"),
    ("issueToken", "401"),
    ("logIn", "401"),
    ("refreshToken", "401"),
    ("endLogins", "409"),
    ("updateProjectColumn", "428"),
    ("moveProjectColumn", "428"),
    ("deleteProjectColumn", "428"),
    ("updateProjectTask", "428"),
    ("moveProjectTask", "428"),
    ("archiveProjectTask", "428"),
    ("restoreProjectTask", "428"),
    ("acceptInvitationLink", "404"),
    ("compareSimulations", "404"),
    ("createMasterplan", "502"),
    ("viewAsUser", "409"),
    ("logInToDashboard", "401"),
    ("logInToDashboard", "403"),
    ("refreshDashboardLogin", "401"),
    ("refreshDashboardLogin", "403"),
    ("logOutOfDashboard", "403"),
    ("logInToDashboard", "404"),
    ("refreshDashboardLogin", "404"),
    ("logOutOfDashboard", "404"),
    ("explainRight", "404"),
    ("readStates", "404"),
    ("dryRun", "404"),
    ("dryRun", "409"),
    ("readMetrics", "401"),
    ("readMetrics", "500"),
];

/// Calls that change something and take no `Idempotency-Key`: done twice, they have done the same, or their answer
/// has a token, which is not kept.
const WITHOUT_KEY: [&str; 7] = [
    "closeConnection",
    "endUserLogin",
    "logInToDashboard",
    "refreshDashboardLogin",
    "logOutOfDashboard",
    "dryRun",
    "viewAsUser",
];

/// Calls that count towards daily quotas.
const QUOTED: [&str; 3] = ["createConversationMessage", "answerConversation", "createMasterplan"];

/// Calls that set the dashboard's cookies.
const WITH_COOKIES: [&str; 3] = ["logInToDashboard", "refreshDashboardLogin", "logOutOfDashboard"];

/// A header or a parameter: its name, description and schema.
type Described = (&'static str, &'static str, fn() -> Schema);

/// A header of every response.
const CALL: &str = "X-Request-Id";

/// Headers of every response of a rate-limited operation.
const STANDING: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

const HEADERS: [Described; 14] = [
    (CALL, "The request's id in our logs: the one that it gave, or a generated one.", call),
    ("RateLimit-Limit", "Requests per minute that the caller may make.", || number(0..)),
    ("RateLimit-Remaining", "How many of them are left.", || number(0..)),
    ("RateLimit-Reset", "Seconds until all of them are available again.", || number(0..)),
    (
        "RateLimit",
        "What is left of the daily quotas that the call counts towards: `r`, and `t` seconds until the next day.",
        || text(r#"^"[a-z_]+";r=[0-9]+;t=[0-9]+(, "[a-z_]+";r=[0-9]+;t=[0-9]+)*$"#),
    ),
    ("RateLimit-Policy", "What the plan allows of them: `q` in `w` seconds.", || {
        text(r#"^"[a-z_]+";q=[0-9]+;w=[0-9]+(, "[a-z_]+";q=[0-9]+;w=[0-9]+)*$"#)
    }),
    ("Retry-After", "Seconds after which to try again.", || number(1..)),
    ("WWW-Authenticate", "How to authenticate (RFC 6750, section 3).", || text("^Bearer ")),
    ("Allow", "The methods that the address takes.", || text("^[A-Z]+(, [A-Z]+)*$")),
    ("Accept-Encoding", "How a body may be compressed.", || text("^gzip")),
    ("ETag", "The version, for `If-Match` and `If-None-Match`.", || text(r#"^"[0-9]+(-gzip|-deflate)?"$"#)),
    ("Location", "Path of the new resource, or of the one that is being made.", || text("^/")),
    ("Set-Cookie", "The cookies of the dashboard's login, for `/admin/login` only.", || {
        text("^souk-admin-[a-z]+=")
    }),
    ("Idempotency-Replayed", "This is the stored answer of an earlier call with the same key.", || {
        text("^true$")
    }),
];

/// Request headers, besides `Authorization`.
const PARAMETERS: [Described; 3] = [
    (
        "Idempotency-Key",
        "A repeated request with the same key gets the stored response and changes nothing.",
        || text("^[ -~]{1,255}$"),
    ),
    ("If-Match", "The `ETag` of the version that you have seen; 412 if there is a newer one.", || {
        text(r#"^("[0-9]+(-gzip|-deflate)?"|\*)$"#)
    }),
    ("If-None-Match", "The `ETag` of the version that you have; 304 if it is the newest.", || {
        text(r#"^(\*|(W/)?"[^"]*"(, *(W/)?"[^"]*")*)$"#)
    }),
];

fn call() -> Schema {
    text("^[A-Za-z0-9._:/+=-]{1,64}$")
}

/// Adds the shared headers, parameters and responses to the components.
pub(super) fn share(components: &mut Components, page_max: u16) {
    for (name, description, schema) in HEADERS {
        let header = HeaderBuilder::new().description(Some(description)).schema(Some(schema())).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    for (name, description, schema) in PARAMETERS {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema()))
            .build();
        components.parameters.insert(name.to_owned(), parameter.into());
    }
    for mut parameter in PageQuery::into_params(|| Some(ParameterIn::Query)) {
        if parameter.name == "limit" {
            parameter.schema = Some(PageQuery::limits(page_max).into());
        }
        components.parameters.insert(parameter.name.clone(), parameter.into());
    }
    for (_, name, meaning, header, _) in REFUSALS {
        let problem = ContentBuilder::new().schema(Some(shared::<Schema>("schemas", "Problem"))).build();
        let mut response =
            ResponseBuilder::new().description(meaning).content("application/problem+json", problem).build();
        put_headers(&mut response, STANDING.into_iter().chain(header));
        components.responses.insert(name.to_owned(), response.into());
    }
}

/// Adds the parameters, error responses and headers that follow from what the operation takes.
pub(super) fn complete(at: &mut Located<'_>, components: &Components) {
    let takes = Takes::of(at);
    let id = at.operation.operation_id.clone().unwrap_or_default();
    let not_modified = at.operation.responses.responses.contains_key("304");
    let headers = [("Idempotency-Key", takes.key), ("If-None-Match", not_modified)];
    let headers = headers.into_iter().filter_map(|(name, is_taken)| is_taken.then_some(name));
    let parameters = at.operation.parameters.get_or_insert_default();
    parameters.extend(headers.map(|name| shared("parameters", name)));
    for given in parameters.iter_mut() {
        // By its place, too: the `user_id` of a query is not the one of a path.
        let is_same = |one: &Parameter, other: &Parameter| {
            one.name == other.name && one.parameter_in == other.parameter_in
        };
        if let RefOr::T(own) = given
            && let Some(RefOr::T(common)) = components.parameters.get(&own.name)
            && is_same(own, common)
        {
            *given = shared("parameters", &own.name);
        }
    }
    for (status, response) in &mut at.operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = meaning(status).to_owned();
        }
        let special = [
            ("ETag", status == "304" || is_versioned(response, components)),
            ("Location", matches!(status.as_str(), "201" | "202")),
            ("Idempotency-Replayed", takes.key),
            ("Set-Cookie", WITH_COOKIES.contains(&id.as_str())),
            ("RateLimit", QUOTED.contains(&id.as_str())),
            ("RateLimit-Policy", QUOTED.contains(&id.as_str())),
        ];
        let special = special.into_iter().filter_map(|(name, is_there)| is_there.then_some(name));
        put_headers(response, STANDING.into_iter().filter(|_| takes.count).chain(special));
    }
    for (status, name, _, _, is_given) in REFUSALS {
        if is_given(&takes) || FURTHER.contains(&(id.as_str(), status)) {
            at.operation.responses.responses.insert(status.to_owned(), shared("responses", name));
        }
    }
}

/// The default description of a successful response.
fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "Created.",
        "202" => "Accepted: see `Location` for how it goes.",
        "204" => "Done.",
        "304" => "Not modified.",
        _ => "OK.",
    }
}

impl Takes {
    fn of(at: &Located<'_>) -> Self {
        let id = at.operation.operation_id.as_deref().unwrap_or_default();
        let has = |place: ParameterIn| at.parameters().any(|parameter| parameter.parameter_in == place);
        let token = !at.is_public();
        let change = at.method != HttpMethod::Get && id != "createTicket";
        Self {
            token,
            ids: at.path.contains('{'),
            body: at.operation.request_body.is_some(),
            query: has(ParameterIn::Query),
            key: change && !at.path.starts_with("/auth/") && !WITHOUT_KEY.contains(&id),
            version: at.parameters().any(|parameter| parameter.name == "If-Match"),
            count: !at.is_probe(),
        }
    }
}

fn put_headers(response: &mut Response, names: impl Iterator<Item = &'static str>) {
    for name in iter::once(CALL).chain(names) {
        response.headers.insert(name.to_owned(), shared("headers", name));
    }
}

/// Whether the response's schema has a `version`.
fn is_versioned(response: &Response, components: &Components) -> bool {
    let schema = response.content.values().find_map(|content| match content {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    });
    schema.is_some_and(|schema| has_version(schema, components))
}

/// The server's own version is text.
fn is_number(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Integer))
}

fn has_version(schema: &RefOr<Schema>, components: &Components) -> bool {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            components.schemas.get(name).is_some_and(|schema| has_version(schema, components))
        }
        RefOr::T(Schema::Object(object)) => object.properties.get("version").is_some_and(is_number),
        RefOr::T(Schema::AllOf(all)) => all.items.iter().any(|part| has_version(part, components)),
        RefOr::T(_) => false,
    }
}
