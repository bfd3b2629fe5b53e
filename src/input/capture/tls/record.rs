//! The header of a TLS record (RFC 8446 §5.1, RFC 5246 §6.2).

/// How long the header is.
pub(super) const HEADER: usize = 5;

/// No record may be longer: 2^14 bytes and what a cipher adds (RFC 5246 §6.2.3); some libraries
/// send a little more before they are told not to.
pub(super) const MAX_BODY: usize = (1 << 14) + 2048;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) content_type: u8,
    pub(super) version: u16,
    pub(super) length: u16,
}

impl Header {
    /// The header at the start of the bytes, if it can be one.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let &[content_type, major, minor, high, low] = bytes.first_chunk::<HEADER>()?;
        let length = u16::from_be_bytes([high, low]);
        // 24 is Heartbeat (RFC 6520).
        let is_sane = (CHANGE_CIPHER_SPEC..=24).contains(&content_type)
            && major == 3
            && minor <= 4
            && usize::from(length) <= MAX_BODY
            && (length > 0 || content_type == APPLICATION_DATA);
        is_sane.then_some(Header {
            content_type,
            version: u16::from_be_bytes([major, minor]),
            length,
        })
    }

    /// As on the wire: what AEADs authenticate in TLS 1.3.
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let [major, minor] = self.version.to_be_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.content_type, major, minor, high, low]
    }

    /// What is authenticated before TLS 1.3 (RFC 5246 §6.2.3.1): number, type, version, length.
    pub(super) fn pseudo_header(self, sequence: u64, length: usize) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[..8].copy_from_slice(&sequence.to_be_bytes());
        bytes[8..].copy_from_slice(&Header { length: length as u16, ..self }.to_bytes());
        bytes
    }
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
