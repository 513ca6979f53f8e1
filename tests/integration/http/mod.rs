//! What holds for every address, and each feature's own.

mod admin;
mod auth;
mod auth_outside;
mod bodies;
mod bookings;
mod compressed;
mod consumers;
mod conventions;
mod conversations;
mod entries;
mod guessing;
mod health;
mod limits;
mod logins;
mod offers;
mod openapi;
mod problems;
mod projects;
mod providers;
mod races;
mod rates;
mod requests;
mod secrets;
mod sessions;
mod simulations;
mod tasks;
