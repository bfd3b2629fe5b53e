//! TCP (RFC 9293): segments to what each endpoint of each connection said.
//!
//! A listener hears of a connection when its first byte is to be delivered, so that scans and
//! handshakes cost nothing above. Absent: checksums (offloading breaks them in honest captures),
//! urgent data, SACK.

use super::flows::{Grave, Key, Place, Places, Side};
use super::ip::Addresses;
use super::roles::{begins_a_stream, guess_client};
use super::stream::{Arrival, Carrier, Piece, Stream};
use super::tally::Tally;
use crate::said::{
    At, ConnectionId, Endpoint, GapReason, Interest, Listener, Opening, Said, Transport,
    TransportEnd,
};

/// What the reassembly may keep in memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes waiting behind a hole, per direction of a connection.
    pub waiting: usize,
    /// Bytes waiting behind holes, in all.
    pub all_waiting: usize,
    /// Connections followed at a time; beyond, the one longest unused is forgotten.
    pub connections: usize,
    /// Closed or uninteresting connections that are remembered.
    pub graves: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { waiting: 4 << 20, all_waiting: 64 << 20, connections: 65_536, graves: 65_536 }
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// A RST further from its stream belongs to another incarnation.
const RESET_WINDOW: u64 = 1 << 24;

/// A late SYN of a connection that was already being followed lies at most so far before it.
const LATE_SYN: u32 = 1 << 16;

/// After this many seconds the ports of a closed connection may be in use again (2 MSL).
const TIME_WAIT: u32 = 120;

/// The header of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    source: u16,
    destination: u16,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    payload: &'a [u8],
    /// Payload bytes that were not captured.
    missing: usize,
}

impl<'a> Segment<'a> {
    /// Reads the segment at the start of `bytes`, of which `missing` more were not captured.
    #[inline]
    pub(super) fn read(bytes: &'a [u8], missing: usize) -> Option<Segment<'a>> {
        // The snap length may cut behind the flags: what was said is then known to be missing.
        let header = bytes.first_chunk::<14>()?;
        let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let word = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let header_length = usize::from(header[12] >> 4) * 4;
        let (payload, missing) = match bytes.get(header_length..) {
            Some(payload) => (payload, missing),
            None => (&[][..], (bytes.len().saturating_add(missing)).checked_sub(header_length)?),
        };
        (header_length >= 20).then_some(Segment {
            source: half(0),
            destination: half(2),
            sequence: word(4),
            acknowledgment: word(8),
            flags: header[13],
            payload,
            missing,
        })
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The sequence number of the first byte: a SYN takes one.
    #[inline]
    fn first_byte(&self) -> u32 {
        self.sequence.wrapping_add(u32::from(self.has(SYN)))
    }

    fn says_something(&self) -> bool {
        !self.payload.is_empty() || self.missing > 0
    }
}

/// One connection.
struct Flow {
    open: bool,
    /// Used since the last time something had to be evicted.
    used: bool,
    reset: bool,
    seen: [bool; 2],
    streams: [Stream; 2],
    voice: Voice,
}

/// What the listener knows of a connection.
struct Voice {
    key: Key,
    first: At,
    id: Option<ConnectionId>,
    /// The side that sent the SYN.
    initiator: Option<Side>,
    client: Side,
    done: bool,
    /// FINs that came before there was anything to tell.
    silent_fins: [Option<Carrier>; 2],
}

/// All connections.
pub(super) struct Tcp {
    limits: Limits,
    places: Places,
    flows: Vec<Flow>,
    free: Vec<u32>,
    told: Told,
    hand: usize,
    stored: usize,
}

/// What the listener was told: which connections it knows, by dense numbers that are used again.
#[derive(Default)]
struct Told {
    free: Vec<u32>,
    next: u32,
    opened: u64,
    gaps: u64,
    lost_bytes: u64,
}

impl Told {
    fn take_id(&mut self) -> ConnectionId {
        self.opened += 1;
        ConnectionId(self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        }))
    }
}

