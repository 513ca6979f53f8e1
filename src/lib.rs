//! Souk.
pub mod clock;
pub mod ids;
pub mod realtime;
