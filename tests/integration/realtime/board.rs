//! A project's board, at the path that the legacy system used.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, eventually};

fn board(project: &Value, who: &Person, client: &str) -> String {
    let (project, token) = (project.as_str().unwrap(), who.token().unwrap());
    format!("/ws/kanban/projects/{project}?token={token}&client_id={client}")
}

async fn look(app: &TestApp, project: &Value, who: &Person, client: &str) -> (Socket, Value) {
    let mut socket = Socket::connect(app.address, &board(project, who, client)).await;
    let greeting = socket.next().await.unwrap();
    assert_eq!(greeting["type"], "connection_established", "it is the first message");
    (socket, greeting)
}

both_engines! {
    async fn the_first_message_says_which_client_of_which_board_this_is(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = app.booking(&ana, &ben).await["project_id"].clone();
        let (_socket, greeting) = look(app, &project, &ana, "tab-1").await;
        assert_eq!((&greeting["client_id"], &greeting["project_id"]), (&json!("tab-1"), &project));
        assert_eq!((&greeting["user_id"], &greeting["user_email"]), (&json!(ana.id), &json!(ana.email)));
        assert!(greeting["timestamp"].is_string());
        let (_socket, greeting) = look(app, &project, &ana, "").await;
        assert!(!greeting["client_id"].as_str().unwrap().is_empty(), "who names none is given one");
        let token = ana.token().unwrap();
        let bad = format!("/ws/kanban/projects/{}?token={token}&client_id=a%0Ab", project.as_str().unwrap());
        let refused = Socket::connect_with(app.address, &bad, &[]).await.err().unwrap();
        assert!(refused.to_string().contains("400"), "{refused}");
    }

    async fn what_happens_on_the_board_comes_live_without_asking(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = app.booking(&ana, &ben).await["project_id"].clone();
        let (mut anas, _) = look(app, &project, &ana, "a").await;
        let (mut bens, _) = look(app, &project, &ben, "b").await;
        // Both are in the room then.
        anas.recv_pong().await;
        let room = format!("project:{}", project.as_str().unwrap());
        bens.ack(json!({"type": "presence", "room": room})).await;
        bens.send(json!({"type": "typing", "room": room})).await;
        assert_eq!(anas.recv("typing").await["by"], ben.id);
        let path = format!("/projects/{}/tasks", project.as_str().unwrap());
        ben.post(&path, json!({"title": "Bring a wrench"})).await.ok();
        let event = anas.event("task.created").await;
        assert_eq!((&event["room"], &event["data"]["title"]), (&json!(room), &json!("Bring a wrench")));
    }

    async fn a_client_that_comes_back_takes_the_place_of_its_older_connection(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = app.booking(&ana, &ben).await["project_id"].clone();
        let (mut old, _) = look(app, &project, &ana, "tab").await;
        let (mut bens, _) = look(app, &project, &ben, "tab").await;
        let (mut new, _) = look(app, &project, &ana, "tab").await;
        let told = old.recv("disconnecting").await;
        assert_eq!((&told["reason"], &told["reconnect_in_ms"]), (&json!("replaced"), &Value::Null));
        assert_eq!(old.closed().await.code, 1000);
        for socket in [&mut bens, &mut new] {
            socket.send(json!({"type": "ping"})).await;
            socket.recv("pong").await;
        }
        let clients = format!("/ws/kanban/projects/{}/clients", project.as_str().unwrap());
        assert_eq!(ana.get(&clients).await.ok()["active_clients"], 2, "ben's tab is another client");
    }

    async fn members_may_ask_how_many_clients_look_at_a_board(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = app.booking(&ana, &ben).await["project_id"].clone();
        let clients = format!("/ws/kanban/projects/{}/clients", project.as_str().unwrap());
        assert_eq!(ana.get(&clients).await.ok()["active_clients"], 0);
        let (socket, _) = look(app, &project, &ana, "a").await;
        let (_other, _) = look(app, &project, &ben, "b").await;
        let answer = ben.get(&format!("/api/v1{clients}")).await.ok();
        assert_eq!((&answer["project_id"], &answer["active_clients"]), (&project, &json!(2)));
        assert!(answer["timestamp"].is_string());
        socket.close().await;
        eventually(async || ana.get(&clients).await.ok()["active_clients"] == 1).await;
        let eve = app.consumer("eve").await;
        let problem = eve.get(&clients).await.refused(403);
        assert!(problem["detail"].as_str().unwrap().contains("a member"), "{problem}");
        app.anyone().get(&clients).await.refused(401);
    }

    async fn who_is_no_member_any_more_loses_the_board_at_once(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = ana.post("/projects", json!({"title": "A fence"})).await.ok()["id"].clone();
        let member = format!("/projects/{}/members/{}", project.as_str().unwrap(), ben.id);
        ana.put(&member, json!({"role": "editor"})).await.ok();
        let (mut bens, _) = look(app, &project, &ben, "b").await;
        ana.delete(&member).await.ok();
        assert_eq!(bens.recv("disconnecting").await["reason"], "not_yours");
        assert_eq!(bens.closed().await.code, 1008);
        let mut again = Socket::connect(app.address, &board(&project, &ben, "b")).await;
        assert_eq!(again.closed().await.code, 1008);
    }
}
