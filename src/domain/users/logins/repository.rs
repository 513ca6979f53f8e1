//! Storage of logins, refresh tokens and revocations: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{logins, refresh_tokens, revocations, users};
use crate::db::{DbError, UnitOfWork, each, one_of};
use crate::domain::Page;
use crate::domain::users::{Email, User, repository as users_repository};
use crate::ids::{LoginId, RefreshId, TokenId, UserId};

use super::{Device, Login, NewPair, Pair, Revoked, TokenRecord};

type Columns = (
    logins::id,
    logins::user_id,
    logins::user_agent,
    logins::address,
    logins::created_at,
    logins::last_used_at,
    logins::expires_at,
    logins::revoked_at,
);
const COLUMNS: Columns = (
    logins::id,
    logins::user_id,
    logins::user_agent,
    logins::address,
    logins::created_at,
    logins::last_used_at,
    logins::expires_at,
    logins::revoked_at,
);

/// Loads a login.
pub(crate) fn find(uow: &mut UnitOfWork<'_>, id: LoginId) -> Result<Option<Login>, DbError> {
    Ok(logins::table.find(id).select(COLUMNS).get_result(uow.conn()).optional()?)
}

/// A user's logins that are neither revoked nor idle since `idle_since`, newest first.
pub(crate) fn live_of(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    idle_since: Timestamp,
    page: &Page<LoginId>,
) -> Result<Vec<Login>, DbError> {
    let now = uow.now();
    let mut query = logins::table
        .filter(logins::user_id.eq(user).and(logins::revoked_at.is_null()))
        .filter(logins::expires_at.gt(now).and(logins::last_used_at.gt(idle_since)))
        .order(logins::id.desc())
        .limit(page.fetch())
        .select(COLUMNS)
        .into_boxed();
    if let Some(before) = page.before {
        query = query.filter(logins::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}

/// How many of a user's latest logins are searched for addresses.
const MAX_ADDRESSES: i64 = 200;

/// Addresses of the recent logins of the user with this email, newest first. Logins are kept for a while
/// after their end.
pub(crate) fn addresses_of(uow: &mut UnitOfWork<'_>, email: &Email) -> Result<Vec<String>, DbError> {
    let known = logins::table
        .inner_join(users::table.on(users::id.eq(logins::user_id)))
        .filter(users::email.eq(email.as_str()).and(logins::address.is_not_null()))
        .order(logins::id.desc())
        .limit(MAX_ADDRESSES)
        .select(logins::address.assume_not_null());
    Ok(known.load(uow.conn())?)
}

/// What is known of one of our access tokens: its login and user, its pair, and whether it was revoked. A
/// single query, since every call starts with it.
pub(crate) fn shown(
    uow: &mut UnitOfWork<'_>,
    login: LoginId,
    jti: &TokenId,
) -> Result<Option<TokenRecord>, DbError> {
    let of_pair = refresh_tokens::table.on(refresh_tokens::access_jti.eq(jti.0.clone()));
    let of_token = revocations::table.on(revocations::issuer
        .eq("")
        .and(revocations::kind.eq(Revoked::Token))
        .and(revocations::value.eq(jti.0.clone())));
    let found = logins::table
        .inner_join(users::table.on(users::id.eq(logins::user_id)))
        .left_join(of_pair)
        .left_join(of_token)
        .filter(logins::id.eq(login))
        .select((
            users_repository::COLUMNS,
            COLUMNS,
            refresh_tokens::id.nullable(),
            (refresh_tokens::access_used_at.nullable(), refresh_tokens::withdrawn_at.nullable()),
            revocations::value.nullable(),
        ))
        .get_result::<(User, Login, Option<RefreshId>, Pair, Option<String>)>(uow.conn())
        .optional()?;
    Ok(found.map(|(user, login, refresh, pair, revoked)| TokenRecord {
        user,
        login,
        // Tells a pair whose token is unused, with only nulls, from no pair at all: only the former has an
        // id.
        pair: refresh.map(|_| pair),
        is_revoked: revoked.is_some(),
    }))
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, login: &Login) -> Result<(), DbError> {
    diesel::insert_into(logins::table)
        .values((
            logins::id.eq(login.id),
            logins::user_id.eq(login.user_id),
            logins::user_agent.eq(&login.user_agent),
            logins::address.eq(&login.address),
            logins::created_at.eq(login.created_at),
            logins::last_used_at.eq(login.last_used_at),
            logins::expires_at.eq(login.expires_at),
            logins::revoked_at.eq(login.revoked_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Updates use and device of a live login and locks its row. `false` if it is revoked, expired or idle for
/// too long.
pub(super) fn use_login(
    uow: &mut UnitOfWork<'_>,
    id: LoginId,
    idle_since: Timestamp,
    device: Option<&Device>,
) -> Result<bool, DbError> {
    let now = uow.now();
    let live = logins::table
        .find(id)
        .filter(logins::revoked_at.is_null())
        .filter(logins::expires_at.gt(now).and(logins::last_used_at.gt(idle_since)));
    let updated = match device.and_then(Device::address) {
        Some(address) => diesel::update(live)
            .set((logins::last_used_at.eq(now), logins::address.eq(address.to_string())))
            .execute(uow.conn())?,
        None => diesel::update(live).set(logins::last_used_at.eq(now)).execute(uow.conn())?,
    };
    Ok(updated == 1)
}

/// Revokes a login; `false` if it was revoked before.
pub(super) fn revoke(uow: &mut UnitOfWork<'_>, id: LoginId) -> Result<bool, DbError> {
    let now = uow.now();
    let live = logins::table.find(id).filter(logins::revoked_at.is_null());
    Ok(diesel::update(live).set(logins::revoked_at.eq(now)).execute(uow.conn())? == 1)
}

/// Revokes all logins of a user.
pub(crate) fn revoke_all(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(), DbError> {
    let now = uow.now();
    let live = logins::table.filter(logins::user_id.eq(user).and(logins::revoked_at.is_null()));
    diesel::update(live).set(logins::revoked_at.eq(now)).execute(uow.conn())?;
    Ok(())
}

/// Revokes all logins of a user but one.
pub(in crate::domain::users) fn revoke_all_but(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    kept: LoginId,
) -> Result<(), DbError> {
    let now = uow.now();
    let others = logins::table.filter(logins::user_id.eq(user).and(logins::id.ne(kept)));
    diesel::update(others.filter(logins::revoked_at.is_null()))
        .set(logins::revoked_at.eq(now))
        .execute(uow.conn())?;
    Ok(())
}

/// Updates the last use of those of these logins that are live and were last updated before `before`.
pub(crate) fn note_live(
    uow: &mut UnitOfWork<'_>,
    ids: &[LoginId],
    before: Timestamp,
) -> Result<usize, DbError> {
    let now = uow.now();
    let live = logins::table
        .filter(logins::id.eq_any(ids))
        .filter(logins::revoked_at.is_null().and(logins::last_used_at.lt(before)));
    Ok(diesel::update(live).set(logins::last_used_at.eq(now)).execute(uow.conn())?)
}

/// A row of a refresh token.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Refresh {
    pub(super) id: RefreshId,
    pub(super) login_id: LoginId,
    pub(super) access_jti: String,
    pub(super) expires_at: Timestamp,
    pub(super) used_at: Option<Timestamp>,
    pub(super) access_used_at: Option<Timestamp>,
    pub(super) withdrawn_at: Option<Timestamp>,
}

type RefreshColumns = (
    refresh_tokens::id,
    refresh_tokens::login_id,
    refresh_tokens::access_jti,
    refresh_tokens::expires_at,
    refresh_tokens::used_at,
    refresh_tokens::access_used_at,
    refresh_tokens::withdrawn_at,
);
const REFRESH_COLUMNS: RefreshColumns = (
    refresh_tokens::id,
    refresh_tokens::login_id,
    refresh_tokens::access_jti,
    refresh_tokens::expires_at,
    refresh_tokens::used_at,
    refresh_tokens::access_used_at,
    refresh_tokens::withdrawn_at,
);

/// Loads a refresh token by its hash.
pub(super) fn refresh_by_hash(uow: &mut UnitOfWork<'_>, hash: &str) -> Result<Option<Refresh>, DbError> {
    let of_hash = refresh_tokens::table.filter(refresh_tokens::hash.eq(hash));
    Ok(of_hash.select(REFRESH_COLUMNS).get_result(uow.conn()).optional()?)
}

/// The refresh tokens that were issued for this one, oldest first.
pub(super) fn bought_with(uow: &mut UnitOfWork<'_>, id: RefreshId) -> Result<Vec<Refresh>, DbError> {
    let children = refresh_tokens::table.filter(refresh_tokens::parent_id.eq(id));
    Ok(children.select(REFRESH_COLUMNS).order(refresh_tokens::id.asc()).load(uow.conn())?)
}

/// Inserts a token pair of a login.
pub(super) fn insert_pair(
    uow: &mut UnitOfWork<'_>,
    login: LoginId,
    parent: Option<RefreshId>,
    pair: &NewPair,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let now = uow.now();
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::id.eq(RefreshId::new(now)),
            refresh_tokens::login_id.eq(login),
            refresh_tokens::hash.eq(&pair.hash),
            refresh_tokens::parent_id.eq(parent),
            refresh_tokens::access_jti.eq(&pair.jti.0),
            refresh_tokens::created_at.eq(now),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Marks a refresh token as used; `false` if it was used before.
pub(super) fn use_refresh(uow: &mut UnitOfWork<'_>, id: RefreshId) -> Result<bool, DbError> {
    let now = uow.now();
    let unused = refresh_tokens::table.find(id).filter(refresh_tokens::used_at.is_null());
    Ok(diesel::update(unused).set(refresh_tokens::used_at.eq(now)).execute(uow.conn())? == 1)
}

/// Marks an access token as used; `false` if its pair has been withdrawn.
pub(super) fn use_access(uow: &mut UnitOfWork<'_>, jti: &TokenId) -> Result<bool, DbError> {
    let now = uow.now();
    let standing = refresh_tokens::table
        .filter(refresh_tokens::access_jti.eq(&jti.0).and(refresh_tokens::withdrawn_at.is_null()));
    Ok(diesel::update(standing).set(refresh_tokens::access_used_at.eq(now)).execute(uow.conn())? == 1)
}

/// Withdraws an unused pair.
pub(super) fn withdraw(uow: &mut UnitOfWork<'_>, id: RefreshId) -> Result<(), DbError> {
    let now = uow.now();
    let pair = refresh_tokens::table.find(id);
    diesel::update(pair).set(refresh_tokens::withdrawn_at.eq(now)).execute(uow.conn())?;
    Ok(())
}

/// Stores a revocation for as long as the token could be valid; `false` if it was stored before. `issuer` is
/// empty for our own tokens.
pub(super) fn insert_revocation(
    uow: &mut UnitOfWork<'_>,
    issuer: &str,
    kind: Revoked,
    value: &str,
    until: Timestamp,
) -> Result<bool, DbError> {
    let now = uow.now();
    let inserted = each!(uow.conn(), |c| diesel::insert_into(revocations::table)
        .values((
            revocations::issuer.eq(issuer),
            revocations::kind.eq(kind),
            revocations::value.eq(value),
            revocations::revoked_at.eq(now),
            revocations::until.eq(until),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(inserted == 1)
}

/// Whether this token or session of an external issuer was revoked.
pub(crate) fn is_revoked(
    uow: &mut UnitOfWork<'_>,
    issuer: &str,
    kind: Revoked,
    value: &str,
) -> Result<bool, DbError> {
    let row = revocations::table.find((issuer, kind, value)).select(revocations::until);
    Ok(row.get_result::<Timestamp>(uow.conn()).optional()?.is_some())
}

/// Deletes rows that no longer matter: revocations of expired tokens, and logins that ended before `horizon`,
/// with their refresh tokens; about `limit` of each. Returns the number of deleted rows, which is less than `limit`
/// once all are gone. Called by the sweeper.
///
/// The refresh tokens of a login that lives are kept, used ones, too: one that is shown again ends the login, however
/// old it is. A thief who keeps a login alive is noticed when its owner comes back.
pub(crate) fn forget_ended(
    uow: &mut UnitOfWork<'_>,
    horizon: Timestamp,
    limit: u16,
) -> Result<usize, DbError> {
    let limit = i64::from(limit);
    let expired = forget_revocations(uow, limit)?;
    let ended = ended_logins(uow, horizon, limit)?;
    // A login has as many tokens as it was refreshed: they go batch by batch, too.
    let tokens: Vec<RefreshId> = refresh_tokens::table
        .filter(one_of(refresh_tokens::login_id, &ended))
        .limit(limit)
        .select(refresh_tokens::id)
        .load(uow.conn())?;
    let are_all = i64::try_from(tokens.len()).is_ok_and(|found| found < limit);
    // Refresh tokens reference their parents: cleared first, so that the order of deletion does not matter.
    let children = refresh_tokens::table.filter(refresh_tokens::parent_id.eq_any(&tokens));
    diesel::update(children).set(refresh_tokens::parent_id.eq(None::<RefreshId>)).execute(uow.conn())?;
    let of_ended = refresh_tokens::table.filter(refresh_tokens::id.eq_any(&tokens));
    let tokens = diesel::delete(of_ended).execute(uow.conn())?;
    let gone = match are_all {
        true => diesel::delete(logins::table.filter(logins::id.eq_any(&ended))).execute(uow.conn())?,
        false => 0,
    };
    Ok(expired + tokens + gone)
}

fn forget_revocations(uow: &mut UnitOfWork<'_>, limit: i64) -> Result<usize, DbError> {
    let now = uow.now();
    let past = revocations::table.filter(revocations::until.lt(now));
    let oldest = past.order(revocations::until.asc()).limit(limit).select(revocations::until);
    let oldest: Vec<Timestamp> = oldest.load(uow.conn())?;
    let Some((first, last)) = oldest.first().zip(oldest.last()) else { return Ok(0) };
    // Between two bounds: after many deletions PostgreSQL believes for a while that most rows are under the upper one.
    let batch = revocations::table.filter(revocations::until.between(*first, *last));
    Ok(diesel::delete(batch).execute(uow.conn())?)
}

/// Two queries instead of an `OR`, so that each has its index.
fn ended_logins(uow: &mut UnitOfWork<'_>, horizon: Timestamp, limit: i64) -> Result<Vec<LoginId>, DbError> {
    let mut ended: Vec<LoginId> = logins::table
        .filter(logins::expires_at.lt(horizon))
        .order(logins::expires_at.asc())
        .limit(limit)
        .select(logins::id)
        .load(uow.conn())?;
    let left = limit.saturating_sub(i64::try_from(ended.len()).unwrap_or(limit));
    ended.extend(
        logins::table
            .filter(logins::revoked_at.lt(horizon))
            .order(logins::revoked_at.asc())
            .limit(left)
            .select(logins::id)
            .load::<LoginId>(uow.conn())?,
    );
    Ok(ended)
}
