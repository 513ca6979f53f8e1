//! What holds for every address, and each feature's own.

mod auth;
mod auth_outside;
mod conventions;
mod health;
