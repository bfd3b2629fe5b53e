//! How much a chain of headers is worth: evidence in bits, on two scales.
//!
//! **Chance.** How much likelier the chain is among frames than among bytes that only happen to
//! look so. A header that was seen before in the chain adds little or nothing: in a structure that
//! repeats itself, one accident repeats itself, too.
//!
//! **Kind.** How much of it no other protocol would show whose messages also begin with a type and
//! a length (MQTT, DNS over TCP, BER and many more chain as neatly as frames do): the four bytes of
//! a masking key that make text, zeros or DEFLATE data of what is none, lengths in the extended
//! form, text behind the opcode for text, several opcodes. Asked for where nothing says that this
//! is WebSocket.

use super::{Candidate, Seeker, What};
use crate::websocket::Opcode;
use crate::websocket::deflate;
use crate::websocket::frame::FrameHeader;
use crate::websocket::mask::mask;

/// Evidence that the first frames of a chain need for themselves, in bits.
const MARGIN_OF_START: f64 = 12.0;

/// Evidence that one payload can give, in bits: masked, or as it stands.
const MAX_TEXT_BITS: f64 = 24.0;
const MAX_PLAIN_TEXT_BITS: f64 = 8.0;

/// What data that inflates to its very end is worth: it takes an end-of-block code, an empty block
/// and nothing left over, each by chance.
const DEFLATE_BITS: f64 = 10.0;

/// A payload is looked at only up to here.
const MAX_LOOKED_AT: usize = 4096;

/// Headers of a chain that are weighed.
const MAX_WEIGHED: usize = 128;

/// A chain and what speaks for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::websocket) struct Weight {
    /// The first border with evidence of its own.
    pub(super) start: Option<u64>,
    /// Against chance.
    pub(super) bits: f64,
    /// Against other protocols.
    pub(super) kind: f64,
    pub(super) masked: bool,
}

/// What one payload says.
#[derive(Debug, Clone, Copy, Default)]
struct Payload {
    bits: f64,
    /// That it is a WebSocket payload and none of another protocol.
    kind: f64,
}

impl Seeker {
    /// Weighs a chain; none if it can't be what its headers say.
    pub(super) fn weigh(&self, candidate: &Candidate) -> Option<Weight> {
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
        let (mut bits, mut kind, mut start) = (0.0, 0.0, None);
        let mut payloads = Vec::new();
        let mut last_is_new = false;
        for (index, &(at, header)) in chain.iter().enumerate() {
            let before = &chain[..index];
            bits -= f64::from(u8::from(index == 0 && self.expected.in_doubt));
            if last_is_new {
                kind += kind_of_length(&chain[index - 1].1);
            }
            let is_new = !before.iter().any(|(_, other)| is_alike(other, &header));
            // A fragment in the middle of nobody knows what is no evidence: zeros begin so.
            last_is_new = is_new && header.first != 0;
            if at == self.begin {
                bits += self.expected.begin;
            }
            if header.first != 0 {
                let mut header_bits = surprise(header.first) + surprise(header.second);
                header_bits -= first_byte_charge(header.first, self.expected.rsv1)?;
                header_bits += match header.length_code() {
                    127 => 4.0 * surprise(0) - 5.0,
                    126 => -3.0,
                    _ => -7.0,
                };
                if self.begins_a_piece(at) {
                    header_bits += border_bits;
                }
                bits += if is_new { header_bits } else { header_bits * self.expected.repeated };
            }
            if last_is_new && !before.iter().any(|(_, other)| other.first == header.first) {
                kind += kind_of_first(header.first);
            }
            let payload = self.payload(&header, at, &mut payloads)?;
            bits += payload.bits;
            kind += payload.kind;
            if bits >= MARGIN_OF_START {
                start = start.or(Some(at));
            }
        }
        if self.ends_a_piece(candidate.next) && last_is_new {
            bits += border_bits;
            kind += kind_of_length(&chain.last()?.1);
        }
        Some(Weight { start, bits, kind, masked: candidate.masked? })
    }

