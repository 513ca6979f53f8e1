//! Messages to the assistant, and its answers, streamed to whoever is in the conversation.

use std::net::TcpListener;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::reflections::{OLLAMA, each_engine, piece, whole, with_model};
use crate::both_engines;
use crate::support::model_server::{ModelServer, Step, end};
use crate::support::{Engine, Person, Process, Socket, SocketIo, eventually, id};

pub(super) async fn conversation(who: &Person) -> String {
    id(&who.post("/conversations", json!({})).await.ok()).to_owned()
}

/// A session in the conversation.
pub(super) async fn open(who: &Person, conversation: &str) -> Socket {
    let mut socket = who.live().await;
    socket.ack(json!({"type": "join_chat", "conversation_id": conversation})).await;
    socket
}

pub(super) fn message(conversation: &str, text: &str, name: &str) -> Value {
    json!({"type": "chat_message", "conversation_id": conversation, "text": text, "client_msg_id": name})
}

/// What is told of one answer, from `answer.start` to its end.
pub(super) struct Told {
    start: Value,
    chunks: Vec<String>,
    pub(super) end: Value,
}

impl Told {
    fn text(&self) -> String {
        self.chunks.concat()
    }
}

/// Reads an answer to its end, and asserts that it is told in order.
pub(super) async fn told(socket: &mut Socket) -> Told {
    let start = socket.recv("answer.start").await;
    let mut chunks = Vec::new();
    loop {
        let notice = socket.next().await.unwrap();
        match notice["type"].as_str().unwrap() {
            "answer.chunk" => chunks.push(notice["text"].as_str().unwrap().to_owned()),
            "answer.done" | "answer.error" => {
                assert_eq!(notice["message_id"], start["message_id"]);
                return Told { start, chunks, end: notice };
            }
            "answer.start" => panic!("it starts twice"),
            _ => {}
        }
    }
}

/// Chunks until the text so far is `text`.
pub(super) async fn text_so_far(socket: &mut Socket, text: &str) -> Vec<String> {
    let mut chunks = Vec::new();
    while chunks.concat() != text {
        chunks.push(socket.recv("answer.chunk").await["text"].as_str().unwrap().to_owned());
        assert!(text.starts_with(&chunks.concat()), "{chunks:?}");
    }
    chunks
}

/// The stored messages, oldest first: author and text.
pub(super) async fn said(who: &Person, conversation: &str) -> Vec<(String, String)> {
    let page = who.get(&format!("/conversations/{conversation}/messages")).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = page["items"].as_array().unwrap().iter().rev();
    messages.map(|message| (text(&message["author"]), text(&message["text"]))).collect()
}

fn by(author: &str, text: &str) -> (String, String) {
    (author.to_owned(), text.to_owned())
}

