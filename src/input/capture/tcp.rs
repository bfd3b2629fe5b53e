//! TCP (RFC 9293): segments to what each endpoint of each connection said.
//!
//! A listener hears of a connection when its first byte is to be delivered, so that scans and
//! handshakes cost nothing above. Absent: checksums (offloading breaks them in honest captures),
//! urgent data, SACK.

use super::flow::Flow;
use super::ip::Addresses;
use super::places::{Grave, Key, Place, Places, Side};
use super::segment::{ACK, RST, SYN, Segment};
use super::stream::Carrier;
use super::tally::Tally;
use super::voice::{Context, Told};
use crate::said::{At, Listener};
use std::collections::VecDeque;

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
        Limits { waiting: 4 << 20, all_waiting: 64 << 20, connections: 131_072, graves: 65_536 }
    }
}

/// So many seconds after a connection was closed, the SYN that had opened it is no late copy any more.
const LATE_COPY: u32 = 1;

/// After this many seconds the ports of a closed connection may be in use again (2 MSL).
const TIME_WAIT: u32 = 120;

/// A connection that both ends closed, or that one reset, is kept for so many segments (of any
/// connection) if bytes are missing: a disordered capture may still bring them.
const LINGER: u64 = 1024;

/// All connections.
pub(super) struct Tcp {
    limits: Limits,
    places: Places,
    flows: Vec<Flow>,
    free: Vec<u32>,
    told: Told,
    /// Closed connections that wait for missing bytes: which, and since which segment.
    lingering: VecDeque<(u32, Key, u64)>,
    hand: usize,
    stored: usize,
}

impl Tcp {
    pub(super) fn new(limits: Limits) -> Tcp {
        Tcp {
            limits,
            places: Places::default(),
            flows: Vec::new(),
            free: Vec::new(),
            told: Told::default(),
            lingering: VecDeque::new(),
            hand: 0,
            stored: 0,
        }
    }

    pub(super) fn trace(&mut self) {
        self.told.traces = true;
    }

    /// One segment.
    #[inline(always)]
    pub(super) fn segment<L: Listener>(
        &mut self,
        addresses: Addresses,
        segment: Segment<'_>,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        tally.segments += 1;
        if let Some((_, _, since)) = self.lingering.front()
            && tally.segments > since + LINGER
        {
            self.end_lingering(at, listener, tally);
        }
        let (key, side) = Key::new(addresses, segment.source, segment.destination);
        let slot = match self.places.get(&key) {
            Some(Place::Open(slot)) => slot,
            Some(Place::Grave(number)) => {
                let Some(grave) = self.places.grave(number) else { return };
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
        segment: Segment<'_>,
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
        if flow.voice.done || flow.is_over() && !flow.is_troubled() {
            self.close(slot, at, false, listener, tally);
        } else if flow.is_over() && !flow.lingers {
            flow.lingers = true;
            self.lingering.push_back((slot, flow.voice.key.get(), tally.segments));
        } else if self.stored > self.limits.all_waiting {
            self.make_room(at, listener, tally);
        }
    }

    /// The missing bytes of the connection that lingers longest will not come any more.
    #[cold]
    fn end_lingering<L: Listener>(&mut self, at: At, listener: &mut L, tally: &mut Tally) {
        let Some((slot, key, _)) = self.lingering.pop_front() else { return };
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        // The slot may have been taken by another connection since.
        if !(flow.open && flow.lingers && flow.voice.key.get() == key) {
            return;
        }
        flow.lingers = false;
        if flow.is_over() || flow.may_be_reset(tally) {
            self.close(slot, at, false, listener, tally);
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
        segment: Segment<'_>,
        at: At,
        listener: &mut L,
        tally: &mut Tally,
    ) {
        let Some(flow) = self.flows.get_mut(slot as usize) else { return };
        if segment.has(RST) {
            if !flow.take_reset(side, segment, at, tally) {
                if flow.may_be_reset(tally) && !flow.lingers {
                    flow.lingers = true;
                    self.lingering.push_back((slot, key, tally.segments));
                }
                return;
            }
            let before = flow.stored();
            let carrier = Carrier { at, acknowledgment: segment.acknowledges() };
            let mut context = Context { listener, told: &mut self.told, tally };
            flow.reset_by(side, carrier, &mut context);
            self.stored = self.stored.saturating_sub(before);
            return self.close(slot, at, false, listener, tally);
        }
        // Behind both FINs nobody repeats his SYN; but a copy of it may lie there.
        let is_new = !segment.has(ACK)
            && at
                .time
                .zip(flow.closed())
                .is_some_and(|(time, closed)| time.seconds_since(closed) > f64::from(LATE_COPY));
        let mut context = Context { listener, told: &mut self.told, tally };
        let before = flow.stored();
        let same = !is_new && flow.synchronise(side, segment, at, &mut context);
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
        flow.settle_resets(&mut context);
        if !flow.reset {
            flow.flush(at, &mut context);
        }
        self.stored = self.stored.saturating_sub(stored);
        if let Some(id) = flow.voice.id {
            listener.forgotten(id, cut && !flow.has_ended());
            self.told.ids.give_back(id);
        }
        flow.open = false;
        let over = flow.reset || flow.has_ended();
        let second = at.time.map_or(0, |time| time.nanoseconds().div_euclid(1_000_000_000) as u32);
        let grave = Grave {
            opened_by: flow.opened_by(),
            closed: (over && !flow.voice.done).then_some(second),
            visited: false,
        };
        let key = flow.voice.key.get();
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
fn reopens(grave: &mut Grave, segment: Segment<'_>, at: At) -> bool {
    grave.visited = true;
    if segment.has(RST) {
        return false;
    }
    let since_closed = grave.closed.zip(at.time).map(|(closed, time)| {
        let second = time.nanoseconds().div_euclid(1_000_000_000) as u32;
        second.saturating_sub(closed)
    });
    if segment.has(SYN) && !segment.has(ACK) {
        // Some choose the same number each time: small systems, and who makes captures by hand.
        let is_copy = grave.opened_by == Some(segment.sequence);
        return !is_copy || since_closed.is_some_and(|seconds| seconds > LATE_COPY);
    }
    segment.says_something() && since_closed.is_some_and(|seconds| seconds > TIME_WAIT)
}
