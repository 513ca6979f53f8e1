//! Rights that end take effect live: everything based on one ends at once, is told why, and is not
//! readmitted.

mod ends;
mod live;

use std::sync::Arc;
use std::time::Duration;

use ends::{ENDS, End, How, Victim};
use live::{DIALECTS, Dialect, Farewell, Live};
use serde_json::json;
use souk::auth::{Auth, NewPassword, SignUp};
use souk::clock::Clock;
use souk::config::Settings;
use souk::db::Db;
use souk::domain::users::{DisplayName, Plan, Role};
use souk::server;

use crate::both_engines;
use crate::support::{Client, Database, JWT_SECRET, PASSWORD, Process, id};

/// Asserts that new connections with the ended right are refused.
async fn assert_refused(end: &End, victim: &Victim) {
    let client = victim.client();
    for (dialect, expected) in DIALECTS.into_iter().zip([end.refused.0, end.refused.1]) {
        let refusal = Live::connect(dialect, client.address(), client.token().unwrap()).await.err();
        assert_eq!(refusal.as_deref(), Some(expected), "{:?} on {dialect:?}", end.how);
    }
    assert_eq!(client.get("/auth/me").await.status, 401, "{:?}", end.how);
    if end.refresh_dies {
        assert_eq!(victim.refresh().await, 401, "{:?}", end.how);
    }
    let other = victim.other.get("/auth/me").await.status;
    assert_eq!(other, if end.other_stays { 200 } else { 401 }, "{:?}", end.how);
    let log_in = victim.log_in().await;
    assert_eq!(log_in, if end.how == How::AdminSuspends { 401 } else { 200 }, "{:?}", end.how);
}

