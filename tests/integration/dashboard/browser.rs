//! The dashboard in Chromium, against the real binary with the demo's marketplace; and the types of its
//! modules.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::command_line::Demo;
use crate::support::{Engine, TestApp, fetched, run};

/// Chromium: `$CHROME`, or a browser of one of its names in `$PATH`.
fn chromium() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("CHROME").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| "Chromium is not installed".to_owned())
}

#[test]
fn an_admin_sees_and_does_everything_in_a_browser() {
    let prepared = chromium().and_then(|chromium| {
        fetched::by_npm("dashboard", &["browser.mjs", "tsconfig.json"]).map(|home| (chromium, home))
    });
    let (chromium, home) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return fetched::skip("Chromium", &why),
    };
    let demo = Demo::start(&["--free-requests=100000"]);
    let story = home.join("demo.json");
    std::fs::write(&story, demo.story.to_string()).unwrap();
    let mut arguments: Vec<OsString> = vec!["browser.mjs".into(), story.into(), chromium.into()];
    // `SOUK_PICTURES=FOLDER` leaves a picture of each screen there.
    arguments.extend(std::env::var_os("SOUK_PICTURES"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(fetched::node(&home, &arguments));
    assert!(output.ends_with("all is well\n"), "{output}");
}

#[test]
fn the_modules_types_fit_one_another_and_the_api() {
    run(Engine::Sqlite, &[], async |app: &TestApp| {
        let home = match fetched::by_npm("dashboard", &["browser.mjs", "tsconfig.json"]) {
            Ok(home) => home,
            Err(why) => return fetched::skip("TypeScript", &why),
        };
        let document = app.anyone().get("/openapi.json").await.text;
        std::fs::write(home.join("openapi.json"), document).unwrap();
        let generator = "node_modules/openapi-typescript/bin/cli.js";
        fetched::node(&home, &[generator, "openapi.json", "--output", "schema.d.ts"]).await;
        fetched::node(&home, &["node_modules/typescript/bin/tsc", "--project", "."]).await;
    });
}
