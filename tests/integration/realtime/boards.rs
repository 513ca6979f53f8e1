//! Boards live: commands, conflicts, repetition, who looks at what, who comes and goes.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp, eventually, id};

struct Shared {
    ana: Person,
    ben: Person,
    project: String,
    room: String,
}

/// A project of ana's, ben an editor.
async fn share(app: &TestApp) -> Shared {
    let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
    let project = id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()).to_owned();
    ana.put(&format!("/projects/{project}/members/{}", ben.id), json!({"role": "editor"})).await.ok();
    Shared { ana, ben, room: format!("project:{project}"), project }
}

impl Shared {
    fn endpoint(&self, who: &Person, client: &str) -> String {
        let token = who.token().unwrap();
        format!("/ws/kanban/projects/{}?token={token}&client_id={client}", self.project)
    }

    /// A connection to the board's own endpoint, joined.
    async fn look(&self, app: &TestApp, who: &Person, client: &str) -> Socket {
        let mut socket = Socket::connect(app.address, &self.endpoint(who, client)).await;
        socket.recv("connection_established").await;
        socket.recv_pong().await;
        socket
    }

    /// A connection to `/ws`, joined.
    async fn join(&self, who: &Person) -> Socket {
        let mut socket = who.live().await;
        socket.ack(json!({"type": "join", "room": self.room})).await;
        socket
    }
}

