//! The header of a TLS record (RFC 8446 §5.1, RFC 5246 §6.2), read twice: fast, and with the place of
//! every bit.

use crate::layout::{Layout, Missing, Reader, Role, Spec};

/// How long the header is.
pub const HEADER: usize = 5;

/// No record may be longer: 2^14 bytes and what a cipher adds (RFC 5246 §6.2.3); some libraries
/// send a little more before they are told not to.
pub const MAX_BODY: usize = (1 << 14) + 2048;

/// The types of content (RFC 8446 §5.1).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// A closing or a failure.
pub const ALERT: u8 = 21;
/// Messages of the handshake.
pub const HANDSHAKE: u8 = 22;
/// What the application says; in TLS 1.3 everything that is protected looks like this.
pub const APPLICATION_DATA: u8 = 23;
/// RFC 6520.
const HEARTBEAT: u8 = 24;

/// The type.
pub static CONTENT_TYPE: Spec = Spec {
    name: "content_type",
    label: "type",
    section: "8446 §5.1",
    about: "Says what a TLS record holds; in TLS 1.3 every protected record claims to hold \
            application data, and the real type is encrypted at its end.",
    role: Role::Opcode,
};
/// The version.
pub static LEGACY_VERSION: Spec = Spec {
    name: "legacy_record_version",
    label: "legacy_record_version",
    section: "8446 §5.1",
    about: "Once the version of TLS; now always 0x0303 (0x0301 in the first record), because old \
            middleboxes stumble over anything else. The real version is agreed in the hellos.",
    role: Role::Header,
};
/// The length.
pub static LENGTH: Spec = Spec {
    name: "record_length",
    label: "length",
    section: "8446 §5.1",
    about: "How many bytes of the TLS record follow: at most 2^14 of content and what the cipher \
            adds, 256 bytes in TLS 1.3.",
    role: Role::Length,
};
/// What follows the header.
pub static BODY: Spec = Spec {
    name: "encrypted_record",
    label: "encrypted_record",
    section: "8446 §5.2",
    about: "The content of the TLS record, encrypted, and the tag or MAC that proves that nobody \
            changed it; in TLS 1.3 with the real type, and padding if there is any.",
    role: Role::Payload,
};

/// All fields, in the order of the wire.
pub static FIELDS: [&Spec; 4] = [&CONTENT_TYPE, &LEGACY_VERSION, &LENGTH, &BODY];

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it holds, or claims to.
    pub content_type: u8,
    /// `0x0303` and the like.
    pub version: u16,
    /// How many bytes follow.
    pub length: u16,
}

impl Header {
    /// The header at the start of the bytes, if it can be one.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let &[content_type, major, minor, high, low] = bytes.first_chunk::<HEADER>()?;
        let length = u16::from_be_bytes([high, low]);
        let is_sane = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content_type)
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
    pub fn to_bytes(self) -> [u8; HEADER] {
        let [major, minor] = self.version.to_be_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.content_type, major, minor, high, low]
    }
}

/// What a type of content is called.
pub const fn content_type(number: u8) -> &'static str {
    match number {
        CHANGE_CIPHER_SPEC => "change_cipher_spec",
        ALERT => "alert",
        HANDSHAKE => "handshake",
        APPLICATION_DATA => "application_data",
        HEARTBEAT => "heartbeat",
        _ => "unknown",
    }
}

/// Where every bit of a record went, as far as its bytes are there.
pub fn layout(bytes: &[u8], offset: u64) -> Layout {
    let mut reader = Reader::new(bytes, offset);
    let missing = read(&mut reader).err();
    reader.finish(missing)
}

fn read(r: &mut Reader<'_>) -> Result<(), Missing> {
    let number = r.number(&CONTENT_TYPE, 8)? as u8;
    r.explain(content_type(number));
    let version = r.number(&LEGACY_VERSION, 16)?;
    r.explain(match version {
        0x0303 => "TLS 1.2: what TLS 1.3 says here, too",
        0x0301 => "TLS 1.0: usual in the first record of any version",
        0x0302 => "TLS 1.1",
        0x0300 => "SSL 3.0",
        _ => "no version that was ever agreed on",
    });
    let length = r.number(&LENGTH, 16)?;
    r.explain("bytes follow");
    if length > 0 {
        r.bytes(&BODY, length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Value;
    use proptest::prelude::*;

    proptest! {
        /// Both readers say the same of whatever may be a header, and the fields tile.
        #[test]
        fn fast_and_annotated_agree(
            kind in 18u8..26, minor in 0u8..6, length in 0u16..40, body: [u8; 32], cut in 0usize..37,
        ) {
            let [high, low] = length.to_be_bytes();
            let mut bytes = vec![kind, 3, minor, high, low];
            bytes.extend(body);
            bytes.truncate(cut);
            let layout = layout(&bytes, 7);
            prop_assert_eq!(layout.check_tiling(), Ok(()));
            if let Some(header) = Header::read(&bytes) {
                let number = |spec| match layout.find(spec).map(|field| field.value) {
                    Some(Value::Number(number)) => number,
                    other => panic!("{other:?}"),
                };
                prop_assert_eq!(number(&CONTENT_TYPE), u64::from(header.content_type));
                prop_assert_eq!(number(&LEGACY_VERSION), u64::from(header.version));
                prop_assert_eq!(number(&LENGTH), u64::from(header.length));
                prop_assert_eq!(&bytes[..5], header.to_bytes());
            }
        }
    }
}
