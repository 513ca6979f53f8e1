//! What holds for every address, and each feature's own.

mod conventions;
mod health;
