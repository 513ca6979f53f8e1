//! A minimal durable chat server, as one would write it for this one purpose: the same commands and answers, the
//! same engine and sync, repeated ids stored once; no tokens, no rights, no replay, no limits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;

use futures_util::{SinkExt, StreamExt};
use serde_json::value::RawValue;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::process::announce;
use super::store::{self, Insert};

#[derive(serde::Deserialize)]
struct Command {
    r#type: String,
    id: u64,
    room: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    client_msg_id: String,
    #[serde(default)]
    topic: String,
    data: Option<Box<RawValue>>,
}

/// Each room's members.
type Rooms = Rc<RefCell<HashMap<String, Vec<mpsc::Sender<Utf8Bytes>>>>>;

pub(crate) fn run(file: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let (queue, rooms) = (store::start(file), Rooms::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        announce(listener.local_addr().unwrap());
        let mut number = 0_u64;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            number += 1;
            tokio::task::spawn_local(serve(stream, number, queue.clone(), rooms.clone()));
        }
    });
}

async fn serve(stream: TcpStream, number: u64, queue: SyncSender<Insert>, rooms: Rooms) {
    stream.set_nodelay(true).unwrap();
    let (mut sink, mut source) = tokio_tungstenite::accept_async(stream).await.unwrap().split();
    let (outbox, mut frames) = mpsc::channel::<Utf8Bytes>(4_096);
    tokio::task::spawn_local(async move {
        while let Some(first) = frames.recv().await {
            let mut next = Some(first);
            // What waits leaves in one write.
            while let Some(text) = next {
                if sink.feed(Message::Text(text)).await.is_err() {
                    return;
                }
                next = frames.try_recv().ok();
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    let _ = outbox.send(r#"{"type":"connection_established"}"#.into()).await;
    let sender = format!("{number:036}");
    while let Some(Ok(Message::Text(text))) = source.next().await {
        let command = serde_json::from_str(&text).unwrap();
        let Command { r#type, id, room, text, client_msg_id, topic, data } = command;
        if r#type == "join" {
            rooms.borrow_mut().entry(room).or_default().push(outbox.clone());
            let _ = outbox.send(format!(r#"{{"type":"ack","id":{id}}}"#).into()).await;
            continue;
        }
        if r#type == "signal" {
            let data = data.unwrap();
            let signal = Utf8Bytes::from(format!(
                r#"{{"type":"signal","room":"{room}","by":"{sender}","topic":"{topic}","data":{data}}}"#
            ));
            let rooms = rooms.borrow();
            let members = rooms.get(&room).into_iter().flatten();
            for member in members.filter(|member| !member.same_channel(&outbox)) {
                let _ = member.try_send(signal.clone());
            }
            let _ = outbox.try_send(format!(r#"{{"type":"ack","id":{id}}}"#).into());
            continue;
        }
        let (reply, answer) = oneshot::channel();
        let (body, key) = (serde_json::to_string(&text).unwrap(), client_msg_id.clone());
        let insert = Insert { room: room.clone(), sender: sender.clone(), client_msg_id, text, reply };
        queue.try_send(insert).unwrap_or_else(|_| panic!("more clients than the queue holds"));
        let seq = answer.await.unwrap();
        let event = format!(
            r#"{{"type":"event","room":"{room}","seq":{seq},"kind":"message.sent","data":{{"client_msg_id":"{key}","text":{body}}},"by":"{sender}"}}"#
        );
        let event = Utf8Bytes::from(event);
        for member in rooms.borrow().get(&room).into_iter().flatten() {
            let _ = member.try_send(event.clone());
        }
        let _ = outbox.send(format!(r#"{{"type":"ack","id":{id},"seq":{seq}}}"#).into()).await;
    }
}
