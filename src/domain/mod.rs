//! What the marketplace does, by feature. No actix, no HTTP, no sockets and no `serde_json::Value` in here.

mod text_enum;

pub use text_enum::UnknownWord;
pub(crate) use text_enum::text_enum;

pub mod users;
