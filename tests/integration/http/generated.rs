//! A typed client generated from the OpenAPI document: compiled, and run against a real server.

use crate::support::{Engine, TestApp, fetched, run};

async fn makes_a_deal(app: &TestApp) {
    let home = match fetched::by_npm("typescript", &["client.ts", "tsconfig.json"]) {
        Ok(home) => home,
        Err(why) => return fetched::skip("openapi-typescript", &why),
    };
    let document = app.anyone().get("/openapi.json").await.text;
    std::fs::write(home.join("openapi.json"), document).unwrap();
    fetched::node(
        &home,
        &["node_modules/openapi-typescript/bin/cli.js", "openapi.json", "--output", "schema.d.ts"],
    )
    .await;
    // Strict mode; lines marked as errors must not compile.
    fetched::node(&home, &["node_modules/typescript/bin/tsc", "--project", "."]).await;
    let output = fetched::node(&home, &["built/client.js", &format!("http://{}", app.address)]).await;
    assert_eq!(output, "a deal was made\n");
}

#[test]
fn a_generated_typescript_client_compiles_and_makes_a_deal() {
    run(Engine::Sqlite, &[], makes_a_deal);
}
