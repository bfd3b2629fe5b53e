//! What a listener is told of one connection, and in whose name.

use super::ids::Ids;
use super::places::{KeptKey, Key, Side};
use super::roles::{begins_a_stream, guess_client};
use super::stream::{Carrier, Conflict, Piece, Stream};
use super::tally::Tally;
use crate::said::{
    At, Carried, ConnectionId, Endpoint, GapReason, Interest, Listener, Opening, Said, TcpFact,
    Transport, TransportEnd,
};

/// What the listener knows of a connection.
pub(super) struct Voice {
    pub(super) key: KeptKey,
    pub(super) first: At,
    pub(super) id: Option<ConnectionId>,
    initiator: Option<u8>,
    client: u8,
    pub(super) done: bool,
    /// For each side: it was told that bytes of it are not captured so far.
    unseen: [bool; 2],
    /// FINs that came before there was anything to tell.
    pub(super) silent_fins: Option<Box<SilentFins>>,
}

/// For each side: when, and what its sender had heard.
type SilentFins = [Option<(At, Option<u64>)>; 2];

/// What the listener was told: which connections it knows, by dense numbers that are used again.
#[derive(Default)]
pub(super) struct Told {
    pub(super) ids: Ids,
    pub(super) opened: u64,
    pub(super) gaps: u64,
    pub(super) lost_bytes: u64,
    /// It is told which segments bring what.
    pub(super) traces: bool,
}

impl Told {
    fn take_id(&mut self) -> ConnectionId {
        self.opened += 1;
        self.ids.take()
    }
}

/// What every step needs beside the connection.
pub(super) struct Context<'a, L> {
    pub(super) listener: &'a mut L,
    pub(super) told: &'a mut Told,
    pub(super) tally: &'a mut Tally,
}

impl Voice {
    pub(super) fn new(key: Key, first: At) -> Voice {
        let (initiator, client, silent_fins) = (None, 0, None);
        Voice {
            key: key.into(),
            first,
            id: None,
            initiator,
            client,
            done: false,
            unseen: [false; 2],
            silent_fins,
        }
    }

    /// The side that sent the SYN.
    pub(super) fn initiator(&self) -> Option<Side> {
        self.initiator.map(Side::from)
    }

    /// That side sent the SYN, unless another did before.
    pub(super) fn initiated_by(&mut self, side: Side) {
        self.initiator.get_or_insert(side as u8);
    }

    fn endpoint(&self, side: Side) -> Endpoint {
        if side == Side::from(self.client) { Endpoint::Client } else { Endpoint::Server }
    }