both_engines! {
    async fn an_answer_streams_to_every_session_in_the_conversation_and_is_a_message_then(app) {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let room = format!("conversation:{conversation}");
        let (mut one, mut two) = (open(&ana, &conversation).await, open(&ana, &conversation).await);
        let text = "My bathroom leaks. The plumber quoted 900 euros for the pipes.";
        let sent = one.ack(message(&conversation, text, "m1")).await;
        assert_eq!((&sent["seq"], &sent["client_msg_id"]), (&json!(1), &json!("m1")));
        let (a, b) = (told(&mut one).await, told(&mut two).await);
        for told in [&a, &b] {
            assert_eq!(told.start["answers_to"], sent["message_id"]);
            assert_eq!(told.start["message_id"], sent["answer_id"]);
            assert_eq!((&told.end["type"], &told.end["seq"]), (&json!("answer.done"), &json!(2)));
            assert_eq!(told.end["conversation_id"], conversation);
        }
        assert!(a.text().starts_with("Without a language model"), "{}", a.text());
        assert_eq!(a.text(), b.text());
        let log = ana.read_log(&room).await;
        let authors: Vec<_> = log.iter().map(|event| &event["data"]["author"]).collect();
        assert_eq!(authors, ["user", "assistant"]);
        assert_eq!((&log[1]["data"]["text"], &log[1]["by"]), (&json!(a.text()), &Value::Null));
        assert_eq!((&log[1]["data"]["answers_to"], &log[1]["data"]["id"]), (&sent["message_id"], &sent["answer_id"]));

        let mut again = one.ack(message(&conversation, "something else", "m1")).await;
        again["id"] = sent["id"].clone();
        assert_eq!(again, sent, "the same message");
        let more = json!({"type": "chat_message", "room": room, "text": "Who pays the plumber?", "client_msg_id": "m2"});
        one.ack(more).await;
        let second = told(&mut two).await;
        assert!(second.text().contains("“The plumber quoted 900 euros for the pipes.”"), "{}", second.text());
        assert_eq!(said(&ana, &conversation).await.len(), 4, "no second answer to the first message");
        let shown = ana.get(&format!("/conversations/{conversation}")).await.ok();
        assert_eq!(shown["title"], "My bathroom leaks", "from its first message");
        let mut back = ana.live().await;
        let joined = back.ack(json!({"type": "join", "room": room, "since": 1})).await;
        assert_eq!(joined["events"].as_array().unwrap().len(), 3);
        assert_eq!(joined["events"][0]["data"]["text"], a.text(), "who resumes gets the answer from the log");
    }

    async fn older_clients_hear_it_in_their_own_words(app) {
        let ana = app.consumer("ana").await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let joined = socket.emit("join_chat", json!({})).await;
        let conversation = joined["conversation_id"].clone();
        let said = json!({"conversation_id": conversation, "text": "Hello there.", "client_msg_id": "m1"});
        let sent = socket.emit("chat_message", said).await;
        assert_eq!((&sent["ok"], &sent["seq"], &sent["id"]), (&json!(true), &json!(1), &sent["message_id"]));
        assert_eq!(socket.recv("chat_message").await["author"], "user");
        assert_eq!(socket.recv("answer.start").await["answers_to"], sent["id"]);
        assert_eq!(socket.recv("answer.done").await["message_id"], sent["answer_id"]);
        let answer = socket.recv("chat_message").await;
        assert_eq!((&answer["author"], &answer["seq"], &answer["id"]), (&json!("assistant"), &json!(2), &sent["answer_id"]));
        assert_eq!(answer["conversation_id"], conversation);
    }

    async fn who_is_not_in_the_room_follows_the_answer_until_it_leaves(app) {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = ana.live().await;
        socket.ack(message(&conversation, "Hello there.", "m1")).await;
        assert_eq!(told(&mut socket).await.end["type"], "answer.done");
        socket.ack(json!({"type": "leave", "room": format!("conversation:{conversation}")})).await;
        let mut other = open(&ana, &conversation).await;
        other.ack(message(&conversation, "And again.", "m2")).await;
        told(&mut other).await;
        socket.recv_pong().await;
        assert_eq!(socket.take_all("answer.start"), Vec::<Value>::new());
    }

    async fn nobody_else_says_anything_there_not_even_an_admin(app) {
        let (ana, eve, root) =
            (app.consumer("ana").await, app.consumer("eve").await, app.db_admin("root").await);
        let conversation = conversation(&ana).await;
        for stranger in [&eve, &root] {
            let mut socket = stranger.live().await;
            for command in [
                message(&conversation, "Hello.", "m1"),
                json!({"type": "answer", "conversation_id": conversation}),
                json!({"type": "cancel", "conversation_id": conversation}),
                json!({"type": "rename_conversation", "conversation_id": conversation, "title": "Mine"}),
                json!({"type": "delete_conversation", "conversation_id": conversation}),
            ] {
                assert_eq!(socket.request(command.clone()).await["code"], "forbidden", "{command}");
            }
        }
        assert_eq!(said(&ana, &conversation).await, []);
        let mut socket = ana.live().await;
        for command in ["answer", "cancel"] {
            let nothing = socket.request(json!({"type": command, "conversation_id": conversation})).await;
            assert_eq!(nothing["code"], "conflict", "there is nothing to {command}");
        }
        let wrong = socket.request(message(&conversation, " ", "m1")).await;
        assert_eq!(wrong["code"], "invalid");
    }

    async fn conversations_are_created_renamed_and_deleted_by_command(app) {
        let ana = app.consumer("ana").await;
        let mut socket = ana.live().await;
        let created = socket.ack(json!({"type": "create_conversation", "title": "The bathroom"})).await;
        let conversation = created["conversation_id"].as_str().unwrap().to_owned();
        assert_eq!(created["room"], format!("conversation:{conversation}"));
        socket.event("conversation.created").await;
        let mut rename = json!({"type": "rename_conversation", "conversation_id": conversation, "title": "The kitchen"});
        rename["version"] = json!(7);
        assert_eq!(socket.request(rename.clone()).await["code"], "conflict");
        rename["version"] = created["version"].clone();
        assert_eq!(socket.ack(rename).await["version"], 2);
        let updated = socket.event("conversation.updated").await;
        assert_eq!(updated["data"], json!({"conversation_id": conversation, "version": 2}), "and no title");
        assert_eq!(ana.get(&format!("/conversations/{conversation}")).await.ok()["title"], "The kitchen");
        let mut member = open(&ana, &conversation).await;
        member.ack(message(&conversation, "Hello there.", "m1")).await;
        told(&mut member).await;
        socket.ack(json!({"type": "delete_conversation", "conversation_id": conversation})).await;
        assert_eq!(socket.event("conversation.deleted").await["data"]["conversation_id"], conversation);
        assert_eq!(member.recv("error").await["code"], "forbidden", "it has left the room");
        member.recv_pong().await;
        assert_eq!(member.take_all("answer.error"), Vec::<Value>::new(), "no answer was being written");
        ana.get(&format!("/conversations/{conversation}")).await.refused(404);
        assert_eq!(app.db_kinds(created["room"].as_str().unwrap()).await, [""; 0], "nor is there a log of it");
        assert_eq!(socket.request(message(&conversation, "Hello?", "m2")).await["code"], "not_found");
    }
}