both_engines! {
    async fn a_client_needs_no_rest(app) {
        let shared = share(app).await;
        let (mut anas, mut bens) = (shared.look(app, &shared.ana, "a").await, shared.look(app, &shared.ben, "b").await);
        let board = anas.ack(json!({"type": "board"})).await["board"].clone();
        assert_eq!((&board["project_id"], &board["head"], &board["next"]), (&json!(shared.project), &json!(1), &Value::Null));
        let columns = board["columns"].as_array().unwrap();
        assert_eq!((columns.len(), board["members"].as_array().unwrap().len()), (3, 2));

        let task = bens.ack(json!({"type": "task.create", "title": "Tiles", "labels": ["wet"]})).await["task"].clone();
        let created = anas.event("task.created").await;
        assert_eq!((&created["data"]["task_id"], &created["data"]["labels"], &created["by"]), (&task["id"], &json!(["wet"]), &json!(shared.ben.id)));
        let done = &columns[2]["id"];
        let moved = anas.ack(json!({"type": "task.move", "task_id": task["id"], "version": 1, "column_id": done})).await;
        let heard = bens.event("task.moved").await["data"].clone();
        assert_eq!((&heard["version"], &heard["column_id"], &heard["position"]), (&json!(2), done, &moved["task"]["position"]));
        let late = bens.request(json!({"type": "task.update", "task_id": task["id"], "version": 1, "text": "White"})).await;
        assert_eq!((&late["type"], &late["code"], &late["current"]), (&json!("error"), &json!("conflict"), &moved["task"]));
        bens.ack(json!({"type": "task.update", "task_id": task["id"], "version": 2, "text": "White"})).await;
        assert_eq!(anas.event("task.updated").await["data"]["text"], "White");
        bens.ack(json!({"type": "task.archive", "task_id": task["id"], "version": 3})).await;
        assert_eq!(anas.event("task.archived").await["data"]["version"], 4);
        let archived = anas.ack(json!({"type": "task.list"})).await["tasks"].clone();
        assert_eq!((&archived["items"][0]["id"], &archived["next"]), (&task["id"], &Value::Null));
        anas.ack(json!({"type": "task.restore", "task_id": task["id"], "version": 4})).await;
        assert_eq!(bens.event("task.restored").await["data"]["column_id"], *done);
        let said = bens.ack(json!({"type": "comment.add", "task_id": task["id"], "text": "Which ones?"})).await["comment"].clone();
        assert_eq!(anas.event("comment.added").await["data"]["comment_id"], said["id"]);
        let comments = anas.ack(json!({"type": "comment.list", "task_id": task["id"]})).await["comments"].clone();
        assert_eq!(comments, json!({"items": [said], "next": null}));

        let column = bens.ack(json!({"type": "column.create", "name": "Waiting", "wip_limit": 1, "after": null})).await["column"].clone();
        assert_eq!(anas.event("column.created").await["data"]["order"][0], column["id"]);
        bens.ack(json!({"type": "column.update", "column_id": column["id"], "version": 1, "name": "Later"})).await;
        assert_eq!(anas.event("column.updated").await["data"]["name"], "Later");
        bens.ack(json!({"type": "column.move", "column_id": column["id"], "version": 2})).await;
        assert_eq!(anas.event("column.moved").await["data"]["order"][3], column["id"]);
        let deleted = json!({"type": "column.delete", "column_id": done, "version": 1, "to_column_id": column["id"]});
        bens.ack(deleted).await;
        let gone = anas.event("column.deleted").await["data"].clone();
        assert_eq!((&gone["tasks"][0]["task_id"], &gone["tasks"][0]["version"]), (&task["id"], &json!(6)));
        let full = bens.request(json!({"type": "task.create", "title": "Pipes", "column_id": column["id"]})).await;
        assert_eq!((&full["code"], &full["message"]), (&json!("conflict"), &json!("the column \"Later\" is limited to 1 tasks")));
    }

    async fn a_command_that_is_sent_again_is_one(app) {
        let shared = share(app).await;
        let mut bens = shared.look(app, &shared.ben, "b").await;
        let create = json!({"type": "task.create", "title": "Tiles", "client_msg_id": "c-1"});
        let first = bens.ack(create.clone()).await["task"].clone();
        assert_eq!(bens.ack(create).await["task"], first);
        let columns = shared.ana.get(&format!("/projects/{}/columns", shared.project)).await.ok()["items"].clone();
        let moving = json!({
            "type": "task.move", "task_id": first["id"], "version": 1, "column_id": columns[1]["id"], "client_msg_id": "m-1",
        });
        // The connection breaks before the answer comes.
        bens.send(moving.clone()).await;
        drop(bens);
        let mut bens = shared.look(app, &shared.ben, "b").await;
        let moved = bens.ack(moving.clone()).await["task"].clone();
        assert_eq!((&moved["version"], &moved["column_id"]), (&json!(2), &columns[1]["id"]));
        // Also after others went on, and on another dialect.
        let path = format!("/projects/{}/tasks/{}/archive", shared.project, id(&first));
        shared.ana.post(&path, Value::Null).if_match("\"2\"").await.ok();
        let mut other = SocketIo::connect(app.address, shared.ben.token().unwrap()).await;
        let mut again = moving.clone();
        again["project_id"] = json!(shared.project);
        assert_eq!(other.emit("task.move", again.clone()).await["task"], moved);
        again["column_id"] = columns[2]["id"].clone();
        let another = other.emit("task.move", again).await;
        assert_eq!(another["error"]["message"], "this client_msg_id was used for another command");
        let mut anas = shared.look(app, &shared.ana, "a").await;
        let of_ana = anas.request(moving).await;
        assert_eq!(of_ana["code"], "conflict", "ids are each user's own");
        let kinds = app.db_kinds(&shared.room).await;
        assert_eq!(kinds, ["member.added", "task.created", "task.moved", "task.archived"]);
    }

    async fn the_answer_to_a_repeated_invitation_is_kept_sealed(app) {
        let shared = share(app).await;
        let mut anas = shared.look(app, &shared.ana, "a").await;
        let invite = json!({"type": "invitation.create", "role": "viewer", "client_msg_id": "i-1"});
        let first = anas.ack(invite.clone()).await["invitation"].clone();
        assert_eq!(anas.ack(invite).await["invitation"], first);
        let secret = first["secret"].as_str().unwrap().to_owned();
        let kept = app.server.db.read(|uow| -> Result<Vec<String>, souk::db::DbError> {
            use diesel::prelude::*;
            use souk::db::schema::idempotency_keys::dsl;
            Ok(dsl::idempotency_keys.select(dsl::body).load(uow.conn())?)
        }).await.unwrap();
        assert!(!kept.is_empty() && kept.iter().all(|body| !body.contains(&secret)));
        let eve = app.consumer("eve").await;
        let mut eves = eve.live().await;
        let joined = eves.ack(json!({"type": "invitation.accept", "secret": secret})).await;
        assert_eq!(joined["project"]["room"], shared.room);
        eves.ack(json!({"type": "join", "room": shared.room})).await;
        let other = anas.ack(json!({"type": "invitation.create", "role": "viewer"})).await["invitation"].clone();
        let revoked = anas.ack(json!({"type": "invitation.revoke", "invitation_id": other["id"]})).await;
        assert!(revoked["invitation"]["revoked_at"].is_string());
        let all = anas.ack(json!({"type": "invitation.list"})).await["invitations"].clone();
        assert_eq!((&all["items"][0]["id"], all["items"].as_array().unwrap().len()), (&other["id"], 2));
    }

    async fn who_may_not_is_refused_as_soon_as_he_may_not(app) {
        let shared = share(app).await;
        let mut bens = shared.join(&shared.ben).await;
        let create = json!({"type": "task.create", "project_id": shared.project, "title": "Tiles"});
        bens.ack(create.clone()).await;
        let mut anas = shared.join(&shared.ana).await;
        let demote = json!({"type": "member.set", "project_id": shared.project, "user_id": shared.ben.id, "role": "viewer"});
        assert_eq!(anas.ack(demote).await["member"]["role"], "viewer");
        assert_eq!(bens.request(create.clone()).await["code"], "forbidden");
        bens.ack(json!({"type": "board", "project_id": shared.project})).await;
        let edit = json!({"type": "focus", "project_id": shared.project, "task_id": shared.project, "editing": true});
        assert_eq!(bens.request(edit).await["code"], "forbidden");
        anas.ack(json!({"type": "member.remove", "project_id": shared.project, "user_id": shared.ben.id})).await;
        assert!(bens.recv("error").await["message"].as_str().unwrap().starts_with("you have left"));
        assert_eq!(bens.request(json!({"type": "board", "project_id": shared.project})).await["code"], "forbidden");
        let look = json!({"type": "focus", "project_id": shared.project, "task_id": null});
        assert_eq!(bens.request(look).await["code"], "not_joined");
        let leave = json!({"type": "member.remove", "project_id": shared.project, "user_id": shared.ana.id});
        assert_eq!(anas.request(leave).await["code"], "conflict", "the last owner stays");
    }

    async fn members_see_who_looks_at_what(app) {
        let shared = share(app).await;
        let mut anas = shared.join(&shared.ana).await;
        let mut bens = shared.look(app, &shared.ben, "tab").await;
        let task = bens.ack(json!({"type": "task.create", "title": "Tiles"})).await["task"]["id"].clone();
        bens.ack(json!({"type": "focus", "task_id": task, "editing": true})).await;
        let seen = anas.recv("focus").await;
        assert_eq!((&seen["task_id"], &seen["editing"], &seen["by"]), (&task, &json!(true), &json!(shared.ben.id)));
        assert_eq!((&seen["client_id"], &seen["room"]), (&json!("tab"), &json!(shared.room)));
        // Who comes later asks who is there, on any dialect.
        let mut eves = SocketIo::connect(app.address, shared.ana.token().unwrap()).await;
        eves.emit("room:join", json!({"room": shared.room})).await;
        let present = eves.emit("presence", json!({"room": shared.room})).await;
        assert_eq!(present["focus"].as_array().unwrap().len(), 1);
        assert_eq!((&present["focus"][0]["task_id"], &present["focus"][0]["session_id"]), (&task, &seen["session_id"]));
        bens.ack(json!({"type": "focus", "task_id": task})).await;
        assert_eq!(eves.recv("focus").await["editing"], false);
        bens.ack(json!({"type": "focus", "task_id": null})).await;
        assert_eq!(eves.recv("focus").await["task_id"], Value::Null);
        let nobody = eves.emit("presence", json!({"room": shared.room})).await;
        assert_eq!(nobody.get("focus"), None);
        // Who goes looks at nothing any more.
        bens.ack(json!({"type": "focus", "task_id": task, "editing": true})).await;
        assert_eq!(eves.recv("focus").await["task_id"], task);
        drop(bens);
        let left = eves.recv("focus").await;
        assert_eq!((&left["task_id"], &left["session_id"]), (&Value::Null, &seen["session_id"]));
    }

    async fn clients_of_the_board_hear_who_comes_and_goes_and_nobody_else(app) {
        let shared = share(app).await;
        let mut watcher = shared.join(&shared.ana).await;
        let mut anas = shared.look(app, &shared.ana, "a").await;
        let bens = shared.look(app, &shared.ben, "b").await;
        let came = anas.recv("client_joined").await;
        assert_eq!((&came["client_id"], &came["user_id"], &came["user_email"]), (&json!("b"), &json!(shared.ben.id), &json!(shared.ben.email)));
        assert_eq!((&came["project_id"], &came["active_clients"]), (&json!(shared.project), &json!(2)));
        assert!(came["timestamp"].is_string());
        // A new connection of the same client is no new client.
        let mut bens_again = shared.look(app, &shared.ben, "b").await;
        drop(bens);
        bens_again.recv_pong().await;
        let clients = format!("/ws/kanban/projects/{}/clients", shared.project);
        assert_eq!(shared.ana.get(&clients).await.ok()["active_clients"], 2);
        bens_again.close().await;
        let gone = anas.recv("client_left").await;
        assert_eq!((&gone["client_id"], &gone["active_clients"]), (&json!("b"), &json!(1)));
        assert!(anas.take_all("client_joined").is_empty(), "it came once");
        watcher.recv_pong().await;
        eventually(async || shared.ana.get(&clients).await.ok()["active_clients"] == 1).await;
        let heard = watcher.left().iter().filter(|message| message["type"].as_str().unwrap().starts_with("client_")).count();
        assert_eq!(heard, 0, "only on the endpoint of boards");
    }
}
