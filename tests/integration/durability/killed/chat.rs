//! A client that sends messages one by one, each repeated until acknowledged, and records every event it
//! receives.

use serde_json::{Value, json};

use crate::support::{Person, Socket};

use super::Pulse;
use super::offers::pause;

pub(super) struct ChatClient {
    person: Person,
    room: String,
    pub(super) name: String,
    socket: Option<Socket>,
    /// Events of the room, in order of arrival.
    pub(super) seen: Vec<Value>,
    /// Acknowledged messages: client id and position.
    pub(super) acked: Vec<(String, Value)>,
}

/// The connection to the server is lost.
struct Gone;

impl ChatClient {
    pub(super) fn new(person: &Person, room: &str) -> Self {
        Self {
            person: person.clone(),
            room: room.to_owned(),
            name: person.email.split('@').next().unwrap().to_owned(),
            socket: None,
            seen: Vec::new(),
            acked: Vec::new(),
        }
    }

    /// Sends messages until the last kill is over.
    pub(super) async fn talk(&mut self, pulse: &Pulse) {
        for number in 0.. {
            let name = format!("{}-{number}", self.name);
            let seq = loop {
                match self.send_message(&name).await {
                    Ok(seq) => break seq,
                    Err(Gone) => pause().await,
                }
            };
            self.acked.push((name, seq));
            pulse.answered();
            if pulse.is_over() {
                return;
            }
        }
    }

    /// Receives the remaining events, like a client that was disconnected.
    pub(super) async fn catch_up(&mut self) {
        self.socket = None;
        while self.connect().await.is_err() {
            pause().await;
        }
    }

    /// Checks that every acknowledged message is at its acknowledged position, and that they are in sending
    /// order.
    pub(super) fn assert_acks_are_kept(&self, log: &[Value]) {
        for (name, seq) in &self.acked {
            let kept: Vec<_> =
                log.iter().filter(|event| event["data"]["client_msg_id"] == name.as_str()).collect();
            assert_eq!(kept.len(), 1, "{name} was acknowledged and is there once");
            assert_eq!(&kept[0]["seq"], seq, "{name} stands where it was said to stand");
        }
        let order = |(_, seq): &(String, Value)| seq.as_u64().unwrap();
        assert!(self.acked.is_sorted_by_key(order), "{}'s messages changed places", self.name);
    }

    async fn send_message(&mut self, name: &str) -> Result<Value, Gone> {
        self.connect().await?;
        let message = json!({"type": "chat_message", "room": self.room, "text": name, "client_msg_id": name});
        let answer = self.request(message).await?;
        match answer["type"].as_str() {
            Some("ack") => Ok(answer["seq"].clone()),
            // Overload and similar errors: retry.
            _ => Err(Gone),
        }
    }

    /// Connects if needed, and joins after the last event seen.
    async fn connect(&mut self) -> Result<(), Gone> {
        if self.socket.is_some() {
            return Ok(());
        }
        let path = format!("/ws?token={}", self.person.token().unwrap());
        let mut socket = Socket::connect_with(self.person.address(), &path, &[]).await.map_err(|_| Gone)?;
        socket.try_recv("connection_established").await.map_err(|_| Gone)?;
        self.socket = Some(socket);
        let since = self.seen.last().map_or(json!(0), |event| event["seq"].clone());
        let joined = self.request(json!({"type": "join", "room": self.room, "since": since})).await?;
        assert_eq!(joined["type"], "ack", "{joined}");
        assert_eq!(joined["recovered"], true, "{joined}");
        Ok(())
    }

    async fn request(&mut self, message: Value) -> Result<Value, Gone> {
        let mut socket = self.socket.take().ok_or(Gone)?;
        let is_join = message["type"] == "join";
        let answer = socket.try_request(message).await;
        let live = socket.take_all("event");
        if let (Ok(joined), true) = (&answer, is_join) {
            // Missed events come with the acknowledgement, before any later one.
            joined["events"].as_array().into_iter().flatten().for_each(|event| self.on_event(event.clone()));
        }
        live.into_iter().for_each(|event| self.on_event(event));
        let answer = answer.map_err(|_| Gone)?;
        self.socket = Some(socket);
        Ok(answer)
    }

    fn on_event(&mut self, mut event: Value) {
        if event["room"] != self.room.as_str() {
            return;
        }
        // Without `type`, as in the responses of `history` and `join`.
        event.as_object_mut().unwrap().remove("type");
        let seq = event["seq"].as_u64().unwrap();
        let before = self.seen.last().map_or(0, |event| event["seq"].as_u64().unwrap());
        assert_eq!(seq, before + 1, "{} missed an event or saw one twice", self.name);
        self.seen.push(event);
    }
}
