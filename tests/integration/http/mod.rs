//! What holds for every address, and each feature's own.

mod auth;
mod auth_outside;
mod consumers;
mod conventions;
mod health;
mod limits;
mod openapi;
mod providers;
mod sessions;
