//! Finding frames again after bytes were lost, or for the first time where no handshake was seen.
//!
//! Every position may be the border of a frame. A candidate follows the chain of headers that
//! begins there: each must be legal (RFC 6455 §5.2), and each adds evidence, counted in bits: how
//! much likelier it is in a frame than in the bytes that are there besides, whose frequencies are
//! counted (payloads are not random: some are all zeros). A candidate is believed once its
//! evidence outweighs the number of positions tried by a margin; until then nothing is shown.
//!
//! A chance header may point at a real border, and its chain is then a good one but for its
//! beginning. So the first frames of a chain are left out until they have evidence of their own.
//! Bytes before the border stay unread: payload is never taken for headers silently.

mod evidence;

use super::Opcode;
use super::event::Gap;
use super::frame::{FrameHeader, MAX_HEADER};
use super::incoming::Origin;
use crate::said::GapReason;
use evidence::{Weight, first_byte_charge};
use std::collections::VecDeque;

/// Evidence beyond the number of positions tried, in bits, when it is known that these are frames.
const MARGIN_AFTER_LOSS: f64 = 12.0;
const KIND_AFTER_LOSS: f64 = 2.0;

/// The same when it is not even known that this is WebSocket: one false alarm in 16 million
/// connections that carry something else.
const MARGIN_UNKNOWN: f64 = 24.0;

/// Evidence that it is no other protocol with types and lengths, in bits.
const KIND_UNKNOWN: f64 = 16.0;

/// What it is worth against other protocols that one direction masks and the other doesn't.
const KIND_OF_BOTH: f64 = 6.0;

/// How much likelier a frame begins behind the segment in which a head was cut than behind any
/// other, in bits.
const HEAD_ENDS_SEGMENT: f64 = 4.0;

/// What is held back at most; older bytes are given up.
const MAX_HELD: usize = 256 * 1024;

/// What a piece that is held back costs beside its bytes.
const PIECE_COST: usize = 96;

/// Chains followed at the same time.
const MAX_CANDIDATES: usize = 512;

/// What may be expected of the frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expectation {
    /// Masked or not; none if the direction is not known.
    pub(super) masked: Option<bool>,
    /// Nobody says that these are frames, or whose.
    pub(super) in_doubt: bool,
    /// RSV1 may be set: compression was agreed, or that is not known.
    pub(super) rsv1: bool,
    /// How much more evidence than positions tried is asked for, in bits.
    pub(super) margin: f64,
    /// How much evidence against other protocols, in bits.
    pub(super) kind: f64,
    /// What a header counts that was seen before in its chain.
    pub(super) repeated: f64,
    /// What it is worth that a chain begins where the search does, in bits.
    pub(super) begin: f64,
}

impl Expectation {
    /// Bytes were lost among frames that are masked, or not.
    pub(super) fn after_loss(masked: bool, rsv1: bool) -> Expectation {
        let (margin, kind) = (MARGIN_AFTER_LOSS, KIND_AFTER_LOSS);
        Expectation {
            masked: Some(masked),
            in_doubt: false,
            rsv1,
            margin,
            kind,
            repeated: 0.5,
            begin: 0.0,
        }
    }

    /// The same behind a head whose end is missing: heads end with their segment, almost always.
    pub(super) fn behind_head(self) -> Expectation {
        Expectation { begin: HEAD_ENDS_SEGMENT, ..self }
    }

    /// These are frames, somebody says, but not in which direction they are masked.
    pub(super) fn stated() -> Expectation {
        Expectation { masked: None, ..Expectation::after_loss(true, true) }.behind_head()
    }

    /// Nothing says that these are frames, but perhaps whose they would be.
    pub(super) fn unknown(masked: Option<bool>) -> Expectation {
        Expectation {
            masked,
            in_doubt: masked.is_none(),
            rsv1: true,
            margin: MARGIN_UNKNOWN,
            kind: KIND_UNKNOWN,
            repeated: 0.0,
            begin: 0.0,
        }
    }
}

