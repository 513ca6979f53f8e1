//! The database on both engines: the schema that Diesel believes in, and what the writers promise.

mod schema;
mod writers;
