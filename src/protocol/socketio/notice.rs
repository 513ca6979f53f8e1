//! Encodes notices as events and acknowledgements.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::{ConversationId, EntryId, MasterplanId, MessageId, Room, Seq, SimulationId, UserId};
use crate::protocol::{
    AckBody, AnswerIds, Correlation, ErrorCode, Established, Event, Joined, Notice, PartialEstimates,
    SignalData, TaskFocus, TextFailure, Topic, frame,
};

use super::Namespace;

/// The event kind of chat messages in the log.
const MESSAGE_SENT: &str = "message.sent";

/// The frames of a notice: usually one; some answers are an event beside the acknowledgement.
pub(in crate::protocol) fn write(namespace: Namespace, notice: &Notice) -> Bytes {
    let to = Writer(namespace);
    match notice {
        Notice::ConnectionEstablished(who) => to.event("connection_established", &established(who)),
        Notice::Event(event) => to.room_event(event),
        Notice::Presence { room, change } => {
            #[derive(Serialize)]
            struct Presence<'a> {
                room: &'a Room,
                #[serde(flatten)]
                change: &'a crate::protocol::PresenceChange,
            }
            to.event("presence", &Presence { room, change })
        }
        Notice::Typing { room, by } => {
            to.event("typing", &serde_json::json!({ "room": room, "session_id": session_of(room), "by": by }))
        }
        Notice::Signal { room, by, topic, data } => {
            #[derive(Serialize)]
            struct Signal<'a> {
                room: &'a Room,
                session_id: Option<String>,
                by: &'a UserId,
                topic: &'a Topic,
                data: &'a SignalData,
            }
            to.event("signal", &Signal { room, session_id: session_of(room), by, topic, data })
        }
        Notice::Ack { id, body } => to.answer(id.as_ref(), body),
        Notice::Error { id, code, message, retry_after } => {
            let error =
                Failure { code: code.name(), message, retry_after: *retry_after, reconnect_in_ms: None };
            let event = to.event("error", &error);
            match id {
                Some(id) => [to.ack(id, &Refused { ok: false, error }), event].concat().into(),
                None => event,
            }
        }
        Notice::Conflict { id, code, message, current } => {
            let failure = Failure { code: code.name(), message, retry_after: None, reconnect_in_ms: None };
            let error = Conflict { failure, current };
            let event = to.event("error", &error);
            match id {
                Some(id) => [to.ack(id, &Refused { ok: false, error }), event].concat().into(),
                None => event,
            }
        }
        Notice::ReflectionStarted { entry_id, reflection_id }
        | Notice::ReflectionDone { entry_id, reflection_id } => to.event(
            notice.name(),
            &serde_json::json!({ "entry_id": entry_id, "reflection_id": reflection_id }),
        ),
        Notice::ReflectionWaiting { entry_id, place } => {
            to.event(notice.name(), &serde_json::json!({ "entry_id": entry_id, "place": place }))
        }
        Notice::ReflectionChunk { entry_id, text } => {
            to.event(notice.name(), &serde_json::json!({ "entry_id": entry_id, "text": text }))
        }
        Notice::ReflectionFailed { entry_id, code, message, retry_after } => {
            #[derive(Serialize)]
            struct Failed<'a> {
                entry_id: &'a EntryId,
                #[serde(flatten)]
                failure: Failure<'a>,
            }
            let failure = Failure { code, message, retry_after: *retry_after, reconnect_in_ms: None };
            to.event(notice.name(), &Failed { entry_id, failure })
        }
        Notice::SimulationProgress { simulation_id, done, total, estimates } => {
            #[derive(Serialize)]
            struct Progress<'a> {
                simulation_id: &'a SimulationId,
                done: u32,
                total: u32,
                #[serde(flatten)]
                estimates: &'a Option<PartialEstimates>,
            }
            to.event(notice.name(), &Progress { simulation_id, done: *done, total: *total, estimates })
        }
        Notice::AnswerStarted { answer } => to.event(notice.name(), answer),
        Notice::AnswerWaiting { answer, place } => {
            to.event(notice.name(), &OfAnswer { answer, of: Place { place } })
        }
        Notice::AnswerChunk { answer, text } => {
            to.event(notice.name(), &OfAnswer { answer, of: Chunk { text } })
        }
        Notice::AnswerDone { answer, seq } => to.event(notice.name(), &OfAnswer { answer, of: At { seq } }),
        Notice::AnswerFailed { answer, failure } => {
            to.event(notice.name(), &OfAnswer { answer, of: failure })
        }
        Notice::MasterplanFailed { conversation_id, masterplan_id, failure } => {
            to.event(notice.name(), &OfMasterplan { conversation_id, masterplan_id, failure })
        }
        Notice::Focus { room, focus } => {
            #[derive(Serialize)]
            struct Focus<'a> {
                room: &'a Room,
                #[serde(flatten)]
                focus: &'a TaskFocus,
            }
            to.event(notice.name(), &Focus { room, focus })
        }
        Notice::ClientJoined(client) | Notice::ClientLeft(client) => to.event(notice.name(), client),
        Notice::Metrics(snapshot) => to.event(notice.name(), snapshot),
        Notice::Frames(frames) => to.event(notice.name(), frames),
        Notice::TokenExpiring { expires_at } => {
            to.event("token_expiring", &serde_json::json!({ "expires_at": expires_at }))
        }
        // Client libraries reserve the event name `disconnecting`: receiving it as a packet is an error.
        Notice::Disconnecting { reason, message, reconnect_in_ms } => to.event(
            "error",
            &Failure { code: reason, message, retry_after: None, reconnect_in_ms: *reconnect_in_ms },
        ),
        Notice::Pong { id: Some(id) } => to.ack(id, &Done { ok: true, body: &AckBody::Done {} }),
        Notice::Pong { id: None } => to.event("pong", &serde_json::json!({})),
    }
}

