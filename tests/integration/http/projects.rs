//! Projects: opening, membership, and that removed members are disconnected at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::domain::users::{DisplayName, Plan, Registration, Role, service::register};

use crate::both_engines;
use crate::support::{Answer, Person, id};

/// Opens a project; returns its path.
async fn open(who: &Person) -> String {
    format!("/projects/{}", id(&who.post("/projects", json!({"title": "The bathroom"})).await.ok()))
}

fn room(project: &str) -> String {
    project.trim_start_matches('/').replace("projects/", "project:")
}

fn member(project: &str, who: &Person) -> String {
    format!("{project}/members/{}", who.id)
}

async fn set(owner: &Person, project: &str, who: &Person, role: &str) -> Answer {
    owner.put(&member(project, who), json!({"role": role})).await
}

/// Roles of the members, by name.
fn roles(project: &Value) -> Vec<String> {
    let members = project["members"].as_array().unwrap().iter();
    let mut roles: Vec<String> = members
        .map(|member| {
            format!("{}: {}", member["display_name"].as_str().unwrap(), member["role"].as_str().unwrap())
        })
        .collect();
    roles.sort();
    roles
}

both_engines! {
    async fn whoever_opens_a_project_owns_it(app) {
        let ana = app.consumer("ana").await;
        let opened = ana.post("/projects", json!({"title": " The bathroom "})).key("k1").await;
        let project = opened.refused(201);
        assert_eq!((&project["title"], &project["booking_id"]), (&json!("The bathroom"), &Value::Null));
        assert_eq!(roles(&project), ["ana: owner"]);
        assert_eq!(project["members"][0]["user_id"], ana.id);
        assert_eq!(project["allowed_actions"], json!(["plan", "staff"]), "the only owner cannot leave");
        assert_eq!(project["room"], format!("project:{}", id(&project)));
        assert_eq!(ana.get(opened.header("location").unwrap()).await.ok(), project);
        assert_eq!(ana.post("/projects", json!({"title": " The bathroom "})).key("k1").await.ok(), project);
        assert_eq!(app.db_kinds(&format!("user:{}", ana.id)).await, ["project.opened"]);
        for title in ["", "a\nb", &"x".repeat(121)] {
            ana.post("/projects", json!({"title": title})).await.refused(422);
        }
    }

    async fn a_list_has_the_projects_that_one_is_a_member_of(app) {
        let (ana, ben, root) =
            (app.consumer("ana").await, app.provider("ben").await, app.db_admin("root").await);
        let mut projects = Vec::new();
        for _ in 0..3 {
            projects.push(open(&ana).await);
            app.clock.advance(std::time::Duration::from_millis(2));
        }
        set(&ana, &projects[1], &ben, "viewer").await.ok();
        let addresses = |page: &Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|item| format!("/projects/{}", id(item))).collect()
        };
        let first = ana.get("/projects?limit=2").await.ok();
        assert_eq!(addresses(&first), [projects[2].clone(), projects[1].clone()]);
        assert_eq!(roles(&first["items"][1]), ["ana: owner", "ben: viewer"]);
        let next = format!("/projects?cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(addresses(&ana.get(&next).await.ok()), [projects[0].clone()]);
        let bens = ben.get("/projects").await.ok();
        assert_eq!(addresses(&bens), [projects[1].clone()]);
        assert_eq!(bens["items"][0], ben.get(&projects[1]).await.ok());
        assert_eq!(root.get("/projects").await.ok()["items"], json!([]));
    }

    async fn each_role_may_do_what_it_may(app) {
        let (ana, ben, eve) =
            (app.consumer("ana").await, app.provider("ben").await, app.consumer("eve").await);
        let project = open(&ana).await;
        let task = json!({"title": "Tiles"});
        for (role, may) in [("viewer", vec!["leave"]), ("editor", vec!["plan", "leave"]), ("owner", vec!["plan", "staff", "leave"])] {
            let seen = set(&ana, &project, &ben, role).await;
            assert_eq!(seen.status, if role == "viewer" { 201 } else { 200 }, "{seen}");
            assert_eq!(ben.get(&project).await.ok()["allowed_actions"], json!(may));
            let planned = ben.post(&format!("{project}/tasks"), task.clone()).await;
            let staffed = set(&ben, &project, &eve, "viewer").await;
            if !may.contains(&"plan") {
                assert_eq!(planned.refused(403)["detail"], "to plan this project you must be an editor");
            }
            if !may.contains(&"staff") {
                assert_eq!(staffed.refused(403)["detail"], "to staff this project you must be an owner");
                ben.delete(&member(&project, &ana)).await.refused(403);
            }
            assert_eq!(planned.status == 201, may.contains(&"plan"));
            assert_eq!(staffed.status == 201, may.contains(&"staff"));
        }
        assert_eq!(roles(&ana.get(&project).await.ok()), ["ana: owner", "ben: owner", "eve: viewer"]);
    }

    async fn members_come_once_and_hear_of_it(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (sam, root) = (app.consumer("sam").await, app.db_admin("root").await);
        app.db_suspend(&root, &sam).await;
        let project = open(&ana).await;
        let added = set(&ana, &project, &ben, "viewer").await;
        assert_eq!((added.status, &added.ok()["version"]), (201, &json!(2)));
        let again = set(&ana, &project, &ben, "viewer").await;
        assert_eq!((again.status, again.ok()), (200, added.ok()), "nothing changed");
        let stale = ana.put(&member(&project, &ben), json!({"role": "editor"})).if_match("\"1\"").await;
        stale.refused(412);
        let changed = ana.put(&member(&project, &ben), json!({"role": "editor"})).if_match(added.etag()).await;
        assert_eq!((changed.status, &changed.ok()["version"]), (200, &json!(3)));

        let unknown = format!("{project}/members/01890a5d-ac96-774b-bcce-b302099a8057");
        for nobody in [unknown, member(&project, &sam)] {
            let problem = ana.put(&nobody, json!({"role": "viewer"})).await.refused(404);
            assert_eq!(problem["detail"], "there is no such user");
            assert_eq!(ana.delete(&nobody).await.refused(404)["detail"], "there is no such member");
        }
        let problem = set(&ana, &project, &ben, "boss").await.refused(422);
        assert_eq!(problem["errors"][0], json!({"field": "role", "message": "must be one of viewer, editor, owner"}));

        let told = ["member.added", "member.role_changed"];
        assert_eq!(app.db_kinds(&room(&project)).await, told);
        assert_eq!(app.db_kinds(&format!("user:{}", ben.id)).await, told);
        let received = app.db_events(&format!("user:{}", ben.id)).await;
        let data: Value = serde_json::from_str(received[1].data.get()).unwrap();
        let expected = json!({
            "project_id": project.trim_start_matches("/projects/"), "title": "The bathroom",
            "user_id": ben.id, "role": "editor", "version": 3,
        });
        assert_eq!(data, expected);
    }

    async fn a_project_keeps_an_owner(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let project = open(&ana).await;
        set(&ana, &project, &ben, "editor").await.ok();
        assert_eq!(ana.delete(&member(&project, &ana)).await.refused(409)["code"], "last_owner");
        assert_eq!(set(&ana, &project, &ana, "viewer").await.refused(409)["code"], "last_owner");
        set(&ana, &project, &ben, "owner").await.ok();
        set(&ana, &project, &ana, "viewer").await.ok();
        assert_eq!(ben.delete(&member(&project, &ben)).await.refused(409)["code"], "last_owner");
        let left = ana.delete(&member(&project, &ana)).await;
        assert_eq!((left.status, left.text.as_str()), (204, ""));
        assert_eq!(roles(&ben.get(&project).await.ok()), ["ben: owner"]);
        let again = ana.delete(&member(&project, &ana)).await.refused(403);
        assert_eq!(again["detail"], "to leave this project you must be a member");
    }

    async fn of_owners_who_shut_each_other_out_at_once_one_stays(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        for _ in 0..12 {
            let project = open(&ana).await;
            set(&ana, &project, &ben, "owner").await.ok();
            let deeds = [
                ana.delete(&member(&project, &ben)),
                ben.delete(&member(&project, &ana)),
                ana.delete(&member(&project, &ana)),
                ben.delete(&member(&project, &ben)),
            ];
            let answers = join_all(deeds.into_iter().map(|deed| async move { deed.await })).await;
            assert!(answers.iter().all(|answer| matches!(answer.status, 204 | 403 | 404 | 409)), "{answers:?}");
            assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1, "{answers:?}");
            let left = if ana.get(&project).await.status == 200 { &ana } else { &ben };
            assert_eq!(left.get(&project).await.ok()["members"].as_array().unwrap().len(), 1);
        }
    }

    async fn both_parties_of_a_booking_stay_owners(app) {
        let (ana, ben, eve) =
            (app.consumer("ana").await, app.provider("ben").await, app.consumer("eve").await);
        let booking = app.booking(&ana, &ben).await;
        let project = format!("/projects/{}", booking["project_id"].as_str().unwrap());
        let seen = ana.get(&project).await.ok();
        assert_eq!(seen["booking_id"], booking["id"]);
        assert_eq!(roles(&seen), ["ana: owner", "ben: owner"]);
        for (who, other) in [(&ana, &ben), (&ben, &ana)] {
            assert_eq!(who.get(&project).await.ok()["allowed_actions"], json!(["plan", "staff"]));
            let refused = [
                who.delete(&member(&project, other)).await,
                who.delete(&member(&project, who)).await,
                set(who, &project, other, "viewer").await,
                set(who, &project, who, "editor").await,
            ];
            for answer in refused {
                assert_eq!(answer.refused(409)["code"], "party_of_booking");
            }
        }
        set(&ben, &project, &eve, "owner").await.ok();
        assert_eq!(eve.delete(&member(&project, &ben)).await.refused(409)["code"], "party_of_booking");
        assert_eq!(ana.delete(&member(&project, &eve)).await.status, 204);
    }

    async fn a_member_who_is_taken_out_is_not_live_in_it_any_more(app) {
        let (ana, ben, eve) =
            (app.consumer("ana").await, app.provider("ben").await, app.consumer("eve").await);
        let project = open(&ana).await;
        let join = json!({"type": "join", "room": room(&project)});
        for who in [&ben, &eve] {
            set(&ana, &project, who, "editor").await.ok();
        }
        let (mut bens, mut eves, mut second) = (ben.live().await, eve.live().await, eve.live().await);
        for socket in [&mut bens, &mut eves, &mut second] {
            socket.ack(join.clone()).await;
        }
        // A demoted member is still a member, and stays connected.
        set(&ana, &project, &eve, "viewer").await.ok();
        for socket in [&mut eves, &mut second] {
            while socket.event("member.role_changed").await["room"] != room(&project) {}
        }

        assert_eq!(ana.delete(&member(&project, &eve)).await.status, 204);
        for socket in [&mut eves, &mut second] {
            let left = socket.recv("error").await;
            assert!(left["message"].as_str().unwrap().starts_with(&format!("you have left {}", room(&project))), "{left}");
            let own = format!("user:{}", eve.id);
            while socket.event("member.removed").await["room"] != own {}
        }
        ana.post(&format!("{project}/tasks"), json!({"title": "Tiles"})).await.ok();
        bens.event("task.created").await;
        for socket in [&mut eves, &mut second, &mut eve.live().await] {
            let again = socket.request(join.clone()).await;
            assert_eq!((&again["type"], &again["code"]), (&json!("error"), &json!("forbidden")));
            assert!(socket.left().iter().all(|message| message["kind"] != "task.created"), "{:?}", socket.left());
        }
        for address in [project.clone(), format!("{project}/tasks")] {
            eve.get(&address).await.refused(403);
        }

        // A member who leaves is removed from the room on all devices.
        assert_eq!(ben.delete(&member(&project, &ben)).await.status, 204);
        bens.recv("error").await;
        assert_eq!(bens.request(join.clone()).await["code"], "forbidden");
    }

    async fn strangers_stay_outside_and_an_admin_passes_on_the_record(app) {
        let (ana, ben, eve, root) = (
            app.consumer("ana").await, app.provider("ben").await, app.consumer("eve").await, app.db_admin("root").await,
        );
        let project = open(&ana).await;
        for address in [project.clone(), format!("{project}/tasks")] {
            let refusal = eve.get(&address).await.refused(403);
            assert_eq!(refusal["detail"], "to read this project you must be a member");
            app.anyone().get(&address).await.refused(401);
        }
        set(&eve, &project, &eve, "owner").await.refused(403);
        assert_eq!(root.get(&project).await.ok()["allowed_actions"], json!(["plan", "staff"]));
        set(&root, &project, &ben, "viewer").await.ok();
        assert_eq!(root.delete(&member(&project, &ana)).await.refused(409)["code"], "last_owner");
        let mut trail = app.db_audit("project", project.trim_start_matches("/projects/")).await;
        trail.sort();
        let refused = ["refused read", "refused read", "refused staff"];
        let passed = ["admin read", "admin staff"];
        assert_eq!(trail, [passed.as_slice(), refused.as_slice()].concat());
        ana.get("/projects/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
    }

    async fn a_project_has_so_many_members(app) {
        let ana = app.consumer("ana").await;
        let project = open(&ana).await;
        let crowd = app.server.db.write(|uow| {
            (0..100).map(|n| {
                let registration = Registration {
                    email: format!("m{n}@example.com").parse().unwrap(),
                    display_name: DisplayName::parse("m").unwrap(),
                    role: Role::Consumer,
                    plan: Plan::Free,
                    password_hash: String::new(),
                };
                register(uow, &registration).map(|user| user.id)
            })
            .collect::<Result<Vec<_>, _>>()
        });
        let crowd = crowd.await.unwrap();
        let (last, others) = crowd.split_last().unwrap();
        let add = async |user: &souk::ids::UserId| {
            ana.put(&format!("{project}/members/{user}"), json!({"role": "viewer"})).await
        };
        for user in others {
            assert_eq!(add(user).await.status, 201);
        }
        assert_eq!(add(last).await.refused(409)["code"], "project_full");
        assert_eq!(add(&others[0]).await.status, 200, "who is in stays in");
    }
}
