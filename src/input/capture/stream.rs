//! One direction of a TCP connection: segments in any order in, bytes in order out (RFC 9293).
//!
//! Positions are sequence numbers unwrapped to 64 bits around the next byte expected, so the wrap
//! of the 32-bit number space is seen here and nowhere else. What arrives in order is handed on
//! straight from the packet; only what does not is stored, each byte once: the first arrival wins,
//! unless it differs from another one whose checksum tells that it is the one that was sent.

use super::tally::Tally;
use super::window::{Pending, Reset};
use crate::said::{At, GapReason, Time};
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// The position of the first sequence number seen. Anything that unwraps to before it is positive.
const START: u64 = 1 << 32;

/// A segment that lies further ahead is none of this stream: no window is larger (RFC 7323 §2.3).
const MAX_WINDOW: u64 = 1 << 30;

/// What a stored chunk costs beside its bytes.
const CHUNK_COST: usize = 96;

/// A hole that the peer has acknowledged may still be filled, if the capture itself was disordered,
/// by one of this many packets …
const REORDERED_PACKETS: u32 = 64;
/// … or within this time.
const REORDERED_TIME: i64 = 1_000_000_000;

/// If the peer was never captured, nothing tells a lost segment from a late one but patience.
const PATIENCE_PACKETS: u32 = 1024;
const PATIENCE_TIME: i64 = 3_000_000_000;

/// What the snap length cut off of one segment is followed through so many chunks that wait already:
/// it costs nobody a byte to claim that it reaches over tens of thousands.
const CUT_CHUNKS: usize = 128;

/// If no SYN was captured, the first bytes may come behind later ones within so many packets.
const BEGINNING_PACKETS: u32 = 16;

/// The packet that brought something, and what it acknowledges. How much of the peer's stream that
/// is may not be known before something else was captured, so it is worked out when it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carrier {
    pub(super) at: At,
    pub(super) acknowledgment: Option<u32>,
}

impl Carrier {
    /// How much of the peer's stream the sender had heard by then.
    #[inline]
    pub(super) fn heard(&self, peer: &Stream) -> Option<u64> {
        match self.acknowledgment {
            Some(acknowledgment) => peer.heard_in(acknowledgment),
            None => peer.heard(),
        }
    }
}

/// What the wire brought: bytes from this sequence number on, of which `missing` more were not
/// captured, and perhaps a FIN.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) sequence: u32,
    pub(super) bytes: &'a [u8],
    pub(super) missing: u64,
    pub(super) fin: bool,
    /// Its checksum is right: only asked for where bytes come twice, or may.
    pub(super) is_intact: &'a dyn Fn() -> bool,
}

/// Two segments differ in the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Only one of them has the right checksum: that one was sent.
    Damage,
    /// Nobody knows which one was: the first arrival wins.
    Open,
}

/// What comes out, in order.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// With the sequence number of the first.
    Bytes {
        offset: u64,
        sequence: u32,
        bytes: &'a [u8],
        carrier: Carrier,
    },
    Gap {
        offset: u64,
        length: u64,
        reason: GapReason,
        carrier: Carrier,
    },
    Fin {
        carrier: Carrier,
    },
    Repeated {
        length: u64,
        /// They differ from those before.
        conflict: Option<Conflict>,
        carrier: Carrier,
    },
}

/// What a segment brings.
#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Bytes(&'a [u8]),
    /// So many bytes that the snap length cut off.
    Cut(u64),
}

#[derive(Debug)]
struct Chunk {
    /// None: the snap length cut it off.
    bytes: Option<Box<[u8]>>,
    length: u64,
    /// The checksum of its segment was right.
    is_intact: bool,
    carrier: Carrier,
}

/// What is known of where the stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Start {
    /// Nothing.
    #[default]
    Unknown,
    /// Nothing, but bytes are waiting to find out.
    Held,
    /// Nothing, and no SYN was captured: bytes wait a little for earlier ones.
    Awaited,
    /// The capture began after the connection did; offset 0 is the first byte that was captured.
    Guessed,
    /// The SYN, or an acknowledgment of it, told.
    Known,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    start: Start,
    fin_told: bool,
    /// That one is where the stream begins.
    early_is_start: bool,
    /// The sequence number at position 0 (modulo 2³²).
    base: u32,
    /// The position of offset 0.
    origin: u64,
    /// The position of the next byte expected.
    next: u64,
    /// How far the peer has acknowledged.
    acknowledged: Option<NonZeroU64>,
    /// The first acknowledgment, if it came before the stream's own beginning was known.
    early: Option<u32>,
    /// What nearly no stream has at nearly no time: something waits, or a FIN came.
    trouble: Option<Box<Trouble>>,
}

