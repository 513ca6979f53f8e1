//! Authorization through the public interfaces: every route for every kind of caller.
//!
//! `matrix.txt` says how each route is called and what each kind of caller is answered.

mod coverage;
pub(crate) mod reads;
mod rooms;
mod rows;
mod views;
mod world;
