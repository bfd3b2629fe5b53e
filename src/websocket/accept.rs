//! The proof that the server read the handshake (RFC 6455 §4.2.2, step 5.4):
//! `Sec-WebSocket-Accept = base64(SHA-1(key ++ GUID))`, over the key as text, as sent. And the
//! ways in which servers get it wrong: [`diagnose`] finds out which of them led to a value.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, STANDARD_NO_PAD, URL_SAFE,
};
use sha1::{Digest as _, Sha1};
use std::fmt;

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
    let digest = digest(key);
    let accept = STANDARD.encode(digest);
    Derivation { concatenated: [key, GUID.as_bytes()].concat(), digest, accept }
}

/// The Accept that answers this key.
pub fn accept(key: &[u8]) -> String {
    STANDARD.encode(digest(key))
}

fn digest(key: &[u8]) -> [u8; 20] {
    let mut hasher = Sha1::new();
    hasher.update(key);
    hasher.update(GUID);
    hasher.finalize().into()
}

/// Keys from documents, which demo code carries around: the key, and where it stands.
pub const WELL_KNOWN_KEYS: [(&str, &str); 4] = [
    ("dGhlIHNhbXBsZSBub25jZQ==", "the sample of RFC 6455 §1.3"),
    ("AQIDBAUGBwgJCgsMDQ4PEC==", "the sample of RFC 6455 §4.1"),
    ("AQIDBAUGBwgJCgsMDQ4PEA==", "the sample of RFC 6455 §4.1, as its erratum 3150 corrects it"),
    ("x3JJHMbDL1EzLkh9GBhXDw==", "the sample of Wikipedia"),
];

/// True for a key that stands in documents.
pub fn is_well_known(key: &[u8]) -> bool {
    WELL_KNOWN_KEYS.iter().any(|(known, _)| known.as_bytes() == key)
}

/// True for that many bytes in Base64 with its padding, whatever the bits that carry nothing are.
pub fn encodes(text: &[u8], bytes: usize) -> bool {
    let padding = (3 - bytes % 3) % 3;
    let in_alphabet = |b: &u8| b.is_ascii_alphanumeric() | (*b == b'+') | (*b == b'/');
    // Without a branch, so that many characters are looked at together.
    let all_are = |text: &[u8]| text.iter().fold(true, |so_far, b| so_far & in_alphabet(b));
    text.len() == bytes.div_ceil(3) * 4
        && text.ends_with(&b"=="[..padding])
        && all_are(&text[..text.len() - padding])
}

/// Decodes a key as most servers would: padding and pad bits are not insisted on.
pub fn decode_key(key: &[u8]) -> Option<Vec<u8>> {
    static LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    LENIENT.decode(key).ok()
}

/// How a wrong Accept came about: each step that went another way, as a clause that can follow
/// "this is what comes out when …".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(Vec<String>);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", and "))
    }
}

/// Finds out how `found` came from `key`. None if it is right, or if no known mistake leads there.
pub fn diagnose(key: &[u8], found: &[u8]) -> Option<Mistake> {
    if found == accept(key).as_bytes() {
        return None;
    }
    let one = |clause: String| Some(Mistake(vec![clause]));
    if found == key {
        return one("the key is sent back as it came".to_owned());
    }
    if let Some((other, place)) =
        WELL_KNOWN_KEYS.iter().find(|(other, _)| found == accept(other.as_bytes()).as_bytes())
    {
        return one(format!("the key {other} is answered, {place}, instead of the client's"));
    }
    for (hashed, input) in hashed_instead(key) {
        let digest: [u8; 20] = Sha1::digest(&input).into();
        for (written, output) in written_instead(&digest) {
            if output.as_bytes() == found {
                let clauses = [hashed, written].into_iter().flatten().map(str::to_owned);
                return Some(Mistake(clauses.collect()));
            }
        }
    }
    misspelt_guid(key, found).or_else(|| other_digest(found)).and_then(one)
}

