//! TLS (RFC 8446, RFC 5246): a step from streams to streams between TCP and what was said. What is
//! plain passes through; what is TLS is opened with the secrets of key logs, and nothing that is not
//! authentic is passed on.
//!
//! Absent: decryption without secrets, DTLS, QUIC, stream ciphers, 3DES, and other old ciphers.

mod alert;
mod cipher;
mod compression;
mod cut;
mod direction;
mod handshake;
mod hello;
mod keylog;
mod loss;
mod message;
mod protected;
mod record;
mod schedule;
mod search;
mod session;
mod suite;
mod waiting;

pub use keylog::{KeyLog, KeyLogCounts};

use super::slots::{New, Slot, Slots};
use crate::said::{
    ConnectionId, Endpoint, Interest, Listener, Opaque, OpaqueReason, Opening, Said, Tls,
};
use hello::old_client_hello;
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
    /// Handshakes within a connection (RFC 5246 §7.4.1.1).
    pub renegotiations: u64,
}

/// The state of all connections.
#[derive(Default)]
pub struct TlsStep {
    slots: Slots<Known>,
    desk: Desk,
    /// Connections that wait for secrets.
    waiting: Vec<ConnectionId>,
    /// Those that ended while they waited, and how.
    orphans: VecDeque<(Box<Session>, bool)>,
    /// The state of the key log when they were last looked at.
    looked_at: u64,
}

/// So many connections may have ended and still wait for secrets.
const MAX_ORPHANS: usize = 4096;

/// A connection that is TLS, or may become it.
enum Known {
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
        for id in std::mem::take(&mut self.step.waiting) {
            match self.step.slots.take(id) {
                Slot::Known(Known::Tls(mut session)) => {
                    let interest = session.wake(&mut self.context());
                    if interest == Interest::More && session.is_waiting() {
                        self.step.waiting.push(id);
                    }
                    self.step.slots.put(id, after(session, interest));
                }
                other => self.step.slots.put(id, other),
            }
        }
        for mut late in std::mem::take(&mut self.step.desk.given_up) {
            if self.step.desk.log.find(&late.client_random, &late.session).is_some() {
                late.opaque.why = OpaqueReason::TooLate;
                self.listener.opaque(&late.opaque);
            } else {
                self.step.desk.given_up.push(late);
            }
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
        for given_up in std::mem::take(&mut self.step.desk.given_up) {
            self.listener.opaque(&given_up.opaque);
        }
        for (mut session, cut) in std::mem::take(&mut self.step.orphans) {
            session.finish(cut, &mut self.context());
        }
    }

    fn context(&mut self) -> Context<'_, L> {
        Context { listener: self.listener, desk: &mut self.step.desk }
    }

    /// The first bytes tell what a connection is.
    #[cold]
    fn decide(&mut self, id: ConnectionId, mut new: Box<New>, said: Said<'_>) -> Interest {
        let Said::Bytes { from, offset, bytes, .. } = said else {
            let _ = new.keep(&said);
            self.step.slots.put(id, Slot::New(new));
            return Interest::More;
        };
        let is_first = new.is_fresh() && offset == 0;
        let is_sure = is_first || bytes.len() >= 7;
        if is_sure && (is_hello(bytes, 1) || is_hello(bytes, 2)) {
            let mut session = Session::new(new.opening, [0; 2], None);
            for before in &new.before {
                let _ = session.hear(before.said(), &mut self.context());
            }
            return self.hear(id, session, said);
        }
        if let (true, Endpoint::Client, Some((random, length))) =
            (is_first, from, old_client_hello(bytes))
        {
            let mut session = Session::new(new.opening, [length as u64, 0], None);
            session.client_random = Some(random);
            session.tls.client_hello_seen = true;
            self.step.slots.put(id, Slot::Known(Known::Tls(session)));
            return Interest::More;
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
        let inner = new.pass(self.listener, &mut self.step.desk.ids);
        let is_tunnel = from == Endpoint::Client && bytes.starts_with(b"CONNECT ");
        let slot = match is_tunnel {
            true => Slot::Known(Known::Tunnel(Box::new(Tunnel {
                opening: new.opening,
                id: inner,
                offsets: [offset + bytes.len() as u64, 0],
            }))),
            false => Slot::Plain(inner),
        };
        self.step.slots.put(id, slot);
        self.listener.said(inner, said)
    }

    fn hear(&mut self, id: ConnectionId, mut session: Box<Session>, said: Said<'_>) -> Interest {
        let was_waiting = session.is_waiting();
        let interest = session.hear(said, &mut self.context());
        if interest == Interest::More && !was_waiting && session.is_waiting() {
            self.step.waiting.push(id);
        }
        self.step.slots.put(id, after(session, interest));
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
        self.step.slots.put(id, Slot::Known(Known::Tunnel(tunnel)));
        self.listener.said(inner, said)
    }

    #[inline(never)]
    fn said_slowly(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        match self.step.slots.take(id) {
            Slot::Empty => Interest::Done,
            Slot::New(new) => self.decide(id, new, said),
            Slot::Known(Known::Tls(session)) => self.hear(id, session, said),
            Slot::Known(Known::Tunnel(tunnel)) => self.tunnel(id, tunnel, said),
            slot @ Slot::Known(Known::Unwanted(_)) => {
                self.step.slots.put(id, slot);
                Interest::Done
            }
            Slot::Plain(inner) => {
                self.step.slots.put(id, Slot::Plain(inner));
                self.listener.said(inner, said)
            }
        }
    }
}

/// What is left of a session that wants to hear more, or not.
fn after(session: Box<Session>, interest: Interest) -> Slot<Known> {
    match (interest, session.id) {
        (Interest::More, _) => Slot::Known(Known::Tls(session)),
        (Interest::Done, Some(id)) => Slot::Known(Known::Unwanted(id)),
        (Interest::Done, None) => Slot::Empty,
    }
}

impl<L: Listener> Listener for TlsListener<'_, L> {
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

    fn opaque(&mut self, opaque: &Opaque) {
        self.listener.opaque(opaque);
    }

    fn forgotten(&mut self, id: ConnectionId, cut: bool) {
        let inner = match self.step.slots.take(id) {
            Slot::Empty => return,
            Slot::New(new) => new.pass(self.listener, &mut self.step.desk.ids),
            Slot::Plain(inner) | Slot::Known(Known::Unwanted(inner)) => inner,
            Slot::Known(Known::Tunnel(tunnel)) => tunnel.id,
            Slot::Known(Known::Tls(mut session)) => {
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
        let step = &self.step;
        let waits =
            !step.waiting.is_empty() || !step.orphans.is_empty() || !step.desk.given_up.is_empty();
        if waits && self.step.desk.log.has_files() {
            self.step.desk.log.refresh();
            self.wake();
        }
        self.listener.pause();
    }

    fn is_done(&self) -> bool {
        self.listener.is_done()
    }
}
