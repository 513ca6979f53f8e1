//! What `deploy/` holds, against a real server: proxies, dashboards and alerts, the service manager.

mod metrics;
mod proxies;
mod service_manager;

/// A file of `deploy/`.
fn deployed(path: &str) -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
