//! Several servers on one PostgreSQL: clients do not notice which of them they are connected to.

mod connections;
mod cut_off;
mod delivery;
mod rights;
mod world;
