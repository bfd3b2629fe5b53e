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

use super::Opcode;
use super::frame::{FrameHeader, MAX_HEADER};
use super::incoming::Origin;
use super::mask::mask;
use crate::said::GapReason;
use std::collections::VecDeque;

/// Evidence beyond the number of positions tried, in bits, when it is known that these are frames.
pub(super) const MARGIN_AFTER_LOSS: f64 = 12.0;

/// The same when it is not even known that this is WebSocket: one false alarm in 16 million
/// connections that carry something else.
pub(super) const MARGIN_UNKNOWN: f64 = 24.0;

/// What is held back at most; older bytes are given up.
const MAX_HELD: usize = 256 * 1024;

/// Chains followed at the same time.
const MAX_CANDIDATES: usize = 512;

/// Evidence that the first frames of a chain need for themselves, in bits.
const MARGIN_OF_START: f64 = 10.0;

/// Evidence that one payload can give, in bits: masked, or as it stands.
const MAX_TEXT_BITS: f64 = 24.0;
const MAX_PLAIN_TEXT_BITS: f64 = 8.0;

/// Headers of a chain that are weighed.
const MAX_WEIGHED: usize = 128;

/// What may be expected of the frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expectation {
    /// Masked or not; none if the direction is not known.
    pub(super) masked: Option<bool>,
    /// RSV1 may be set: compression was agreed, or that is not known.
    pub(super) rsv1: bool,
    /// How much more evidence than positions tried is asked for, in bits.
    pub(super) margin: f64,
}

