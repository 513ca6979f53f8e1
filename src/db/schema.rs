//! Diesel's table definitions, kept by hand because one file serves both engines; an integration test
//! compares them with the migrated schema.
//!
//! Column types are limited to those that both engines store alike: `Text`, `BigInt`, `Integer`, `Double`,
//! `Bool`.

#![allow(missing_docs, reason = "columns are documented in migrations/postgres")]

mod assistant;
mod trail;
mod auth;
mod boards;
mod relations;
mod sharing;

pub use assistant::{
    archived_conversations, archived_messages, conversation_messages, daily_usage, masterplans,
};
pub use auth::{failed_logins, login_attempts, tickets};
pub use boards::{board_columns, project_invitations, task_comments, tasks};
pub use sharing::{commit_readers, commits, leases, live_connections, nodes, room_members};
pub use trail::{audit, audit_horizon};

diesel::table! {
    /// Accounts that can authenticate, ours and external.
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
    /// A login on one device: the family of its refresh tokens, and the `sid` of its access tokens.
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
    /// Tokens and external sessions revoked before they expired.
    revocations (issuer, kind, value) {
        issuer -> Text,
        kind -> Text,
        value -> Text,
        revoked_at -> BigInt,
        until -> BigInt,
    }
}

diesel::table! {
    /// Provider profiles, at most one per user.
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
    /// Categories that a provider serves.
    provider_categories (provider_id, category) {
        provider_id -> Text,
        category -> Text,
    }
}

diesel::table! {
    /// Catalogue items: services that a provider sells.
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
    /// Catalogue items: a provider's offer templates.
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
    /// Catalogue items: metadata of a provider's portfolio photos.
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
    /// Consumer profiles, at most one per user.
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
    /// Consumers' requests for work.
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
    /// Providers' offers on requests.
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
    /// Bookings, made from accepted offers.
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
    /// Chat sessions of a consumer and a provider about a request or booking.
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
    /// Chat messages; each is also an event in its session's room.
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
    /// Each user's read position per room.
    read_markers (room, user_id) {
        room -> Text,
        user_id -> Text,
        seq -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Kanban projects; a booking opens one.
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
    /// Members of projects and their roles.
    project_members (project_id, user_id) {
        project_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Journal entries.
    entries (id) {
        id -> Text,
        user_id -> Text,
        title -> Nullable<Text>,
        text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        sealed -> Bool,
    }
}

diesel::table! {
    /// The data key of each user with a journal, sealed with the key-encryption key.
    journal_keys (user_id) {
        user_id -> Text,
        key_id -> Text,
        sealed_key -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// What a generator wrote about a journal entry, sealed like the entry.
    reflections (id) {
        id -> Text,
        entry_id -> Text,
        user_id -> Text,
        entry_version -> BigInt,
        generator -> Text,
        text -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Users' conversations with the assistant.
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
    /// Pricing simulations.
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
        runs -> Integer,
        reference_price -> Nullable<BigInt>,
        result -> Nullable<Text>,
        latitude -> Nullable<Double>,
        longitude -> Nullable<Double>,
        radius_km -> Nullable<Integer>,
        slots_per_day -> Nullable<Integer>,
        is_deferred -> Nullable<Bool>,
        assumptions -> Nullable<Text>,
    }
}

diesel::table! {
    /// Head of each room's event log; its row lock serializes the room's writers.
    rooms (name) {
        name -> Text,
        head -> BigInt,
        tail -> BigInt,
    }
}

diesel::table! {
    /// The event log: what live sessions receive and reconnecting ones replay.
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
    /// Responses stored for a repeated `Idempotency-Key`, written in the transaction of the first call.
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
    /// The one row that readiness probes write.
    write_probe (id) {
        id -> Integer,
        writes -> BigInt,
        filler -> Text,
    }
}

macro_rules! list_names {
    ($($table:ident,)*) => {
        /// Names of all tables.
        pub(super) const TABLES: &[&str] = &[$(stringify!($table)),*];
    };
}

/// Gives a macro all tables: `with_tables!(name!())`, or `with_tables!(name!(argument))` to give it an expression first.
/// Public for the test that compares them with the database.
#[doc(hidden)]
#[macro_export]
macro_rules! with_tables {
    ($to:ident!($($argument:expr)?)) => {
        $to! {
            $($argument;)?
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
            board_columns,
            task_comments,
            project_invitations,
            entries,
            journal_keys,
            reflections,
            conversations,
            conversation_messages,
            daily_usage,
            masterplans,
            archived_conversations,
            archived_messages,
            simulations,
            rooms,
            events,
            audit,
            audit_horizon,
            idempotency_keys,
            write_probe,
            commits,
            commit_readers,
            nodes,
            live_connections,
            room_members,
            leases,
            tickets,
            failed_logins,
            login_attempts,
        }
    };
}

with_tables!(list_names!());
