//! Tells the other nodes who is in which rooms here.

use crate::db::{DbError, presence};
use crate::hub::HubHandle;

use super::Nodes;

/// Changes stored by one unit of work.
const AT_ONCE: usize = 2_000;

impl Nodes {
    /// Stores who came to rooms and who left them since the last call, and tells the other nodes; what is more than
    /// one unit of work takes waits for the next call.
    pub(crate) async fn tell_presence(&self, hub: &HubHandle) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let node = shared.node;
        let changes = hub.take_presence(AT_ONCE);
        if changes.is_empty() {
            return Ok(());
        }
        let told = changes.clone();
        let stored = shared.db.write(move |uow| presence::store(uow, node, &told)).await;
        stored.inspect_err(|_| hub.give_back_presence(changes))
    }

    /// Makes what is stored equal to who is there: after the rows were lost with a crash of PostgreSQL, or changes
    /// here.
    pub(crate) async fn repair_presence(&self, hub: &HubHandle) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let present = hub.present().await.map_err(|_| DbError::Overloaded)?;
        let node = shared.node;
        let mut changes =
            shared.db.read(move |uow| presence::differences(uow, node, &present)).await?.into_iter();
        // What changes meanwhile waits to be told, and is told after this.
        loop {
            let some: Vec<_> = changes.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            shared.db.write(move |uow| presence::store(uow, node, &some)).await?;
        }
    }
}
