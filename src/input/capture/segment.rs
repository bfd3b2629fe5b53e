//! The header of a TCP segment (RFC 9293 §3.1).

use super::ip::protocol::TCP;
use std::net::IpAddr;

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// The header of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) source: u16,
    pub(super) destination: u16,
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) flags: u8,
    /// The window as it stands in the header, not scaled; 0 if the snap length cut it off.
    pub(super) window: u16,
    /// What was captured of the header.
    header: &'a [u8],
    /// Its sender can take no more bytes.
    pub(super) shut: bool,
    pub(super) payload: &'a [u8],
    /// Payload bytes that were not captured.
    pub(super) missing: usize,
}

impl<'a> Segment<'a> {
    /// Reads the segment at the start of `bytes`, of which `missing` more were not captured.
    #[inline]
    pub(super) fn read(bytes: &'a [u8], missing: usize) -> Option<Segment<'a>> {
        // The snap length may cut behind the flags: what was said is then known to be missing.
        let header = bytes.first_chunk::<14>()?;
        let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let word = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let header_length = usize::from(header[12] >> 4) * 4;
        let (header_bytes, payload, missing) = match bytes.split_at_checked(header_length) {
            Some((header, payload)) => (header, payload, missing),
            None => {
                (bytes, &[][..], bytes.len().saturating_add(missing).checked_sub(header_length)?)
            }
        };
        (header_length >= 20).then_some(Segment {
            source: half(0),
            destination: half(2),
            sequence: word(4),
            acknowledgment: word(8),
            flags: header[13],
            window: bytes.get(14..16).map_or(0, |it| u16::from_be_bytes([it[0], it[1]])),
            header: header_bytes,
            shut: bytes.get(14..16) == Some(&[0, 0]),
            payload,
            missing,
        })
    }

    /// What was captured of the options.
    pub(super) fn options(&self) -> &'a [u8] {
        self.header.get(20..).unwrap_or_default()
    }

    /// True if its checksum is right (RFC 9293 §3.1). A wrong one means nothing where the network
    /// card was to compute it.
    #[cold]
    pub(super) fn is_intact(&self, source: IpAddr, destination: IpAddr) -> bool {
        if self.missing > 0 || self.header.len() < 20 {
            return false;
        }
        let length = (self.header.len() + self.payload.len()) as u64;
        let pseudo_header = sum_of(source) + sum_of(destination) + u64::from(TCP) + length;
        let mut sum = pseudo_header + sum(self.header) + sum(self.payload);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum == 0xffff
    }

    #[inline]
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What it acknowledges.
    #[inline]
    pub(super) fn acknowledges(&self) -> Option<u32> {
        self.has(ACK).then_some(self.acknowledgment)
    }

    /// The sequence number of the first byte: a SYN takes one.
    #[inline]
    pub(super) fn first_byte(&self) -> u32 {
        self.sequence.wrapping_add(u32::from(self.has(SYN)))
    }

    #[inline]
    pub(super) fn says_something(&self) -> bool {
        !self.payload.is_empty() || self.missing > 0
    }
}

/// The sum of bytes as words of 16 bits, the last one filled up with a zero.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(2);
    let last = words.remainder().first().map_or(0, |byte| u64::from(*byte) << 8);
    words.map(|word| u64::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u64>() + last
}

fn sum_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}