/// What every step needs beside the connection.
struct Context<'a, L> {
    listener: &'a mut L,
    told: &'a mut Told,
    tally: &'a mut Tally,
}

impl Tcp {
    pub(super) fn new(limits: Limits) -> Tcp {
        Tcp {
            limits,
            places: Places::default(),
            flows: Vec::new(),
            free: Vec::new(),
            told: Told::default(),
            hand: 0,
            stored: 0,
        }
    }

    /// One segment.
    #[inline]
    pub(super) fn segment<L: Listener>(
        &mut self,
        addresses: Addresses,
        segment: &Segment<'_>,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        tally.segments += 1;
        let (key, side) = Key::new(addresses, segment.source, segment.destination);
        let slot = match self.places.get_mut(&key) {
            Some(Place::Open(slot)) => *slot,
            Some(Place::Grave(grave)) => {
                if !reopens(grave, segment, at) {
                    tally.late += u64::from(grave.closed.is_some() && segment.says_something());
                    return;
                }
                let Some(slot) = self.open(key, at, listener, tally) else { return };
                slot
            }
            // Without a SYN or a byte there is nothing to follow.
            None if segment.has(RST) => return,
            None if !segment.has(SYN) && !segment.says_something() => return,
            None => {
                let Some(slot) = self.open(key, at, listener, tally) else { return };
                slot
            }
        };
        if segment.flags & (SYN | RST) != 0 {
            return self.unusual(slot, key, side, segment, at, listener, tally);
        }
        self.usual(slot, side, segment, at, listener, tally);
    }

    /// Acknowledgment, payload, FIN.
    #[inline(always)]
    fn usual<L: Listener>(
        &mut self,
        slot: u32,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        let mut context = Context { listener, told: &mut self.told, tally };
        let before = if flow.is_calm() { 0 } else { flow.stored() };
        // The first packet is no use yet: a scan must not push out what is alive.
        flow.used = flow.seen[0] | flow.seen[1];
        flow.seen[side] = true;
        flow.segment(side, segment, at, &mut context);
        if before > 0 || !flow.is_calm() || flow.voice.done {
            self.afterwards(slot, side, before, at, listener, tally);
        }
    }

    /// Something waits, a FIN came, or nobody listens any more.
    #[cold]
    fn afterwards<L: Listener>(
        &mut self,
        slot: u32,
        side: Side,
        before: usize,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        let mut context = Context { listener, told: &mut self.told, tally };
        if flow.is_troubled() {
            flow.settle(side, at, &self.limits, &mut context);
        }
        self.stored = (self.stored + flow.stored()).saturating_sub(before);
        if flow.voice.done || flow.is_over() {
            self.close(slot, at, false, listener, tally);
        } else if self.stored > self.limits.all_waiting {
            self.make_room(at, listener, tally);
        }
    }

    /// SYN and RST.
    #[cold]
    #[allow(clippy::too_many_arguments)]
    fn unusual<L: Listener>(
        &mut self,
        mut slot: u32,
        key: Key,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        if segment.has(RST) {
            if !flow.may_reset(side, segment) {
                tally.out_of_window += 1;
                return;
            }
            flow.reset = true;
            let before = flow.stored();
            let mut context = Context { listener, told: &mut self.told, tally };
            flow.reset_by(side, segment, at, &mut context);
            self.stored = self.stored.saturating_sub(before);
            return self.close(slot, at, false, listener, tally);
        }
        let mut context = Context { listener, told: &mut self.told, tally };
        let before = flow.stored();
        let same = flow.synchronise(side, segment, at, &mut context);
        self.stored = (self.stored + flow.stored()).saturating_sub(before);
        if !same {
            self.close(slot, at, false, listener, tally);
            let Some(fresh) = self.open(key, at, listener, tally) else { return };
            slot = fresh;
            let Some(flow) = self.flows.get_mut(slot as usize) else { return };
            let mut context = Context { listener, told: &mut self.told, tally };
            flow.synchronise(side, segment, at, &mut context);
        }
        self.usual(slot, side, segment, at, listener, tally);
    }

