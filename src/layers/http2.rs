//! The header of a frame of HTTP/2 (RFC 9113 §4.1), read twice: fast, and with the place of every bit.
//! What its flags mean depends on its type; one table says so.

use crate::layout::{Layout, Missing, Reader, Role, Spec};

/// How long the header is.
pub const HEADER: usize = 9;

/// What the application says.
pub const DATA: u8 = 0;
/// A head, or the start of one.
pub const HEADERS: u8 = 1;
/// The end of a stream, in disorder.
pub const RST_STREAM: u8 = 3;
/// What an endpoint can do and wants.
pub const SETTINGS: u8 = 4;
/// The end of a connection.
pub const GOAWAY: u8 = 7;
/// How much more may be sent.
pub const WINDOW_UPDATE: u8 = 8;
/// More of a head.
pub const CONTINUATION: u8 = 9;
/// The last type of RFC 9113; others belong to extensions.
const LAST_TYPE: u8 = CONTINUATION;

/// The flags, by the bit that they take in the frames that have them.
pub const END_STREAM: u8 = 0x1;
/// In SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// In HEADERS, PUSH_PROMISE and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// In DATA, HEADERS and PUSH_PROMISE.
pub const PADDED: u8 = 0x8;
/// In HEADERS.
pub const PRIORITY: u8 = 0x20;

/// The length.
pub static LENGTH: Spec = Spec {
    name: "http2_length",
    label: "Length",
    section: "9113 §4.1",
    about: "How many bytes of the HTTP/2 frame follow its nine bytes of header: at most 16384, \
            unless the receiver's SETTINGS allow more.",
    role: Role::Length,
};
/// The type.
pub static TYPE: Spec = Spec {
    name: "http2_type",
    label: "Type",
    section: "9113 §4.1",
    about: "What the HTTP/2 frame is: DATA carries what an application says, so WebSocket's bytes; \
            HEADERS a head; the others steer the connection.",
    role: Role::Opcode,
};
/// Bits without a meaning.
pub static UNUSED_FLAGS: Spec = Spec {
    name: "http2_unused_flags",
    label: "Unused Flags",
    section: "9113 §4.1",
    about: "Flags that frames of this type do not have: sent as zero, ignored by the receiver.",
    role: Role::Flag,
};
/// END_STREAM.
pub static END_STREAM_FLAG: Spec = Spec {
    name: "end_stream",
    label: "END_STREAM",
    section: "9113 §6.1",
    about: "Says that the sender says nothing more on this stream, as FIN does on TCP.",
    role: Role::Flag,
};
/// ACK.
pub static ACK_FLAG: Spec = Spec {
    name: "http2_ack",
    label: "ACK",
    section: "9113 §6.5",
    about: "Says that this SETTINGS or PING answers one of the other end.",
    role: Role::Flag,
};
/// END_HEADERS.
pub static END_HEADERS_FLAG: Spec = Spec {
    name: "end_headers",
    label: "END_HEADERS",
    section: "9113 §6.2",
    about: "Says that the head ends with this frame; otherwise CONTINUATION follows.",
    role: Role::Flag,
};
/// PADDED.
pub static PADDED_FLAG: Spec = Spec {
    name: "padded",
    label: "PADDED",
    section: "9113 §6.1",
    about: "Says that a Pad Length and padding are there, which hide how long the content is.",
    role: Role::Flag,
};
/// PRIORITY.
pub static PRIORITY_FLAG: Spec = Spec {
    name: "http2_priority",
    label: "PRIORITY",
    section: "9113 §6.2",
    about: "Says that five bytes of priority are there, which nobody uses any more.",
    role: Role::Flag,
};
/// R.
pub static RESERVED: Spec = Spec {
    name: "http2_reserved",
    label: "Reserved",
    section: "9113 §4.1",
    about: "A bit without a meaning: sent as zero, ignored by the receiver.",
    role: Role::Flag,
};
/// The stream.
pub static STREAM_IDENTIFIER: Spec = Spec {
    name: "stream_identifier",
    label: "Stream Identifier",
    section: "9113 §4.1",
    about: "Which stream of the HTTP/2 connection the frame belongs to: odd if the client opened it, \
            0 for the connection as a whole. Each WebSocket has one of its own (RFC 8441).",
    role: Role::Key,
};
/// The length of the padding.
pub static PAD_LENGTH: Spec = Spec {
    name: "pad_length",
    label: "Pad Length",
    section: "9113 §6.1",
    about: "How many bytes of padding end the HTTP/2 frame; there if PADDED is set.",
    role: Role::Length,
};
/// What the frame carries.
pub static PAYLOAD: Spec = Spec {
    name: "http2_payload",
    label: "Frame Payload",
    section: "9113 §4.1",
    about: "What the HTTP/2 frame carries. In DATA of a WebSocket's stream these are WebSocket \
            frames; the borders of DATA mean nothing to them.",
    role: Role::Payload,
};
/// The padding.
pub static PADDING: Spec = Spec {
    name: "padding",
    label: "Padding",
    section: "9113 §6.1",
    about: "Zeros that hide how long the content of an HTTP/2 frame is.",
    role: Role::Header,
};

