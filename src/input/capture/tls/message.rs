//! Handshake messages (RFC 8446 §4), put together from records of any size.

/// Types of messages.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const END_OF_EARLY_DATA: u8 = 5;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const FINISHED: u8 = 20;
pub(super) const KEY_UPDATE: u8 = 24;

/// Hellos are kept up to this size: post-quantum key shares take a few KiB, and nobody sends more.
const MAX_KEPT: usize = 64 * 1024;

/// The messages of one endpoint. Only those whose content matters are kept; of others the length is
/// counted.
#[derive(Default)]
pub(super) struct Messages {
    header: [u8; 4],
    /// How many bytes of the header are there.
    header_length: u8,
    body: Vec<u8>,
    /// How many bytes of the body are still to come.
    missing: usize,
}

impl Messages {
    /// Takes bytes in, up to the end of one message: its type and body, and what follows it.
    pub(super) fn next<'a>(&mut self, mut bytes: &'a [u8]) -> Option<(u8, Vec<u8>, &'a [u8])> {
        while usize::from(self.header_length) < self.header.len() {
            let (&byte, rest) = bytes.split_first()?;
            self.header[usize::from(self.header_length)] = byte;
            self.header_length += 1;
            bytes = rest;
            if usize::from(self.header_length) == self.header.len() {
                let [_, high, middle, low] = self.header;
                self.missing = u32::from_be_bytes([0, high, middle, low]) as usize;
            }
        }
        let [kind, ..] = self.header;
        let (part, rest) = bytes.split_at(self.missing.min(bytes.len()));
        self.missing -= part.len();
        if matters(kind) && self.body.len() + part.len() <= MAX_KEPT {
            self.body.extend(part);
        }
        if self.missing > 0 {
            return None;
        }
        self.header_length = 0;
        Some((kind, std::mem::take(&mut self.body), rest))
    }
}

fn matters(kind: u8) -> bool {
    matches!(kind, CLIENT_HELLO | SERVER_HELLO | ENCRYPTED_EXTENSIONS)
}
