//! Which addresses are limited together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of one customer: an IPv4 address, or an IPv6 /64, the least that each customer is assigned.
pub(crate) fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

/// The addresses that one party can easily control: an IPv4 /24, or an IPv6 /64.
pub(crate) fn subnet(address: IpAddr) -> IpAddr {
    match customer(address) {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
        v6 => v6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_customer_is_an_address_or_a_whole_ipv6_network() {
        let of = |text| customer(ip(text));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), ip("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn neighbours_share_all_but_the_last_byte() {
        let of = |text| subnet(ip(text));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.254"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
