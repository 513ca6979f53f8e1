//! Every fault of a service ends in a failure of its kind, and never in half a text that passes for a whole
//! one.

use std::time::Duration;

use souk::generation::{GenerationError, Options, Wait};

use super::{at, begin, entry, generator, read};
use crate::support::model_server::{Dialect, ModelServer, Step, end, response};

/// What comes of a server that plays this, for a generator with these flags.
async fn failed(dialect: Dialect, script: Vec<Step>) -> (String, GenerationError) {
    let server = ModelServer::playing(script).await;
    let (text, error) = read(begin(&*generator(dialect, &server, &[]))).await;
    (text, error.expect("the text is not whole"))
}

#[tokio::test]
async fn a_stream_that_ends_without_its_announced_end_is_cut() {
    for dialect in Dialect::BOTH {
        let (head, piece, done) = (dialect.head(), dialect.piece("Good "), dialect.done());
        let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
        let announced = format!("40\r\n{}", String::from_utf8(half(&piece)).unwrap());
        for (script, text) in [
            (vec![head.clone(), Step::Chunk(piece.clone())], "Good "),
            (vec![head.clone(), Step::Chunk(piece.clone()), end()], "Good "),
            (vec![head.clone(), Step::Chunk(piece.clone()), Step::Chunk(half(&done)), end()], "Good "),
            (vec![head.clone(), Step::Send(announced.into_bytes())], ""),
            (vec![head.clone(), Step::Chunk(half(&piece)), end()], ""),
            (vec![head.clone(), end()], ""),
            (vec![head.clone()], ""),
            (vec![Step::Send(b"HTTP/1.1 200 O".to_vec())], ""),
            (vec![], ""),
        ] {
            assert_eq!(failed(dialect, script).await, (text.to_owned(), GenerationError::Cut), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_malformed() {
    for dialect in Dialect::BOTH {
        let piece = dialect.piece("Good ");
        let half = [&piece[..piece.len() / 2], b"\n\n"].concat();
        let other = |kind: &str| vec![response("200 OK", &format!("Content-Type: {kind}\r\n"), "{}")];
        let line = Step::Endless(vec![b'x'; 64 * 1024]);
        for script in [
            vec![dialect.head(), Step::Chunk(half), Step::Chunk(dialect.done()), end()],
            other("text/html"),
            other("application/json"),
            vec![response("200 OK", "", "{}")],
            vec![dialect.head(), Step::Send(b"4\r\ndata\r\n1\r\n:\r\n".to_vec()), line],
            // Nothing was written, although it is said to be done.
            vec![dialect.head(), Step::Chunk(dialect.done()), end()],
        ] {
            let (text, error) = failed(dialect, script).await;
            assert!(matches!(error, GenerationError::Malformed { .. }), "{dialect:?}: {error:?}");
            assert_eq!(text, "");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_refused_and_its_words_are_for_the_log_without_the_users() {
    let refused = |status, detail: &str| GenerationError::Refused { status, detail: detail.to_owned() };
    for dialect in Dialect::BOTH {
        let json = "Content-Type: application/json\r\n";
        let html = response("500 Internal Server Error", "Content-Type: text/html\r\n", "<h1>Oh no</h1>");
        assert_eq!(failed(dialect, vec![html]).await.1, refused(Some(500), ""));
        let unknown = response("404 Not Found", json, r#"{"error":"model 'llama3.2' not found"}"#);
        assert_eq!(failed(dialect, vec![unknown]).await.1, refused(Some(404), "model 'llama3.2' not found"));
        let key = response("401 Unauthorized", json, r#"{"error":{"message":"bad key","code":null}}"#);
        assert_eq!(failed(dialect, vec![key]).await.1, refused(Some(401), "bad key"));
        let echo = response("400 Bad Request", json, r#"{"error":"input: Today I slept badly again."}"#);
        assert_eq!(failed(dialect, vec![echo]).await.1, refused(Some(400), "(repeats the user's text)"));
        let cut = Step::Send(b"HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\n{\"err".to_vec());
        assert_eq!(failed(dialect, vec![cut]).await.1, refused(Some(500), ""));
        let within = vec![
            dialect.head(),
            Step::Chunk(dialect.piece("Good ")),
            Step::Chunk(dialect.error("out of memory")),
            Step::Stall,
        ];
        assert_eq!(failed(dialect, within).await, ("Good ".to_owned(), refused(None, "out of memory")));
    }
}

#[tokio::test]
async fn a_busy_service_says_when_to_come_back() {
    // The clock of these generators stands at 09:30:00.
    for (status, headers, seconds) in [
        ("429 Too Many Requests", "Retry-After: 7\r\n", Some(7)),
        ("429 Too Many Requests", "Retry-After: Fri, 01 May 2026 09:31:30 GMT\r\n", Some(90)),
        ("429 Too Many Requests", "Retry-After: soon\r\n", None),
        ("503 Service Unavailable", "", None),
    ] {
        for dialect in Dialect::BOTH {
            let (_, error) = failed(dialect, vec![response(status, headers, "busy")]).await;
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(error, GenerationError::Busy { retry_after }, "{dialect:?} {status} {headers}");
            assert_eq!(error.retry_after(), retry_after);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for dialect in Dialect::BOTH {
        for status in [301, 302, 303, 307, 308] {
            let mut elsewhere = ModelServer::playing(dialect.answer("Gotcha")).await;
            let to = format!("Location: {}/api/generate\r\n", elsewhere.url());
            let (_, error) = failed(dialect, vec![response(&format!("{status} Moved"), &to, "")]).await;
            assert_eq!(error, GenerationError::Refused { status: Some(status), detail: String::new() });
            assert!(!elsewhere.was_asked());
        }
    }
}

#[tokio::test]
async fn a_text_over_its_size_is_given_up_and_the_connection_closed() {
    for dialect in Dialect::BOTH {
        let endless = Step::Endless(dialect.piece("and so on "));
        let mut server = ModelServer::playing([dialect.head(), endless]).await;
        let options = Options { max_bytes: 1_000, ..Options::default() };
        let (text, error) = read(generator(dialect, &server, &[]).generate(entry(), options)).await;
        assert_eq!((text.len(), error), (1_000, Some(GenerationError::TooLong)), "{dialect:?}");
        server.left().await;
    }
}

#[tokio::test]
async fn a_text_that_is_late_is_given_up() {
    for dialect in Dialect::BOTH {
        let (head, piece) = (dialect.head(), Step::Chunk(dialect.piece("Good ")));
        let alive = Step::Trickle(b": keep-alive\n\n".to_vec());
        let empty = Step::Trickle(dialect.piece(""));
        let slowly = Step::Trickle(dialect.piece("and "));
        let mut cases = vec![
            ("--generator-first-timeout=200ms", vec![Step::Stall], Wait::First),
            ("--generator-first-timeout=200ms", vec![head.clone(), Step::Stall], Wait::First),
            ("--generator-first-timeout=200ms", vec![head.clone(), empty.clone()], Wait::First),
            ("--generator-idle-timeout=200ms", vec![head.clone(), piece.clone(), Step::Stall], Wait::Idle),
            ("--generator-idle-timeout=200ms", vec![head.clone(), piece.clone(), empty], Wait::Idle),
            ("--generator-total-timeout=300ms", vec![head.clone(), piece.clone(), slowly], Wait::Total),
        ];
        if dialect == Dialect::OpenAi {
            cases.push(("--generator-idle-timeout=200ms", vec![head, piece, alive], Wait::Idle));
        }
        for (flag, script, wait) in cases {
            let mut server = ModelServer::playing(script).await;
            // No part may have longer than the whole.
            let parts = ["--generator-first-timeout=300ms", "--generator-idle-timeout=300ms", flag];
            let flags = if wait == Wait::Total { &parts[..] } else { &parts[2..] };
            let (_, error) = read(begin(&*generator(dialect, &server, flags))).await;
            assert_eq!(error, Some(GenerationError::TimedOut(wait)), "{dialect:?} {flag}");
            server.left().await;
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let plain = ModelServer::playing([Step::Stall]).await;
    // Bound and not listening: connections are refused, and nobody else gets the port.
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refusing = deaf.local_addr().unwrap();
    for url in [
        format!("http://{refusing}"),
        "http://nowhere.invalid".to_owned(),
        // TLS is begun, and the server does not speak it.
        format!("https://{}", plain.address()),
    ] {
        let (_, error) = read(begin(&*at(Dialect::OpenAi, &url, &[]))).await;
        let Some(GenerationError::Unavailable { detail }) = error else { panic!("{url}: {error:?}") };
        assert!(!detail.is_empty(), "the operator is told why");
    }
}

#[tokio::test]
async fn after_every_failure_the_next_attempt_may_succeed() {
    for dialect in Dialect::BOTH {
        let broken = vec![dialect.head(), Step::Chunk(dialect.piece("Goo"))];
        let server = ModelServer::playing_all([broken, vec![], dialect.answer("Good morning.")]).await;
        let generator = generator(dialect, &server, &[]);
        for _ in 0..2 {
            let (_, error) = read(begin(&*generator)).await;
            assert!(error.is_some_and(|error| error.can_retry() && error.message().ends_with("try again")));
        }
        assert_eq!(read(begin(&*generator)).await, ("Good morning.".to_owned(), None));
    }
}
