//! HTTP/2 (RFC 9113): a step from one stream to several. An extended CONNECT (RFC 8441) becomes a
//! connection of its own; ordinary requests are counted; what is not HTTP/2 passes through. Of a stream
//! whose head can't be read, because the tables it refers to were built before the capture began, the
//! listener hears DATA with a gap in front.
//!
//! Absent: server push.

mod connection;
mod fields;
mod frame;
mod loss;
mod search;
mod stream;
mod streams;
mod window;

use super::ids::Ids;
use super::slots::{New, Slot, Slots};
use crate::said::{ConnectionId, Endpoint, Interest, Listener, Opaque, Opening, Said};
use connection::Connection;
use foldhash::fast::RandomState;
use frame::PREFACE;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// So many pairs of a client and a server are remembered.
const MAX_PAIRS: usize = 1024;

/// The state of all connections.
#[derive(Default)]
pub struct Http2Step {
    slots: Slots<Known>,
    /// Clients and servers that have spoken HTTP/2 with each other, and whether WebSocket is
    /// allowed on it.
    pairs: HashMap<(IpAddr, SocketAddr), bool, RandomState>,
    ids: Ids,
}

/// A connection of HTTP/2, or one that may become one.
enum Known {
    /// HTTP/1.1, but the client has asked for HTTP/2 (RFC 7540 §3.2).
    Asked(Box<New>, ConnectionId),
    Http2(Box<Connection>),
}

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
    /// The first bytes tell what a connection is.
    #[cold]
    fn decide(&mut self, id: ConnectionId, mut new: Box<New>, said: Said<'_>) -> Interest {
        let Said::Bytes { from, offset, bytes, .. } = said else {
            if new.keep(&said) {
                self.step.slots.put(id, Slot::New(new));
                return Interest::More;
            }
            return self.pass(id, new, said);
        };
        let is_late = new.is_late() || offset > 0;
        let is_client = !is_late && from == Endpoint::Client && begins_preface(bytes);
        // Whose server may speak first: SETTINGS of the connection as a whole.
        let is_agreed = new.tls().is_some_and(|tls| tls.protocol.as_deref() == Some(b"h2"));
        if is_client || is_agreed || is_late && search::begins_frames(bytes) {
            let mut connection = Box::new(Connection::new(new.opening, new.tls().cloned()));
            for before in &new.before {
                let _ = connection.hear(before.said(), self.listener, &mut self.step.ids);
            }
            return self.hear(id, connection, said);
        }
        self.pass(id, new, said)
    }

    /// It is not HTTP/2, or not yet.
    fn pass(&mut self, id: ConnectionId, mut new: Box<New>, said: Said<'_>) -> Interest {
        let allowed = pair(&new.opening).and_then(|pair| self.step.pairs.get(&pair));
        if let Some(tls) = new.tls_mut() {
            tls.beside_http2 = allowed == Some(&false);
        }
        let inner = new.pass(self.listener, &mut self.step.ids);
        let is_asked = matches!(&said, Said::Bytes { from: Endpoint::Client, bytes, .. }
            if memchr::memmem::find(bytes, b"HTTP2-Settings").is_some());
        let slot =
            if is_asked { Slot::Known(Known::Asked(new, inner)) } else { Slot::Plain(inner) };
        self.step.slots.put(id, slot);
        self.listener.said(inner, said)
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
            && let Some(pair) = pair(&connection.opening)
        {
            if self.step.pairs.len() == MAX_PAIRS {
                self.step.pairs.clear();
            }
            self.step.pairs.insert(pair, allows);
        }
        self.step.slots.put(id, Slot::Known(Known::Http2(connection)));
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
            self.step.slots.put(id, Slot::Known(Known::Asked(new, inner)));
            return self.listener.said(inner, said);
        };
        let head = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
        let (head, rest) = bytes.split_at(head);
        let from = Endpoint::Server;
        let interest =
            self.listener.said(inner, Said::Bytes { from, offset, bytes: head, heard, at });
        let text = head.to_ascii_lowercase();
        if !head.starts_with(b"HTTP/1.1 101") || memchr::memmem::find(&text, b"h2c").is_none() {
            self.step.slots.put(id, Slot::Plain(inner));
            if rest.is_empty() {
                return interest;
            }
            let offset = offset + head.len() as u64;
            return self.listener.said(inner, Said::Bytes { from, offset, bytes: rest, heard, at });
        }
        self.listener.forgotten(inner, false);
        self.step.ids.give_back(inner);
        let connection = Box::new(Connection::new(new.opening, new.tls().cloned()));
        let offset = offset + head.len() as u64;
        self.hear(id, connection, Said::Bytes { from, offset, bytes: rest, heard, at })
    }

    #[inline(never)]
    fn said_slowly(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        match self.step.slots.take(id) {
            Slot::Empty => Interest::Done,
            Slot::New(new) => self.decide(id, new, said),
            Slot::Known(Known::Http2(connection)) => self.hear(id, connection, said),
            Slot::Known(Known::Asked(new, inner)) => self.upgrade(id, new, inner, said),
            Slot::Plain(inner) => {
                self.step.slots.put(id, Slot::Plain(inner));
                self.listener.said(inner, said)
            }
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
        self.step.slots.open(id, opening);
    }

    #[inline]
    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        match self.step.slots.plain(id) {
            Some(inner) => self.listener.said(inner, said),
            None => self.said_slowly(id, said),
        }
    }

    fn other_exchange(&mut self) {
        self.listener.other_exchange();
    }

    fn opaque(&mut self, opaque: &Opaque) {
        self.listener.opaque(opaque);
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        let inner = match self.step.slots.take(id) {
            Slot::Empty => return,
            Slot::New(new) => new.pass(self.listener, &mut self.step.ids),
            Slot::Plain(inner) | Slot::Known(Known::Asked(_, inner)) => inner,
            Slot::Known(Known::Http2(mut connection)) => {
                return connection.finish(cut, self.listener, &mut self.step.ids);
            }
        };
        self.listener.forgotten(inner, cut);
        self.step.ids.give_back(inner);
    }

    fn pause(&mut self) {
        self.listener.pause();
    }

    fn is_done(&self) -> bool {
        self.listener.is_done()
    }
}
