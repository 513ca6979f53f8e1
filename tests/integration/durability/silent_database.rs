//! PostgreSQL goes silent under load: nothing is answered, and no connection is closed. Calls are refused in time, and
//! new connections are used as soon as they can be, however many of the old ones stay silent.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::database_restarts::{FLAGS, Work, entries};
use crate::support::{Person, Process, SilentProxy, eventually, own_postgres};

/// Upper bound for everything here, on any machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A silence in which everybody notices: longer than a call may take.
const SILENCE: Duration = Duration::from_millis(10_500);

/// What a call may take, whatever the database does.
const CALL: Duration = Duration::from_secs(10);

#[test]
fn a_database_that_goes_silent_is_noticed_by_all_and_used_again_when_it_speaks() {
    let Some(postgres) = own_postgres() else { return };
    let proxy = SilentProxy::before(&postgres);
    let flags = [FLAGS, &["--database-connections=4"]].concat();
    let souk = Process::start("127.0.0.1:0", &postgres.url_by(proxy.folder()), &flags);
    let live = async {
        let ana = Person::register(&souk.client(None), "ana", "consumer").await;
        let work = Work::default();
        let silences = async {
            for _ in 0..3 {
                work.goes_on().await;
                let refused = work.refusals.load(Ordering::SeqCst);
                proxy.fall_silent();
                let began = Instant::now();
                eventually(async || souk.client(None).get("/readyz").await.status == 503).await;
                let unready = began.elapsed();
                tokio::time::sleep_until((began + SILENCE).into()).await;
                assert!(work.refusals.load(Ordering::SeqCst) > refused, "the premise: somebody was refused");
                proxy.speak_again();
                let back = Instant::now();
                eventually(async || ana.post("/entries", json!({"text": "well again"})).await.status == 201)
                    .await;
                let well = back.elapsed();
                eventually(async || souk.client(None).get("/readyz").await.status == 200).await;
                let longest = Duration::from_millis(work.longest.swap(0, Ordering::SeqCst));
                let _ = writeln!(
                    std::io::stderr(),
                    "silent: unready after {unready:?}, longest call {longest:?}, well again after {well:?}, \
                     ready after {:?}",
                    back.elapsed()
                );
                assert!(longest < CALL, "{longest:?}");
            }
            work.goes_on().await;
            work.over.store(true, Ordering::SeqCst);
        };
        let writers = join_all((0..4).map(|writer| work.write(&ana, writer)));
        let ((), acked, (), ()) =
            tokio::join!(silences, writers, work.read(&ana, "/auth/me"), work.read(&ana, "/entries"));
        let stored = entries(&ana).await;
        for (text, entry) in acked.iter().flatten() {
            assert_eq!(stored.get(text), Some(&vec![entry.clone()]), "{text} was acknowledged as {entry}");
        }
    };
    let run = async { tokio::time::timeout(LIMIT, live).await };
    actix_web::rt::System::new().block_on(run).expect("everybody gets an answer in time");
    assert!(souk.terminate().success(), "threads that still wait for an answer do not keep it");
}
