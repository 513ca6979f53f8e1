//! The dashboard, and who may call `/admin` at all.

use std::net::IpAddr;

use ipnet::IpNet;

/// What a client is told whose address is not on the list.
pub(crate) const NOT_OPEN_TO_ADDRESS: &str = "administration is not open to this address";

/// The dashboard for admins, and the networks that administration is open to.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Administration")]
pub(crate) struct DashboardConfig {
    /// The dashboard for admins at /admin/; off: neither its pages nor its logins exist, the API stays
    #[arg(long, env = "SOUK_DASHBOARD", value_name = "SWITCH", value_enum, default_value = "on")]
    pub(crate) dashboard: Switch,

    /// Networks (comma-separated, such as 10.0.0.0/8 or 203.0.113.7) that may call /admin, the dashboard and the API alike,
    /// and follow the live rooms admin, metrics and recorder; by default every address may
    #[arg(
        long, env = "SOUK_ADMIN_ADDRESSES", value_name = "NETWORK,..", value_delimiter = ',',
        value_parser = network
    )]
    pub(crate) admin_addresses: Vec<IpNet>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// It exists.
    On,
    /// It does not.
    Off,
}

impl DashboardConfig {
    /// Whether the dashboard is served.
    pub(crate) fn is_on(&self) -> bool {
        self.dashboard == Switch::On
    }

    /// Whether a client of this address may call `/admin`, and follow the rooms `admin`, `metrics` and `recorder:`.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let networks = &self.admin_addresses;
        networks.is_empty() || networks.iter().any(|network| network.contains(&address))
    }
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network: 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")]
struct InvalidNetwork;

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| alone()).map_err(|_| InvalidNetwork)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administration_is_open_to_the_networks_of_the_list() {
        let networks = ["10.1.0.0/16", "203.0.113.7", "2001:db8::/32"];
        let admin_addresses = networks.iter().map(|text| network(text).unwrap()).collect();
        let config = DashboardConfig { dashboard: Switch::On, admin_addresses };
        let admits = |address: &str| config.admits(address.parse().unwrap());
        assert!(["10.1.2.3", "203.0.113.7", "2001:db8::1"].into_iter().all(admits));
        assert!(!["10.2.0.1", "203.0.113.8", "2001:db9::1", "::1"].into_iter().any(admits));
        let open = DashboardConfig { admin_addresses: Vec::new(), ..config };
        assert!(open.admits("198.51.100.1".parse().unwrap()), "without a list, everybody");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "example.com", "10.0.0", "*"] {
            assert_eq!(network(text), Err(InvalidNetwork), "{text}");
        }
    }
}
