//! Clients that try to join every room.

use futures_util::future::join_all;
use serde_json::json;

use super::Target;
use crate::support::SocketIo;

/// Number of clients doing the same concurrently.
const CROWD: usize = 20;

#[actix_web::test]
async fn who_joins_without_end_gets_no_further_than_the_cap() {
    let target = Target::start(&[]).await;
    let ben = target.provider("ben").await;
    let own = format!("user:{}", ben.id);
    join_all((0..CROWD).map(async |_| {
        let mut socket = ben.live().await;
        let mut joined = 0;
        for number in 0..150 {
            let room = format!("market:m{number}");
            let answer = socket.request(json!({"type": "join", "room": room})).await;
            match answer["type"].as_str() {
                Some("ack") => joined += 1,
                _ => assert_eq!(answer["code"], "too_many_rooms", "{answer}"),
            }
        }
        assert_eq!(joined, 99, "a hundred with {own}");
        for _ in 0..200 {
            socket.send(json!({"type": "join", "room": own})).await;
            socket.send(json!({"type": "leave", "room": own})).await;
        }
        // Dropped without a close handshake: the connection breaks.
    }))
    .await;
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_tries_the_rooms_of_others_stays_outside() {
    let target = Target::start(&[]).await;
    let (ana, eve) = (target.consumer("ana").await, target.consumer("eve").await);
    let rooms = [
        (format!("user:{}", ana.id), "forbidden"),
        ("admin".to_owned(), "forbidden"),
        ("market:plumbing".to_owned(), "forbidden"),
        (format!("session:{}", ana.id), "not_found"),
        (format!("booking:{}", ana.id), "not_found"),
        (format!("project:{}", ana.id), "not_found"),
    ];
    join_all((0..CROWD).map(async |_| {
        let mut socket = eve.live().await;
        for (room, code) in rooms.iter().cycle().take(120) {
            let answer = socket.request(json!({"type": "join", "room": room})).await;
            assert_eq!(answer["code"], *code, "{room}: {answer}");
        }
        socket.close().await;
    }))
    .await;
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_goes_in_and_out_without_end_is_closed() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    let knock = format!("40{}", json!({"token": ana.token().unwrap()}));
    join_all((0..CROWD).map(async |_| {
        let mut socket = SocketIo::open(target.address(), "", &[]).await;
        for _ in 0..40 {
            socket.send(&knock).await;
            socket.send("41").await;
        }
        let (received, code) = socket.ended().await;
        let welcomes = received.iter().filter(|packet| packet.starts_with(r#"40{"sid""#)).count();
        assert_eq!((welcomes, code), (20, 4008), "{received:?}");
    }))
    .await;
    target.assert_recovers().await;
}
