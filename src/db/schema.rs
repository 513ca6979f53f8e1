//! The tables as Diesel sees them: kept by hand, since one file serves both engines.
//!
//! Column types are limited to what both store alike: `Text`, `BigInt`, `Integer`, `Double`, `Bool`.

#![allow(missing_docs, reason = "columns are documented in migrations/postgres")]

diesel::table! {
    /// Whoever can be authenticated.
    users (id) {
        id -> Text,
        email -> Text,
        issuer -> Nullable<Text>,
        clerk_id -> Nullable<Text>,
        display_name -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        plan -> Text,
        is_active -> Bool,
        token_epoch -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// One signing-in on one device: the family of its refresh tokens, the `sid` of its access tokens.
    logins (id) {
        id -> Text,
        user_id -> Text,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Refresh tokens by hash; rotated at each use.
    refresh_tokens (id) {
        id -> Text,
        login_id -> Text,
        hash -> Text,
        parent_id -> Nullable<Text>,
        access_jti -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        access_used_at -> Nullable<BigInt>,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Tokens and outside sessions that were revoked before their time.
    revocations (issuer, kind, value) {
        issuer -> Text,
        kind -> Text,
        value -> Text,
        revoked_at -> BigInt,
        until -> BigInt,
    }
}

diesel::table! {
    /// The shop of a user.
    providers (id) {
        id -> Text,
        user_id -> Text,
        display_name -> Text,
        bio -> Text,
        latitude -> Nullable<Double>,
        longitude -> Nullable<Double>,
        radius_km -> Nullable<Double>,
        rating_count -> BigInt,
        rating_sum -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Which markets a provider serves.
    provider_categories (provider_id, category) {
        provider_id -> Text,
        category -> Text,
    }
}

diesel::table! {
    /// What a provider's shop sells.
    services (id) {
        id -> Text,
        provider_id -> Text,
        name -> Text,
        category -> Text,
        description -> Text,
        price_min -> BigInt,
        price_max -> BigInt,
        currency -> Text,
        duration_minutes -> Integer,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A provider's ready-made offer texts.
    templates (id) {
        id -> Text,
        provider_id -> Text,
        title -> Text,
        message -> Text,
        price -> BigInt,
        currency -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Records of a provider's portfolio photos.
    portfolio_photos (id) {
        id -> Text,
        provider_id -> Text,
        caption -> Text,
        position -> Integer,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// The buying side of a user.
    consumers (id) {
        id -> Text,
        user_id -> Text,
        display_name -> Text,
        address -> Nullable<Text>,
        latitude -> Nullable<Double>,
        longitude -> Nullable<Double>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A consumer's request for work.
    requests (id) {
        id -> Text,
        consumer_id -> Text,
        user_id -> Text,
        category -> Text,
        title -> Text,
        description -> Text,
        budget_min -> Nullable<BigInt>,
        budget_max -> Nullable<BigInt>,
        currency -> Text,
        address -> Nullable<Text>,
        latitude -> Nullable<Double>,
        longitude -> Nullable<Double>,
        wanted_at -> Nullable<BigInt>,
        status -> Text,
        revision -> BigInt,
        expires_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A provider's offer on a request.
    offers (id) {
        id -> Text,
        request_id -> Text,
        provider_id -> Text,
        user_id -> Text,
        consumer_user_id -> Text,
        price -> BigInt,
        currency -> Text,
        message -> Text,
        slot_start -> BigInt,
        slot_end -> BigInt,
        valid_until -> BigInt,
        request_revision -> BigInt,
        status -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// What an accepted offer became.
    bookings (id) {
        id -> Text,
        offer_id -> Text,
        request_id -> Text,
        consumer_id -> Text,
        provider_id -> Text,
        consumer_user_id -> Text,
        provider_user_id -> Text,
        price -> BigInt,
        currency -> Text,
        slot_start -> BigInt,
        slot_end -> BigInt,
        address -> Nullable<Text>,
        status -> Text,
        completed_by -> Nullable<Text>,
        cancelled_by -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// The chat of a consumer and a provider about a request or booking.
    sessions (id) {
        id -> Text,
        request_id -> Text,
        booking_id -> Nullable<Text>,
        consumer_user_id -> Text,
        provider_user_id -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Chat messages; each is also an event of its session's room.
    messages (id) {
        id -> Text,
        session_id -> Text,
        user_id -> Text,
        client_msg_id -> Text,
        text -> Text,
        seq -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// How far a user has read in a room.
    read_markers (room, user_id) {
        room -> Text,
        user_id -> Text,
        seq -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A kanban board; a booking opens one.
    projects (id) {
        id -> Text,
        booking_id -> Nullable<Text>,
        created_by -> Text,
        title -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Who may see and change a project.
    project_members (project_id, user_id) {
        project_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// The work of a project, on its board.
    tasks (id) {
        id -> Text,
        project_id -> Text,
        created_by -> Text,
        title -> Text,
        text -> Text,
        status -> Text,
        position -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// What somebody wrote into their journal.
    entries (id) {
        id -> Text,
        user_id -> Text,
        title -> Nullable<Text>,
        text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A user's chat with the assistant.
    conversations (id) {
        id -> Text,
        user_id -> Text,
        title -> Nullable<Text>,
        is_default -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// A pricing run.
    simulations (id) {
        id -> Text,
        user_id -> Text,
        category -> Text,
        base_price -> BigInt,
        currency -> Text,
        steps -> Integer,
        seed -> BigInt,
        status -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Head of each room's event log; its row lock orders the room's writers.
    rooms (name) {
        name -> Text,
        head -> BigInt,
    }
}

diesel::table! {
    /// The event log: what live sessions get and what reconnecting ones replay.
    events (room, seq) {
        room -> Text,
        seq -> BigInt,
        kind -> Text,
        by_user -> Nullable<Text>,
        at -> BigInt,
        data -> Text,
    }
}

diesel::table! {
    /// Who, as whom, did or was refused what. Append-only.
    audit (id) {
        id -> Text,
        at -> BigInt,
        actor -> Nullable<Text>,
        impersonator -> Nullable<Text>,
        outcome -> Text,
        action -> Text,
        kind -> Text,
        row_id -> Nullable<Text>,
        detail -> Nullable<Text>,
        call_id -> Nullable<Text>,
    }
}

diesel::table! {
    /// Answers kept for a repeated Idempotency-Key, written in the transaction of the first.
    idempotency_keys (user_id, key) {
        user_id -> Text,
        key -> Text,
        fingerprint -> Text,
        status -> Integer,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        body -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// What readiness probes write.
    write_probe (id) {
        id -> Integer,
        writes -> BigInt,
        filler -> Text,
    }
}

diesel::joinable!(services -> providers (provider_id));
diesel::joinable!(templates -> providers (provider_id));
diesel::joinable!(portfolio_photos -> providers (provider_id));

macro_rules! tables {
    ($($table:ident,)*) => {
        diesel::allow_tables_to_appear_in_same_query!($($table),*);

        /// The names of all tables.
        pub(super) const TABLES: &[&str] = &[$(stringify!($table)),*];
    };
}

tables! {
    users,
    logins,
    refresh_tokens,
    revocations,
    providers,
    provider_categories,
    services,
    templates,
    portfolio_photos,
    consumers,
    requests,
    offers,
    bookings,
    sessions,
    messages,
    read_markers,
    projects,
    project_members,
    tasks,
    entries,
    conversations,
    simulations,
    rooms,
    events,
    audit,
    idempotency_keys,
    write_probe,
}
