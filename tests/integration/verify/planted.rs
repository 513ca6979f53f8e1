//! One fault per check, planted behind the schema's back.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use crate::support::Database;

use super::marketplace::Marketplace;
use super::report;

/// A fault: the check that must find it, its table and row, and the statements that plant it.
#[derive(Debug)]
struct Planted {
    check: &'static str,
    table: &'static str,
    id: String,
    sql: String,
}

fn planted(
    check: &'static str,
    table: &'static str,
    id: impl Into<String>,
    sql: impl Into<String>,
) -> Planted {
    Planted { check, table, id: id.into(), sql: sql.into() }
}

/// What keeps faults like these out of a database in use.
const UNGUARD_SQLITE: &str = "\
    PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; \
    DROP TRIGGER bookings_no_overlap_insert; DROP TRIGGER bookings_no_overlap_update; \
    DROP INDEX offers_one_live; DROP INDEX offers_one_accepted; DROP INDEX bookings_one_live;";

const UNGUARD_POSTGRES: &str = "\
    SET session_replication_role = replica; \
    ALTER TABLE bookings DROP CONSTRAINT bookings_no_overlap; \
    DROP INDEX offers_one_live; DROP INDEX offers_one_accepted; DROP INDEX bookings_one_live; \
    DO $$ DECLARE rule record; BEGIN \
        FOR rule IN SELECT conrelid::regclass AS of, conname FROM pg_constraint \
            WHERE contype = 'c' AND connamespace = 'public'::regnamespace \
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.of, rule.conname); END LOOP; \
    END $$;";

