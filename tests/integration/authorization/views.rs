//! Who views the marketplace as somebody else reads what they read or is refused, on every route and with
//! every live command, and changes no row.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Map, Value, json};
use souk::db::DbError;

use super::coverage::{OF_THE_DASHBOARD, PROBES, WITHOUT_TOKEN, call};
use super::rows::{ROWS, Whose};
use super::world::{People, Stage, World};
use crate::both_engines;
use crate::support::{Client, Person, Socket, SocketIo, TestApp};

/// Tables that say what the servers do, and who asked: not what the marketplace holds.
const OF_SERVERS: [&str; 9] = [
    "audit",
    "audit_horizon",
    "commits",
    "commit_readers",
    "nodes",
    "leases",
    "live_connections",
    "room_members",
    "__diesel_schema_migrations",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    rows: String,
}

/// Every row of every other table, as text.
async fn db_rows(app: &TestApp) -> BTreeMap<String, String> {
    let read = app.server.db.read(|uow| {
        let tables = if uow.conn().is_postgres() {
            "SELECT table_name::text AS name, \
                format('coalesce((SELECT string_agg(t::text, chr(10) ORDER BY t::text) FROM %I t), '''')', \
                    table_name) \
                AS rows FROM information_schema.tables WHERE table_schema = 'public'"
        } else {
            "SELECT m.name AS name, '(SELECT coalesce(group_concat(line, char(10)), '''') FROM (SELECT ' \
                || (SELECT group_concat('quote(' || c.name || ')', ' || '','' || ') \
                    FROM pragma_table_info(m.name) c) \
                || ' AS line FROM ' || m.name || ' ORDER BY 1))' AS rows \
                FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
        };
        let tables: Vec<Line> = diesel::sql_query(tables).load(uow.conn())?;
        let each = tables.iter().filter(|line| !OF_SERVERS.contains(&line.name.as_str()));
        let each: Vec<String> =
            each.map(|Line { name, rows }| format!("SELECT '{name}' AS name, {rows} AS rows")).collect();
        Ok::<Vec<Line>, DbError>(diesel::sql_query(each.join(" UNION ALL ")).load(uow.conn())?)
    });
    read.await.unwrap().into_iter().map(|Line { name, rows }| (name, rows)).collect()
}

#[track_caller]
fn assert_unchanged(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, what: &str) {
    for (table, rows) in before {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) =
            (rows.lines().collect(), after[table].lines().collect());
        let changed = before.symmetric_difference(&after);
        // What admins are told of comes a little after its fact.
        let changed: Vec<_> =
            changed.filter(|row| !row.starts_with("(admin,") && !row.starts_with("'admin',")).collect();
        assert!(changed.is_empty(), "{what} has changed {table}: {changed:#?}");
    }
}

/// What an answer says of its reader, or of the moment.
const OF_THE_MOMENT: [&str; 4] = ["allowed_actions", "timestamp", "day_ends_in", "requests_per_minute"];

