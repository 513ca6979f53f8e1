//! Reflections on journal entries, streamed to whoever follows them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::both_engines;
use crate::support::model_server::{Dialect, ModelServer, Step, end};
use crate::support::{Engine, Person, Process, Socket, SocketIo, TestApp, eventually, id, run};

const TEXT: &str = "Today the kitchen was painted. The painter was late again, and I said nothing. \
                    In the evening I was angry with myself because I had said nothing.";

async fn entry(who: &Person) -> String {
    id(&who.post("/entries", json!({"title": "Monday", "text": TEXT})).await.ok()).to_owned()
}

/// Opens the entry's own address.
async fn open(address: SocketAddr, who: &Person, entry: &str) -> Socket {
    let path = format!("/ws/reflections/{entry}?token={}", who.token().unwrap());
    let mut socket = Socket::connect(address, &path).await;
    assert_eq!(socket.next().await.unwrap()["type"], "connection_established");
    socket
}

/// What is told of one reflection, from `start` to its end.
struct Told {
    reflection: Value,
    chunks: Vec<String>,
    end: Value,
}

impl Told {
    fn text(&self) -> String {
        self.chunks.concat()
    }
}

/// Reads a reflection to its end, and asserts that it is told in order.
async fn told(socket: &mut Socket) -> Told {
    let start = socket.recv("start").await;
    let mut chunks = Vec::new();
    loop {
        let notice = socket.next().await.unwrap();
        match notice["type"].as_str().unwrap() {
            "chunk" => chunks.push(notice["text"].as_str().unwrap().to_owned()),
            "done" => {
                assert_eq!(notice["reflection_id"], start["reflection_id"]);
                return Told { reflection: start["reflection_id"].clone(), chunks, end: notice };
            }
            "error" => return Told { reflection: start["reflection_id"].clone(), chunks, end: notice },
            "start" => panic!("it starts twice"),
            _ => {}
        }
    }
}

/// Chunks until the text so far is `text`.
async fn text_so_far(socket: &mut Socket, text: &str) -> Vec<String> {
    let mut chunks = Vec::new();
    while chunks.concat() != text {
        chunks.push(socket.recv("chunk").await["text"].as_str().unwrap().to_owned());
        assert!(text.starts_with(&chunks.concat()), "{chunks:?}");
    }
    chunks
}

async fn stored(who: &Person, entry: &str) -> Vec<Value> {
    who.get(&format!("/entries/{entry}/reflections")).await.ok()["items"].as_array().unwrap().clone()
}

/// Runs `test` on a server whose texts a model writes by these scripts, one per text.
pub(super) fn with_model(
    engine: Engine,
    flags: &[&str],
    scripts: Vec<Vec<Step>>,
    test: impl AsyncFnOnce(&TestApp, &mut ModelServer),
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = ["--generator=ollama", "--generator-model=llama3.2", "--generator-url", &url];
    let flags: Vec<_> = own.iter().chain(flags).copied().collect();
    run(engine, &flags, async |app| {
        let mut model = ModelServer::on(listener, scripts);
        test(app, &mut model).await;
    });
}

pub(super) const OLLAMA: Dialect = Dialect::Ollama;

pub(super) fn piece(text: &str) -> Step {
    Step::Chunk(OLLAMA.piece(text))
}

pub(super) fn whole(text: &str) -> Vec<Step> {
    vec![OLLAMA.head(), piece(text), Step::Chunk(OLLAMA.done()), end()]
}