/// What servers hash instead of key and GUID, each with its clause. The right input comes first.
fn hashed_instead(key: &[u8]) -> Vec<(Option<&'static str>, Vec<u8>)> {
    let guid = GUID.as_bytes();
    let decoded = decode_key(key).unwrap_or_default();
    let unpadded: Vec<u8> = key.iter().copied().filter(|&b| b != b'=').collect();
    let missing = (4 - unpadded.len() % 4) % 4;
    let padded = [&unpadded[..], &b"=="[..missing.min(2)]].concat();
    let no_dashes: Vec<u8> = guid.iter().copied().filter(|&b| b != b'-').collect();
    let with = |clause, parts: &[&[u8]]| (Some(clause), parts.concat());
    vec![
        (None, [key, guid].concat()),
        with("the key is Base64-decoded before it is hashed", &[&decoded, guid]),
        with("the GUID is left out", &[key]),
        with("the key is Base64-decoded and the GUID is left out", &[&decoded]),
        with("the key is left out", &[guid]),
        with("the GUID is put before the key", &[guid, key]),
        with("the GUID is in lower case", &[key, &guid.to_ascii_lowercase()]),
        with("the GUID has lost its dashes", &[key, &no_dashes]),
        with("the GUID is put in braces", &[key, b"{", guid, b"}"]),
        with("a line feed follows the GUID", &[key, guid, b"\n"]),
        with("a carriage return and a line feed follow the GUID", &[key, guid, b"\r\n"]),
        with("a NUL follows the GUID", &[key, guid, b"\0"]),
        with("the key still has its carriage return", &[key, b"\r", guid]),
        with("the key still has its carriage return and line feed", &[key, b"\r\n", guid]),
        with("the key still has its line feed", &[key, b"\n", guid]),
        with("a space follows the key", &[key, b" ", guid]),
        with("the key still has the space behind the colon", &[b" ", key, guid]),
        with("the key is put in quotation marks", &[b"\"", key, b"\"", guid]),
        with("the key has lost its padding", &[&unpadded, guid]),
        with("the key is given the padding that it lacks", &[&padded, guid]),
        with("the key is in lower case", &[&key.to_ascii_lowercase(), guid]),
        with("the key is in upper case", &[&key.to_ascii_uppercase(), guid]),
    ]
}