/// The search in one direction.
#[derive(Debug)]
pub(super) struct Seeker {
    expected: Expectation,
    pieces: VecDeque<Piece>,
    held: usize,
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

/// A chain with enough evidence.
#[derive(Debug, Clone, Copy)]
struct Believed {
    /// The first border with evidence of its own.
    start: u64,
    bits: f64,
    masked: bool,
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
            end: offset,
            candidates: Vec::new(),
            tried: 0,
            pieces_seen: 0,
            counts: Box::new([0; 256]),
        }
    }

    /// How many bytes were looked at.
    pub(super) fn tried(&self) -> u64 {
        self.tried
    }

    /// Now it is known which direction this is.
    pub(super) fn expect_masked(&mut self, masked: bool) -> Option<Found> {
        self.expected.masked = Some(masked);
        self.expected.margin = MARGIN_AFTER_LOSS;
        self.candidates.retain(|candidate| candidate.masked != Some(!masked));
        self.follow()
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], origin: Origin) -> Option<Found> {
        let offset = self.end;
        self.end += bytes.len() as u64;
        self.held += bytes.len();
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
        self.pieces.push_back(Piece { offset, what: What::Gap(length, reason), origin });
        // A chain whose next header lies in the gap, or is cut by it, will never get it.
        self.candidates.retain(|candidate| candidate.next >= self.end);
    }

    /// The stream ended: a chain that ends exactly there has that evidence, too.
    pub(super) fn finish(&mut self) -> Option<Found> {
        let needed = self.needed() - self.border_bits().min(7.0);
        let found = self
            .candidates
            .iter()
            .filter(|candidate| candidate.next == self.end && candidate.frames > 0)
            .find_map(|candidate| self.weigh(candidate, needed))?;
        Some(self.believe(found))
    }

    /// Forgets everything: the length of a gap is not known.
    pub(super) fn restart(&mut self) {
        *self = Seeker { tried: self.tried, ..Seeker::new(self.end, self.expected) };
    }

    fn follow(&mut self) -> Option<Found> {
        let needed = self.needed();
        let mut candidates = std::mem::take(&mut self.candidates);
        let mut believed = None;
        candidates.retain_mut(|candidate| {
            believed.is_none()
                && match self.follow_one(candidate) {
                    Some(grew) => {
                        // A long chain is not weighed again for each frame.
                        if grew && candidate.frames > candidate.weighed + candidate.weighed / 8 {
                            candidate.weighed = candidate.frames;
                            believed = self.weigh(candidate, needed);
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

    /// Weighs a chain against what is needed. If it is enough: which border is believed.
    fn weigh(&self, candidate: &Candidate, needed: f64) -> Option<Believed> {
        let mut chain = Vec::new();
        let mut own = [0u32; 256];
        let mut at = candidate.start;
        while at < candidate.next && chain.len() < MAX_WEIGHED {
            let header = self.header(at).ok()?;
            own[usize::from(header.first)] += 1;
            own[usize::from(header.second)] += 1;
            chain.push((at, header));
            at += header.header_length() + header.payload_length;
        }
        let total = self.tried.saturating_sub(chain.len() as u64 * 2) as f64 + 128.0;
        // How surprising a byte is among those that are no headers of this chain, in bits.
        let surprise = |byte: u8| {
            let count = self.counts[usize::from(byte)].saturating_sub(own[usize::from(byte)]);
            (total / (f64::from(count) + 0.5)).log2().clamp(0.0, 8.0)
        };
        let border_bits = self.border_bits();
        let (mut bits, mut start) = (0.0, None);
        for (index, (at, header)) in chain.into_iter().enumerate() {
            bits += surprise(header.first) + surprise(header.second);
            bits -= first_byte_charge(header.first, self.expected.rsv1)?;
            bits -= f64::from(u8::from(index == 0 && self.expected.masked.is_none()));
            bits += match header.length_code() {
                127 => 4.0 * surprise(0) - 5.0,
                126 => -3.0,
                _ => -7.0,
            };
            bits += self.payload_bits(&header, at)?;
            if self.begins_a_piece(at) {
                bits += border_bits;
            }
            if bits >= MARGIN_OF_START {
                start = start.or(Some(at));
            }
        }
        let masked = candidate.masked?;
        (bits >= needed).then_some(Believed { start: start?, bits, masked })
    }

    /// Evidence from a text or a close code that lies in one piece; none if it can't be either.
    fn payload_bits(&self, header: &FrameHeader, at: u64) -> Option<f64> {
        let is_text = header.opcode() == Opcode::Text && header.fin() && !header.rsv1();
        let is_close = header.opcode() == Opcode::Close;
        let length = header.payload_length as usize;
        if !is_text && !is_close || length == 0 || length > 4096 {
            return Some(0.0);
        }
        let mut payload = vec![0; length];
        if self.copy(at + header.header_length(), &mut payload) < length {
            return Some(0.0);
        }
        if let Some(key) = header.masking_key {
            mask(&mut payload, key, 0);
        }
        if is_close {
            let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            return Some(if code.is_some_and(|code| (1000..5000).contains(&code)) {
                4.0
            } else {
                -4.0
            });
        }
        let text = std::str::from_utf8(&payload).ok()?;
        let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        if text.chars().any(is_odd) || header.masking_key.is_none() && self.may_be_within_text(at) {
            return Some(0.0);
        }
        let most = if header.masked() { MAX_TEXT_BITS } else { MAX_PLAIN_TEXT_BITS };
        Some((length as f64).min(most))
    }

    /// True unless the byte there certainly is no part of a text that began before it: the first
    /// byte of a text frame (0x81) can continue a character, but not behind one of ASCII.
    fn may_be_within_text(&self, at: u64) -> bool {
        let mut before = [0x80];
        let copied = at.checked_sub(1).map_or(0, |at| self.copy(at, &mut before));
        copied == 0 || before[0] >= 0x80
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
        self.expected.margin + (self.tried.max(16) as f64).log2()
    }

    fn believe(&mut self, found: Believed) -> Found {
        let Believed { start, bits, masked } = found;
        let certainty = bits - (self.tried.max(16) as f64).log2();
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
                self.held -= bytes.len();
                let end = piece.offset + bytes.len() as u64;
                self.candidates.retain(|candidate| candidate.start >= end);
            }
        }
    }
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

/// How rare a first byte is among frames, in bits; none if it is not legal.
fn first_byte_charge(byte: u8, rsv1: bool) -> Option<f64> {
    let opcode = Opcode::from_bits(byte);
    let legal_rsv = byte & 0x30 == 0
        && (byte & 0x40 == 0 || rsv1 && matches!(opcode, Opcode::Text | Opcode::Binary));
    match opcode {
        Opcode::Reserved(_) => None,
        _ if !legal_rsv => None,
        opcode if opcode.is_control() => (byte & 0x80 != 0).then_some(5.0),
        // Most messages have one frame.
        Opcode::Continuation => Some(6.0),
        _ if byte & 0x80 == 0 => Some(6.0),
        _ => Some(2.0),
    }
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

    fn text_frame(text: &str, key: [u8; 4]) -> Vec<u8> {
        let header = FrameHeader::new(true, 0, Opcode::Text, text.len() as u64, Some(key));
        let mut frame = header.to_bytes();
        let start = frame.len();
        frame.extend_from_slice(text.as_bytes());
        mask(&mut frame[start..], key, 0);
        frame
    }

    fn expected(margin: f64) -> Expectation {
        Expectation { masked: Some(true), rsv1: false, margin }
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
            let mut seeker =
                Seeker::new(0, Expectation { masked: None, rsv1: true, margin: MARGIN_UNKNOWN });
            for piece in noise(64 * 1024, seed + 17).chunks(1460) {
                false_alarms += u32::from(seeker.push(piece, Origin::default()).is_some());
            }
        }
        assert_eq!(false_alarms, 0);
    }
}