/// The search in one direction.
#[derive(Debug)]
pub(super) struct Seeker {
    expected: Expectation,
    pieces: VecDeque<Piece>,
    held: usize,
    /// Where the search began.
    begin: u64,
    /// What is missing, as long as nothing is told of it: it is not known that these are frames.
    untold: Vec<Gap>,
    /// Offset behind the last byte or gap.
    end: u64,
    candidates: Vec<Candidate>,
    tried: u64,
    pieces_seen: u64,
    /// How often each byte was seen.
    counts: Box<[u32; 256]>,
}

/// Something that was held back.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) what: What,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) enum What {
    Bytes(Vec<u8>),
    Gap(u64, GapReason),
}

/// A chain of headers.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    start: u64,
    /// Where the next header of the chain has to be.
    next: u64,
    masked: Option<bool>,
    frames: u32,
    /// How many frames there were when it was last weighed.
    weighed: u32,
    /// A fragmented message is in progress; none if that is not known.
    inside_message: Option<bool>,
}

/// A border that is believed.
#[derive(Debug)]
pub(super) struct Found {
    /// Where the first frame begins.
    pub(super) start: u64,
    /// Whether the frames are masked.
    pub(super) masked: bool,
    /// How likely it is that this is right, from 0 to 1.
    pub(super) confidence: f64,
    /// What to read from there on.
    pub(super) pieces: VecDeque<Piece>,
}

impl Seeker {
    /// A search that begins at this offset of the stream.
    pub(super) fn new(offset: u64, expected: Expectation) -> Seeker {
        Seeker {
            expected,
            pieces: VecDeque::new(),
            held: 0,
            begin: offset,
            untold: Vec::new(),
            end: offset,
            candidates: Vec::new(),
            tried: 0,
            pieces_seen: 0,
            counts: Box::new([0; 256]),
        }
    }

    /// Bytes that were not captured of what may be frames or not: to be told when that is known.
    pub(super) fn push_untold_gap(&mut self, mut gap: Gap, origin: Origin) {
        gap.offset = self.end;
        match gap.length {
            Some(length) => self.push_gap(length, gap.reason, origin),
            None if self.tried > 0 => self.restart(),
            None => {}
        }
        match (self.untold.last_mut(), gap.length) {
            // Without a byte in between it is one gap.
            (Some(last), Some(more)) if last.offset + last.length.unwrap_or(0) == gap.offset => {
                last.length = last.length.map(|length| length + more);
            }
            _ => self.untold.push(gap),
        }
    }