fn a_late_tab_misses_nothing_of_an_answer(engine: Engine) {
    let go = Arc::new(Notify::new());
    let script = vec![
        OLLAMA.head(),
        piece("One "),
        piece("two "),
        Step::Until(go.clone()),
        piece("three."),
        Step::Chunk(OLLAMA.done()),
        end(),
    ];
    with_model(engine, &[], vec![script], async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut early = open(&ana, &conversation).await;
        early.ack(message(&conversation, "Count to three.", "m1")).await;
        text_so_far(&mut early, "One two ").await;
        let mut late = open(&ana, &conversation).await;
        late.recv("answer.start").await;
        assert_eq!(text_so_far(&mut late, "One two ").await.len(), 1, "as one chunk");
        assert_eq!(model.asked().await.body["prompt"], "Count to three.");
        early.close().await;
        go.notify_one();
        text_so_far(&mut late, "three.").await;
        late.recv("answer.done").await;
        let expected = [by("user", "Count to three."), by("assistant", "One two three.")];
        assert_eq!(said(&ana, &conversation).await, expected);
        let mut later = open(&ana, &conversation).await;
        later.recv_pong().await;
        assert_eq!(later.take_all("answer.start"), Vec::<Value>::new(), "what is done is in the log");
    });
}

fn an_answer_that_fails_leaves_nothing_and_may_be_asked_for_again(engine: Engine) {
    let cut = vec![OLLAMA.head(), piece("Half of a ")];
    with_model(engine, &[], vec![cut, whole("A whole one.")], async |app, _| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        let sent = socket.ack(message(&conversation, "Hello there.", "m1")).await;
        let failed = told(&mut socket).await;
        assert_eq!((failed.text().as_str(), &failed.end["code"]), ("Half of a ", &json!("generator_cut")));
        assert_eq!(said(&ana, &conversation).await, [by("user", "Hello there.")]);
        let path = format!("/conversations/{conversation}/messages/{}", sent["answer_id"].as_str().unwrap());
        let known = ana.get(&path).await.ok();
        assert_eq!((&known["status"], &known["error"]["code"]), (&json!("failed"), &json!("generator_cut")));
        let answering = socket.ack(json!({"type": "answer", "conversation_id": conversation})).await;
        assert_eq!(answering["message_id"], sent["answer_id"]);
        let whole = told(&mut socket).await;
        assert_eq!((whole.text().as_str(), &whole.end["type"]), ("A whole one.", &json!("answer.done")));
        assert_eq!(ana.get(&path).await.ok()["text"], "A whole one.");
    });
}

fn a_message_that_comes_meanwhile_is_answered_afterwards(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    let scripts = vec![stalled, whole("To the second."), whole("To the first.")];
    with_model(engine, &[], scripts, async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let (mut one, mut two) = (open(&ana, &conversation).await, open(&ana, &conversation).await);
        let first = one.ack(message(&conversation, "The first.", "m1")).await;
        text_so_far(&mut one, "Half of a ").await;
        let second = two.ack(message(&conversation, "The second.", "m2")).await;
        assert_eq!(second["seq"], 2, "stored at once");
        two.ack(json!({"type": "cancel", "conversation_id": conversation})).await;
        model.left().await;
        for socket in [&mut one, &mut two] {
            let cancelled = socket.recv("answer.error").await;
            assert_eq!(
                (&cancelled["code"], &cancelled["message_id"]),
                (&json!("cancelled"), &first["answer_id"])
            );
            while socket.recv("answer.start").await["message_id"] != second["answer_id"] {}
            assert_eq!(socket.recv("answer.done").await["message_id"], second["answer_id"]);
        }
        let expected =
            [by("user", "The first."), by("user", "The second."), by("assistant", "To the second.")];
        assert_eq!(said(&ana, &conversation).await, expected);
        one.ack(json!({"type": "answer", "conversation_id": conversation})).await;
        while two.recv("answer.done").await["message_id"] != first["answer_id"] {}
        model.asked().await;
        assert_eq!(model.asked().await.body["prompt"], "User: The first.\n\nUser: The second.\n\nAssistant:");
        let third = model.asked().await;
        assert_eq!(
            third.body["prompt"], "Assistant: To the second.\n\nUser: The first.\n\nAssistant:",
            "without what was said later"
        );
    });
}