    /// A slot for a new connection. If there are too many, the one longest unused is forgotten.
    #[cold]
    fn open<L: Listener>(
        &mut self,
        key: Key,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) -> Option<u32> {
        tally.connections += 1;
        if self.free.is_empty() && self.flows.len() >= self.limits.connections.max(1) {
            self.evict(at, listener, tally);
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.flows.push(Flow::new(key, at));
                u32::try_from(self.flows.len() - 1).ok()?
            }
        };
        *self.flows.get_mut(slot as usize)? = Flow::new(key, at);
        self.places.insert(key, Place::Open(slot));
        Some(slot)
    }

    /// The clock algorithm: a connection used since the hand last passed gets a second chance.
    fn evict<L: Listener>(&mut self, at: At, listener: &mut L, tally: &mut Tally) {
        for _ in 0..self.flows.len() * 2 {
            self.hand = (self.hand + 1) % self.flows.len();
            let flow = &mut self.flows[self.hand];
            if flow.open && !std::mem::take(&mut flow.used) {
                tally.evicted += 1;
                return self.close(self.hand as u32, at, true, listener, tally);
            }
        }
    }

    /// Too much waits behind holes in all: the next connection that has any gives it up.
    #[cold]
    fn make_room<L: Listener>(&mut self, at: At, listener: &mut L, tally: &mut Tally) {
        for _ in 0..self.flows.len() {
            self.hand = (self.hand + 1) % self.flows.len();
            let flow = &mut self.flows[self.hand];
            let before = flow.stored();
            if before == 0 {
                continue;
            }
            tally.overflows += 1;
            let mut context = Context { listener, told: &mut self.told, tally };
            flow.give_up(at, &mut context);
            self.stored = (self.stored + flow.stored()).saturating_sub(before);
            if self.stored <= self.limits.all_waiting {
                return;
            }
        }
    }

    /// Forgets a connection, after telling what there is left to tell.
    #[cold]
    fn close<L: Listener>(
        &mut self,
        slot: u32,
        at: At,
        cut: bool,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        let mut context = Context { listener, told: &mut self.told, tally };
        let stored = flow.stored();
        if !flow.reset {
            flow.flush(at, &mut context);
        }
        self.stored = self.stored.saturating_sub(stored);
        if let Some(id) = flow.voice.id {
            listener.forgotten(id, cut && !flow.has_ended());
            self.told.free.push(id.0);
        }
        flow.open = false;
        let over = flow.reset || flow.has_ended();
        let second = at.time.map_or(0, |time| time.0.div_euclid(1_000_000_000) as u32);
        let grave = Grave {
            opened_by: flow.opened_by(),
            closed: (over && !flow.voice.done).then_some(second),
            visited: false,
        };
        let key = flow.voice.key;
        flow.streams = Default::default();
        self.free.push(slot);
        if over || flow.voice.done {
            self.places.bury(key, grave, self.limits.graves);
        } else {
            self.places.remove(&key);
        }
    }

    /// The capture ended.
    pub(super) fn finish<L: Listener>(&mut self, at: At, listener: &mut L, tally: &mut Tally) {
        // In the order in which connections appeared, as far as slots keep it.
        for slot in 0..self.flows.len() {
            if self.flows[slot].open {
                self.close(slot as u32, at, true, listener, tally);
            }
        }
        self.count(tally);
    }

    /// Writes down what was told so far.
    pub(super) fn count(&self, tally: &mut Tally) {
        tally.opened = self.told.opened;
        tally.gaps = self.told.gaps;
        tally.lost_bytes = self.told.lost_bytes;
    }
}

/// True if a segment opens a new connection where an old one is buried.
fn reopens(grave: &mut Grave, segment: &Segment<'_>, at: At) -> bool {
    grave.visited = true;
    if segment.has(RST) {
        return false;
    }
    if segment.has(SYN) && !segment.has(ACK) {
        return grave.opened_by != Some(segment.sequence);
    }
    let (Some(closed), Some(time)) = (grave.closed, at.time) else { return false };
    let second = time.0.div_euclid(1_000_000_000) as u32;
    segment.says_something() && second.saturating_sub(closed) > TIME_WAIT
}

