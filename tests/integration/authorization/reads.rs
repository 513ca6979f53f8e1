//! Every route that reads, with ids of rows that there are: for tests that call them all, whatever the answer.

use super::rows::ROWS;
use super::world::{People, Stage, World};
use crate::support::{Person, TestApp};

/// A route that reads, as in the OpenAPI document, and an address of it.
pub(crate) struct Read {
    pub(crate) route: &'static str,
    pub(crate) path: String,
}

/// The routes, and people who have rows there. The rows' live connections stay open as long as this is kept.
pub(crate) struct Reads {
    pub(crate) reads: Vec<Read>,
    /// Owns requests, projects, entries and all else that a consumer has.
    pub(crate) ana: Person,
    /// A provider with a catalogue, offers and bookings.
    pub(crate) ben: Person,
    pub(crate) admin: Person,
    _worlds: Vec<World>,
}

/// Makes the rows, and the addresses of all routes that read.
pub(crate) async fn all(app: &TestApp) -> Reads {
    let people = People::come(app).await;
    let mut stages: Vec<Stage> = Vec::new();
    let mut worlds = Vec::new();
    let mut reads = Vec::new();
    for row in ROWS.iter().filter(|row| row.route.starts_with("GET ")) {
        let at = match stages.iter().position(|stage| *stage == row.stage) {
            Some(at) => at,
            None => {
                worlds.push(World::at(app, &people, row.stage).await);
                stages.push(row.stage);
                stages.len() - 1
            }
        };
        let path = row.path(app, &worlds[at]);
        reads.push(Read { route: row.route, path });
    }
    Reads { reads, ana: people.ana, ben: people.ben, admin: people.admin, _worlds: worlds }
}
