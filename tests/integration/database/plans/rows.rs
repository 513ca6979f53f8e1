//! A marketplace of many rows, made by the databases themselves: `N` users, requests, logins and events, and of the
//! rest in proportion. Frequent states and rare ones, one consumer and one provider with far more than the others.

/// How an engine spells what this needs.
#[derive(Clone, Copy)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// The email address of the consumer of one request in a hundred, and that of the provider of as many offers.
pub(super) const BUSY: [&str; 2] = ["user00000002@example.com", "user00000001@example.com"];

const DAY: i64 = 86_400_000_000;

impl Dialect {
    /// `i` from 1 to `count`.
    fn series(self, count: u64) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE g (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g LIMIT {count}) SELECT i FROM g) AS g"
            ),
            Self::Postgres => format!("generate_series(1::bigint, {count}::bigint) AS g (i)"),
        }
    }

    /// A number as text of equal length.
    fn digits(self, number: &str, format: &str, hex: bool, length: u32) -> String {
        match (self, hex) {
            (Self::Sqlite, _) => format!("printf('%{format}', {number})"),
            (Self::Postgres, true) => format!("lpad(to_hex(({number})::bigint), {length}, '0')"),
            (Self::Postgres, false) => format!("lpad(({number})::text, {length}, '0')"),
        }
    }

    /// The id of the row of this number, of the kind of this number.
    fn id(self, kind: u16, number: &str) -> String {
        format!("'01900000-{kind:04x}-7000-8000-' || {}", self.digits(number, "012x", true, 12))
    }

    /// The first column of a project.
    fn column(self, number: &str) -> String {
        format!("'01900000-{PROJECT:04x}-8000-8000-' || {}", self.digits(number, "012x", true, 12))
    }
}

const USER: u16 = 1;
const CONSUMER: u16 = 2;
const PROVIDER: u16 = 3;
const REQUEST: u16 = 4;
const OFFER: u16 = 5;
const SESSION: u16 = 6;
const BOOKING: u16 = 7;
const PROJECT: u16 = 8;
const TASK: u16 = 9;
const LOGIN: u16 = 10;
const TOKEN: u16 = 11;
const ENTRY: u16 = 12;
const CONVERSATION: u16 = 13;
const MESSAGE: u16 = 14;
const AUDIT: u16 = 15;
const OTHER: u16 = 16;

