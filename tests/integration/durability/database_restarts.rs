//! PostgreSQL stops and restarts under load: calls meanwhile get a retryable error, Souk recovers as soon as
//! the database does, and acknowledged writes exist exactly once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Call, LostAnswers, Person, Process, eventually, own_postgres, usual_request};

/// Limits that have tests of their own, raised so as not to interfere.
pub(super) const FLAGS: &[&str] = &["--free-requests=1000000", "--anonymous-requests=1000000"];

/// Upper bound for everything here, on any machine.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn a_database_that_restarts_is_used_again_and_nothing_acknowledged_is_lost_or_doubled() {
    let Some(postgres) = own_postgres().map(Arc::new) else { return };
    let souk = Process::start("127.0.0.1:0", &postgres.url(), FLAGS);
    let live = async {
        let ana = Person::register(&souk.client(None), "ana", "consumer").await;
        let work = Work::default();
        let disturbances = async {
            for how in ["terminate", "fast", "immediate", "kill", "terminate", "immediate", "kill"] {
                work.goes_on().await;
                let postgres = postgres.clone();
                tokio::task::spawn_blocking(move || match how {
                    "terminate" => postgres.terminate_connections(),
                    mode => {
                        match mode {
                            "kill" => postgres.kill(),
                            mode => postgres.stop(mode),
                        }
                        // Long enough for callers and probes to notice.
                        std::thread::sleep(Duration::from_millis(700));
                        postgres.start_again();
                    }
                })
                .await
                .unwrap();
                let back = Instant::now();
                eventually(async || souk.client(None).get("/readyz").await.status == 200).await;
                eventually(async || ana.post("/entries", json!({"text": "well again"})).await.status == 201)
                    .await;
                let _ = writeln!(std::io::stderr(), "{how}: well again after {:?}", back.elapsed());
            }
            work.goes_on().await;
            work.over.store(true, Ordering::SeqCst);
        };
        let writers = join_all((0..4).map(|writer| work.write(&ana, writer)));
        let ((), acked, (), ()) =
            tokio::join!(disturbances, writers, work.read(&ana, "/auth/me"), work.read(&ana, "/entries"));

        let stored = entries(&ana).await;
        for (text, entry) in acked.iter().flatten() {
            assert_eq!(stored.get(text), Some(&vec![entry.clone()]), "{text} was acknowledged as {entry}");
        }
        assert!(
            work.refusals.load(Ordering::SeqCst) > 0,
            "the premise: somebody met a database that was away"
        );
    };
    let run = async { tokio::time::timeout(LIMIT, live).await };
    actix_web::rt::System::new().block_on(run).expect("everybody gets an answer in time");
    assert!(souk.terminate().success());
}

#[test]
fn an_outage_is_logged_at_its_begin_and_its_end_and_not_by_each_call() {
    let Some(postgres) = own_postgres() else { return };
    // No sweeper, whose failures are logged once each.
    let souk = Process::start("127.0.0.1:0", &postgres.url(), &[FLAGS, &["--sweep-interval=1h"]].concat());
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&souk.client(None), "ana", "consumer").await;
        souk.logged();
        postgres.stop("fast");
        for _ in 0..20 {
            ana.get("/entries").await.refused(503);
            ana.post("/entries", json!({"text": "away"})).await.refused(503);
        }
        let logged = souk.logged();
        let loud = |line: &&Value| line["level"] == "ERROR" || line["level"] == "WARN";
        let of_calls = logged.iter().filter(loud).filter(|line| !line["request_id"].is_null()).count();
        assert_eq!(of_calls, 0, "{logged:?}");
        let begins = logged
            .iter()
            .filter(loud)
            .filter(|line| line.to_string().contains("failed, and may for a while"));
        assert_eq!(
            begins.filter(|line| line.to_string().contains("reads of the database")).count(),
            1,
            "{logged:?}"
        );

        postgres.start_again();
        eventually(async || ana.get("/entries").await.status == 200).await;
        // The reader of the log may be behind.
        let logged = RefCell::new(Vec::new());
        let is_end = |line: &&Value| line.to_string().contains("reads of the database succeed again");
        eventually(async || {
            logged.borrow_mut().extend(souk.logged());
            logged.borrow().iter().any(|line| is_end(&line))
        })
        .await;
        let logged = logged.into_inner();
        let ends = logged.iter().filter(is_end);
        assert_eq!(ends.count(), 1, "{logged:?}");
    });
}