impl Flow {
    fn new(key: Key, first: At) -> Flow {
        let voice = Voice {
            key,
            first,
            id: None,
            initiator: None,
            client: 0,
            done: false,
            silent_fins: [None; 2],
        };
        Flow {
            open: true,
            used: false,
            reset: false,
            seen: [false; 2],
            streams: Default::default(),
            voice,
        }
    }

    /// True if nothing waits and no FIN came.
    #[inline]
    fn is_calm(&self) -> bool {
        self.streams[0].is_calm() & self.streams[1].is_calm()
    }

    fn stored(&self) -> usize {
        self.streams[0].stored() + self.streams[1].stored()
    }

    /// True if something waits behind a hole.
    #[inline]
    fn is_troubled(&self) -> bool {
        self.streams[0].has_hole() || self.streams[1].has_hole()
    }

    /// True if both ends closed it, and each knows that the other did.
    #[inline]
    fn is_over(&self) -> bool {
        self.streams[0].fin_acknowledged() && self.streams[1].fin_acknowledged()
    }

    /// True if both ends said that they will say nothing more.
    fn has_ended(&self) -> bool {
        self.reset || (self.streams[0].fin_told() && self.streams[1].fin_told())
    }

    fn opened_by(&self) -> Option<u32> {
        let initiator = &self.streams[self.voice.initiator?];
        initiator.start_is_known().then(|| initiator.first_sequence().wrapping_sub(1))
    }

    /// Splits into the stream of one side, that of the other, and the voice.
    #[inline]
    fn split(&mut self, side: Side) -> (&mut Stream, &mut Stream, &mut Voice) {
        let [low, high] = &mut self.streams;
        let (own, peer) = if side == 0 { (low, high) } else { (high, low) };
        (own, peer, &mut self.voice)
    }

    #[inline(always)]
    fn segment<L: Listener>(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        let (stream, peer, voice) = self.split(side);
        if segment.has(ACK) {
            if !peer.has_begun() {
                return self.segment_early(side, segment, at, context);
            }
            peer.acknowledge(segment.acknowledgment);
        }
        if segment.missing > 0 || segment.flags & (FIN | SYN) != 0 {
            return self.segment_slowly(side, segment, at, context);
        }
        if segment.payload.is_empty() {
            return;
        }
        let Some(offset) = stream.in_order(segment.sequence, segment.payload.len()) else {
            return self.segment_slowly(side, segment, at, context);
        };
        let carrier = Carrier { at, heard: peer.heard() };
        let known = offset > 0 || stream.start_is_known();
        voice.tell_bytes(side, known, offset, segment.payload, carrier, context);
    }

    /// Acknowledges what nobody has seen the beginning of.
    #[cold]
    fn segment_early<L: Listener>(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        let (_, peer, _) = self.split(side);
        peer.acknowledge(segment.acknowledgment);
        if peer.is_held() {
            // The SYN was seen and its answer was not; but this is an answer to the answer.
            peer.begin(segment.acknowledgment, true);
            self.speak(1 - side, at, context, |stream, _, tell| stream.release(tell));
        }
        self.segment_slowly(side, segment, at, context);
    }

    /// Whatever is not simply the next bytes expected.
    #[cold]
    fn segment_slowly<L: Listener>(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        let fin = segment.has(FIN);
        if !fin && !segment.says_something() {
            return;
        }
        if !self.streams[side].has_begun() && !self.begin(side, segment) {
            return;
        }
        let (stream, peer, voice) = self.split(side);
        let known = stream.start_is_known();
        let carrier = Carrier { at, heard: peer.heard() };
        let Context { listener, told, tally } = context;
        let mut tell = |piece: Piece<'_>| voice.tell(side, known, piece, *listener, told);
        let arrival = Arrival {
            sequence: segment.first_byte(),
            bytes: segment.payload,
            missing: segment.missing as u64,
            fin,
        };
        stream.segment(arrival, carrier, tally, &mut tell);
    }