fn an_answer_that_nobody_follows_any_more_is_given_up(engine: Engine) {
    let stalled = || vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    let flags = ["--generator-abandon-timeout=200ms"];
    with_model(engine, &flags, vec![stalled(), whole("Anew.")], async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        socket.ack(message(&conversation, "Hello there.", "m1")).await;
        text_so_far(&mut socket, "Half of a ").await;
        socket.close().await;
        model.left().await;
        assert_eq!(said(&ana, &conversation).await, [by("user", "Hello there.")]);
        let mut back = open(&ana, &conversation).await;
        back.ack(json!({"type": "answer", "conversation_id": conversation})).await;
        while back.recv("answer.chunk").await["text"] != "Anew." {}
    });
}

fn who_waits_for_an_answer_is_told_the_place_in_line(engine: Engine) {
    let go = Arc::new(Notify::new());
    let slow =
        vec![OLLAMA.head(), piece("Slow."), Step::Until(go.clone()), Step::Chunk(OLLAMA.done()), end()];
    with_model(engine, &["--free-generations=1"], vec![slow, whole("Next.")], async |app, _| {
        let ana = app.consumer("ana").await;
        let (first, second) = (conversation(&ana).await, conversation(&ana).await);
        let mut one = open(&ana, &first).await;
        one.ack(message(&first, "Hello there.", "m1")).await;
        text_so_far(&mut one, "Slow.").await;
        let mut two = open(&ana, &second).await;
        two.ack(message(&second, "Hello there.", "m1")).await;
        assert_eq!(two.recv("answer.waiting").await["place"], 1);
        go.notify_one();
        text_so_far(&mut two, "Next.").await;
        two.recv("answer.done").await;
    });
}

fn a_conversation_that_is_deleted_takes_its_answer_along(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    with_model(engine, &[], vec![stalled], async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        socket.ack(message(&conversation, "Hello there.", "m1")).await;
        text_so_far(&mut socket, "Half of a ").await;
        let path = format!("/conversations/{conversation}");
        let etag = ana.get(&path).await.etag().to_owned();
        ana.delete(&path).if_match(&etag).await.refused(204);
        assert_eq!(socket.recv("answer.error").await["code"], "not_found");
        model.left().await;
    });
}