    /// Bytes in order: what nearly every packet brings.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn tell_bytes<L: Listener>(
        &mut self,
        side: Side,
        start_is_known: bool,
        (offset, sequence): (u64, u32),
        bytes: &[u8],
        carrier: Carrier,
        peer: &Stream,
        context: &mut Context<'_, L>,
    ) {
        let is_special = self.done || context.told.traces;
        let (Some(id), true, false) = (self.id, start_is_known, is_special) else {
            let piece = Piece::Bytes { offset, sequence, bytes, carrier };
            return self.tell(side, start_is_known, piece, peer, context.listener, context.told);
        };
        let (at, heard) = (carrier.at, carrier.heard(peer));
        let said = Said::Bytes { from: self.endpoint(side), offset, bytes, heard, at };
        if context.listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    /// Tells the listener, after telling it of the connection if this is the first it hears.
    #[inline(never)]
    pub(super) fn tell<L: Listener>(
        &mut self,
        side: Side,
        start_is_known: bool,
        piece: Piece<'_>,
        peer: &Stream,
        listener: &mut L,
        told: &mut Told,
    ) {
        if self.done {
            return;
        }
        if let Piece::Fin { carrier } = piece {
            let (at, heard) = (carrier.at, carrier.heard(peer));
            if self.id.is_none() {
                self.silent_fins.get_or_insert_default()[side] = Some((at, heard));
            }
            return self.end(side, TransportEnd::Fin, at, heard, listener);
        }
        if let Piece::Repeated { length, conflict, carrier: Carrier { at, .. } } = piece {
            let (differs, damaged) = (conflict.is_some(), conflict == Some(Conflict::Damage));
            let fact = TcpFact::Repeated { length, differs, damaged };
            return self.remark(side, fact, at, listener);
        }
        let id = match self.id {
            Some(id) => id,
            None => self.open(side, &piece, listener, told),
        };
        let from = self.endpoint(side);
        let said = match piece {
            Piece::Bytes { offset, sequence, bytes, carrier } => {
                let (at, heard) = (carrier.at, carrier.heard(peer));
                if told.traces {
                    let length = bytes.len() as u64;
                    let carrier = crate::said::Carrier::Segment { sequence, at };
                    let (content_offset, content_length) = (offset, length);
                    let carried =
                        Carried { carrier, offset, length, content_offset, content_length };
                    let _ = listener.said(id, Said::Carried { from, carried: &carried });
                }
                if offset == 0 && !start_is_known && !begins_a_stream(bytes) {
                    self.begins_late(id, from, at, listener);
                }
                Said::Bytes { from, offset, bytes, heard, at }
            }
            Piece::Gap { offset, length, reason, carrier: Carrier { at, .. } } => {
                told.gaps += 1;
                told.lost_bytes += length;
                if offset == 0 && !start_is_known {
                    self.begins_late(id, from, at, listener);
                }
                Said::Gap { from, offset, length: Some(length), reason, at }
            }
            Piece::Fin { .. } | Piece::Repeated { .. } => return,
        };
        if !self.done && listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    /// Bytes of that side were said and are not captured so far.
    #[cold]
    pub(super) fn remark_unseen<L: Listener>(&mut self, side: Side, at: At, listener: &mut L) {
        if self.id.is_some() && !std::mem::replace(&mut self.unseen[side], true) {
            self.remark(side, TcpFact::Unseen, at, listener);
        }
    }

    /// Tells something about TCP, if the listener knows of the connection.
    pub(super) fn remark<L: Listener>(
        &mut self,
        side: Side,
        fact: TcpFact,
        at: At,
        listener: &mut L,
    ) {
        let (Some(id), false) = (self.id, self.done) else { return };
        if listener.said(id, Said::Tcp { from: self.endpoint(side), fact, at }) == Interest::Done {
            self.done = true;
        }
    }

    pub(super) fn end<L: Listener>(
        &mut self,
        side: Side,
        how: TransportEnd,
        at: At,
        heard: Option<u64>,
        listener: &mut L,
    ) {
        let (Some(id), false) = (self.id, self.done) else { return };
        let said = Said::End { from: self.endpoint(side), how, heard, at };
        if listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    #[cold]
    fn begins_late<L: Listener>(
        &mut self,
        id: ConnectionId,
        from: Endpoint,
        at: At,
        listener: &mut L,
    ) {
        let reason = GapReason::CaptureStart;
        let said = Said::Gap { from, offset: 0, length: None, reason, at };
        if listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    #[cold]
    fn open<L: Listener>(
        &mut self,
        side: Side,
        piece: &Piece<'_>,
        listener: &mut L,
        told: &mut Told,
    ) -> ConnectionId {
        let (id, key) = (told.take_id(), self.key.get());
        self.id = Some(id);
        let first = match piece {
            Piece::Bytes { bytes, .. } => *bytes,
            _ => &[],
        };
        let guess = || guess_client(side, first, [key.socket(0).port(), key.socket(1).port()]);
        let client = self.initiator().unwrap_or_else(guess);
        self.client = client as u8;
        let opening = Opening {
            client: Some(key.socket(client)),
            server: Some(key.socket(1 - client)),
            transport: Transport::Tcp,
            initiator_seen: self.initiator.is_some(),
            at: self.first,
        };
        listener.opened(id, &opening);
        let fins = self.silent_fins.take().map_or([None; 2], |fins| *fins);
        for (side, fin) in fins.into_iter().enumerate() {
            if let Some((at, heard)) = fin {
                self.end(side, TransportEnd::Fin, at, heard, listener);
            }
        }
        id
    }
}
