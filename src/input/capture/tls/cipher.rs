//! Opens protected records: AEADs (RFC 8446 §5.2, RFC 5288, RFC 6655, RFC 7905) and CBC with HMAC
//! (RFC 5246 §6.2.3.2, encrypt-then-MAC of RFC 7366). What is not authentic is never handed out.

use super::record::{Header, pseudo_header};
use super::schedule::Secret;
use super::suite::{Bulk, MacHash, Suite};
use crate::said::TlsVersion;
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc};
use cbc::cipher::typenum::Unsigned;
use cbc::cipher::{BlockModeDecrypt, KeyInit, KeyIvInit};
use ccm::Ccm;
use ccm::aead::{AeadInOut, consts};
use hmac::{Hmac, Mac};
use ring::aead::{self, LessSafeKey, UnboundKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use std::ops::Range;

const BLOCK: usize = 16;

/// The implicit and the explicit part of a nonce before TLS 1.3 (RFC 5288 §3).
const SALT: usize = 4;
const EXPLICIT_NONCE: usize = 8;

/// What one endpoint's records are protected with, from one change of keys to the next.
pub(super) struct Opener {
    cipher: Cipher,
    nonce: Nonce,
    bulk: Bulk,
    version: TlsVersion,
}

enum Nonce {
    /// Twelve bytes, combined with the record's number.
    Combined([u8; 12]),
    /// Four bytes, and eight in each record.
    Explicit([u8; SALT]),
    /// CBC: sixteen bytes in each record, or the end of the record before (TLS 1.0).
    Block([u8; BLOCK]),
}

#[allow(clippy::large_enum_variant)] // one each direction, in its own box
enum Cipher {
    /// GCM and ChaCha20-Poly1305, which nearly all connections have: from `ring`, which opens GCM twice
    /// to three times as fast as the crates that the rest comes from, and has nothing of the rest.
    Usual(LessSafeKey),
    Aes128Ccm(Ccm<Aes128Enc, consts::U16, consts::U12>),
    Aes256Ccm(Ccm<Aes256Enc, consts::U16, consts::U12>),
    Aes128Ccm8(Ccm<Aes128Enc, consts::U8, consts::U12>),
    Aes256Ccm8(Ccm<Aes256Enc, consts::U8, consts::U12>),
    Cbc {
        key: [u8; 32],
        mac_key: [u8; 48],
        mac: MacHash,
        encrypt_then_mac: bool,
    },
}

impl Cipher {
    fn new(bulk: Bulk, key: &[u8], mac_key: &[u8], encrypt_then_mac: bool) -> Option<Cipher> {
        let usual = |algorithm| {
            UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new).map(Cipher::Usual)
        };
        Some(match bulk {
            Bulk::Aes128Gcm => usual(&aead::AES_128_GCM)?,
            Bulk::Aes256Gcm => usual(&aead::AES_256_GCM)?,
            Bulk::ChaCha20Poly1305 => usual(&aead::CHACHA20_POLY1305)?,
            Bulk::Aes128Ccm => Cipher::Aes128Ccm(Ccm::new_from_slice(key).ok()?),
            Bulk::Aes256Ccm => Cipher::Aes256Ccm(Ccm::new_from_slice(key).ok()?),
            Bulk::Aes128Ccm8 => Cipher::Aes128Ccm8(Ccm::new_from_slice(key).ok()?),
            Bulk::Aes256Ccm8 => Cipher::Aes256Ccm8(Ccm::new_from_slice(key).ok()?),
            Bulk::Aes128Cbc(mac) | Bulk::Aes256Cbc(mac) => {
                let mut keys = ([0; 32], [0; 48]);
                keys.0.get_mut(..key.len())?.copy_from_slice(key);
                keys.1.get_mut(..mac_key.len())?.copy_from_slice(mac_key);
                Cipher::Cbc { key: keys.0, mac_key: keys.1, mac, encrypt_then_mac }
            }
        })
    }
}

impl Opener {
    /// The keys of a traffic secret of TLS 1.3 (RFC 8446 §7.3).
    pub(super) fn of_secret(secret: &Secret, suite: Suite) -> Option<Opener> {
        let bulk = suite.bulk().filter(|bulk| bulk.mac().is_none())?;
        if secret.bytes().len() != suite.hash().length() {
            return None;
        }
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        let key = &mut key[..bulk.key_length()];
        secret.expand(suite.hash(), "key", key);
        secret.expand(suite.hash(), "iv", &mut iv);
        let cipher = Cipher::new(bulk, key, &[], false)?;
        let version = TlsVersion::TLS_1_3;
        Some(Opener { cipher, nonce: Nonce::Combined(iv), bulk, version })
    }

