//! The chats.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::StreamExt;
use souk::domain::sessions::{self, NewSession};
use souk::domain::users::Role;

use super::people::{Marketplace, open_request};

/// A chat, and the tokens of its two parties.
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) tokens: [String; 2],
}

/// Rooms for a server that does not ask who comes.
pub(crate) fn without_parties(count: usize) -> Vec<Room> {
    let room = |number| Room { name: format!("session:{number:036}"), tokens: Default::default() };
    (0..count).map(room).collect()
}

/// A database with this many chats, each of a consumer and a provider of its own.
pub(crate) async fn settle(database: &str, count: usize) -> Vec<Room> {
    let marketplace = Marketplace::open(database);
    let consumers = marketplace.people(Role::Consumer, count).await;
    let providers = marketplace.people(Role::Provider, count).await;
    let opening = consumers.into_iter().zip(providers).map(|(consumer, provider)| {
        let (db, scope) = (marketplace.db.clone(), consumer.scope);
        let (consumer_user, provider_user) = (consumer.id, provider.id);
        async move {
            let opened = db.write(move |uow| {
                let request_id = open_request(uow, &scope)?;
                sessions::open(uow, &NewSession { request_id, consumer_user, provider_user })
            });
            let name = opened.await.unwrap().room().to_string();
            Room { name, tokens: [consumer.token, provider.token] }
        }
    });
    let rooms = futures_util::stream::iter(opening).buffered(64).collect().await;
    marketplace.close().await;
    rooms
}

/// Fills the chats of this SQLite file with so many messages, and their events.
pub(crate) fn talk(file: &str, chats: usize, messages: usize) {
    let mut connection = SqliteConnection::establish(file).unwrap();
    let each = "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers LIMIT each_of_them), \
        chats AS (SELECT id, consumer_user_id AS user_id, ROW_NUMBER() OVER (ORDER BY id) AS chat, head FROM sessions \
        JOIN rooms ON rooms.name = 'session:' || id)";
    let text = "printf('A sentence or two of what people write, as long as such texts usually are, %d', i)";
    let script = format!(
        "BEGIN; INSERT OR IGNORE INTO rooms (name, head) SELECT 'session:' || id, 0 FROM sessions; \
        INSERT INTO messages (id, session_id, user_id, client_msg_id, text, seq, created_at) {each} \
        SELECT printf('01900000-%04x-7000-8000-%012x', chat, i), id, user_id, 'before-' || i, {text}, head + i, 0 \
        FROM chats CROSS JOIN numbers; \
        INSERT INTO events (room, seq, kind, by_user, at, data) {each} \
        SELECT 'session:' || id, head + i, 'message.sent', user_id, 0, json_object('text', {text}) \
        FROM chats CROSS JOIN numbers; \
        UPDATE rooms SET head = head + each_of_them WHERE name LIKE 'session:%'; COMMIT"
    );
    let each_of_them = (messages / chats).max(1).to_string();
    connection.batch_execute(&script.replace("each_of_them", &each_of_them)).unwrap();
}
