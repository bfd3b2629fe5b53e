//! Waist 2: observers receive events and findings as they happen. An observer that streams writes
//! them out; one that collects keeps a small recording.

use crate::rules::Judged;
use crate::said::{At, Carried, ConnectionId, Endpoint, Opaque, Tls, Trail, Transport};
use crate::websocket::{Assumed, Event, Origin};
use std::net::SocketAddr;
use std::sync::Arc;

/// One connection that concerns WebSocket.
#[derive(Debug, Clone)]
pub struct Connection {
    /// 1, 2, … in the order in which they turned out to concern WebSocket.
    pub number: u64,
    /// Its slot, to find what an observer keeps about it. Slots are used again.
    pub id: ConnectionId,
    /// Address of the client, where there are addresses.
    pub client: Option<SocketAddr>,
    /// Address of the server.
    pub server: Option<SocketAddr>,
    /// How its bytes travelled.
    pub transport: Transport,
    /// What the handshake of TLS says, if it goes over TLS.
    pub tls: Option<Arc<Tls>>,
    /// Whether its handshake was seen.
    pub origin: Origin,
    /// What was assumed of it, if it was not.
    pub assumed: Assumed,
    /// Its first packet.
    pub opened: At,
    /// What carried its bytes lately, if somebody asked.
    pub trails: Option<Box<Trails>>,
}

/// What carried the bytes of each endpoint.
#[derive(Debug, Clone, Default)]
pub struct Trails {
    of: [Trail; 2],
    /// The input calls the server the client.
    pub(crate) swapped: bool,
}

impl Trails {
    /// What carried this endpoint's bytes.
    pub fn of(&self, endpoint: Endpoint) -> &Trail {
        &self.of[self.index(endpoint)]
    }

    pub(crate) fn push(&mut self, from: Endpoint, carried: &Carried) {
        // As the input calls it.
        self.of[from.index()].push(carried);
    }

    pub(crate) fn forget(&mut self, from: Endpoint, until: u64) {
        let index = self.index(from);
        self.of[index].forget(until);
    }

    fn index(&self, endpoint: Endpoint) -> usize {
        if self.swapped { endpoint.peer().index() } else { endpoint.index() }
    }
}

/// Receives what happens, as it happens. For each connection: [`connection`](Observer::connection)
/// first, then its events, each with what the rules say about it, an [`Event::End`] last.
pub trait Observer {
    /// A connection turned out to concern WebSocket.
    fn connection(&mut self, connection: &Connection);

    /// Something happened on it.
    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged);

    /// A TLS connection whose records stay closed: nobody knows what it concerns.
    fn opaque(&mut self, _opaque: &Opaque, _judged: &Judged) {}

    /// The input paused: what is held back may be shown.
    fn pause(&mut self) {}

    /// True once there is no use in going on: whoever reads the output has left.
    fn is_done(&self) -> bool {
        false
    }
}
