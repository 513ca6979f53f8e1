//! Secrets that must not reach the log.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{PASSWORD, Process};

const LOAD_TEST_SECRET: &str = "load/test secret of more than 32 characters";

/// Percent-encodes every character, as some clients do.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn mention_everywhere(server: &Process, secret: &str) {
    let anyone = server.client(None);
    let once = encoded(secret);
    let twice = once.replace('%', "%25");
    for written in [secret.replace([' ', '/'], "%20"), once, twice] {
        for path in [
            format!("/x/{written}"),
            format!("/x/{written}/y"),
            format!("/bookings/{written}?a={written}"),
            format!("/ws?token={written}"),
            format!("/ws?ticket={written}"),
            format!("/socket.io/?EIO=4&transport=polling&sid={written}"),
            format!("/healthz?load_test_secret={written}"),
        ] {
            let _ = anyone.get(&path).header("X-Load-Test-Secret", secret).await;
        }
    }
    let _ = server.client(Some(secret)).get("/auth/me").await;
    let _ = anyone.post("/auth/refresh", json!({"refresh_token": secret})).await;
    if !secret.contains(' ') {
        let _ = anyone.get("/healthz").header("X-Request-Id", secret).await;
    }
}

both_engines! {
    fn no_token_reaches_the_log(database) {
        actix_web::rt::System::new().block_on(async {
            let flags = ["--log-filter=debug", "--load-test-secret", LOAD_TEST_SECRET];
            let server = Process::start("127.0.0.1:0", &database.url(), &flags);
            let form = json!({"email": "ana@example.com", "password": PASSWORD, "role": "consumer"});
            let tokens = server.client(None).post("/auth/register", form).await.ok();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let access = text(&tokens["access_token"]);
            let ticket = server.client(Some(&access)).post("/auth/ticket", Value::Null).await.ok();
            let mut secrets = vec![access, text(&tokens["refresh_token"]), text(&ticket["ticket"])];
            secrets.extend(tokens["device_token"].as_str().map(str::to_owned));
            secrets.push(LOAD_TEST_SECRET.to_owned());
            for secret in &secrets {
                mention_everywhere(&server, secret).await;
            }
            let log = server.terminate_and_tell();
            assert!(log.iter().any(|line| line.contains("/x/***")), "the calls are in the log: {log:#?}");
            for secret in &secrets {
                // A fragment, too, would leak a part of it.
                let part = &secret[secret.len() / 2..secret.len() / 2 + 12];
                for written in [part.to_owned(), encoded(part), encoded(part).replace('%', "%25")] {
                    let telling: Vec<_> = log.iter().filter(|line| line.contains(&written)).collect();
                    assert!(telling.is_empty(), "{telling:#?}");
                }
            }
        });
    }
}
