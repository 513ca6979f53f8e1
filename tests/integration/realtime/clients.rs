//! Real, unmodified clients: npm's socket.io-client and PyPI's python-socketio, over each of their
//! transports.

use serde_json::{Value, json};

use crate::support::{
    Database, Engine, ExternalClient, Library, Process, SocketIo, TestApp, Transports, run,
};

use super::fixtures::db_session;

/// Starts a client for both users; if there is none, the test is skipped.
async fn client(
    library: Library,
    app: &TestApp,
    transports: Transports,
    how: Value,
) -> Option<ExternalClient> {
    let mut puppet = library.start().await?;
    puppet.connect(app.address, "/", transports, how).await;
    Some(puppet)
}

/// Many messages, and a fast heartbeat. Python's client may stop silently while polling (its writer stops at
/// once if it was not waiting), so that only the heartbeat detects it.
const HASTY: [&str; 3] = ["--free-messages=1000", "--heartbeat-interval=1s", "--ping-timeout=5s"];

/// A whole session of a legacy client, from the handshake to the end.
async fn lives(app: &TestApp, library: Library, transports: Transports) {
    let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
    let room = db_session(app, &ana, &ben).await;
    let session = room.strip_prefix("session:").unwrap();
    let auth = json!({"auth": {"token": ana.token().unwrap()}});
    let Some(mut puppet) = client(library, app, transports, auth).await else { return };
    puppet.receive("connect").await;
    let greeting = puppet.receive("connection_established").await;
    assert_eq!(
        (&greeting["data"]["user_id"], &greeting["data"]["authenticated"]),
        (&json!(ana.id), &json!(true))
    );
    if (library, transports) == (Library::Node, Transports::Upgrade) {
        assert_eq!(puppet.receive("upgrade").await["transport"], "websocket");
    }
    let joined = puppet.done("join_session", json!({"session_id": session})).await;
    assert_eq!(joined["head"], 0);
    assert_eq!(puppet.receive("session_joined").await["data"]["session_id"], session);

    let mut other = SocketIo::connect(app.address, ben.token().unwrap()).await;
    other.emit("join_session", json!({"session_id": session})).await;
    assert_eq!(puppet.receive("presence").await["data"]["joined"], json!(ben.id));
    for n in 1..=20 {
        let message =
            json!({"session_id": session, "text": format!("héllo {n}"), "client_msg_id": format!("m-{n}")});
        assert_eq!(puppet.done("chat_message", message).await["seq"], n);
        assert_eq!(puppet.receive("chat_message").await["data"]["seq"], n);
        assert_eq!(other.recv("chat_message").await["text"], format!("héllo {n}"));
    }
    other.emit("chat_message", json!({"session_id": session, "text": "and you?"})).await;
    let received = puppet.receive("chat_message").await;
    assert_eq!((&received["data"]["text"], &received["data"]["by"]), (&json!("and you?"), &json!(ben.id)));
    other.emit("typing", json!({"session_id": session})).await;
    assert_eq!(puppet.receive("typing").await["data"]["by"], json!(ben.id));

    let refused =
        puppet.emit("join_session", json!({"session_id": "01890a5d-ac96-774b-bcce-b302099a8057"})).await;
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&json!(false), &json!("not_found")));
    assert_eq!(puppet.receive("error").await["data"]["code"], "not_found");
    assert_eq!(puppet.emit_bytes("typing", &[0, 1, 0x1e, 0xff]).await["error"]["code"], "invalid");
    assert_eq!(puppet.done("ping", json!({})).await["ok"], true, "and it goes on");

    puppet.disconnect().await;
    puppet.receive("disconnect").await;
    assert_eq!(other.recv("presence").await["left"], json!(ana.id));
    while app.server.hub.connections_of(ana.user()) > 0 {
        tokio::task::yield_now().await;
    }
}

