//! Schemas of what has no type of its own.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, Type};

/// Text that this regular expression matches.
pub(super) fn text(pattern: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern).filter(|pattern| !pattern.is_empty()))
        .build()
        .into()
}

/// A whole number from `least` on.
pub(super) fn number(least: std::ops::RangeFrom<u32>) -> Schema {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least.start)).build().into()
}
