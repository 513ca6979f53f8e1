//! The tables of projects' boards; a part of [`schema`](super).

#![allow(missing_docs, reason = "columns are documented in migrations/postgres")]

diesel::table! {
    /// Columns of projects' boards.
    board_columns (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        position -> BigInt,
        wip_limit -> Nullable<Integer>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Comments on tasks.
    task_comments (id) {
        id -> Text,
        task_id -> Text,
        user_id -> Text,
        text -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Invitations to projects.
    project_invitations (id) {
        id -> Text,
        project_id -> Text,
        invited_by -> Text,
        user_id -> Nullable<Text>,
        role -> Text,
        secret_hash -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        used_by -> Nullable<Text>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Tasks on a project's board.
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
        column_id -> Nullable<Text>,
        assignee_id -> Nullable<Text>,
        due_at -> Nullable<BigInt>,
        labels -> Text,
        checklist -> Text,
        archived_at -> Nullable<BigInt>,
    }
}