    /// The keys of both endpoints (client, server) before TLS 1.3, from the master secret.
    pub(super) fn of_master(
        master: &Secret,
        suite: Suite,
        version: TlsVersion,
        randoms: [&[u8; 32]; 2],
        encrypt_then_mac: bool,
    ) -> Option<[Opener; 2]> {
        let bulk = suite.bulk()?;
        let mac_length = bulk.mac().map_or(0, MacHash::length);
        let key_length = bulk.key_length();
        let iv_length = match bulk {
            Bulk::ChaCha20Poly1305 => 12,
            _ if bulk.mac().is_none() => SALT,
            _ if version <= TlsVersion::TLS_1_0 => BLOCK,
            _ => 0,
        };
        let mut block = vec![0; 2 * (mac_length + key_length + iv_length)];
        master.key_block(version, suite.hash(), randoms, &mut block);
        let (mac_keys, rest) = block.split_at(2 * mac_length);
        let (keys, ivs) = rest.split_at(2 * key_length);
        let of = |index: usize| {
            let part = |block: &[u8], length: usize| block[index * length..][..length].to_vec();
            let iv = part(ivs, iv_length);
            let nonce = match bulk {
                Bulk::ChaCha20Poly1305 => Nonce::Combined(iv.try_into().ok()?),
                _ if bulk.mac().is_none() => Nonce::Explicit(iv.try_into().ok()?),
                _ => Nonce::Block(iv.try_into().unwrap_or_default()),
            };
            let (key, mac_key) = (part(keys, key_length), part(mac_keys, mac_length));
            let cipher = Cipher::new(bulk, &key, &mac_key, encrypt_then_mac)?;
            Some(Opener { cipher, nonce, bulk, version })
        };
        Some([of(0)?, of(1)?])
    }

    /// Opens the body of the record of this number in place, if it is authentic: its content type
    /// (RFC 8446 §5.2 hides it inside), where the content lies, and how much padding came with it.
    pub(super) fn open(
        &mut self,
        header: Header,
        sequence: u64,
        body: &mut [u8],
    ) -> Option<Opened> {
        if let Cipher::Cbc { .. } = self.cipher {
            let content = self.open_cbc(header, sequence, body)?;
            return Some(Opened { content_type: header.content_type, content, padding: 0 });
        }
        let explicit = if let Nonce::Explicit(_) = self.nonce { EXPLICIT_NONCE } else { 0 };
        let end = body.len().checked_sub(self.bulk.tag_length())?;
        let length = end.checked_sub(explicit)?;
        let (in_record, sealed) = body.split_at_mut(explicit);
        let mut nonce = [0; 12];
        match &self.nonce {
            Nonce::Combined(iv) => {
                nonce[4..].copy_from_slice(&sequence.to_be_bytes());
                nonce.iter_mut().zip(iv).for_each(|(byte, iv)| *byte ^= iv);
            }
            Nonce::Explicit(salt) => {
                nonce[..SALT].copy_from_slice(salt);
                nonce[SALT..].copy_from_slice(in_record);
            }
            Nonce::Block(_) => return None,
        }
        let is_new = self.version >= TlsVersion::TLS_1_3;
        let (plain, tagged) = (header.to_bytes(), pseudo_header(header, sequence, length));
        let authenticated: &[u8] = if is_new { &plain } else { &tagged };
        self.cipher.open(nonce, authenticated, sealed)?;
        if !is_new {
            let content = explicit..end;
            return Some(Opened { content_type: header.content_type, content, padding: 0 });
        }
        let content = &sealed[..length];
        let last = content.iter().rposition(|&byte| byte != 0)?;
        let content_type = content[last];
        Some(Opened { content_type, content: 0..last, padding: length - 1 - last })
    }

    fn open_cbc(&mut self, header: Header, sequence: u64, body: &mut [u8]) -> Option<Range<usize>> {
        let Cipher::Cbc { key, mac_key, mac, encrypt_then_mac } = &self.cipher else { return None };
        let mac_key = &mac_key[..mac.length()];
        let mut end = body.len();
        if *encrypt_then_mac {
            end = end.checked_sub(mac.length())?;
            let before = pseudo_header(header, sequence, end);
            mac.verify(mac_key, &[&before, &body[..end]], &body[end..])?;
        }
        let is_chained = self.version <= TlsVersion::TLS_1_0;
        let start = if is_chained { 0 } else { BLOCK };
        let length = end.checked_sub(start)?;
        if length == 0 || !length.is_multiple_of(BLOCK) {
            return None;
        }
        let (before, encrypted) = body[..end].split_at_mut(start);
        let mut last = [0; BLOCK];
        last.copy_from_slice(&encrypted[length - BLOCK..]);
        let iv: [u8; BLOCK] = match &self.nonce {
            Nonce::Block(chained) if is_chained => *chained,
            _ => before.try_into().ok()?,
        };
        decrypt_blocks(&key[..self.bulk.key_length()], &iv, encrypted)?;
        let padding = usize::from(*encrypted.last()?) + 1;
        let unpadded = length.checked_sub(padding)?;
        if encrypted[unpadded..].iter().any(|&byte| usize::from(byte) + 1 != padding) {
            return None;
        }
        let content = if *encrypt_then_mac {
            unpadded
        } else {
            let content = unpadded.checked_sub(mac.length())?;
            let before = pseudo_header(header, sequence, content);
            let found = &encrypted[content..unpadded];
            mac.verify(mac_key, &[&before, &encrypted[..content]], found)?;
            content
        };
        if is_chained {
            self.nonce = Nonce::Block(last);
        }
        Some(start..start + content)
    }

