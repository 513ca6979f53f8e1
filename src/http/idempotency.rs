//! `Idempotency-Key`: the reply to a call is stored in the transaction of its change, so that a retry after a
//! lost response, a timeout or a crash gets the same reply and changes nothing twice.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::schema::idempotency_keys as keys;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Error;
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
        let fingerprint = self.fingerprint();
        let Self { app, caller: Caller(scope), key, .. } = self;
        let Some(key) = key else {
            let reply = app.db.write(move |uow| body(uow, &scope)).await?;
            return Ok(reply.into_response(false));
        };
        let (reply, replayed) = app
            .db
            .write(move |uow| -> Result<(Reply, bool), Error> {
                if let Some(stored) = find(uow, scope.user(), &key, &fingerprint)? {
                    return Ok((stored, true));
                }
                claim(uow, scope.user(), &key, &fingerprint)?;
                let reply = body(uow, &scope)?;
                store(uow, scope.user(), &key, &reply)?;
                Ok((reply, false))
            })
            .await?;
        Ok(reply.into_response(replayed))
    }

    /// A hash of method, path and body: the same key with another fingerprint is refused.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.request.method().as_str());
        hash.update([0]);
        hash.update(self.request.path());
        hash.update([0]);
        if let Some(digest) = self.request.extensions().get::<BodyDigest>() {
            hash.update(digest.0);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
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
        .first::<(String, i32, Option<String>, Option<String>, String)>(uow.conn())
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

fn store(uow: &mut UnitOfWork<'_>, user: UserId, key: &str, reply: &Reply) -> Result<(), DbError> {
    diesel::update(keys::table.find((user, key)))
        .set((
            keys::status.eq(i32::from(reply.status)),
            keys::location.eq(&reply.location),
            keys::etag.eq(reply.version.map(|v| v.to_string())),
            keys::body.eq(&reply.body),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Deletes replies stored before `horizon`; returns their number. Called by the scheduler.
pub(crate) fn delete_expired(uow: &mut UnitOfWork<'_>, horizon: Timestamp) -> Result<usize, DbError> {
    let old = keys::table.filter(keys::created_at.lt(horizon));
    Ok(diesel::delete(old).execute(uow.conn())?)
}
