//! One TCP connection: two streams, and what tells where they begin and end.

use super::places::{Key, Side};
use super::roles::begins_a_stream;
use super::segment::{ACK, FIN, SYN, Segment};
use super::stream::{Arrival, Carrier, Piece, Stream};
use super::tally::Tally;
use super::tcp::Limits;
use super::voice::{Context, Voice};
use super::window::{Pending, Reset, Window};
use crate::said::{At, Listener, TcpFact, Time, TransportEnd};

/// A late SYN of a connection that was already being followed lies at most so far before it.
const LATE_SYN: u32 = 1 << 16;

/// One connection.
pub(super) struct Flow {
    pub(super) open: bool,
    /// Used since the last time something had to be evicted.
    pub(super) used: bool,
    pub(super) reset: bool,
    /// Both ends closed it, but bytes are missing; or a RST came from beyond them.
    pub(super) lingers: bool,
    pub(super) seen: [bool; 2],
    windows: [Window; 2],
    /// For each side, a RST that may have ended the connection.
    resets: Option<Box<[Option<Pending>; 2]>>,
    /// The receive window of each side is closed.
    shut: [bool; 2],
    pub(super) streams: [Stream; 2],
    pub(super) voice: Voice,
}

impl Flow {
    pub(super) fn new(key: Key, first: At) -> Flow {
        Flow {
            open: true,
            used: false,
            reset: false,
            lingers: false,
            seen: [false; 2],
            windows: Default::default(),
            resets: None,
            shut: [false; 2],
            streams: Default::default(),
            voice: Voice::new(key, first),
        }
    }