    /// The first bytes of a stream whose SYN was not seen. False if they must wait or do not count.
    #[cold]
    fn begin(&mut self, side: Side, segment: &Segment<'_>) -> bool {
        let first = segment.first_byte();
        let stream = &mut self.streams[side];
        if self.voice.initiator.is_some() {
            // The other side's SYN was seen, so bytes that come before this one's may be on
            // their way. What was acknowledged first is where it begins.
            let early = stream.early().filter(|early| first.wrapping_sub(*early) < 1 << 24);
            if let Some(early) = early {
                stream.begin(early, true);
            }
            return true;
        }
        // A keep-alive repeats the byte before the next one: what it holds was never said.
        if segment.payload == [0] && !segment.has(FIN) {
            return false;
        }
        stream.begin(first, false);
        true
    }

    /// A RST counts if it lies near its stream. If it answers a SYN, it must acknowledge that very
    /// SYN (RFC 9293 §3.5.2); injected ones often do not.
    fn may_reset(&self, side: Side, segment: &Segment<'_>) -> bool {
        let (stream, peer) = (&self.streams[side], &self.streams[1 - side]);
        if stream.has_begun() {
            return stream.is_near(segment.sequence, RESET_WINDOW);
        }
        let answers_syn = segment.has(ACK) && peer.start_is_known() && peer.is_untouched();
        !answers_syn || segment.acknowledgment == peer.first_sequence()
    }

    /// A SYN. False if it opens a new connection between the same ends.
    fn synchronise<L: Listener>(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) -> bool {
        let first = segment.first_byte();
        let answer = segment.has(ACK);
        let [low, high] = &mut self.streams;
        let (own, peer) = if side == 0 { (low, high) } else { (high, low) };
        let other = |stream: &Stream| segment.acknowledgment == stream.first_sequence();
        if own.start_is_known() {
            let same = own.first_sequence() == first;
            if !same && answer && own.is_fresh() && other(peer) {
                own.begin(first, true);
                return true;
            }
            return same || (answer && peer.start_is_known() && other(peer));
        }
        if own.has_begun() {
            return own.first_sequence().wrapping_sub(first) < LATE_SYN;
        }
        let stranger = self.voice.initiator.is_none() && peer.has_begun();
        if stranger && !(answer && peer.is_near(segment.acknowledgment, u64::from(LATE_SYN))) {
            return false;
        }
        let held = own.is_held();
        own.begin(first, true);
        if answer && !peer.has_begun() {
            peer.begin(segment.acknowledgment, true);
        }
        self.voice.initiator.get_or_insert(if answer { 1 - side } else { side });
        if held {
            self.speak(side, at, context, |stream, _, tell| stream.release(tell));
        }
        true
    }