    /// The gaps that were not told.
    pub(super) fn take_untold(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.untold)
    }

    /// Nothing was said, whether it was captured or not.
    pub(super) fn is_empty(&self) -> bool {
        self.end == self.begin
    }

    /// How many bytes were looked at.
    pub(super) fn tried(&self) -> u64 {
        self.tried
    }

    /// Now it is known which direction this is.
    pub(super) fn expect_masked(&mut self, masked: bool) -> Option<Found> {
        let Expectation { rsv1, begin, .. } = self.expected;
        self.expected = Expectation { begin, ..Expectation::after_loss(masked, rsv1) };
        self.candidates.retain(|candidate| candidate.masked != Some(!masked));
        let found = self.candidates.iter().find_map(|candidate| self.enough(candidate))?;
        Some(self.believe(found))
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], origin: Origin) -> Option<Found> {
        let offset = self.end;
        self.end += bytes.len() as u64;
        self.held += bytes.len() + PIECE_COST;
        self.tried += bytes.len() as u64;
        self.pieces_seen += 1;
        for (at, &byte) in bytes.iter().enumerate() {
            self.counts[usize::from(byte)] = self.counts[usize::from(byte)].saturating_add(1);
            if first_byte_charge(byte, self.expected.rsv1).is_some() {
                let start = offset + at as u64;
                self.candidates.push(Candidate {
                    start,
                    next: start,
                    masked: self.expected.masked,
                    frames: 0,
                    weighed: 0,
                    inside_message: None,
                });
            }
        }
        self.pieces.push_back(Piece { offset, what: What::Bytes(bytes.to_vec()), origin });
        let found = self.follow();
        if found.is_none() {
            self.give_up_old();
        }
        found
    }

    /// Bytes that were not captured. A chain whose next header lies behind them goes on.
    pub(super) fn push_gap(&mut self, length: u64, reason: GapReason, origin: Origin) {
        let offset = self.end;
        self.end += length;
        match self.pieces.back_mut() {
            Some(Piece { what: What::Gap(before, _), .. }) => *before += length,
            _ => self.pieces.push_back(Piece { offset, what: What::Gap(length, reason), origin }),
        }
        // A chain whose next header lies in the gap, or is cut by it, will never get it.
        self.candidates.retain(|candidate| candidate.next >= self.end);
    }

    /// The stream ended.
    pub(super) fn finish(&mut self) -> Option<Found> {
        let found = self.whole_chains().find_map(|candidate| self.enough(candidate))?;
        Some(self.believe(found))
    }

    /// Chains that end where the stream does.
    fn whole_chains(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|chain| chain.next == self.end && chain.frames > 0)
    }

    /// The best chain with this MASK bit that ends where the stream does.
    fn best(&self, masked: bool) -> Option<Weight> {
        let own = |candidate: &Candidate| {
            let mut weight = self.weigh(candidate)?;
            // A chain of everything there is needs no evidence of where it begins.
            let is_whole = candidate.start == self.begin;
            weight.start = is_whole.then_some(candidate.start).or(weight.start);
            weight.start.map(|_| weight)
        };
        self.whole_chains()
            .filter(|candidate| candidate.masked == Some(masked))
            .filter_map(own)
            .max_by(|one, other| one.bits.total_cmp(&other.bits))
    }

    /// The weight of a chain, if it is enough.
    fn enough(&self, candidate: &Candidate) -> Option<Weight> {
        let weight = self.weigh(candidate)?;
        let is_enough = weight.bits >= self.needed() && weight.kind >= self.expected.kind;
        (is_enough && weight.start.is_some()).then_some(weight)
    }

    /// Forgets everything: the length of a gap is not known.
    pub(super) fn restart(&mut self) {
        let untold = self.take_untold();
        *self = Seeker { tried: self.tried, untold, ..Seeker::new(self.end, self.expected) };
    }

    fn follow(&mut self) -> Option<Found> {
        let mut candidates = std::mem::take(&mut self.candidates);
        let mut believed = None;
        candidates.retain_mut(|candidate| {
            believed.is_none()
                && match self.follow_one(candidate) {
                    Some(grew) => {
                        // A long chain is not weighed again for each frame.
                        if grew && candidate.frames > candidate.weighed + candidate.weighed / 8 {
                            candidate.weighed = candidate.frames;
                            believed = self.enough(candidate);
                        }
                        believed.is_none()
                    }
                    None => false,
                }
        });
        merge(&mut candidates);
        if candidates.len() > MAX_CANDIDATES {
            // The least likely go first.
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.frames));
            candidates.truncate(MAX_CANDIDATES);
        }
        candidates.sort_by_key(|candidate| candidate.start);
        self.candidates = candidates;
        believed.map(|found| self.believe(found))
    }

    /// Follows a chain as far as the bytes reach: none if it breaks, true if it grew.
    fn follow_one(&self, candidate: &mut Candidate) -> Option<bool> {
        let mut grew = false;
        while candidate.next < self.end {
            let header = match self.header(candidate.next) {
                Ok(header) => header,
                Err(have) if candidate.next + have as u64 == self.end => break,
                Err(_) => return None,
            };
            candidate.inside_message = follows(&header, candidate, self.expected.rsv1)?;
            candidate.masked = Some(header.masked());
            candidate.frames += 1;
            let length = header.header_length().checked_add(header.payload_length)?;
            candidate.next = candidate.next.checked_add(length)?;
            grew = true;
        }
        Some(grew)
    }

    /// The header held at this offset, or how many bytes there are of it.
    fn header(&self, at: u64) -> Result<FrameHeader, usize> {
        let mut bytes = [0; MAX_HEADER];
        let have = self.copy(at, &mut bytes);
        FrameHeader::read(&bytes[..have]).map_err(|_| have)
    }

    /// Copies what is held from `at` on, without gaps; returns how much that was.
    fn copy(&self, at: u64, out: &mut [u8]) -> usize {
        let first = self.pieces.partition_point(|piece| piece.offset <= at).saturating_sub(1);
        let mut copied = 0;
        for piece in self.pieces.iter().skip(first) {
            let What::Bytes(bytes) = &piece.what else { break };
            let Some(from) = (at + copied as u64).checked_sub(piece.offset) else { break };
            let Some(bytes) = bytes.get(from as usize..) else { break };
            let taken = bytes.len().min(out.len() - copied);
            out[copied..copied + taken].copy_from_slice(&bytes[..taken]);
            copied += taken;
            if copied == out.len() {
                break;
            }
        }
        copied
    }

    fn begins_a_piece(&self, at: u64) -> bool {
        let index = self.pieces.partition_point(|piece| piece.offset < at);
        self.pieces.get(index).is_some_and(|piece| piece.offset == at)
    }

    /// Senders mostly begin a frame with a new segment; by chance a header lies there as often as
    /// pieces are long.
    fn border_bits(&self) -> f64 {
        let mean = self.tried as f64 / self.pieces_seen.max(1) as f64;
        mean.max(1.0).log2().clamp(0.0, 10.0)
    }

    fn needed(&self) -> f64 {
        self.expected.margin + self.doubt()
    }

    /// How many positions were tried, in bits.
    fn doubt(&self) -> f64 {
        (self.tried.max(16) as f64).log2()
    }

    fn believe(&mut self, found: Weight) -> Found {
        let Weight { start, bits, masked, .. } = found;
        let start = start.unwrap_or(self.begin);
        let certainty = bits - self.doubt();
        let mut pieces = std::mem::take(&mut self.pieces);
        while let Some(piece) = pieces.front_mut() {
            match &mut piece.what {
                What::Bytes(bytes) if piece.offset + bytes.len() as u64 > start => {
                    let skipped = start.saturating_sub(piece.offset);
                    bytes.drain(..skipped as usize);
                    piece.offset += skipped;
                    break;
                }
                _ => drop(pieces.pop_front()),
            }
        }
        Found { start, masked, confidence: 1.0 - (-certainty).exp2(), pieces }
    }

    fn give_up_old(&mut self) {
        while self.held > MAX_HELD {
            let Some(piece) = self.pieces.pop_front() else { return };
            if let What::Bytes(bytes) = &piece.what {
                self.held -= bytes.len() + PIECE_COST;
                let end = piece.offset + bytes.len() as u64;
                self.candidates.retain(|candidate| candidate.start >= end);
            }
        }
    }
}