both_engines! {
    async fn a_reflection_streams_to_its_owner_and_is_replayed_afterwards(app) {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let (mut own, mut first) = (ana.live().await, open(app.address, &ana, &entry).await);
        let live = told(&mut first).await;
        assert_eq!((&live.end["type"], &live.end["entry_id"]), (&json!("done"), &json!(entry)));
        assert!(live.text().contains("I said nothing"), "it begins from her own sentences: {}", live.text());
        assert_eq!(own.event("reflection.created").await["data"]["reflection_id"], live.reflection);
        let again = told(&mut open(app.address, &ana, &entry).await).await;
        assert_eq!((&again.reflection, again.text()), (&live.reflection, live.text()));
        let stored = stored(&ana, &entry).await;
        assert_eq!(stored.len(), 1, "it was written once");
        assert_eq!((&stored[0]["id"], &stored[0]["status"]), (&live.reflection, &json!("done")));
        assert_eq!((&stored[0]["text"], &stored[0]["generator"]), (&json!(live.text()), &json!("extractive")));
    }

    async fn who_asks_for_another_one_gets_it_and_so_does_the_other_tab(app) {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let (mut one, mut two) = (open(app.address, &ana, &entry).await, open(app.address, &ana, &entry).await);
        let (a, b) = (told(&mut one).await, told(&mut two).await);
        assert_eq!((&a.reflection, a.text()), (&b.reflection, b.text()));
        let answer = one.ack(json!({"type": "regenerate"})).await;
        for socket in [&mut one, &mut two] {
            // The first one may be told again meanwhile, to whoever came after it was whole.
            while told(socket).await.reflection != answer["reflection_id"] {}
        }
        assert_eq!(stored(&ana, &entry).await.len(), 2);
        let nothing = one.request(json!({"type": "cancel"})).await;
        assert_eq!((&nothing["type"], &nothing["code"]), (&json!("error"), &json!("conflict")));
    }

    async fn every_session_may_follow_a_reflection_by_command(app) {
        let ana = app.consumer("ana").await;
        let (entry, root) = (entry(&ana).await, app.db_admin("root").await);
        let mut plain = ana.live().await;
        let answer = plain.ack(json!({"type": "reflect", "entry_id": entry})).await;
        assert_eq!(answer["entry_id"], entry);
        let live = told(&mut plain).await;
        plain.ack(json!({"type": "reflect", "entry_id": entry})).await;
        assert_eq!(plain.request(json!({"type": "reflect"})).await["code"], "invalid");
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let answer = socket.emit("reflect", json!({"entry_id": entry})).await;
        assert_eq!((&answer["ok"], &answer["entry_id"]), (&json!(true), &json!(entry)));
        assert_eq!(socket.recv("reflection.start").await["reflection_id"], live.reflection);
        assert_eq!(socket.recv("reflection.chunk").await["text"], live.text());
        assert_eq!(socket.recv("reflection.done").await["entry_id"], entry);
        let mut stranger = root.live().await;
        for command in ["reflect", "regenerate", "cancel"] {
            let refusal = stranger.request(json!({"type": command, "entry_id": entry})).await;
            assert_eq!(refusal["code"], "forbidden", "{command}: journals are private, also from admins");
        }
    }

    async fn clients_without_a_socket_are_told_where_it_will_be(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let entry = entry(&ana).await;
        let path = format!("/entries/{entry}/reflections");
        let accepted = ana.post(&path, json!({})).key("k").await;
        let location = accepted.header("location").unwrap().to_owned();
        assert_eq!(accepted.refused(202)["status"], "running");
        eventually(async || ana.get(&location).await.ok()["status"] == "done").await;
        let again = ana.post(&path, json!({})).key("k").await;
        assert_eq!(again.header("location"), Some(location.as_str()), "the same call");
        assert_eq!(stored(&ana, &entry).await.len(), 1);
        for stranger in [&eve, &app.db_admin("root").await] {
            stranger.get(&path).await.refused(403);
            stranger.post(&path, json!({})).await.refused(403);
            stranger.get(&location).await.refused(403);
            stranger.delete(&location).await.refused(403);
        }
        let nothing = format!("{path}/01890a5d-ac96-774b-bcce-b302099a8057");
        ana.get(&nothing).await.refused(404);
        ana.delete(&nothing).await.refused(404);
        ana.delete(&location).await.refused(204);
        ana.get(&location).await.refused(404);
        assert_eq!(stored(&ana, &entry).await, Vec::<Value>::new());
    }
}

fn a_late_tab_and_one_that_comes_back_miss_nothing(engine: Engine) {
    let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = vec![
        OLLAMA.head(),
        piece("One "),
        piece("two "),
        Step::Until(first.clone()),
        piece("three "),
        Step::Until(second.clone()),
        piece("four."),
        Step::Chunk(OLLAMA.done()),
        end(),
    ];
    with_model(engine, &[], vec![script], async |app, model| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let mut early = open(app.address, &ana, &entry).await;
        early.recv("start").await;
        text_so_far(&mut early, "One two ").await;
        let mut late = open(app.address, &ana, &entry).await;
        late.recv("start").await;
        assert_eq!(text_so_far(&mut late, "One two ").await.len(), 1, "as one chunk");
        early.close().await;
        first.notify_one();
        text_so_far(&mut late, "three ").await;
        let mut back = open(app.address, &ana, &entry).await;
        back.recv("start").await;
        assert_eq!(text_so_far(&mut back, "One two three ").await.len(), 1, "as one chunk");
        second.notify_one();
        for socket in [&mut late, &mut back] {
            text_so_far(socket, "four.").await;
            socket.recv("done").await;
        }
        assert_eq!(stored(&ana, &entry).await[0]["text"], "One two three four.");
        assert!(model.asked().await.body["prompt"].as_str().unwrap().contains("painted"));
        assert!(!model.was_asked(), "one text was written for all of them");
    });
}