/// Executes statements without the guards of foreign keys.
pub(super) fn execute(database: &Database, sql: &str) {
    match database {
        Database::Sqlite(_) => SqliteConnection::establish(&database.url()).unwrap().batch_execute(sql),
        Database::Postgres(database) => PgConnection::establish(&database.url).unwrap().batch_execute(sql),
    }
    .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

fn find(database: &Database, sql: &str) -> String {
    let query = diesel::sql_query(sql);
    let found: Found = match database {
        Database::Sqlite(_) => query.get_result(&mut SqliteConnection::establish(&database.url()).unwrap()),
        Database::Postgres(database) => {
            query.get_result(&mut PgConnection::establish(&database.url).unwrap())
        }
    }
    .unwrap_or_else(|error| panic!("{error}: {sql}"));
    found.id
}

/// Plants every fault, and finds each in the report of its check. A check without a fault here fails as well.
pub(super) fn every_fault_is_named(database: &Database, marketplace: &Marketplace) {
    let is_postgres = matches!(database, Database::Postgres(_));
    let token = find(database, "SELECT id FROM refresh_tokens WHERE parent_id IS NOT NULL");
    let mut faults = faults(marketplace, &token);
    faults.push(match is_postgres {
        true => planted(
            "constraints",
            "services",
            "planted",
            "ALTER TABLE services ADD CONSTRAINT planted CHECK (price_min >= 0) NOT VALID",
        ),
        // The negative price of the service breaks a constraint of its table.
        false => planted("integrity", "the file", "-", ""),
    });
    let statements: Vec<_> = faults.iter().map(|fault| fault.sql.as_str()).collect();
    let unguard = if is_postgres { UNGUARD_POSTGRES } else { UNGUARD_SQLITE };
    execute(database, &format!("{unguard} {}", statements.join("; ")));

    let (report, code) = report(database);
    assert_eq!(code, Some(1));
    let unnamed: Vec<_> = faults.iter().filter(|fault| !is_named(fault, &report)).collect();
    let of_them = |line: &&Value| unnamed.iter().any(|fault| line["check"] == fault.check);
    let told: Vec<_> = report.iter().filter(of_them).collect();
    assert!(unnamed.is_empty(), "{unnamed:#?} in {told:#?}");
    let tried: BTreeSet<_> = faults.iter().map(|fault| fault.check).collect();
    let made: BTreeSet<_> = report.iter().filter_map(|line| line["check"].as_str()).collect();
    assert_eq!(made, tried, "a check without a planted fault");
}

fn is_named(fault: &Planted, report: &[Value]) -> bool {
    let mut checks = report.iter().filter(|line| line["check"] == fault.check);
    let mut told = checks.by_ref().flat_map(|line| line["faults"].as_array().unwrap());
    told.any(|told| {
        told["table"] == fault.table && told["id"] == fault.id.as_str() && told["what"].as_str() > Some("")
    })
}

fn faults(m: &Marketplace, token: &str) -> Vec<Planted> {
    let [priced, reopened, unbooked, revived, early, late, unplanned, moved, roomless] = m.deals.as_slice()
    else {
        panic!("nine deals")
    };
    let Marketplace { ana, ben, carl, dora, board, .. } = m;
    let session = format!("session:{}", priced.session);
    let nowhere = "session:01890a5d-ac96-774b-bcce-b302099a8057";
    let set = |table: &str, change: &str, id: &str| format!("UPDATE {table} SET {change} WHERE id = '{id}'");
    let first_columns = m.columns.iter().min().unwrap();
    vec![
        planted("money_of_services", "services", &m.service, set("services", "price_min = -1", &m.service)),
        planted(
            "money_of_templates",
            "templates",
            &m.template,
            set("templates", "currency = 'QQQ'", &m.template),
        ),
        planted(
            "money_of_requests",
            "requests",
            &m.open_request,
            set("requests", "currency = 'QQQ'", &m.open_request),
        ),
        planted("money_of_offers", "offers", &priced.offer, set("offers", "price = -5", &priced.offer)),
        planted(
            "money_of_bookings",
            "bookings",
            &priced.booking,
            set("bookings", "currency = 'QQQ'", &priced.booking),
        ),
        planted(
            "money_of_simulations",
            "simulations",
            &m.simulation,
            set("simulations", "base_price = -1", &m.simulation),
        ),
        planted("booking_terms", "bookings", &priced.booking, ""),
        planted(
            "booked_requests",
            "requests",
            &reopened.request,
            set("requests", "status = 'open'", &reopened.request),
        ),
        planted("bookings", "bookings", &reopened.booking, ""),
        planted(
            "accepted_offers",
            "offers",
            &unbooked.offer,
            format!("DELETE FROM bookings WHERE id = '{}'", unbooked.booking),
        ),
        planted("foreign_keys", "projects", &unbooked.project, ""),
        planted("live_offers", "offers", &revived.offer, set("offers", "status = 'pending'", &revived.offer)),
        planted(
            "calendars",
            "bookings",
            &late.booking,
            format!(
                "UPDATE bookings SET slot_start = (SELECT slot_start + 1 FROM bookings WHERE id = '{0}') WHERE id = '{1}'",
                early.booking, late.booking,
            ),
        ),
        planted(
            "booking_parts",
            "bookings",
            &unplanned.booking,
            format!("DELETE FROM projects WHERE id = '{}'", unplanned.project),
        ),
        planted(
            "parties",
            "offers",
            &moved.offer,
            set("offers", &format!("user_id = '{ana}'"), &moved.offer),
        ),
        planted(
            "project_owners",
            "projects",
            board,
            format!("DELETE FROM project_members WHERE project_id = '{board}'"),
        ),
        planted(
            "project_invitations",
            "project_invitations",
            &m.invitation,
            set("project_invitations", "used_by = NULL", &m.invitation),
        ),
        planted(
            "board_columns",
            "board_columns",
            first_columns,
            format!("UPDATE board_columns SET position = 0 WHERE project_id = '{board}'"),
        ),
        planted("tasks", "tasks", &m.tasks[0], set("tasks", "column_id = NULL", &m.tasks[0])),
        planted("task_contents", "tasks", &m.tasks[1], set("tasks", "labels = 'nonsense'", &m.tasks[1])),
        planted(
            "messages",
            "messages",
            &m.message,
            format!("DELETE FROM events WHERE room = '{session}' AND kind = 'message.sent'"),
        ),
        planted("rooms_without_gaps", "rooms", &session, ""),
        planted(
            "conversation_messages",
            "conversation_messages",
            &m.said,
            set("conversation_messages", "seq = seq + 100", &m.said),
        ),
        planted(
            "read_markers",
            "read_markers",
            format!("{session}/{ana}"),
            format!("UPDATE read_markers SET seq = 1000 WHERE room = '{session}'"),
        ),
        planted("rooms", "rooms", nowhere, format!("INSERT INTO rooms (name, head) VALUES ('{nowhere}', 0)")),
        planted(
            "events_without_a_room",
            "events",
            format!("booking:{}", roomless.booking),
            format!("DELETE FROM rooms WHERE name = 'booking:{}'", roomless.booking),
        ),
        planted(
            "events",
            "events",
            format!("user:{ana}/1"),
            format!("UPDATE events SET data = 'nonsense' WHERE room = 'user:{ana}' AND seq = 1"),
        ),
        planted(
            "masterplan_owners",
            "masterplans",
            &m.masterplan,
            set("masterplans", &format!("user_id = '{ben}', plan = '{{}}'"), &m.masterplan),
        ),
        planted("masterplans", "masterplans", &m.masterplan, ""),
        planted(
            "refresh_tokens",
            "refresh_tokens",
            token,
            set(
                "refresh_tokens",
                &format!("login_id = (SELECT min(id) FROM logins WHERE user_id = '{ben}')"),
                token,
            ),
        ),
        planted("users", "users", ana, set("users", "email = 'ANA@example.com'", ben)),
        planted(
            "simulations",
            "simulations",
            &m.simulation,
            set("simulations", "result = NULL", &m.simulation),
        ),
        planted(
            "stored_answers",
            "idempotency_keys",
            format!("{ana}/entry"),
            format!("UPDATE idempotency_keys SET status = 0, body = 'v1:AAAA' WHERE user_id = '{ana}'"),
        ),
        planted("sealed_answers", "idempotency_keys", "entry", ""),
        planted(
            "journals",
            "entries",
            &m.carls_entry,
            format!("DELETE FROM journal_keys WHERE user_id = '{carl}'"),
        ),
        planted(
            "data_keys",
            "journal_keys",
            dora,
            format!("UPDATE journal_keys SET key_id = 'another' WHERE user_id = '{dora}'"),
        ),
        planted("sealed_entries", "entries", &m.entry, set("entries", "text = 'v1:AAAA'", &m.entry)),
        planted(
            "sealed_reflections",
            "reflections",
            &m.reflection,
            set("reflections", "text = 'v1:AAAA'", &m.reflection),
        ),
    ]
}