/// How servers write the digest instead, each with its clause. The right way comes first.
fn written_instead(digest: &[u8; 20]) -> [(Option<&'static str>, String); 13] {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD.encode(digest);
    let printed = format!("SHA1(stdin)= {hex}");
    let as_printed = "the digest is taken as openssl prints it, in hexadecimal with its name in \
                      front, without -binary";
    let as_hex = "the digest is written in hexadecimal instead of Base64";
    [
        (None, base64.clone()),
        (Some("the hexadecimal digits of the digest are Base64-encoded"), STANDARD.encode(&hex)),
        (
            Some("the hexadecimal digits of the digest and a line feed are Base64-encoded"),
            STANDARD.encode(format!("{hex}\n")),
        ),
        (Some(as_printed), STANDARD.encode(format!("{printed}\n"))),
        (Some(as_printed), STANDARD.encode(format!("(stdin)= {hex}\n"))),
        (Some(as_printed), printed),
        (Some("the digest is Base64-encoded twice"), STANDARD.encode(&base64)),
        (Some("the Base64 is in the URL-safe alphabet"), URL_SAFE.encode(digest)),
        (Some("the Base64 has lost its padding"), STANDARD_NO_PAD.encode(digest)),
        (Some("the Base64 is in lower case"), base64.to_ascii_lowercase()),
        (Some("the Base64 is put in quotation marks"), format!("\"{base64}\"")),
        (Some(as_hex), hex.to_ascii_uppercase()),
        (Some(as_hex), hex),
    ]
}

/// One character of the GUID is another, missing, or has changed places with the next.
fn misspelt_guid(key: &[u8], found: &[u8]) -> Option<String> {
    let is_it = |guid: &[u8]| {
        let digest: [u8; 20] = Sha1::digest([key, guid].concat()).into();
        STANDARD.encode(digest).as_bytes() == found
    };
    let guid = GUID.as_bytes();
    for at in 0..guid.len() {
        let place = format!("character {} of the GUID, `{}`,", at + 1, char::from(guid[at]));
        let mut misspelt = guid.to_vec();
        for &other in b"0123456789ABCDEFabcdefOolISZG" {
            misspelt[at] = other;
            if is_it(&misspelt) {
                return Some(format!("{place} is `{}`", char::from(other)));
            }
        }
        misspelt.remove(at);
        if is_it(&misspelt) {
            return Some(format!("{place} is missing"));
        }
        let mut swapped = guid.to_vec();
        if at + 1 < swapped.len() {
            swapped.swap(at, at + 1);
            if is_it(&swapped) {
                return Some(format!("{place} has changed places with the next"));
            }
        }
    }
    None
}

/// A digest of another length: which function makes such digests.
fn other_digest(found: &[u8]) -> Option<String> {
    let decoded = decode_key(found);
    let is_hex = found.iter().all(u8::is_ascii_hexdigit);
    let function = |length| match length {
        16 => Some("MD5"),
        28 => Some("SHA-224"),
        32 => Some("SHA-256"),
        48 => Some("SHA-384"),
        64 => Some("SHA-512"),
        _ => None,
    };
    let length = if is_hex { found.len() / 2 } else { decoded?.len() };
    let name = function(length)?;
    Some(format!("a digest of {length} bytes is sent, such as {name} makes, instead of SHA-1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        let derivation = derive(KEY);
        assert_eq!(derivation.digest[..4], [0xb3, 0x7a, 0x4f, 0x2c]);
        assert_eq!(derivation.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(diagnose(KEY, derivation.accept.as_bytes()), None);
    }

    /// The values were made with Python's hashlib and base64, from the same key; `G` is the GUID.
    #[test]
    fn each_classic_mistake_is_recognised_by_its_result() {
        for (found, clause) in [
            // b64(sha1(b64decode(key) + G))
            ("BXhwxM0SZasKmCD9S4BfpPmCnEw=", "the key is Base64-decoded before it is hashed"),
            // b64(sha1(key))
            ("hHLtf2V1k8aDQZfNjw3Ia1hCwt0=", "the GUID is left out"),
            // b64(sha1(b64decode(key)))
            ("nYNUMU3LUURODadrlj9ew7SwzYI=", "the key is Base64-decoded and the GUID is left out"),
            // b64(sha1(G + key))
            ("2OZf2Seed9yzIpkj+zvC9KS9Mjw=", "the GUID is put before the key"),
            // b64(sha1(key + G.lower()))
            ("WJfwerbIozKsJXHxxI0JTO1SQgU=", "the GUID is in lower case"),
            // b64(sha1(key + G.replace("-", "")))
            ("JE93uw0f/vKl8uDMK0C8ztc6gVM=", "the GUID has lost its dashes"),
            // b64(sha1(key + G[:-1] + "l"))
            ("8IJ8VstOnYwTMLSjEh0VUHDkvms=", "character 36 of the GUID, `1`, is `l`"),
            // b64(sha1(key + G + "\n"))
            ("BQgomKt49tqcGtJYe4ASzQz1IXI=", "a line feed follows the GUID"),
            // b64(sha1(key + "\r" + G))
            ("zvnId+CMmoYWpbuFiCx6kU/bpAw=", "the key still has its carriage return"),
            // b64(sha1(key + "\r\n" + G))
            ("kex8Ji4w0ek1Mc3Dwcf4mOpf5b4=", "the key still has its carriage return and line feed"),
            // b64(sha1(key + " " + G))
            ("xytUlkF2rVz2XzwONMCug9nn1qA=", "a space follows the key"),
            // b64(sha1(key.lower() + G))
            ("CAV2rT4szLbzEtluVJbfjB7GFPY=", "the key is in lower case"),
            // sha1(key + G).hex()
            (
                "b37a4f2cc0624f1690f64606cf385945b2bec4ea",
                "the digest is written in hexadecimal instead of Base64",
            ),
            // b64(sha1(key + G).hex())
            (
                "YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ==",
                "the hexadecimal digits of the digest are Base64-encoded",
            ),
            // printf %s "$key$G" | openssl sha1
            (
                "SHA1(stdin)= b37a4f2cc0624f1690f64606cf385945b2bec4ea",
                "the digest is taken as openssl prints it, in hexadecimal with its name in front, \
                 without -binary",
            ),
            // printf %s "$key$G" | openssl sha1 -hex | base64 -w 0
            (
                "U0hBMShzdGRpbik9IGIzN2E0ZjJjYzA2MjRmMTY5MGY2NDYwNmNmMzg1OTQ1YjJiZWM0ZWEK",
                "the digest is taken as openssl prints it, in hexadecimal with its name in front, \
                 without -binary",
            ),
            // printf %s "$key$G" | sha1sum | cut -d' ' -f1 | base64 -w 0
            (
                "YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQo=",
                "the hexadecimal digits of the digest and a line feed are Base64-encoded",
            ),
            ("s3pPLMBiTxaQ9kYGzzhZRbK-xOo=", "the Base64 is in the URL-safe alphabet"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "the Base64 has lost its padding"),
            ("s3pplmbitxaq9kygzzhzrbk+xoo=", "the Base64 is in lower case"),
            // b64(md5(key + G))
            (
                "fI/F95pFHyUax3HLt0ktmQ==",
                "a digest of 16 bytes is sent, such as MD5 makes, instead of SHA-1",
            ),
            // b64(sha256(key + G))
            (
                "c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY=",
                "a digest of 32 bytes is sent, such as SHA-256 makes, instead of SHA-1",
            ),
            ("dGhlIHNhbXBsZSBub25jZQ==", "the key is sent back as it came"),
            // b64(sha1("x3JJHMbDL1EzLkh9GBhXDw==" + G))
            (
                "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
                "the key x3JJHMbDL1EzLkh9GBhXDw== is answered, the sample of Wikipedia, instead \
                 of the client's",
            ),
        ] {
            let mistake = diagnose(KEY, found.as_bytes()).map(|mistake| mistake.to_string());
            assert_eq!(mistake.as_deref(), Some(clause), "{found}");
        }
    }

    #[test]
    fn two_mistakes_at_once_are_both_named() {
        // sha1(b64decode(key) + G).hex(), in Python
        let derivation: String = Sha1::digest([&b"the sample nonce"[..], GUID.as_bytes()].concat())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            diagnose(KEY, derivation.as_bytes()).map(|mistake| mistake.to_string()).as_deref(),
            Some(
                "the key is Base64-decoded before it is hashed, and the digest is written in \
                 hexadecimal instead of Base64"
            )
        );
    }

    #[test]
    fn no_mistake_is_invented() {
        assert_eq!(diagnose(KEY, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="), None);
        assert_eq!(diagnose(KEY, b""), None);
        assert_eq!(diagnose(b"", b"\xff\x00"), None);
    }
}
