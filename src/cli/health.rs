//! `souk health`: asks a server on this machine whether it is ready, for images that have no other client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What `souk health` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Address and port that the server listens on
    #[arg(long, env = "SOUK_BIND", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    bind: SocketAddr,
}

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Succeeds if the server is ready, and reports it on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: &Options) -> Result<(), super::Failed> {
    let address = SocketAddr::new(reachable(options.bind.ip()), options.bind.port());
    let asked = ureq::get(format!("http://{address}/readyz"));
    // Without a proxy, whatever the environment says: the server is on this machine.
    asked
        .config()
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .build()
        .call()
        .map_err(|error| format!("the server at {address} is not ready: {error}"))?;
    println!("the server at {address} is ready");
    Ok(())
}

/// A server that listens on every address listens on the loopback one.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}
