//! Derives from an operation's method and path alone: its id, its security and its path parameters.

use utoipa::openapi::path::{
    HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths,
};
use utoipa::openapi::{Components, KnownFormat, ObjectBuilder, RefOr, Required, SchemaFormat, Type};

use super::shared;

/// Operations that need no token; all others do.
const PUBLIC: [&str; 8] = [
    "/",
    "/auth/register",
    "/auth/token",
    "/auth/login",
    "/auth/refresh",
    "/auth/revoke",
    "/admin/login",
    "/admin/login/refresh",
];

/// Where operators' machines look; not rate-limited.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// What is not under `/api/v1`.
pub(super) const UNVERSIONED: [&str; 4] = ["/", "/healthz", "/readyz", "/metrics"];

/// An operation with its method and path.
pub(super) struct Located<'a> {
    pub(super) method: HttpMethod,
    pub(super) path: &'a str,
    pub(super) operation: &'a mut Operation,
}

/// Iterates over all operations for completion.
pub(super) fn each(paths: &mut Paths) -> impl Iterator<Item = Located<'_>> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        by_method(item).map(|(method, operation)| Located { method, path, operation })
    })
}

fn by_method(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

impl Located<'_> {
    /// Adds what follows from method and path, unless the handler declares it.
    pub(super) fn complete(&mut self, components: &mut Components) {
        // utoipa's default id is the handler's Rust name, which has no capitals.
        let is_given = |id: &str| id.contains(char::is_uppercase);
        if !self.operation.operation_id.as_deref().is_some_and(is_given) {
            self.operation.operation_id = Some(id(&self.method, self.path, self.is_list()));
        }
        if self.is_public() {
            self.operation.security = Some(Vec::new());
        }
        let described: Vec<_> = self.parameters().map(|parameter| parameter.name.clone()).collect();
        let implied =
            path_parameters(self.path).filter(|implied| !described.contains(&implied.parameter.name));
        let implied = implied.map(|PathParameter { shared_as, parameter }| {
            let reference = shared("parameters", &shared_as);
            components.parameters.insert(shared_as, parameter.into());
            reference
        });
        self.operation.parameters.get_or_insert_default().splice(0..0, implied);
    }

    /// Whether the operation needs no token.
    pub(super) fn is_public(&self) -> bool {
        PUBLIC.contains(&self.path) || self.is_probe()
    }

    /// Whether the operation is a probe, which is not rate-limited.
    pub(super) fn is_probe(&self) -> bool {
        PROBES.contains(&self.path)
    }

    /// The parameters that are not references to shared ones.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
    }

    fn is_list(&self) -> bool {
        self.parameters().any(|parameter| parameter.name == "cursor")
    }
}

/// `listOffers`, `createRequest`, `getProviderService`, `acceptOffer`: a verb and what the path names. Handlers whose
/// path does not read well so give an `operation_id` of their own.
fn id(method: &HttpMethod, path: &str, is_list: bool) -> String {
    let words: Vec<&str> = path
        .split('/')
        .filter(|word| !word.is_empty() && !word.starts_with('{') && *word != "admin")
        .collect();
    let names_one = path.ends_with('}');
    let (last, above) = words.split_last().map_or(("", &[][..]), |(last, above)| (*last, above));
    let owner: String = above.iter().map(|word| capitalized(singular(word))).collect();
    let one = capitalized(singular(last));
    match method {
        HttpMethod::Get if is_list => format!("list{owner}{}", capitalized(last)),
        HttpMethod::Get => format!("get{owner}{one}"),
        HttpMethod::Post if is_collection(last) => format!("create{owner}{one}"),
        HttpMethod::Post => format!("{}{owner}", uncapitalized(&capitalized(last))),
        HttpMethod::Patch => format!("update{owner}{one}"),
        HttpMethod::Delete if names_one => format!("delete{owner}{one}"),
        _ => format!("set{owner}{one}"),
    }
}

fn is_collection(word: &str) -> bool {
    singular(word) != word
}

fn singular(word: &str) -> &str {
    match word {
        "portfolio" => "photo",
        "entries" => "entry",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// Converts `force_cancel`, `log-out` to `ForceCancel`, `LogOut`.
fn capitalized(words: &str) -> String {
    let capitalize = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    words.split(['_', '-']).map(capitalize).collect()
}

fn uncapitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// A path parameter, and its name among the shared parameters.
struct PathParameter {
    shared_as: String,
    parameter: Parameter,
}

/// The path's parameters; each is an id of the collection before it.
fn path_parameters(path: &str) -> impl Iterator<Item = PathParameter> {
    let words = path.split('/');
    words.clone().zip(words.skip(1)).filter_map(|(collection, word)| {
        let name = word.strip_prefix('{')?.strip_suffix('}')?;
        let one = singular(collection);
        // `{id}` of invitations and `{invitation_id}` below a project are two.
        let shared_as = if name.starts_with(one) { format!("path_{name}") } else { format!("{one}_{name}") };
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(format!("The {one}.")))
            .schema(Some(id))
            .build();
        Some(PathParameter { shared_as, parameter })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_verb_and_what_the_path_names() {
        let ids = [
            (HttpMethod::Get, "/offers", true, "listOffers"),
            (HttpMethod::Get, "/offers/{id}", false, "getOffer"),
            (HttpMethod::Post, "/entries", false, "createEntry"),
            (HttpMethod::Post, "/bookings/{id}/force_cancel", false, "forceCancelBooking"),
            (HttpMethod::Post, "/admin/users/{id}/log-out", false, "logOutUser"),
            (HttpMethod::Put, "/admin/users/{id}/plan", false, "setUserPlan"),
            (HttpMethod::Get, "/providers/{id}/portfolio", true, "listProviderPortfolio"),
            (HttpMethod::Delete, "/providers/{id}/portfolio/{photo_id}", false, "deleteProviderPhoto"),
        ];
        for (method, path, is_list, expected) in ids {
            assert_eq!(id(&method, path, is_list), expected);
        }
    }

    #[test]
    fn a_path_says_what_its_parameters_are() {
        let described: Vec<_> = path_parameters("/projects/{id}/members/{user_id}")
            .map(|of_path| {
                [of_path.shared_as, of_path.parameter.name, of_path.parameter.description.unwrap()]
            })
            .collect();
        assert_eq!(
            described,
            [["project_id", "id", "The project."], ["member_user_id", "user_id", "The member."]]
        );
    }
}
