//! Frames (RFC 6455 §5.2): the header, read twice. [`FrameHeader::read`] is fast and keeps what it
//! read; [`layout`] says where every bit went. A property test holds them to the same answer.
//! Nothing is judged here: a length in too many bytes or a reserved opcode is a value.

use super::mask::{MaskingKey, mask};
use super::{Opcode, close};
use crate::layout::{Layout, Missing, Reader, Role, Spec};

/// The longest header: two bytes, eight of length, four of masking key.
pub const MAX_HEADER: usize = 14;

/// FIN.
pub static FIN: Spec = Spec {
    name: "fin",
    label: "FIN",
    section: "6455 §5.2",
    about: "Says that this frame is the last of its message.",
    role: Role::Flag,
};
/// RSV1.
pub static RSV1: Spec = Spec {
    name: "rsv1",
    label: "RSV1",
    section: "6455 §5.2",
    about: "Zero unless an extension gives it a meaning; permessage-deflate marks compressed messages with it.",
    role: Role::Flag,
};
/// RSV2.
pub static RSV2: Spec = Spec {
    name: "rsv2",
    label: "RSV2",
    section: "6455 §5.2",
    about: "Zero unless an extension gives it a meaning; none is registered.",
    role: Role::Flag,
};
/// RSV3.
pub static RSV3: Spec = Spec {
    name: "rsv3",
    label: "RSV3",
    section: "6455 §5.2",
    about: "Zero unless an extension gives it a meaning; none is registered.",
    role: Role::Flag,
};
/// The opcode.
pub static OPCODE: Spec = Spec {
    name: "opcode",
    label: "opcode",
    section: "6455 §5.2",
    about: "Says what the frame is: data of a message, or control.",
    role: Role::Opcode,
};
/// MASK.
pub static MASK: Spec = Spec {
    name: "mask",
    label: "MASK",
    section: "6455 §5.3",
    about: "Says that a masking key follows; set in every frame from a client and in none from a server.",
    role: Role::Flag,
};
/// The 7-bit length.
pub static PAYLOAD_LENGTH: Spec = Spec {
    name: "payload_length",
    label: "Payload len",
    section: "6455 §5.2",
    about: "The payload's length up to 125, or says that a longer length field follows.",
    role: Role::Length,
};
/// The 16-bit length.
pub static EXTENDED_16: Spec = Spec {
    name: "extended_payload_length_16",
    label: "Extended payload length",
    section: "6455 §5.2",
    about: "The payload's length from 126 to 65535, in network byte order.",
    role: Role::Length,
};
/// The 64-bit length.
pub static EXTENDED_64: Spec = Spec {
    name: "extended_payload_length_64",
    label: "Extended payload length",
    section: "6455 §5.2",
    about: "The payload's length from 65536, in network byte order; its highest bit is zero.",
    role: Role::Length,
};
/// The masking key.
pub static MASKING_KEY: Spec = Spec {
    name: "masking_key",
    label: "Masking-key",
    section: "6455 §5.3",
    about: "Four random bytes with which the payload is XORed, chosen anew for each frame.",
    role: Role::Key,
};
/// The payload.
pub static PAYLOAD: Spec = Spec {
    name: "payload_data",
    label: "Payload data",
    section: "6455 §5.2",
    about: "What the frame carries; masked if MASK is set.",
    role: Role::Payload,
};
/// The status code at the start of a Close frame's payload.
pub static CLOSE_CODE: Spec = Spec {
    name: "close_code",
    label: "status code",
    section: "6455 §5.5.1",
    about: "Why the endpoint closes: the first two bytes of a Close frame's payload.",
    role: Role::Code,
};
/// The reason in a Close frame's payload.
pub static CLOSE_REASON: Spec = Spec {
    name: "close_reason",
    label: "reason",
    section: "6455 §5.5.1",
    about: "UTF-8 text for a person who debugs; the rest of a Close frame's payload.",
    role: Role::Payload,
};

/// All fields of a frame, in the order of the wire.
pub static FIELDS: [&Spec; 13] = [
    &FIN,
    &RSV1,
    &RSV2,
    &RSV3,
    &OPCODE,
    &MASK,
    &PAYLOAD_LENGTH,
    &EXTENDED_16,
    &EXTENDED_64,
    &MASKING_KEY,
    &PAYLOAD,
    &CLOSE_CODE,
    &CLOSE_REASON,
];

/// A frame header as it stood on the wire. The bytes can be had back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The first byte: FIN, RSV1 to RSV3, opcode.
    pub first: u8,
    /// The second byte: MASK and the 7-bit length.
    pub second: u8,
    /// The length of the payload in bytes, whichever form it was written in. If the highest bit
    /// of a 64-bit length is set it is part of the number.
    pub payload_length: u64,
    /// The masking key, if MASK is set.
    pub masking_key: Option<MaskingKey>,
}

impl FrameHeader {
    /// Reads a header from the start of `bytes`. If it is not all there: how many bytes, counted
    /// from the start, must be there before more can be said.
    #[inline(always)]
    pub fn read(bytes: &[u8]) -> Result<FrameHeader, usize> {
        let [first, second, rest @ ..] = bytes else { return Err(2) };
        let length_size = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = second & 0x80 != 0;
        let needed = 2 + length_size + if masked { 4 } else { 0 };
        if bytes.len() < needed {
            return Err(needed);
        }
        let payload_length = match length_size {
            2 => u64::from(u16::from_be_bytes([rest[0], rest[1]])),
            8 => rest[..8].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
            _ => u64::from(second & 0x7f),
        };
        let masking_key = masked.then(|| {
            let key = &rest[length_size..length_size + 4];
            [key[0], key[1], key[2], key[3]]
        });
        Ok(FrameHeader { first: *first, second: *second, payload_length, masking_key })
    }

