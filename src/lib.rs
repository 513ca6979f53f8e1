//! Souk.
pub mod clock;
pub mod domain;
pub mod ids;
pub mod realtime;
