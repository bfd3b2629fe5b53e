//! HTTP/2 (RFC 9113): a step from one stream to several. An extended CONNECT (RFC 8441) becomes a
//! connection of its own; ordinary requests are counted; what is not HTTP/2 passes through.
//!
//! Absent: connections whose beginning was not captured (without the header tables built there,
//! nobody knows what their header blocks say), server push, flow control.

mod connection;
mod fields;
mod frame;

use super::ids::Ids;
use crate::said::{ConnectionId, Endpoint, Interest, Listener, Opaque, Opening, Said, Tls, Trail};
use connection::Connection;
use frame::PREFACE;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// So many pairs of a client and a server are remembered.
const MAX_PAIRS: usize = 1024;

/// The state of all connections.
#[derive(Default)]
pub struct Http2Step {
    slots: Vec<Slot>,
    /// Clients and servers that have spoken HTTP/2 with each other, and whether WebSocket is
    /// allowed on it.
    pairs: HashMap<(IpAddr, SocketAddr), bool>,
    ids: Ids,
}

/// One connection.
#[derive(Default)]
enum Slot {
    /// Nobody's.
    #[default]
    Empty,
    /// Nothing was said yet that tells what it is.
    New(Box<New>),
    /// Not HTTP/2.
    Plain(ConnectionId),
    /// HTTP/1.1, but the client has asked for HTTP/2 (RFC 7540 §3.2).
    Asked(Box<New>, ConnectionId),
    Http2(Box<Connection>),
}

struct New {
    opening: Opening,
    tls: Option<Tls>,
    /// What carries the first bytes, if somebody asked.
    trails: Trails,
}

/// What carried the bytes of each endpoint.
type Trails = [Option<Box<Trail>>; 2];

/// Hears streams, and tells those inside HTTP/2 as connections.
pub struct Http2Listener<'a, L> {
    step: &'a mut Http2Step,
    listener: &'a mut L,
}

impl Http2Step {
    /// The step between a source of streams and this listener.
    pub fn before<'a, L: Listener>(&'a mut self, listener: &'a mut L) -> Http2Listener<'a, L> {
        Http2Listener { step: self, listener }
    }
}

