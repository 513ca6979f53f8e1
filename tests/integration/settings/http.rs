//! Settings that affect requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use souk::db::DbError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::both_engines;
use crate::support::{PASSWORD, Socket, eventually, usual_request};

/// Far more than anything takes on a quiet machine.
const LIMIT: Duration = Duration::from_secs(10);

/// Sends a request on a connection that stays open.
async fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: souk\r\n\r\n").await.unwrap();
    stream
}

/// A connection that stays open, if the server lets it in.
async fn admitted(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /auth/me HTTP/1.1\r\nHost: souk\r\n\r\n").await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    match &status {
        b"HTTP/1.1 401" => Some(stream),
        b"HTTP/1.1 503" => None,
        other => panic!("{}", String::from_utf8_lossy(other)),
    }
}

both_engines! {
    async fn a_page_has_its_cap(app with ["--page-max=2"]) {
        let ana = app.consumer("ana").await;
        for _ in 0..3 {
            ana.post("/requests", usual_request()).await.ok();
        }
        for path in ["/requests", "/requests?limit=2"] {
            let page = ana.get(path).await.ok();
            assert_eq!(page["items"].as_array().unwrap().len(), 2, "{path}");
            let rest = ana.get(&format!("/requests?cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
            assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        }
        let refused = ana.get("/requests?limit=3").await.refused(422);
        assert_eq!(refused["errors"][0], json!({"field": "limit", "message": "must be 1 to 2"}));
    }

    // Tests run two worker threads; the client that registers may keep connections of its own.
    async fn further_connections_are_told_that_they_are_too_many(app with ["--max-connections=3"]) {
        let ana = app.consumer("ana").await;
        let mut sockets = Vec::new();
        let answer = loop {
            match Socket::connect_with(app.address, &ana.live_path(), &[]).await {
                Ok(socket) => sockets.push(socket),
                Err(Error::Http(answer)) => break answer,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(answer.status(), 503);
        assert!((1..=6).contains(&sockets.len()), "{}", sockets.len());
        let refused = app.anyone().get("/auth/me").await;
        let problem = refused.refused(503);
        assert_eq!((&problem["code"], problem["detail"].is_string()), (&json!("overloaded"), true), "{problem}");
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(refused.header("connection"), Some("close"));
        for probe in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(app.anyone().get(probe).await.status, 200, "{probe}");
        }
        for path in [ana.live_path(), "/socket.io/?EIO=4&transport=polling".to_owned()] {
            assert_eq!(app.anyone().get(&path).await.status, 503, "{path}");
        }
        for socket in sockets {
            socket.close().await;
        }
        eventually(async || app.anyone().get("/auth/me").await.status == 401).await;
    }

    // Two worker threads, and nobody else is connected.
    async fn permits_of_plain_connections_come_back_and_refused_ones_take_none(app with ["--max-connections=3"]) {
        let mut open = Vec::new();
        for round in 0..3 {
            let filling = async {
                while open.len() < 6 {
                    // What was closed a moment ago may still have its permit.
                    open.extend(admitted(app.address).await);
                }
            };
            tokio::time::timeout(LIMIT, filling).await.expect("the permits come back");
            for _ in 0..20 {
                assert!(admitted(app.address).await.is_none(), "a seventh, in round {round}");
            }
            open.truncate(round * 2);
        }
    }

    async fn an_idle_connection_is_closed_after_its_time(app with ["--keep-alive=1s"]) {
        let mut idle = ask(app.address).await;
        let mut output = String::new();
        let closed = tokio::time::timeout(Duration::from_secs(30), idle.read_to_string(&mut output)).await;
        closed.expect("closed in time").unwrap();
        assert!(output.starts_with("HTTP/1.1 200"), "{output}");
    }

    async fn who_calls_is_what_a_trusted_proxy_says(
        app with ["--trusted-proxies=127.0.0.1", "--anonymous-requests=1"]
    ) {
        let from = async |address: &str| {
            app.anyone().get("/openapi.json").header("X-Forwarded-For", address).await.status
        };
        let statuses = [from("203.0.113.1").await, from("203.0.113.2").await, from("203.0.113.1").await];
        assert_eq!(statuses, [200, 200, 429]);
    }

    async fn nobody_is_believed_who_is_no_trusted_proxy(app with ["--anonymous-requests=1"]) {
        let from = async |address: &str| {
            app.anyone().get("/openapi.json").header("X-Forwarded-For", address).await.status
        };
        assert_eq!([from("203.0.113.1").await, from("203.0.113.2").await], [200, 429]);
    }

    async fn who_finds_no_free_connection_is_refused_in_time(
        app with ["--database-connections=1", "--database-acquire-timeout=200ms"]
    ) {
        let ana = app.consumer("ana").await;
        let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
        let (taken, is_taken) = tokio::sync::oneshot::channel();
        let db = app.server.db.clone();
        let holder = actix_web::rt::spawn(async move {
            db.read(move |_| {
                let _ = taken.send(());
                let _ = held.recv();
                Ok::<_, souk::db::DbError>(())
            }).await
        });
        is_taken.await.unwrap();
        assert_eq!(ana.get("/auth/me").await.status, 503);
        drop(release);
        holder.await.unwrap().unwrap();
        ana.get("/auth/me").await.ok();
    }

    async fn more_writes_than_may_wait_are_refused(app with ["--database-queue=1"]) {
        // Writes of the server itself take the one place, too: whoever is refused tries again.
        let form = json!({
            "email": "ana@example.com", "password": PASSWORD, "role": "consumer", "display_name": "ana",
        });
        let registered = loop {
            let answer = app.anyone().post("/auth/register", form.clone()).await;
            if answer.status != 503 {
                break answer.ok();
            }
        };
        let ana = app.person(registered["access_token"].as_str().unwrap()).await;
        let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
        let (taken, is_taken) = std::sync::mpsc::sync_channel(1);
        let (db, held) = (app.server.db.clone(), Arc::new(Mutex::new(held)));
        let holder = actix_web::rt::spawn(async move {
            loop {
                let (taken, held) = (taken.clone(), held.clone());
                let wrote = db.write(move |_| {
                    let _ = taken.try_send(());
                    let _ = held.lock().unwrap().recv();
                    Ok::<_, DbError>(())
                });
                match wrote.await {
                    Err(DbError::Overloaded) => {}
                    wrote => break wrote,
                }
            }
        });
        while is_taken.try_recv().is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let writes = (0..4).map(|_| Box::pin(ana.post("/requests", usual_request()).into_future()));
        let (first, _, others) = futures_util::future::select_all(writes).await;
        assert_eq!(first.status, 503, "{first}");
        drop(release);
        holder.await.unwrap().unwrap();
        futures_util::future::join_all(others).await;
        eventually(async || ana.post("/requests", usual_request()).await.status == 201).await;
    }
}
