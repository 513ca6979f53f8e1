//! Souk as a process of its own: told to stop, and killed.

mod stop;
