//! A project's board: columns, moves, limits, archiving, comments, and that nobody's change is lost.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Answer, Person, TestApp, id};

/// A new project of ana's with ben as an editor; returns its path.
async fn shared(ana: &Person, ben: &Person) -> String {
    let project =
        format!("/projects/{}", id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()));
    ana.put(&format!("{project}/members/{}", ben.id), json!({"role": "editor"})).await.ok();
    project
}

async fn people(app: &TestApp) -> (Person, Person) {
    (app.consumer("ana").await, app.provider("ben").await)
}

async fn columns(who: &Person, project: &str) -> Vec<Value> {
    who.get(&format!("{project}/columns")).await.ok()["items"].as_array().unwrap().clone()
}

fn names(columns: &[Value]) -> Vec<&str> {
    columns.iter().map(|column| column["name"].as_str().unwrap()).collect()
}

async fn add(who: &Person, project: &str, title: &str) -> Value {
    who.post(&format!("{project}/tasks"), json!({"title": title})).await.ok()
}

async fn board(who: &Person, project: &str) -> Value {
    who.get(&format!("{project}/board")).await.ok()
}

/// The titles in a column, in their order.
fn titles(board: &Value, column: &Value) -> Vec<String> {
    let mut inside: Vec<_> =
        board["tasks"].as_array().unwrap().iter().filter(|task| task["column_id"] == column["id"]).collect();
    inside.sort_by_key(|task| task["position"].as_str().unwrap());
    inside.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

/// Moves at this version.
async fn move_to(who: &Person, project: &str, task: &Value, version: i64, to: Value) -> Answer {
    who.post(&format!("{project}/tasks/{}/move", id(task)), to).if_match(&format!("\"{version}\"")).await
}

both_engines! {
    async fn a_new_board_has_three_columns(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let own = columns(&ana, &project).await;
        assert_eq!(names(&own), ["To do", "In progress", "Done"]);
        let of_booking = app.booking(&ana, &ben).await["project_id"].as_str().unwrap().to_owned();
        assert_eq!(columns(&ben, &format!("/projects/{of_booking}")).await.len(), 3);
        let task = add(&ben, &project, "Tiles").await;
        assert_eq!(task["column_id"], own[0]["id"], "a task that names no column goes into the first");
    }

    async fn tasks_are_dropped_where_they_are_wanted(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let columns = columns(&ana, &project).await;
        let mut tasks = Vec::new();
        for title in ["a", "b", "c"] {
            tasks.push(add(&ana, &project, title).await);
        }
        let to_do = &columns[0];
        let moved = move_to(&ben, &project, &tasks[2], 1, json!({"column_id": to_do["id"], "after": null})).await;
        assert_eq!((moved.ok()["version"].as_i64(), moved.etag()), (Some(2), "\"2\""));
        assert_eq!(titles(&board(&ana, &project).await, to_do), ["c", "a", "b"]);
        move_to(&ana, &project, &tasks[0], 1, json!({"column_id": to_do["id"]})).await.ok();
        assert_eq!(titles(&board(&ana, &project).await, to_do), ["c", "b", "a"]);
        let after = json!({"column_id": to_do["id"], "after": tasks[1]["id"]});
        move_to(&ana, &project, &tasks[2], 2, after.clone()).await.ok();
        assert_eq!(titles(&board(&ana, &project).await, to_do), ["b", "c", "a"]);
        let still = move_to(&ana, &project, &tasks[2], 3, after).await.ok();
        assert_eq!(still["version"], 3, "it stands there already");

        let done = &columns[2];
        move_to(&ana, &project, &tasks[1], 1, json!({"column_id": done["id"], "after": null})).await.ok();
        let seen = board(&ben, &project).await;
        assert_eq!((titles(&seen, to_do), titles(&seen, done)), (vec!["c".to_owned(), "a".to_owned()], vec!["b".to_owned()]));
        let gone = move_to(&ana, &project, &tasks[2], 3, json!({"column_id": to_do["id"], "after": tasks[1]["id"]})).await;
        assert_eq!(gone.refused(409)["code"], "no_such_neighbour");
        let nowhere = move_to(&ana, &project, &tasks[2], 3, json!({"column_id": tasks[2]["id"]})).await;
        assert_eq!(nowhere.refused(404)["detail"], "there is no such column");
        let room = seen["project"]["room"].as_str().unwrap();
        let moves = app.db_kinds(room).await.iter().filter(|kind| *kind == "task.moved").count();
        assert_eq!(moves, 4);
    }

    async fn of_two_who_saw_the_same_one_is_told_what_the_other_did(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let task = add(&ana, &project, "Tiles").await;
        let path = format!("{project}/tasks/{}", id(&task));
        let answers = join_all([
            (&ana, json!({"title": "White tiles"})), (&ben, json!({"text": "10 m²"})),
        ].map(|(who, change)| who.patch(&path, change).if_match("\"1\"").into_future())).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 1), "{answers:?}");
        let problem = lost[0].refused(412);
        assert_eq!((&problem["code"], &problem["current"]), (&json!("stale"), &won[0].ok()));
        // The loser merges: nothing of either is lost.
        let rest = if answers[0].status == 200 { json!({"text": "10 m²"}) } else { json!({"title": "White tiles"}) };
        let merged = ben.patch(&path, rest).if_match("\"2\"").await.ok();
        assert_eq!((&merged["title"], &merged["text"]), (&json!("White tiles"), &json!("10 m²")));
        let blind = ana.patch(&path, json!({"title": "x"})).await.refused(428);
        assert_eq!(blind["code"], "precondition_required");
        assert_eq!(ana.patch(&path, json!({"title": "Tiles"})).if_match("*").await.ok()["version"], 4);
        assert_eq!(ana.patch(&path, json!({"title": "Tiles"})).if_match("*").await.ok()["version"], 4, "the same");
    }

    async fn a_change_that_is_sent_again_is_one(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let task = add(&ana, &project, "Tiles").await;
        let done = columns(&ana, &project).await[2]["id"].clone();
        let path = format!("{project}/tasks/{}/move", id(&task));
        let again = async || ana.post(&path, json!({"column_id": done})).if_match("\"1\"").key("m1").await;
        let first = again().await;
        let second = again().await;
        assert_eq!((first.ok(), second.header("idempotency-replayed")), (second.ok(), Some("true")));
    }

    async fn a_task_has_what_teams_need(app) {
        let (ana, ben) = people(app).await;
        let eve = app.consumer("eve").await;
        let project = shared(&ana, &ben).await;
        let full = json!({
            "title": "Tiles", "text": "White", "assignee_id": ben.id, "due_at": "2030-01-01T00:00:00Z",
            "labels": ["wet", " urgent "], "checklist": [{"text": "Measure"}, {"text": "Buy", "done": true}],
        });
        let task = ana.post(&format!("{project}/tasks"), full).await.ok();
        assert_eq!((&task["assignee_id"], &task["labels"]), (&json!(ben.id), &json!(["wet", "urgent"])));
        assert_eq!(task["checklist"], json!([{"text": "Measure", "done": false}, {"text": "Buy", "done": true}]));
        let path = format!("{project}/tasks/{}", id(&task));
        let change = json!({"assignee_id": null, "due_at": null, "labels": []});
        let changed = ben.patch(&path, change).if_match("\"1\"").await.ok();
        assert_eq!((&changed["assignee_id"], &changed["due_at"]), (&Value::Null, &Value::Null));
        assert_eq!((&changed["labels"], &changed["checklist"]), (&json!([]), &task["checklist"]));
        let stranger = ana.patch(&path, json!({"assignee_id": eve.id})).if_match("*").await.refused(422);
        assert_eq!(stranger["errors"][0]["message"], "must be a member of the project");
        let bad = json!({"title": "", "labels": ["x".repeat(41)], "checklist": vec![json!({"text": "x"}); 51]});
        let problem = ana.patch(&path, bad).if_match("*").await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["title", "labels", "checklist"]);
        assert_eq!(ana.get(&path).await.ok(), changed);
    }

    async fn who_leaves_is_assigned_to_nothing_any_more(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let mut tasks = Vec::new();
        for title in ["a", "b"] {
            let task = json!({"title": title, "assignee_id": ben.id});
            tasks.push(ana.post(&format!("{project}/tasks"), task).await.ok());
        }
        ana.delete(&format!("{project}/members/{}", ben.id)).await.ok();
        let seen = board(&ana, &project).await;
        for task in seen["tasks"].as_array().unwrap() {
            assert_eq!((&task["assignee_id"], &task["version"]), (&Value::Null, &json!(2)));
        }
        let kinds = app.db_kinds(seen["project"]["room"].as_str().unwrap()).await;
        assert_eq!(kinds[kinds.len() - 2..], ["task.unassigned", "member.removed"]);
    }

    async fn a_column_takes_no_more_than_its_limit(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let doing = columns(&ana, &project).await[1].clone();
        let path = format!("{project}/columns/{}", id(&doing));
        let limited = ana.patch(&path, json!({"wip_limit": 2})).if_match("\"1\"").await.ok();
        assert_eq!((&limited["wip_limit"], &limited["version"]), (&json!(2), &json!(2)));
        let mut tasks = Vec::new();
        for title in ["a", "b", "c", "d"] {
            tasks.push(add(&ana, &project, title).await);
        }
        let to = json!({"column_id": doing["id"]});
        let answers = join_all(tasks.iter().map(|task| move_to(&ben, &project, task, 1, to.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 2, "{answers:?}");
        let refused = answers.iter().find(|answer| answer.status == 409).unwrap().json();
        let detail = "the column \"In progress\" is limited to 2 tasks";
        assert_eq!((&refused["code"], &refused["detail"]), (&json!("wip_limit"), &json!(detail)));
        let new = json!({"title": "e", "column_id": doing["id"]});
        assert_eq!(ana.post(&format!("{project}/tasks"), new.clone()).await.refused(409)["code"], "wip_limit");
        let inside = answers.iter().find(|answer| answer.status == 200).unwrap().ok();
        let within = move_to(&ana, &project, &inside, 2, json!({"column_id": doing["id"], "after": null})).await;
        assert_eq!(within.status, 200, "who is in may move: {within}");
        let archived = ana.post(&format!("{project}/tasks/{}/archive", id(&inside)), Value::Null).if_match("*").await.ok();
        let taken = ana.post(&format!("{project}/tasks"), new).await.ok();
        let restore = format!("{project}/tasks/{}/restore", id(&archived));
        assert_eq!(ana.post(&restore, Value::Null).if_match("*").await.refused(409)["code"], "wip_limit");
        ana.post(&format!("{project}/tasks/{}/archive", id(&taken)), Value::Null).if_match("*").await.ok();
        ana.post(&restore, Value::Null).if_match("*").await.ok();
        for limit in [0, -1, 2001] {
            ana.patch(&path, json!({"wip_limit": limit})).if_match("*").await.refused(422);
        }
        assert_eq!(ana.patch(&path, json!({"wip_limit": null})).if_match("\"2\"").await.ok()["wip_limit"], Value::Null);
    }

    async fn what_is_archived_can_come_back(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let own = columns(&ana, &project).await;
        let task = add(&ana, &project, "Tiles").await;
        let path = format!("{project}/tasks/{}", id(&task));
        let act = async |who: &Person, action: &str, version: &str| {
            who.post(&format!("{path}/{action}"), Value::Null).if_match(version).await
        };
        assert_eq!(act(&ben, "restore", "\"1\"").await.ok()["version"], 1, "it is on the board");
        let archived = act(&ben, "archive", "\"1\"").await.ok();
        assert!(archived["archived_at"].is_string());
        assert_eq!(act(&ana, "archive", "\"1\"").await.ok(), archived, "it is archived already");
        assert_eq!(board(&ana, &project).await["tasks"], json!([]));
        assert_eq!(ana.get(&format!("{project}/tasks")).await.ok()["items"], json!([]));
        assert_eq!(ana.get(&format!("{project}/tasks?archived=true")).await.ok()["items"], json!([archived]));
        let edited = ana.patch(&path, json!({"title": "x"})).if_match("*").await.refused(409);
        assert_eq!(edited["code"], "task_archived");
        let moved = move_to(&ana, &project, &task, 1, json!({"column_id": own[1]["id"]})).await.refused(412);
        assert_eq!(moved["current"], archived, "who moves what was archived meanwhile hears of it");
        ana.delete(&format!("{project}/columns/{}", id(&own[0]))).if_match("*").await.ok();
        assert_eq!(act(&ana, "restore", "\"1\"").await.refused(412)["current"]["version"], 2);
        let back = act(&ana, "restore", "\"2\"").await.ok();
        assert_eq!((&back["column_id"], &back["archived_at"]), (&own[1]["id"], &Value::Null));
    }

    async fn columns_come_go_and_change_places(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let own = columns(&ana, &project).await;
        let path = format!("{project}/columns");
        let new = ben.post(&path, json!({"name": "Waiting", "after": own[0]["id"], "wip_limit": 3})).await.refused(201);
        assert_eq!(names(&columns(&ana, &project).await), ["To do", "Waiting", "In progress", "Done"]);
        let waiting = format!("{path}/{}", id(&new));
        ana.post(&format!("{waiting}/move"), json!({"after": null})).if_match("\"1\"").await.ok();
        ben.post(&format!("{waiting}/move"), json!({})).if_match("\"1\"").await.refused(412);
        assert_eq!(names(&columns(&ana, &project).await), ["Waiting", "To do", "In progress", "Done"]);
        ana.post(&format!("{waiting}/move"), json!({"after": own[2]["id"]})).if_match("\"2\"").await.ok();
        let now = columns(&ana, &project).await;
        assert_eq!(names(&now), ["To do", "In progress", "Done", "Waiting"]);
        assert_eq!(now.iter().map(|column| column["position"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);

        for title in ["a", "b"] {
            add(&ana, &project, title).await;
        }
        let to_do = format!("{path}/{}", id(&own[0]));
        assert_eq!(ana.delete(&to_do).if_match("*").await.refused(409)["code"], "column_not_empty");
        ana.delete(&format!("{to_do}?to={}", id(&own[0]))).if_match("*").await.refused(422);
        ana.patch(&waiting, json!({"wip_limit": 1})).if_match("*").await.ok();
        assert_eq!(ana.delete(&format!("{to_do}?to={}", id(&new))).if_match("*").await.refused(409)["code"], "wip_limit");
        let deleted = ana.delete(&format!("{to_do}?to={}", id(&own[2]))).if_match("\"1\"").await;
        assert_eq!(deleted.status, 204, "{deleted}");
        let seen = board(&ana, &project).await;
        assert_eq!(titles(&seen, &own[2]), ["a", "b"]);
        assert!(seen["tasks"].as_array().unwrap().iter().all(|task| task["version"] == 2));
        for left in [&own[1], &new] {
            ana.delete(&format!("{path}/{}", id(left))).if_match("*").await.ok();
        }
        assert_eq!(ana.delete(&format!("{path}/{}", id(&own[2]))).if_match("*").await.refused(409)["code"], "last_column");
        for n in 1..50 {
            ana.post(&path, json!({"name": format!("{n}")})).await.ok();
        }
        assert_eq!(ana.post(&path, json!({"name": "50"})).await.refused(409)["code"], "too_many_columns");
    }

    async fn a_column_that_is_deleted_while_tasks_come_loses_none(app) {
        let (ana, ben) = people(app).await;
        for _ in 0..6 {
            let project = shared(&ana, &ben).await;
            let own = columns(&ana, &project).await;
            let task = add(&ana, &project, "Tiles").await;
            let column = format!("{project}/columns/{}?to={}", id(&own[1]), id(&own[2]));
            let (moved, deleted) = tokio::join!(
                move_to(&ben, &project, &task, 1, json!({"column_id": own[1]["id"]})),
                ana.delete(&column).if_match("\"1\"").into_future(),
            );
            assert_eq!(deleted.status, 204);
            let expected = if moved.status == 200 { &own[2] } else { &own[0] };
            assert!(matches!(moved.status, 200 | 404), "{moved}");
            assert_eq!(titles(&board(&ana, &project).await, expected), ["Tiles"]);
        }
    }

    async fn a_member_who_is_removed_while_moving_moved_before_or_not_at_all(app) {
        let (ana, ben) = people(app).await;
        for _ in 0..6 {
            let project = shared(&ana, &ben).await;
            let own = columns(&ana, &project).await;
            let task = add(&ana, &project, "Tiles").await;
            let member = format!("{project}/members/{}", ben.id);
            let (moved, removed) = tokio::join!(
                move_to(&ben, &project, &task, 1, json!({"column_id": own[1]["id"]})),
                ana.delete(&member).into_future(),
            );
            assert_eq!(removed.status, 204);
            assert!(matches!(moved.status, 200 | 403), "{moved}");
            let room = format!("project:{}", project.trim_start_matches("/projects/"));
            let kinds = app.db_kinds(&room).await;
            let expected: &[&str] =
                if moved.status == 200 { &["task.moved", "member.removed"] } else { &["task.created", "member.removed"] };
            assert_eq!(kinds[kinds.len() - 2..], *expected, "{kinds:?}");
        }
    }

    async fn of_archiving_and_moving_at_once_one_wins(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let own = columns(&ana, &project).await;
        for _ in 0..6 {
            let task = add(&ana, &project, "Tiles").await;
            let archive = format!("{project}/tasks/{}/archive", id(&task));
            let (moved, archived) = tokio::join!(
                move_to(&ben, &project, &task, 1, json!({"column_id": own[1]["id"]})),
                ana.post(&archive, Value::Null).if_match("\"1\"").into_future(),
            );
            let (won, lost) = if moved.status == 200 { (moved, archived) } else { (archived, moved) };
            assert_eq!(lost.refused(412)["current"], won.ok());
        }
    }

    async fn moves_into_one_gap_stand_in_one_order(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let own = columns(&ana, &project).await;
        let first = ana.post(&format!("{project}/tasks"), json!({"title": "first", "column_id": own[1]["id"]})).await.ok();
        let mut tasks = Vec::new();
        for n in 0..8 {
            tasks.push(add(&ana, &project, &format!("{n}")).await);
        }
        let to = json!({"column_id": own[1]["id"], "after": first["id"]});
        let people = [&ana, &ben];
        let moves = tasks.iter().enumerate().map(|(n, task)| move_to(people[n % 2], &project, task, 1, to.clone()));
        for answer in join_all(moves).await {
            answer.ok();
        }
        let seen = board(&ana, &project).await;
        let mut positions: Vec<_> = seen["tasks"].as_array().unwrap().iter().map(|task| task["position"].as_str().unwrap()).collect();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), 9);
        assert_eq!(titles(&seen, &own[1])[0], "first");
    }

    async fn positions_that_grow_long_are_spread_anew(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let to_do = columns(&ana, &project).await[0].clone();
        let fixed = add(&ana, &project, "fixed").await;
        let (mut one, mut two) = (add(&ana, &project, "one").await, add(&ana, &project, "two").await);
        let room = format!("project:{}", project.trim_start_matches("/projects/"));
        let mut moves = 0;
        // Each of the two goes in turn between the fixed one and the other: always into the same gap.
        let event = loop {
            let version = two["version"].as_i64().unwrap();
            let to = json!({"column_id": to_do["id"], "after": fixed["id"]});
            let moved = move_to(&ana, &project, &two, version, to).await.ok();
            moves += 1;
            assert!(moves < 600, "never spread");
            (two, one) = (one, moved);
            if one["position"].as_str().unwrap().len() <= 4 && moves > 50 {
                let events = app.db_events(&room).await;
                break events.into_iter().find(|event| &*event.kind == "column.rebalanced").unwrap();
            }
        };
        let data: Value = serde_json::from_str(event.data.get()).unwrap();
        assert_eq!(data["positions"].as_array().unwrap().len(), 3);
        let seen = board(&ana, &project).await;
        assert_eq!(titles(&seen, &to_do), ["fixed", one["title"].as_str().unwrap(), two["title"].as_str().unwrap()]);
        for placed in data["positions"].as_array().unwrap() {
            let task = seen["tasks"].as_array().unwrap().iter().find(|task| task["id"] == placed["task_id"]).unwrap();
            assert_eq!(task["position"], placed["position"]);
        }
        let untouched = ana.get(&format!("{project}/tasks/{}", id(&fixed))).await.ok();
        assert_eq!(untouched["version"], 1, "only its position is another");
    }

    async fn a_board_is_read_in_pages_and_followed_from_the_first(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let text = "x".repeat(4000);
        for n in 0..40 {
            ana.post(&format!("{project}/tasks"), json!({"title": format!("{n}"), "text": text})).await.ok();
        }
        let first = board(&ben, &project).await;
        assert_eq!(first["head"], 41, "a member, and forty tasks");
        let count = first["tasks"].as_array().unwrap().len();
        assert!((20..40).contains(&count), "{count}");
        let rest = ben.get(&format!("{project}/board?after={}", first["next"].as_str().unwrap())).await.ok();
        assert_eq!(rest["tasks"].as_array().unwrap().len() + count, 40);
        assert_eq!(rest["next"], Value::Null);
        let mut bens = ben.live().await;
        let joined = bens.ack(json!({"type": "join", "room": first["project"]["room"], "since": first["head"]})).await;
        assert_eq!((&joined["recovered"], &joined["events"]), (&json!(true), &json!([])));
    }

    async fn a_board_has_so_many_tasks(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let task = add(&ana, &project, "first").await;
        let row = task["id"].as_str().unwrap().to_owned();
        app.server.db.write(move |uow| -> Result<(), souk::db::DbError> {
            use diesel::prelude::*;
            for n in 0..1999 {
                let copy = format!(
                    "INSERT INTO tasks (id, project_id, created_by, title, text, status, position, version, created_at, \
                     updated_at, column_id) SELECT '01890a5d-ac96-774b-bcce-{n:012}', project_id, created_by, title, text, \
                     status, position || '{n:04}1', 1, created_at, updated_at, column_id FROM tasks WHERE id = '{row}'"
                );
                diesel::sql_query(copy).execute(uow.conn())?;
            }
            Ok(())
        }).await.unwrap();
        let full = ben.post(&format!("{project}/tasks"), json!({"title": "one more"})).await.refused(409);
        assert_eq!(full["code"], "board_full");
        ana.post(&format!("{project}/tasks/{}/archive", id(&task)), Value::Null).if_match("*").await.ok();
        add(&ben, &project, "one more").await;
        let restore = format!("{project}/tasks/{}/restore", id(&task));
        assert_eq!(ana.post(&restore, Value::Null).if_match("*").await.refused(409)["code"], "board_full");
    }

    async fn comments_are_read_by_all_and_written_by_editors(app) {
        let (ana, ben) = people(app).await;
        let eve = app.consumer("eve").await;
        let project = shared(&ana, &ben).await;
        ana.put(&format!("{project}/members/{}", eve.id), json!({"role": "viewer"})).await.ok();
        let task = add(&ana, &project, "Tiles").await;
        let comments = format!("{project}/tasks/{}/comments", id(&task));
        let said = ben.post(&comments, json!({"text": " Which ones? "})).key("c1").await.refused(201);
        assert_eq!((&said["text"], &said["user_id"]), (&json!("Which ones?"), &json!(ben.id)));
        assert_eq!(ben.post(&comments, json!({"text": " Which ones? "})).key("c1").await.ok(), said);
        eve.post(&comments, json!({"text": "Blue"})).await.refused(403);
        ana.post(&comments, json!({"text": " "})).await.refused(422);
        assert_eq!(eve.get(&comments).await.ok()["items"], json!([said]));
    }

    async fn the_activity_tells_who_did_what_and_when(app) {
        let (ana, ben) = people(app).await;
        let project = shared(&ana, &ben).await;
        let task = add(&ben, &project, "Tiles").await;
        let done = columns(&ana, &project).await[2]["id"].clone();
        move_to(&ana, &project, &task, 1, json!({"column_id": done})).await.ok();
        let page = ben.get(&format!("{project}/activity?limit=2")).await.ok();
        let what: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| (&item["kind"], &item["by"], &item["seq"])).collect();
        let (anas, bens) = (json!(ana.id), json!(ben.id));
        assert_eq!(what, [(&json!("task.moved"), &anas, &json!(3)), (&json!("task.created"), &bens, &json!(2))]);
        let next = format!("{project}/activity?cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = ben.get(&next).await.ok();
        assert_eq!((&rest["items"][0]["kind"], &rest["next_cursor"]), (&json!("member.added"), &Value::Null));
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    }
}
