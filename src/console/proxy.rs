//! What is believed of a proxy in front: who the client is, and who has signed in there.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::header::{HeaderMap, HeaderName};

use crate::serve::limit;

/// A network, such as `10.1.0.0/16`; a single address is one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("`{text}` is not a network such as 10.1.0.0/16");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Network { address, bits })
    }
}

impl Network {
    /// Whether `address` is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// The proxy in front of the console.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    /// Where it is; empty for this machine or a private network.
    pub networks: Vec<Network>,
    /// The header in which it names the administrator who has signed in.
    pub header: Option<HeaderName>,
}

impl Proxy {
    /// Whether whoever connects from there is the proxy.
    pub fn believes(&self, peer: IpAddr) -> bool {
        match (self.networks.as_slice(), peer.to_canonical()) {
            ([], IpAddr::V4(peer)) => peer.is_loopback() || peer.is_private(),
            ([], IpAddr::V6(peer)) => peer.is_loopback() || peer.is_unique_local(),
            (networks, peer) => networks.iter().any(|network| network.has(peer)),
        }
    }

    /// Who has signed in at the proxy; `None` from anywhere else, and where the header isn't there once.
    /// A network must be named for that.
    pub fn user(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
        if self.networks.is_empty() || !self.believes(peer.ip()) {
            return None;
        }
        let mut values = headers.get_all(self.header.as_ref()?).iter();
        // Several could be the proxy's own and one that the client sent.
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let name = std::str::from_utf8(value.as_bytes()).ok()?.trim();
        (!name.is_empty()).then(|| name.to_string())
    }
}

/// The address of the browser: what the proxy says, where it is one that is believed.
pub(super) fn client(peer: SocketAddr, headers: &HeaderMap, is_believed: bool) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    let forwarded = forwarded
        .filter(|_| is_believed)
        .and_then(|value| limit::forwarded(value.to_str().ok()?));
    forwarded.unwrap_or(peer.ip()).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_their_addresses_and_no_others() {
        for (network, address, expected) in [
            ("10.1.0.0/16", "10.1.255.3", true),
            ("10.1.0.0/16", "10.2.0.1", false),
            ("10.1.0.0/16", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.has(address.parse().unwrap()),
                expected,
                "{network:?} {address}"
            );
        }
        for wrong in [
            "10.0.0.0/33",
            "10.0.0/8",
            "x",
            "10.0.0.0/",
            "::/129",
            "10.0.0.0/-1",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_taken_from_the_proxy_only_and_once() {
        let trusted = Proxy {
            networks: vec!["127.0.0.1".parse().unwrap()],
            header: Some(HeaderName::from_static("x-user")),
        };
        let mut headers = HeaderMap::new();
        let proxy: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let other: SocketAddr = "192.0.2.1:9".parse().unwrap();
        assert_eq!(trusted.user(proxy, &headers), None);
        headers.append("x-user", "Ann Ng".parse().unwrap());
        assert_eq!(trusted.user(proxy, &headers), Some("Ann Ng".to_string()));
        assert_eq!(trusted.user(other, &headers), None);
        headers.append("x-user", "Bob".parse().unwrap());
        assert_eq!(trusted.user(proxy, &headers), None);
    }

    #[test]
    fn only_the_proxy_says_who_the_browser_is() {
        let near = Proxy::default();
        let named = Proxy {
            networks: vec!["203.0.113.7".parse().unwrap()],
            header: None,
        };
        for (peer, by_default, by_name) in [
            ("127.0.0.1", true, false),
            ("::ffff:10.1.2.3", true, false),
            ("fd00::1", true, false),
            ("203.0.113.7", false, true),
            ("198.51.100.9", false, false),
            ("2001:db8::1", false, false),
        ] {
            let address: IpAddr = peer.parse().unwrap();
            let believed = (near.believes(address), named.believes(address));
            assert_eq!(believed, (by_default, by_name), "{peer}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.9".parse().unwrap());
        let peer: SocketAddr = "192.0.2.1:9".parse().unwrap();
        assert_eq!(client(peer, &headers, false), peer.ip());
        assert_eq!(client(peer, &headers, true).to_string(), "198.51.100.9");
    }
}
