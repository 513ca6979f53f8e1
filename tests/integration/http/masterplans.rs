//! Masterplans: drafted in a conversation, shown before anything is changed, and put on a board once.

use std::net::TcpListener;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::model_server::{Dialect, ModelServer};
use crate::support::{Engine, Person, id, run, usual_request};

const TEXT: &str = "The tap in the kitchen drips. The pipe under the sink is rusty and has to be replaced.";

async fn conversation(who: &Person) -> String {
    id(&who.post("/conversations", json!({})).await.ok()).to_owned()
}

fn wanted() -> Value {
    json!({"title": "The kitchen", "text": TEXT, "category": "plumbing"})
}

async fn draft(who: &Person, conversation: &str) -> Value {
    who.post(&format!("/conversations/{conversation}/masterplan"), wanted()).await.refused(201)
}

async fn project(who: &Person) -> String {
    id(&who.post("/projects", json!({"title": "The kitchen"})).await.ok()).to_owned()
}

/// Titles and texts of the tasks on a board, by title.
async fn board(who: &Person, project: &str) -> Vec<(String, String)> {
    let page = who.get(&format!("/projects/{project}/tasks?limit=100")).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tasks = page["items"].as_array().unwrap().iter();
    let mut tasks: Vec<_> = tasks.map(|task| (text(&task["title"]), text(&task["text"]))).collect();
    tasks.sort();
    tasks
}

both_engines! {
    async fn a_plan_is_drafted_from_the_users_own_words_and_changes_nothing(app) {
        let (ana, eve, root) =
            (app.consumer("ana").await, app.consumer("eve").await, app.db_admin("root").await);
        let conversation = conversation(&ana).await;
        let path = format!("/conversations/{conversation}/masterplan");
        let created = ana.post(&path, wanted()).key("k").await;
        let plan = created.refused(201);
        assert_eq!((&plan["title"], &plan["category"]), (&json!("The kitchen"), &json!("plumbing")));
        assert_eq!((&plan["generator"], &plan["project_id"]), (&json!("extractive"), &Value::Null));
        assert!(plan["summary"].as_str().unwrap().contains("without a language model"), "{plan}");
        let phases = plan["phases"].as_array().unwrap();
        assert_eq!(phases.len(), 3);
        let work: Vec<_> = phases[1]["tasks"].as_array().unwrap().iter().map(|task| &task["title"]).collect();
        assert_eq!(
            work,
            ["The tap in the kitchen drips.", "The pipe under the sink is rusty and has to be replaced."]
        );
        assert_eq!(phases[1]["tasks"][0]["depends_on"], json!(["a3"]), "after the water is shut off");
        assert_eq!(phases[2]["tasks"][0]["depends_on"], json!(["b1", "b2"]));
        let location = created.header("location").unwrap();
        assert_eq!(ana.get(location).await.ok(), plan);
        let again = ana.post(&path, wanted()).key("k").await;
        assert_eq!((again.ok(), again.header("idempotency-replayed")), (plan.clone(), Some("true")));
        let listed = ana.get(&format!("/conversations/{conversation}/masterplans")).await.ok();
        assert_eq!(listed["items"], json!([plan]), "it was written once");
        assert_eq!(ana.get("/projects").await.ok()["items"], json!([]));
        let told = app.db_events(&format!("user:{}", ana.id)).await;
        let told = told.iter().find(|event| &*event.kind == "masterplan.created").unwrap();
        let expected = json!({"masterplan_id": plan["id"], "conversation_id": conversation});
        assert_eq!(serde_json::from_str::<Value>(told.data.get()).unwrap(), expected, "and no text");
        for stranger in [&eve, &root] {
            stranger.get(location).await.refused(403);
            stranger.post(&path, wanted()).await.refused(403);
            stranger.get(&format!("/conversations/{conversation}/masterplans")).await.refused(403);
            stranger.post(&format!("{location}/apply"), json!({"project_id": id(&plan)})).await.refused(403);
        }
        ana.delete(&format!("/conversations/{conversation}")).await.refused(204);
        ana.get(location).await.refused(404);
    }

    async fn what_cannot_be_planned_is_refused_with_its_reasons(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let path = format!("/conversations/{}/masterplan", conversation(&ana).await);
        let wrong = json!({"request_id": "x", "category": "A B", "title": "", "text": " "});
        let problem = ana.post(&path, wrong).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["request_id", "category", "title", "text"]);
        let mut about = wanted();
        about["request_id"] = json!("01890a5d-ac96-774b-bcce-b302099a8057");
        ana.post(&path, about.clone()).await.refused(404);
        let mut request = usual_request();
        request["state"] = json!("draft");
        about["request_id"] = ana.post("/requests", request).await.ok()["id"].clone();
        let planned = ana.post(&path, about.clone()).await.refused(201);
        assert_eq!(planned["request_id"], about["request_id"]);
        let bens = format!("/conversations/{}/masterplan", conversation(&ben).await);
        ben.post(&bens, about).await.refused(403);
    }

    async fn a_plan_comes_onto_a_board_once_and_whole(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let plan = draft(&ana, &conversation(&ana).await).await;
        let apply = format!("/masterplans/{}/apply", id(&plan));
        ana.post(&apply, json!({"project_id": "01890a5d-ac96-774b-bcce-b302099a8057"})).await.refused(404);
        let theirs = project(&ben).await;
        ana.post(&apply, json!({"project_id": theirs})).await.refused(403);
        ben.put(&format!("/projects/{theirs}/members/{}", ana.id), json!({"role": "viewer"})).await.ok();
        let refused = ana.post(&apply, json!({"project_id": theirs})).await.refused(403);
        assert_eq!(refused["detail"], "to plan this project you must be an editor");
        assert_eq!(board(&ana, &theirs).await, [], "nothing of a plan that may not come there");
        let own = project(&ana).await;
        let body = json!({"project_id": own});
        let at_once = join_all((0..4).map(|_| async { ana.post(&apply, body.clone()).await })).await;
        assert_eq!(at_once.iter().filter(|answer| answer.status == 200).count(), 1, "{at_once:?}");
        for answer in at_once.iter().filter(|answer| answer.status != 200) {
            let problem = answer.refused(409);
            assert_eq!(problem["code"], "already_applied");
            assert!(problem["detail"].as_str().unwrap().contains(&own), "{problem}");
        }
        let tasks = board(&ana, &own).await;
        let planned: usize =
            plan["phases"].as_array().unwrap().iter().map(|phase| phase["tasks"].as_array().unwrap().len()).sum();
        assert_eq!(tasks.len(), planned);
        let (title, text) = &tasks[3];
        assert_eq!(title, "2.1 The tap in the kitchen drips.");
        assert!(text.ends_with("The work · 2 h · after 1.3"), "{text}");
        assert_eq!(ana.get(&format!("/masterplans/{}", id(&plan))).await.ok()["project_id"], own);

        let other = draft(&ana, &conversation(&ana).await).await;
        let apply = format!("/masterplans/{}/apply", id(&other));
        let first = ana.post(&apply, body.clone()).key("k").await;
        let again = ana.post(&apply, body.clone()).key("k").await;
        assert_eq!((again.ok(), again.header("idempotency-replayed")), (first.ok(), Some("true")));
        assert_eq!(board(&ana, &own).await.len(), 2 * planned);
        ana.post(&apply, json!({"project_id": "x"})).await.refused(422);
    }

    async fn plans_have_a_quota_of_the_day(app with ["--free-plans-per-day=1"]) {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        draft(&ana, &conversation).await;
        let refused = ana.post(&format!("/conversations/{conversation}/masterplan"), wanted()).await;
        assert_eq!(refused.refused(429)["code"], "quota_exceeded");
        let mine = ana.get("/me/limits").await.ok();
        assert_eq!(mine["plans_per_day"], json!({"limit": 1, "used": 1}));
        assert!(mine["generated_characters_per_day"]["used"].as_u64() > Some(0));
    }
}