    /// How many bytes of a record are no content, if that is the same in each: with AEADs, and as
    /// long as nobody pads.
    pub(super) fn overhead(&self) -> Option<usize> {
        let tag = self.bulk.tag_length();
        match self.nonce {
            Nonce::Block(_) => None,
            Nonce::Explicit(_) => Some(EXPLICIT_NONCE + tag),
            Nonce::Combined(_) if self.version >= TlsVersion::TLS_1_3 => Some(tag + 1),
            Nonce::Combined(_) => Some(tag),
        }
    }

    /// True if a record can be opened only after the one before it.
    pub(super) fn is_chained(&self) -> bool {
        matches!(self.nonce, Nonce::Block(_)) && self.version <= TlsVersion::TLS_1_0
    }

    /// The last block of a record that could not be opened chains the next one all the same.
    pub(super) fn skip(&mut self, body: &[u8]) {
        if let (true, Some(last)) = (self.is_chained(), body.last_chunk::<BLOCK>()) {
            self.nonce = Nonce::Block(*last);
        }
    }
}

/// An authentic record.
pub(super) struct Opened {
    pub(super) content_type: u8,
    /// Where its content lies in the body.
    pub(super) content: Range<usize>,
    /// Zeros behind it (RFC 8446 §5.4).
    pub(super) padding: usize,
}

impl Cipher {
    /// Opens content with its tag behind it, in place.
    fn open(&self, nonce: [u8; 12], data: &[u8], sealed: &mut [u8]) -> Option<()> {
        fn open<A: AeadInOut<NonceSize = consts::U12>>(
            cipher: &A,
            nonce: [u8; 12],
            data: &[u8],
            sealed: &mut [u8],
        ) -> Option<()> {
            let length = sealed.len().checked_sub(A::TagSize::USIZE)?;
            let (content, tag) = sealed.split_at_mut(length);
            let tag = (&*tag).try_into().ok()?;
            cipher.decrypt_inout_detached(&nonce.into(), data, content.into(), tag).ok()
        }
        match self {
            Cipher::Usual(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                key.open_in_place(nonce, aead::Aad::from(data), sealed).ok().map(|_| ())
            }
            Cipher::Aes128Ccm(cipher) => open(cipher, nonce, data, sealed),
            Cipher::Aes256Ccm(cipher) => open(cipher, nonce, data, sealed),
            Cipher::Aes128Ccm8(cipher) => open(cipher, nonce, data, sealed),
            Cipher::Aes256Ccm8(cipher) => open(cipher, nonce, data, sealed),
            Cipher::Cbc { .. } => None,
        }
    }
}

impl MacHash {
    fn verify(self, key: &[u8], parts: &[&[u8]], found: &[u8]) -> Option<()> {
        fn verify<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]], found: &[u8]) -> Option<()> {
            let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
            parts.iter().for_each(|part| mac.update(part));
            mac.verify_slice(found).ok()
        }
        match self {
            MacHash::Sha1 => verify::<Hmac<Sha1>>(key, parts, found),
            MacHash::Sha256 => verify::<Hmac<Sha256>>(key, parts, found),
            MacHash::Sha384 => verify::<Hmac<Sha384>>(key, parts, found),
        }
    }
}

fn decrypt_blocks(key: &[u8], iv: &[u8; BLOCK], bytes: &mut [u8]) -> Option<()> {
    fn decrypt<D: BlockModeDecrypt<BlockSize = consts::U16> + KeyIvInit>(
        key: &[u8],
        iv: &[u8; BLOCK],
        bytes: &mut [u8],
    ) -> Option<()> {
        let mut mode = D::new_from_slices(key, iv).ok()?;
        let (blocks, _) = aes::Block::slice_as_chunks_mut(bytes);
        mode.decrypt_blocks(blocks);
        Some(())
    }
    match key.len() {
        16 => decrypt::<cbc::Decryptor<Aes128Dec>>(key, iv, bytes),
        _ => decrypt::<cbc::Decryptor<Aes256Dec>>(key, iv, bytes),
    }
}