/// Both directions ended, and neither had enough evidence for itself: perhaps they have it
/// together, one masked and the other not. Which is the masked one, and what was found in each.
pub(super) fn agree(seekers: &mut [Seeker; 2]) -> Option<(usize, [Found; 2])> {
    let expected = seekers[0].expected;
    let together = |client: usize| {
        let (masked, plain) = (seekers[client].best(true)?, seekers[1 - client].best(false)?);
        let bits = masked.bits + plain.bits - seekers[0].doubt() - seekers[1].doubt();
        let kind = masked.kind + plain.kind + KIND_OF_BOTH;
        (bits >= expected.margin && kind >= expected.kind).then_some((client, masked, plain))
    };
    let (client, masked, plain) = together(0).or_else(|| together(1))?;
    let masked = seekers[client].believe(masked);
    let plain = seekers[1 - client].believe(plain);
    Some((client, [masked, plain]))
}

/// Chains that lead to the same place have the same future: the longest is enough.
fn merge(candidates: &mut Vec<Candidate>) {
    candidates.sort_by_key(|candidate| {
        let Candidate { next, masked, inside_message, frames, .. } = *candidate;
        (next, masked, inside_message, std::cmp::Reverse(frames), candidate.start)
    });
    candidates.dedup_by(|later, kept| {
        let future =
            |candidate: &Candidate| (candidate.next, candidate.masked, candidate.inside_message);
        later.frames > 0 && kept.frames > 0 && future(later) == future(kept)
    });
}