both_engines! {
    async fn every_end_of_a_right_closes_exactly_what_hung_on_it(
        app with ["--anonymous-requests=1000000", "--logins-per-address=1000000", "--logins-per-account=1000",
        "--logins-per-account-anywhere=1000"]
    ) {
        let root = app.db_admin("root").await;
        let mut bystanders = Vec::new();
        let ben = app.provider("ben").await;
        for dialect in DIALECTS {
            bystanders.push(Live::of(dialect, &ben).await);
        }
        for (number, end) in ENDS.iter().enumerate() {
            let victim = Victim::register(&app.anyone(), &format!("ana{number}")).await;
            let (mut sessions, mut others) = (Vec::new(), Vec::new());
            for dialect in DIALECTS {
                sessions.push(Live::of(dialect, &victim.client()).await);
                others.push(Live::of(dialect, &victim.other).await);
            }
            victim.end(end.how, &root).await;
            let told = || Farewell { reason: end.told.0.to_owned(), reconnect_in_ms: None, code: end.told.1 };
            for session in &mut sessions {
                assert_eq!(session.farewell().await, told(), "{:?}", end.how);
            }
            for other in &mut others {
                match end.other_stays {
                    true => other.assert_alive("the other login").await,
                    false => assert_eq!(other.farewell().await, told(), "{:?}", end.how),
                }
            }
            for bystander in &mut bystanders {
                bystander.assert_alive("somebody else").await;
            }
            assert_refused(end, &victim).await;
        }
    }

    async fn a_token_that_ends_is_announced_and_may_be_replaced(app with ["--free-messages=1000"]) {
        for (number, dialect) in DIALECTS.into_iter().enumerate() {
            let ana = app.consumer(&format!("ana{number}")).await;
            let ben = app.provider(&format!("ben{number}")).await;
            let mut session = Live::of(dialect, &ana).await;
            // A token lives for half an hour; its expiry is announced a minute before.
            app.clock.advance(Duration::from_secs(29 * 60 - 1));
            session.assert_alive("before the announcement").await;
            app.clock.advance(Duration::from_secs(2));
            session.assert_alive("after it").await;
            assert!(session.recv("token_expiring").await["expires_at"].is_string());

            let token = |token: &str| json!({"token": token});
            let foreign = app.log_in(&format!("ben{number}")).await;
            for refused in [foreign.token().unwrap(), ben.token().unwrap(), "a.b.c", ""] {
                let refusal = session.ask("refresh", token(refused)).await.unwrap_err();
                assert!(["invalid_token", "invalid"].contains(&refusal.as_str()), "{refusal}");
            }
            let fresh = app.log_in(&format!("ana{number}")).await;
            let renewed = session.ask("refresh", token(fresh.token().unwrap())).await.unwrap();
            assert!(renewed["expires_at"].is_string());
            app.clock.advance(Duration::from_secs(15 * 60));
            session.assert_alive("past the end of the first token").await;

            app.clock.advance(Duration::from_secs(14 * 60));
            session.assert_alive("near the end of the second").await;
            session.recv("token_expiring").await;
            app.clock.advance(Duration::from_secs(60));
            match &mut session {
                Live::Ws(socket) => socket.send(json!({"type": "ping"})).await,
                Live::SocketIo(socket) => socket.send(r#"42["ping"]"#).await,
            }
            let farewell = Farewell { reason: "token_expired".into(), reconnect_in_ms: None, code: 4001 };
            assert_eq!(session.farewell().await, farewell);
            let refusal = Live::connect(dialect, app.address, fresh.token().unwrap()).await.err();
            let expected = if dialect == Dialect::Ws { "4001" } else { "token expired" };
            assert_eq!(refusal.as_deref(), Some(expected));
        }
    }

    async fn a_token_that_ends_in_silence_ends_its_sessions(app with ["--access-ttl=2s", "--token-warning=1s"]) {
        for (number, dialect) in DIALECTS.into_iter().enumerate() {
            let ana = app.consumer(&format!("ana{number}")).await;
            let mut session = Live::of(dialect, &ana).await;
            session.recv("token_expiring").await;
            let farewell = Farewell { reason: "token_expired".into(), reconnect_in_ms: None, code: 4001 };
            assert_eq!(session.farewell().await, farewell);
        }
    }

    async fn a_session_that_was_refreshed_hangs_on_its_new_token(app) {
        for (number, dialect) in DIALECTS.into_iter().enumerate() {
            let victim = Victim::register(&app.anyone(), &format!("ana{number}")).await;
            let mut session = Live::of(dialect, &victim.client()).await;
            session.ask("refresh", json!({"token": victim.other.token()})).await.unwrap();
            victim.client().post("/auth/logout", json!({})).await.ok();
            session.assert_alive("its first login has ended").await;
            victim.other.post("/auth/logout", json!({})).await.ok();
            assert_eq!(session.farewell().await.reason, "token_revoked");
        }
    }

    async fn who_loses_a_booking_leaves_its_room_and_stays_connected(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let booking = app.booking(&ana, &ben).await;
        let room = format!("booking:{}", id(&booking));
        let chat = ana.get("/sessions").await.ok();
        let chat = format!("session:{}", id(&chat["items"][0]));
        let mut sessions = Vec::new();
        for dialect in DIALECTS {
            let join = if dialect == Dialect::Ws { "join" } else { "room:join" };
            let mut session = Live::of(dialect, &ana).await;
            for room in [&room, &chat] {
                session.ask(join, json!({"room": room})).await.unwrap();
            }
            sessions.push((session, join));
        }
        ben.put(&format!("/bookings/{}/cancel", id(&booking)), json!({"reason": "moved away"})).await.ok();
        for (session, join) in &mut sessions {
            let left = session.recv("error").await;
            assert_eq!(left["code"], "forbidden");
            assert!(left["message"].as_str().unwrap().starts_with(&format!("you have left {room}")), "{left}");
            assert_eq!(session.ask(join, json!({"room": room})).await.unwrap_err(), "forbidden");
            // The parties' session remains theirs.
            session.ask("presence", json!({"room": chat})).await.unwrap();
        }
    }

    async fn a_plan_holds_from_the_next_refresh_on(app with ["--free-messages=2", "--pro-messages=1000"]) {
        let root = app.db_admin("root").await;
        let ana = app.consumer("ana").await;
        let mut session = ana.live().await;
        root.put(&format!("/admin/users/{}/plan", ana.id), json!({"plan": "pro"})).await.ok();
        session.ack(json!({"type": "refresh", "token": ana.token().unwrap()})).await;
        for number in 0..100 {
            session.send(json!({"type": "ping", "id": number})).await;
        }
        for number in 0..100 {
            assert_eq!(session.recv("pong").await["id"], number);
        }
    }
}

both_engines! {
    fn what_has_ended_stays_ended_when_the_server_is_killed(database) {
        actix_web::rt::System::new().block_on(end_kill_and_look(database));
    }
}

const FLAGS: &[&str] = &[
    "--anonymous-requests=1000000",
    "--logins-per-address=1000000",
    "--logins-per-account=1000",
    "--logins-per-account-anywhere=1000",
    "--log-filter=warn,souk::server=info",
];

async fn end_kill_and_look(database: &Database) {
    db_enroll_admin(database, "root@example.com").await;
    let first = Process::start("127.0.0.1:0", &database.url(), FLAGS);
    let root = sign_in(&first.client(None), "root@example.com").await;
    let mut victims = Vec::new();
    for (number, end) in ENDS.iter().enumerate() {
        let victim = Victim::register(&first.client(None), &format!("ana{number}")).await;
        victim.end(end.how, &root).await;
        victims.push(victim);
    }
    let address = first.address.to_string();
    first.kill();
    let second = Process::start(&address, &database.url(), FLAGS);
    for (end, victim) in ENDS.iter().zip(&victims) {
        assert_refused(end, victim).await;
    }
    assert!(second.terminate().success());
}

async fn sign_in(anyone: &Client, email: &str) -> Client {
    let tokens = anyone.post("/auth/token", json!({"email": email, "password": PASSWORD})).await.ok();
    anyone.with_token(tokens["access_token"].as_str().unwrap())
}

/// Inserts an admin, which HTTP does not offer, before the server starts.
async fn db_enroll_admin(database: &Database, email: &str) {
    let url = database.url();
    let flags = ["--jwt-secret", JWT_SECRET, "--database-url", &url];
    let config = Settings::given(flags).unwrap().into_config().unwrap();
    let clock = Clock::system();
    let db = Db::open(&server::db_config(&config.database), clock.clone(), Arc::new(())).unwrap();
    let sign_up = SignUp {
        email: email.parse().unwrap(),
        password: NewPassword::parse(PASSWORD).unwrap(),
        display_name: DisplayName::parse("Root").unwrap(),
        role: Role::Admin,
        plan: Plan::Free,
    };
    Auth::open(&config, db.clone(), clock).unwrap().enroll(sign_up).await.unwrap();
    db.close().await;
}