    /// Evidence from a payload that lies in one piece; none if it can't be what the header says.
    /// What was seen before (`seen`) tells nothing.
    fn payload(&self, header: &FrameHeader, at: u64, seen: &mut Vec<Vec<u8>>) -> Option<Payload> {
        let length = header.payload_length as usize;
        if length == 0 || header.payload_length > MAX_LOOKED_AT as u64 {
            return Some(Payload::default());
        }
        let mut payload = vec![0; length];
        if self.copy(at + header.header_length(), &mut payload) < length {
            return Some(Payload::default());
        }
        let mark = match header.masking_key {
            Some(key) => key.to_vec(),
            None => payload[..length.min(64)].to_vec(),
        };
        let is_new = !seen.contains(&mark);
        seen.push(mark);
        let mut raw = Vec::new();
        if let Some(key) = header.masking_key {
            raw.clone_from(&payload);
            mask(&mut payload, key, 0);
            // After a loss nobody doubts that there are keys.
            if self.expected.in_doubt && !is_random(key) {
                return Some(Payload::default());
            }
        }
        match header.opcode() {
            _ if !is_new => Some(Payload::default()),
            Opcode::Close => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                let fits = code.is_some_and(|code| (1000..5000).contains(&code));
                let bits = if fits { 4.0 } else { -4.0 };
                Some(Payload { bits, kind: bits })
            }
            _ if header.rsv1() && header.fin() => Some(compressed(&payload)),
            Opcode::Text if header.fin() => self.text(header, at, &payload, &raw),
            Opcode::Binary if header.masked() => Some(unmasked_zeros(&payload, &raw)),
            _ => Some(Payload::default()),
        }
    }

    fn text(&self, header: &FrameHeader, at: u64, payload: &[u8], raw: &[u8]) -> Option<Payload> {
        let text = std::str::from_utf8(payload).ok()?;
        if text.chars().any(is_odd) {
            return Some(Payload::default());
        }
        let length = payload.len() as f64;
        if header.masked() {
            // What is text already before it is unmasked says nothing, nor does a key repeated.
            let was_text = std::str::from_utf8(raw).is_ok_and(|raw| !raw.chars().any(is_odd));
            let is_key = raw.iter().filter(|byte| **byte == 0).count() * 4 > raw.len();
            if was_text || is_key {
                return Some(Payload::default());
            }
            let bits = length.min(MAX_TEXT_BITS);
            return Some(Payload { bits, kind: bits });
        }
        if self.may_be_within_text(at) {
            return Some(Payload::default());
        }
        let bits = length.min(MAX_PLAIN_TEXT_BITS);
        Some(Payload { bits, kind: bits / 2.0 })
    }

    /// True if a piece that was captured ends there.
    fn ends_a_piece(&self, at: u64) -> bool {
        let index = self.pieces.partition_point(|piece| piece.offset < at);
        let Some(piece) = index.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return false;
        };
        matches!(&piece.what, What::Bytes(bytes) if piece.offset + bytes.len() as u64 == at)
    }

    /// True unless the byte there certainly is no part of a text that began before it: the first
    /// byte of a text frame (0x81) can continue a character, but not behind one of ASCII.
    fn may_be_within_text(&self, at: u64) -> bool {
        let mut before = [0x80];
        let copied = at.checked_sub(1).map_or(0, |at| self.copy(at, &mut before));
        copied == 0 || before[0] >= 0x80
    }
}

/// How rare a first byte is among frames, in bits; none if it is not legal.
pub(super) fn first_byte_charge(byte: u8, rsv1: bool) -> Option<f64> {
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

/// What a first byte that was not seen before in the chain tells of the kind of protocol: the
/// values that count, flags and short lengths have are everywhere.
fn kind_of_first(first: u8) -> f64 {
    match first {
        0x00 => 0.0,
        0x01 | 0x02 | 0x41 | 0x42 | 0x80 => 1.0,
        _ => 3.0,
    }
}

/// What it tells that the next header lies where this one, which was not seen before, says: no
/// other protocol counts four bytes more than it says if the first bit of the length is set, or
/// puts two bytes behind a 126.
fn kind_of_length(header: &FrameHeader) -> f64 {
    match header.length_code() {
        126 | 127 => 6.0,
        _ if header.masking_key.is_some_and(is_random) => 6.0,
        _ => 0.0,
    }
}

/// The same but for the masking key.
fn is_alike(one: &FrameHeader, other: &FrameHeader) -> bool {
    (one.first, one.second, one.payload_length) == (other.first, other.second, other.payload_length)
}

/// Keys are drawn at random; structures repeat bytes, count, or spell words.
fn is_random(key: [u8; 4]) -> bool {
    let [a, b, c, d] = key;
    let repeats = a == b || b == c || c == d || a == c || b == d;
    let zeros = key.iter().filter(|byte| **byte == 0).count();
    !repeats && zeros == 0 && !key.iter().all(|byte| (0x20..0x7f).contains(byte))
}

fn is_odd(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Zeros that only unmasking brings out: binary messages are full of them, and masked bytes are
/// not.
fn unmasked_zeros(payload: &[u8], raw: &[u8]) -> Payload {
    let zeros = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == 0).count();
    let (after, before) = (zeros(payload), zeros(raw));
    if before > 0 || after * 4 < payload.len() || after < 3 || after == payload.len() {
        return Payload::default();
    }
    let bits = (after as f64 * 2.0).min(MAX_PLAIN_TEXT_BITS);
    Payload { bits, kind: bits / 2.0 }
}

/// Whether this is DEFLATE data to its very end, whatever the window holds.
fn compressed(payload: &[u8]) -> Payload {
    if payload.len() < 5 || !deflate::has_form(payload) {
        return Payload::default();
    }
    Payload { bits: DEFLATE_BITS, kind: DEFLATE_BITS }
}
