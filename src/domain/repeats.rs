//! Answers to live commands, kept for a client that sends one again because its answer was lost.
//!
//! They are kept beside those of the `Idempotency-Key` of HTTP, in the transaction of the change, and deleted
//! with them. The keys cannot meet: one of HTTP has no line break.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::db::schema::idempotency_keys as keys;
use crate::db::{DbError, UnitOfWork};
use crate::ids::{ProjectId, UserId};

use super::Error;
use super::entries::{DataKey, Journal, Place};
use super::policy::Scope;
use super::sessions::ClientMsgId;

/// A command that may be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Repeatable {
    key: String,
    fingerprint: String,
}

impl Repeatable {
    /// The command of this id on this project. Another fingerprint is another command.
    pub(crate) fn new(project: Option<ProjectId>, id: &ClientMsgId, fingerprint: String) -> Self {
        let project = project.map(|project| project.to_string()).unwrap_or_default();
        Self { key: format!("{project}\n{}", id.as_str()), fingerprint }
    }

    fn place(&self) -> Place<'_> {
        Place { table: "idempotency_keys", row: &self.key, column: "body" }
    }
}

/// A named value, as the answer to a command.
pub(crate) type Answer = (String, Arc<RawValue>);

/// Runs a change once: if this command was carried out before, returns the answer that it got. The answer is
/// kept sealed where a journal is given, since it has a secret.
pub(crate) fn once(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    command: Option<&Repeatable>,
    journal: Option<&Journal>,
    change: impl FnOnce(&mut UnitOfWork<'_>) -> Result<Answer, Error>,
) -> Result<Answer, Error> {
    // Who may change nothing gets no answer of somebody else's either: the change itself is refused.
    let may_write = scope.impersonator().is_none() && !scope.is_synthetic();
    let Some(command) = command.filter(|_| may_write) else { return change(uow) };
    let user = scope.user();
    let seal = journal.map(|journal| journal.data_key_or_new(uow, user)).transpose()?;
    if let Some((fingerprint, body)) = find(uow, user, command)? {
        if fingerprint != command.fingerprint {
            let detail = "this client_msg_id was used for another command";
            return Err(Error::Taken { code: "client_msg_id_reused", detail });
        }
        return read(command, seal.as_ref(), body);
    }
    claim(uow, user, command)?;
    let answer = change(uow)?;
    let body = serde_json::to_string(&answer).map_err(DbError::from)?;
    let body = match &seal {
        Some(key) => key.seal(&command.place(), &body).map_err(DbError::from)?,
        None => body,
    };
    diesel::update(keys::table.find((user, &command.key)))
        .set((keys::status.eq(200), keys::body.eq(body)))
        .execute(uow.conn())?;
    Ok(answer)
}

fn find(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    command: &Repeatable,
) -> Result<Option<(String, String)>, DbError> {
    let kept = keys::table.find((user, &command.key)).select((keys::fingerprint, keys::body));
    Ok(kept.get_result(uow.conn()).optional()?)
}

fn read(command: &Repeatable, seal: Option<&DataKey>, body: String) -> Result<Answer, Error> {
    let body = match seal {
        Some(key) => key.open(&command.place(), &body).map_err(DbError::from)?,
        None => body,
    };
    let (name, value): (String, Box<RawValue>) = serde_json::from_str(&body).map_err(DbError::from)?;
    Ok((name, value.into()))
}

/// Before the change: of two that are sent at once, the second waits here on PostgreSQL, violates the primary
/// key, is run again, and finds the first one's answer.
fn claim(uow: &mut UnitOfWork<'_>, user: UserId, command: &Repeatable) -> Result<(), DbError> {
    let now = uow.now();
    diesel::insert_into(keys::table)
        .values((
            keys::user_id.eq(user),
            keys::key.eq(&command.key),
            keys::fingerprint.eq(&command.fingerprint),
            keys::status.eq(0),
            keys::body.eq(""),
            keys::created_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}
