//! TLS (RFC 8446, RFC 5246): a step from streams to streams between TCP and what was said. What is
//! plain passes through; what is TLS is opened with the secrets of key logs, and nothing that is not
//! authentic is passed on.
//!
//! Absent: decryption without secrets, DTLS, QUIC, stream ciphers, 3DES, and other old ciphers.

mod alert;
mod cipher;
mod compression;
mod direction;
mod handshake;
mod hello;
mod keylog;
mod message;
mod protected;
mod record;
mod schedule;
mod search;
mod session;
mod suite;

pub use keylog::{KeyLog, KeyLogCounts};

use crate::said::{
    At, Carried, ConnectionId, Endpoint, GapReason, Interest, Listener, Opaque, OpaqueReason,
    Opening, Said, Tls, TransportEnd,
};
use record::{begins_record, is_hello};
use session::{Context, Desk, Session};
use std::collections::VecDeque;

/// What was counted of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsCounts {
    /// Connections of which something was read.
    pub read: u64,
    /// Connections whose records stay closed.
    pub opaque: u64,
    /// Records that were opened.
    pub records: u64,
    /// Bytes of content in them.
    pub bytes: u64,
    /// Records that are not authentic, or cut short.
    pub bad_records: u64,
    /// Gaps in the streams of bytes below.
    pub losses: u64,
    /// Gaps in the content that a listener was told of.
    pub gaps: u64,
    /// Changes of keys within a connection (RFC 8446 §4.6.3).
    pub key_updates: u64,
}

/// The state of all connections.
#[derive(Default)]
pub struct TlsStep {
    slots: Vec<Slot>,
    desk: Desk,
    /// Connections that wait for secrets.
    waiting: Vec<u32>,
    /// Those that ended while they waited, and how.
    orphans: VecDeque<(Box<Session>, bool)>,
    /// The state of the key log when they were last looked at.
    looked_at: u64,
}

/// So many connections may have ended and still wait for secrets.
const MAX_ORPHANS: usize = 4096;

/// One connection.
#[derive(Default)]
enum Slot {
    /// Nobody's, or nobody wants to hear of it.
    #[default]
    Empty,
    /// Nothing was said yet that tells what it is.
    New(Box<New>),
    /// No TLS.
    Plain(ConnectionId),
    /// No TLS so far: a CONNECT was sent to a proxy, and TLS may follow.
    Tunnel(Box<Tunnel>),
    Tls(Box<Session>),
    /// The listener knows it, and wants to hear no more.
    Unwanted(ConnectionId),
}

struct Tunnel {
    opening: Opening,
    id: ConnectionId,
    /// How much each endpoint has said.
    offsets: [u64; 2],
}

struct New {
    opening: Opening,
    before: Vec<Before>,
}

/// What was said before the first byte.
enum Before {
    Gap { from: Endpoint, offset: u64, length: Option<u64>, reason: GapReason, at: At },
    End { from: Endpoint, how: TransportEnd, heard: Option<u64>, at: At },
    Carried { from: Endpoint, carried: Carried },
}

impl Before {
    fn said(&self) -> Said<'_> {
        match *self {
            Before::Carried { from, ref carried } => Said::Carried { from, carried },
            Before::Gap { from, offset, length, reason, at } => {
                Said::Gap { from, offset, length, reason, at }
            }
            Before::End { from, how, heard, at } => Said::End { from, how, heard, at },
        }
    }
}

impl TlsStep {
    /// A step with the secrets of this key log. If `more_may_come`, records wait for secrets that
    /// are not there yet.
    pub fn new(log: KeyLog, more_may_come: bool) -> TlsStep {
        let desk = Desk { log, more_may_come, ..Desk::default() };
        TlsStep { desk, ..TlsStep::default() }
    }

    /// The step between a source of bytes and this listener.
    pub fn before<'a, L: Listener>(&'a mut self, listener: &'a mut L) -> TlsListener<'a, L> {
        TlsListener { step: self, listener }
    }

    /// From now on records wait for secrets that are not there yet.
    pub fn expect_secrets(&mut self) {
        self.desk.more_may_come = true;
    }

    /// What was counted so far.
    pub fn counts(&self) -> (TlsCounts, KeyLogCounts) {
        (self.desk.counts, self.desk.log.counts())
    }
}

