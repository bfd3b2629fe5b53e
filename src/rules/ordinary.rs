//! The guards of the hot path: most frames and messages are ordinary, which takes a handful of
//! instructions to see. The rules stay the truth: whenever a guard says "ordinary", no rule has
//! anything to say, and a property test holds it to that.

use super::memory::{Memory, NOT_READABLE};
use super::sec::is_large_message;
use super::{msk, utf};
use crate::said::Endpoint;
use crate::websocket::{Frame, Message, Opcode, Part};

/// True if no rule about frames has anything to say about this one.
#[inline(always)]
pub(super) fn is_ordinary_frame(frame: &Frame<'_>, memory: &Memory) -> bool {
    let (own, peer) = match frame.from {
        Endpoint::Client => (&memory.client, &memory.server),
        Endpoint::Server => (&memory.server, &memory.client),
    };
    let knows_rsv1 = match memory.agreement {
        Some(agreement) => agreement.deflate.is_some(),
        // Without a handshake RSV1 is not judged, but the first frame is a reason to say so.
        None if own.frames + peer.frames > 0 => true,
        None => return false,
    };
    let header = &frame.header;
    let reserved = header.first & 0x70;
    let begins = matches!(frame.part, Part::Whole | Part::First);
    let from_client = frame.from == Endpoint::Client;
    begins
        && frame.complete
        && (reserved == 0 || reserved == 0x40 && knows_rsv1)
        && header.masked() == from_client
        && header.payload_length >= shortest_for(header.length_code())
        && header.payload_length <= memory.thresholds.large_frame
        && (!own.is_ending || own.seldom.closed.is_none())
        && (!peer.is_ending || peer.seldom.fatal.is_none())
        && header.masking_key.is_none_or(|key| {
            memory.keys.is_unremarkable(key) && !msk::spells_request(frame.payload, key)
        })
}

/// The smallest length that the form of the length field is meant for.
#[inline]
fn shortest_for(code: u8) -> u64 {
    match code {
        126 => 126,
        127 => 1 << 16,
        _ => 0,
    }
}

/// True if no rule about messages has anything to say about this one.
#[inline]
pub(super) fn is_ordinary_message(message: &Message<'_>, memory: &Memory) -> bool {
    let is_text = message.opcode == Opcode::Text;
    let begins_with_bom = is_text && message.payload.first() == Some(&utf::BOM[0]);
    message.utf8_fault.is_none()
        && !message.split_character
        && !begins_with_bom
        && !is_large_message(message, memory)
        && !memory.handshake.concerns(message)
        && (is_text || memory.of(message.from).readable + 1 != NOT_READABLE)
        && (!message.compressed || is_ordinary_deflate(message, memory))
}

fn is_ordinary_deflate(message: &Message<'_>, memory: &Memory) -> bool {
    message.inflate_fault.is_none()
        && message.inflate_ending == Default::default()
        && message.tokens.beyond_window.is_none()
        && message.wire_length > 0
        && message.length <= memory.thresholds.inflate_note_size
}
