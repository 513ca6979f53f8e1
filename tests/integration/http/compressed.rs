//! Compressed request bodies.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::both_engines;
use crate::support::{Answer, Client, usual_request};

/// One gzip member.
fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn post(client: &Client, path: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let call = client.post_bytes(path, body).header("content-type", "application/json");
    call.header("content-encoding", encoding).await
}

fn sign_in() -> String {
    json!({"email": "nobody@example.com", "password": "a-long-password"}).to_string()
}

both_engines! {
    async fn a_compressed_body_is_what_it_inflates_to(app) {
        let ana = app.consumer("ana").await;
        let text = usual_request().to_string();
        for encoding in ["gzip", "x-gzip", "GZIP"] {
            post(&ana, "/requests", encoding, gzip(text.as_bytes())).await.refused(201);
        }
        post(&ana, "/requests", "identity", text.clone().into_bytes()).await.refused(201);
        let (head, tail) = text.as_bytes().split_at(20);
        let members = [gzip(head), gzip(tail)].concat();
        post(&ana, "/requests", "gzip", members).await.refused(201);
    }

    async fn an_idempotent_call_is_the_same_compressed_or_not(app) {
        let ana = app.consumer("ana").await;
        let text = usual_request().to_string();
        let call = |body: Vec<u8>| {
            ana.post_bytes("/requests", body).header("content-type", "application/json").header("idempotency-key", "k")
        };
        let first = call(text.clone().into_bytes()).await.refused(201);
        let again = call(gzip(text.as_bytes())).header("content-encoding", "gzip").await.refused(201);
        assert_eq!(first["id"], again["id"]);
        let other = usual_request().to_string().replace("}", " }");
        call(gzip(other.as_bytes())).header("content-encoding", "gzip").await.refused(422);
    }

    async fn the_limit_counts_inflated_bytes(app with ["--body-max", "4KiB"]) {
        let anyone = app.anyone();
        let padded = |length: usize| format!("{}{}", sign_in(), " ".repeat(length));
        post(&anyone, "/auth/token", "gzip", gzip(padded(3_000).as_bytes())).await.refused(401);
        let problem = post(&anyone, "/auth/token", "gzip", gzip(padded(5_000).as_bytes())).await.refused(413);
        assert_eq!(problem["code"], "too_large");
        post(&anyone, "/auth/revoke", "gzip", gzip(padded(5_000).as_bytes())).await.refused(413);
        // Empty members inflate to nothing, however many there are.
        let nothing = gzip(b"").repeat(10_000);
        post(&anyone, "/auth/token", "gzip", nothing).await.refused(413);
    }

    async fn what_is_no_whole_gzip_is_refused(app) {
        let anyone = app.anyone();
        let whole = gzip(sign_in().as_bytes());
        let mut corrupt = whole.clone();
        let at = corrupt.len() - 6;
        corrupt[at] ^= 1;
        let broken = [
            whole[..whole.len() - 1].to_vec(),
            whole[..12].to_vec(),
            [&whole[..], b"and more"].concat(),
            corrupt,
            sign_in().into_bytes(),
        ];
        for body in broken {
            let problem = post(&anyone, "/auth/token", "gzip", body).await.refused(400);
            assert_eq!(problem["code"], "bad_body");
        }
    }

    async fn other_encodings_are_refused_by_what_is_accepted(app) {
        let anyone = app.anyone();
        for encoding in ["deflate", "br", "zstd", "compress", "nonsense", "gzip, gzip", "identity, br", "\"gzip\""] {
            for path in ["/auth/token", "/auth/revoke", "/auth/register"] {
                let answer = post(&anyone, path, encoding, gzip(sign_in().as_bytes())).await;
                assert_eq!(answer.refused(415)["code"], "unsupported_encoding", "{encoding}");
                assert_eq!(answer.header("accept-encoding"), Some("gzip"), "{encoding}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            }
        }
        let twice = anyone.post_bytes("/auth/token", gzip(&gzip(sign_in().as_bytes())));
        let twice = twice.header("content-encoding", "gzip").add_header("content-encoding", "gzip");
        twice.header("content-type", "application/json").await.refused(415);
    }

    async fn a_token_is_revoked_by_a_form_or_by_json(app) {
        let anyone = app.anyone();
        let form = |body: &str| {
            anyone.post_text("/auth/revoke", body).header("content-type", "application/x-www-form-urlencoded")
        };
        form("token=abc&token_type_hint=access_token").await.ok();
        anyone.post("/auth/revoke", json!({"token": "abc"})).await.ok();
        form("no_token=abc").await.refused(422);
        anyone.post_text("/auth/revoke", "token=abc").header("content-type", "text/plain").await.refused(415);
        anyone.post_text("/auth/revoke", "").await.refused(400);
    }
}
