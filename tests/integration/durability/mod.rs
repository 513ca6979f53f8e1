//! Souk as a process of its own: told to stop, and killed; and what it does while its database fails.

mod backup;
mod database_restarts;
mod full_disk;
mod killed;
mod one_file;
mod stop;
