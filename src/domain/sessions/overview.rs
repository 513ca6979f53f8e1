//! What a list of sessions shows of each beyond its row: the parties' names and whether there are unread
//! events.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::schema::{consumers, providers, read_markers, rooms};
use crate::db::{DbError, UnitOfWork, one_of};
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::ids::{Seq, SessionId, UserId};

use super::Session;

/// Summary of a session for one caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// The consumer's display name.
    pub(crate) consumer_name: Option<String>,
    /// The provider's display name.
    pub(crate) provider_name: Option<String>,
    /// Position of the newest event in its room: messages and offer events.
    pub(crate) head: Seq,
    /// The caller's read position.
    pub(crate) read: Seq,
}

/// Summaries of sessions that the caller may read: four queries, however many sessions.
pub(crate) fn overviews(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    sessions: &[Session],
) -> Result<HashMap<SessionId, Overview>, Error> {
    let rooms: Vec<String> = sessions.iter().map(|session| session.room().to_string()).collect();
    let heads = heads(uow, &rooms)?;
    let read = read(uow, scope.user(), &rooms)?;
    let consumers = consumer_names(uow, sessions)?;
    let providers = provider_names(uow, sessions)?;
    let overview = |(session, room): (&Session, &String)| {
        let overview = Overview {
            consumer_name: consumers.get(&session.consumer_user_id).cloned(),
            provider_name: providers.get(&session.provider_user_id).cloned(),
            head: heads.get(room).copied().unwrap_or_default(),
            read: read.get(room).copied().unwrap_or_default(),
        };
        (session.id, overview)
    };
    Ok(sessions.iter().zip(&rooms).map(overview).collect())
}

fn heads(uow: &mut UnitOfWork<'_>, rooms: &[String]) -> Result<HashMap<String, Seq>, DbError> {
    let of_rooms = rooms::table.filter(one_of(rooms::name, rooms)).select((rooms::name, rooms::head));
    Ok(positions(of_rooms.load(uow.conn())?))
}

fn read(uow: &mut UnitOfWork<'_>, user: UserId, rooms: &[String]) -> Result<HashMap<String, Seq>, DbError> {
    let markers = read_markers::table
        .filter(read_markers::user_id.eq(user).and(one_of(read_markers::room, rooms)))
        .select((read_markers::room, read_markers::seq));
    Ok(positions(markers.load(uow.conn())?))
}

fn positions(rows: Vec<(String, i64)>) -> HashMap<String, Seq> {
    rows.into_iter().map(|(room, seq)| (room, Seq::from_i64(seq))).collect()
}

fn consumer_names(
    uow: &mut UnitOfWork<'_>,
    sessions: &[Session],
) -> Result<HashMap<UserId, String>, DbError> {
    let users = sessions.iter().map(|session| session.consumer_user_id);
    let names = consumers::table
        .filter(one_of(consumers::user_id, users))
        .select((consumers::user_id, consumers::display_name))
        .load(uow.conn())?;
    Ok(names.into_iter().collect())
}

fn provider_names(
    uow: &mut UnitOfWork<'_>,
    sessions: &[Session],
) -> Result<HashMap<UserId, String>, DbError> {
    let users = sessions.iter().map(|session| session.provider_user_id);
    let names = providers::table
        .filter(one_of(providers::user_id, users))
        .select((providers::user_id, providers::display_name))
        .load(uow.conn())?;
    Ok(names.into_iter().collect())
}
