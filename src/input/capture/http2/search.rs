//! Where frames of HTTP/2 begin, if that is not known: the capture began late, or bytes are missing. A
//! chain of headers, each where the one before says, is the evidence.

use super::frame::{DATA, HEADER, HEADERS, Header, SETTINGS};

/// So many headers in a row are believed.
const CHAIN: usize = 3;

/// No frame that begins a chain is taken for longer than this.
const MAX_LENGTH: usize = 1 << 17;

/// No stream of a chain has a higher number.
const MAX_STREAM: u32 = 1 << 24;

/// So many places are kept of which later bytes will tell.
const MAX_CANDIDATES: usize = 16;

/// Flags that frames of RFC 9113 have, and how long they are; by type.
const FLAGS: [u8; 10] = [0x09, 0x2d, 0, 0, 0x01, 0x0c, 0x01, 0, 0, 0x04];

/// Bytes behind a loss.
pub(super) struct Search {
    bytes: Vec<u8>,
    /// The offset of the first of them.
    start: u64,
    /// Places before this one were looked at.
    next: usize,
    candidates: Vec<usize>,
    /// The first of the bytes begins a segment or a record, where frames mostly begin.
    at_border: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    Unsure,
}

/// Where frames begin.
pub(super) struct Found {
    pub(super) offset: u64,
    /// The bytes from there on.
    pub(super) bytes: Vec<u8>,
}

impl Default for Search {
    fn default() -> Search {
        Search { bytes: Vec::new(), start: 0, next: 0, candidates: Vec::new(), at_border: true }
    }
}

impl Search {
    /// More bytes, which lie at this offset.
    pub(super) fn push(&mut self, bytes: &[u8], offset: u64) -> Option<Found> {
        self.start = offset - self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        for candidate in std::mem::take(&mut self.candidates) {
            if let Some(found) = self.look_at(candidate) {
                return Some(found);
            }
        }
        while self.next + HEADER <= self.bytes.len() {
            self.next += 1;
            if let Some(found) = self.look_at(self.next - 1) {
                return Some(found);
            }
        }
        self.forget();
        None
    }

    fn look_at(&mut self, place: usize) -> Option<Found> {
        let at_border = self.at_border && place == 0;
        match chain(&self.bytes[place..], at_border) {
            Verdict::Yes => {
                let bytes = self.bytes.split_off(place);
                return Some(Found { offset: self.start + place as u64, bytes });
            }
            Verdict::Unsure if self.candidates.len() < MAX_CANDIDATES => {
                self.candidates.push(place);
            }
            Verdict::Unsure | Verdict::No => {}
        }
        None
    }

    /// What can't begin a chain any more is let go.
    fn forget(&mut self) {
        let length = self.bytes.len();
        self.candidates.retain(|place| place + 2 * MAX_LENGTH > length);
        let keep = self.candidates.first().copied().unwrap_or(self.next).min(self.next);
        if keep > MAX_LENGTH || self.candidates.is_empty() {
            self.bytes.drain(..keep);
            self.next -= keep;
            self.candidates.iter_mut().for_each(|place| *place -= keep);
            self.at_border &= keep == 0;
        }
    }
}

/// True if these bytes, the first that were captured of a connection, begin with frames.
pub(super) fn begins_frames(bytes: &[u8]) -> bool {
    chain(bytes, true) == Verdict::Yes
}

/// Follows the headers. A chain that ends where the bytes do has one more witness.
fn chain(bytes: &[u8], at_border: bool) -> Verdict {
    let (mut at, mut found) = (0, usize::from(at_border));
    while let Some(header) = bytes.get(at..).and_then(Header::read) {
        if !is_plausible(header) {
            return Verdict::No;
        }
        found += 1;
        if found >= CHAIN {
            return Verdict::Yes;
        }
        at += HEADER + header.length;
    }
    let is_whole = at == bytes.len() && found + 1 >= CHAIN;
    if is_whole { Verdict::Yes } else { Verdict::Unsure }
}

/// A header that a frame of RFC 9113 may have.
fn is_plausible(header: Header) -> bool {
    let Header { length, kind, flags, reserved, stream } = header;
    let Some(allowed) = FLAGS.get(usize::from(kind)) else { return false };
    let is_of_stream = matches!(kind, DATA..=3 | 5 | 9);
    let fits = match kind {
        2 => length == 5,
        3 | 8 => length == 4,
        SETTINGS => length.is_multiple_of(6) && (!header.is_ack() || length == 0),
        6 => length == 8,
        7 => length >= 8,
        HEADERS => length > 0,
        _ => true,
    };
    let right_stream = kind == 8 || is_of_stream == (stream > 0);
    fits && right_stream
        && flags & !allowed == 0
        && !reserved
        && length <= MAX_LENGTH
        && stream < MAX_STREAM
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let header = Header { length, kind, flags, reserved: false, stream };
        [&header.to_bytes()[..], &vec![0xab; length]].concat()
    }

    /// Wherever the bytes begin and however they are cut, the first whole frame is found.
    #[test]
    fn a_border_is_found_in_the_middle() {
        let first = frame(DATA, 0, 3, 50);
        let rest = [frame(DATA, 0, 5, 7), frame(8, 0, 0, 4), frame(DATA, 1, 3, 90)].concat();
        for cut in 1..first.len() {
            let bytes = [&first[cut..], &rest].concat();
            for piece in [1, 13, 400] {
                let (mut search, mut offset) = (Search::default(), 1000);
                let found = bytes.chunks(piece).find_map(|piece| {
                    offset += piece.len() as u64;
                    search.push(piece, offset - piece.len() as u64)
                });
                let found = found.expect("it is there");
                assert_eq!(found.offset, 1000 + (first.len() - cut) as u64, "{cut}, {piece}");
            }
        }
    }

    #[test]
    fn other_bytes_are_no_frames() {
        let text = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(40);
        assert!(!begins_frames(&text));
        assert!(!begins_frames(&[0; 400]));
        assert!(Search::default().push(&text, 0).is_none());
        assert!(begins_frames(&frame(DATA, 0, 3, 40)));
        assert!(!begins_frames(&frame(DATA, 0, 3, 40)[..30]));
    }
}
