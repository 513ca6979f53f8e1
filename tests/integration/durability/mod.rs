//! Durability of Souk as a child process: stopped, killed, and with a failing database.

mod backup;
mod boards;
mod database_restarts;
mod full_disk;
mod killed;
mod one_file;
mod restore;
mod silent_database;
mod simulations;
mod stop;
