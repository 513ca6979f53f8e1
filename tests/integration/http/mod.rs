//! What holds for every address, and each feature's own.

mod auth;
mod conventions;
mod health;
