//! The database on both engines: Diesel's schema against the migrated one, and the guarantees of the writers.

mod boards;
mod isolation;
mod migrations;
mod plans;
mod refusals;
mod schema;
mod writers;