/// Each table, and the statement that fills it, in an order that the references allow.
pub(super) fn statements(dialect: Dialect, n: u64, now: i64) -> Vec<(&'static str, String)> {
    let id = |kind, number: &str| dialect.id(kind, number);
    let series = |count| dialect.series(count);
    let half = n / 2;
    let at = format!("({now} - ({n} - i % {n}) * {})", 90 * DAY / i64::try_from(n).unwrap());
    let times = format!("1, {at}, {at}");
    let category = |number: &str| {
        format!("CASE {number} % 20 WHEN 0 THEN 'plumbing' ELSE 'category-' || ({number} % 20) END")
    };
    // Of request `r`: one consumer in a hundred rows is the busy one.
    let consumer_of = |r: &str| format!("(CASE WHEN {r} % 100 = 7 THEN 1 ELSE 1 + {r} % {half} END)");
    let request_of = format!("(1 + i % {n})");
    let provider_of =
        format!("(CASE WHEN i % 100 = 7 AND i <= {n} THEN 1 ELSE 1 + (i * 31 + i / {n}) % {half} END)");
    let user_of_consumer = |c: &str| id(USER, &format!("2 * {c}"));
    let user_of_provider = |p: &str| id(USER, &format!("2 * {p} - 1"));
    let owner = user_of_consumer(&consumer_of(&request_of));
    let seller = user_of_provider(&provider_of);
    let any_user = id(USER, &format!("1 + i % {n}"));
    // Of entries, which the busy ones could not open.
    let writer = id(USER, &format!("3 + i % {}", n - 2));
    let words = "'A sentence or two of what people write, as long as such texts usually are, ' || i";
    let insert = |table: &'static str, count: u64, columns: &str, values: String| {
        (table, format!("INSERT INTO {table} ({columns}) SELECT {values} FROM {}", series(count)))
    };
    let projects = n / 10;
    let mut all = vec![
        insert(
            "users",
            n,
            "id, email, display_name, role, plan, is_active, token_epoch, version, created_at, updated_at",
            format!(
                "{}, 'user' || {} || '@example.com', 'User ' || i, CASE WHEN i % 10000 = 3 THEN 'admin' \
                WHEN i % 2 = 0 THEN 'consumer' ELSE 'provider' END, 'free', TRUE, {at}, {times}",
                id(USER, "i"),
                dialect.digits("i", "08d", false, 8)
            ),
        ),
        insert(
            "consumers",
            half,
            "id, user_id, display_name, version, created_at, updated_at",
            format!("{}, {}, 'User ' || i, {times}", id(CONSUMER, "i"), user_of_consumer("i")),
        ),
        insert(
            "providers",
            half,
            "id, user_id, display_name, bio, rating_count, rating_sum, version, created_at, updated_at",
            format!("{}, {}, 'User ' || i, {words}, 0, 0, {times}", id(PROVIDER, "i"), user_of_provider("i")),
        ),
        insert(
            "provider_categories",
            n,
            "provider_id, category",
            format!(
                "{}, {}",
                id(PROVIDER, &format!("1 + i % {half}")),
                category(&format!("(i + i / {half})"))
            ),
        ),
        insert(
            "services",
            half,
            "id, provider_id, name, category, description, price_min, price_max, currency, \
            duration_minutes, version, created_at, updated_at",
            format!(
                "{}, {}, 'Pipes', {}, {words}, 1000, 2000, 'EUR', 60, {times}",
                id(OTHER, "i"),
                id(PROVIDER, "i"),
                category("i")
            ),
        ),
        insert(
            "templates",
            half,
            "id, provider_id, title, message, price, currency, version, created_at, updated_at",
            format!("{}, {}, 'Usual', {words}, 1000, 'EUR', {times}", id(OTHER, "i"), id(PROVIDER, "i")),
        ),
        insert(
            "portfolio_photos",
            half,
            "id, provider_id, caption, position, version, created_at, updated_at",
            format!("{}, {}, 'A sink', 0, {times}", id(OTHER, "i"), id(PROVIDER, "i")),
        ),
        insert(
            "requests",
            n,
            "id, consumer_id, user_id, category, title, description, budget_max, currency, status, \
            revision, expires_at, version, created_at, updated_at",
            format!(
                "{}, {}, {}, {}, 'Fix the sink', {words}, 20000, 'EUR', CASE WHEN i % 500 = 0 THEN 'open' \
                WHEN i % 100 = 1 THEN 'draft' WHEN i % 5000 = 2 THEN 'removed' WHEN i % 10 = 3 THEN 'cancelled' \
                WHEN i % 10 = 4 THEN 'expired' WHEN i % 100 = 5 THEN 'booked' ELSE 'fulfilled' END, 1, \
                CASE WHEN i % 500 = 0 THEN {now} + {} ELSE {at} END, {times}",
                id(REQUEST, "i"),
                id(CONSUMER, &consumer_of("i")),
                user_of_consumer(&consumer_of("i")),
                category("i"),
                10 * DAY
            ),
        ),
        insert(
            "offers",
            n + half,
            "id, request_id, provider_id, user_id, consumer_user_id, price, currency, message, \
            slot_start, slot_end, valid_until, request_revision, status, version, created_at, updated_at",
            format!(
                "{}, {}, {}, {seller}, {owner}, 9000, 'EUR', {words}, {now} + i * 3600000000, \
                {now} + (i + 1) * 3600000000, CASE WHEN i % 500 = 0 THEN {now} + {} ELSE {at} END, 1, \
                CASE WHEN i % 500 = 0 THEN 'pending' WHEN i % 5000 = 1 THEN 'voided' WHEN i <= {n} AND i % 3 = 0 \
                THEN 'accepted' WHEN i % 10 = 1 THEN 'withdrawn' ELSE 'declined' END, {times}",
                id(OFFER, "i"),
                id(REQUEST, &request_of),
                id(PROVIDER, &provider_of),
                5 * DAY
            ),
        ),
        insert(
            "sessions",
            n + half,
            "id, request_id, consumer_user_id, provider_user_id, created_at, updated_at",
            format!("{}, {}, {owner}, {seller}, {at}, {at}", id(SESSION, "i"), id(REQUEST, &request_of)),
        ),
        (
            "bookings",
            format!(
                "INSERT INTO bookings (id, offer_id, request_id, consumer_id, provider_id, consumer_user_id, provider_user_id, \
             price, currency, slot_start, slot_end, status, version, created_at, updated_at) \
             SELECT {}, {}, {}, {}, {}, {owner}, {seller}, 9000, 'EUR', {now} + i * 3600000000, \
             {now} + (i + 1) * 3600000000, CASE WHEN i % 1000 = 6 THEN 'confirmed' WHEN i % 10 = 1 THEN 'cancelled' \
             WHEN i % 5000 = 2 THEN 'disputed' ELSE 'completed' END, {times} FROM {} WHERE i % 3 = 0 AND i % 500 <> 0",
                id(BOOKING, "i"),
                id(OFFER, "i"),
                id(REQUEST, &request_of),
                id(CONSUMER, &consumer_of(&request_of)),
                id(PROVIDER, &provider_of),
                series(n)
            ),
        ),
        insert(
            "projects",
            projects,
            "id, booking_id, created_by, title, version, created_at, updated_at",
            format!(
                "{}, CASE WHEN (3 * i) % 500 <> 0 THEN {} END, {any_user}, 'The bathroom', {times}",
                id(PROJECT, "i"),
                id(BOOKING, "3 * i")
            ),
        ),
        insert(
            "project_members",
            n / 5,
            "project_id, user_id, role, created_at",
            format!("{}, {any_user}, 'owner', {at}", id(PROJECT, &format!("1 + i % {projects}"))),
        ),
        insert(
            "tasks",
            n,
            "id, project_id, created_by, title, text, status, position, column_id, version, created_at, updated_at",
            format!(
                "{}, {}, {any_user}, 'Tiles', {words}, 'todo', {}, {}, {times}",
                id(TASK, "i"),
                id(PROJECT, &format!("1 + i % {projects}")),
                dialect.digits("i", "012d", false, 12),
                dialect.column(&format!("1 + i % {projects}"))
            ),
        ),
        insert(
            "task_comments",
            half,
            "id, task_id, user_id, text, created_at",
            format!("{}, {}, {any_user}, {words}, {at}", id(OTHER, "i"), id(TASK, "i")),
        ),
        insert(
            "project_invitations",
            projects,
            "id, project_id, invited_by, user_id, role, created_at, expires_at",
            format!(
                "{}, {}, {any_user}, {any_user}, 'viewer', {at}, {at} + {DAY}",
                id(OTHER, "i"),
                id(PROJECT, "i")
            ),
        ),
        insert(
            "logins",
            n,
            "id, user_id, user_agent, address, created_at, last_used_at, expires_at, revoked_at",
            format!(
                "{}, {}, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.7', \
                {at}, {at}, {at} + {}, CASE WHEN i % 10 = 0 THEN {at} + {DAY} END",
                id(LOGIN, "i"),
                id(USER, "i"),
                90 * DAY
            ),
        ),
        insert(
            "refresh_tokens",
            4 * n,
            "id, login_id, hash, parent_id, access_jti, created_at, expires_at, used_at",
            format!(
                "{}, {}, {}, CASE WHEN i % 4 <> 1 THEN {} END, {}, {at}, {at} + {}, CASE WHEN i % 4 <> 0 THEN {at} END",
                id(TOKEN, "i"),
                id(LOGIN, "1 + (i - 1) / 4"),
                dialect.digits("i", "064d", false, 64),
                id(TOKEN, "i - 1"),
                id(OTHER, "i"),
                14 * DAY
            ),
        ),
        insert(
            "revocations",
            half,
            "issuer, kind, value, revoked_at, until",
            format!("'', 'jti', {}, {at}, {now} + {DAY} + i", id(OTHER, "i")),
        ),
        insert(
            "messages",
            n,
            "id, session_id, user_id, client_msg_id, text, seq, created_at",
            format!(
                "{}, {}, {any_user}, {}, {words}, 1, {at}",
                id(MESSAGE, "i"),
                id(SESSION, "i"),
                id(OTHER, "i")
            ),
        ),
        insert(
            "read_markers",
            n,
            "room, user_id, seq, updated_at",
            format!("'session:' || {}, {any_user}, 1, {at}", id(SESSION, "i")),
        ),
        (
            "rooms",
            format!(
                "INSERT INTO rooms (name, head) SELECT 'session:' || {}, 1 FROM {} UNION ALL \
             SELECT 'user:' || {}, 10 FROM {} UNION ALL SELECT 'admin', {half} FROM {}",
                id(SESSION, "i"),
                series(n),
                id(USER, "i"),
                series(projects),
                series(1)
            ),
        ),
        (
            "events",
            format!(
                "INSERT INTO events (room, seq, kind, by_user, at, data) \
             SELECT 'session:' || {}, 1, 'message.sent', {any_user}, {at}, '{{\"id\":\"' || {} || '\",\"text\":\"' || {words} || '\"}}' FROM {} \
             UNION ALL SELECT 'user:' || {}, 1 + (i - 1) / {projects}, 'offer.submitted', NULL, {at}, '{{\"offer_id\":\"' || {} || '\"}}' FROM {} \
             UNION ALL SELECT 'admin', i, 'request.published', {any_user}, {at}, '{{\"request_id\":\"' || {} || '\"}}' FROM {}",
                id(SESSION, "i"),
                id(MESSAGE, "i"),
                series(n),
                id(USER, &format!("1 + (i - 1) % {projects}")),
                id(OFFER, "i"),
                series(n),
                id(REQUEST, "i"),
                series(half)
            ),
        ),
        insert(
            "audit",
            n + half,
            "id, at, actor, outcome, action, kind, row_id, call_id",
            format!(
                "{}, {at}, {any_user}, CASE WHEN i % 5000 = 0 THEN 'admin' WHEN i % 10 = 1 THEN 'refused' ELSE 'done' END, \
                'read', CASE WHEN i % 5000 = 1 THEN 'entry' WHEN i % 2 = 0 THEN 'offer' ELSE 'request' END, {}, {}",
                id(AUDIT, "i"),
                id(OFFER, "i"),
                id(OTHER, "i")
            ),
        ),
        insert(
            "idempotency_keys",
            half,
            "user_id, key, fingerprint, status, body, created_at",
            format!(
                "{any_user}, {}, {}, 201, '{{\"text\":\"' || {words} || '\"}}', {now} - {DAY} / 2 + i",
                id(OTHER, "i"),
                dialect.digits("i", "064d", false, 64)
            ),
        ),
        insert(
            "entries",
            n,
            "id, user_id, text, sealed, version, created_at, updated_at",
            format!("{}, {writer}, {words}, TRUE, {times}", id(ENTRY, "i")),
        ),
        insert(
            "reflections",
            half,
            "id, entry_id, user_id, entry_version, generator, text, created_at",
            format!("{}, {}, {writer}, 1, 'extractive', {words}, {at}", id(OTHER, "i"), id(ENTRY, "i")),
        ),
        insert(
            "conversations",
            half,
            "id, user_id, is_default, version, created_at, updated_at",
            format!("{}, {any_user}, TRUE, {times}", id(CONVERSATION, "i")),
        ),
        insert(
            "conversation_messages",
            n,
            "id, conversation_id, author, client_msg_id, text, seq, answer_id, created_at",
            format!(
                "{}, {}, 'user', {}, {words}, 1 + i / {half}, {}, {at}",
                id(MESSAGE, "i"),
                id(CONVERSATION, &format!("1 + i % {half}")),
                id(OTHER, "i"),
                id(OTHER, "i")
            ),
        ),
        insert(
            "masterplans",
            projects,
            "id, conversation_id, user_id, title, generator, plan, version, created_at, updated_at",
            format!(
                "{}, {}, {any_user}, 'The bathroom', 'extractive', '{{}}', {times}",
                id(OTHER, "i"),
                id(CONVERSATION, "i")
            ),
        ),
        insert(
            "simulations",
            half,
            "id, user_id, category, base_price, currency, steps, seed, status, version, created_at, updated_at",
            format!(
                "{}, {any_user}, {}, 5000, 'EUR', 10, 1, CASE WHEN i % 10000 = 0 THEN 'pending' ELSE 'done' END, {times}",
                id(OTHER, "i"),
                category("i")
            ),
        ),
        insert(
            "daily_usage",
            n,
            "user_id, day, messages, plans, characters",
            format!("{any_user}, {} + i / {n}, 1, 0, 100", now / DAY),
        ),
    ];
    if matches!(dialect, Dialect::Postgres) {
        // Without its triggers, which make the columns on SQLite.
        let columns = "id, project_id, name, position, version, created_at, updated_at";
        let values = format!("{}, {}, 'To do', 0, {times}", dialect.column("i"), id(PROJECT, "i"));
        let at = all.iter().position(|(table, _)| *table == "tasks").unwrap();
        all.insert(at, insert("board_columns", projects, columns, values));
    }
    all
}