/// An answer but for what its reader may do, and when it was given.
fn shown(text: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !OF_THE_MOMENT.contains(&name.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    strip(&mut value);
    value
}

/// A client that views as this person.
async fn view(root: &Person, who: &Person) -> Client {
    let begun =
        root.post(&format!("/admin/users/{}/view-as", who.id), json!({"reason": "a complaint"})).await.ok();
    root.with_token(begun["access_token"].as_str().unwrap())
}

/// Commands that a viewer may send; each only reads.
const READING: [&str; 9] = [
    "join",
    "leave",
    "history",
    "presence",
    "whoami",
    "board",
    "task.list",
    "comment.list",
    "invitation.list",
];

/// What members of a room are told.
const TOLD: [&str; 5] = ["presence", "event", "typing", "signal", "focus"];

/// A live command, as the file of all commands has it.
#[derive(serde::Deserialize)]
struct Step {
    command: String,
    fields: Map<String, Value>,
}

/// The commands of `dialects.json`, of which every command has one, about these rows.
fn steps(world: &World, private: &World, planned: &World, people: &People) -> Vec<Step> {
    let mut text = include_str!("../realtime/dialects.json").to_owned();
    let values = [
        ("$room", format!("session:{}", world.session)),
        ("$conversation", private.made["conversations"].clone()),
        ("$project", planned.made["projects"].clone()),
        ("$task", planned.task.clone()),
        ("$column1", planned.column.clone()),
        ("$column2", planned.column.clone()),
        ("$invitation", planned.invitation.clone()),
        ("$nothing", private.made["entries"].clone()),
        ("$ana", people.ana.id.clone()),
        ("$ben", people.ben.id.clone()),
    ];
    for (name, value) in &values {
        text = text.replace(name, value);
    }
    serde_json::from_str(&text).unwrap()
}

both_engines! {
    async fn a_view_reads_what_the_user_reads_or_is_refused_and_changes_no_row(
        app with [
            "--free-requests=1000000", "--free-simulations=1000000", "--free-simulations-per-day=1000000",
            "--simulation-threads=0", "--free-messages-per-day=1000000", "--free-plans-per-day=1000000",
            "--free-generated-characters-per-day=1000000000",
        ]
    ) {
        let people = People::come(app).await;
        let (as_ana, as_ben) =
            (view(&people.admin, &people.ana).await, view(&people.admin, &people.ben).await);
        let mut worlds: BTreeMap<Stage, World> = BTreeMap::new();
        let mut read = BTreeSet::new();
        for row in &*ROWS {
            let route = row.route;
            if [&WITHOUT_TOKEN[..], &OF_THE_DASHBOARD[..], &PROBES[..]]
                .iter()
                .any(|list| list.contains(&route))
            {
                continue;
            }
            let world: &World = match worlds.entry(row.stage) {
                Entry::Vacant(place) => place.insert(World::at(app, &people, row.stage).await),
                Entry::Occupied(made) => made.into_mut(),
            };
            let (viewer, owner) = match row.whose {
                Whose::Ana => (&as_ana, &people.ana),
                Whose::Ben => (&as_ben, &people.ben),
            };
            let before = db_rows(app).await;
            let answer = call(app, viewer, row, world).header("Idempotency-Key", "view").await;
            assert_unchanged(&before, &db_rows(app).await, route);
            if !route.starts_with("GET ") {
                assert_eq!(answer.refused(403)["code"], "read_only", "{route}");
            } else if answer.status == 403 {
                let code = answer.refused(403)["code"].clone();
                let expected = if route.starts_with("GET /admin/") { "forbidden" } else { "private" };
                assert_eq!(code, expected, "{route}");
            } else {
                let own = call(app, owner, row, world).await;
                assert_eq!((answer.status, shown(&answer.text)), (own.status, shown(&own.text)), "{route}");
                read.insert(route);
            }
        }
        for shown in [
            "GET /requests/{id}",
            "GET /offers",
            "GET /bookings/{id}",
            "GET /sessions/{id}/messages",
            "GET /projects/{id}/board",
        ] {
            assert!(read.contains(shown), "{shown} is not shown");
        }
        for private in ["/entries", "/conversations", "/masterplans", "/simulations", "/auth/sessions"] {
            let shown: Vec<_> =
                read.iter().filter(|route| route.split(' ').nth(1).unwrap().starts_with(private)).collect();
            assert!(shown.is_empty(), "{shown:?}");
        }
        let audit =
            people.admin.get("/admin/audit?kind=token&action=write&outcome=refused&limit=1").await.ok();
        assert_eq!(audit["items"][0]["impersonator"], people.admin.id.as_str(), "both are named");
        assert!(
            [people.ana.id.as_str(), &people.ben.id].contains(&audit["items"][0]["actor"].as_str().unwrap())
        );
    }

    async fn no_live_command_of_a_view_changes_a_row_or_shows_the_viewer(
        app with ["--free-messages=1000", "--malformed-per-minute=1000", "--simulation-threads=0"]
    ) {
        let people = People::come(app).await;
        let world = World::at(app, &people, Stage::Offered).await;
        let private = World::at(app, &people, Stage::Private).await;
        let planned = World::at(app, &people, Stage::Planned).await;
        let mut ben = people.ben.live().await;
        for room in [format!("session:{}", world.session), format!("project:{}", planned.made["projects"])] {
            ben.ack(json!({"type": "join", "room": room})).await;
        }
        ben.recv_pong().await;
        for kind in TOLD {
            ben.take_all(kind);
        }

        let viewer = view(&people.admin, &people.ana).await;
        let token = viewer.token().unwrap();
        let mut plain = Socket::connect(app.address, &format!("/ws?token={token}")).await;
        let greeting = plain.recv("connection_established").await;
        assert_eq!(greeting["user_id"], people.ana.id.as_str());
        let mut socket_io = SocketIo::connect(app.address, token).await;
        let before = db_rows(app).await;
        let mut refused = BTreeSet::new();
        for Step { command, fields } in steps(&world, &private, &planned, &people) {
            if command == "ping" {
                continue;
            }
            let mut request = Value::Object(fields.clone());
            request["type"] = command.as_str().into();
            let answer = plain.request(request).await;
            let name = if ["join", "leave"].contains(&command.as_str()) {
                format!("room:{command}")
            } else {
                command.clone()
            };
            let other = socket_io.emit(&name, Value::Object(fields.clone())).await;
            if READING.contains(&command.as_str()) {
                continue;
            }
            assert_eq!(answer["type"], "error", "{command} {fields:?}: {answer}");
            assert_ne!(other["ok"], true, "{command} {fields:?}: {other}");
            if answer["code"] == "forbidden" {
                refused.insert(command.clone());
            }
        }
        for command in [
            "chat_message",
            "typing",
            "signal",
            "read",
            "join_chat",
            "focus",
            "task.create",
            "refresh",
            "run",
        ] {
            assert!(refused.contains(command), "{command} is not refused for what it is: {refused:?}");
        }
        let mine = json!({"type": "refresh", "token": people.ana.token().unwrap()});
        assert_eq!(plain.request(mine).await["code"], "forbidden", "it stays a view");
        let mut ana = people.ana.live().await;
        let wolf = json!({"type": "refresh", "token": token});
        assert_eq!(ana.request(wolf).await["code"], "invalid_token", "and no session becomes one");

        for room in [format!("session:{}", world.session), format!("project:{}", planned.made["projects"])] {
            assert_eq!(plain.request(json!({"type": "join", "room": room})).await["code"], "forbidden");
            plain.ack(json!({"type": "history", "room": room})).await;
        }
        plain.ack(json!({"type": "board", "project_id": planned.made["projects"]})).await;
        plain.ack(json!({"type": "join", "room": people.ana.room()})).await;
        assert_eq!(plain.request(json!({"type": "join", "room": "admin"})).await["code"], "forbidden");
        for path in [
            format!("/ws/kanban/projects/{}?client_id=c1&token={token}", planned.made["projects"]),
            format!("/ws/reflections/{}?token={token}", private.made["entries"]),
            format!("/ws/simulate?token={token}"),
        ] {
            let mut other = Socket::connect(app.address, &path).await;
            assert_eq!(other.closed().await.reason, "access denied; do not reconnect", "{path}");
        }
        assert_unchanged(&before, &db_rows(app).await, "a live command");

        ben.recv_pong().await;
        for kind in TOLD {
            assert_eq!(ben.take_all(kind), [json!(null); 0], "{kind}");
        }
        let limits = people.ana.get("/me/limits").await.ok();
        assert_eq!(limits["connections"]["used"], 1, "those of the view are the admin's");
    }
}
