//! A typed client generated from the OpenAPI document: compiled, and run against a real server.

use std::path::Path;
use std::process::Stdio;

use crate::support::{Engine, TestApp, fetched, run};

/// Runs a program of the folder with node; returns its output.
async fn node(home: &Path, arguments: &[&str]) -> String {
    let node = tokio::process::Command::new("node")
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let output =
        format!("{}{}", String::from_utf8_lossy(&node.stdout), String::from_utf8_lossy(&node.stderr));
    assert!(node.status.success(), "node {arguments:?} failed: {output}");
    output
}

async fn makes_a_deal(app: &TestApp) {
    let home = match fetched::by_npm("typescript", &["client.ts", "tsconfig.json"]) {
        Ok(home) => home,
        Err(why) => return fetched::skip("openapi-typescript", &why),
    };
    let document = app.anyone().get("/openapi.json").await.text;
    std::fs::write(home.join("openapi.json"), document).unwrap();
    node(&home, &["node_modules/openapi-typescript/bin/cli.js", "openapi.json", "--output", "schema.d.ts"])
        .await;
    // Strict mode; lines marked as errors must not compile.
    node(&home, &["node_modules/typescript/bin/tsc", "--project", "."]).await;
    let output = node(&home, &["built/client.js", &format!("http://{}", app.address)]).await;
    assert_eq!(output, "a deal was made\n");
}

#[test]
fn a_generated_typescript_client_compiles_and_makes_a_deal() {
    run(Engine::Sqlite, &[], makes_a_deal);
}
