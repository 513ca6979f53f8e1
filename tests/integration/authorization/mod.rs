//! Who may do what, asked at the front door: every route for every kind of caller.
//!
//! `matrix.txt` is the golden file: a line a route, a status a caller. It is read by people: a change in it is a change of
//! rights. `UPDATE_MATRIX=1 cargo test authorization` writes it anew.

mod coverage;
mod rooms;
mod rows;
mod world;
