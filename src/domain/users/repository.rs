//! Storage of users: queries and writes, no decisions.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{consumers, providers, users};
use crate::db::{DbConnection, DbError, UnitOfWork, one_of};
use crate::domain::Page;
use crate::domain::consumers::id_of as consumer_id_of;
use crate::domain::policy::Authorized;
use crate::domain::providers::id_of as provider_id_of;
use crate::ids::{ConsumerId, ProviderId, UserId};

use super::{Account, Email, Plan, Role, User};

type Columns = (
    users::id,
    users::email,
    users::issuer,
    users::clerk_id,
    users::display_name,
    users::role,
    users::plan,
    users::is_active,
    users::token_epoch,
    users::version,
    users::created_at,
    users::updated_at,
);

/// The columns of a [`User`].
pub(super) const COLUMNS: Columns = (
    users::id,
    users::email,
    users::issuer,
    users::clerk_id,
    users::display_name,
    users::role,
    users::plan,
    users::is_active,
    users::token_epoch,
    users::version,
    users::created_at,
    users::updated_at,
);

/// Loads a user.
pub(crate) fn find(uow: &mut UnitOfWork<'_>, id: UserId) -> Result<Option<User>, DbError> {
    Ok(users::table.find(id).select(COLUMNS).get_result(uow.conn()).optional()?)
}

/// The email addresses of these users, for lists that name them; synthetic users have none.
pub(crate) fn emails_of(
    uow: &mut UnitOfWork<'_>,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, String>, DbError> {
    let named = emails_and_roles_of(uow, ids)?;
    Ok(named.into_iter().map(|(user, (email, _))| (user, email)).collect())
}

/// Email addresses and roles of users.
pub(crate) fn emails_and_roles_of(
    uow: &mut UnitOfWork<'_>,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, (String, Role)>, DbError> {
    let ids: BTreeSet<UserId> = ids.into_iter().collect();
    let named = users::table.filter(one_of(users::id, ids)).select((users::id, (users::email, users::role)));
    Ok(named.load::<(UserId, (String, Role))>(uow.conn())?.into_iter().collect())
}

/// Loads a user by email address.
pub(crate) fn find_by_email(uow: &mut UnitOfWork<'_>, email: &Email) -> Result<Option<User>, DbError> {
    let of_address = users::table.filter(users::email.eq(email.as_str()));
    Ok(of_address.select(COLUMNS).get_result(uow.conn()).optional()?)
}

/// Loads a user by identity at an external issuer.
pub(crate) fn find_by_identity(
    uow: &mut UnitOfWork<'_>,
    issuer: &str,
    subject: &str,
) -> Result<Option<User>, DbError> {
    let of_identity = users::table.filter(users::issuer.eq(issuer).and(users::clerk_id.eq(subject)));
    Ok(of_identity.select(COLUMNS).get_result(uow.conn()).optional()?)
}

/// Loads a user by email address, with the password hash if there is one.
pub(crate) fn find_credentials(
    uow: &mut UnitOfWork<'_>,
    email: &Email,
) -> Result<Option<(UserId, Option<String>)>, DbError> {
    let of_address = users::table.filter(users::email.eq(email.as_str()));
    Ok(of_address.select((users::id, users::password_hash)).get_result(uow.conn()).optional()?)
}

