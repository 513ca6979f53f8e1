//! The assistant's tables.

diesel::table! {
    /// What was said in a conversation; each message is also an event in its room.
    conversation_messages (id) {
        id -> Text,
        conversation_id -> Text,
        author -> Text,
        client_msg_id -> Nullable<Text>,
        text -> Text,
        seq -> BigInt,
        answer_id -> Nullable<Text>,
        answers_to -> Nullable<Text>,
        generator -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// What a user has used of the plan's quotas on a day.
    daily_usage (user_id, day) {
        user_id -> Text,
        day -> BigInt,
        messages -> BigInt,
        plans -> BigInt,
        characters -> BigInt,
    }
}

diesel::table! {
    /// Plans of work, drafted in a conversation.
    masterplans (id) {
        id -> Text,
        conversation_id -> Text,
        user_id -> Text,
        request_id -> Nullable<Text>,
        title -> Text,
        category -> Nullable<Text>,
        generator -> Text,
        plan -> Text,
        project_id -> Nullable<Text>,
        applied_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Conversations that are nobody's, taken from a placeholder user of an older system.
    archived_conversations (id) {
        id -> Text,
        title -> Nullable<Text>,
        created_at -> BigInt,
        archived_at -> BigInt,
    }
}

diesel::table! {
    /// The messages of archived conversations.
    archived_messages (id) {
        id -> Text,
        conversation_id -> Text,
        author -> Text,
        text -> Text,
        seq -> BigInt,
        created_at -> BigInt,
    }
}