/// Whether a message is in progress behind this header; none if it can't belong to the chain.
fn follows(header: &FrameHeader, candidate: &Candidate, rsv1: bool) -> Option<Option<bool>> {
    first_byte_charge(header.first, rsv1)?;
    if candidate.masked.is_some_and(|masked| masked != header.masked()) {
        return None;
    }
    let is_control = header.opcode().is_control();
    match header.length_code() {
        126 if is_control || header.payload_length < 126 => return None,
        127 if is_control || header.payload_length <= 0xffff => return None,
        // Longer than any message that is sent in one frame in practice.
        127 if header.payload_length > 1 << 32 => return None,
        // Legal, but what it mostly is are zeros.
        0 if !header.fin() => return None,
        _ => {}
    }
    match (header.opcode(), candidate.inside_message) {
        (Opcode::Continuation, Some(false)) => None,
        (Opcode::Text | Opcode::Binary, Some(true)) => None,
        (opcode, inside) if opcode.is_control() => Some(inside),
        _ => Some(Some(!header.fin())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::mask::mask;

    fn text_frame(text: &str, key: [u8; 4]) -> Vec<u8> {
        let header = FrameHeader::new(true, 0, Opcode::Text, text.len() as u64, Some(key));
        let mut frame = header.to_bytes();
        let start = frame.len();
        frame.extend_from_slice(text.as_bytes());
        mask(&mut frame[start..], key, 0);
        frame
    }

    fn expected(margin: f64) -> Expectation {
        let (masked, kind, repeated) = (Some(true), 0.0, 0.5);
        let in_doubt = false;
        Expectation { masked, in_doubt, rsv1: false, margin, kind, repeated, begin: 0.0 }
    }

    /// Bytes that look random, the same each time.
    fn noise(length: usize, mut state: u64) -> Vec<u8> {
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 56) as u8
            })
            .collect()
    }

    #[test]
    fn frames_are_found_behind_the_rest_of_a_payload() {
        let mut bytes = noise(700, 1);
        let border = bytes.len() as u64;
        for n in 0..6 {
            bytes.extend(text_frame(&format!("message number {n}"), [n, 7, 99, n ^ 0x5a]));
        }
        let mut seeker = Seeker::new(0, expected(MARGIN_AFTER_LOSS));
        let found = seeker.push(&bytes, Origin::default()).expect("six frames are evidence");
        assert_eq!(found.start, border);
        assert!(found.confidence > 0.999);
    }

    #[test]
    fn a_chain_goes_on_behind_a_gap_in_a_payload() {
        let frames: Vec<_> = (0..4).map(|n| text_frame(&"x".repeat(300), [n, 1, 2, 3])).collect();
        let mut seeker = Seeker::new(0, expected(MARGIN_AFTER_LOSS));
        let mut found = None;
        for frame in &frames {
            found = found.or(seeker.push(&frame[..20], Origin::default()));
            if found.is_none() {
                let missing = frame.len() as u64 - 20;
                seeker.push_gap(missing, GapReason::SnapLength, Origin::default());
            }
        }
        assert_eq!(found.expect("headers where segments begin are evidence").start, 0);
    }

    #[test]
    fn random_bytes_are_hardly_ever_taken_for_frames() {
        let mut false_alarms = 0;
        for seed in 0..200 {
            let mut seeker = Seeker::new(0, Expectation::unknown(None));
            for piece in noise(64 * 1024, seed + 17).chunks(1460) {
                false_alarms += u32::from(seeker.push(piece, Origin::default()).is_some());
            }
        }
        assert_eq!(false_alarms, 0);
    }
}
