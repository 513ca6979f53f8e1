//! The client address of a request, by which limits are counted.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;

use crate::config::ServerConfig;

/// The client's address: the peer's, or the one that trusted proxies report in `X-Forwarded-For`.
///
/// The header is read from its end, and only if the peer is a trusted proxy: everything before the last
/// trusted proxy's entry was written by the client and can be forged.
pub(crate) fn client_address(request: &HttpRequest, server: &ServerConfig) -> IpAddr {
    // Only a request without a socket (unit tests of handlers) has no peer address.
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    farthest_vouched_for(peer, &hops, &server.trusted_proxies)
}

fn farthest_vouched_for(peer: IpAddr, hops: &[&str], trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer;
    for hop in hops.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        let Ok(before) = hop.parse::<IpAddr>() else { break };
        address = before.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_own_peer() {
        let proxy = [ip("10.0.0.1"), ip("10.0.0.2")];
        let cases: [(&str, &[&str], &str); 6] = [
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
        ];
        for (peer, hops, client) in cases {
            assert_eq!(farthest_vouched_for(ip(peer), hops, &proxy), ip(client), "{peer} {hops:?}");
        }
    }
}