    /// The header's bytes, exactly as they were read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.first, self.second];
        match self.second & 0x7f {
            126 => bytes.extend_from_slice(&(self.payload_length as u16).to_be_bytes()),
            127 => bytes.extend_from_slice(&self.payload_length.to_be_bytes()),
            _ => {}
        }
        bytes.extend(self.masking_key.iter().flatten());
        bytes
    }

    /// A header for a payload of that length, its length in the shortest form.
    pub fn new(
        fin: bool,
        rsv: u8,
        opcode: Opcode,
        length: u64,
        key: Option<MaskingKey>,
    ) -> FrameHeader {
        let short = match length {
            0..=125 => length as u8,
            126..=0xffff => 126,
            _ => 127,
        };
        FrameHeader {
            first: u8::from(fin) << 7 | (rsv & 7) << 4 | opcode.bits(),
            second: u8::from(key.is_some()) << 7 | short,
            payload_length: length,
            masking_key: key,
        }
    }

    /// FIN: the last frame of its message.
    pub const fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }
    /// RSV1.
    pub const fn rsv1(&self) -> bool {
        self.first & 0x40 != 0
    }
    /// RSV2.
    pub const fn rsv2(&self) -> bool {
        self.first & 0x20 != 0
    }
    /// RSV3.
    pub const fn rsv3(&self) -> bool {
        self.first & 0x10 != 0
    }
    /// The opcode.
    pub const fn opcode(&self) -> Opcode {
        Opcode::from_bits(self.first)
    }
    /// MASK.
    pub const fn masked(&self) -> bool {
        self.second & 0x80 != 0
    }
    /// The 7 bits of `Payload len`: the length itself, 126 or 127.
    pub const fn length_code(&self) -> u8 {
        self.second & 0x7f
    }
    /// The header's length in bytes, 2 to 14.
    pub const fn header_length(&self) -> u64 {
        let length_size = match self.length_code() {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length_size + if self.masked() { 4 } else { 0 }
    }
}

/// The annotated layout of the frame at the start of `bytes`, which lie at byte `offset` of their
/// stream. Bytes behind the frame are not touched; if the frame is cut, what is there is shown.
pub fn layout(bytes: &[u8], offset: u64) -> Layout {
    let mut reader = Reader::new(bytes, offset);
    let missing = read_fields(&mut reader).err();
    let mut layout = reader.finish(missing);
    annotate_close(&mut layout, bytes, offset);
    layout
}

fn read_fields(r: &mut Reader<'_>) -> Result<(), Missing> {
    let fin = r.flag(&FIN)?;
    r.explain(if fin { "the last frame of its message" } else { "more fragments follow" });
    let rsv1 = r.flag(&RSV1)?;
    r.explain(if rsv1 {
        "an extension speaks: compressed, if permessage-deflate was agreed"
    } else {
        "no extension speaks"
    });
    for spec in [&RSV2, &RSV3] {
        if r.flag(spec)? {
            r.explain("no registered extension uses this bit");
        }
    }
    let opcode = Opcode::from_bits(r.number(&OPCODE, 4)? as u8);
    r.explain(opcode.meaning());
    let masked = r.flag(&MASK)?;
    r.explain(if masked {
        "a masking key follows: this frame comes from a client"
    } else {
        "not masked: this frame comes from a server"
    });
    let code = r.number(&PAYLOAD_LENGTH, 7)?;
    let length = match code {
        126 => {
            r.explain("126: the next 16 bits hold the length");
            let length = r.number(&EXTENDED_16, 16)?;
            r.explain(if length < 126 {
                "would have fitted into 7 bits"
            } else {
                "126 to 65535 bytes"
            });
            length
        }
        127 => {
            r.explain("127: the next 64 bits hold the length");
            let length = r.number(&EXTENDED_64, 64)?;
            r.explain(match length {
                0..=125 => "would have fitted into 7 bits",
                126..=0xffff => "would have fitted into 16 bits",
                _ if length >> 63 == 1 => "the highest bit is set: no length is that long",
                _ => "65536 bytes or more",
            });
            length
        }
        _ => {
            r.explain("below 126: this is the whole length");
            code
        }
    };
    if masked {
        r.bytes(&MASKING_KEY, 4)?;
        r.explain("chosen anew, at random, for each frame");
    }
    if length > 0 {
        r.bytes(&PAYLOAD, length)?;
        if masked {
            r.explain("XORed with the masking key");
        }
    }
    Ok(())
}

/// Hangs code and reason on a Close frame's payload. Masking keeps positions, so they lie where
/// they are in the stream; the code's value is the unmasked one.
fn annotate_close(layout: &mut Layout, bytes: &[u8], offset: u64) {
    let Ok(header) = FrameHeader::read(bytes) else { return };
    if header.opcode() != Opcode::Close {
        return;
    }
    let Some(field) = layout.fields.last_mut().filter(|field| field.spec == &PAYLOAD) else {
        return;
    };
    let start = field.span.byte_offset();
    let from = (start - offset) as usize;
    let Some(payload) = bytes.get(from..from + field.span.byte_length() as usize) else { return };
    if payload.len() < 2 {
        return;
    }
    let mut payload = payload.to_vec();
    if let Some(key) = header.masking_key {
        mask(&mut payload, key, 0);
    }
    let code = u16::from_be_bytes([payload[0], payload[1]]);
    let mut reader = Reader::new(&payload, start);
    let _ = reader.number(&CLOSE_CODE, 16);
    reader.explain(close::describe(code));
    if payload.len() > 2 {
        let _ = reader.bytes(&CLOSE_REASON, payload.len() as u64 - 2);
    }
    field.children = reader.finish(None).fields;
}
