//! Souk as a child process under abuse. It must go on serving well-behaved clients, and release everything of
//! the others: sessions, memberships, connections, memory.
//!
//! One engine is enough: none of this reaches the database.

mod bodies;
mod frames;
mod joins;
mod slow;
mod stop;
mod strangers;
mod target;
mod waiting;

use target::Target;
