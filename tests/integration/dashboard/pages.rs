//! The pages: how they are served, and to whom.

use serde_json::json;

use crate::support::{Engine, Socket, SocketIo, TestApp, run};

/// The paths of the page's files.
fn files(page: &str) -> Vec<String> {
    let named = page.split('"').filter(|text| text.starts_with("assets/"));
    named.map(|path| format!("/admin/{path}")).collect()
}

#[test]
fn pages_are_strict_and_their_files_are_kept_for_ever() {
    run(Engine::Sqlite, &[], async |app: &TestApp| {
        let page = app.anyone().get("/admin/").await;
        assert_eq!(page.status, 200, "{page}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        let known = app.anyone().get("/admin/").header("If-None-Match", page.etag()).await;
        assert_eq!((known.status, known.text.as_str()), (304, ""));
        assert_eq!(known.header("content-security-policy"), Some(policy));

        let files = files(&page.text);
        assert!(files.len() > 3, "{files:?}");
        for path in &files {
            let file = app.anyone().get(path).await;
            assert_eq!(file.status, 200, "{path}");
            assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
            let known = app.anyone().get(path).header("If-None-Match", file.etag()).await;
            assert_eq!(known.status, 304, "{path}");
        }
        let script = files.iter().find(|path| path.ends_with("main.js")).unwrap();
        let script = app.anyone().get(script).await;
        assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));

        let of_another_version = app.anyone().get("/admin/assets/0123456789abcdef/js/main.js").await;
        assert_eq!(of_another_version.header("cache-control"), Some("no-cache"), "not for ever");
        app.anyone().get("/admin/assets/0123456789abcdef/js/none.js").await.refused(404);
        app.anyone().get("/admin/assets/0123456789abcdef/../../../Cargo.toml").await.refused(404);
        app.anyone().get("/admin/assets/0123456789abcdef/..%2f..%2fvendor.sh").await.refused(404);
    });
}

#[test]
fn without_the_dashboard_neither_its_pages_nor_its_logins_exist() {
    run(Engine::Sqlite, &["--dashboard=off"], async |app: &TestApp| {
        let root = app.db_admin("root").await;
        for path in ["/admin", "/admin/", "/admin/assets/0123456789abcdef/js/main.js"] {
            assert_eq!(root.get(path).await.status, 404, "{path}");
        }
        for path in ["/admin/login", "/admin/login/refresh"] {
            app.anyone().post(path, serde_json::json!({})).await.refused(404);
        }
        root.get("/admin/users").await.ok();
    });
}

#[test]
fn administration_is_open_to_the_networks_of_the_list_alone() {
    run(
        Engine::Sqlite,
        &["--admin-addresses=127.0.0.1,127.1.0.0/16,2001:db8::/32"],
        async |app: &TestApp| {
            let root = app.db_admin("root").await;
            for inside in ["127.0.0.1", "127.1.2.3"] {
                root.at(inside).get("/admin/users").await.ok();
                assert_eq!(app.anyone().at(inside).get("/admin/").await.status, 200);
            }
            let outside = root.at("127.2.0.1");
            for path in [
                "/admin",
                "/admin/",
                "/admin/users",
                "/api/v1/admin/users",
                "/%61dmin/users",
                "/admin/nothing",
            ] {
                assert_eq!(outside.get(path).await.refused(403)["code"], "forbidden", "{path}");
            }
            outside.get("/auth/me").await.ok();
            outside.get("/administration").await.refused(404);
        },
    );
}

#[test]
fn the_rooms_of_administration_are_open_to_the_networks_of_the_list_alone() {
    let flags = &["--admin-addresses=10.0.0.0/8", "--trusted-proxies=127.0.0.1"];
    run(Engine::Sqlite, flags, async |app: &TestApp| {
        let root = app.db_admin("root").await;
        let address = root.address();
        let connect = async |path: &str, from: &str| {
            let mut socket = Socket::connect_with(address, path, &[("x-forwarded-for", from)]).await.unwrap();
            socket.recv("connection_established").await;
            socket
        };
        let mut inside = connect(&root.live_path(), "10.1.2.3").await;
        let mut outside = connect(&root.live_path(), "203.0.113.9").await;
        let http = reqwest::Client::new().post(format!("http://{address}/auth/ticket"));
        let ticket = http.header("x-forwarded-for", "10.1.2.3").bearer_auth(root.token().unwrap());
        let ticket: serde_json::Value = ticket.send().await.unwrap().json().await.unwrap();
        let ticket = format!("/ws?ticket={}", ticket["ticket"].as_str().unwrap());
        let mut with_ticket = connect(&ticket, "203.0.113.9").await;

        let token = json!({"token": root.token().unwrap()});
        let mut io_inside = SocketIo::open(address, "", &[("x-forwarded-for", "10.1.2.3")]).await;
        io_inside.knock("/admin", token.clone()).await.unwrap();
        let mut io = SocketIo::open(address, "", &[("x-forwarded-for", "203.0.113.9")]).await;
        let refused = io.knock("/admin", token.clone()).await.unwrap_err();
        assert_eq!(refused["message"], "administration is not open to this address", "{refused}");
        assert_eq!(refused["data"]["code"], "not_yours", "{refused}");
        io.knock("/", token).await.unwrap();

        let session = inside.ack(json!({"type": "whoami"})).await["session_id"].as_str().unwrap().to_owned();
        let recorder = format!("recorder:{session}");
        for room in ["admin", "metrics", recorder.as_str()] {
            inside.ack(json!({"type": "join", "room": room})).await;
            for socket in [&mut outside, &mut with_ticket] {
                for command in ["join", "history"] {
                    let refused = socket.request(json!({"type": command, "room": room})).await;
                    assert_eq!(refused["code"], "forbidden", "{refused}");
                    assert_eq!(refused["message"], "administration is not open to this address");
                }
            }
            let refused = io.emit("room:join", json!({"room": room})).await;
            assert_eq!(refused["error"]["code"], "forbidden", "{refused}");
            assert_eq!(refused["error"]["message"], "administration is not open to this address");
        }
        // Nothing else of an admin's is bound to an address.
        outside.ack(json!({"type": "join", "room": "market:plumbing"})).await;
    });
}
