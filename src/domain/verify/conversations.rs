//! Chats, conversations with the assistant and what comes of them: messages are in the log of their room, answers
//! follow their questions.

use diesel::prelude::*;

use crate::db::DbError;
use crate::db::schema::masterplans;
use crate::db::verify::{BATCH, Fault, SqlCheck, Verification};
use crate::domain::masterplans::Plan;

/// The position up to which the events of the room with this name were deleted.
macro_rules! tail_of {
    ($room:literal) => {
        concat!("coalesce((SELECT tail FROM rooms WHERE rooms.name = ", $room, "), 0)")
    };
}

pub(super) const CHECKS: &[SqlCheck] = &[
    SqlCheck {
        name: "messages",
        of: "messages",
        faults: concat!(
            "SELECT 'messages' AS in_table, message.id AS id, \
                    'the log of its session has no message at position ' || message.seq AS what \
             FROM messages AS message WHERE message.seq > ",
            tail_of!("'session:' || message.session_id"),
            " AND NOT EXISTS ( \
                 SELECT 1 FROM events WHERE events.room = 'session:' || message.session_id \
                 AND events.seq = message.seq AND events.kind = 'message.sent') \
             UNION ALL \
             SELECT 'messages', message.id, 'its sender is no party of its session' \
             FROM messages AS message JOIN sessions AS session ON session.id = message.session_id \
             WHERE message.user_id NOT IN (session.consumer_user_id, session.provider_user_id)",
        ),
    },
    SqlCheck {
        name: "conversation_messages",
        of: "conversation_messages",
        faults: concat!(
            "SELECT 'conversation_messages' AS in_table, message.id AS id, \
                    'the log of its conversation has no message at position ' || message.seq AS what \
             FROM conversation_messages AS message WHERE message.seq > ",
            tail_of!("'conversation:' || message.conversation_id"),
            " AND NOT EXISTS ( \
                 SELECT 1 FROM events WHERE events.room = 'conversation:' || message.conversation_id \
                 AND events.seq = message.seq AND events.kind = 'message.sent') \
             UNION ALL \
             SELECT 'conversation_messages', answer.id, 'it is not the answer to the message that it names' \
             FROM conversation_messages AS answer \
             JOIN conversation_messages AS question ON question.id = answer.answers_to \
             WHERE question.conversation_id <> answer.conversation_id OR question.author <> 'user' \
                OR question.seq >= answer.seq OR question.answer_id <> answer.id",
        ),
    },
    SqlCheck {
        name: "read_markers",
        of: "read_markers",
        faults: "\
            SELECT 'read_markers' AS in_table, marker.room || '/' || marker.user_id AS id, \
                   'it is at ' || marker.seq || ', past the newest event of its room' AS what \
            FROM read_markers AS marker LEFT JOIN rooms ON rooms.name = marker.room \
            WHERE rooms.name IS NULL OR marker.seq > rooms.head",
    },
    SqlCheck {
        name: "rooms",
        of: "rooms",
        faults: "\
            SELECT 'rooms' AS in_table, name AS id, 'what it is the room of does not exist' AS what FROM rooms \
            WHERE (name LIKE 'session:%' AND substr(name, 9) NOT IN (SELECT id FROM sessions)) \
               OR (name LIKE 'booking:%' AND substr(name, 9) NOT IN (SELECT id FROM bookings)) \
               OR (name LIKE 'project:%' AND substr(name, 9) NOT IN (SELECT id FROM projects)) \
               OR (name LIKE 'conversation:%' AND substr(name, 14) NOT IN (SELECT id FROM conversations)) \
               OR (name LIKE 'user:%' AND substr(name, 6) NOT IN (SELECT id FROM users))",
    },
    SqlCheck {
        name: "masterplan_owners",
        of: "masterplans",
        faults: "\
            SELECT 'masterplans' AS in_table, plan.id AS id, 'its user is not that of its conversation' AS what \
            FROM masterplans AS plan JOIN conversations ON conversations.id = plan.conversation_id \
            WHERE conversations.user_id <> plan.user_id",
    },
];

pub(super) fn verify_plans(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    verification.each(
        "masterplans",
        String::new(),
        |uow, after| {
            let page = masterplans::table.filter(masterplans::id.gt(after.clone())).order(masterplans::id);
            let page = page.limit(BATCH).select((masterplans::id, masterplans::plan));
            Ok(page.load::<(String, String)>(uow.conn())?)
        },
        |(id, _)| id.clone(),
        |_, (id, plan)| {
            Ok(Plan::parse(&plan).err().map(|_| Fault::new("masterplans", id, "its plan cannot be read")))
        },
    )
}
