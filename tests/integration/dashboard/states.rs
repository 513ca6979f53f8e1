//! The state machines as admins read them, and where a row stands in its own.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, Person, id};

async fn states(root: &Client, kind: &str, row: &str) -> Value {
    root.get(&format!("/admin/states?kind={kind}&row={row}")).await.ok()
}

/// The steps from where the row stands: action, state after, and the parties who may.
fn next(states: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = states["next"].as_array().unwrap().iter();
    let by = |step: &Value| step["by"].as_array().unwrap().iter().map(|who| text(&who["user_id"])).collect();
    steps.map(|step| (text(&step["action"]), text(&step["to"]), by(step))).collect()
}

fn step(action: &str, to: &str, by: &[&Person]) -> (String, String, Vec<String>) {
    (action.to_owned(), to.to_owned(), by.iter().map(|person| person.id.clone()).collect())
}

/// The row's changes: kind, state afterwards, and who.
fn history(states: &Value) -> Vec<(&str, &str, Value)> {
    let changes = states["history"].as_array().unwrap().iter();
    changes
        .map(|change| {
            (change["kind"].as_str().unwrap(), change["state"].as_str().unwrap(), change["by"].clone())
        })
        .collect()
}

both_engines! {
    async fn the_machines_are_the_tables_by_which_calls_are_decided(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let machines = root.get("/admin/machines").await.ok();
        let kinds: Vec<&Value> =
            machines["items"].as_array().unwrap().iter().map(|machine| &machine["kind"]).collect();
        assert_eq!(kinds, ["request", "offer", "booking", "simulation"]);
        let offer = &machines["items"][1];
        assert!(offer["states"].as_array().unwrap().contains(&json!("voided")));
        let accept = offer["transitions"].as_array().unwrap().iter().find(|rule| rule["action"] == "accept");
        assert_eq!(
            accept.unwrap(),
            &json!({"from": "pending", "action": "accept", "to": "accepted", "needs": "its consumer",
                "is_systems": false, "admins_pass": true})
        );
        let start = machines["items"][3]["transitions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["action"] == "start");
        assert_eq!(
            (start.unwrap()["is_systems"].clone(), start.unwrap()["admins_pass"].clone()),
            (json!(true), json!(false))
        );
        ana.get("/admin/machines").await.refused(403);
    }

    async fn where_a_row_stands_is_told_with_its_history_and_who_could_do_what(app) {
        let root = app.db_admin("root").await;
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let request = app.request(&ana).await;
        let offer = app.offer(&ben, &request).await;
        let told = states(&root, "offer", id(&offer)).await;
        assert_eq!(told["current_state"], "pending");
        assert_eq!(history(&told), [("offer.submitted", "pending", json!(ben.id))]);
        assert_eq!(
            next(&told),
            [
                step("revise", "pending", &[&ben]),
                step("accept", "accepted", &[&ana]),
                step("decline", "declined", &[&ana]),
                step("withdraw", "withdrawn", &[&ben]),
                step("expire", "expired", &[]),
                step("lapse", "not_selected", &[]),
                step("remove", "removed", &[]),
            ]
        );

        ana.patch(&format!("/requests/{}", id(&request)), json!({"title": "Fix both sinks"})).await.ok();
        let told = states(&root, "offer", id(&offer)).await;
        let accept = &told["next"][1];
        assert_eq!(
            (accept["is_obstructed"].clone(), accept["by"].clone()),
            (json!(true), json!([])),
            "it is outdated"
        );
        ben.patch(&format!("/offers/{}", id(&offer)), json!({})).await.ok();
        ana.post(&format!("/offers/{}/accept", id(&offer)), json!({"version": 2})).await.ok();

        let of_request = states(&root, "request", id(&request)).await;
        let kinds: Vec<_> = history(&of_request).into_iter().map(|(kind, state, _)| (kind, state)).collect();
        assert_eq!(
            kinds,
            [("request.published", "open"), ("request.edited", "open"), ("request.booked", "booked")]
        );
        assert!(next(&of_request).iter().all(|(_, _, by)| by.is_empty()), "they are the system's");
        assert_eq!(of_request["is_cut"], false);

        let booking = ana.get("/bookings").await.ok()["items"][0].clone();
        let told = states(&root, "booking", id(&booking)).await;
        assert_eq!(history(&told), [("booking.created", "confirmed", json!(ana.id))]);
        assert_eq!(next(&told)[0], step("start", "in_progress", &[&ben]));
        assert_eq!(next(&told)[1], step("complete", "completed", &[&ana, &ben]));
        app.db_suspend(&root, &ben).await;
        let told = states(&root, "booking", id(&booking)).await;
        assert_eq!(next(&told)[0], step("start", "in_progress", &[]), "whoever is suspended does nothing");
        assert_eq!(next(&told)[1], step("complete", "completed", &[&ana]));
        assert_eq!(
            app.db_audit("booking", id(&booking)).await,
            ["admin see the states of", "admin see the states of"]
        );
    }

    async fn what_has_no_states_to_show_is_refused(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let request = app.request(&ana).await;
        let ask = async |query: String| root.get(&format!("/admin/states?{query}")).await.status;
        assert_eq!(
            ask(format!("kind=simulation&row={}", id(&request))).await,
            422,
            "simulations are private"
        );
        assert_eq!(ask(format!("kind=thing&row={}", id(&request))).await, 422);
        assert_eq!(ask("kind=request&row=7".to_owned()).await, 422);
        assert_eq!(ask(format!("kind=offer&row={}", id(&request))).await, 404);
        ana.get(&format!("/admin/states?kind=request&row={}", id(&request))).await.refused(403);
    }
}