fn what_fails_is_told_in_plain_words_and_may_be_tried_again(engine: Engine) {
    let cut = vec![OLLAMA.head(), piece("Half of a ")];
    with_model(engine, &[], vec![cut, whole("A whole one.")], async |app, _| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let mut socket = open(app.address, &ana, &entry).await;
        let failed = told(&mut socket).await;
        assert_eq!((failed.text().as_str(), &failed.end["code"]), ("Half of a ", &json!("generator_cut")));
        assert!(failed.end["message"].is_string());
        socket.send(json!({"type": "ping"})).await;
        socket.recv("pong").await;
        let path = format!("/entries/{entry}/reflections/{}", failed.reflection.as_str().unwrap());
        let known = ana.get(&path).await.ok();
        assert_eq!((&known["status"], &known["error"]["code"]), (&json!("failed"), &json!("generator_cut")));
        assert_eq!(stored(&ana, &entry).await, Vec::<Value>::new(), "half a text is none");
        socket.ack(json!({"type": "regenerate"})).await;
        let whole = told(&mut socket).await;
        assert_eq!((whole.text().as_str(), &whole.end["type"]), ("A whole one.", &json!("done")));
    });
}

fn who_cancels_gets_no_text_and_the_model_is_told(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    with_model(engine, &[], vec![stalled, whole("Another.")], async |app, model| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let (mut one, mut two) =
            (open(app.address, &ana, &entry).await, open(app.address, &ana, &entry).await);
        for socket in [&mut one, &mut two] {
            socket.recv("start").await;
            text_so_far(socket, "Half of a ").await;
        }
        let busy = two.request(json!({"type": "regenerate"})).await;
        assert_eq!(busy["code"], "conflict", "one at a time");
        two.ack(json!({"type": "cancel"})).await;
        for socket in [&mut one, &mut two] {
            assert_eq!(socket.recv("error").await["code"], "cancelled");
        }
        model.left().await;
        assert_eq!(stored(&ana, &entry).await, Vec::<Value>::new());
        one.ack(json!({"type": "regenerate"})).await;
        assert_eq!(told(&mut two).await.text(), "Another.");
    });
}

fn what_nobody_follows_any_more_is_given_up(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    let flags = ["--generator-abandon-timeout=200ms"];
    with_model(engine, &flags, vec![stalled, whole("Anew.")], async |app, model| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let mut socket = open(app.address, &ana, &entry).await;
        text_so_far(&mut socket, "Half of a ").await;
        socket.close().await;
        model.left().await;
        assert_eq!(stored(&ana, &entry).await, Vec::<Value>::new());
        assert_eq!(told(&mut open(app.address, &ana, &entry).await).await.text(), "Anew.");
    });
}

fn who_waits_is_told_the_place_in_line(engine: Engine) {
    let go = Arc::new(Notify::new());
    let slow =
        vec![OLLAMA.head(), piece("Slow."), Step::Until(go.clone()), Step::Chunk(OLLAMA.done()), end()];
    with_model(engine, &["--free-generations=1"], vec![slow, whole("Next.")], async |app, _| {
        let ana = app.consumer("ana").await;
        let mut first = open(app.address, &ana, &entry(&ana).await).await;
        text_so_far(&mut first, "Slow.").await;
        let mut second = open(app.address, &ana, &entry(&ana).await).await;
        second.recv("start").await;
        assert_eq!(second.recv("waiting").await["place"], 1);
        go.notify_one();
        text_so_far(&mut second, "Next.").await;
        second.recv("done").await;
    });
}

fn an_entry_that_is_deleted_takes_its_reflection_along(engine: Engine) {
    let slow = vec![OLLAMA.head(), piece("Slow."), Step::Stall];
    with_model(engine, &[], vec![slow], async |app, model| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let mut by_command = ana.live().await;
        by_command.ack(json!({"type": "reflect", "entry_id": entry})).await;
        text_so_far(&mut by_command, "Slow.").await;
        let mut bound = open(app.address, &ana, &entry).await;
        bound.recv("start").await;
        let path = format!("/entries/{entry}");
        let etag = ana.get(&path).await.etag().to_owned();
        ana.delete(&path).if_match(&etag).await.refused(204);
        assert_eq!(bound.closed().await.code, 4003, "its address is gone");
        assert_eq!(by_command.recv("error").await["code"], "not_found");
        model.left().await;
    });
}

