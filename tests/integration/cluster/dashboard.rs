//! The dashboard of one of two servers, in Chromium.

use std::ffi::OsString;

use serde_json::{Value, json};

use super::bus::with_redis;
use super::world::Cluster;
use crate::dashboard::browser::chromium;
use crate::support::{PASSWORD, Person, eventually, fetched, id};

#[test]
fn an_admin_sees_both_servers_and_that_one_is_killed() {
    const SCRIPT: &str = "cluster.mjs";
    let prepared = chromium().and_then(|browser| {
        fetched::by_npm("dashboard", &[SCRIPT, "harness.mjs"]).map(|home| (browser, home))
    });
    let (browser, home) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return fetched::skip(SCRIPT, &why),
    };
    with_redis(async |redis, url| {
        let cluster = Cluster::start_with(2, &url, &["--redis-url", &redis.url()]);
        let root = cluster.admin().await;
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        // Open as long as the browser looks.
        let _live = (ana.live().await, cluster.at(1, &ben).await.live().await);
        let health = async || root.get("/admin/health").await.ok();
        eventually(async || health().await["nodes"].as_array().is_some_and(|nodes| nodes.len() == 2)).await;
        let nodes = health().await["nodes"].clone();
        let node =
            |current: bool| nodes.as_array().unwrap().iter().find(|node| node["current"] == current).unwrap();
        let place = |current: bool, server: usize, who: &Person| -> Value {
            json!({"node": id(node(current)), "pid": cluster.nodes[server].pid(), "email": who.email})
        };
        let story = json!({
            "base_url": format!("http://{}", cluster.nodes[0].address),
            "admin": {"email": root.email, "password": PASSWORD},
            "here": place(true, 0, &ana),
            "there": place(false, 1, &ben),
        });
        let file = home.join(SCRIPT).with_extension("json");
        std::fs::write(&file, story.to_string()).unwrap();
        let mut arguments: Vec<OsString> = vec![SCRIPT.into(), file.into(), browser.clone().into()];
        arguments.extend(std::env::var_os("SOUK_PICTURES"));
        let output = fetched::node(&home, &arguments).await;
        assert!(output.ends_with("all is well\n"), "{output}");
    });
}
