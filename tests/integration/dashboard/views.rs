//! Viewing as somebody else: who may, how it is audited, and what ends it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, Person, Socket, SocketIo, TestApp};

fn path(who: &Person) -> String {
    format!("/admin/users/{}/view-as", who.id)
}

async fn begin(root: &Client, who: &Person) -> Value {
    root.post(&path(who), json!({"reason": "a complaint"})).await.ok()
}

/// An admin with a login of their own, by password, and a view as a new user.
struct View {
    admin: Person,
    refresh: String,
    user: Person,
    begun: Value,
    client: Client,
    plain: Socket,
    socket_io: SocketIo,
}

impl View {
    async fn begin(app: &TestApp, number: usize) -> Self {
        app.db_admin(&format!("admin{number}")).await;
        let form =
            json!({"email": format!("admin{number}@example.com"), "password": crate::support::PASSWORD});
        let tokens = app.anyone().post("/auth/token", form).await.ok();
        let admin = app.person(tokens["access_token"].as_str().unwrap()).await;
        let user = app.consumer(&format!("user{number}")).await;
        let begun = begin(&admin, &user).await;
        let token = begun["access_token"].as_str().unwrap();
        let mut plain = Socket::connect(app.address, &format!("/ws?token={token}")).await;
        plain.recv("connection_established").await;
        let socket_io = SocketIo::connect(app.address, token).await;
        let client = app.with_token(token);
        client.get("/requests").await.ok();
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        Self { admin, refresh, user, begun, client, plain, socket_io }
    }