#[derive(Serialize)]
struct Done<'a> {
    ok: bool,
    #[serde(flatten)]
    body: &'a AckBody,
}

#[derive(Serialize)]
struct Sent<'a> {
    ok: bool,
    id: MessageId,
    #[serde(flatten)]
    body: &'a AckBody,
}

/// For a client that named no conversation: which one it has joined.
#[derive(Serialize)]
struct ChatJoined<'a> {
    ok: bool,
    conversation_id: ConversationId,
    #[serde(flatten)]
    body: &'a AckBody,
}

#[derive(Serialize)]
struct Refused<E> {
    ok: bool,
    error: E,
}

/// A refusal with what was to be changed, as it is now.
#[derive(Serialize)]
struct Conflict<'a> {
    #[serde(flatten)]
    failure: Failure<'a>,
    current: &'a RawValue,
}

/// What is said of an answer.
#[derive(Serialize)]
struct OfAnswer<'a, T> {
    #[serde(flatten)]
    answer: &'a AnswerIds,
    #[serde(flatten)]
    of: T,
}

#[derive(Serialize)]
struct OfMasterplan<'a> {
    conversation_id: &'a ConversationId,
    masterplan_id: &'a MasterplanId,
    #[serde(flatten)]
    failure: &'a TextFailure,
}

#[derive(Serialize)]
struct Place<'a> {
    place: &'a usize,
}

#[derive(Serialize)]
struct Chunk<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct At<'a> {
    seq: &'a Seq,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect_in_ms: Option<u64>,
}

/// The session's data under the names that older clients use, beside those of every dialect.
fn established(who: &Established) -> serde_json::Value {
    let Established { user_id, user_email, role, plan, expires_at, token, .. } = who;
    let mut data = serde_json::to_value(who).unwrap_or_default();
    if let Some(data) = data.as_object_mut() {
        data.insert("email".into(), serde_json::json!(user_email));
        data.insert("authenticated".into(), true.into());
        let token_data = serde_json::json!({
            "sub": user_id, "user_id": user_id, "email": user_email, "role": role, "plan": plan,
            "jti": token.jti, "sid": token.sid, "iss": token.iss, "expires_at": expires_at,
        });
        data.insert("token_data".into(), token_data);
    }
    data
}