fn good() -> Value {
    let task = json!({"id": "t1", "title": "Replace the pipe", "text": "", "hours": 2, "depends_on": []});
    json!({"summary": "A new pipe.", "phases": [{"title": "Work", "tasks": [task]}]})
}

fn bad() -> Value {
    let mut plan = good();
    plan["phases"][0]["tasks"][0]["depends_on"] = json!(["t9"]);
    plan
}

/// Runs `test` on a server whose plans a model writes, one text after the other.
fn with_plans(dialect: Dialect, texts: &[String], test: impl AsyncFnOnce(&Person, &mut ModelServer)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let flags = ["--generator", dialect.name(), "--generator-model=mistral", "--generator-url", &url];
    run(Engine::Sqlite, &flags, async |app| {
        let mut model = ModelServer::on(listener, texts.iter().map(|text| dialect.answer(text)));
        let ana = app.consumer("ana").await;
        test(&ana, &mut model).await;
    });
}

#[test]
fn a_model_is_told_the_faults_of_its_plan_and_asked_again() {
    for dialect in Dialect::BOTH {
        let texts = ["Sure! Here is your plan.".to_owned(), bad().to_string(), good().to_string()];
        with_plans(dialect, &texts, async |ana, model| {
            let plan = draft(ana, &conversation(ana).await).await;
            assert_eq!((&plan["summary"], &plan["hours"]), (&json!("A new pipe."), &json!(2)));
            assert_eq!(plan["generator"], dialect.name());
            let first = model.asked().await.body;
            let schema = match dialect {
                Dialect::Ollama => &first["format"],
                Dialect::OpenAi => &first["response_format"]["json_schema"]["schema"],
            };
            assert_eq!(schema["properties"]["phases"]["type"], "array");
            assert!(!first.to_string().contains("faults"), "{first}");
            assert!(model.asked().await.body.to_string().contains("- plan "), "what it was is said");
            let third = model.asked().await.body.to_string();
            assert!(third.contains("- phases[0].tasks[0].depends_on") && third.contains("t9"), "{third}");
        });
    }
}

#[test]
fn a_model_that_gives_no_usable_plan_is_given_up() {
    let texts = [bad().to_string(), bad().to_string(), bad().to_string()];
    with_plans(Dialect::Ollama, &texts, async |ana, model| {
        let conversation = conversation(ana).await;
        let refused = ana.post(&format!("/conversations/{conversation}/masterplan"), wanted()).await;
        assert_eq!(refused.refused(502)["code"], "plan_invalid");
        for _ in 0..3 {
            model.asked().await;
        }
        assert!(!model.was_asked());
        let listed = ana.get(&format!("/conversations/{conversation}/masterplans")).await.ok();
        assert_eq!(listed["items"], json!([]), "nothing was stored");
        assert_eq!(ana.get("/me/limits").await.ok()["plans_per_day"]["used"], 0, "nor counted");
    });
}