/// What is to be thought of when the next segment is not simply the next one expected.
#[derive(Debug, Default)]
struct Trouble {
    /// The position of the FIN, and the packet that brought it.
    fin: Option<(u64, Carrier)>,
    /// What came too early, by position; no two overlap.
    waiting: BTreeMap<u64, Chunk>,
    /// What `waiting` costs.
    stored: usize,
    /// For how many packets, and since when, the first hole could be declared lost.
    patience: u32,
    since: Option<Time>,
}

impl Stream {
    /// True once the position of the first byte is settled.
    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.start, Start::Guessed | Start::Known)
    }

    /// True if bytes wait for the beginning to be known.
    pub(super) fn is_held(&self) -> bool {
        self.start == Start::Held
    }

    /// True if bytes wait because it is not known where the stream begins.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.start, Start::Held | Start::Awaited)
    }

    /// True if a SYN (or what acknowledges it) said where the stream begins.
    #[inline]
    pub(super) fn start_is_known(&self) -> bool {
        self.start == Start::Known
    }

    /// True if nothing was handed on yet, nothing waits, and the peer has acknowledged nothing.
    pub(super) fn is_fresh(&self) -> bool {
        self.next == self.origin && self.acknowledged.is_none() && !self.has_hole()
    }

    /// True if nothing was handed on yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.next == self.origin
    }

    /// The sequence number of the first byte.
    pub(super) fn first_sequence(&self) -> u32 {
        self.base.wrapping_add(self.origin as u32)
    }

    /// What the peer acknowledged first, before the stream's own beginning was known.
    pub(super) fn early(&self) -> Option<u32> {
        self.early
    }

    /// Where the stream begins, if the peer's answer to the SYN told.
    pub(super) fn acknowledged_start(&self) -> Option<u32> {
        self.early.filter(|_| self.early_is_start)
    }

    /// What is stored, in bytes.
    #[inline]
    pub(super) fn stored(&self) -> usize {
        self.trouble.as_ref().map_or(0, |trouble| trouble.stored)
    }

    /// True if nothing waits and no FIN came: the next segment is probably the next one expected.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.trouble.is_none()
    }

    /// The position of the FIN, and the packet that brought it.
    #[inline]
    fn fin(&self) -> Option<(u64, Carrier)> {
        self.trouble.as_ref()?.fin
    }

    /// Something waits.
    fn is_waiting_for_more(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| !trouble.waiting.is_empty())
    }

    /// Where the first of what waits begins.
    fn first_waiting(&self) -> Option<u64> {
        self.trouble.as_ref()?.waiting.keys().next().copied()
    }

    fn calm_down(&mut self) {
        self.trouble.take_if(|trouble| trouble.waiting.is_empty() && trouble.fin.is_none());
    }

    fn begin_patience_anew(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            (trouble.patience, trouble.since) = (0, None);
        }
    }

    /// True if something waits behind a hole.
    pub(super) fn has_hole(&self) -> bool {
        self.is_waiting_for_more() || (self.fin().is_some() && !self.fin_told)
    }

    /// True if the sender will say nothing more, and everything it said was handed on.
    #[inline]
    pub(super) fn fin_told(&self) -> bool {
        self.fin_told
    }

    fn acknowledged(&self) -> Option<u64> {
        self.acknowledged.map(NonZeroU64::get)
    }

    /// When the FIN was sent.
    pub(super) fn fin_time(&self) -> Option<Time> {
        self.fin()?.1.at.time
    }

    /// True if the peer has acknowledged the FIN.
    pub(super) fn fin_acknowledged(&self) -> bool {
        self.fin()
            .is_some_and(|(fin, _)| self.acknowledged().is_some_and(|position| position > fin))
    }

    /// How much of the stream the peer has acknowledged.
    #[inline]
    pub(super) fn heard(&self) -> Option<u64> {
        let position = self.acknowledged()?;
        let position = self.fin().map_or(position, |(fin, _)| position.min(fin));
        position.checked_sub(self.origin)
    }

    /// How much of the stream a segment of the peer acknowledges. That may be less than the peer is
    /// known to have acknowledged: the capture need not be in the order of the wire.
    #[inline]
    fn heard_in(&self, acknowledgment: u32) -> Option<u64> {
        if !self.has_begun() {
            let early = self.early.filter(|_| self.early_is_start)?;
            let heard = u64::from(acknowledgment.wrapping_sub(early));
            return (heard <= MAX_WINDOW).then_some(heard);
        }
        let position = self.position(acknowledgment);
        if position > self.next + MAX_WINDOW {
            return self.heard();
        }
        let position = self.fin().map_or(position, |(fin, _)| position.min(fin));
        position.checked_sub(self.origin)
    }

    /// Settles that the first byte has this sequence number.
    pub(super) fn begin(&mut self, sequence: u32, known: bool) {
        if self.is_waiting() {
            self.next = START;
            self.next = self.position(sequence);
        } else {
            self.base = sequence.wrapping_sub(START as u32);
            self.next = START;
        }
        self.origin = self.next;
        self.acknowledged = None;
        self.start = if known { Start::Known } else { Start::Guessed };
        if let Some(early) = self.early {
            self.acknowledge(early);
        }
    }

    /// Settles the beginning of held bytes at the first of them.
    fn begin_held(&mut self) {
        let first = self.first_waiting().unwrap_or(START);
        self.begin(self.base.wrapping_add(first as u32), self.is_held());
    }

    /// The position of a sequence number, unwrapped around the next byte expected.
    #[inline]
    fn position(&self, sequence: u32) -> u64 {
        let expected = self.base.wrapping_add(self.next as u32);
        let distance = sequence.wrapping_sub(expected) as i32;
        self.next.wrapping_add_signed(i64::from(distance))
    }

    /// True if a sequence number lies near enough to be of this stream.
    pub(super) fn is_near(&self, sequence: u32, distance: u64) -> bool {
        self.position(sequence).abs_diff(self.next) <= distance
    }

    /// What a RST of this stream is worth, whose receiver takes so many bytes beyond those that it
    /// has acknowledged. It counts where the receiver may expect the next byte: between what it
    /// acknowledged and what was captured.
    pub(super) fn weigh_reset(
        &self,
        sequence: u32,
        carrier: Carrier,
        window: u64,
        peer: &Stream,
    ) -> Reset {
        let position = self.position(sequence);
        let captured = self.next + u64::from(self.fin_told);
        let acknowledged = self.acknowledged().unwrap_or(captured);
        let [first, last] = match acknowledged < captured {
            true => [acknowledged, captured],
            false => [captured, acknowledged],
        };
        if (first..=last).contains(&position) {
            Reset::Now
        } else if (last..last.max(acknowledged + window)).contains(&position) {
            let (end, heard) = (self.end(), peer.heard());
            Reset::Perhaps(Pending { position, end, heard, carrier })
        } else {
            Reset::Outside
        }
    }

    /// Where what was captured ends.
    fn end(&self) -> u64 {
        let waiting = self.trouble.as_ref().and_then(|trouble| trouble.waiting.last_key_value());
        self.next.max(waiting.map_or(0, |(first, chunk)| first + chunk.length))
    }

    /// True if everything before that RST came since, or else if its sender did not go on.
    pub(super) fn was_reset_by(&self, reset: &Pending, peer: &Stream) -> bool {
        let end = self.end();
        let goes_on = end != reset.end || peer.heard() != reset.heard;
        end == reset.position || end < reset.position && !goes_on
    }

    /// The peer, which opened the connection and has said nothing so far, acknowledges the answer.
    pub(super) fn acknowledge_start(&mut self, sequence: u32) {
        self.early = Some(sequence);
        self.early_is_start = true;
    }

    /// The peer acknowledges everything before this sequence number. True if some of that is news
    /// and not captured so far.
    #[inline]
    pub(super) fn acknowledge(&mut self, sequence: u32) -> bool {
        if !self.has_begun() {
            return *self.early.get_or_insert(sequence) != sequence;
        }
        let position = self.position(sequence);
        let is_news = position >= self.origin
            && position <= self.next + MAX_WINDOW
            && self.acknowledged().is_none_or(|before| position > before);
        if is_news {
            self.acknowledged = NonZeroU64::new(position);
        }
        is_news && position > self.next + u64::from(self.fin_told)
    }

    /// If the bytes are the next ones expected, and nothing else is to be thought of, takes note of
    /// them and returns their offset. This is nearly every segment.
    #[inline]
    pub(super) fn in_order(&mut self, sequence: u32, length: usize) -> Option<u64> {
        let expected = self.base.wrapping_add(self.next as u32);
        if !self.is_calm() || sequence != expected || !self.has_begun() {
            return None;
        }
        let offset = self.next - self.origin;
        self.next += length as u64;
        Some(offset)
    }

    /// One segment, whatever it holds.
    pub(super) fn segment(
        &mut self,
        arrival: Arrival<'_>,
        carrier: Carrier,
        tally: &mut Tally,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        let Arrival { sequence, bytes, missing, fin, is_intact } = arrival;
        if !self.has_begun() {
            self.hold(sequence);
        }
        let position = self.position(sequence);
        let behind = position + bytes.len() as u64;
        self.place(position, Content::Bytes(bytes), carrier, is_intact, tally, tell);
        self.place(behind, Content::Cut(missing), carrier, &|| false, tally, tell);
        if fin {
            self.finish_at(behind + missing, carrier);
        }
        self.tell_fin(tell);
        self.calm_down();
    }

    /// No SYN was captured, and the bytes that come now look like no beginning.
    pub(super) fn await_beginning(&mut self, sequence: u32) {
        self.hold(sequence);
        self.start = Start::Awaited;
    }

    /// Nobody knows yet where the stream begins: from now on its bytes wait.
    fn hold(&mut self, sequence: u32) {
        if self.start == Start::Unknown {
            self.start = Start::Held;
            self.base = sequence.wrapping_sub(START as u32);
            self.next = START;
            self.origin = START;
        }
    }

    fn finish_at(&mut self, position: u64, carrier: Carrier) {
        let plausible = position >= self.next && position - self.next <= MAX_WINDOW;
        if plausible {
            let trouble = self.trouble.get_or_insert_default();
            trouble.fin.get_or_insert((position, carrier));
        }
    }

    fn tell_fin(&mut self, tell: &mut (impl FnMut(Piece<'_>) + ?Sized)) {
        if let Some((position, carrier)) = self.fin()
            && !self.fin_told
            && self.next >= position
            && self.has_begun()
        {
            self.fin_told = true;
            tell(Piece::Fin { carrier });
        }
    }

    /// Puts content where it belongs: hands it on if it is its turn, stores it otherwise.
    fn place(
        &mut self,
        mut position: u64,
        mut content: Content<'_>,
        carrier: Carrier,
        is_intact: &dyn Fn() -> bool,
        tally: &mut Tally,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        if content.length() == 0 {
            return;
        }
        if let Some((fin, _)) = self.fin() {
            content = content.first(fin.saturating_sub(position));
        }
        if position < self.next && self.has_begun() {
            let known = self.next - position;
            if content.length() <= 1 && known == 1 {
                tally.keep_alives += 1;
                return;
            }
            tally.retransmissions += 1;
            tell(Piece::Repeated { length: known.min(content.length()), conflict: None, carrier });
            content = content.skip(known);
            position = self.next;
        } else if position.abs_diff(self.next) > MAX_WINDOW {
            tally.out_of_window += 1;
            return;
        }
        let conflict = self.settle_conflict(position, content, is_intact);
        if conflict.is_some() {
            tally.conflicts += 1;
            tell(Piece::Repeated { length: content.length(), conflict, carrier });
        }
        while content.length() > 0 && position == self.next && self.has_begun() {
            let first = self.first_waiting();
            let room = first.map_or(u64::MAX, |first| first.saturating_sub(self.next));
            self.hand_on(content.first(room), carrier, tell);
            self.drain(tell);
            content = content.skip(self.next - position);
            position = self.next;
        }
        if content.length() > 0 {
            tally.out_of_order += 1;
            self.store(position, content, carrier, is_intact());
        }
    }

    fn hand_on(
        &mut self,
        content: Content<'_>,
        carrier: Carrier,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        let offset = self.next - self.origin;
        self.next += content.length();
        match content {
            Content::Bytes([]) | Content::Cut(0) => {}
            Content::Bytes(bytes) => {
                let sequence = self.first_sequence().wrapping_add(offset as u32);
                tell(Piece::Bytes { offset, sequence, bytes, carrier });
            }
            Content::Cut(length) => {
                tell(Piece::Gap { offset, length, reason: GapReason::SnapLength, carrier });
            }
        }
    }

    /// Stores the sub-ranges that nothing covers yet.
    fn store(&mut self, start: u64, content: Content<'_>, carrier: Carrier, is_intact: bool) {
        let end = start + content.length();
        let mut position = start;
        let mut steps = match content {
            Content::Bytes(_) => usize::MAX,
            Content::Cut(_) => CUT_CHUNKS,
        };
        let Trouble { waiting, stored, .. } = &mut **self.trouble.get_or_insert_default();
        while position < end && steps > 0 {
            steps -= 1;
            let covered = waiting.range(..=position).next_back();
            let covered = covered.map_or(0, |(first, chunk)| first + chunk.length);
            if covered > position {
                position = covered;
                continue;
            }
            let upto = waiting.range(position..end).next().map_or(end, |(first, _)| *first);
            let part = content.skip(position - start).first(upto - position);
            let bytes = match part {
                Content::Bytes(bytes) => Some(Box::from(bytes)),
                Content::Cut(_) => None,
            };
            let chunk = Chunk { bytes, length: part.length(), is_intact, carrier };
            *stored += chunk.cost();
            waiting.insert(position, chunk);
            position = upto;
        }
    }

    /// If the content differs from what waits of the same range, decides which one was sent: what
    /// was not is taken out.
    fn settle_conflict(
        &mut self,
        start: u64,
        content: Content<'_>,
        is_intact: &dyn Fn() -> bool,
    ) -> Option<Conflict> {
        let (Content::Bytes(bytes), Some(trouble)) = (content, &mut self.trouble) else {
            return None;
        };
        let end = start + bytes.len() as u64;
        let before = trouble.waiting.range(..start).next_back();
        let touched = before.into_iter().chain(trouble.waiting.range(start..end));
        let others: Vec<(u64, bool)> = touched
            .filter(|(first, chunk)| {
                let from = start.max(**first);
                let upto = end.min(*first + chunk.length);
                let Some(stored) = &chunk.bytes else { return false };
                from < upto
                    && bytes.get((from - start) as usize..(upto - start) as usize)
                        != stored.get((from - *first) as usize..(upto - *first) as usize)
            })
            .map(|(first, chunk)| (*first, chunk.is_intact))
            .collect();
        let was_intact = others.first()?.1;
        let is_intact = is_intact();
        if is_intact {
            for (first, _) in others.iter().filter(|(_, was_intact)| !was_intact) {
                trouble.take_out(*first, start, end);
            }
        }
        let is_open = others.iter().any(|(_, it)| *it != was_intact) || was_intact == is_intact;
        Some(if is_open { Conflict::Open } else { Conflict::Damage })
    }

    /// Hands on what waits, as far as it follows without a hole.
    fn drain(&mut self, tell: &mut (impl FnMut(Piece<'_>) + ?Sized)) {
        while let Some(trouble) = &mut self.trouble
            && let Some(entry) = trouble.waiting.first_entry()
        {
            let position = *entry.key();
            if position > self.next {
                return;
            }
            let chunk = entry.remove();
            trouble.stored -= chunk.cost();
            let content = match &chunk.bytes {
                Some(bytes) => Content::Bytes(bytes),
                None => Content::Cut(chunk.length),
            };
            self.hand_on(content.skip(self.next - position), chunk.carrier, tell);
        }
        self.begin_patience_anew();
    }

    /// After the beginning was settled: hands on what waited for it.
    pub(super) fn release(&mut self, tell: &mut (impl FnMut(Piece<'_>) + ?Sized)) {
        self.drain(tell);
        self.tell_fin(tell);
        self.calm_down();
    }

    /// A packet of this connection passed while there is a hole. Declares the hole lost if it must
    /// be: the peer has acknowledged it, and the allowance for a disordered capture is used up.
    pub(super) fn wait_for_hole(
        &mut self,
        carrier: Carrier,
        peer_seen: bool,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        let acknowledged = match (self.behind_hole(), self.acknowledged()) {
            (Some(behind), Some(acknowledged)) => acknowledged >= behind,
            _ => false,
        };
        if peer_seen && !acknowledged && self.has_begun() {
            return;
        }
        let (packets, time) = match (self.start, peer_seen) {
            (Start::Awaited, _) => (BEGINNING_PACKETS, REORDERED_TIME),
            (_, true) => (REORDERED_PACKETS, REORDERED_TIME),
            (_, false) => (PATIENCE_PACKETS, PATIENCE_TIME),
        };
        let Some(trouble) = &mut self.trouble else { return };
        trouble.patience += 1;
        let now = carrier.at.time;
        let since = *trouble.since.get_or_insert(now.unwrap_or(Time::new(i64::MAX)));
        let waited = now.map_or(0, |now| now.nanoseconds().saturating_sub(since.nanoseconds()));
        if trouble.patience > packets || waited > time {
            self.declare_lost(carrier, tell);
        }
    }

    /// Where the first hole ends.
    fn behind_hole(&self) -> Option<u64> {
        let fin = self.fin().map(|(position, _)| position).filter(|_| !self.fin_told);
        self.first_waiting().or(fin)
    }

    /// What brought the bytes, or the FIN, that wait here.
    fn carrier_behind(&self, position: u64) -> Option<Carrier> {
        let waiting = &self.trouble.as_ref()?.waiting;
        let chunk = waiting.get(&position).map(|chunk| chunk.carrier);
        chunk.or_else(|| self.fin().filter(|fin| fin.0 == position).map(|(_, carrier)| carrier))
    }

    /// Gives the first hole up, and hands on what waited behind it.
    pub(super) fn declare_lost(
        &mut self,
        carrier: Carrier,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        if self.is_waiting() {
            self.begin_held();
        }
        if let Some(behind) = self.behind_hole()
            && self.has_begun()
        {
            // Where it is missing tells more than where it was given up.
            self.lose(behind, self.carrier_behind(behind).unwrap_or(carrier), tell);
        }
        self.begin_patience_anew();
        self.release(tell);
    }

    fn lose(&mut self, upto: u64, carrier: Carrier, tell: &mut (impl FnMut(Piece<'_>) + ?Sized)) {
        let Some(length) = upto.checked_sub(self.next).filter(|length| *length > 0) else { return };
        let offset = self.next - self.origin;
        self.next = upto;
        tell(Piece::Gap { offset, length, reason: GapReason::Lost, carrier });
    }

    /// Nothing more will come: hands on everything that waits. What the peer acknowledged beyond
    /// that was said too, and never captured.
    pub(super) fn flush(
        &mut self,
        carrier: Carrier,
        closing: bool,
        tell: &mut (impl FnMut(Piece<'_>) + ?Sized),
    ) {
        while self.has_hole() {
            self.declare_lost(carrier, tell);
        }
        if let (Some(acknowledged), None) = (self.acknowledged(), self.fin())
            && self.has_begun()
        {
            // One acknowledged number may have been a FIN that was not captured.
            let fin = u64::from(closing && acknowledged == self.next + 1);
            self.lose(acknowledged - fin.min(acknowledged), carrier, tell);
        }
    }
}

impl Trouble {
    /// Takes out of the chunk at `first` what lies from `start` to `end`.
    fn take_out(&mut self, first: u64, start: u64, end: u64) {
        let Some(chunk) = self.waiting.remove(&first) else { return };
        self.stored -= chunk.cost();
        let Chunk { bytes, length, is_intact, carrier } = chunk;
        let Some(bytes) = bytes else { return };
        let upto = first + length;
        for (from, upto) in [(first, start.min(upto)), (end.max(first), upto)] {
            if from < upto {
                let rest = Box::from(&bytes[(from - first) as usize..(upto - first) as usize]);
                let chunk = Chunk { bytes: Some(rest), length: upto - from, is_intact, carrier };
                self.stored += chunk.cost();
                self.waiting.insert(from, chunk);
            }
        }
    }
}

impl Chunk {
    fn cost(&self) -> usize {
        CHUNK_COST + self.bytes.as_ref().map_or(0, |bytes| bytes.len())
    }
}

impl<'a> Content<'a> {
    fn length(self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Cut(length) => length,
        }
    }

    fn skip(self, count: u64) -> Content<'a> {
        match self {
            Content::Bytes(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len());
                Content::Bytes(&bytes[count..])
            }
            Content::Cut(length) => Content::Cut(length.saturating_sub(count)),
        }
    }

    fn first(self, count: u64) -> Content<'a> {
        match self {
            Content::Bytes(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len());
                Content::Bytes(&bytes[..count])
            }
            Content::Cut(length) => Content::Cut(length.min(count)),
        }
    }
}
