//! Which network addresses outgoing calls may reach: those of the public internet, and those the operator allows.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// Networks that are not the public internet (the IANA special-purpose address registries, `RFC 6890`, and multicast).
const SPECIAL: [&str; 26] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    // Of IPv6 only 2000::/3 is public at all.
    "::/3",
    "4000::/2",
    "8000::/1",
    // Teredo, benchmarks, ORCHID and the like.
    "2001::/23",
    "2001:db8::/32",
    // 6to4 and NAT64 hold an IPv4 address, which may be any.
    "2002::/16",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
];

/// The addresses that outgoing calls may reach.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    special: Vec<IpNet>,
    allowed: Vec<IpNet>,
}

impl Addresses {
    /// The public internet and the networks (or single addresses) in `allowed`, separated by spaces.
    ///
    /// Errors: the word that is neither.
    pub(super) fn new(allowed: &str) -> Result<Addresses, String> {
        let network = |word: &str| {
            let single = || word.parse::<IpAddr>().map(IpNet::from);
            word.parse::<IpNet>().or_else(|_| single()).map_err(|_| word.to_owned())
        };
        let allowed = allowed.split_whitespace().map(network).collect::<Result<_, _>>()?;
        let special = SPECIAL.into_iter().filter_map(|network| network.parse().ok()).collect();
        Ok(Addresses { special, allowed })
    }

    /// Whether the operator names the address.
    pub(super) fn is_named(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.allowed.iter().any(|network| network.contains(&address))
    }

    /// Whether a call may go there.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.is_named(address) || !self.special.iter().any(|network| network.contains(&address))
    }
}

/// An IPv4 address in IPv6's clothes (`::ffff:a.b.c.d`, `::a.b.c.d`) as itself.
fn plain(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6)
            if v6.to_bits() >> 32 == 0 && ![Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED].contains(&v6) =>
        {
            v6.to_ipv4().map_or(IpAddr::V6(v6), IpAddr::V4)
        }
        canonical => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &str, address: &str) -> bool {
        Addresses::new(allowed).unwrap().allows(address.parse().unwrap())
    }

    #[test]
    fn every_network_in_the_table_is_one() {
        let addresses = Addresses::new("").unwrap();
        assert_eq!(addresses.special.len(), SPECIAL.len());
    }

    #[test]
    fn only_the_public_internet_may_be_reached() {
        for public in
            ["8.8.8.8", "203.0.114.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(allows("", public), "{public}");
        }
        for special in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "ff02::1",
            "fec0::1",
            "5f00::1",
        ] {
            assert!(!allows("", special), "{special}");
        }
    }

    #[test]
    fn the_operator_names_networks_and_addresses() {
        let allowed = "10.20.0.0/16 127.0.0.1 fd00:1::/32";
        for inside in ["10.20.3.4", "127.0.0.1", "::ffff:127.0.0.1", "fd00:1::9"] {
            assert!(allows(allowed, inside), "{inside}");
        }
        for outside in ["10.21.0.1", "127.0.0.2", "::1", "fd00:2::1"] {
            assert!(!allows(allowed, outside), "{outside}");
        }
        assert_eq!(Addresses::new("10.0.0.0/8 localhost").unwrap_err(), "localhost");
    }
}
