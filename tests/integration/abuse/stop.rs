//! A shutdown while thousands of clients are connected and chatting.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::rt::time::{interval, sleep};
use futures_util::future::{join_all, join5};
use serde_json::{Value, json};

use super::slow::{Poller, chat};
use super::target::crowd;
use crate::support::{Engine, Person, Process, Socket, SocketIo};

const ROOMS: usize = 20;

/// Listeners per room, besides two clients that send, one by Socket.IO over WebSocket and one that polls.
const LISTENERS: usize = 96;

const FLAGS: [&str; 7] = [
    // However long the machine takes: the clients here answer no pings.
    "--heartbeat-timeout=10m",
    "--ping-timeout=10m",
    "--free-messages=10000",
    "--free-connections=3000",
    "--connections-per-address=4000",
    "--anonymous-requests=1000000",
    "--log-filter=error,souk::server=info",
];

/// A chat of two users with many sessions each.
struct Chat {
    people: [Person; 2],
    session: String,
    room: String,
}

/// What a client has sent.
#[derive(Default)]
struct Sent {
    /// Acknowledged messages: client id and position.
    acked: Vec<(String, u64)>,
    /// The message that the server closed instead of answering.
    unanswered: Option<String>,
}

impl Chat {
    async fn open(process: &Process, number: usize) -> Self {
        let anyone = process.client(None);
        let ana = Person::register(&anyone, &format!("ana{number}"), "consumer").await;
        let ben = Person::register(&anyone, &format!("ben{number}"), "provider").await;
        let session = chat(&ana, &ben).await;
        let room = format!("session:{session}");
        Self { people: [ana, ben], session, room }
    }

    fn someone(&self, number: usize) -> &Person {
        &self.people[number % 2]
    }

    fn token(&self) -> &str {
        self.people[0].token().unwrap()
    }

    async fn member(&self, number: usize) -> Socket {
        let mut socket = self.someone(number).live().await;
        socket.ack(json!({"type": "join", "room": self.room})).await;
        socket
    }

    /// Sends a message now and then until the server closes the connection.
    async fn speak(&self, mut socket: Socket, name: usize, all_acked: &Cell<usize>) -> Sent {
        let mut sent = Sent::default();
        let mut pace = interval(Duration::from_millis(1500));
        for number in 0.. {
            pace.tick().await;
            let name = format!("{name}-{number}");
            let message =
                json!({"type": "chat_message", "room": self.room, "text": name, "client_msg_id": name});
            match socket.try_request(message).await {
                Ok(answer) if answer["type"] == "ack" => {
                    sent.acked.push((name, answer["seq"].as_u64().unwrap()));
                    all_acked.set(all_acked.get() + 1);
                }
                Ok(answer) => assert_eq!(answer["type"], "error", "{answer}"),
                Err(closed) => {
                    assert_eq!(closed.code, 1012, "{closed:?}");
                    assert_is_told_when_to_come_back(&socket.take_all("disconnecting")[0]);
                    sent.unanswered = Some(name);
                    break;
                }
            }
            socket.take_all("event");
        }
        sent
    }
}

fn assert_is_told_when_to_come_back(notice: &Value) {
    assert_eq!(notice["reason"], "server_restarting");
    assert!(notice["reconnect_in_ms"].is_u64(), "{notice}");
}

async fn listen(mut socket: Socket) {
    assert_is_told_when_to_come_back(&socket.recv("disconnecting").await);
    assert_eq!(socket.closed().await.code, 1012);
}

fn assert_may_come_back(received: &[String]) {
    assert!(received.iter().any(|received| received.contains("reconnect_in_ms")), "{received:?}");
    assert!(
        !received.iter().any(|received| received == "41" || received == "1"),
        "after that, libraries stay away: {received:?}"
    );
}

async fn listen_by_socket_io(mut socket: SocketIo) {
    let (received, code) = socket.ended().await;
    assert_eq!(code, 1012);
    assert_may_come_back(&received);
}

async fn listen_by_polling(poller: Poller) {
    let mut received = Vec::new();
    while let Some(payload) = poller.poll().await {
        received.extend(payload.split('\u{1e}').map(str::to_owned));
    }
    assert_may_come_back(&received);
}

#[actix_web::test]
async fn two_thousand_are_sent_away_in_order_and_what_was_stored_was_acknowledged() {
    let database = Engine::Sqlite.database().unwrap();
    let process = Process::start("127.0.0.1:0", &database.url(), &FLAGS);
    let address = process.address;
    let chats = crowd(ROOMS, |number| Chat::open(&process, number)).await;

    let (chats, acked) = (&chats, &Cell::new(0));
    let speakers = crowd(2 * ROOMS, |number| chats[number % ROOMS].member(number / ROOMS)).await;
    let listeners = crowd(LISTENERS * ROOMS, |number| chats[number % ROOMS].member(number / ROOMS)).await;
    let by_socket_io = crowd(ROOMS, |number| SocketIo::connect(address, chats[number].token())).await;
    let by_polling =
        crowd(ROOMS, |number| Poller::join(address, chats[number].token(), &chats[number].session)).await;

    let speak = speakers.into_iter().enumerate().map(|(number, socket)| {
        let chat = &chats[number % ROOMS];
        chat.speak(socket, number, acked)
    });
    let stop = async {
        while acked.get() < 4 * ROOMS {
            sleep(Duration::from_millis(10)).await;
        }
        let began = Instant::now();
        let stopped = actix_web::web::block(move || process.terminate()).await.unwrap();
        (stopped, began.elapsed())
    };
    let (all_sent, _, _, _, (stopped, took)) = join5(
        join_all(speak),
        join_all(listeners.into_iter().map(listen)),
        join_all(by_socket_io.into_iter().map(listen_by_socket_io)),
        join_all(by_polling.into_iter().map(listen_by_polling)),
        stop,
    )
    .await;
    assert!(stopped.success(), "{stopped}");
    assert!(took < Duration::from_secs(30), "it took {took:?}");

    let process = Process::start(&address.to_string(), &database.url(), &FLAGS);
    for (number, chat) in chats.iter().enumerate() {
        let log = chat.someone(0).read_log(&chat.room).await;
        let kept: BTreeMap<_, _> = log
            .iter()
            .filter_map(|event| Some((event["data"]["client_msg_id"].as_str()?, event["seq"].as_u64()?)))
            .collect();
        for sent in all_sent.iter().skip(number).step_by(ROOMS) {
            for (name, seq) in &sent.acked {
                assert_eq!(kept.get(name.as_str()), Some(seq), "{name} was acknowledged");
            }
            let unanswered = sent.unanswered.as_deref();
            assert_eq!(unanswered.and_then(|name| kept.get(name)), None, "{unanswered:?} was not answered");
        }
    }
    assert!(process.terminate().success());
}