/// Users whose email begins with this text and who have this role; `None` means any. Newest first.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    start: Option<&str>,
    role: Option<Role>,
    page: &Page<UserId>,
) -> Result<Vec<User>, DbError> {
    let mut query = users::table.select(COLUMNS).order(users::id.desc()).limit(page.fetch()).into_boxed();
    if let Some(start) = start {
        // A range of the addresses' index, which both engines order by bytes. A search within addresses would read
        // every user.
        query = query.filter(users::email.ge(start.to_owned()).and(users::email.lt(last_with(start))));
    }
    if let Some(role) = role {
        query = query.filter(users::role.eq(role));
    }
    if let Some(before) = page.before {
        query = query.filter(users::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}

/// A text after every address that begins with `start`: no address contains the last character of Unicode.
fn last_with(start: &str) -> String {
    format!("{start}{}", char::MAX)
}

/// The active admins, each row locked until the end of the unit of work: two admins who suspend each other
/// must not both succeed.
pub(super) fn lock_active_admins(uow: &mut UnitOfWork<'_>) -> Result<Vec<UserId>, DbError> {
    let admins = users::table
        .filter(users::role.eq(Role::Admin).and(users::is_active))
        .order(users::id)
        .select(users::id);
    Ok(match uow.conn() {
        DbConnection::Postgresql(connection) => admins.for_update().load(connection)?,
        // SQLite has a single writer.
        DbConnection::Sqlite(connection) => admins.load(connection)?,
    })
}

/// Whether the user is active. On PostgreSQL the row is locked until the end of the unit of work, so that the user is
/// not suspended before it commits; whoever locks a request as well locks that first.
pub(crate) fn lock_active(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<bool, DbError> {
    lock_both_active(uow, [user, user])
}

/// As [`lock_active`], whether both are.
pub(crate) fn lock_both_active(uow: &mut UnitOfWork<'_>, ids: [UserId; 2]) -> Result<bool, DbError> {
    let [one, other] = ids;
    // Not by `eq_any`: a list may be of any length, so that Diesel keeps no prepared statement for it.
    let active = users::table
        .filter(users::id.eq(one).or(users::id.eq(other)).and(users::is_active))
        .order(users::id)
        .select(users::id);
    let active: Vec<UserId> = match uow.conn() {
        DbConnection::Postgresql(connection) => active.for_share().load(connection)?,
        // SQLite has a single writer.
        DbConnection::Sqlite(connection) => active.load(connection)?,
    };
    Ok(ids.iter().all(|id| active.contains(id)))
}

/// Whether there is an active admin.
pub(crate) fn has_active_admin(uow: &mut UnitOfWork<'_>) -> Result<bool, DbError> {
    let active = users::table.filter(users::role.eq(Role::Admin).and(users::is_active)).limit(1);
    Ok(active.select(users::id).get_result::<UserId>(uow.conn()).optional()?.is_some())
}

/// Adds the ids of a user's profiles.
pub(crate) fn account(uow: &mut UnitOfWork<'_>, user: User) -> Result<Account, DbError> {
    let provider = provider_id_of(uow, user.id)?;
    let consumer = consumer_id_of(uow, user.id)?;
    Ok(Account { user, provider, consumer })
}

/// Inserts a user. There is no row yet to be authorized on.
pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    user: &User,
    password_hash: Option<&str>,
) -> Result<(), DbError> {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user.id),
            users::email.eq(&user.email),
            users::issuer.eq(&user.issuer),
            users::clerk_id.eq(&user.clerk_id),
            users::display_name.eq(&user.display_name),
            users::password_hash.eq(password_hash),
            users::role.eq(user.role),
            users::plan.eq(user.plan),
            users::is_active.eq(user.is_active),
            users::token_epoch.eq(user.token_epoch),
            users::version.eq(user.version),
            users::created_at.eq(user.created_at),
            users::updated_at.eq(user.updated_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Inserts the profile that the user's role needs, empty but for the name, unless it exists. Admins need
/// none.
pub(super) fn ensure_profile(uow: &mut UnitOfWork<'_>, user: &User) -> Result<(), DbError> {
    let now = uow.now();
    let theirs = account(uow, user.clone())?;
    match user.role {
        Role::Provider if theirs.provider.is_none() => diesel::insert_into(providers::table)
            .values((
                providers::id.eq(ProviderId::new(now)),
                providers::user_id.eq(user.id),
                providers::display_name.eq(&user.display_name),
                providers::bio.eq(""),
                providers::rating_count.eq(0_i64),
                providers::rating_sum.eq(0_i64),
                providers::version.eq(1_i64),
                providers::created_at.eq(now),
                providers::updated_at.eq(now),
            ))
            .execute(uow.conn())?,
        Role::Consumer if theirs.consumer.is_none() => diesel::insert_into(consumers::table)
            .values((
                consumers::id.eq(ConsumerId::new(now)),
                consumers::user_id.eq(user.id),
                consumers::display_name.eq(&user.display_name),
                consumers::version.eq(1_i64),
                consumers::created_at.eq(now),
                consumers::updated_at.eq(now),
            ))
            .execute(uow.conn())?,
        Role::Provider | Role::Consumer | Role::Admin => 0,
    };
    Ok(())
}

/// Updates a user, provided that its version is unchanged.
macro_rules! update {
    ($uow:expr, $user:expr, $($change:expr),+) => {{
        let now = $uow.now();
        let unchanged = users::table
            .find($user.id)
            .filter(users::version.eq($user.version).and(users::token_epoch.eq($user.token_epoch)));
        let changes = ($($change,)+ users::version.eq(users::version + 1), users::updated_at.eq(now));
        match diesel::update(unchanged).set(changes).execute($uow.conn())? {
            1 => Ok(()),
            _ => Err(DbError::Contended("the user changed meanwhile".into())),
        }
    }};
}

/// Suspends or reinstates a user; either way existing tokens are void from `epoch` on.
pub(super) fn set_active(
    uow: &mut UnitOfWork<'_>,
    user: &Authorized<User>,
    is_active: bool,
    epoch: Timestamp,
) -> Result<(), DbError> {
    update!(uow, user, users::is_active.eq(is_active), users::token_epoch.eq(epoch))
}

/// Sets a user's role; existing tokens are void from `epoch` on.
pub(super) fn set_role(
    uow: &mut UnitOfWork<'_>,
    user: &Authorized<User>,
    role: Role,
    epoch: Timestamp,
) -> Result<(), DbError> {
    update!(uow, user, users::role.eq(role), users::token_epoch.eq(epoch))
}

pub(super) fn set_plan(uow: &mut UnitOfWork<'_>, user: &Authorized<User>, plan: Plan) -> Result<(), DbError> {
    update!(uow, user, users::plan.eq(plan))
}

/// Voids the tokens that external issuers signed for a user before `epoch`.
pub(super) fn set_epoch(
    uow: &mut UnitOfWork<'_>,
    user: &Authorized<User>,
    epoch: Timestamp,
) -> Result<(), DbError> {
    let unchanged = users::table.find(user.id).filter(users::token_epoch.eq(user.token_epoch));
    match diesel::update(unchanged).set(users::token_epoch.eq(epoch)).execute(uow.conn())? {
        1 => Ok(()),
        _ => Err(DbError::Contended("the user changed meanwhile".into())),
    }
}
