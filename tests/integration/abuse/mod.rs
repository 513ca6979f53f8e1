//! Souk as a process of its own, treated as nobody should treat it. It goes on serving whoever behaves, and of who does not
//! nothing is left: no session, no membership, no connection, no memory.
//!
//! One engine is enough here: nothing of this reaches the database.

mod bodies;
mod frames;
mod joins;
mod slow;
mod stop;
mod strangers;
mod target;
mod waiting;

use target::Target;
