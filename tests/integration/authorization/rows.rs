//! The rows of the matrix: how each route is called. The results are in `matrix.txt`.

use serde_json::{Value, json};

use super::world::{self, Stage, World};
use crate::support::TestApp;

/// Which user's row is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Ana,
    Ben,
}
use Stage::{Booked, Draft, None as Nothing, Offered, Open, Planned, Private, Started, Watched};
use Whose::{Ana, Ben};

/// A route, called in one stage of the world.
pub(super) struct Row {
    /// The route as in the OpenAPI document.
    pub(super) route: &'static str,
    pub(super) stage: Stage,
    pub(super) whose: Whose,
    pub(super) body: fn(&TestApp, &World) -> Value,
    /// Path at which the owner reads what a refused call must not have changed.
    pub(super) read_back: &'static str,
}

const fn row(
    route: &'static str,
    stage: Stage,
    whose: Whose,
    read_back: &'static str,
    body: fn(&TestApp, &World) -> Value,
) -> Row {
    Row { route, stage, whose, body, read_back }
}

fn no_body(_: &TestApp, _: &World) -> Value {
    Value::Null
}

fn reason(_: &TestApp, _: &World) -> Value {
    json!({"reason": "because"})
}

fn empty(_: &TestApp, _: &World) -> Value {
    json!({})
}

impl World {
    /// The path with the world's ids filled in.
    pub(super) fn fill(&self, path: &str) -> String {
        let id = match path.split('/').nth(1).unwrap_or_default() {
            "providers" => &self.provider,
            "consumers" => &self.consumer,
            "requests" => &self.request,
            "offers" => &self.offer,
            "bookings" => &self.booking,
            "sessions" => &self.session,
            "projects" | "ws" => &self.project,
            "invitations" => &self.invitation,
            "entries" => &self.entry,
            "conversations" => &self.conversation,
            "masterplans" => &self.masterplan,
            "simulations" => &self.simulation,
            "auth" => &self.login,
            "admin" => &self.newcomer,
            _ => "",
        };
        let path = if path == "/simulations/compare" { "/simulations/compare?ids={id},{id}" } else { path };
        let path = match path {
            "/admin/explain" => {
                format!("{path}?user_id={}&kind=offer&action=accept&row={}", self.owner, self.offer)
            }
            "/admin/states" => format!("{path}?kind=offer&row={}", self.offer),
            path => path.to_owned(),
        };
        path.replace("{id}", id)
            .replace("{service_id}", &self.service)
            .replace("{template_id}", &self.template)
            .replace("{photo_id}", &self.photo)
            .replace("{user_id}", &self.member)
            .replace("{task_id}", &self.task)
            .replace("{column_id}", &self.column)
            .replace("{invitation_id}", &self.invitation)
            .replace("{reflection_id}", &self.reflection)
            .replace("{message_id}", &self.message)
            .replace("{sid}", &self.login)
            .replace("{connection_id}", &self.connection)
            .replace("{room}", "market:plumbing")
    }
}

