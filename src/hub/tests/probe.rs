//! Whether the hub's actors answer, with a worker whose thread hangs.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use actix::{Arbiter, System};
use prometheus::Registry;
use tokio::sync::oneshot;

use crate::hub::*;

use super::support::*;

/// Starts this thread's LocalHub.
async fn start_worker(arbiter: &Arbiter, hub: &HubHandle) {
    let (started, starts) = oneshot::channel();
    let hub = hub.clone();
    arbiter.spawn_fn(move || {
        hub.local();
        let _ = started.send(());
    });
    starts.await.unwrap();
}

#[test]
fn a_worker_whose_thread_hangs_is_found_and_the_others_answer() {
    System::new().block_on(async {
        let event_log = Arc::new(Shared(Arc::<FakeLog>::default()));
        let metrics = HubMetrics::new(&Registry::new()).unwrap();
        let hub = HubHandle::start(HubConfig::default(), metrics, event_log, HubPublisher::new());
        let nobody = hub.probe(Duration::from_secs(10)).await;
        assert!(nobody.is_running && nobody.answers, "{nobody:?}");
        assert_eq!((nobody.workers, nobody.silent_workers, nobody.waiting_for_bus), (0, 0, 0));

        let arbiters = [Arbiter::new(), Arbiter::new()];
        for arbiter in &arbiters {
            start_worker(arbiter, &hub).await;
        }
        let well = hub.probe(Duration::from_secs(10)).await;
        assert_eq!((well.workers, well.silent_workers), (2, 0), "{well:?}");

        let (go_on, goes_on) = sync_channel::<()>(0);
        let (hanging, hangs) = oneshot::channel();
        arbiters[0].spawn_fn(move || {
            let _ = hanging.send(());
            let _ = goes_on.recv();
        });
        hangs.await.unwrap();
        let ill = hub.probe(Duration::from_millis(200)).await;
        assert_eq!((ill.answers, ill.workers, ill.silent_workers), (true, 2, 1), "{ill:?}");
        drop(go_on);
        let well = hub.probe(Duration::from_secs(10)).await;
        assert_eq!((well.workers, well.silent_workers), (2, 0), "{well:?}");
    });
}