#[test]
fn what_was_committed_without_an_answer_is_told_live_and_not_done_again() {
    let Some(postgres) = own_postgres() else { return };
    let door = LostAnswers::before(&postgres);
    // No sweeper: only the test may commit anything.
    let flags = [FLAGS, &["--sweep-interval=1h"]].concat();
    let souk = Process::start("127.0.0.1:0", &postgres.url_by(door.folder()), &flags);
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&souk.client(None), "ana", "consumer").await;
        let ben = Person::register(&souk.client(None), "ben", "provider").await;
        let mut live = ben.live().await;
        live.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        let ask = || ana.post("/requests", usual_request()).key("the-key-of-one-call");
        door.lose_commit_with("the-key-of-one-call");
        let lost = ask().await;
        assert!(lost.header("retry-after").is_some(), "{lost}");
        lost.refused(503);
        assert_eq!(live.event("request.published").await["seq"], 1);
        let again = ask().await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{again}");
        assert_eq!(live.left().len(), 0, "told once");
    });
}

/// State shared by the writers and the test that disturbs them.
#[derive(Default)]
pub(super) struct Work {
    answers: AtomicU64,
    pub(super) refusals: AtomicU64,
    /// The longest time that a call took, in milliseconds.
    pub(super) longest: AtomicU64,
    pub(super) over: AtomicBool,
}

impl Work {
    /// Waits for a few more responses.
    pub(super) async fn goes_on(&self) {
        let until = self.answers.load(Ordering::SeqCst) + 40;
        eventually(async || self.answers.load(Ordering::SeqCst) >= until).await;
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Creates entries, each repeated until acknowledged; returns their texts and ids.
    pub(super) async fn write(&self, who: &Person, writer: usize) -> Vec<(String, Value)> {
        let mut acked = Vec::new();
        while !self.is_over() {
            let text = format!("{writer}-{}", acked.len());
            let entry = self.insist(|| who.post("/entries", json!({"text": text})).key(&text)).await;
            acked.push((text, entry.ok()["id"].clone()));
        }
        acked
    }

    pub(super) async fn read(&self, who: &Person, path: &str) {
        while !self.is_over() {
            self.insist(|| who.get(path)).await.ok();
        }
    }

    /// Repeats a call until it succeeds; any other response must be retryable.
    async fn insist(&self, call: impl Fn() -> Call) -> Answer {
        loop {
            let began = Instant::now();
            let answer = call().await;
            let took = u64::try_from(began.elapsed().as_millis()).unwrap();
            self.longest.fetch_max(took, Ordering::SeqCst);
            if (200..300).contains(&answer.status) {
                self.answers.fetch_add(1, Ordering::SeqCst);
                return answer;
            }
            self.refusals.fetch_add(1, Ordering::SeqCst);
            answer.refused(503);
            assert!(answer.header("retry-after").is_some(), "no Retry-After: {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Ids of the user's entries, by their text.
pub(super) async fn entries(who: &Person) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut path = "/entries?limit=100".to_owned();
    loop {
        let page = who.get(&path).await.ok();
        for entry in page["items"].as_array().unwrap() {
            found.entry(entry["text"].as_str().unwrap().to_owned()).or_default().push(entry["id"].clone());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/entries?limit=100&cursor={cursor}"),
            None => return found,
        }
    }
}