pub(super) const ROWS: &[Row] = &[
    row("POST /auth/register", Nothing, Ana, "/auth/me", |_, world| {
        let email = format!("new{}@example.com", world.number);
        json!({"email": email, "password": "correct horse battery", "role": "consumer"})
    }),
    row("POST /auth/token", Nothing, Ana, "/auth/me", wrong_password),
    row("POST /auth/login", Nothing, Ana, "/auth/me", wrong_password),
    row("POST /auth/refresh", Nothing, Ana, "/auth/me", |_, _| json!({"refresh_token": "none"})),
    row("POST /auth/logout", Nothing, Ana, "/auth/me", no_body),
    row("POST /auth/revoke", Nothing, Ana, "/auth/me", |_, _| json!({"token": "none"})),
    row("GET /auth/me", Nothing, Ana, "/auth/me", no_body),
    row("GET /auth/sessions", Nothing, Ana, "/auth/me", no_body),
    row("GET /me/limits", Nothing, Ana, "/auth/me", no_body),
    row("DELETE /auth/sessions/{id}", Nothing, Ana, "/auth/me", no_body),
    row("POST /auth/ticket", Nothing, Ana, "/auth/me", no_body),
    row("GET /providers", Nothing, Ben, "/providers/{id}", no_body),
    row("GET /providers/{id}", Nothing, Ben, "/providers/{id}", no_body),
    row("PATCH /providers/{id}", Nothing, Ben, "/providers/{id}", bio),
    row("GET /providers/{id}/profile", Nothing, Ben, "/providers/{id}", no_body),
    row("PATCH /providers/{id}/profile", Nothing, Ben, "/providers/{id}", bio),
    row("GET /providers/{id}/services", Nothing, Ben, "/providers/{id}/services", no_body),
    row("POST /providers/{id}/services", Nothing, Ben, "/providers/{id}/services", |_, _| world::service()),
    row(
        "GET /providers/{id}/services/{service_id}",
        Nothing,
        Ben,
        "/providers/{id}/services/{service_id}",
        no_body,
    ),
    row(
        "PATCH /providers/{id}/services/{service_id}",
        Nothing,
        Ben,
        "/providers/{id}/services/{service_id}",
        |_, _| json!({"name": "Other pipes"}),
    ),
    row(
        "DELETE /providers/{id}/services/{service_id}",
        Nothing,
        Ben,
        "/providers/{id}/services/{service_id}",
        no_body,
    ),
    row("GET /providers/{id}/templates", Nothing, Ben, "/providers/{id}/templates", no_body),
    row("POST /providers/{id}/templates", Nothing, Ben, "/providers/{id}/templates", |_, _| {
        world::template()
    }),
    row(
        "GET /providers/{id}/templates/{template_id}",
        Nothing,
        Ben,
        "/providers/{id}/templates/{template_id}",
        no_body,
    ),
    row(
        "PATCH /providers/{id}/templates/{template_id}",
        Nothing,
        Ben,
        "/providers/{id}/templates/{template_id}",
        |_, _| json!({"title": "Unusual"}),
    ),
    row(
        "DELETE /providers/{id}/templates/{template_id}",
        Nothing,
        Ben,
        "/providers/{id}/templates/{template_id}",
        no_body,
    ),
    row("GET /providers/{id}/portfolio", Nothing, Ben, "/providers/{id}/portfolio", no_body),
    row("POST /providers/{id}/portfolio", Nothing, Ben, "/providers/{id}/portfolio", |_, _| world::photo()),
    row(
        "GET /providers/{id}/portfolio/{photo_id}",
        Nothing,
        Ben,
        "/providers/{id}/portfolio/{photo_id}",
        no_body,
    ),
    row(
        "PATCH /providers/{id}/portfolio/{photo_id}",
        Nothing,
        Ben,
        "/providers/{id}/portfolio/{photo_id}",
        |_, _| json!({"caption": "Another sink"}),
    ),
    row(
        "DELETE /providers/{id}/portfolio/{photo_id}",
        Nothing,
        Ben,
        "/providers/{id}/portfolio/{photo_id}",
        no_body,
    ),
    row("GET /consumers/{id}", Nothing, Ana, "/consumers/{id}", no_body),
    row("PATCH /consumers/{id}", Nothing, Ana, "/consumers/{id}", |_, _| json!({"display_name": "Ana B."})),
    row("GET /requests", Open, Ana, "/requests/{id}", no_body),
    row("POST /requests", Draft, Ana, "/requests/{id}", |_, _| world::request("open")),
    row("GET /requests/{id}", Open, Ana, "/requests/{id}", no_body),
    row("PATCH /requests/{id}", Open, Ana, "/requests/{id}", |_, _| json!({"title": "Fix both sinks"})),
    row("POST /requests/{id}/publish", Draft, Ana, "/requests/{id}", empty),
    row("POST /requests/{id}/extend", Open, Ana, "/requests/{id}", empty),
    row("POST /requests/{id}/cancel", Open, Ana, "/requests/{id}", no_body),
    row("POST /requests/{id}/remove", Open, Ana, "/requests/{id}", reason),
    row("POST /requests/{id}/restore", Open, Ana, "/requests/{id}", reason),
    row("GET /requests/{id}/offers", Offered, Ana, "/requests/{id}", no_body),
    row("POST /requests/{id}/offers", Open, Ben, "/requests/{id}", world::offer),
    row("GET /offers", Offered, Ben, "/offers/{id}", no_body),
    row("GET /offers/{id}", Offered, Ben, "/offers/{id}", no_body),
    row("PATCH /offers/{id}", Offered, Ben, "/offers/{id}", |_, _| json!({"message": "Sooner."})),
    row("POST /offers/{id}/accept", Offered, Ana, "/offers/{id}", |_, _| json!({"version": 1})),
    row("POST /offers/{id}/decline", Offered, Ana, "/offers/{id}", no_body),
    row("POST /offers/{id}/withdraw", Offered, Ben, "/offers/{id}", no_body),
    row("POST /offers/{id}/remove", Offered, Ben, "/offers/{id}", reason),
    row("GET /bookings", Booked, Ana, "/bookings/{id}", no_body),
    row("GET /bookings/{id}", Booked, Ana, "/bookings/{id}", no_body),
    row("POST /bookings/{id}/start", Booked, Ben, "/bookings/{id}", no_body),
    row("POST /bookings/{id}/complete", Started, Ben, "/bookings/{id}", no_body),
    row("PUT /bookings/{id}/complete", Started, Ana, "/bookings/{id}", no_body),
    row("POST /bookings/{id}/cancel", Booked, Ana, "/bookings/{id}", reason),
    row("PUT /bookings/{id}/cancel", Booked, Ben, "/bookings/{id}", reason),
    row("POST /bookings/{id}/force_cancel", Booked, Ana, "/bookings/{id}", reason),
    row("GET /sessions", Offered, Ana, "/sessions/{id}", no_body),
    row("GET /sessions/{id}", Offered, Ana, "/sessions/{id}", no_body),
    row("GET /sessions/{id}/messages", Offered, Ana, "/sessions/{id}/messages", no_body),
    row(
        "POST /sessions/{id}/messages",
        Offered,
        Ana,
        "/sessions/{id}/messages",
        |_, world| json!({"text": "When?", "client_msg_id": format!("m{}", world.number)}),
    ),
    row("GET /projects", Planned, Ana, "/projects/{id}", no_body),
    row("POST /projects", Planned, Ana, "/projects/{id}", |_, _| world::project()),
    row("GET /projects/{id}", Planned, Ana, "/projects/{id}", no_body),
    row(
        "PUT /projects/{id}/members/{user_id}",
        Planned,
        Ana,
        "/projects/{id}",
        |_, _| json!({"role": "editor"}),
    ),
    row("DELETE /projects/{id}/members/{user_id}", Planned, Ana, "/projects/{id}", no_body),
    row("GET /ws/kanban/projects/{id}/clients", Planned, Ana, "/projects/{id}", no_body),
    row("GET /projects/{id}/tasks", Planned, Ana, "/projects/{id}/tasks", no_body),
    row("POST /projects/{id}/tasks", Planned, Ana, "/projects/{id}/tasks", |_, _| world::task()),
    row("GET /projects/{id}/tasks/{task_id}", Planned, Ana, "/projects/{id}/tasks/{task_id}", no_body),
    row(
        "PATCH /projects/{id}/tasks/{task_id}",
        Planned,
        Ana,
        "/projects/{id}/tasks/{task_id}",
        |_, _| json!({"title": "Other tiles"}),
    ),
    row(
        "POST /projects/{id}/tasks/{task_id}/move",
        Planned,
        Ana,
        "/projects/{id}/tasks/{task_id}",
        |_, world| json!({"column_id": world.column}),
    ),
    row("POST /projects/{id}/tasks/{task_id}/archive", Planned, Ana, "/projects/{id}/tasks", no_body),
    row("POST /projects/{id}/tasks/{task_id}/restore", Planned, Ana, "/projects/{id}/tasks", no_body),
    row("GET /projects/{id}/tasks/{task_id}/comments", Planned, Ana, "/projects/{id}/board", no_body),
    row(
        "POST /projects/{id}/tasks/{task_id}/comments",
        Planned,
        Ana,
        "/projects/{id}/tasks/{task_id}/comments",
        |_, _| json!({"text": "Which ones?"}),
    ),
    row("GET /projects/{id}/columns", Planned, Ana, "/projects/{id}/board", no_body),
    row(
        "POST /projects/{id}/columns",
        Planned,
        Ana,
        "/projects/{id}/columns",
        |_, _| json!({"name": "Waiting"}),
    ),
    row(
        "PATCH /projects/{id}/columns/{column_id}",
        Planned,
        Ana,
        "/projects/{id}/columns",
        |_, _| json!({"name": "Finished"}),
    ),
    row(
        "POST /projects/{id}/columns/{column_id}/move",
        Planned,
        Ana,
        "/projects/{id}/columns",
        |_, _| json!({"after": null}),
    ),
    row("DELETE /projects/{id}/columns/{column_id}", Planned, Ana, "/projects/{id}/columns", no_body),
    row("GET /projects/{id}/board", Planned, Ana, "/projects/{id}/board", no_body),
    row("GET /projects/{id}/activity", Planned, Ana, "/projects/{id}/activity", no_body),
    row("GET /projects/{id}/invitations", Planned, Ana, "/projects/{id}/invitations", no_body),
    row(
        "POST /projects/{id}/invitations",
        Planned,
        Ana,
        "/projects/{id}/invitations",
        |_, _| json!({"role": "viewer"}),
    ),
    row(
        "DELETE /projects/{id}/invitations/{invitation_id}",
        Planned,
        Ana,
        "/projects/{id}/invitations",
        no_body,
    ),
    row("GET /invitations", Planned, Ana, "/auth/me", no_body),
    row("POST /invitations/accept", Planned, Ana, "/auth/me", |_, _| json!({"secret": "souk_in_none"})),
    row("POST /invitations/{id}/accept", Planned, Ana, "/auth/me", no_body),
    row("POST /invitations/{id}/decline", Planned, Ana, "/auth/me", no_body),
    row("GET /entries", Private, Ana, "/entries/{id}", no_body),
    row("POST /entries", Private, Ana, "/entries/{id}", |_, _| world::entry()),
    row("GET /entries/{id}", Private, Ana, "/entries/{id}", no_body),
    row("PATCH /entries/{id}", Private, Ana, "/entries/{id}", |_, _| json!({"text": "Slept well."})),
    row("DELETE /entries/{id}", Private, Ana, "/entries/{id}", no_body),
    row("GET /entries/{id}/reflections", Private, Ana, "/entries/{id}", no_body),
    row("POST /entries/{id}/reflections", Private, Ana, "/entries/{id}", empty),
    row("GET /entries/{id}/reflections/{reflection_id}", Private, Ana, "/entries/{id}", no_body),
    row("DELETE /entries/{id}/reflections/{reflection_id}", Private, Ana, "/entries/{id}", no_body),
    row("GET /conversations", Private, Ana, "/conversations/{id}", no_body),
    row("POST /conversations", Private, Ana, "/conversations/{id}", empty),
    row("GET /conversations/{id}", Private, Ana, "/conversations/{id}", no_body),
    row(
        "PATCH /conversations/{id}",
        Private,
        Ana,
        "/conversations/{id}",
        |_, _| json!({"title": "The attic"}),
    ),
    row("DELETE /conversations/{id}", Private, Ana, "/conversations/{id}", no_body),
    row("GET /conversations/{id}/messages", Private, Ana, "/conversations/{id}/messages", no_body),
    row(
        "POST /conversations/{id}/messages",
        Private,
        Ana,
        "/conversations/{id}/messages",
        |_, _| json!({"text": "And now?"}),
    ),
    row(
        "GET /conversations/{id}/messages/{message_id}",
        Private,
        Ana,
        "/conversations/{id}/messages",
        no_body,
    ),
    row("POST /conversations/{id}/answer", Private, Ana, "/conversations/{id}/messages", no_body),
    row("POST /conversations/{id}/masterplan", Private, Ana, "/conversations/{id}/masterplans", |_, _| {
        world::masterplan()
    }),
    row("GET /conversations/{id}/masterplans", Private, Ana, "/conversations/{id}/masterplans", no_body),
    row("GET /masterplans/{id}", Private, Ana, "/masterplans/{id}", no_body),
    row(
        "POST /masterplans/{id}/apply",
        Private,
        Ana,
        "/masterplans/{id}",
        |_, world| json!({"project_id": world.project}),
    ),
    row("GET /simulations", Private, Ana, "/simulations/{id}", no_body),
    row("POST /simulations", Private, Ana, "/simulations/{id}", |_, _| world::simulation()),
    row("GET /simulations/compare", Private, Ana, "/simulations/{id}", no_body),
    row("GET /simulations/{id}", Private, Ana, "/simulations/{id}", no_body),
    row("POST /simulations/{id}/cancel", Private, Ana, "/simulations/{id}", no_body),
    row("GET /admin/users", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/users/{id}", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/users/{id}/limits", Watched, Ana, "/auth/me", no_body),
    row("POST /admin/users/{id}/suspend", Watched, Ana, "/auth/me", reason),
    row("POST /admin/users/{id}/reinstate", Watched, Ana, "/auth/me", no_body),
    row("PUT /admin/users/{id}/role", Watched, Ana, "/auth/me", |_, _| json!({"role": "provider"})),
    row("PUT /admin/users/{id}/plan", Watched, Ana, "/auth/me", |_, _| json!({"plan": "pro"})),
    row("POST /admin/users/{id}/log-out", Watched, Ana, "/auth/me", no_body),
    row("POST /admin/users/{id}/view-as", Watched, Ana, "/auth/me", reason),
    row("POST /admin/login", Nothing, Ana, "/auth/me", wrong_password),
    row("POST /admin/login/refresh", Nothing, Ana, "/auth/me", no_body),
    row("DELETE /admin/login", Nothing, Ana, "/auth/me", no_body),
    row("GET /admin/users/{id}/logins", Watched, Ana, "/auth/me", no_body),
    row("DELETE /admin/logins/{sid}", Watched, Ana, "/auth/me", no_body),
    row("POST /admin/tokens/revoke", Watched, Ana, "/auth/me", |_, _| json!({"jti": "some"})),
    row("GET /admin/sessions", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/sessions/ended", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/sessions/{connection_id}", Watched, Ana, "/auth/me", no_body),
    row("DELETE /admin/sessions/{connection_id}", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/rooms", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/rooms/{room}/members", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/rooms/{room}/events", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/rooms/{room}/presence", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/bookings", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/audit", Watched, Ana, "/auth/me", no_body),
    row("GET /admin/settings", Nothing, Ana, "/auth/me", no_body),
    row("GET /admin/health", Nothing, Ana, "/auth/me", no_body),
    row("GET /admin/machines", Nothing, Ana, "/auth/me", no_body),
    row("GET /admin/states", Offered, Ana, "/offers/{id}", no_body),
    row("GET /admin/explain", Offered, Ana, "/offers/{id}", no_body),
    row(
        "POST /admin/dry-run",
        Offered,
        Ana,
        "/auth/me",
        |_, world| json!({"user_id": world.owner, "kind": "offer", "action": "decline", "row": world.offer}),
    ),
    row("GET /healthz", Nothing, Ana, "/auth/me", no_body),
    row("GET /readyz", Nothing, Ana, "/auth/me", no_body),
    row("GET /metrics", Nothing, Ana, "/auth/me", no_body),
    row("GET /", Nothing, Ana, "/auth/me", no_body),
    // The last one: whoever calls it is nobody afterwards.
    row("DELETE /auth/sessions", Watched, Ana, "/auth/me", no_body),
];

fn wrong_password(_: &TestApp, world: &World) -> Value {
    json!({"email": format!("nobody{}@example.com", world.number), "password": "wrong password"})
}

fn bio(_: &TestApp, world: &World) -> Value {
    json!({"bio": format!("Version {}.", world.number)})
}
