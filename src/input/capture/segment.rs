//! The header of a TCP segment (RFC 9293 §3.1).

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
    /// What was captured of the options.
    pub(super) options: &'a [u8],
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
            options: header_bytes.get(20..).unwrap_or_default(),
            shut: bytes.get(14..16) == Some(&[0, 0]),
            payload,
            missing,
        })
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

    pub(super) fn says_something(&self) -> bool {
        !self.payload.is_empty() || self.missing > 0
    }
}