    /// True if nothing waits and no FIN came.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.streams[0].is_calm() & self.streams[1].is_calm()
    }

    pub(super) fn stored(&self) -> usize {
        self.streams[0].stored() + self.streams[1].stored()
    }

    /// True if something waits behind a hole.
    #[inline]
    pub(super) fn is_troubled(&self) -> bool {
        self.streams[0].has_hole() || self.streams[1].has_hole()
    }

    /// True if both ends closed it, and each knows that the other did.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.streams[0].fin_acknowledged() && self.streams[1].fin_acknowledged()
    }

    /// True if both ends said that they will say nothing more.
    pub(super) fn has_ended(&self) -> bool {
        self.reset || (self.streams[0].fin_told() && self.streams[1].fin_told())
    }

    /// When the second of both ends closed it.
    pub(super) fn closed(&self) -> Option<Time> {
        let [one, other] = &self.streams;
        self.has_ended()
            .then(|| one.fin_time().zip(other.fin_time()))
            .flatten()
            .map(|(a, b)| a.max(b))
    }

    pub(super) fn opened_by(&self) -> Option<u32> {
        let initiator = &self.streams[self.voice.initiator()?];
        initiator.start_is_known().then(|| initiator.first_sequence().wrapping_sub(1))
    }

    /// Splits into the stream of one side, that of the other, and the voice.
    #[inline]
    pub(super) fn split(&mut self, side: Side) -> (&mut Stream, &mut Stream, &mut Voice) {
        let [low, high] = &mut self.streams;
        let (own, peer) = if side == 0 { (low, high) } else { (high, low) };
        (own, peer, &mut self.voice)
    }

    #[inline(always)]
    pub(super) fn segment<L: Listener>(
        &mut self,
        side: Side,
        segment: Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        self.windows[side].note(segment);
        if segment.shut != self.shut[side] {
            self.window(side, segment, at, context);
        }
        let (stream, peer, voice) = self.split(side);
        if segment.has(ACK) {
            if !peer.has_begun() {
                return self.segment_early(side, segment, at, context);
            }
            if peer.acknowledge(segment.acknowledgment) {
                voice.remark_unseen(1 - side, at, context.listener);
            }
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
        let carrier = Carrier { at, acknowledgment: segment.acknowledges() };
        let known = offset > 0 || stream.start_is_known();
        let place = (offset, segment.sequence);
        voice.tell_bytes(side, known, place, segment.payload, carrier, peer, context);
    }

    /// The receive window of a side closes, or opens again.
    #[cold]
    fn window<L: Listener>(
        &mut self,
        side: Side,
        segment: Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        // Whoever ends the stream need not say how much it would still take.
        if segment.flags & (FIN | SYN) != 0 {
            return;
        }
        self.shut[side] = segment.shut;
        let fact = TcpFact::Window { open: !segment.shut };
        self.voice.remark(side, fact, at, context.listener);
    }

    /// Acknowledges what nobody has seen the beginning of.
    #[cold]
    fn segment_early<L: Listener>(
        &mut self,
        side: Side,
        segment: Segment<'_>,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        let (stream, peer, voice) = self.split(side);
        // The SYN was seen and its answer was not; but this is an answer to the answer, unless more
        // was said in between that will be captured later.
        let opens = voice.initiator() == Some(side) && segment.sequence == stream.first_sequence();
        if opens {
            peer.acknowledge_start(segment.acknowledgment);
        } else if voice.initiator().is_none() {
            peer.acknowledge(segment.acknowledgment);
        }
        if peer.early().is_some_and(|early| early != segment.acknowledgment) {
            voice.remark_unseen(1 - side, at, context.listener);
        }
        if peer.is_held() && opens {
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
        segment: Segment<'_>,
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
        let carrier = Carrier { at, acknowledgment: segment.acknowledges() };
        let [source, destination] = [side, 1 - side].map(|side| voice.key.get().socket(side).ip());
        let Context { listener, told, tally } = context;
        let mut tell = |piece: Piece<'_>| voice.tell(side, known, piece, peer, *listener, told);
        let arrival = Arrival {
            sequence: segment.first_byte(),
            bytes: segment.payload,
            missing: segment.missing as u64,
            fin,
            is_intact: &|| segment.is_intact(source, destination),
        };
        stream.segment(arrival, carrier, tally, &mut tell);
        if stream.has_hole() {
            voice.remark_unseen(side, at, *listener);
        }
    }

    /// The first bytes of a stream whose SYN was not seen. False if they must wait or do not count.
    #[cold]
    fn begin(&mut self, side: Side, segment: Segment<'_>) -> bool {
        let first = segment.first_byte();
        let stream = &mut self.streams[side];
        if self.voice.initiator().is_some() {
            // The other side's SYN was seen, so bytes that come before this one's may be on
            // their way. What the answer to it acknowledges is where it begins.
            let start = stream.acknowledged_start();
            if let Some(start) = start.filter(|start| first.wrapping_sub(*start) < 1 << 24) {
                stream.begin(start, true);
            }
            return true;
        }
        // A keep-alive repeats the byte before the next one: what it holds was never said.
        if segment.payload == [0] && !segment.has(FIN) {
            return false;
        }
        if begins_a_stream(segment.payload) {
            stream.begin(first, false);
        } else {
            stream.await_beginning(first);
        }
        true
    }

    /// Takes a RST. False if it ends nothing now.
    ///
    /// If it answers a SYN, it must acknowledge that very SYN (RFC 9293 §3.5.2); injected ones often
    /// do not.
    pub(super) fn take_reset(
        &mut self,
        side: Side,
        segment: Segment<'_>,
        at: At,
        tally: &mut Tally,
    ) -> bool {
        let (stream, peer) = (&self.streams[side], &self.streams[1 - side]);
        if !stream.has_begun() {
            let answers_syn = segment.has(ACK) && peer.start_is_known() && peer.is_untouched();
            let counts = !answers_syn || segment.acknowledgment == peer.first_sequence();
            tally.out_of_window += u64::from(!counts);
            return counts;
        }
        let carrier = Carrier { at, acknowledgment: segment.acknowledges() };
        let window = self.windows[1 - side].size(self.windows[side]);
        match stream.weigh_reset(segment.sequence, carrier, window, peer) {
            Reset::Now => return true,
            Reset::Outside => tally.out_of_window += 1,
            Reset::Perhaps(pending) => {
                let before = self.resets.get_or_insert_default()[side].replace(pending);
                tally.out_of_window += u64::from(before.is_some());
            }
        }
        false
    }

    /// True if a RST from beyond what was captured still may have ended the connection.
    pub(super) fn may_be_reset(&mut self, tally: &mut Tally) -> bool {
        let Some(resets) = &mut self.resets else { return false };
        for side in [0, 1] {
            let (stream, peer) = (&self.streams[side], &self.streams[1 - side]);
            let refuted = resets[side].take_if(|reset| !stream.was_reset_by(reset, peer));
            tally.out_of_window += u64::from(refuted.is_some());
        }
        resets.iter().any(Option::is_some)
    }

    /// Nothing more will come: such a RST counts if it was not refuted.
    pub(super) fn settle_resets<L: Listener>(&mut self, context: &mut Context<'_, L>) {
        if self.may_be_reset(context.tally)
            && let Some(resets) = self.resets.take()
        {
            for (side, reset) in resets.into_iter().enumerate() {
                if let Some(Pending { carrier, .. }) = reset.filter(|_| !self.reset) {
                    self.reset_by(side, carrier, context);
                }
            }
        }
    }

    /// A SYN. False if it opens a new connection between the same ends.
    pub(super) fn synchronise<L: Listener>(
        &mut self,
        side: Side,
        segment: Segment<'_>,
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
        // The peer has acknowledged bytes not far behind it: it only comes late.
        let comes_late = own.early().is_some_and(|early| early.wrapping_sub(first) < LATE_SYN);
        let stranger = self.voice.initiator().is_none() && peer.has_begun() && !comes_late;
        if stranger && !(answer && peer.is_near(segment.acknowledgment, u64::from(LATE_SYN))) {
            return false;
        }
        let held = own.is_waiting();
        own.begin(first, true);
        if answer && !peer.has_begun() {
            peer.begin(segment.acknowledgment, true);
        }
        self.voice.initiated_by(if answer { 1 - side } else { side });
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
        let known = stream.start_is_known() || stream.is_held();
        let Context { listener, told, .. } = context;
        let mut tell = |piece: Piece<'_>| voice.tell(side, known, piece, peer, *listener, told);
        say(stream, Carrier { at, acknowledgment: None }, &mut tell);
    }

    /// Something waits behind a hole: perhaps the hole must be declared lost.
    #[cold]
    pub(super) fn settle<L: Listener>(
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

    pub(super) fn give_up<L: Listener>(&mut self, at: At, context: &mut Context<'_, L>) {
        for side in [0, 1] {
            self.speak(side, at, context, |stream, carrier, tell| {
                while stream.stored() > 0 {
                    stream.declare_lost(carrier, tell);
                }
            });
        }
    }

    /// Nothing more will come.
    pub(super) fn flush<L: Listener>(&mut self, at: At, context: &mut Context<'_, L>) {
        for side in [0, 1] {
            let closing = self.reset || self.streams[1 - side].fin_told();
            self.speak(side, at, context, |stream, carrier, tell| {
                stream.flush(carrier, closing, tell);
            });
        }
    }

    pub(super) fn reset_by<L: Listener>(
        &mut self,
        side: Side,
        carrier: Carrier,
        context: &mut Context<'_, L>,
    ) {
        self.reset = true;
        if let Some(acknowledgment) = carrier.acknowledgment
            && self.streams[1 - side].has_begun()
        {
            self.streams[1 - side].acknowledge(acknowledgment);
        }
        self.flush(carrier.at, context);
        let (_, peer, voice) = self.split(side);
        voice.end(side, TransportEnd::Reset, carrier.at, peer.heard(), context.listener);
    }
}
