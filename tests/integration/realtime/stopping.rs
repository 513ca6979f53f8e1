//! Connections that the server ends.

use serde_json::json;

use crate::both_engines;
use crate::support::stalled;

use super::fixtures::db_ring;

both_engines! {
    async fn a_server_that_stops_says_when_to_come_back(app) {
        let ana = app.consumer("ana").await;
        let mut socket = ana.live().await;
        app.stop_gracefully();
        let notice = socket.recv("disconnecting").await;
        assert_eq!(notice["reason"], "server_restarting");
        assert!(notice["reconnect_in_ms"].as_u64().unwrap() <= 5_000);
        assert_eq!(socket.closed().await.code, 1012);
    }

    async fn a_client_that_does_not_read_is_cut_off(
        app with [
            "--outbox-soft=32KiB", "--outbox-hard=64KiB", "--socket-send-buffer=16KiB", "--eviction-grace=1s",
        ]
    ) {
        let ben = app.provider("ben").await;
        let stalled = stalled(app.address, &ben.live_path(), &json!({"type": "join", "room": ben.room()})).await;
        let mut ringing = 0;
        while app.server.hub.connections_of(ben.user()) > 0 {
            ringing += 1;
            assert!(ringing < 100_000, "it is still there");
            db_ring(app, &ben.room(), ringing).await;
        }
        drop(stalled);
    }
}
