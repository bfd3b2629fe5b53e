//! The proof that the server read the handshake (RFC 6455 §4.2.2, step 5.4):
//! `Sec-WebSocket-Accept = base64(SHA-1(key ++ GUID))`, over the key as text, as sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The GUID that no server which does not know WebSocket would think of (RFC 6455 §1.3).
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Each step of the derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// The key's text followed by the GUID.
    pub concatenated: Vec<u8>,
    /// SHA-1 of that.
    pub digest: [u8; 20],
    /// Base64 of the digest: the value of `Sec-WebSocket-Accept`.
    pub accept: String,
}

/// Derives the Accept from the key's text, exactly as it was sent (whitespace around it aside).
pub fn derive(key: &[u8]) -> Derivation {
    let concatenated = [key, GUID.as_bytes()].concat();
    let digest: [u8; 20] = Sha1::digest(&concatenated).into();
    let accept = STANDARD.encode(digest);
    Derivation { concatenated, digest, accept }
}

/// The Accept that answers this key.
pub fn accept(key: &[u8]) -> String {
    derive(key).accept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        let derivation = derive(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(derivation.digest[..4], [0xb3, 0x7a, 0x4f, 0x2c]);
        assert_eq!(derivation.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
