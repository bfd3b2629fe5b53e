//! Between which places the bytes of a connection travelled, and whether in the clear: what rules
//! about secrets need of the addresses, and no more than that is kept.

use crate::said::{Opening, Transport};
use std::net::{IpAddr, Ipv4Addr};

/// Why nothing is said about the way that bytes took.
pub(in crate::rules) const NO_ROUTE: &str = "the addresses and TLS are not part of a transcript";

/// How the bytes of a connection travelled, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// True over TLS, false over TCP alone.
    pub encrypted: Option<bool>,
    /// It is a stream of HTTP/2.
    pub http2: bool,
    /// Where the server is.
    pub server: Option<Place>,
}

/// What kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The same machine.
    Loopback,
    /// A network of one's own: private, link-local or shared address space.
    Private,
    /// Anywhere else.
    Public,
}

impl Route {
    /// What is known of it when the connection appears.
    pub fn of(opening: &Opening) -> Route {
        Route {
            encrypted: match opening.transport {
                // Of HTTP/2 over TLS that is told right after.
                Transport::Tcp | Transport::Http2 { .. } => Some(false),
                Transport::Tls => Some(true),
                Transport::None => None,
            },
            http2: matches!(opening.transport, Transport::Http2 { .. }),
            server: opening.server.map(|address| Place::of(address.ip())),
        }
    }

    /// True if anybody on the way can read along: no TLS, to a server in a public network.
    pub(super) fn is_readable(self) -> Result<bool, &'static str> {
        match (self.encrypted, self.server) {
            (Some(true), _) => Ok(false),
            (Some(false), Some(place)) => Ok(place == Place::Public),
            _ => Err(NO_ROUTE),
        }
    }
}

impl Place {
    /// Where that address is.
    pub fn of(address: IpAddr) -> Place {
        let address = address.to_canonical();
        let is_own = match address {
            _ if address.is_loopback() || address.is_unspecified() => return Place::Loopback,
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || is_shared(v4),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        if is_own { Place::Private } else { Place::Public }
    }
}

/// 100.64.0.0/10, between a provider and its customers (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_this_machine_of_ones_own_network_or_of_another() {
        let place = |address: &str| Place::of(address.parse().expect("an address"));
        for loopback in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(place(loopback), Place::Loopback, "{loopback}");
        }
        for own in ["10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.0.9", "100.64.0.1", "fd00::1"]
        {
            assert_eq!(place(own), Place::Private, "{own}");
        }
        for public in ["203.0.113.5", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert_eq!(place(public), Place::Public, "{public}");
        }
    }
}
