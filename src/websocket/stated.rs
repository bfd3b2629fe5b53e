//! What is stated by hand of connections whose handshake was not captured, and what of a connection
//! was assumed.

use super::extension::Agreement;
use crate::said::Opening;
use std::net::{IpAddr, SocketAddr};

/// What is stated by hand, and of which connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    /// Of those of which no handshake is seen: what does not begin with HTTP is WebSocket.
    pub websocket: bool,
    /// Clients, by address and, if given, port. If there are any, `websocket` is said of their
    /// connections only.
    pub clients: Vec<(IpAddr, Option<u16>)>,
    /// What was agreed on those connections.
    pub agreement: Option<Agreement>,
}

impl Statements {
    /// What is stated of a connection, and whether the input has taken its server for its client.
    pub(crate) fn concerning(&self, opening: &Opening) -> (Stated, bool) {
        let is_client = |end: Option<SocketAddr>| {
            end.is_some_and(|end| {
                let fits = |port: &Option<u16>| port.is_none_or(|port| port == end.port());
                self.clients.iter().any(|(ip, port)| *ip == end.ip() && fits(port))
            })
        };
        let ends = (is_client(opening.client), is_client(opening.server));
        // Two addresses of the same kind tell nothing.
        let client = ends.0 != ends.1;
        let websocket = self.websocket && (self.clients.is_empty() || ends.0 || ends.1);
        let stated = Stated { websocket, client, agreement: self.agreement };
        (stated, client && ends.1)
    }
}

/// What is stated of one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stated {
    /// What does not begin with HTTP is WebSocket.
    pub websocket: bool,
    /// Which end is the client.
    pub client: bool,
    /// What was agreed in the handshake.
    pub agreement: Option<Agreement>,
}

/// What of a connection does not follow from a handshake that was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assumed {
    /// That it is WebSocket, because its frames were recognised and nobody had stated it.
    pub recognised: bool,
    /// What was stated of it, as far as it mattered.
    pub stated: Stated,
}

impl Assumed {
    /// The names used in JSON.
    pub fn names(&self) -> Vec<&'static str> {
        let Stated { websocket, client, agreement } = self.stated;
        let all = [
            ("recognised", self.recognised),
            ("websocket-stated", websocket),
            ("client-stated", client),
            ("deflate-stated", agreement.is_some()),
        ];
        all.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| name).collect()
    }
}
