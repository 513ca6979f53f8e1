//! The lower bound of storing: one thread that commits rows in groups, with repeated ids stored once, and knows
//! nothing of rooms' members or rights. The minimal server stores by it, too.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::process::thread_cpu;

/// Rows that are committed at once.
const GROUP: usize = 256;

diesel::table! {
    chat (room, seq) {
        room -> Text,
        seq -> BigInt,
        sender -> Text,
        client_msg_id -> Text,
        text -> Text,
    }
}

/// A message to store; the reply is its position, once it is durable.
pub(crate) struct Insert {
    pub(crate) room: String,
    pub(crate) sender: String,
    pub(crate) client_msg_id: String,
    pub(crate) text: String,
    pub(crate) reply: oneshot::Sender<i64>,
}

/// Starts the writer's thread; it ends with the last sender.
pub(crate) fn start(file: &Path) -> SyncSender<Insert> {
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    connection
        .batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE chat (room TEXT NOT NULL, seq BIGINT NOT NULL, sender TEXT NOT NULL, \
             client_msg_id TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (room, seq), \
             UNIQUE (room, sender, client_msg_id))",
        )
        .unwrap();
    let (queue, inserts) = sync_channel(4_096);
    let thread = std::thread::Builder::new().name("writer".into());
    thread.spawn(move || work(&mut connection, &inserts)).unwrap();
    queue
}

fn work(connection: &mut SqliteConnection, inserts: &Receiver<Insert>) {
    let mut heads: HashMap<String, i64> = HashMap::new();
    while let Ok(first) = inserts.recv() {
        let mut group = vec![first];
        group.extend(inserts.try_iter().take(GROUP - 1));
        connection.batch_execute("BEGIN IMMEDIATE").unwrap();
        let seqs: Vec<i64> = group.iter().map(|insert| store(connection, &mut heads, insert)).collect();
        connection.batch_execute("COMMIT").unwrap();
        for (insert, seq) in group.into_iter().zip(seqs) {
            let _ = insert.reply.send(seq);
        }
    }
}

fn store(connection: &mut SqliteConnection, heads: &mut HashMap<String, i64>, insert: &Insert) -> i64 {
    let head = heads.entry(insert.room.clone()).or_default();
    let stored = diesel::insert_into(chat::table)
        .values((
            chat::room.eq(&insert.room),
            chat::seq.eq(*head + 1),
            chat::sender.eq(&insert.sender),
            chat::client_msg_id.eq(&insert.client_msg_id),
            chat::text.eq(&insert.text),
        ))
        .on_conflict((chat::room, chat::sender, chat::client_msg_id))
        .do_nothing()
        .execute(connection)
        .unwrap();
    if stored == 1 {
        *head += 1;
        return *head;
    }
    let known = chat::table.filter(chat::room.eq(&insert.room).and(chat::sender.eq(&insert.sender)));
    known
        .filter(chat::client_msg_id.eq(&insert.client_msg_id))
        .select(chat::seq)
        .get_result(connection)
        .unwrap()
}

pub(crate) struct Bare {
    pub(crate) per_second: f64,
    /// Microseconds of the writer's CPU per row.
    pub(crate) cpu_each: f64,
}

/// Runs this many loops that each wait for their row before the next one.
pub(crate) fn measure(clients: usize, length: Duration) -> Bare {
    let folder = tempfile::tempdir().unwrap();
    let queue = start(&folder.path().join("bare.db"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (began, before) = (Instant::now(), thread_cpu(std::process::id(), "writer"));
    let rows: u64 = runtime.block_on(async {
        let loops = (0..clients).map(|client| {
            let queue = queue.clone();
            async move {
                let mut done = 0_u64;
                while began.elapsed() < length {
                    let (reply, answer) = oneshot::channel();
                    let insert = Insert {
                        room: format!("session:{client:036}"),
                        sender: format!("{client:036}"),
                        client_msg_id: format!("{client}-{done}"),
                        text: "x".repeat(128),
                        reply,
                    };
                    queue.try_send(insert).unwrap_or_else(|_| panic!("the queue holds every client's row"));
                    answer.await.unwrap();
                    done += 1;
                }
                done
            }
        });
        futures_util::future::join_all(loops).await.into_iter().sum()
    });
    let cpu = thread_cpu(std::process::id(), "writer") - before;
    Bare {
        per_second: rows as f64 / began.elapsed().as_secs_f64(),
        cpu_each: cpu.as_secs_f64() * 1e6 / rows as f64,
    }
}
