//! The database on both engines: Diesel's schema against the migrated one, and the guarantees of the writers.

mod boards;
mod plans;
mod schema;
mod writers;
