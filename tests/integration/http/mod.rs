//! What holds for every address, and each feature's own.

mod admin;
mod auth;
mod auth_outside;
mod bookings;
mod compressed;
mod consumers;
mod conventions;
mod conversations;
mod entries;
mod generated;
mod health;
mod limits;
mod logins;
mod offers;
mod openapi;
mod projects;
mod providers;
mod races;
mod requests;
mod sessions;
mod simulations;
mod tasks;
