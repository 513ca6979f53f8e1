//! Which tables stand in one query, and no others: Diesel makes some twenty impls for each pair, among which the compiler
//! searches at every query. A query of tables that are not related here does not compile.

use super::{
    bookings, conversation_messages, conversations, live_connections, logins, messages, nodes, offers,
    portfolio_photos, project_members, projects, provider_categories, providers, refresh_tokens, requests,
    revocations, services, sessions, simulations, templates, users,
};

diesel::joinable!(services -> providers (provider_id));
diesel::joinable!(templates -> providers (provider_id));
diesel::joinable!(portfolio_photos -> providers (provider_id));

/// Lets the first table of each line stand in one query with each of the others.
macro_rules! in_one_query {
    ($($table:ident: $($other:ident),+;)*) => {
        $($(diesel::allow_tables_to_appear_in_same_query!($table, $other);)+)*
    };
}

in_one_query! {
    revocations: users, logins, refresh_tokens;
    users: logins, refresh_tokens, requests, offers, bookings, simulations;
    logins: refresh_tokens;
    providers: provider_categories, services, templates, portfolio_photos;
    requests: offers, bookings, sessions, projects;
    offers: bookings, sessions;
    bookings: sessions, projects, project_members;
    sessions: messages, projects;
    projects: project_members;
    conversations: conversation_messages;
    nodes: live_connections;
}
