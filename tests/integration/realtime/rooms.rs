//! Rooms: who may join which, and what is delivered there.

use serde_json::json;

use crate::both_engines;

use super::fixtures::{db_ring, db_session};

both_engines! {
    async fn each_room_lets_in_whom_its_policy_lets_in(app with ["--free-messages=1000"]) {
        let ana = app.consumer("ana").await;
        let ben = app.provider("ben").await;
        let eve = app.consumer("eve").await;
        let ida = app.db_admin("ida").await;
        let session = db_session(app, &ana, &ben).await;
        let nothing = "01890a5d-ac96-774b-bcce-b302099a8057";
        let rooms = [
            (session, ["joined", "joined", "forbidden", "joined"]),
            (format!("session:{nothing}"), ["not_found"; 4]),
            (format!("booking:{nothing}"), ["not_found"; 4]),
            (format!("project:{nothing}"), ["not_found"; 4]),
            (format!("entry:{nothing}"), ["not_found"; 4]),
            (ana.room(), ["joined", "forbidden", "forbidden", "forbidden"]),
            ("market:plumbing".to_owned(), ["forbidden", "joined", "forbidden", "joined"]),
            ("admin".to_owned(), ["forbidden", "forbidden", "forbidden", "joined"]),
        ];
        for (index, person) in [&ana, &ben, &eve, &ida].into_iter().enumerate() {
            let mut socket = person.live().await;
            for (room, expected) in &rooms {
                let answer = socket.request(json!({"type": "join", "room": room})).await;
                let outcome = if answer["type"] == "ack" { "joined" } else { answer["code"].as_str().unwrap() };
                assert_eq!(outcome, expected[index], "{} in {room}: {answer}", person.email);
            }
        }
    }

    async fn an_admin_who_joins_is_written_down_once(app) {
        use diesel::prelude::*;
        use souk::db::schema::audit;

        let ida = app.db_admin("ida").await;
        ida.live().await.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        let rows = app.server.db.read(move |uow| {
            let of_ida = audit::actor.eq(ida.user()).and(audit::outcome.eq("admin"));
            let rows = audit::table.filter(of_ida).select((audit::action, audit::row_id));
            Ok::<_, souk::db::DbError>(rows.load::<(String, Option<String>)>(uow.conn())?)
        });
        assert_eq!(rows.await.unwrap(), [("join".to_owned(), Some("market:plumbing".to_owned()))]);
    }

    async fn own_notices_come_without_asking(app) {
        let ana = app.consumer("ana").await;
        let mut first = ana.live().await;
        let mut second = ana.live().await;
        // A response shows that what a session does at its start is done.
        for socket in [&mut first, &mut second] {
            socket.send(json!({"type": "ping"})).await;
            socket.recv("pong").await;
        }
        db_ring(app, &ana.room(), 1).await;
        for socket in [&mut first, &mut second] {
            let event = socket.event("bell.rang").await;
            assert_eq!((&event["room"], &event["data"]["times"]), (&json!(ana.room()), &json!(1)));
        }
    }

    async fn a_resumed_room_that_is_heard_already_gives_only_what_was_before(app) {
        let ana = app.consumer("ana").await;
        for times in 1..=3 {
            db_ring(app, &ana.room(), times).await;
        }
        let mut socket = ana.live().await;
        socket.send(json!({"type": "ping"})).await;
        socket.recv("pong").await;
        db_ring(app, &ana.room(), 4).await;
        let ack = socket.ack(json!({"type": "join", "room": ana.room(), "since": 1})).await;
        let events: Vec<_> = ack["events"].as_array().unwrap().iter().map(|event| event["seq"].clone()).collect();
        assert_eq!(events, [2, 3], "the fourth comes live, and once");
        assert_eq!(socket.event("bell.rang").await["seq"], 4);
        db_ring(app, &ana.room(), 5).await;
        assert_eq!(socket.event("bell.rang").await["seq"], 5);
    }

    async fn a_session_is_in_so_many_rooms(app with ["--free-rooms=3"]) {
        let mut ben = app.provider("ben").await.live().await;
        ben.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        ben.ack(json!({"type": "join", "room": "market:gardening"})).await;
        let error = ben.request(json!({"type": "join", "room": "market:painting"})).await;
        assert_eq!(error["code"], "too_many_rooms", "its own room counts");
        ben.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        ben.ack(json!({"type": "leave", "room": "market:gardening"})).await;
        ben.ack(json!({"type": "join", "room": "market:painting"})).await;
    }
}
