//! Frames of HTTP/2 (RFC 9113 §4 and §6): headers, flags, and the parts of payloads that matter.

pub(super) use crate::layers::http2::{
    CONTINUATION, DATA, GOAWAY, HEADER, HEADERS, Header, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};

/// Settings (RFC 9113 §6.5.2, RFC 8441 §3).
pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// What a client says first (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The fragment of a header block in the payload of HEADERS (§6.2): without padding and priority.
pub(super) fn block_fragment(header: Header, payload: &[u8]) -> Option<&[u8]> {
    let (padding, rest) = match header.is_padded() {
        true => payload.split_first().map(|(padding, rest)| (usize::from(*padding), rest))?,
        false => (0, payload),
    };
    let rest = if header.flags & PRIORITY != 0 { rest.get(5..)? } else { rest };
    rest.get(..rest.len().checked_sub(padding)?)
}

/// The settings in the payload of SETTINGS.
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    payload.chunks_exact(6).map(|setting| {
        let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
        (u16::from_be_bytes([setting[0], setting[1]]), value)
    })
}
