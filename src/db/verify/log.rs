//! The event log: every room has its events without gaps up to its head, and each can be replayed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::value::RawValue;

use crate::db::schema::events;
use crate::db::{DbError, UnitOfWork};
use crate::ids::Room;

use super::{BATCH, Fault, SqlCheck, Verification};

/// A room, and what its log holds after its tail.
#[derive(QueryableByName)]
struct RoomLog {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    head: i64,
    #[diesel(sql_type = BigInt)]
    tail: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

const ROOMS: &str = concat!(
    "SELECT room.name, room.head, room.tail, count(event.seq) AS events, ",
    "coalesce(min(event.seq), 0) AS first, coalesce(max(event.seq), 0) AS last ",
    "FROM (SELECT name, head, tail FROM rooms WHERE name > $1 ORDER BY name LIMIT $2) AS room ",
    "LEFT JOIN events AS event ON event.room = room.name AND event.seq > room.tail ",
    "GROUP BY room.name, room.head, room.tail ORDER BY room.name",
);

/// The last position of the first run of events: what follows it is missing.
const END_OF_FIRST_RUN: &str = "\
    SELECT coalesce(min(event.seq), 0) AS seq FROM events AS event \
    WHERE event.room = $1 AND event.seq > $2 AND NOT EXISTS ( \
        SELECT 1 FROM events AS next WHERE next.room = event.room AND next.seq = event.seq + 1)";

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Events that nobody can reach, since their room has no head.
const STRAY: SqlCheck = SqlCheck {
    name: "events_without_a_room",
    of: "rooms",
    faults: "SELECT 'events' AS in_table, room AS id, \
                    'the log has ' || count(*) || ' events of this room, which has no row in rooms' AS what \
             FROM events WHERE NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.name = events.room) GROUP BY room",
};

pub(super) fn check(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    verification.each(
        "rooms_without_gaps",
        String::new(),
        |uow, after| {
            let page = diesel::sql_query(ROOMS).bind::<Text, _>(after).bind::<BigInt, _>(BATCH);
            Ok(page.load::<RoomLog>(uow.conn())?)
        },
        |room| room.name.clone(),
        |uow, room| match room.is_whole() {
            true => Ok(None),
            false => Ok(Some(Fault::new("rooms", room.name.clone(), room.what_is_wrong(uow)?))),
        },
    )?;
    verification.query(&STRAY)?;
    verification.each(
        "events",
        (String::new(), 0),
        page_of_events,
        |event| (event.room.clone(), event.seq),
        |_, event| Ok(event.fault()),
    )
}

impl RoomLog {
    fn is_whole(&self) -> bool {
        let none = self.events == 0 && self.head == self.tail;
        let all =
            self.first == self.tail + 1 && self.last == self.head && self.events == self.head - self.tail;
        none || all
    }

    fn what_is_wrong(&self, uow: &mut UnitOfWork<'_>) -> Result<String, DbError> {
        let Self { name, head, tail, first, last, .. } = self;
        if last > head {
            return Ok(format!("its head is {head}, and its newest event is {last}"));
        }
        let missing = if *first > tail + 1 || self.events == 0 {
            tail + 1
        } else {
            let run = diesel::sql_query(END_OF_FIRST_RUN).bind::<Text, _>(name).bind::<BigInt, _>(tail);
            run.get_result::<Position>(uow.conn())?.seq + 1
        };
        Ok(format!("its log has no event {missing}, and its head is {head}"))
    }
}

#[derive(Queryable)]
struct Event {
    room: String,
    seq: i64,
    kind: String,
    data: String,
}

fn page_of_events(uow: &mut UnitOfWork<'_>, (room, seq): &(String, i64)) -> Result<Vec<Event>, DbError> {
    let after = events::room.gt(room.clone()).or(events::room.eq(room.clone()).and(events::seq.gt(*seq)));
    // The first condition lets both engines begin at the room in the index.
    let page = events::table.filter(events::room.ge(room.clone())).filter(after);
    let page = page.order((events::room, events::seq)).limit(BATCH);
    Ok(page.select((events::room, events::seq, events::kind, events::data)).load(uow.conn())?)
}

impl Event {
    fn fault(&self) -> Option<Fault> {
        let wrong = if self.room.parse::<Room>().is_err() {
            "its room has no valid name"
        } else if self.kind.is_empty() {
            "it has no kind"
        } else if !self.data.starts_with('{') || serde_json::from_str::<&RawValue>(&self.data).is_err() {
            "its data are no JSON object"
        } else {
            return None;
        };
        Some(Fault::new("events", format!("{}/{}", self.room, self.seq), wrong))
    }
}