/// Hears what was said in bytes, and tells what was said in TLS.
pub struct TlsListener<'a, L> {
    step: &'a mut TlsStep,
    listener: &'a mut L,
}

impl<L: Listener> TlsListener<'_, L> {
    /// More secrets came with the capture.
    pub fn secrets(&mut self, lines: &[u8]) {
        self.step.desk.log.add_lines(lines);
        self.wake();
    }

    /// Lets connections go on whose secrets came.
    fn wake(&mut self) {
        let generation = self.step.desk.log.generation;
        if self.step.looked_at == generation {
            return;
        }
        self.step.looked_at = generation;
        for index in std::mem::take(&mut self.step.waiting) {
            let Some(slot @ Slot::Tls(_)) = self.step.slots.get_mut(index as usize) else {
                continue;
            };
            let Slot::Tls(mut session) = std::mem::take(slot) else { continue };
            let interest = session.wake(&mut self.context());
            if interest == Interest::More && session.is_waiting() {
                self.step.waiting.push(index);
            }
            self.step.slots[index as usize] = Slot::after(session, interest);
        }
        for (mut session, cut) in std::mem::take(&mut self.step.orphans) {
            let interest = session.wake(&mut self.context());
            if interest == Interest::More && session.is_waiting() {
                self.step.orphans.push_back((session, cut));
            } else {
                session.finish(cut, &mut self.context());
            }
        }
    }

    /// The capture ended: connections that wait for secrets wait in vain.
    pub fn finish(&mut self) {
        for (mut session, cut) in std::mem::take(&mut self.step.orphans) {
            session.finish(cut, &mut self.context());
        }
    }

    fn context(&mut self) -> Context<'_, L> {
        Context { listener: self.listener, desk: &mut self.step.desk }
    }

    /// The first bytes tell what a connection is.
    #[cold]
    fn decide(&mut self, id: ConnectionId, new: New, said: Said<'_>) -> Interest {
        let Said::Bytes { from, offset, bytes, .. } = said else {
            return Interest::More;
        };
        let is_carried = |before: &Before| matches!(before, Before::Carried { .. });
        let is_first = new.before.iter().all(is_carried) && offset == 0;
        let is_sure = is_first || bytes.len() >= 7;
        if is_sure && (is_hello(bytes, 1) || is_hello(bytes, 2)) {
            let mut session = Session::new(new.opening, [0; 2], None);
            for before in &new.before {
                let _ = session.hear(before.said(), &mut self.context());
            }
            return self.hear(id, session, said);
        }
        if !is_first && begins_record(bytes) {
            self.step.desk.counts.opaque += 1;
            self.listener.opaque(&Opaque {
                client: new.opening.client,
                server: new.opening.server,
                tls: Tls::default(),
                why: OpaqueReason::HandshakeMissing,
                alert: None,
                at: new.opening.at,
            });
            return Interest::Done;
        }
        let inner = self.pass(&new);
        let is_tunnel = from == Endpoint::Client && bytes.starts_with(b"CONNECT ");
        self.step.slots[id.0 as usize] = match is_tunnel {
            true => Slot::Tunnel(Box::new(Tunnel {
                opening: new.opening,
                id: inner,
                offsets: [offset + bytes.len() as u64, 0],
            })),
            false => Slot::Plain(inner),
        };
        self.listener.said(inner, said)
    }

    /// Tells what was kept back.
    fn pass(&mut self, new: &New) -> ConnectionId {
        let id = self.step.desk.ids.take();
        self.listener.opened(id, &new.opening);
        for before in &new.before {
            self.listener.said(id, before.said());
        }
        id
    }

    fn hear(&mut self, id: ConnectionId, mut session: Box<Session>, said: Said<'_>) -> Interest {
        let was_waiting = session.is_waiting();
        let interest = session.hear(said, &mut self.context());
        if interest == Interest::More && !was_waiting && session.is_waiting() {
            self.step.waiting.push(id.0);
        }
        self.step.slots[id.0 as usize] = Slot::after(session, interest);
        interest
    }

    /// A connection to a proxy: TLS may begin in the middle.
    #[cold]
    fn tunnel(&mut self, id: ConnectionId, mut tunnel: Box<Tunnel>, said: Said<'_>) -> Interest {
        if let Said::Bytes { from, offset, bytes, .. } = said {
            if from == Endpoint::Client && bytes.len() >= 7 && is_hello(bytes, 1) {
                tunnel.offsets[0] = offset;
                let session = Session::new(tunnel.opening, tunnel.offsets, Some(tunnel.id));
                return self.hear(id, session, said);
            }
            tunnel.offsets[from.index()] = offset + bytes.len() as u64;
        }
        let inner = tunnel.id;
        self.step.slots[id.0 as usize] = Slot::Tunnel(tunnel);
        self.listener.said(inner, said)
    }

    #[inline(never)]
    fn said_slowly(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        let Some(slot) = self.step.slots.get_mut(id.0 as usize) else { return Interest::Done };
        match std::mem::take(slot) {
            Slot::Empty => Interest::Done,
            Slot::Unwanted(inner) => {
                *slot = Slot::Unwanted(inner);
                Interest::Done
            }
            Slot::Plain(inner) => {
                *slot = Slot::Plain(inner);
                self.listener.said(inner, said)
            }
            Slot::Tls(session) => self.hear(id, session, said),
            Slot::Tunnel(tunnel) => self.tunnel(id, tunnel, said),
            Slot::New(mut new) => {
                match said {
                    Said::Bytes { .. } => return self.decide(id, *new, said),
                    Said::Gap { from, offset, length, reason, at } => {
                        new.before.push(Before::Gap { from, offset, length, reason, at });
                    }
                    Said::End { from, how, heard, at } => {
                        new.before.push(Before::End { from, how, heard, at });
                    }
                    Said::Carried { from, carried } => {
                        new.before.push(Before::Carried { from, carried: *carried });
                    }
                    Said::Head { .. }
                    | Said::Message { .. }
                    | Said::Secured { .. }
                    | Said::Http2 { .. }
                    | Said::Tcp { .. }
                    | Said::CloseNotify { .. } => {}
                }
                *slot = Slot::New(new);
                Interest::More
            }
        }
    }
}

