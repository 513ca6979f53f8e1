//! Clients that hang up, servers that die, and a database that is away.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use futures_util::future::{Either, join_all, select};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{PASSWORD, Person, Process, eventually, own_postgres};

use super::{FLAGS, Nodes, WRONG, log_in, rows, verdicts};

const ANA: &str = "ana@example.com";

/// Sends a login and hangs up without waiting for the answer.
async fn hang_up(node: &Process) {
    let body = json!({"email": ANA, "password": WRONG}).to_string();
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let request = format!(
        "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
}

#[test]
fn who_hangs_up_holds_no_place_that_others_wait_for() {
    let Some(nodes) = Nodes::start(&["--logins-per-account=3"]) else { return };
    actix_web::rt::System::new().block_on(async {
        Person::register(&nodes.one.client(None), "ana", "consumer").await;
        for node in nodes.take_turns().take(40) {
            hang_up(node).await;
        }
        // Far sooner than a lease ends.
        eventually(async || nodes.rows("login_attempts").is_empty()).await;
        let mut answers = Vec::new();
        for node in nodes.take_turns().take(6) {
            answers.push(log_in(&node.client(None), ANA, WRONG).await);
        }
        let (verified, _) = verdicts(&answers);
        assert!(verified <= 3, "{verified}");
    });
}

#[test]
fn a_server_that_dies_takes_no_count_with_it() {
    let Some(nodes) = Nodes::start(&["--logins-per-account=4"]) else { return };
    let Nodes { one, other, database } = nodes;
    actix_web::rt::System::new().block_on(async {
        Person::register(&one.client(None), "ana", "consumer").await;
        for _ in 0..3 {
            log_in(&one.client(None).at("127.0.0.2"), ANA, WRONG).await.refused(401);
        }
        one.kill();
        let third =
            Process::start("127.0.0.1:0", &database.url(), &[FLAGS, &["--logins-per-account=4"]].concat());
        log_in(&other.client(None).at("127.0.0.2"), ANA, WRONG).await.refused(401);
        for node in [&other, &third] {
            log_in(&node.client(None).at("127.0.0.2"), ANA, WRONG).await.refused(429);
        }
    });
}

#[test]
fn a_server_that_hangs_in_the_middle_of_a_login_holds_nothing_up_but_logins() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let mut hanging = PgConnection::establish(&nodes.database.url()).unwrap();
        hanging.batch_execute("BEGIN; LOCK TABLE login_attempts").unwrap();
        let anyone = nodes.one.client(None);
        // More logins than there are connections to the database.
        let mut logins = std::pin::pin!(join_all((0..20).map(|_| log_in(&anyone, ANA, PASSWORD))));
        let others = std::pin::pin!(async {
            for _ in 0..20 {
                ana.get("/auth/me").await.ok();
            }
        });
        let served = select(logins.as_mut(), others).await;
        assert!(matches!(served, Either::Right(_)), "others are served before the logins are given up");
        hanging.batch_execute("COMMIT").unwrap();
        for answer in logins.await {
            assert!([200, 503].contains(&answer.status), "{answer:?}");
        }
        log_in(&anyone, ANA, PASSWORD).await.ok();
    });
}

#[test]
fn a_database_that_is_away_lets_nobody_guess_uncounted() {
    let Some(postgres) = own_postgres() else { return };
    let flags = [FLAGS, &["--logins-per-account=3"]].concat();
    let souk = Process::start("127.0.0.1:0", &postgres.url(), &flags);
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&souk.client(None), "ana", "consumer").await;
        let stranger = souk.client(None).at("127.0.0.2");
        for _ in 0..2 {
            log_in(&stranger, ANA, WRONG).await.refused(401);
        }
        postgres.stop("fast");
        for password in [WRONG, WRONG, PASSWORD, WRONG] {
            log_in(&stranger, ANA, password).await.refused(503);
        }
        ana.post("/auth/ticket", json!(null)).await.refused(503);
        postgres.start_again();
        eventually(async || souk.client(None).get("/readyz").await.status == 200).await;
        log_in(&stranger, ANA, WRONG).await.refused(401);
        log_in(&stranger, ANA, PASSWORD).await.refused(429);
        assert_eq!(rows(&postgres.url(), "login_attempts"), Vec::<String>::new());
    });
}
