//! Tells the members of the room `metrics` once a second what this server is doing.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::App;
use crate::hub::Ephemeral;
use crate::ids::Room;
use crate::protocol::MetricsSnapshot;
use crate::telemetry::Sample;

/// How often.
const TICK: Duration = Duration::from_secs(1);

/// Tells for ever. A snapshot is made only while somebody is in the room, and encoded once for all of them.
pub(crate) async fn run(app: &App) {
    let began = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A hub that is busy has better things to do; the next second comes.
        if !app.hub.members(&Room::Metrics).await.is_ok_and(|members| !members.is_empty()) {
            continue;
        }
        let mut snapshot = snapshot(&app.metrics.sample());
        snapshot.at = Some(app.clock.now());
        snapshot.uptime = began.elapsed().as_secs();
        let _ = app.hub.tell(Ephemeral::Metrics(Box::new(snapshot)));
    }
}

fn snapshot(sample: &Sample) -> MetricsSnapshot {
    MetricsSnapshot {
        at: None,
        uptime: 0,
        connections: sample.total("souk_realtime_connections"),
        rooms: sample.total("souk_hub_rooms"),
        deliveries: sample.total("souk_hub_deliveries_total"),
        commands: sample.total("souk_realtime_commands_total"),
        acks: sample.of("souk_realtime_notices_total", "type", "ack"),
        ack_seconds: sample.buckets("souk_realtime_ack_seconds"),
        outbox_bytes: sample.total("souk_hub_outbox_bytes"),
        connection_waiting: sample.total("souk_db_connection_waiting"),
        commit_waiting: sample.total("souk_db_commit_waiting"),
        commits: sample.total("souk_db_commits_total"),
        committed_writes: sample.total("souk_db_committed_writes_total"),
        dropped: sample.total("souk_hub_dropped_total"),
        slow_consumers: sample.of("souk_hub_evictions_total", "reason", "slow_consumer"),
        busy: sample.total("souk_hub_busy_total"),
        refusals: sample.by("souk_auth_refusals_total", "reason", str::to_owned),
        refusal_bursts: sample.total("souk_auth_refusal_bursts_total"),
        http: sample.by("souk_http_requests_total", "status", |status| {
            format!("{}xx", status.get(..1).unwrap_or_default())
        }),
        http_seconds: sample.buckets("souk_http_request_seconds"),
        sweep_failures: sample.total("souk_sweep_failures_total"),
        generations_running: sample.total("souk_generations_running"),
        generations_waiting: sample.total("souk_generations_waiting"),
        wal_bytes: sample.total("souk_sqlite_wal_bytes"),
        cpu_seconds: sample.value("process_cpu_seconds_total"),
        memory_bytes: sample.total("process_resident_memory_bytes"),
        open_files: sample.total("process_open_fds"),
    }
}
