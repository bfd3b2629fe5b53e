//! How records of TLS begin (RFC 8446 §5.1, RFC 5246 §6.2), and how they are told from anything else.

pub(super) use crate::layers::tls::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Header, MAX_BODY,
};

/// What is authenticated before TLS 1.3 (RFC 5246 §6.2.3.1): number, type, version, length.
pub(super) fn pseudo_header(header: Header, sequence: u64, length: usize) -> [u8; 13] {
    let mut bytes = [0; 13];
    bytes[..8].copy_from_slice(&sequence.to_be_bytes());
    bytes[8..].copy_from_slice(&Header { length: length as u16, ..header }.to_bytes());
    bytes
}

/// True if the bytes begin with a record that holds the start of a ClientHello (1) or ServerHello
/// (2), as far as they reach.
pub(super) fn is_hello(bytes: &[u8], message: u8) -> bool {
    let fits = |index: usize, byte: u8| match index {
        0 => byte == HANDSHAKE,
        1 => byte == 3,
        2 => byte <= 4,
        5 => byte == message,
        // No hello is so long that this one counts.
        6 => byte == 0,
        _ => true,
    };
    !bytes.is_empty() && bytes.iter().take(7).enumerate().all(|(index, &byte)| fits(index, byte))
}

/// True if the bytes begin like a protected record in the middle of a connection.
pub(super) fn begins_record(bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    let next = bytes.get(HEADER + usize::from(header.length)..);
    header.version >= 0x0301
        && matches!(header.content_type, ALERT | HANDSHAKE | APPLICATION_DATA)
        && next.is_none_or(|next| next.len() < HEADER || Header::read(next).is_some())
}
