//! What a reader of the shared tables learns: nothing to log in with, and nobody's address.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{PASSWORD, Person, eventually};

use super::{Nodes, WRONG, log_in};

#[test]
fn the_shared_tables_tell_nothing_that_anybody_could_use() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let ticket = ana.post("/auth/ticket", Value::Null).await.ok()["ticket"].as_str().unwrap().to_owned();
        // Typed where the address belongs, which happens.
        for typed in ["ana@example.com", PASSWORD] {
            log_in(&nodes.one.client(None).at("127.0.0.2"), typed, WRONG).await.refused(401);
        }
        log_in(&nodes.other.client(None), "ana@example.com", WRONG).await.refused(401);
        eventually(async || nodes.rows("login_attempts").is_empty()).await;
        let (tickets, failed) = (nodes.rows("tickets"), nodes.rows("failed_logins"));
        assert_eq!(tickets.len(), 1);
        // Two addresses, two accounts, two accounts from the stranger's network, one from the known address.
        assert_eq!(failed.len(), 7, "{failed:?}");

        let token = ana.token().unwrap();
        let mut secrets: Vec<String> = token.split('.').map(str::to_owned).collect();
        secrets.extend([ticket.clone(), ticket["souk_tk_".len()..][..43].to_owned()]);
        secrets.extend(["127.0.0".to_owned(), "ana@example.com".to_owned(), PASSWORD.to_owned()]);
        // Nor a hash that a guess could be tried on.
        for guess in ["ana@example.com", PASSWORD, "127.0.0.1", &ticket, token] {
            let hash = Sha256::digest(guess);
            secrets.push(hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        for row in tickets.iter().chain(&failed) {
            for secret in &secrets {
                assert!(!row.contains(secret), "{secret} is in {row}");
            }
        }
    });
}

#[test]
fn counts_are_deleted_once_they_mean_nothing() {
    let flags = [
        "--sweep-interval=1s",
        "--logins-per-account=100000",
        "--logins-per-account-anywhere=100000",
        "--logins-per-address=100000",
    ];
    let Some(nodes) = Nodes::start(&flags) else { return };
    actix_web::rt::System::new().block_on(async {
        for (n, node) in nodes.take_turns().take(6).enumerate() {
            log_in(&node.client(None), &format!("nobody{n}@example.com"), WRONG).await.refused(401);
        }
        eventually(async || nodes.rows("failed_logins").is_empty()).await;
    });
}
