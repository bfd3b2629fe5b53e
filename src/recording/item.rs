//! What is kept of an event: the facts, and a bounded part of the bytes. What can be derived from
//! these is derived when it is shown.

use crate::http::Head;
use crate::layout::Layout;
use crate::rules::{Cause, Finding, Judged};
use crate::said::{At, Endpoint};
use crate::websocket::frame::FrameHeader;
use crate::websocket::handshake::Handshake;
use crate::websocket::mask::MaskingKey;
use crate::websocket::{
    Close, CutHeader, Frame, Gap, Message, NotFrames, NotFramesKind, Opcode, Part, Recovered,
    frame, mask,
};

/// So many findings of one event are kept.
const MAX_FINDINGS: usize = 16;

/// One event of a conversation.
#[derive(Debug)]
pub struct Item {
    /// Who did it; nobody for what concerns both.
    pub from: Option<Endpoint>,
    /// When and in which packet.
    pub at: At,
    /// What it is.
    pub what: What,
    /// What is broken in it.
    pub findings: Vec<Finding>,
    /// Findings that are not kept.
    pub more_findings: u64,
    /// What findings here and elsewhere come from.
    pub cause: Option<Cause>,
}

/// What it is.
#[derive(Debug)]
pub enum What {
    /// An ordinary HTTP exchange.
    Exchange(Box<Handshake>),
    /// The request of a handshake.
    Request(Box<Head>),
    /// The answer to it, or that there was none.
    Response(Box<Answer>),
    /// No handshake was seen; that these are frames is so likely.
    Recognised(f64),
    /// A frame.
    Frame(Box<FrameFacts>),
    /// Something where frames should be.
    NotFrames {
        /// What.
        kind: NotFramesKind,
        /// How it begins.
        bytes: Vec<u8>,
        /// Where in the endpoint's stream.
        offset: u64,
    },
    /// Bytes that were not captured.
    Gap(Gap),
    /// Something about HTTP/2 that a rule speaks of.
    Http2,
    /// The connection ended, or the capture did.
    End {
        /// How that is told.
        why: String,
        /// Both Close frames were exchanged.
        clean: bool,
        /// The codes in the Close frames of client and server.
        codes: [Option<u16>; 2],
        /// The codes that the APIs of client and server report.
        reports: [Option<u16>; 2],
    },
}

/// The end of a handshake.
#[derive(Debug)]
pub struct Answer {
    /// Request and response.
    pub handshake: Handshake,
    /// One of its rules is broken, and that is an error.
    pub is_broken: bool,
    /// How many rules of the handshake hold.
    pub held: usize,
    /// How many could not be judged.
    pub not_observed: usize,
}

/// A frame, or what there is of its header.
#[derive(Debug)]
pub struct FrameFacts {
    /// Its number among the frames of its endpoint, from 1.
    pub number: u64,
    /// Its header; none if that was cut short.
    pub header: Option<FrameHeader>,
    /// The beginning, as it stood on the wire.
    pub wire: Vec<u8>,
    /// Offset of its first byte in the endpoint's stream.
    pub offset: u64,
    /// Its place in its message.
    pub part: Part,
    /// The number of its message.
    pub of_message: Option<u64>,
    /// Set if framing had been lost before and was found again.
    pub recovered: Option<Recovered>,
    /// Payload bytes that were not captured.
    pub missing: u64,
    /// The message that it completed.
    pub message: Option<Box<MessageFacts>>,
    /// The code and the reason, if it is a Close.
    pub close: Option<(Option<u16>, Vec<u8>)>,
}

/// The message that a frame completed.
#[derive(Debug)]
pub struct MessageFacts {
    /// Its number among the messages of its endpoint, from 1.
    pub number: u64,
    /// Text or binary.
    pub opcode: Opcode,
    /// How many frames it has.
    pub frames: usize,
    /// It was compressed.
    pub compressed: bool,
    /// Sum of the payload lengths on the wire.
    pub wire_length: u64,
    /// Length once inflated.
    pub length: u64,
    /// The beginning.
    pub payload: Vec<u8>,
    /// It does not depend on bytes that were missing.
    pub trusted: bool,
    /// All of it was captured.
    pub complete: bool,
    /// Why it could not be inflated.
    pub fault: Option<String>,
    /// A reserved bit was set that nothing explains.
    pub opaque: bool,
}

