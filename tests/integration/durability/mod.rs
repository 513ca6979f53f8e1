//! Souk as a process of its own: told to stop, and killed.

mod killed;
mod stop;
