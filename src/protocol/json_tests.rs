use std::sync::Arc;

use proptest::prelude::*;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{Room, Seq, UserId};
use crate::protocol::{
    AckBody, AnswerIds, Dialect, Direction, Event, Interval, Joined, PartialEstimates, PresenceChange,
    RecordedFrame, RecordedFrames, SignalData, TextFailure, Topic, WantedPlan, encode,
};
use crate::secret::Secret;

use super::*;

const SESSION: &str = "session:01890a5d-ac96-774b-bcce-b302099a8057";
const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn command(text: &str) -> Command {
    decode(text).expect(text).command
}

fn refusal(text: &str) -> (ErrorCode, String) {
    let wrong = decode(text).expect_err(text);
    (wrong.code, wrong.message)
}

fn room() -> Room {
    SESSION.parse().unwrap()
}

fn written(notice: Notice) -> String {
    let mut buffer = Vec::new();
    write(&notice, &mut buffer);
    String::from_utf8(buffer).unwrap()
}

#[test]
fn each_command_is_read() {
    let cases = [
        (r#"{"type":"join","room":"ROOM"}"#, Command::Join { room: room(), since: None }),
        (r#"{"type":"join","room":"ROOM","since":7}"#, Command::Join { room: room(), since: Some(Seq(7)) }),
        (r#"{"type":"leave","room":"ROOM","newer":[1]}"#, Command::Leave { room: room() }),
        (
            r#"{"room":"ROOM","text":"h\u00e9","client_msg_id":"a-1","type":"chat_message"}"#,
            Command::ChatMessage {
                room: room(),
                text: Secret::new("hé".into()),
                client_msg_id: Some("a-1".into()),
            },
        ),
        (
            r#"{"type":"run","scenario":{"category":"plumbing", "steps":9}}"#,
            Command::Run { scenario: Secret::new(r#"{"category":"plumbing", "steps":9}"#.into()) },
        ),
        (
            r#"{"type":"cancel","simulation_id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#,
            Command::CancelSimulation { simulation: USER.parse().unwrap() },
        ),
        (r#"{"type":"typing","room":"ROOM"}"#, Command::Typing { room: room() }),
        (
            r#"{"type":"signal","room":"ROOM","topic":"eta","data":{"in" : 5}}"#,
            Command::Signal {
                room: room(),
                topic: Topic::parse("eta").unwrap(),
                data: SignalData::parse(Some(
                    &serde_json::from_str::<Box<RawValue>>(r#"{"in" : 5}"#).unwrap(),
                ))
                .unwrap(),
            },
        ),
        (r#"{"type":"read","room":"ROOM","seq":3}"#, Command::Read { room: room(), seq: Seq(3) }),
        (
            r#"{"type":"history","room":"ROOM","before":null,"limit":20}"#,
            Command::History { room: room(), before: None, limit: Some(20) },
        ),
        (r#"{"type":"presence","room":"ROOM"}"#, Command::Presence { room: room() }),
        (r#"{"type":"refresh","token":"a.b.c"}"#, Command::Refresh { token: Secret::new("a.b.c".into()) }),
        (
            r#"{"type":"reflect","entry_id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#,
            Command::Reflect { entry: USER.parse().ok() },
        ),
        (r#"{"type":"regenerate","entry_id":null}"#, Command::Regenerate { entry: None }),
        (r#"{"type":"cancel"}"#, Command::Cancel { entry: None }),
        (
            r#"{"type":"chat_message","conversation_id":"USER","text":"hi","client_msg_id":"a-1"}"#,
            Command::ChatMessage {
                room: Room::Conversation(USER.parse().unwrap()),
                text: Secret::new("hi".into()),
                client_msg_id: Some("a-1".into()),
            },
        ),
        (
            r#"{"type":"create_conversation","title":"The bathroom"}"#,
            Command::CreateConversation { title: Some(Secret::new("The bathroom".into())) },
        ),
        (
            r#"{"type":"rename_conversation","conversation_id":"USER","title":"The kitchen","version":2}"#,
            Command::RenameConversation {
                conversation: USER.parse().unwrap(),
                title: Secret::new("The kitchen".into()),
                version: Some(2),
            },
        ),
        (
            r#"{"type":"delete_conversation","conversation_id":"USER"}"#,
            Command::DeleteConversation { conversation: USER.parse().unwrap(), version: None },
        ),
        (
            r#"{"type":"answer","conversation_id":"USER"}"#,
            Command::Answer { conversation: USER.parse().unwrap() },
        ),
        (
            r#"{"type":"masterplan","conversation_id":"USER","request_id":"USER","title":"The attic","text":"Cold."}"#,
            Command::Masterplan(WantedPlan {
                conversation: USER.parse().unwrap(),
                request: USER.parse().ok(),
                category: None,
                title: Secret::new("The attic".into()),
                text: Secret::new("Cold.".into()),
            }),
        ),
        (
            r#"{"type":"cancel","conversation_id":"USER"}"#,
            Command::CancelAnswer { conversation: USER.parse().unwrap() },
        ),
        (r#"{"type":"whoami"}"#, Command::Whoami),
        (r#"{"type":"ping"}"#, Command::Ping),
    ];
    for (text, expected) in cases {
        assert_eq!(command(&text.replace("ROOM", SESSION).replace("USER", USER)), expected);
    }
}

#[test]
fn an_id_comes_back_as_it_was_written() {
    for id in ["7", "-1", "1.50", "18446744073709551616", r#""a\u0041""#, r#""""#] {
        let request = decode(&format!(r#"{{"type":"ping","id":{id}}}"#)).unwrap();
        assert_eq!(
            written(Notice::Pong { id: request.id }),
            format!(r#"{{"type":"pong","id":{id}}}"#),
            "echoed raw"
        );
    }
    assert!(decode(r#"{"type":"ping","id":null}"#).unwrap().id.is_none());
    for id in ["[1]", "{}", "true", &format!("\"{}\"", "x".repeat(200))] {
        assert_eq!(refusal(&format!(r#"{{"type":"ping","id":{id}}}"#)).0, ErrorCode::Invalid);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let room = r#""room":"session:01890a5d-ac96-774b-bcce-b302099a8057""#;
    let cases = [
        ("", "not a JSON object: it ends too early (line 1, column 0)"),
        ("hello", "not a JSON object: syntax error (line 1, column 1)"),
        ("\"hello\"", "not a JSON object: an object with each field once is expected (line 1, column 7)"),
        (r#"{"type":"ping"} x"#, "not a JSON object: syntax error (line 1, column 17)"),
        (r#"{"id":1}"#, "missing field `type`"),
        (r#"{"type":7}"#, "`type` must be a string"),
        (r#"{"type":"shout"}"#, r#"unknown type "shout""#),
        (r#"{"type":"join"}"#, "missing field `room`"),
        (
            r#"{"type":"join","room":"kitchen"}"#,
            "`room` must be session:, user:, booking:, project:, conversation:, entry:, simulation: or recorder: with a UUID, \
             market: with a category, metrics or admin",
        ),
        (
            &format!(r#"{{"type":"join",{room},"since":-1}}"#),
            "`since` must be a position: a whole number, 0 or more",
        ),
        (&format!(r#"{{"type":"chat_message",{room},"client_msg_id":"a"}}"#), "missing field `text`"),
        (&format!(r#"{{"type":"read",{room}}}"#), "missing field `seq`"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text).1, expected, "{text}");
    }
}

#[test]
fn a_refusal_keeps_the_id_of_the_request_it_refuses() {
    let wrong = decode(r#"{"type":"join","id":"q7"}"#).unwrap_err();
    assert_eq!(format!("{:?}", wrong.id.unwrap()), r#""q7""#);
}

#[test]
fn input_is_not_repeated_to_where_it_could_be_logged() {
    let secret = "s3cret".repeat(4_000);
    for text in [
        format!(r#"{{"type":"refresh","token":["{secret}"]}}"#),
        format!(r#"{{"type":"{secret}"}}"#),
        format!(r#"["{secret}"]"#),
    ] {
        assert!(refusal(&text).1.len() < 200);
    }
    assert_eq!(format!("{:?}", command(r#"{"type":"refresh","token":"s3cret"}"#)), "Refresh { token: *** }");
}

#[test]
fn notices_are_written_as_contracted() {
    let at = Timestamp::from_seconds(1_700_000_000).unwrap();
    let by: UserId = USER.parse().unwrap();
    let event = Event {
        room: "admin".parse().unwrap(),
        seq: Seq(3),
        kind: Arc::from("message.sent"),
        data: RawValue::from_string(r#"{"text": "hi"}"#.to_owned()).unwrap().into(),
        by: Some(by),
        at,
    };
    let event_json = format!(
        r#""room":"admin","seq":3,"kind":"message.sent","data":{{"text": "hi"}},"by":"{USER}","at":"2023-11-14T22:13:20.000000Z""#
    );
    let id = decode(r#"{"type":"ping","id":9}"#).unwrap().id;
    let room = Room::Admin;
    let cases = [
        (Notice::Event(event.clone()), format!(r#"{{"type":"event",{event_json}}}"#)),
        (
            Notice::Presence { room: room.clone(), change: PresenceChange::Joined(by) },
            format!(r#"{{"type":"presence","room":"admin","joined":"{USER}"}}"#),
        ),
        (
            Notice::Typing { room: room.clone(), by },
            format!(r#"{{"type":"typing","room":"admin","by":"{USER}"}}"#),
        ),
        (
            Notice::SimulationProgress {
                simulation_id: USER.parse().unwrap(),
                done: 16,
                total: 100,
                estimates: Some(PartialEstimates {
                    bookings: Interval { value: 1.5, low: 1.0, high: 2.0 },
                    revenue: Interval { value: 15.0, low: 10.0, high: 20.0 },
                }),
            },
            format!(
                r#"{{"type":"simulation.progress","simulation_id":"{USER}","done":16,"total":100,"bookings":{{"value":1.5,"low":1.0,"high":2.0}},"revenue":{{"value":15.0,"low":10.0,"high":20.0}}}}"#
            ),
        ),
        (
            Notice::Ack {
                id: id.clone(),
                body: AckBody::Simulating { simulation_id: USER.parse().unwrap(), room: room.clone() },
            },
            format!(r#"{{"type":"ack","id":9,"simulation_id":"{USER}","room":"admin"}}"#),
        ),
        (
            Notice::Frames(Box::new(RecordedFrames {
                connection_id: USER.parse().unwrap(),
                is_live: true,
                dropped: 2,
                frames: vec![RecordedFrame {
                    number: 3,
                    at,
                    direction: Direction::Out,
                    kind: "ack",
                    room: Some("entry".to_owned()),
                    seq: Some(Seq(7)),
                    bytes: 90,
                    latency_us: Some(850),
                }],
            })),
            format!(
                r#"{{"type":"frames","connection_id":"{USER}","is_live":true,"dropped":2,"frames":[{{"number":3,"at":"2023-11-14T22:13:20.000000Z","direction":"out","kind":"ack","room":"entry","seq":7,"bytes":90,"latency_us":850}}]}}"#
            ),
        ),
        (Notice::Ack { id: id.clone(), body: AckBody::Done {} }, r#"{"type":"ack","id":9}"#.to_owned()),
        (
            Notice::Ack {
                id: id.clone(),
                body: AckBody::Joined(Joined {
                    room: room.clone(),
                    head: Seq(3),
                    recovered: true,
                    events: Some(vec![event]),
                }),
            },
            format!(
                r#"{{"type":"ack","id":9,"room":"admin","head":3,"recovered":true,"events":[{{{event_json}}}]}}"#
            ),
        ),
        (
            Notice::Ack {
                id: None,
                body: AckBody::Joined(Joined { room, head: Seq(0), recovered: false, events: None }),
            },
            r#"{"type":"ack","room":"admin","head":0,"recovered":false}"#.to_owned(),
        ),
        (
            Notice::Error {
                id,
                code: ErrorCode::RateLimited,
                message: "slower".into(),
                retry_after: Some(1),
            },
            r#"{"type":"error","id":9,"code":"rate_limited","message":"slower","retry_after":1}"#.to_owned(),
        ),
        (
            Notice::Disconnecting {
                reason: "server_restarting",
                message: "the server restarts",
                reconnect_in_ms: Some(250),
            },
            r#"{"type":"disconnecting","reason":"server_restarting","reconnect_in_ms":250}"#.to_owned(),
        ),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(notice), expected);
    }
}

#[test]
fn a_reflection_is_told_as_contracted() {
    let (entry_id, reflection_id) = (USER.parse().unwrap(), USER.parse().unwrap());
    let of = format!(r#""entry_id":"{USER}""#);
    let cases = [
        (
            Notice::ReflectionStarted { entry_id, reflection_id },
            format!(r#"{{"type":"start",{of},"reflection_id":"{USER}"}}"#),
        ),
        (Notice::ReflectionWaiting { entry_id, place: 2 }, format!(r#"{{"type":"waiting",{of},"place":2}}"#)),
        (
            Notice::ReflectionChunk { entry_id, text: "hi".into() },
            format!(r#"{{"type":"chunk",{of},"text":"hi"}}"#),
        ),
        (
            Notice::ReflectionDone { entry_id, reflection_id },
            format!(r#"{{"type":"done",{of},"reflection_id":"{USER}"}}"#),
        ),
        (
            Notice::ReflectionFailed {
                entry_id,
                code: "generator_busy",
                message: "busy",
                retry_after: Some(3),
            },
            format!(r#"{{"type":"error",{of},"code":"generator_busy","message":"busy","retry_after":3}}"#),
        ),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(notice), expected);
    }
}

#[test]
fn an_answer_is_told_as_contracted() {
    let id = USER.parse().unwrap();
    let answer = AnswerIds {
        conversation_id: id,
        message_id: USER.parse().unwrap(),
        answers_to: USER.parse().unwrap(),
    };
    let of = format!(r#""conversation_id":"{USER}","message_id":"{USER}","answers_to":"{USER}""#);
    let cases = [
        (Notice::AnswerStarted { answer }, format!(r#"{{"type":"answer.start",{of}}}"#)),
        (
            Notice::AnswerWaiting { answer, place: 2 },
            format!(r#"{{"type":"answer.waiting",{of},"place":2}}"#),
        ),
        (
            Notice::AnswerChunk { answer, text: "hi".into() },
            format!(r#"{{"type":"answer.chunk",{of},"text":"hi"}}"#),
        ),
        (Notice::AnswerDone { answer, seq: Seq(2) }, format!(r#"{{"type":"answer.done",{of},"seq":2}}"#)),
        (
            Notice::AnswerFailed {
                answer,
                failure: TextFailure { code: "generator_busy", message: "busy".into(), retry_after: Some(3) },
            },
            format!(
                r#"{{"type":"answer.error",{of},"code":"generator_busy","message":"busy","retry_after":3}}"#
            ),
        ),
        (
            Notice::Ack {
                id: None,
                body: AckBody::Conversation { conversation_id: id, room: Room::Conversation(id), version: 1 },
            },
            format!(
                r#"{{"type":"ack","conversation_id":"{USER}","room":"conversation:{USER}","version":1}}"#
            ),
        ),
        (
            Notice::MasterplanFailed {
                conversation_id: id,
                masterplan_id: USER.parse().unwrap(),
                failure: TextFailure { code: "plan_invalid", message: "no plan".into(), retry_after: None },
            },
            format!(
                r#"{{"type":"masterplan.error","conversation_id":"{USER}","masterplan_id":"{USER}","code":"plan_invalid","message":"no plan"}}"#
            ),
        ),
        (
            Notice::Ack { id: None, body: AckBody::Renamed { version: 2 } },
            r#"{"type":"ack","version":2}"#.to_owned(),
        ),
        (Notice::Ack { id: None, body: AckBody::Answering { answer } }, format!(r#"{{"type":"ack",{of}}}"#)),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(notice), expected);
    }
}

#[test]
fn an_encoded_notice_is_a_whole_frame() {
    let frame = encode(Dialect::Json, &Notice::Pong { id: None });
    assert_eq!(&frame[..], b"\x81\x0f{\"type\":\"pong\"}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = decode(&text);
    }

    #[test]
    fn nothing_that_looks_like_a_request_makes_the_parser_panic(
        kind in "(join|leave|chat_message|typing|signal|read|history|presence|refresh|ping|[a-zé]{0,40})",
        field in "(room|since|text|client_msg_id|seq|before|limit|token|id|type)",
        value in r#"(null|true|-?[0-9]{1,30}(\.[0-9]+)?|"[^"\\]{0,80}"|"\\u[0-9a-f]{4}"|\[{0,300}|\{"a":1\})"#,
        room in "(session|user|market|admin|x):[0-9a-z-]{0,36}",
    ) {
        let _ = decode(&format!(r#"{{"type":"{kind}","room":"{room}","{field}":{value}}}"#));
        let _ = decode(&format!(r#"{{"type":"{kind}","{field}":{value}}}"#));
    }
}