impl Item {
    /// An event in which nothing is found yet.
    pub fn new(from: Option<Endpoint>, at: At, what: What) -> Item {
        Item { from, at, what, findings: Vec::new(), more_findings: 0, cause: None }
    }

    /// Adds what the rules say.
    pub fn note(&mut self, judged: &Judged) {
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
    /// What is kept of a frame, and so many bytes of its payload at most.
    pub fn of(event: &Frame<'_>, most: usize) -> FrameFacts {
        let header = event.header;
        let payload = event.payload.unwrap_or_default();
        let mut wire = header.to_bytes();
        let start = wire.len();
        wire.extend_from_slice(&payload[..payload.len().min(most)]);
        wire.shrink_to_fit();
        if let Some(key) = header.masking_key {
            mask::mask(&mut wire[start..], key, 0);
        }
        FrameFacts {
            number: event.number,
            header: Some(header),
            wire,
            offset: event.offset,
            part: event.part,
            of_message: event.message,
            recovered: event.recovered,
            missing: event.missing,
            message: None,
            close: None,
        }
    }

    /// A header that was cut short: `number` would be the frame's.
    pub fn of_cut(cut: &CutHeader<'_>, number: u64) -> FrameFacts {
        FrameFacts {
            number,
            header: None,
            wire: cut.bytes.to_vec(),
            offset: cut.offset,
            part: cut.part,
            of_message: None,
            recovered: None,
            missing: 0,
            message: None,
            close: None,
        }
    }

    /// What it is, if even its first byte is there.
    pub fn opcode(&self) -> Option<Opcode> {
        self.wire.first().map(|first| Opcode::from_bits(*first))
    }

    /// The length that its header announces; none if that was cut short.
    pub fn length(&self) -> Option<u64> {
        self.header.map(|header| header.payload_length)
    }

    /// The masking key, if it is masked.
    pub fn key(&self) -> Option<MaskingKey> {
        self.header.and_then(|header| header.masking_key)
    }

    /// RSV1 is set on data: compressed, if permessage-deflate was agreed.
    pub fn says_compressed(&self) -> bool {
        self.header.is_some_and(|header| header.rsv1() && header.opcode().is_data())
    }

    /// The length of its header, as far as that is there.
    pub fn header_length(&self) -> usize {
        self.header.map_or(self.wire.len(), |header| header.header_length() as usize)
    }

    /// The beginning of the payload, unmasked.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = self.wire[self.header_length()..].to_vec();
        if let Some(key) = self.key() {
            mask::mask(&mut payload, key, 0);
        }
        payload
    }

    /// Where every bit went.
    pub fn layout(&self) -> Layout {
        frame::layout(&self.wire, self.offset)
    }
}

impl MessageFacts {
    /// What is kept of a message, and so many of its bytes at most.
    pub fn of(message: &Message<'_>, most: usize) -> MessageFacts {
        let kept = message.payload.len().min(most);
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
    /// Something where frames should be.
    pub fn not_frames(other: &NotFrames<'_>) -> What {
        What::NotFrames { kind: other.kind, bytes: other.bytes.to_vec(), offset: other.offset }
    }

    /// What a frame says as a whole, once it is known.
    pub fn frame_mut(&mut self) -> Option<&mut FrameFacts> {
        match self {
            What::Frame(frame) => Some(frame),
            _ => None,
        }
    }
}

/// The code and the reason of a Close frame.
pub fn close_facts(close: &Close<'_>) -> (Option<u16>, Vec<u8>) {
    (close.body.code, close.body.reason.to_vec())
}
