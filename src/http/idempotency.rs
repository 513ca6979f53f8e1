//! `Idempotency-Key`: the reply to a call is stored in the transaction of its change, so that a retry after a
//! lost response, a timeout or a crash gets the same reply and changes nothing twice.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::schema::idempotency_keys as keys;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Error;
use crate::domain::entries::{self, DataKey, Journal, Place};
use crate::domain::policy::Scope;
use crate::ids::UserId;

use super::extract::{BodyDigest, app_of};
use super::{Caller, Problem, Reply};

/// A call that creates or decides something: who asks, its idempotency key, if any, and its fingerprint.
pub(crate) struct IdempotentCall {
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    key: Option<String>,
}

impl FromRequest for IdempotentCall {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (app, caller) = match (app_of(request), Caller::from_request(request, payload).into_inner()) {
            (Ok(app), Ok(caller)) => (app, caller),
            (Err(problem), _) | (_, Err(problem)) => return ready(Err(problem)),
        };
        let key = match request.headers().get("idempotency-key").map(|v| v.to_str()) {
            None => None,
            Some(Ok(key)) if (1..=255).contains(&key.len()) => Some(key.to_owned()),
            Some(_) => {
                return ready(Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "bad_idempotency_key",
                    "Idempotency-Key must have 1 to 255 visible ASCII characters",
                )));
            }
        };
        ready(Ok(Self { app, caller, request: request.clone(), key }))
    }
}

impl IdempotentCall {
    /// The shared components.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Who asks.
    pub(crate) fn scope(&self) -> &Scope {
        &self.caller
    }

    /// Runs a use case and answers with its reply, or with the stored reply if this key was used before.
    pub(crate) async fn run(
        self,
        body: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.run_and_keep(|_, _| Ok(Keeper::Plain), body).await
    }

    /// Like [`IdempotentCall::run`], for calls about the caller's journal: what is kept of them is sealed with
    /// the caller's data key.
    pub(crate) async fn run_private(
        self,
        body: impl Fn(&mut UnitOfWork<'_>, &Journal, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let journal = self.app.journal.clone();
        let keys = journal.clone();
        let keeper = move |uow: &mut UnitOfWork<'_>, scope: &Scope| {
            keys.data_key_or_new(uow, scope.user()).map(Keeper::Sealed)
        };
        self.run_and_keep(keeper, move |uow, scope| body(uow, &journal, scope)).await
    }

    /// The reply that is stored for this call's key by [`IdempotentCall::run_private`], before something is done
    /// for it that takes long.
    pub(crate) async fn stored_private(&self) -> Result<Option<HttpResponse>, Problem> {
        let key = self.key.clone().filter(|_| self.caller.impersonator().is_none());
        let Some(key) = key else { return Ok(None) };
        let (journal, user, fingerprint) = (self.app.journal.clone(), self.caller.user(), self.fingerprint());
        let stored = self.app.db.read(move |uow| -> Result<Option<Reply>, Error> {
            let Some(data_key) = journal.data_key(uow, user)? else { return Ok(None) };
            let keeper = Keeper::Sealed(data_key);
            let Some(stored) = find(uow, user, &key, &keeper.fingerprint(&fingerprint))? else {
                return Ok(None);
            };
            let body = keeper.open(&key, stored.body)?;
            Ok(Some(Reply { body, ..stored }))
        });
        Ok(stored.await?.map(|reply| reply.into_response(true)))
    }

    async fn run_and_keep(
        self,
        keeper: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Keeper, Error> + Send + 'static,
        body: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let fingerprint = self.fingerprint();
        let Self { app, caller: Caller(scope), key, .. } = self;
        // A reply may hold what an impersonating token must not see; such a call changes nothing, so it is repeated.
        let Some(key) = key.filter(|_| scope.impersonator().is_none()) else {
            let reply = app.db.write(move |uow| body(uow, &scope)).await?;
            return Ok(reply.into_response(false));
        };
        let (reply, replayed) = app
            .db
            .write(move |uow| -> Result<(Reply, bool), Error> {
                let keeper = keeper(uow, &scope)?;
                let fingerprint = keeper.fingerprint(&fingerprint);
                if let Some(stored) = find(uow, scope.user(), &key, &fingerprint)? {
                    let body = keeper.open(&key, stored.body)?;
                    return Ok((Reply { body, ..stored }, true));
                }
                claim(uow, scope.user(), &key, &fingerprint)?;
                let reply = body(uow, &scope)?;
                store(uow, scope.user(), &key, &reply, &keeper.seal(&key, &reply.body)?)?;
                Ok((reply, false))
            })
            .await?;
        Ok(reply.into_response(replayed))
    }

