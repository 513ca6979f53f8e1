use proptest::prelude::*;

use crate::clock::Timestamp;
use crate::ids::{Room, Seq, UserId};
use crate::protocol::{
    AckBody, AnswerIds, Command, Correlation, ErrorCode, Established, Event, Joined, Limits, Notice,
    PresenceChange, TextFailure, TokenClaims, WantedPlan,
};
use crate::secret::Secret;

use super::packet::PacketError;
use super::*;

const LIMITS: PacketLimits = PacketLimits { attachments: 3, bytes: 400 };
const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn read(text: &str) -> Result<(Packet, usize), PacketError> {
    Packet::read(text, LIMITS)
}

fn packet(kind: Kind, namespace: &str, id: Option<u64>, data: &str) -> Packet {
    Packet { kind, namespace: namespace.into(), id, data: data.into(), attachments: Vec::new() }
}

#[test]
fn packets_are_read_as_the_protocol_has_them() {
    use Kind::{Ack, Connect, Disconnect, Event};
    let cases = [
        ("0", packet(Connect, "/", None, ""), 0),
        (r#"0{"token":"123"}"#, packet(Connect, "/", None, r#"{"token":"123"}"#), 0),
        ("0/admin,", packet(Connect, "/admin", None, ""), 0),
        ("0/admin", packet(Connect, "/admin", None, ""), 0),
        (r#"0/admin?a=b,{"token":"1"}"#, packet(Connect, "/admin", None, r#"{"token":"1"}"#), 0),
        (r#"2["foo"]"#, packet(Event, "/", None, r#"["foo"]"#), 0),
        (r#"2/admin,["bar"]"#, packet(Event, "/admin", None, r#"["bar"]"#), 0),
        (r#"212["foo"]"#, packet(Event, "/", Some(12), r#"["foo"]"#), 0),
        (r#"3/admin,13["bar"]"#, packet(Ack, "/admin", Some(13), r#"["bar"]"#), 0),
        ("312[]", packet(Ack, "/", Some(12), "[]"), 0),
        (
            r#"51-/admin,14["baz",{"_placeholder":true,"num":0}]"#,
            packet(Event, "/admin", Some(14), r#"["baz",{"_placeholder":true,"num":0}]"#),
            1,
        ),
        (
            r#"61-15[{"_placeholder":true,"num":0}]"#,
            packet(Ack, "/", Some(15), r#"[{"_placeholder":true,"num":0}]"#),
            1,
        ),
        ("1", packet(Disconnect, "/", None, ""), 0),
        ("1/admin,", packet(Disconnect, "/admin", None, ""), 0),
    ];
    for (text, packet, attachments) in cases {
        assert_eq!(read(text), Ok((packet, attachments)), "{text}");
    }
}

#[test]
fn hostile_packets_are_refused() {
    let deep = format!("2[\"a\",{}]", "[".repeat(300));
    let nested = format!(r#"51-["a",{}{}]"#, "[".repeat(190), "]".repeat(190));
    let long = format!("0/{},", "x".repeat(200));
    let large = format!(r#"2["{}"]"#, "x".repeat(400));
    let cases = [
        ("", PacketError::Type),
        ("é", PacketError::Type),
        ("7", PacketError::Type),
        (r#"4{"message":"only servers say so"}"#, PacketError::Type),
        ("abc", PacketError::Type),
        // Counts of attachments.
        (r#"5["a"]"#, PacketError::Attachments),
        (r#"5-["a"]"#, PacketError::Attachments),
        (r#"5999999999-["a"]"#, PacketError::Attachments),
        (r#"599999999999999999999999-["a"]"#, PacketError::Attachments),
        (r#"54-["a"]"#, PacketError::Attachments),
        (r#"5-1-["a"]"#, PacketError::Attachments),
        (r#"51.5-["a"]"#, PacketError::Attachments),
        // Placeholders.
        (r#"51-["a",{"_placeholder":true,"num":1}]"#, PacketError::Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":-1}]"#, PacketError::Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":"splice"}]"#, PacketError::Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":0.5}]"#, PacketError::Placeholder),
        (r#"51-["a",{"_placeholder":true}]"#, PacketError::Placeholder),
        (r#"52-["a",[{"b":{"_placeholder":true,"num":2}}]]"#, PacketError::Placeholder),
        // Event names.
        ("2[]", PacketError::Data),
        ("2[1]", PacketError::Data),
        ("2[null]", PacketError::Data),
        (r#"2[{"toString":"hasOwnProperty"}]"#, PacketError::Data),
        (r#"2["connect"]"#, PacketError::Data),
        (r#"2["disconnecting"]"#, PacketError::Data),
        (r#"2["newListener"]"#, PacketError::Data),
        (r#"51-[{"_placeholder":true,"num":0}]"#, PacketError::Data),
        // Payloads.
        ("2", PacketError::Data),
        ("2{}", PacketError::Data),
        (r#"2abc["a"]"#, PacketError::Data),
        (r#"2["a"]x"#, PacketError::Data),
        (r#"0"text""#, PacketError::Data),
        ("0[1]", PacketError::Data),
        ("0null", PacketError::Data),
        ("1{}", PacketError::Data),
        ("3[]", PacketError::Id),
        (r#"29999999999999999999["a"]"#, PacketError::Id),
        ("012{}", PacketError::Id),
        (&deep, PacketError::Data),
        (&nested, PacketError::Data),
        (&long, PacketError::Namespace),
        (&large, PacketError::Large),
    ];
    for (text, bad) in cases {
        assert_eq!(read(text), Err(bad), "{text}");
    }
}

#[test]
fn attachments_follow_their_packet_and_nothing_else_does() {
    let announced = r#"52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(assembler.text(announced), Ok(None));
    assert_eq!(assembler.binary(vec![1]), Ok(None));
    let packet = assembler.binary(vec![2]).unwrap().unwrap();
    assert_eq!(packet.attachments, [vec![1], vec![2]]);
    assert_eq!(assembler.binary(vec![3]), Err(PacketError::Turn), "an attachment of nothing");
    assert_eq!(assembler.text(announced), Ok(None));
    assert_eq!(assembler.text(r#"2["b"]"#), Err(PacketError::Turn), "a packet between attachments");
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(assembler.text(announced), Ok(None));
    assert_eq!(assembler.binary(vec![0; 200]), Ok(None));
    assert_eq!(assembler.binary(vec![0; 200]), Err(PacketError::Large), "their sum counts");
    assert!(Assembler::new(LIMITS).text(r#"50-["a"]"#).unwrap().is_some(), "none need follow");
}

#[test]
fn events_are_commands() {
    let room = || Room::Session(USER.parse().unwrap());
    let cases = [
        (
            format!(r#"["join_session",{{"session_id":"{USER}","since":4}}]"#),
            Command::Join { room: room(), since: Some(Seq(4)) },
        ),
        (format!(r#"["leave_session",{{"session_id":"{USER}"}}]"#), Command::Leave { room: room() }),
        (
            format!(r#"["chat_message",{{"session_id":"{USER}","text":"hi"}}]"#),
            Command::ChatMessage { room: room(), text: Secret::new("hi".into()), client_msg_id: None },
        ),
        (
            format!(r#"["chat_message",{{"session_id":"{USER}","text":"hi","client_msg_id":"m1"}},"more"]"#),
            Command::ChatMessage {
                room: room(),
                text: Secret::new("hi".into()),
                client_msg_id: Some("m1".into()),
            },
        ),
        (format!(r#"["typing",{{"session_id":"{USER}"}}]"#), Command::Typing { room: room() }),
        (
            r#"["room:join",{"room":"admin","since":null}]"#.into(),
            Command::Join { room: Room::Admin, since: None },
        ),
        (r#"["room:leave",{"room":"admin"}]"#.into(), Command::Leave { room: Room::Admin }),
        (r#"["presence",{"room":"admin"}]"#.into(), Command::Presence { room: Room::Admin }),
        (
            r#"["history",{"room":"admin","limit":3}]"#.into(),
            Command::History { room: Room::Admin, before: None, limit: Some(3) },
        ),
        (r#"["refresh",{"token":"t"}]"#.into(), Command::Refresh { token: Secret::new("t".into()) }),
        (format!(r#"["reflect",{{"entry_id":"{USER}"}}]"#), Command::Reflect { entry: USER.parse().ok() }),
        (r#"["regenerate",{"entry_id":null}]"#.into(), Command::Regenerate { entry: None }),
        (r#"["cancel"]"#.into(), Command::Cancel { entry: None }),
        (
            format!(r#"["chat_message",{{"conversation_id":"{USER}","text":"hi"}}]"#),
            Command::ChatMessage {
                room: Room::Conversation(USER.parse().unwrap()),
                text: Secret::new("hi".into()),
                client_msg_id: None,
            },
        ),
        (r#"["create_conversation"]"#.into(), Command::CreateConversation { title: None }),
        (
            format!(r#"["rename_conversation",{{"conversation_id":"{USER}","title":"hi"}}]"#),
            Command::RenameConversation {
                conversation: USER.parse().unwrap(),
                title: Secret::new("hi".into()),
                version: None,
            },
        ),
        (
            format!(r#"["delete_conversation",{{"conversation_id":"{USER}","version":2}}]"#),
            Command::DeleteConversation { conversation: USER.parse().unwrap(), version: Some(2) },
        ),
        (
            format!(r#"["answer",{{"conversation_id":"{USER}"}}]"#),
            Command::Answer { conversation: USER.parse().unwrap() },
        ),
        (
            format!(
                r#"["masterplan",{{"conversation_id":"{USER}","category":"plumbing","title":"hi","text":"ho"}}]"#
            ),
            Command::Masterplan(WantedPlan {
                conversation: USER.parse().unwrap(),
                request: None,
                category: Some("plumbing".into()),
                title: Secret::new("hi".into()),
                text: Secret::new("ho".into()),
            }),
        ),
        (
            format!(r#"["cancel",{{"conversation_id":"{USER}"}}]"#),
            Command::CancelAnswer { conversation: USER.parse().unwrap() },
        ),
        (r#"["whoami"]"#.into(), Command::Whoami),
        (r#"["ping"]"#.into(), Command::Ping),
        (r#"["ping",{"__proto__":{"admin":true},"constructor":1}]"#.into(), Command::Ping),
    ];
    for (text, command) in cases {
        let request = read_event(&text).unwrap();
        assert_eq!((request.command, request.id.is_none()), (command, true), "{text}");
    }
    assert_eq!(read_event(r#"17["ping"]"#).unwrap().id.unwrap().as_str(), "17");
}

#[test]
fn events_that_are_no_commands_say_why() {
    let cases = [
        (r#"["dance"]"#, ErrorCode::UnknownType, "unknown type \"dance\""),
        (r#"["join",{"room":"admin"}]"#, ErrorCode::UnknownType, "unknown event; `room:join` is meant"),
        (r#"["join_session"]"#, ErrorCode::Invalid, "missing field `session_id`"),
        (
            r#"["chat_message",{"text":"Hi"}]"#,
            ErrorCode::Invalid,
            "missing field `session_id` or `conversation_id`",
        ),
        (
            r#"["join_session",{"session_id":{"_placeholder":true,"num":0}}]"#,
            ErrorCode::Invalid,
            "`session_id` must be a string",
        ),
        (r#"["join_session",{"session_id":"x"}]"#, ErrorCode::Invalid, "`session_id` must be a UUID"),
        (r#"["typing","session"]"#, ErrorCode::Invalid, "an event carries one object, with each field once"),
    ];
    for (text, code, message) in cases {
        let malformed = read_event(&format!("5{text}")).unwrap_err();
        assert_eq!((malformed.code, malformed.message.as_str()), (code, message), "{text}");
        assert_eq!(malformed.id.unwrap().as_str(), "5");
    }
}

/// The packets of a notice, without their frame headers.
fn written(namespace: Namespace, notice: &Notice) -> Vec<String> {
    let payload = crate::protocol::engineio::from_frames(&write(namespace, notice));
    String::from_utf8(payload).unwrap().split('\u{1e}').map(str::to_owned).collect()
}

fn event(kind: &str, room: Room) -> Event {
    Event {
        room,
        seq: Seq(3),
        kind: kind.into(),
        data: serde_json::value::RawValue::from_string(r#"{"id":"m","text":"hi"}"#.into()).unwrap().into(),
        by: Some(USER.parse().unwrap()),
        at: Timestamp::from_seconds(1_700_000_000).unwrap(),
    }
}

#[test]
fn an_answer_is_told_by_events_of_its_own() {
    let (conversation_id, message_id) = (USER.parse().unwrap(), USER.parse().unwrap());
    let answer = AnswerIds { conversation_id, message_id, answers_to: message_id };
    let of = format!(r#""conversation_id":"{USER}","message_id":"{USER}","answers_to":"{USER}""#);
    let cases = [
        (Notice::AnswerStarted { answer }, format!(r#"42["answer.start",{{{of}}}]"#)),
        (Notice::AnswerWaiting { answer, place: 2 }, format!(r#"42["answer.waiting",{{{of},"place":2}}]"#)),
        (
            Notice::AnswerChunk { answer, text: "hi".into() },
            format!(r#"42["answer.chunk",{{{of},"text":"hi"}}]"#),
        ),
        (Notice::AnswerDone { answer, seq: Seq(2) }, format!(r#"42["answer.done",{{{of},"seq":2}}]"#)),
        (
            Notice::AnswerFailed {
                answer,
                failure: TextFailure { code: "generator_cut", message: "cut".into(), retry_after: None },
            },
            format!(r#"42["answer.error",{{{of},"code":"generator_cut","message":"cut"}}]"#),
        ),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(Namespace::Main, &notice), [expected]);
    }
    let said = event("message.sent", Room::Conversation(conversation_id));
    let [said] = written(Namespace::Main, &Notice::Event(said)).try_into().unwrap();
    assert!(
        said.starts_with(r#"42["chat_message",{"#) && said.ends_with(r#""id":"m","text":"hi"}]"#),
        "{said}"
    );
}

#[test]
fn a_reflection_is_told_by_events_of_its_own() {
    let (entry_id, reflection_id) = (USER.parse().unwrap(), USER.parse().unwrap());
    let cases = [
        (
            Notice::ReflectionStarted { entry_id, reflection_id },
            format!(r#"42["reflection.start",{{"entry_id":"{USER}","reflection_id":"{USER}"}}]"#),
        ),
        (
            Notice::ReflectionWaiting { entry_id, place: 2 },
            format!(r#"42["reflection.waiting",{{"entry_id":"{USER}","place":2}}]"#),
        ),
        (
            Notice::ReflectionChunk { entry_id, text: "hi".into() },
            format!(r#"42["reflection.chunk",{{"entry_id":"{USER}","text":"hi"}}]"#),
        ),
        (
            Notice::ReflectionDone { entry_id, reflection_id },
            format!(r#"42["reflection.done",{{"entry_id":"{USER}","reflection_id":"{USER}"}}]"#),
        ),
        (
            Notice::ReflectionFailed { entry_id, code: "generator_cut", message: "cut", retry_after: None },
            format!(
                r#"42["reflection.error",{{"entry_id":"{USER}","code":"generator_cut","message":"cut"}}]"#
            ),
        ),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(Namespace::Main, &notice), [expected]);
    }
}

#[test]
fn notices_are_events_and_acknowledgements() {
    let (session, by): (Room, UserId) = (Room::Session(USER.parse().unwrap()), USER.parse().unwrap());
    let id = Correlation::number(7);
    let at = "2023-11-14T22:13:20.000000Z";
    let cases: [(Notice, Vec<String>); 8] = [
        (
            Notice::Event(event("message.sent", session.clone())),
            vec![format!(
                r#"42["chat_message",{{"at":"{at}","by":"{USER}","room":"session:{USER}","seq":3,"id":"m","text":"hi"}}]"#
            )],
        ),
        (
            Notice::Event(event("offer.accepted", Room::Admin)),
            vec![format!(
                r#"42["event",{{"room":"admin","seq":3,"kind":"offer.accepted","data":{{"id":"m","text":"hi"}},"by":"{USER}","at":"{at}"}}]"#
            )],
        ),
        (
            Notice::Presence { room: Room::Admin, change: PresenceChange::Left(by) },
            vec![format!(r#"42["presence",{{"room":"admin","left":"{USER}"}}]"#)],
        ),
        (Notice::Ack { id: id.clone(), body: AckBody::Done {} }, vec![r#"437[{"ok":true}]"#.into()]),
        (Notice::Pong { id: id.clone() }, vec![r#"437[{"ok":true}]"#.into()]),
        (
            Notice::Ack {
                id: id.clone(),
                body: AckBody::Joined(Joined {
                    room: session,
                    head: Seq(3),
                    recovered: true,
                    events: Some(Vec::new()),
                }),
            },
            vec![
                format!(
                    r#"437[{{"ok":true,"room":"session:{USER}","head":3,"recovered":true,"events":[]}}]"#
                ),
                format!(
                    r#"42["session_joined",{{"session_id":"{USER}","room":"session:{USER}","head":3,"recovered":true}}]"#
                ),
            ],
        ),
        (
            Notice::Error { id, code: ErrorCode::Forbidden, message: "no".into(), retry_after: None },
            vec![
                r#"437[{"ok":false,"error":{"code":"forbidden","message":"no"}}]"#.into(),
                r#"42["error",{"code":"forbidden","message":"no"}]"#.into(),
            ],
        ),
        (
            Notice::Disconnecting {
                reason: "token_expired",
                message: "token expired",
                reconnect_in_ms: None,
            },
            vec![r#"42["error",{"code":"token_expired","message":"token expired"}]"#.into()],
        ),
    ];
    for (notice, expected) in cases {
        assert_eq!(written(Namespace::Main, &notice), expected);
    }
    let pong = Notice::Pong { id: Correlation::number(8) };
    assert_eq!(written(Namespace::Admin, &pong), [r#"43/admin,8[{"ok":true}]"#]);
}

#[test]
fn a_session_begins_with_the_data_that_older_clients_read() {
    let (at, user): (_, UserId) = (Timestamp::from_seconds(1_700_000_000).unwrap(), USER.parse().unwrap());
    let notice = Notice::ConnectionEstablished(Box::new(Established {
        session_id: USER.parse().unwrap(),
        user_id: user,
        user_email: "ana@example.test".into(),
        role: "consumer",
        plan: "free",
        expires_at: at,
        heartbeat_s: 25,
        timestamp: at,
        limits: Limits {
            connections: 1,
            messages_per_second: 2,
            rooms: 3,
            simulations: 4,
            simulations_per_day: 5,
            simulation_runs: 6,
            simulation_steps: 7,
            generations: 8,
            messages_per_day: 9,
            plans_per_day: 10,
            generated_characters_per_day: 11,
        },
        board: None,
        token: TokenClaims { jti: "t".into(), sid: None, iss: None },
    }));
    let [packet] = written(Namespace::Main, &notice).try_into().unwrap();
    let (name, data): (String, serde_json::Value) = serde_json::from_str(&packet[2..]).unwrap();
    assert_eq!(name, "connection_established");
    assert_eq!((&data["user_id"], &data["email"]), (&USER.into(), &"ana@example.test".into()));
    assert_eq!((&data["role"], &data["authenticated"]), (&"consumer".into(), &true.into()));
    assert_eq!((&data["token_data"]["sub"], &data["token_data"]["jti"]), (&USER.into(), &"t".into()));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = read(&text);
        let _ = read_event(&text);
    }

    #[test]
    fn nothing_that_looks_like_a_packet_makes_the_reader_panic(
        text in r#"[0-6é]([0-9]{0,3}-)?(/[a-zé]{0,5},?)?[0-9]{0,20}[\[{]?("[a-zé]{0,9}"|\{"_placeholder":(true|1),"num":-?[0-9]{1,3}\}|,|[0-9]){0,5}[\]}]?"#,
        attached in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5),
    ) {
        let mut assembler = Assembler::new(LIMITS);
        let mut taken = assembler.text(&text);
        for bytes in attached {
            taken = assembler.binary(bytes);
        }
        if let Ok(Some(packet)) = taken {
            let _ = read_event(&without_namespace(&packet));
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        kind in prop_oneof![Just(Kind::Event), Just(Kind::Ack)],
        namespace in "/[a-z]{0,9}",
        number in 0..1_u64 << 53,
        text in "[^\u{1e}]{0,20}",
        attachments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..3),
    ) {
        let places = (0..attachments.len()).map(|num| format!(r#",{{"_placeholder":true,"num":{num}}}"#));
        let data = format!(r#"["x",{}{}]"#, serde_json::to_string(&text).unwrap(), places.collect::<String>());
        let attachments = attachments.into_iter().map(bytes::Bytes::from).collect();
        let packet = Packet { kind, namespace, id: Some(number), data, attachments };
        let mut assembler = Assembler::new(LIMITS);
        let mut read = None;
        for content in crate::protocol::frame::messages(&packet.frames()) {
            read = match content {
                crate::protocol::frame::Content::Text(text) => {
                    assembler.text(std::str::from_utf8(&text[1..]).unwrap()).unwrap()
                }
                crate::protocol::frame::Content::Binary(bytes) => assembler.binary(bytes.to_vec()).unwrap(),
            };
        }
        prop_assert_eq!(read, Some(packet));
    }
}