fn a_new_tab_gets_what_is_stored_and_nothing_that_was_deleted(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    with_model(engine, &[], vec![whole("First."), stalled, whole("Third.")], async |app, _| {
        let ana = app.consumer("ana").await;
        let entry = entry(&ana).await;
        let mut one = open(app.address, &ana, &entry).await;
        let first = told(&mut one).await;
        one.ack(json!({"type": "regenerate"})).await;
        text_so_far(&mut one, "Half of a ").await;
        one.ack(json!({"type": "cancel"})).await;
        assert_eq!(one.recv("error").await["code"], "cancelled");
        let again = told(&mut open(app.address, &ana, &entry).await).await;
        assert_eq!((&again.reflection, again.text().as_str()), (&first.reflection, "First."));
        let path = format!("/entries/{entry}/reflections/{}", first.reflection.as_str().unwrap());
        ana.delete(&path).await.refused(204);
        let new = told(&mut open(app.address, &ana, &entry).await).await;
        assert_ne!(new.reflection, first.reflection);
        assert_eq!(new.text(), "Third.");
    });
}

fn a_session_follows_so_many_and_may_leave_one_for_another(engine: Engine) {
    let flags = ["--free-rooms=1"];
    with_model(engine, &flags, vec![whole("First."), whole("Second.")], async |app, model| {
        let ana = app.consumer("ana").await;
        let (one, two) = (entry(&ana).await, entry(&ana).await);
        let mut live = ana.live().await;
        live.ack(json!({"type": "reflect", "entry_id": one})).await;
        assert_eq!(told(&mut live).await.text(), "First.");
        model.asked().await;
        for command in ["reflect", "regenerate"] {
            let refused = live.request(json!({"type": command, "entry_id": two})).await;
            assert_eq!(refused["code"], "too_many_rooms");
        }
        assert!(!model.was_asked(), "what is refused is not begun");
        live.ack(json!({"type": "leave", "room": format!("entry:{one}")})).await;
        live.ack(json!({"type": "reflect", "entry_id": two})).await;
        assert_eq!(told(&mut live).await.text(), "Second.");
    });
}

/// A test per engine, named like those of `both_engines`.
macro_rules! each_engine {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::support::Engine::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$name(crate::support::Engine::Postgres);
            }
        }
    )*};
}

pub(super) use each_engine;

each_engine! {
    a_late_tab_and_one_that_comes_back_miss_nothing,
    what_fails_is_told_in_plain_words_and_may_be_tried_again,
    who_cancels_gets_no_text_and_the_model_is_told,
    what_nobody_follows_any_more_is_given_up,
    who_waits_is_told_the_place_in_line,
    an_entry_that_is_deleted_takes_its_reflection_along,
    a_new_tab_gets_what_is_stored_and_nothing_that_was_deleted,
    a_session_follows_so_many_and_may_leave_one_for_another,
}

both_engines! {
    fn a_killed_server_leaves_no_half_a_reflection(database) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let flags = ["--generator=ollama", "--generator-model=llama3.2", "--generator-url", &url];
        let server = Process::start("127.0.0.1:0", &database.url(), &flags);
        actix_web::rt::System::new().block_on(async {
            let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
            let scripts = [stalled, whole("A whole one."), whole("What was accepted.")];
            let _model = ModelServer::on(listener, scripts);
            let ana = Person::register(&server.client(None), "ana", "consumer").await;
            let entry = entry(&ana).await;
            text_so_far(&mut open(server.address, &ana, &entry).await, "Half of a ").await;
            let other = self::entry(&ana).await;
            let path = format!("/entries/{other}/reflections");
            let accepted = ana.post(&path, json!({})).key("k").await;
            let location = accepted.header("location").unwrap().to_owned();
            // One at a time on this plan.
            eventually(async || ana.get(&location).await.ok()["place"] == 1).await;
            server.kill();
            let server = Process::start("127.0.0.1:0", &database.url(), &flags);
            let back = Person::of(server.client(ana.token())).await;
            assert_eq!(stored(&back, &entry).await, Vec::<Value>::new());
            let told = told(&mut open(server.address, &back, &entry).await).await;
            assert_eq!((told.text().as_str(), &told.end["type"]), ("A whole one.", &json!("done")));
            back.get(&location).await.refused(404);
            let again = back.post(&path, json!({})).key("k").await;
            assert_eq!((again.status, again.header("location")), (202, Some(location.as_str())));
            eventually(async || back.get(&location).await.ok()["status"] == "done").await;
            assert_eq!(back.get(&location).await.ok()["text"], "What was accepted.");
            assert!(server.terminate().success());
        });
    }
}