fn who_is_suspended_or_signed_out_gets_no_answer(engine: Engine) {
    let (go, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = |go: &Arc<Notify>| {
        vec![OLLAMA.head(), piece("Slow."), Step::Until(go.clone()), Step::Chunk(OLLAMA.done()), end()]
    };
    with_model(engine, &[], vec![slow(&go), slow(&gone)], async |app, _| {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let conversation = conversation(&ana).await;
        let ask = async |who: &Person, name: &str| {
            let mut socket = open(who, &conversation).await;
            let sent = socket.ack(message(&conversation, "Hello there.", name)).await;
            text_so_far(&mut socket, "Slow.").await;
            format!("/conversations/{conversation}/messages/{}", sent["answer_id"].as_str().unwrap())
        };
        let refused = async |who: &Person, answer: &str| {
            eventually(async || who.get(answer).await.ok()["error"]["code"] == "forbidden").await;
        };
        let first = ask(&ana, "m1").await;
        app.db_suspend(&root, &ana).await;
        go.notify_one();
        root.post(&format!("/admin/users/{}/reinstate", ana.id), Value::Null).await.ok();
        let ana = app.log_in("ana").await;
        let _ = first;
        let second = ask(&ana, "m2").await;
        ana.post("/auth/logout", Value::Null).await.ok();
        gone.notify_one();
        let ana = app.log_in("ana").await;
        refused(&ana, &second).await;
        assert!(said(&ana, &conversation).await.iter().all(|(author, _)| author == "user"));
    });
}

fn the_assistant_is_given_the_newest_messages_that_fit(engine: Engine) {
    let scripts = vec![whole("Yes."), whole("No."), whole("Perhaps.")];
    with_model(engine, &["--assistant-context-tokens=28"], scripts, async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        for (name, text) in [("m1", "Is it the first?"), ("m2", "Is it the second?")] {
            socket.ack(message(&conversation, text, name)).await;
            told(&mut socket).await;
            model.asked().await;
        }
        socket.ack(message(&conversation, &"How long? ".repeat(30), "m3")).await;
        told(&mut socket).await;
        let prompt = model.asked().await.body["prompt"].as_str().unwrap().to_owned();
        assert_eq!(prompt, "How long? ".repeat(30)[..96], "the newest, as much of it as fits");
    });
    let scripts = vec![whole("Yes."), whole("No."), whole("Perhaps.")];
    with_model(engine, &["--assistant-context-tokens=28"], scripts, async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        for (name, text) in [("m1", "Is it the first?"), ("m2", "Is it the second?"), ("m3", "Or the third?")]
        {
            socket.ack(message(&conversation, text, name)).await;
            told(&mut socket).await;
        }
        let prompts = [model.asked().await, model.asked().await, model.asked().await];
        let prompts = prompts.map(|asked| asked.body["prompt"].as_str().unwrap().to_owned());
        assert_eq!(
            prompts[1],
            "User: Is it the first?\n\nAssistant: Yes.\n\nUser: Is it the second?\n\nAssistant:"
        );
        // 8 of the third, 5 of the answer, 9 of the second make 22; the 5 of the first answer fit, its question not.
        assert_eq!(
            prompts[2],
            "Assistant: Yes.\n\nUser: Is it the second?\n\nAssistant: No.\n\nUser: Or the third?\n\nAssistant:"
        );
    });
}

each_engine! {
    a_late_tab_misses_nothing_of_an_answer,
    an_answer_that_fails_leaves_nothing_and_may_be_asked_for_again,
    a_message_that_comes_meanwhile_is_answered_afterwards,
    an_answer_that_nobody_follows_any_more_is_given_up,
    who_waits_for_an_answer_is_told_the_place_in_line,
    a_conversation_that_is_deleted_takes_its_answer_along,
    who_is_suspended_or_signed_out_gets_no_answer,
    the_assistant_is_given_the_newest_messages_that_fit,
}

both_engines! {
    fn a_killed_server_leaves_no_half_an_answer(database) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let flags = ["--generator=ollama", "--generator-model=llama3.2", "--generator-url", &url];
        let server = Process::start("127.0.0.1:0", &database.url(), &flags);
        actix_web::rt::System::new().block_on(async {
            let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
            let _model = ModelServer::on(listener, [stalled, whole("A whole one."), whole("What was accepted.")]);
            let ana = Person::register(&server.client(None), "ana", "consumer").await;
            let (live, other) = (conversation(&ana).await, conversation(&ana).await);
            let mut socket = open(&ana, &live).await;
            let sent = socket.ack(message(&live, "Hello there.", "m1")).await;
            text_so_far(&mut socket, "Half of a ").await;
            let path = format!("/conversations/{other}/messages");
            let form = json!({"text": "Hello?", "client_msg_id": "r1"});
            let accepted = ana.post(&path, form.clone()).key("k").await;
            let location = accepted.header("location").unwrap().to_owned();
            // One at a time on this plan.
            eventually(async || ana.get(&location).await.ok()["place"] == 1).await;
            server.kill();

            let server = Process::start("127.0.0.1:0", &database.url(), &flags);
            let back = Person::of(server.client(ana.token())).await;
            assert_eq!(said(&back, &live).await, [by("user", "Hello there.")], "what was acknowledged is there");
            let mut socket = open(&back, &live).await;
            let again = socket.ack(message(&live, "Hello there.", "m1")).await;
            for field in ["seq", "message_id", "answer_id", "at"] {
                assert_eq!(again[field], sent[field], "{field}");
            }
            assert_eq!(told(&mut socket).await.text(), "A whole one.", "the message that had none has its answer now");
            socket.ack(message(&live, "Hello there.", "m1")).await;
            socket.recv_pong().await;
            assert_eq!(socket.take_all("answer.start"), Vec::<Value>::new(), "and no second one");
            back.get(&location).await.refused(404);
            let again = back.post(&path, form).key("k").await;
            assert_eq!((again.status, again.header("location")), (202, Some(location.as_str())));
            eventually(async || back.get(&location).await.ok()["status"] == "done").await;
            assert_eq!(said(&back, &other).await, [by("user", "Hello?"), by("assistant", "What was accepted.")]);
            assert!(server.terminate().success());
        });
    }
}
