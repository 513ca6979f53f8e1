//! Tasks on a project's board.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, id};

/// A new project; returns the path of its tasks, and its room.
async fn board(who: &Person) -> (String, String) {
    let project = who.post("/projects", json!({"title": "The bathroom"})).await.ok();
    (format!("/projects/{}/tasks", id(&project)), project["room"].as_str().unwrap().to_owned())
}

async fn share(owner: &Person, tasks: &str, who: &Person, role: &str) {
    let member = tasks.replace("/tasks", &format!("/members/{}", who.id));
    owner.put(&member, json!({"role": role})).await.ok();
}

both_engines! {
    async fn a_task_is_seen_on_the_board_at_once(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (tasks, room) = board(&ana).await;
        share(&ana, &tasks, &ben, "viewer").await;
        let mut bens = ben.live().await;
        bens.ack(json!({"type": "join", "room": room})).await;
        let put = ana.post(&tasks, json!({"title": "Tiles", "text": "White,\n10 m²."})).await;
        let task = put.refused(201);
        assert_eq!(task["version"], 1);
        assert_eq!(task["created_by"], ana.id);
        let event = bens.event("task.created").await;
        assert_eq!((&event["room"], &event["by"]), (&json!(room), &json!(ana.id)));
        for field in ["project_id", "title", "text", "column_id", "position", "version", "created_by"] {
            assert_eq!(event["data"][field], task[field], "{field}");
        }
        assert_eq!(event["data"]["task_id"], task["id"]);
        let read = ben.get(put.header("location").unwrap()).await;
        assert_eq!((read.ok(), read.etag()), (task, "\"1\""));
    }

    async fn tasks_stand_in_their_order_and_are_paged_from_the_newest(app) {
        let ana = app.consumer("ana").await;
        let (tasks, _) = board(&ana).await;
        let mut positions = Vec::new();
        for title in ["one", "two", "three"] {
            positions.push(ana.post(&tasks, json!({"title": title})).await.ok()["position"].as_str().unwrap().to_owned());
            app.clock.advance(std::time::Duration::from_millis(2));
        }
        assert!(positions.is_sorted(), "{positions:?}");
        let titles = |page: &Value| -> Vec<Value> {
            page["items"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect()
        };
        let first = ana.get(&format!("{tasks}?limit=2")).await.ok();
        let next = format!("{tasks}?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = ana.get(&next).await.ok();
        assert_eq!((titles(&first), titles(&second)), (vec![json!("three"), json!("two")], vec![json!("one")]));
        assert_eq!(second["next_cursor"], Value::Null);
    }

    async fn a_task_belongs_to_its_project(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let ((anas, _), (eves, _)) = (board(&ana).await, board(&eve).await);
        let task = ana.post(&anas, json!({"title": "Tiles"})).await.ok();
        eve.get(&format!("{anas}/{}", id(&task))).await.refused(403);
        eve.post(&anas, json!({"title": "Tiles"})).await.refused(403);
        let problem = eve.get(&format!("{eves}/{}", id(&task))).await.refused(404);
        assert_eq!(problem["detail"], "there is no such task");
        assert_eq!(eve.get(&eves).await.ok()["items"], json!([]));
        ana.get("/projects/01890a5d-ac96-774b-bcce-b302099a8057/tasks").await.refused(404);
    }

    async fn what_cannot_be_put_there_is_refused_and_what_is_sent_again_is_one(app) {
        let ana = app.consumer("ana").await;
        let (tasks, room) = board(&ana).await;
        let problem = ana.post(&tasks, json!({"title": " ", "text": "a\u{0}"})).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["title", "text"]);
        ana.post(&tasks, json!({"title": "x".repeat(201)})).await.refused(422);
        ana.post(&tasks, json!({"title": "x", "text": "ä".repeat(4001)})).await.refused(422);
        ana.post(&tasks, json!({"title": "x", "status": "done"})).await.refused(422);
        let longest = json!({"title": "x".repeat(200), "text": "ä".repeat(4000)});
        let first = ana.post(&tasks, longest.clone()).key("k1").await;
        assert_eq!(ana.post(&tasks, longest).key("k1").await.ok(), first.ok());
        assert_eq!(app.db_kinds(&room).await, ["task.created"]);
    }
}
