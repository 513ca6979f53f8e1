//! Souk.
pub mod clock;
pub mod ids;
