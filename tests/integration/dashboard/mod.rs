//! The dashboard: its pages and logins over HTTP, what the API has for it, and the whole of it in a real
//! browser.

mod api;
pub(crate) mod browser;
mod explain;
mod health;
mod login;
mod pages;
mod person;
mod presence;
mod rooms;
mod sessions;
mod states;
mod views;
