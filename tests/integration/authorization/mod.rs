//! Authorization through the public interfaces: every route for every kind of caller.
//!
//! `matrix.txt` is the golden file: a route per line, a caller's status per column. A change in it is a
//! change of rights, and reviewed as such. `UPDATE_MATRIX=1 cargo test authorization` rewrites it.

mod coverage;
pub(crate) mod reads;
mod rooms;
mod rows;
mod views;
mod world;