fn session_of(room: &Room) -> Option<String> {
    match room {
        Room::Session(id) => Some(id.to_string()),
        _ => None,
    }
}

struct Writer(Namespace);

impl Writer {
    fn packet(&self, kind: u8, id: &str, name: Option<&str>, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
        frame::text(|to| {
            to.extend_from_slice(&[b'4', kind]);
            if self.0 != Namespace::Main {
                to.extend_from_slice(self.0.name().as_bytes());
                to.push(b',');
            }
            to.extend_from_slice(id.as_bytes());
            to.push(b'[');
            if let Some(name) = name {
                to.push(b'"');
                to.extend_from_slice(name.as_bytes());
                to.extend_from_slice(b"\",");
            }
            write(to);
            to.push(b']');
        })
    }

    fn event(&self, name: &str, body: &impl Serialize) -> Bytes {
        self.packet(b'2', "", Some(name), |to| json(body, to))
    }

    fn ack(&self, id: &Correlation, body: &impl Serialize) -> Bytes {
        self.packet(b'3', id.as_str(), None, |to| json(body, to))
    }

    /// A chat message has an event of its own, with the fields of the log's entry flattened; all others are
    /// `event`.
    fn room_event(&self, event: &Event) -> Bytes {
        let fields = event.data.get().trim().strip_prefix('{').and_then(|data| data.strip_suffix('}'));
        match (&*event.kind, &event.room, fields) {
            (MESSAGE_SENT, Room::Session(_) | Room::Conversation(_), Some(fields)) => {
                let Event { room, seq, by, at, .. } = event;
                let around = serde_json::json!({ "room": room, "seq": seq, "by": by, "at": at });
                self.packet(b'2', "", Some("chat_message"), |to| {
                    json(&around, to);
                    if !fields.trim().is_empty() {
                        to.pop();
                        to.push(b',');
                        to.extend_from_slice(fields.as_bytes());
                        to.push(b'}');
                    }
                })
            }
            _ => self.event("event", event),
        }
    }

    fn answer(&self, id: Option<&Correlation>, body: &AckBody) -> Bytes {
        let ack = id.map(|id| match body {
            // An acknowledgement has no correlation id in its body, so `id` is free for the message's id,
            // where older clients expect it.
            AckBody::Sent { message_id, .. } => self.ack(id, &Sent { id: *message_id, ok: true, body }),
            AckBody::Joined(Joined { room: Room::Conversation(conversation_id), .. }) => {
                self.ack(id, &ChatJoined { conversation_id: *conversation_id, ok: true, body })
            }
            body => self.ack(id, &Done { ok: true, body }),
        });
        let event = match body {
            AckBody::Joined(joined) => session_of(&joined.room).map(|session_id| {
                #[derive(Serialize)]
                struct SessionJoined {
                    session_id: String,
                    #[serde(flatten)]
                    joined: Joined,
                }
                // Missed events are sent once: in the acknowledgement if there is one.
                let events = joined.events.clone().filter(|_| ack.is_none());
                let joined = Joined { events, ..joined.clone() };
                self.event("session_joined", &SessionJoined { session_id, joined })
            }),
            _ => None,
        };
        match (ack, event) {
            (Some(ack), Some(event)) => [ack, event].concat().into(),
            (Some(only), None) | (None, Some(only)) => only,
            // Without an acknowledgement id the answer is an event.
            (None, None) => self.event("ack", &Done { ok: true, body }),
        }
    }
}

fn json(body: &impl Serialize, to: &mut Vec<u8>) {
    let start = to.len();
    if let Err(error) = serde_json::to_writer(&mut *to, body) {
        // Cannot happen with the types of `Notice`: all keys are text, and writing to a `Vec` does not fail.
        log::error!("a notice could not be written as JSON: {error}");
        to.truncate(start);
        let code = ErrorCode::Internal.name();
        to.extend_from_slice(format!(r#"{{"code":"{code}","message":"our fault"}}"#).as_bytes());
    }
}