    /// A hash of method, path, body and `If-Match`: the same key with another fingerprint is refused.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.request.method().as_str());
        hash.update([0]);
        hash.update(self.request.path());
        hash.update([0]);
        if let Some(digest) = self.request.extensions().get::<BodyDigest>() {
            hash.update(digest.0);
        }
        // Only where there is one: what was stored before it counted stays known.
        if let Some(seen) = self.request.headers().get(header::IF_MATCH) {
            hash.update([0]);
            hash.update(seen.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// How a reply is kept.
enum Keeper {
    Plain,
    /// Sealed with the caller's data key.
    Sealed(DataKey),
}

impl Keeper {
    /// A plain hash of a private body would confirm guesses at it.
    fn fingerprint(&self, hash: &str) -> String {
        match self {
            Self::Plain => hash.to_owned(),
            Self::Sealed(data_key) => data_key.fingerprint(hash),
        }
    }

    fn seal(&self, key: &str, body: &str) -> Result<String, Error> {
        match self {
            Self::Plain => Ok(body.to_owned()),
            Self::Sealed(data_key) => Ok(data_key.seal(&place(key), body).map_err(DbError::from)?),
        }
    }

    fn open(&self, key: &str, body: String) -> Result<String, Error> {
        match self {
            Self::Sealed(data_key) if entries::is_sealed(&body) => {
                Ok(data_key.open(&place(key), &body).map_err(DbError::from)?)
            }
            // Also a reply that a server of an older version has stored since this one started.
            _ => Ok(body),
        }
    }
}

fn place(key: &str) -> Place<'_> {
    Place { table: "idempotency_keys", row: key, column: "body" }
}

fn find(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    key: &str,
    fingerprint: &str,
) -> Result<Option<Reply>, Error> {
    let stored = keys::table
        .find((user, key))
        .select((keys::fingerprint, keys::status, keys::location, keys::etag, keys::body))
        .get_result::<(String, i32, Option<String>, Option<String>, String)>(uow.conn())
        .optional()?;
    let Some((first, status, location, version, body)) = stored else { return Ok(None) };
    if first != fingerprint {
        return Err(Error::KeyReused);
    }
    Ok(Some(Reply {
        status: u16::try_from(status).unwrap_or(200),
        location,
        version: version.and_then(|v| v.parse().ok()),
        body,
    }))
}

/// Inserts the key before the change. On PostgreSQL a concurrent call with the same key waits here for the
/// first one's commit, gets a unique violation, runs again and finds the stored reply.
fn claim(uow: &mut UnitOfWork<'_>, user: UserId, key: &str, fingerprint: &str) -> Result<(), DbError> {
    let now = uow.now();
    diesel::insert_into(keys::table)
        .values((
            keys::user_id.eq(user),
            keys::key.eq(key),
            keys::fingerprint.eq(fingerprint),
            keys::status.eq(0),
            keys::body.eq(""),
            keys::created_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}

fn store(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    key: &str,
    reply: &Reply,
    body: &str,
) -> Result<(), DbError> {
    diesel::update(keys::table.find((user, key)))
        .set((
            keys::status.eq(i32::from(reply.status)),
            keys::location.eq(&reply.location),
            keys::etag.eq(reply.version.map(|v| v.to_string())),
            keys::body.eq(body),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Seals up to `limit` replies with journal entries that an older version stored as plain text; returns how
/// many. Called at start.
pub(crate) fn seal_stored_replies(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    limit: i64,
) -> Result<usize, Error> {
    let plain = keys::table
        .filter(keys::location.like("/entries/%").and(keys::body.like("{%")))
        .select((keys::user_id, keys::key, keys::fingerprint, keys::body))
        .limit(limit)
        .load::<(UserId, String, String, String)>(uow.conn())?;
    for (user, key, fingerprint, body) in &plain {
        let keeper = Keeper::Sealed(journal.data_key_or_new(uow, *user)?);
        diesel::update(keys::table.find((user, key)))
            .set((
                keys::fingerprint.eq(keeper.fingerprint(fingerprint)),
                keys::body.eq(keeper.seal(key, body)?),
            ))
            .execute(uow.conn())?;
    }
    Ok(plain.len())
}

/// Deletes about `limit` of the replies stored before `horizon`, oldest first; returns their number. Called by the
/// scheduler.
pub(crate) fn delete_expired(
    uow: &mut UnitOfWork<'_>,
    horizon: Timestamp,
    limit: u16,
) -> Result<usize, DbError> {
    let old = keys::table.filter(keys::created_at.lt(horizon));
    // The key has two columns, which not every engine takes in an `IN`: two bounds of time do the same.
    let oldest = old.order(keys::created_at.asc()).limit(limit.into()).select(keys::created_at);
    let oldest: Vec<Timestamp> = oldest.load(uow.conn())?;
    let Some((first, last)) = oldest.first().zip(oldest.last()) else { return Ok(0) };
    // Between two bounds: after many deletions PostgreSQL believes for a while that most rows are under the upper one.
    let batch = keys::table.filter(keys::created_at.between(*first, *last));
    Ok(diesel::delete(batch).execute(uow.conn())?)
}
