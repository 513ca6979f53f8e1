//! Connects the hub to the bus between nodes.

use std::convert::Infallible;

use tokio::sync::mpsc;

use crate::app::App;
use crate::bus::Bus;
use crate::hub::Relayed;

/// The bus, and what the hub sends over it.
pub(crate) struct BusLink {
    pub(super) bus: Bus,
    pub(super) outgoing: mpsc::Receiver<Relayed>,
}

/// Carries messages both ways for ever, also while the server stops.
pub(crate) async fn run(app: App, link: BusLink) -> Infallible {
    let BusLink { bus, mut outgoing } = link;
    let knows = |node| app.nodes.knows(node);
    let take = |node, message| {
        if let Relayed::Committed(committed) = &message {
            app.invalidations.note(&committed.revocations);
        }
        if let Some(client) = message.board_client() {
            app.nodes.forget_client(client);
        }
        app.hub.take_in(node, message);
    };
    bus.run(&mut outgoing, knows, take).await
}