impl Slot {
    fn after(session: Box<Session>, interest: Interest) -> Slot {
        match (interest, session.id) {
            (Interest::More, _) => Slot::Tls(session),
            (Interest::Done, Some(id)) => Slot::Unwanted(id),
            (Interest::Done, None) => Slot::Empty,
        }
    }
}

impl<L: Listener> Listener for TlsListener<'_, L> {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        let index = id.0 as usize;
        if self.step.slots.len() <= index {
            self.step.slots.resize_with(index + 1, Slot::default);
        }
        self.step.slots[index] = Slot::New(Box::new(New { opening: *opening, before: Vec::new() }));
    }

    #[inline]
    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        if let Some(Slot::Plain(inner)) = self.step.slots.get(id.0 as usize) {
            return self.listener.said(*inner, said);
        }
        self.said_slowly(id, said)
    }

    fn opaque(&mut self, opaque: &Opaque) {
        self.listener.opaque(opaque);
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        let Some(slot) = self.step.slots.get_mut(id.0 as usize) else { return };
        let inner = match std::mem::take(slot) {
            Slot::Empty => return,
            Slot::New(new) => self.pass(&new),
            Slot::Plain(inner) | Slot::Unwanted(inner) => inner,
            Slot::Tunnel(tunnel) => tunnel.id,
            Slot::Tls(mut session) => {
                if session.is_waiting() && self.step.desk.more_may_come {
                    self.step.orphans.push_back((session, cut));
                    if self.step.orphans.len() <= MAX_ORPHANS {
                        return;
                    }
                    let Some((mut oldest, cut)) = self.step.orphans.pop_front() else { return };
                    return oldest.finish(cut, &mut self.context());
                }
                return session.finish(cut, &mut self.context());
            }
        };
        self.listener.forgotten(inner, cut);
        self.step.desk.ids.give_back(inner);
    }

    fn pause(&mut self) {
        let waits = !self.step.waiting.is_empty() || !self.step.orphans.is_empty();
        if waits && self.step.desk.log.has_files() {
            self.step.desk.log.refresh();
            self.wake();
        }
        self.listener.pause();
    }
}