    /// Runs `say` on the stream of one side, with what makes the listener hear it.
    fn speak<L: Listener>(
        &mut self,
        side: Side,
        at: At,
        context: &mut Context<'_, L>,
        say: impl FnOnce(&mut Stream, Carrier, &mut dyn FnMut(Piece<'_>)),
    ) {
        let (stream, peer, voice) = self.split(side);
        let heard = peer.heard();
        let known = stream.start_is_known() || stream.is_held();
        let Context { listener, told, .. } = context;
        let mut tell = |piece: Piece<'_>| voice.tell(side, known, piece, *listener, told);
        say(stream, Carrier { at, heard }, &mut tell);
    }

    /// Something waits behind a hole: perhaps the hole must be declared lost.
    #[cold]
    fn settle<L: Listener>(
        &mut self,
        side: Side,
        at: At,
        limits: &Limits,
        context: &mut Context<'_, L>,
    ) {
        for own in [side, 1 - side] {
            let peer_seen = self.seen[1 - own];
            let mut overflows = 0;
            self.speak(own, at, context, |stream, carrier, tell| {
                if stream.has_hole() {
                    stream.wait_for_hole(carrier, peer_seen, tell);
                }
                while stream.stored() > limits.waiting {
                    overflows += 1;
                    stream.declare_lost(carrier, tell);
                }
            });
            context.tally.overflows += overflows;
        }
    }

    fn give_up<L: Listener>(&mut self, at: At, context: &mut Context<'_, L>) {
        for side in [0, 1] {
            self.speak(side, at, context, |stream, carrier, tell| {
                while stream.stored() > 0 {
                    stream.declare_lost(carrier, tell);
                }
            });
        }
    }

    /// Nothing more will come.
    fn flush<L: Listener>(&mut self, at: At, context: &mut Context<'_, L>) {
        for side in [0, 1] {
            let closing = self.reset || self.streams[1 - side].fin_told();
            self.speak(side, at, context, |stream, carrier, tell| {
                stream.flush(carrier, closing, tell);
            });
        }
    }

    fn reset_by<L: Listener>(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        if segment.has(ACK) && self.streams[1 - side].has_begun() {
            self.streams[1 - side].acknowledge(segment.acknowledgment);
        }
        self.flush(at, context);
        let (_, peer, voice) = self.split(side);
        let heard = peer.heard();
        voice.end(side, TransportEnd::Reset, Carrier { at, heard }, context.listener);
    }
}

impl Voice {
    fn endpoint(&self, side: Side) -> Endpoint {
        if side == self.client { Endpoint::Client } else { Endpoint::Server }
    }

    /// Bytes in order: what nearly every packet brings.
    #[inline]
    fn tell_bytes<L: Listener>(
        &mut self,
        side: Side,
        start_is_known: bool,
        offset: u64,
        bytes: &[u8],
        carrier: Carrier,
        context: &mut Context<'_, L>,
    ) {
        let (Some(id), true, false) = (self.id, start_is_known, self.done) else {
            let piece = Piece::Bytes { offset, bytes, carrier };
            return self.tell(side, start_is_known, piece, context.listener, context.told);
        };
        let Carrier { at, heard } = carrier;
        let said = Said::Bytes { from: self.endpoint(side), offset, bytes, heard, at };
        if context.listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    /// Tells the listener, after telling it of the connection if this is the first it hears.
    #[inline(never)]
    fn tell<L: Listener>(
        &mut self,
        side: Side,
        start_is_known: bool,
        piece: Piece<'_>,
        listener: &mut L,
        told: &mut Told,
    ) {
        if self.done {
            return;
        }
        if let Piece::Fin { carrier } = piece {
            if self.id.is_none() {
                self.silent_fins[side] = Some(carrier);
            }
            return self.end(side, TransportEnd::Fin, carrier, listener);
        }
        let id = match self.id {
            Some(id) => id,
            None => self.open(side, &piece, listener, told),
        };
        let from = self.endpoint(side);
        let said = match piece {
            Piece::Bytes { offset, bytes, carrier: Carrier { at, heard } } => {
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
            Piece::Fin { .. } => return,
        };
        if !self.done && listener.said(id, said) == Interest::Done {
            self.done = true;
        }
    }

    fn end<L: Listener>(
        &mut self,
        side: Side,
        how: TransportEnd,
        carrier: Carrier,
        listener: &mut L,
    ) {
        let (Some(id), false) = (self.id, self.done) else { return };
        let Carrier { at, heard } = carrier;
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
        let id = told.take_id();
        self.id = Some(id);
        let first = match piece {
            Piece::Bytes { bytes, .. } => *bytes,
            _ => &[],
        };
        let guess =
            || guess_client(side, first, [self.key.socket(0).port(), self.key.socket(1).port()]);
        self.client = self.initiator.unwrap_or_else(guess);
        let opening = Opening {
            client: Some(self.key.socket(self.client)),
            server: Some(self.key.socket(1 - self.client)),
            transport: Transport::Tcp,
            initiator_seen: self.initiator.is_some(),
            at: self.first,
        };
        listener.opened(id, &opening);
        for side in [0, 1] {
            if let Some(carrier) = self.silent_fins[side].take() {
                self.end(side, TransportEnd::Fin, carrier, listener);
            }
        }
        id
    }
}
