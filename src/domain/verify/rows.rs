//! Accounts, simulations and stored answers: rows that must make sense by themselves.

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::db::DbError;
use crate::db::schema::idempotency_keys as keys;
use crate::db::verify::{BATCH, Fault, SqlCheck, Verification};
use crate::domain::entries;

pub(super) const CHECKS: &[SqlCheck] = &[
    SqlCheck {
        name: "refresh_tokens",
        of: "refresh_tokens",
        faults: "\
            SELECT 'refresh_tokens' AS in_table, token.id AS id, 'it replaces one of another login' AS what \
            FROM refresh_tokens AS token JOIN refresh_tokens AS parent ON parent.id = token.parent_id \
            WHERE parent.login_id <> token.login_id",
    },
    SqlCheck {
        name: "users",
        of: "users",
        faults: "\
            SELECT 'users' AS in_table, min(id) AS id, count(*) || ' users have its address in other cases' AS what \
            FROM users GROUP BY lower(email) HAVING count(*) > 1 \
            UNION ALL \
            SELECT 'users', min(user_id), 'it has ' || count(*) || ' provider profiles' \
            FROM providers GROUP BY user_id HAVING count(*) > 1 \
            UNION ALL \
            SELECT 'users', min(user_id), 'it has ' || count(*) || ' consumer profiles' \
            FROM consumers GROUP BY user_id HAVING count(*) > 1",
    },
    SqlCheck {
        name: "simulations",
        of: "simulations",
        faults: "\
            SELECT 'simulations' AS in_table, id, \
                   'it is ' || status || CASE WHEN result IS NULL THEN ', and has no result' ELSE ', and has a result' END \
                   AS what \
            FROM simulations WHERE (status = 'done') <> (result IS NOT NULL)",
    },
];

/// Answers that repeated calls get must be answers.
pub(super) fn verify_stored_answers(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    type Answer = (String, String, String, i32, String);
    verification.each(
        "stored_answers",
        (String::new(), String::new()),
        |uow, (user, key)| {
            let after = keys::user_id
                .gt(user.clone())
                .or(keys::user_id.eq(user.clone()).and(keys::key.gt(key.clone())));
            let page = keys::table.filter(keys::user_id.ge(user.clone())).filter(after);
            let page = page.order((keys::user_id, keys::key)).limit(BATCH);
            let columns = (keys::user_id, keys::key, keys::fingerprint, keys::status, keys::body);
            Ok(page.select(columns).load::<Answer>(uow.conn())?)
        },
        |(user, key, ..)| (user.clone(), key.clone()),
        |_, (user, key, fingerprint, status, body)| {
            let is_document = || serde_json::from_str::<&RawValue>(&body).is_ok();
            let wrong = if !(200..600).contains(&status) {
                "it was never answered"
            } else if fingerprint.len() != 64 {
                "its fingerprint is none"
            } else if !body.is_empty() && !entries::is_sealed(&body) && !is_document() {
                "its body cannot be read"
            } else {
                return Ok(None);
            };
            Ok(Some(Fault::new("idempotency_keys", format!("{user}/{key}"), wrong)))
        },
    )
}
