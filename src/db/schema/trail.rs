//! The audit trail.

diesel::table! {
    /// Audit trail. Append-only.
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
    /// Up to when rows of the audit trail may have been deleted: one row, once any were.
    audit_horizon (id) {
        id -> Integer,
        deleted_before -> BigInt,
    }
}
