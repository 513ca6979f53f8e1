use crate::both_engines;

both_engines! {
    async fn a_call_keeps_its_plain_name_and_gets_one_otherwise(app) {
        let anyone = app.anyone();
        let named = anyone.get("/healthz").header("X-Request-Id", "req-1").await;
        assert_eq!(named.header("x-request-id"), Some("req-1"));
        let odd = anyone.get("/healthz").header("X-Request-Id", "two words").await;
        assert_eq!(odd.header("x-request-id").map(str::len), Some(36));
    }

    async fn an_error_is_a_problem_document_that_names_the_call(app) {
        let answer = app.anyone().get("/no/such/address").header("X-Request-Id", "req-2").await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.refused(404);
        assert_eq!(problem["status"], 404);
        assert_eq!(problem["instance"], "/no/such/address");
        assert_eq!(problem["request_id"], "req-2");
    }

    async fn a_parameter_with_nul_is_named_and_asked_of_no_database(app) {
        let root = app.db_admin("root").await;
        for (path, field) in [
            ("/admin/users?email=%00", "email"),
            ("/admin/audit?action=a%00b", "action"),
            ("/admin/audit?kind=offer&row=%00", "row"),
            ("/admin/explain?action=accept&kind=offer&row=%00", "row"),
            ("/admin/states?kind=offer&row=%00", "row"),
        ] {
            let problem = root.get(path).await.refused(422);
            assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
        }
    }

    async fn the_parameter_of_a_query_that_does_not_parse_is_named(app) {
        let ana = app.consumer("ana").await;
        for (query, field) in [("limit=x", "limit"), ("state=lost", "state"), ("limit=1&limit=2", "query")] {
            let problem = ana.get(&format!("/requests?{query}")).await.refused(422);
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
    }

    async fn only_pages_of_the_allow_list_may_read_answers(app with ["--allowed-origins", "https://app.example"]) {
        let anyone = app.anyone();
        let ours = anyone.get("/healthz").header("Origin", "https://app.example").await;
        assert_eq!(ours.header("access-control-allow-origin"), Some("https://app.example"));
        for origin in ["https://app.example.evil.test", "http://app.example", "http://localhost.evil.test", "null"] {
            let other = anyone.get("/healthz").header("Origin", origin).await;
            assert_eq!(other.header("access-control-allow-origin"), None, "{origin}");
        }
    }

    async fn pages_of_this_machine_may_read_answers_in_development(app) {
        for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080", "http://localhost"] {
            let preflight = app.anyone().call(reqwest::Method::OPTIONS, "/requests").header("Origin", origin);
            let preflight = preflight
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization, content-type")
                .await;
            assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
            let answer = app.anyone().get("/healthz").header("Origin", origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        }
    }

    async fn and_in_production_those_of_the_list_alone(app with ["--env=production"]) {
        let answer = app.anyone().get("/healthz").header("Origin", "http://localhost:5173").await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }

    async fn strangers_have_so_many_requests_a_minute(app with ["--anonymous-requests", "2"]) {
        let anyone = app.anyone();
        let first = anyone.get("/no/such/address").await;
        assert_eq!(first.header("ratelimit-limit"), Some("2"));
        assert_eq!(first.header("ratelimit-remaining"), Some("1"));
        anyone.get("/no/such/address").await.refused(404);
        let third = anyone.get("/no/such/address").await;
        third.refused(429);
        assert_eq!(third.header("ratelimit-remaining"), Some("0"));
        let wait: u64 = third.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
        anyone.get("/healthz").await.ok();
    }
}
