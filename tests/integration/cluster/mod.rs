//! Several servers on one PostgreSQL: clients do not notice which of them they are connected to.

mod bus;
mod connections;
mod cut_off;
mod dashboard;
mod delivery;
mod kills;
mod presence;
mod rights;
mod simulations;
mod world;
