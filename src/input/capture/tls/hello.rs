//! ClientHello, ServerHello and EncryptedExtensions (RFC 8446 §4.1 and §4.3.1, RFC 5246 §7.4.1), as
//! far as decrypting and the rules need them.

use super::suite::Suite;
use crate::said::TlsVersion;

/// Extensions (IANA's TLS ExtensionType registry).
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// The random number of a HelloRetryRequest: SHA-256 of its name (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a ClientHello says.
pub(super) struct ClientHello {
    pub(super) random: [u8; 32],
    pub(super) server_name: Option<Vec<u8>>,
    pub(super) protocols: Vec<Vec<u8>>,
    pub(super) encrypted: bool,
    pub(super) early_data: bool,
}

/// What a ServerHello says.
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) suite: Suite,
    pub(super) version: TlsVersion,
    pub(super) is_retry: bool,
    pub(super) session: Vec<u8>,
    /// Records are compressed (RFC 3749): 0 for not at all, 1 for DEFLATE.
    pub(super) compression: u8,
    pub(super) encrypt_then_mac: bool,
    pub(super) protocol: Option<Vec<u8>>,
}

/// What EncryptedExtensions say.
#[derive(Default)]
pub(super) struct EncryptedExtensions {
    pub(super) protocol: Option<Vec<u8>>,
    pub(super) early_data: bool,
}

impl ClientHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> Option<ClientHello> {
        let mut rest = Cursor(body);
        rest.take(2)?;
        let random = *rest.take(32)?.first_chunk()?;
        rest.vector8()?;
        rest.vector16()?;
        rest.vector8()?;
        let mut hello = ClientHello {
            random,
            server_name: None,
            protocols: Vec::new(),
            encrypted: false,
            early_data: false,
        };
        for (kind, content) in extensions(rest) {
            match kind {
                SERVER_NAME => hello.server_name = server_name(content),
                ALPN => hello.protocols = protocols(content),
                ENCRYPTED_CLIENT_HELLO => hello.encrypted = true,
                EARLY_DATA => hello.early_data = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The random number of a ClientHello in the form of SSL 2.0 (RFC 5246 §E.2), with which clients began
/// until about 2010, and how long that hello is.
pub(super) fn old_client_hello(bytes: &[u8]) -> Option<([u8; 32], usize)> {
    let mut rest = Cursor(bytes);
    let length = rest.number16()?.checked_sub(0x8000)?;
    let &[1, 3, 0..=3] = rest.take(3)? else { return None };
    let [suites, session, challenge] = [rest.number16()?, rest.number16()?, rest.number16()?];
    if u32::from(length) != 9 + u32::from(suites) + u32::from(session) + u32::from(challenge) {
        return None;
    }
    rest.take(usize::from(suites) + usize::from(session))?;
    let challenge = rest.take(usize::from(challenge))?;
    let start = 32_usize.checked_sub(challenge.len())?;
    let mut random = [0; 32];
    random[start..].copy_from_slice(challenge);
    Some((random, 2 + usize::from(length)))
}

impl ServerHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> Option<ServerHello> {
        let mut rest = Cursor(body);
        let version = TlsVersion(rest.number16()?);
        let random = *rest.take(32)?.first_chunk()?;
        let session = rest.vector8()?.to_vec();
        let suite = Suite::of(rest.number16()?);
        let compression = rest.take(1)?[0];
        let mut hello = ServerHello {
            random,
            suite,
            version,
            is_retry: random == RETRY,
            session,
            compression,
            encrypt_then_mac: false,
            protocol: None,
        };
        for (kind, content) in extensions(rest) {
            match kind {
                SUPPORTED_VERSIONS => {
                    hello.version = TlsVersion(Cursor(content).number16()?);
                }
                ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
                ALPN => hello.protocol = protocols(content).into_iter().next(),
                _ => {}
            }
        }
        Some(hello)
    }
}

impl EncryptedExtensions {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> EncryptedExtensions {
        let mut found = EncryptedExtensions::default();
        for (kind, content) in extensions(Cursor(body)) {
            match kind {
                ALPN => found.protocol = protocols(content).into_iter().next(),
                EARLY_DATA => found.early_data = true,
                _ => {}
            }
        }
        found
    }
}

/// The `host_name` of the list (RFC 6066 §3).
fn server_name(content: &[u8]) -> Option<Vec<u8>> {
    let mut list = Cursor(Cursor(content).vector16()?);
    while let (Some([kind]), Some(name)) = (list.take(1), list.vector16()) {
        if *kind == 0 {
            return Some(name.to_vec());
        }
    }
    None
}

/// The list of protocols (RFC 7301 §3.1).
fn protocols(content: &[u8]) -> Vec<Vec<u8>> {
    let mut list = Cursor(Cursor(content).vector16().unwrap_or_default());
    std::iter::from_fn(|| list.vector8().map(<[u8]>::to_vec)).collect()
}

/// Extensions with their contents; what is cut short ends the list.
fn extensions(mut rest: Cursor<'_>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut list = Cursor(rest.vector16().unwrap_or_default());
    std::iter::from_fn(move || Some((list.number16()?, list.vector16()?)))
}

/// What is still to be read of a message.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number16()?;
        self.take(usize::from(length))
    }
}
