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

/// Carries messages both ways for ever; without a bus, does nothing.
pub(crate) async fn run(app: &App, link: Option<BusLink>) -> Infallible {
    let Some(BusLink { bus, mut outgoing }) = link else { return std::future::pending().await };
    let knows = |node| app.nodes.knows(node);
    bus.run(&mut outgoing, knows, |message| app.hub.take_in(message)).await
}
