//! A frame as it is to stand on the wire (RFC 6455 §5.2). The header is the one that the reader
//! reads, so whatever can be read can be written, legal or not.

use super::Numbers;
use crate::websocket::Opcode;
use crate::websocket::frame::FrameHeader;
use crate::websocket::mask::{MaskingKey, mask};

/// A frame: its header, and its payload before it is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The header. Its length and the payload's may differ, on purpose.
    pub header: FrameHeader,
    /// The payload, not masked.
    pub payload: Vec<u8>,
}

/// The three forms in which a length can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// In the 7 bits of `Payload len`, up to 125.
    Short,
    /// `Payload len` is 126, and 16 bits follow.
    Sixteen,
    /// `Payload len` is 127, and 64 bits follow.
    SixtyFour,
}

impl LengthForm {
    /// The shortest form for a length, the only one allowed (§5.2).
    pub fn shortest(length: u64) -> LengthForm {
        let forms = [LengthForm::Short, LengthForm::Sixteen];
        forms.into_iter().find(|form| form.holds(length)).unwrap_or(LengthForm::SixtyFour)
    }

    /// Whether a length can be written in that form.
    pub const fn holds(self, length: u64) -> bool {
        match self {
            LengthForm::Short => length < 126,
            LengthForm::Sixteen => length < 1 << 16,
            LengthForm::SixtyFour => true,
        }
    }
}

impl Frame {
    /// A final frame, its length in the shortest form; masked if there is a key.
    pub fn new(opcode: Opcode, payload: &[u8], key: Option<MaskingKey>) -> Frame {
        let header = FrameHeader::new(true, 0, opcode, payload.len() as u64, key);
        Frame { header, payload: payload.to_vec() }
    }

    /// A Close with a status code and a reason (§5.5.1).
    pub fn close(code: u16, reason: &str, key: Option<MaskingKey>) -> Frame {
        let body = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Frame::new(Opcode::Close, &body, key)
    }

    /// The same with FIN set or not.
    pub fn with_fin(mut self, fin: bool) -> Frame {
        self.header.first = self.header.first & 0x7f | u8::from(fin) << 7;
        self
    }

    /// The same with these reserved bits, RSV1 the highest of three.
    pub fn with_rsv(mut self, rsv: u8) -> Frame {
        self.header.first = self.header.first & 0x8f | (rsv & 7) << 4;
        self
    }

    /// The same with another masking key, or without one.
    pub fn with_key(mut self, key: Option<MaskingKey>) -> Frame {
        self.header.second = self.header.second & 0x7f | u8::from(key.is_some()) << 7;
        self.header.masking_key = key;
        self
    }

    /// The same with its length written in that form, which must be able to hold it.
    pub fn with_form(mut self, form: LengthForm) -> Frame {
        let code = match form {
            LengthForm::Short => self.header.payload_length.min(125) as u8,
            LengthForm::Sixteen => 126,
            LengthForm::SixtyFour => 127,
        };
        self.header.second = self.header.second & 0x80 | code;
        self
    }

    /// The same with another payload; its length in the shortest form.
    pub fn with_payload(self, payload: &[u8]) -> Frame {
        let FrameHeader { masking_key, .. } = self.header;
        let mut frame = Frame::new(self.header.opcode(), payload, masking_key);
        frame.header.first = self.header.first;
        frame
    }

    /// Cut into so many frames of about the same size: continuations behind the first, FIN in
    /// the last, each with a key of its own if this one has one (§5.4).
    pub fn fragments(&self, count: usize, numbers: &mut Numbers) -> Vec<Frame> {
        let count = count.max(1);
        let mut frames = Vec::with_capacity(count);
        for index in 0..count {
            let [start, end] = [index, index + 1].map(|part| self.payload.len() * part / count);
            let (opcode, key) = match index {
                0 => (self.header.opcode(), self.header.masking_key),
                _ => (Opcode::Continuation, self.header.masking_key.map(|_| numbers.masking_key())),
            };
            let rsv = if index == 0 { self.header.first >> 4 & 7 } else { 0 };
            let frame = Frame::new(opcode, &self.payload[start..end], key).with_rsv(rsv);
            frames.push(frame.with_fin(index + 1 == count && self.header.fin()));
        }
        frames
    }

    /// What stands on the wire: the header, and the payload as the header masks it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_bytes();
        let start = bytes.len();
        bytes.extend_from_slice(&self.payload);
        if let Some(key) = self.header.masking_key {
            mask(&mut bytes[start..], key, 0);
        }
        bytes
    }
}
