//! What is kept of an event until the page is written: the facts, and a bounded part of the bytes.

use super::MAX_BYTES;
use crate::http::Head;
use crate::layout::Layout;
use crate::rules::{Cause, Finding, Judged};
use crate::said::{At, Endpoint};
use crate::websocket::handshake::Handshake;
use crate::websocket::{
    Close, CutHeader, Frame, Gap, Message, NotFrames, NotFramesKind, Opcode, Part, Recovered,
    frame, mask,
};

/// So many findings of one event are kept.
const MAX_FINDINGS: usize = 16;

/// One event of a conversation.
pub(super) struct Item {
    pub(super) from: Option<Endpoint>,
    pub(super) at: At,
    pub(super) what: What,
    pub(super) findings: Vec<Finding>,
    /// Findings that are not kept.
    pub(super) more_findings: u64,
    pub(super) cause: Option<Cause>,
}

/// What it is.
pub(super) enum What {
    Exchange(Box<Handshake>),
    Request(Box<Head>),
    Response(Box<Answer>),
    Recognised(f64),
    Frame(Box<FrameFacts>),
    NotFrames {
        kind: NotFramesKind,
        bytes: Vec<u8>,
        offset: u64,
    },
    Gap(Gap),
    /// Something about HTTP/2 that a rule speaks of.
    Http2,
    End {
        why: String,
        clean: bool,
        codes: [Option<u16>; 2],
        reports: [Option<u16>; 2],
    },
}

/// The end of a handshake.
pub(super) struct Answer {
    pub(super) handshake: Handshake,
    pub(super) held: usize,
    pub(super) not_observed: usize,
}

/// A frame, or what there is of its header.
pub(super) struct FrameFacts {
    pub(super) number: u64,
    pub(super) opcode: Option<Opcode>,
    /// The length that its header announces; none if that was cut short.
    pub(super) length: Option<u64>,
    pub(super) key: Option<[u8; 4]>,
    /// The beginning, as it stood on the wire.
    pub(super) wire: Vec<u8>,
    pub(super) header_length: usize,
    /// The beginning of the payload, unmasked.
    pub(super) payload: Vec<u8>,
    pub(super) layout: Layout,
    pub(super) offset: u64,
    pub(super) part: Part,
    pub(super) rsv1: bool,
    pub(super) recovered: Option<Recovered>,
    /// Payload bytes that were not captured.
    pub(super) missing: u64,
    pub(super) message: Option<MessageFacts>,
    pub(super) close: Option<(Option<u16>, Vec<u8>)>,
}

/// The message that a frame completed.
pub(super) struct MessageFacts {
    pub(super) number: u64,
    pub(super) opcode: Opcode,
    pub(super) frames: usize,
    pub(super) compressed: bool,
    pub(super) wire_length: u64,
    pub(super) length: u64,
    pub(super) payload: Vec<u8>,
    pub(super) trusted: bool,
    pub(super) complete: bool,
    pub(super) fault: Option<String>,
    pub(super) opaque: bool,
}

impl Item {
    pub(super) fn new(from: Option<Endpoint>, at: At, what: What) -> Item {
        Item { from, at, what, findings: Vec::new(), more_findings: 0, cause: None }
    }

    /// Adds what the rules say.
    pub(super) fn note(&mut self, judged: &Judged) {
        let room = MAX_FINDINGS.saturating_sub(self.findings.len());
        let kept = judged.findings.len().min(room);
        self.findings.extend_from_slice(&judged.findings[..kept]);
        self.more_findings += (judged.findings.len() - kept) as u64;
        if judged.cause.is_some() {
            self.cause.clone_from(&judged.cause);
        }
    }
}

impl FrameFacts {
    pub(super) fn of(event: &Frame<'_>) -> FrameFacts {
        let header = event.header;
        let payload = event.payload.unwrap_or_default();
        let payload = payload[..payload.len().min(MAX_BYTES)].to_vec();
        let mut wire = header.to_bytes();
        let header_length = wire.len();
        wire.extend_from_slice(&payload);
        if let Some(key) = header.masking_key {
            mask::mask(&mut wire[header_length..], key, 0);
        }
        FrameFacts {
            number: event.number,
            opcode: Some(header.opcode()),
            length: Some(header.payload_length),
            key: header.masking_key,
            layout: frame::layout(&wire, event.offset),
            wire,
            header_length,
            payload,
            offset: event.offset,
            part: event.part,
            rsv1: header.rsv1(),
            recovered: event.recovered,
            missing: event.missing,
            message: None,
            close: None,
        }
    }

    /// A header that was cut short: `number` would be the frame's.
    pub(super) fn of_cut(cut: &CutHeader<'_>, number: u64) -> FrameFacts {
        FrameFacts {
            number,
            opcode: cut.bytes.first().map(|first| Opcode::from_bits(*first)),
            length: None,
            key: None,
            layout: frame::layout(cut.bytes, cut.offset),
            wire: cut.bytes.to_vec(),
            header_length: cut.bytes.len(),
            payload: Vec::new(),
            offset: cut.offset,
            part: cut.part,
            rsv1: false,
            recovered: None,
            missing: 0,
            message: None,
            close: None,
        }
    }
}

impl MessageFacts {
    pub(super) fn of(message: &Message<'_>) -> MessageFacts {
        let kept = message.payload.len().min(4 * MAX_BYTES);
        MessageFacts {
            number: message.number,
            opcode: message.opcode,
            frames: message.frames.len(),
            compressed: message.compressed,
            wire_length: message.wire_length,
            length: message.length,
            payload: message.payload[..kept].to_vec(),
            trusted: message.trusted,
            complete: message.complete,
            fault: message.inflate_fault.map(|fault| fault.to_string()),
            opaque: message.opaque,
        }
    }
}

impl What {
    pub(super) fn not_frames(other: &NotFrames<'_>) -> What {
        What::NotFrames { kind: other.kind, bytes: other.bytes.to_vec(), offset: other.offset }
    }

    /// What a frame says as a whole, once it is known.
    pub(super) fn frame_mut(&mut self) -> Option<&mut FrameFacts> {
        match self {
            What::Frame(frame) => Some(frame),
            _ => None,
        }
    }
}

/// The code and the reason of a Close frame.
pub(super) fn close_facts(close: &Close<'_>) -> (Option<u16>, Vec<u8>) {
    (close.body.code, close.body.reason.to_vec())
}
