use crate::both_engines;

both_engines! {
    async fn a_server_that_started_is_alive_and_ready(app) {
        let anyone = app.anyone();
        assert_eq!(anyone.get("/healthz").await.ok()["status"], "ok");
        assert_eq!(anyone.get("/readyz").await.ok()["status"], "ready");
    }

    async fn a_server_that_stops_is_alive_but_not_ready(app) {
        app.server.stopping.set();
        let anyone = app.anyone();
        anyone.get("/healthz").await.ok();
        assert_eq!(anyone.get("/readyz").await.refused(503)["because"], "stopping");
    }

    async fn metrics_count_requests_by_the_pattern_of_their_route(app) {
        let anyone = app.anyone();
        anyone.get("/healthz").await.ok();
        anyone.get("/no/such/address").await.refused(404);
        let metrics = anyone.get("/metrics").await.text;
        for line in [
            r#"souk_http_requests_total{method="GET",route="/healthz",status="200"} 1"#,
            r#"souk_http_requests_total{method="GET",route="(none)",status="404"} 1"#,
            "process_resident_memory_bytes",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        assert!(!metrics.contains("no/such"), "a path became a label");
    }
}