    /// The admin's login.
    async fn login(&self) -> String {
        let logins = self.admin.get("/auth/sessions").await.ok();
        let current = logins["items"].as_array().unwrap().iter().find(|login| login["current"] == true);
        current.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

/// What ends a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ViewRevokedByItsBearer,
    ViewRevokedById,
    AdminLogsOut,
    AdminTokenRevoked,
    AdminRefreshTokenRevoked,
    AdminLogsOutEverywhere,
    AdminIsLoggedOut,
    AdminLoginIsEnded,
    AdminIsSuspended,
    AdminLosesTheRole,
    UserIsSuspended,
    UserChangesRole,
    UserIsLoggedOut,
    UserLogsOutEverywhere,
    UserLogsOutElsewhere,
}
use End::*;

const ENDS: [End; 15] = [
    ViewRevokedByItsBearer,
    ViewRevokedById,
    AdminLogsOut,
    AdminTokenRevoked,
    AdminRefreshTokenRevoked,
    AdminLogsOutEverywhere,
    AdminIsLoggedOut,
    AdminLoginIsEnded,
    AdminIsSuspended,
    AdminLosesTheRole,
    UserIsSuspended,
    UserChangesRole,
    UserIsLoggedOut,
    UserLogsOutEverywhere,
    UserLogsOutElsewhere,
];

impl End {
    async fn happen(self, root: &Person, view: &View) {
        let (admin, user) =
            (format!("/admin/users/{}", view.admin.id), format!("/admin/users/{}", view.user.id));
        let (nobody, why) = (view.admin.with_token(""), json!({"reason": "for the test"}));
        let revoke = async |token: &str| nobody.post("/auth/revoke", json!({"token": token})).await.ok();
        match self {
            ViewRevokedByItsBearer => revoke(view.client.token().unwrap()).await,
            ViewRevokedById => {
                root.post("/admin/tokens/revoke", json!({"jti": view.begun["token_id"]})).await.ok()
            }
            AdminLogsOut => view.admin.post("/auth/logout", Value::Null).await.ok(),
            AdminTokenRevoked => revoke(view.admin.token().unwrap()).await,
            AdminRefreshTokenRevoked => revoke(&view.refresh).await,
            AdminLogsOutEverywhere => view.admin.delete("/auth/sessions").await.ok(),
            AdminIsLoggedOut => root.post(&format!("{admin}/log-out"), Value::Null).await.ok(),
            AdminLoginIsEnded => root.delete(&format!("/admin/logins/{}", view.login().await)).await.ok(),
            AdminIsSuspended => root.post(&format!("{admin}/suspend"), why).await.ok(),
            AdminLosesTheRole => root.put(&format!("{admin}/role"), json!({"role": "provider"})).await.ok(),
            UserIsSuspended => root.post(&format!("{user}/suspend"), why).await.ok(),
            UserChangesRole => root.put(&format!("{user}/role"), json!({"role": "provider"})).await.ok(),
            UserIsLoggedOut => root.post(&format!("{user}/log-out"), Value::Null).await.ok(),
            UserLogsOutEverywhere => view.user.delete("/auth/sessions").await.ok(),
            UserLogsOutElsewhere => view.user.delete("/auth/sessions?keep_current=true").await.ok(),
        };
    }
}

both_engines! {
    async fn a_view_is_begun_by_admins_alone_and_never_as_just_anybody(app) {
        let (root, other) = (app.db_admin("root").await, app.db_admin("other").await);
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        ana.post(&path(&ben), json!({"reason": "curious"})).await.refused(403);
        app.anyone().post(&path(&ben), json!({"reason": "curious"})).await.refused(401);
        root.post(&path(&ana), json!({"reason": " "})).await.refused(422);
        root.post(&path(&ana), json!({})).await.refused(422);
        let refusal = async |who: &Person| {
            root.post(&path(who), json!({"reason": "x"})).await.refused(409)["code"].clone()
        };
        assert_eq!(refusal(&root).await, "view_of_self");
        assert_eq!(refusal(&other).await, "view_of_admin");
        app.db_suspend(&root, &ben).await;
        assert_eq!(refusal(&ben).await, "user_suspended");
        let nobody = "/admin/users/01890a5d-ac96-774b-bcce-b302099a8057/view-as";
        root.post(nobody, json!({"reason": "x"})).await.refused(404);

        let logins = root.get(&format!("/admin/users/{}/logins", ana.id)).await.ok();
        let begun = begin(&root, &ana).await;
        assert_eq!((begun["token_type"].clone(), begun["user_id"].clone()), (json!("Bearer"), json!(ana.id)));
        assert!((890..=900).contains(&begun["expires_in"].as_u64().unwrap()), "{begun}");
        assert_eq!(root.get(&format!("/admin/users/{}/logins", ana.id)).await.ok(), logins, "it is no login");
        let viewer = app.with_token(begun["access_token"].as_str().unwrap());
        let me = viewer.get("/auth/me").await.ok();
        assert_eq!(me["id"], ana.id.as_str());
        for further in [&ana, &ben] {
            assert_eq!(
                viewer.post(&path(further), json!({"reason": "x"})).await.refused(403)["code"],
                "read_only"
            );
        }
        viewer.get("/admin/users").await.refused(403);
        viewer.get("/entries").await.refused(403);

        let audit = root.get(&format!("/admin/audit?kind=user&row={}&action=view as", ana.id)).await.ok();
        let done: Vec<_> =
            audit["items"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == "done").collect();
        assert_eq!(done.len(), 1, "{audit}");
        assert_eq!(done[0]["actor"], root.id.as_str());
        let detail = done[0]["detail"].as_str().unwrap();
        assert_eq!(detail, format!("a complaint (token {})", begun["token_id"].as_str().unwrap()));
        let refused = root.get("/admin/audit?kind=entry&action=list&outcome=refused").await.ok();
        assert_eq!(refused["items"][0]["actor"], ana.id.as_str());
        assert_eq!(refused["items"][0]["impersonator"], root.id.as_str());
    }

    async fn a_view_ends_with_whatever_it_depends_on(
        app with ["--anonymous-requests=1000000", "--logins-per-address=1000000"]
    ) {
        let root = app.db_admin("root").await;
        let bystander = app.consumer("bystander").await;
        let also_viewed = begin(&root, &bystander).await;
        let also_viewed = app.with_token(also_viewed["access_token"].as_str().unwrap());
        for (number, end) in ENDS.iter().enumerate() {
            let mut view = View::begin(app, number).await;
            end.happen(&root, &view).await;
            view.client.get("/requests").await.refused(401);
            view.plain.closed().await;
            view.socket_io.ended().await;
            let token = view.client.token().unwrap();
            let mut again = Socket::connect(app.address, &format!("/ws?token={token}")).await;
            assert!(again.try_recv("connection_established").await.is_err(), "{end:?}");
            also_viewed.get("/requests").await.ok();
        }
    }

    async fn a_view_ends_by_itself_and_not_with_one_login_of_its_user(app) {
        let view = View::begin(app, 0).await;
        let mut plain = view.plain;
        let second = app.log_in("user0").await;
        second.post("/auth/logout", Value::Null).await.ok();
        view.user.post("/auth/logout", Value::Null).await.ok();
        plain.recv_pong().await;
        view.client.get("/requests").await.ok();
        app.clock.advance(Duration::from_secs(15 * 60 + 1));
        view.client.get("/requests").await.refused(401);
        plain.send(json!({"type": "ping"})).await;
        assert_eq!(plain.closed().await.code, 4001);
    }

    async fn a_view_outlives_no_login_of_its_admin(app) {
        app.db_admin("root").await;
        let ana = app.consumer("ana").await;
        let short = app.with_token(&app.db_token("root@example.com", Duration::from_secs(60)).await);
        let begun = begin(&short, &ana).await;
        assert!(begun["expires_in"].as_u64().unwrap() <= 60, "{begun}");
    }
}