/// All fields, in the order of the wire.
pub static FIELDS: [&Spec; 13] = [
    &LENGTH,
    &TYPE,
    &UNUSED_FLAGS,
    &PRIORITY_FLAG,
    &PADDED_FLAG,
    &END_HEADERS_FLAG,
    &END_STREAM_FLAG,
    &ACK_FLAG,
    &RESERVED,
    &STREAM_IDENTIFIER,
    &PAD_LENGTH,
    &PAYLOAD,
    &PADDING,
];

/// A type of frames: its name, and the flags that it has, the highest bit first.
struct Type {
    name: &'static str,
    flags: &'static [(u8, &'static Spec)],
}

/// The types of RFC 9113 §6, by number.
static TYPES: [Type; LAST_TYPE as usize + 1] = [
    Type { name: "DATA", flags: &[(PADDED, &PADDED_FLAG), (END_STREAM, &END_STREAM_FLAG)] },
    Type {
        name: "HEADERS",
        flags: &[
            (PRIORITY, &PRIORITY_FLAG),
            (PADDED, &PADDED_FLAG),
            (END_HEADERS, &END_HEADERS_FLAG),
            (END_STREAM, &END_STREAM_FLAG),
        ],
    },
    Type { name: "PRIORITY", flags: &[] },
    Type { name: "RST_STREAM", flags: &[] },
    Type { name: "SETTINGS", flags: &[(ACK, &ACK_FLAG)] },
    Type {
        name: "PUSH_PROMISE",
        flags: &[(PADDED, &PADDED_FLAG), (END_HEADERS, &END_HEADERS_FLAG)],
    },
    Type { name: "PING", flags: &[(ACK, &ACK_FLAG)] },
    Type { name: "GOAWAY", flags: &[] },
    Type { name: "WINDOW_UPDATE", flags: &[] },
    Type { name: "CONTINUATION", flags: &[(END_HEADERS, &END_HEADERS_FLAG)] },
];

/// What a type of frames is called, if it is one of RFC 9113.
pub fn type_name(number: u8) -> Option<&'static str> {
    TYPES.get(usize::from(number)).map(|kind| kind.name)
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// How many bytes follow.
    pub length: usize,
    /// The type.
    pub kind: u8,
    /// All flags.
    pub flags: u8,
    /// The reserved bit.
    pub reserved: bool,
    /// The stream.
    pub stream: u32,
}

impl Header {
    /// The header at the start of the bytes.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let &[high, middle, low, kind, flags, a, b, c, d] = bytes.first_chunk::<HEADER>()?;
        Some(Header {
            length: u32::from_be_bytes([0, high, middle, low]) as usize,
            kind,
            flags,
            reserved: a >> 7 == 1,
            stream: u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff,
        })
    }

    /// As on the wire.
    pub fn to_bytes(self) -> [u8; HEADER] {
        let [_, high, middle, low] = (self.length as u32).to_be_bytes();
        let [a, b, c, d] = (self.stream | u32::from(self.reserved) << 31).to_be_bytes();
        [high, middle, low, self.kind, self.flags, a, b, c, d]
    }

    /// END_STREAM is set.
    pub fn is_end_of_stream(self) -> bool {
        self.flags & END_STREAM != 0
    }

    /// ACK is set.
    pub fn is_ack(self) -> bool {
        self.flags & ACK != 0
    }

    /// END_HEADERS is set.
    pub fn is_end_of_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }

    /// PADDED is set.
    pub fn is_padded(self) -> bool {
        self.flags & PADDED != 0
    }
}

