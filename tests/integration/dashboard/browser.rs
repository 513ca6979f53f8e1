//! The dashboard in Chromium and in Firefox, against the real binary with the demo's marketplace; and the types of
//! its modules.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::command_line::Demo;
use crate::support::{Engine, TestApp, fetched, run};

/// A browser: what its variable names, or one of its names in `$PATH`.
fn browser(variable: &str, names: &[&str]) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os(variable).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places =
        std::env::split_paths(&folders).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    places.find(|place| place.is_file()).ok_or_else(|| format!("{} is not installed", names[0]))
}

/// Chromium, or a browser made of it.
pub(crate) fn chromium() -> Result<PathBuf, String> {
    browser("CHROME", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

/// Has a script drive the dashboard in this browser, against a server with the demo's marketplace.
fn drive(script: &str, browser: Result<PathBuf, String>) {
    let prepared = browser.and_then(|browser| {
        fetched::by_npm("dashboard", &[script, "harness.mjs"]).map(|home| (browser, home))
    });
    let (browser, home) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return fetched::skip(script, &why),
    };
    let demo = Demo::start(&["--free-requests=100000"]);
    let story = home.join(script).with_extension("json");
    std::fs::write(&story, demo.story.to_string()).unwrap();
    let mut arguments: Vec<OsString> = vec![script.into(), story.into(), browser.into()];
    // `SOUK_PICTURES=FOLDER` leaves a picture of each screen there.
    arguments.extend(std::env::var_os("SOUK_PICTURES"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(fetched::node(&home, &arguments));
    assert!(output.ends_with("all is well\n"), "{output}");
}

#[test]
fn an_admin_sees_and_does_everything_in_a_browser() {
    drive("browser.mjs", chromium());
}

#[test]
fn firefox_shows_every_screen_and_acts() {
    drive("firefox.mjs", browser("FIREFOX", &["firefox-esr", "firefox"]));
}

#[test]
fn the_modules_types_fit_one_another_and_the_api() {
    run(Engine::Sqlite, &[], async |app: &TestApp| {
        let home = match fetched::by_npm("dashboard", &["tsconfig.json"]) {
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
