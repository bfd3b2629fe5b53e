//! Frames of HTTP/2 (RFC 9113 §4 and §6): headers, flags, and the parts of payloads that matter.

/// How long the header is.
pub(super) const HEADER: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Settings (RFC 9113 §6.5.2, RFC 8441 §3).
pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// What a client says first (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let &[high, middle, low, kind, flags, a, b, c, d] = bytes.first_chunk::<HEADER>()?;
        Some(Header {
            length: u32::from_be_bytes([0, high, middle, low]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff,
        })
    }

    pub(super) fn is_end_of_stream(self) -> bool {
        self.flags & END_STREAM != 0
    }

    pub(super) fn is_ack(self) -> bool {
        self.flags & ACK != 0
    }

    pub(super) fn is_end_of_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }

    pub(super) fn is_padded(self) -> bool {
        self.flags & PADDED != 0
    }

    /// The fragment of a header block in the payload of HEADERS (§6.2): without padding and
    /// priority.
    pub(super) fn block_fragment(self, payload: &[u8]) -> Option<&[u8]> {
        let (padding, rest) = match self.is_padded() {
            true => payload.split_first().map(|(padding, rest)| (usize::from(*padding), rest))?,
            false => (0, payload),
        };
        let rest = if self.flags & PRIORITY != 0 { rest.get(5..)? } else { rest };
        rest.get(..rest.len().checked_sub(padding)?)
    }
}

/// The settings in the payload of SETTINGS.
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    payload.chunks_exact(6).map(|setting| {
        let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
        (u16::from_be_bytes([setting[0], setting[1]]), value)
    })
}
