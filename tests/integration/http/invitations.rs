//! Invitations to projects: by user or by link, for one use, while they and whoever gave them are good for
//! it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Answer, Person, TestApp, id};

async fn open(who: &Person) -> String {
    format!("/projects/{}", id(&who.post("/projects", json!({"title": "The bathroom"})).await.ok()))
}

async fn people(app: &TestApp) -> (Person, Person) {
    (app.consumer("ana").await, app.provider("ben").await)
}

async fn link(owner: &Person, project: &str) -> String {
    let link = owner.post(&format!("{project}/invitations"), json!({"role": "editor"})).await.refused(201);
    link["secret"].as_str().unwrap().to_owned()
}

async fn accept(who: &Person, secret: &str) -> Answer {
    who.post("/invitations/accept", json!({"secret": secret})).await
}

both_engines! {
    async fn whoever_holds_a_link_becomes_a_member_once(app) {
        let (ana, ben) = people(app).await;
        let eve = app.consumer("eve").await;
        let project = open(&ana).await;
        let secret = link(&ana, &project).await;
        assert!(secret.starts_with("souk_in_") && secret.len() > 50, "{secret}");
        assert_eq!(accept(&ana, &secret).await.refused(409)["code"], "already_member");
        let joined = accept(&ben, &secret).await.ok();
        assert_eq!((format!("/projects/{}", id(&joined)), &joined["version"]), (project.clone(), &json!(2)));
        assert_eq!(accept(&ben, &secret).await.ok()["version"], 2, "the answer may have been lost");
        assert_eq!(accept(&eve, &secret).await.refused(409)["code"], "invitation_used");
        assert_eq!(accept(&eve, &secret.replace("souk_in_", "souk_in_x")).await.refused(404)["detail"], "there is no such invitation");
        ben.post(&format!("{project}/tasks"), json!({"title": "Tiles"})).await.ok();
        let shown = ana.get(&format!("{project}/invitations")).await;
        assert!(!shown.text.contains(&secret) && !shown.text.contains("secret"), "it is shown once: {shown}");
        let items = shown.ok()["items"].clone();
        assert_eq!((&items[0]["used_by"], &items[0]["user_id"]), (&json!(ben.id), &Value::Null));
        let events = app.db_events(&format!("project:{}", project.trim_start_matches("/projects/"))).await;
        assert!(events.iter().all(|event| !event.data.get().contains(&secret)));
    }

    async fn of_many_who_use_a_link_at_once_one_comes_in(app) {
        let ana = app.consumer("ana").await;
        let mut crowd = Vec::new();
        for n in 0..4 {
            crowd.push(app.consumer(&format!("c{n}")).await);
        }
        for _ in 0..4 {
            let project = open(&ana).await;
            let secret = link(&ana, &project).await;
            let answers = join_all(crowd.iter().map(|who| accept(who, &secret))).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
            assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
            assert_eq!(ana.get(&project).await.ok()["members"].as_array().unwrap().len(), 2);
        }
    }

    async fn a_user_who_is_invited_hears_of_it_and_decides(app) {
        let (ana, ben) = people(app).await;
        let eve = app.consumer("eve").await;
        let project = open(&ana).await;
        let path = format!("{project}/invitations");
        let mut bens = ben.live().await;
        let invited = ana.post(&path, json!({"user_id": ben.id, "role": "viewer"})).await.refused(201);
        assert_eq!(invited["secret"], Value::Null);
        let heard = bens.event("invitation.created").await;
        assert_eq!((&heard["data"]["invitation_id"], &heard["data"]["title"]), (&invited["id"], &json!("The bathroom")));
        assert_eq!(ben.get("/invitations").await.ok()["items"][0]["id"], invited["id"]);
        let accept = format!("/invitations/{}/accept", id(&invited));
        let refusal = eve.post(&accept, Value::Null).await.refused(403);
        assert_eq!(refusal["detail"], "to accept this invitation you must be somebody it is shown to");
        let declined = ben.post(&format!("/invitations/{}/decline", id(&invited)), Value::Null).await.ok();
        assert!(declined["revoked_at"].is_string());
        assert_eq!(ben.post(&accept, Value::Null).await.refused(409)["code"], "invitation_revoked");
        let again = ana.post(&path, json!({"user_id": ben.id, "role": "editor"})).await.ok();
        let member = ben.post(&format!("/invitations/{}/accept", id(&again)), Value::Null).await.ok();
        assert_eq!(member["members"].as_array().unwrap().iter().filter(|member| member["role"] == "editor").count(), 1);
        assert_eq!(ben.get("/invitations").await.ok()["items"], json!([]));
        assert_eq!(ana.post(&path, json!({"user_id": ben.id, "role": "editor"})).await.refused(409)["code"], "already_member");
        let revoke = format!("{path}/{}", id(&again));
        assert_eq!(ana.delete(&revoke).await.refused(409)["code"], "invitation_used");
    }

    async fn who_was_removed_does_not_come_back_by_an_older_invitation(app) {
        let (ana, ben) = people(app).await;
        let project = open(&ana).await;
        let mut invited = Vec::new();
        for role in ["editor", "owner"] {
            let body = json!({"role": role, "user_id": ben.id});
            let invitation = ana.post(&format!("{project}/invitations"), body).await.refused(201);
            invited.push(format!("/invitations/{}/accept", id(&invitation)));
        }
        ben.post(&invited[0], Value::Null).await.ok();
        ana.delete(&format!("{project}/members/{}", ben.id)).await;
        ben.get(&project).await.refused(403);
        let refused = ben.post(&invited[1], Value::Null).await;
        assert!((400..500).contains(&refused.status), "{refused}");
        ben.get(&project).await.refused(403);
    }

    async fn what_was_revoked_or_has_expired_is_good_for_nothing(app) {
        let (ana, ben) = people(app).await;
        let project = open(&ana).await;
        let path = format!("{project}/invitations");
        let created = ana.post(&path, json!({"role": "viewer"})).key("i1").await;
        assert_eq!(ana.post(&path, json!({"role": "viewer"})).key("i1").await.ok(), created.ok(), "one and the same");
        let (revoked, secret) = (created.ok(), created.ok()["secret"].as_str().unwrap().to_owned());
        ana.delete(&format!("{path}/{}", id(&revoked))).await.ok();
        assert!(ana.delete(&format!("{path}/{}", id(&revoked))).await.ok()["revoked_at"].is_string());
        assert_eq!(accept(&ben, &secret).await.refused(409)["code"], "invitation_revoked");
        let short = ana.post(&path, json!({"role": "viewer", "expires_in": 60})).await.ok();
        app.clock.advance(Duration::from_secs(61));
        let secret = short["secret"].as_str().unwrap();
        assert_eq!(accept(&ben, secret).await.refused(409)["code"], "invitation_expired");
        for expires_in in [0, 59, 2_592_001] {
            ana.post(&path, json!({"role": "viewer", "expires_in": expires_in})).await.refused(422);
        }
        ana.post(&path, json!({"role": "boss"})).await.refused(422);
    }

    async fn an_invitation_is_worth_what_the_inviter_is(app) {
        let (ana, ben) = people(app).await;
        let (eve, root) = (app.consumer("eve").await, app.db_admin("root").await);
        let project = open(&ana).await;
        ana.put(&format!("{project}/members/{}", ben.id), json!({"role": "owner"})).await.ok();
        let (first, second) = (link(&ben, &project).await, link(&ben, &project).await);
        ana.put(&format!("{project}/members/{}", ben.id), json!({"role": "editor"})).await.ok();
        assert_eq!(accept(&eve, &first).await.refused(409)["code"], "invitation_void");
        ben.post(&format!("{project}/invitations"), json!({"role": "viewer"})).await.refused(403);
        ana.put(&format!("{project}/members/{}", ben.id), json!({"role": "owner"})).await.ok();
        app.db_suspend(&root, &ben).await;
        assert_eq!(accept(&eve, &second).await.refused(409)["code"], "invitation_void");
        let of_admin = link(&root, &project).await;
        accept(&eve, &of_admin).await.ok();
    }

    async fn a_project_has_so_many_open_invitations(app) {
        let ana = app.consumer("ana").await;
        let project = open(&ana).await;
        let path = format!("{project}/invitations");
        let mut last = Value::Null;
        for _ in 0..100 {
            last = ana.post(&path, json!({"role": "viewer"})).await.ok();
        }
        assert_eq!(ana.post(&path, json!({"role": "viewer"})).await.refused(409)["code"], "too_many_invitations");
        ana.delete(&format!("{path}/{}", id(&last))).await.ok();
        ana.post(&path, json!({"role": "viewer"})).await.ok();
    }
}