/// The three places of a token, and their precedence.
async fn shows_its_token(app: &TestApp, library: Library, transports: Transports) {
    let ana = app.consumer("ana").await;
    let bearer = format!("Bearer {}", ana.token().unwrap());
    let good = [
        json!({"auth": {"token": ana.token().unwrap()}, "query": {"token": "garbage"}, "headers": {"Authorization": "Bearer garbage"}}),
        json!({"query": {"token": ana.token().unwrap()}, "headers": {"Authorization": "Bearer garbage"}}),
        json!({"headers": {"Authorization": bearer}}),
    ];
    for how in good {
        let Some(mut puppet) = client(library, app, transports, how).await else { return };
        assert_eq!(puppet.receive("connection_established").await["data"]["user_id"], json!(ana.id));
    }
    let bad = [
        (json!({"auth": {"token": "garbage"}, "query": {"token": ana.token().unwrap()}}), "invalid token"),
        (json!({"query": {"token": "garbage"}, "headers": {"Authorization": bearer}}), "invalid token"),
        (json!({}), "authentication required"),
    ];
    for (how, message) in bad {
        let Some(mut puppet) = client(library, app, transports, how).await else { return };
        assert_eq!(puppet.receive("connect_error").await["data"], message);
    }
}

/// The server is killed and restarted at the same address: the client reconnects and catches up.
async fn comes_back(database: &Database, library: Library, transports: Transports) {
    let flags = ["--free-messages=1000"];
    let first = Process::start("127.0.0.1:0", &database.url(), &flags);
    let address = first.address;
    let register =
        json!({"email": "ana@example.com", "password": "correct horse battery", "role": "consumer"});
    let tokens = first.client(None).post("/auth/register", register).await.ok();
    let (token, user) = (tokens["access_token"].as_str().unwrap(), tokens["user"]["id"].as_str().unwrap());
    let room = format!("user:{user}");
    let Some(mut puppet) = library.start().await else { return };
    puppet.connect(address, "/", transports, json!({"auth": {"token": token}})).await;
    puppet.receive("connection_established").await;
    let head = puppet.done("room:join", json!({"room": room, "since": 0})).await["head"].clone();
    first.kill();
    puppet.receive("disconnect").await;
    let second = Process::start(&address.to_string(), &database.url(), &flags);
    puppet.receive("connection_established").await;
    let joined = puppet.done("room:join", json!({"room": room, "since": head})).await;
    assert_eq!((&joined["recovered"], &joined["events"]), (&json!(true), &json!([])));
    // A graceful stop this time: the client is notified, disconnected, and reconnects.
    let stopping = tokio::task::spawn_blocking(move || second.terminate());
    assert_eq!(puppet.receive("error").await["data"]["code"], "server_restarting");
    puppet.receive("disconnect").await;
    assert!(stopping.await.unwrap().success());
    let _third = Process::start(&address.to_string(), &database.url(), &flags);
    puppet.receive("connection_established").await;
}

fn on_sqlite(test: impl AsyncFnOnce(&Database)) {
    let Some(database) = Engine::Sqlite.database() else { return };
    actix_web::rt::System::new().block_on(test(&database));
}

/// The database does not matter here: one engine is enough.
macro_rules! with_each_client {
    ($($name:ident: $library:ident by $transports:ident;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn lives() {
                let test = async |app: &TestApp| super::lives(app, Library::$library, Transports::$transports).await;
                run(Engine::Sqlite, &HASTY, test);
            }

            #[test]
            fn shows_its_token() {
                let test = async |app: &TestApp| {
                    super::shows_its_token(app, Library::$library, Transports::$transports).await;
                };
                run(Engine::Sqlite, &[], test);
            }

            #[test]
            fn comes_back() {
                on_sqlite(async |database| {
                    super::comes_back(database, Library::$library, Transports::$transports).await;
                });
            }
        }
    )*};
}

with_each_client! {
    node_by_websocket: Node by WebSocket;
    node_by_polling: Node by Polling;
    node_by_polling_then_websocket: Node by Upgrade;
    python_by_websocket: Python by WebSocket;
    python_by_polling: Python by Polling;
    python_by_polling_then_websocket: Python by Upgrade;
}