impl<L: Listener> Http2Listener<'_, L> {
    /// The listener behind.
    pub fn inner(&mut self) -> &mut L {
        self.listener
    }

    /// The first thing said tells what a connection is.
    #[cold]
    fn decide(&mut self, id: ConnectionId, mut new: Box<New>, said: Said<'_>) -> Interest {
        match said {
            Said::Secured { tls } => {
                new.tls = Some(tls.clone());
                self.step.slots[id.0 as usize] = Slot::New(new);
                return Interest::More;
            }
            Said::Carried { from, carried } => {
                new.trails[from.index()].get_or_insert_default().push(carried);
                self.step.slots[id.0 as usize] = Slot::New(new);
                return Interest::More;
            }
            Said::Bytes { from, offset: 0, bytes, .. } => {
                let is_client = from == Endpoint::Client && begins_preface(bytes);
                // Whose server may speak first: SETTINGS of the connection as a whole.
                let is_agreed =
                    new.tls.as_ref().is_some_and(|tls| tls.protocol.as_deref() == Some(b"h2"));
                if is_client || is_agreed {
                    let New { opening, tls, trails } = *new;
                    let connection = Box::new(Connection::new(opening, tls, trails));
                    return self.hear(id, connection, said);
                }
            }
            _ => {}
        }
        let inner = self.open(&new);
        let is_asked = matches!(&said, Said::Bytes { from: Endpoint::Client, bytes, .. }
            if memchr::memmem::find(bytes, b"HTTP2-Settings").is_some());
        self.step.slots[id.0 as usize] =
            if is_asked { Slot::Asked(new, inner) } else { Slot::Plain(inner) };
        self.listener.said(inner, said)
    }

    fn open(&mut self, new: &New) -> ConnectionId {
        let id = self.step.ids.take();
        self.listener.opened(id, &new.opening);
        if let Some(tls) = &new.tls {
            let allowed = pair(&new.opening).and_then(|pair| self.step.pairs.get(&pair));
            let tls = &Tls { beside_http2: allowed == Some(&false), ..tls.clone() };
            self.listener.said(id, Said::Secured { tls });
        }
        for from in [Endpoint::Client, Endpoint::Server] {
            let trail = new.trails[from.index()].as_deref();
            for carried in trail.map(|trail| trail.of(0..u64::MAX)).unwrap_or_default() {
                self.listener.said(id, Said::Carried { from, carried: &carried });
            }
        }
        id
    }

    fn hear(
        &mut self,
        id: ConnectionId,
        mut connection: Box<Connection>,
        said: Said<'_>,
    ) -> Interest {
        let before = connection.allows_websocket();
        let interest = connection.hear(said, self.listener, &mut self.step.ids);
        let allows = connection.allows_websocket();
        if let Some(allows) = allows.filter(|_| allows != before)
            && let Some(pair) = pair(connection.opening())
        {
            if self.step.pairs.len() == MAX_PAIRS {
                self.step.pairs.clear();
            }
            self.step.pairs.insert(pair, allows);
        }
        self.step.slots[id.0 as usize] = Slot::Http2(connection);
        interest
    }

    /// The server's 101 to an upgrade to HTTP/2: its frames begin behind that head, the client's
    /// with the preface.
    #[cold]
    fn upgrade(
        &mut self,
        id: ConnectionId,
        new: Box<New>,
        inner: ConnectionId,
        said: Said<'_>,
    ) -> Interest {
        let Said::Bytes { from: Endpoint::Server, offset, bytes, heard, at } = said else {
            self.step.slots[id.0 as usize] = Slot::Asked(new, inner);
            return self.listener.said(inner, said);
        };
        let head = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
        let (head, rest) = bytes.split_at(head);
        let from = Endpoint::Server;
        let interest =
            self.listener.said(inner, Said::Bytes { from, offset, bytes: head, heard, at });
        let text = head.to_ascii_lowercase();
        if !head.starts_with(b"HTTP/1.1 101") || memchr::memmem::find(&text, b"h2c").is_none() {
            self.step.slots[id.0 as usize] = Slot::Plain(inner);
            if rest.is_empty() {
                return interest;
            }
            let offset = offset + head.len() as u64;
            return self.listener.said(inner, Said::Bytes { from, offset, bytes: rest, heard, at });
        }
        self.listener.forgotten(inner, false);
        self.step.ids.give_back(inner);
        let New { opening, tls, trails } = *new;
        let connection = Box::new(Connection::new(opening, tls, trails));
        let offset = offset + head.len() as u64;
        self.hear(id, connection, Said::Bytes { from, offset, bytes: rest, heard, at })
    }

    #[inline(never)]
    fn said_slowly(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let Some(slot) = self.step.slots.get_mut(id.0 as usize) else { return Interest::Done };
        match std::mem::take(slot) {
            Slot::Empty => Interest::Done,
            Slot::Plain(inner) => {
                *slot = Slot::Plain(inner);
                self.listener.said(inner, said)
            }
            Slot::Http2(connection) => self.hear(id, connection, said),
            Slot::New(new) => self.decide(id, new, said),
            Slot::Asked(new, inner) => self.upgrade(id, new, inner, said),
        }
    }
}

fn pair(opening: &Opening) -> Option<(IpAddr, SocketAddr)> {
    Some((opening.client?.ip(), opening.server?))
}

/// True if a client begins with the preface, as far as the bytes reach.
fn begins_preface(bytes: &[u8]) -> bool {
    let known = bytes.len().min(PREFACE.len());
    // "P" alone may be a POST, too.
    known >= 3 && bytes[..known] == PREFACE[..known]
}

impl<L: Listener> Listener for Http2Listener<'_, L> {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let index = id.0 as usize;
        if self.step.slots.len() <= index {
            self.step.slots.resize_with(index + 1, Slot::default);
        }
        self.step.slots[index] =
            Slot::New(Box::new(New { opening: *opening, tls: None, trails: Trails::default() }));
    }

    #[inline]
    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        if let Some(Slot::Plain(inner)) = self.step.slots.get(id.0 as usize) {
            return self.listener.said(*inner, said);
        }
        self.said_slowly(id, said)
    }

    fn other_exchange(&mut self) {
        self.listener.other_exchange();
    }

    fn opaque(&mut self, opaque: &Opaque) {
        self.listener.opaque(opaque);
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        let Some(slot) = self.step.slots.get_mut(id.0 as usize) else { return };
        let inner = match std::mem::take(slot) {
            Slot::Empty => return,
            Slot::New(new) => self.open(&new),
            Slot::Plain(inner) | Slot::Asked(_, inner) => inner,
            Slot::Http2(mut connection) => {
                return connection.finish(cut, self.listener, &mut self.step.ids);
            }
        };
        self.listener.forgotten(inner, cut);
        self.step.ids.give_back(inner);
    }

    fn pause(&mut self) {
        self.listener.pause();
    }
}