/// Where every bit of a frame went, as far as its bytes are there.
pub fn layout(bytes: &[u8], offset: u64) -> Layout {
    let mut reader = Reader::new(bytes, offset);
    let missing = read(&mut reader).err();
    reader.finish(missing)
}

fn read(r: &mut Reader<'_>) -> Result<(), Missing> {
    let length = r.number(&LENGTH, 24)?;
    r.explain("bytes follow the header");
    let number = r.number(&TYPE, 8)? as u8;
    r.explain(type_name(number).unwrap_or("of an extension"));
    let flags = TYPES.get(usize::from(number)).map_or(&[][..], |kind| kind.flags);
    let is_padded = read_flags(r, flags)?;
    if r.flag(&RESERVED)? {
        r.explain("should be zero");
    }
    let stream = r.number(&STREAM_IDENTIFIER, 31)?;
    r.explain(match stream {
        0 => "the connection as a whole",
        odd if odd % 2 == 1 => "a stream that the client opened",
        _ => "a stream that the server opened",
    });
    let (mut content, mut padding) = (length, 0);
    if is_padded && length > 0 {
        let said = r.number(&PAD_LENGTH, 8)?;
        content = (length - 1).saturating_sub(said);
        padding = length - 1 - content;
    }
    if content > 0 {
        r.bytes(&PAYLOAD, content)?;
    }
    if padding > 0 {
        r.bytes(&PADDING, padding)?;
    }
    Ok(())
}

/// The eight flags, as this type of frames has them. Answers whether the frame is padded.
fn read_flags(r: &mut Reader<'_>, flags: &[(u8, &'static Spec)]) -> Result<bool, Missing> {
    let (mut left, mut is_padded) = (8, false);
    for (bit, spec) in flags {
        let above = left - bit.trailing_zeros() - 1;
        if above > 0 {
            r.number(&UNUSED_FLAGS, above)?;
        }
        let is_set = r.flag(spec)?;
        is_padded |= is_set && std::ptr::eq(*spec, &PADDED_FLAG);
        left = bit.trailing_zeros();
    }
    if left > 0 {
        r.number(&UNUSED_FLAGS, left)?;
    }
    Ok(is_padded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Value;
    use proptest::prelude::*;

    proptest! {
        /// Both readers say the same, the fields tile, and each flag lies where its bit is.
        #[test]
        fn fast_and_annotated_agree(
            length in 0u8..30, kind in 0u8..12, flags: u8, stream: u32, body: [u8; 30], cut in 0usize..40,
        ) {
            let mut bytes = vec![0, 0, length, kind, flags];
            bytes.extend(stream.to_be_bytes());
            bytes.extend(body);
            bytes.truncate(cut);
            let layout = layout(&bytes, 3);
            prop_assert_eq!(layout.check_tiling(), Ok(()));
            let Some(header) = Header::read(&bytes) else { return Ok(()) };
            prop_assert_eq!(&bytes[..9], header.to_bytes());
            let number = |spec| match layout.find(spec).map(|field| field.value) {
                Some(Value::Number(number)) => number,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(number(&LENGTH), header.length as u64);
            prop_assert_eq!(number(&TYPE), u64::from(header.kind));
            prop_assert_eq!(number(&RESERVED) == 1, header.reserved);
            prop_assert_eq!(number(&STREAM_IDENTIFIER), u64::from(header.stream));
            for (bit, spec) in TYPES.get(usize::from(kind)).map_or(&[][..], |kind| kind.flags) {
                let field = layout.find(spec).expect("it has this flag");
                prop_assert_eq!(number(spec) == 1, flags & bit != 0);
                prop_assert_eq!(field.span.start, (3 + 4) * 8 + 7 - u64::from(bit.trailing_zeros()));
            }
        }
    }
}
