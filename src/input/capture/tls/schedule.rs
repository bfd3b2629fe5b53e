//! From secrets to keys: HKDF in TLS 1.3 (RFC 8446 §7), the PRF before it (RFC 5246 §5 and §6.3, RFC
//! 2246 §5).

use super::suite::Hash;
use crate::said::TlsVersion;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

/// No secret is longer: the output of SHA-384, and the master secret of TLS 1.2 (RFC 5246 §8.1).
pub(super) const MAX_SECRET: usize = 48;

/// A secret of the key log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    bytes: [u8; MAX_SECRET],
    length: u8,
}

impl Secret {
    pub(super) fn new(bytes: &[u8]) -> Option<Secret> {
        let mut secret = Secret { bytes: [0; MAX_SECRET], length: u8::try_from(bytes.len()).ok()? };
        secret.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(secret)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
    pub(super) fn expand(&self, hash: Hash, label: &str, out: &mut [u8]) {
        let length = out.len() as u16;
        let mut info = Vec::with_capacity(4 + 6 + label.len());
        info.extend(length.to_be_bytes());
        info.push(6 + label.len() as u8);
        info.extend(b"tls13 ");
        info.extend(label.as_bytes());
        info.push(0);
        // Fails for a secret shorter than the hash, which opens nothing, and for long outputs.
        let _ = match hash {
            Hash::Sha256 => {
                Hkdf::<Sha256>::from_prk(self.bytes()).map(|prk| prk.expand(&info, out).is_ok())
            }
            Hash::Sha384 => {
                Hkdf::<Sha384>::from_prk(self.bytes()).map(|prk| prk.expand(&info, out).is_ok())
            }
        };
    }

    /// The secret after a KeyUpdate (RFC 8446 §7.2).
    pub(super) fn next_generation(&self, hash: Hash) -> Secret {
        let mut next = Secret { bytes: [0; MAX_SECRET], length: hash.length() as u8 };
        self.expand(hash, "traffic upd", &mut next.bytes[..hash.length()]);
        next
    }

    /// The key block of TLS 1.2 and older (RFC 5246 §6.3), from the master secret.
    pub(super) fn key_block(
        &self,
        version: TlsVersion,
        hash: Hash,
        randoms: [&[u8; 32]; 2],
        out: &mut [u8],
    ) {
        let [client, server] = randoms;
        let seed = [b"key expansion".as_slice(), server, client].concat();
        if version < TlsVersion::TLS_1_2 {
            // Each half of the secret, with its own hash (RFC 2246 §5).
            let secret = self.bytes();
            let half = secret.len().div_ceil(2);
            p_hash::<Hmac<Md5>>(&secret[..half], &seed, out);
            let mut other = vec![0; out.len()];
            p_hash::<Hmac<Sha1>>(&secret[secret.len() - half..], &seed, &mut other);
            out.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
            return;
        }
        match hash {
            Hash::Sha256 => p_hash::<Hmac<Sha256>>(self.bytes(), &seed, out),
            Hash::Sha384 => p_hash::<Hmac<Sha384>>(self.bytes(), &seed, out),
        }
    }
}

/// P_hash (RFC 5246 §5).
fn p_hash<M: Mac + KeyInit>(secret: &[u8], seed: &[u8], out: &mut [u8]) {
    let hmac = |parts: &[&[u8]]| {
        let mut mac =
            <M as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut a = hmac(&[seed]);
    let mut filled = 0;
    while filled < out.len() {
        let block = hmac(&[&a, seed]);
        let length = block.len().min(out.len() - filled);
        out[filled..filled + length].copy_from_slice(&block[..length]);
        filled += length;
        a = hmac(&[&a]);
    }
}
