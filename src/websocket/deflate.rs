//! Inflating compressed messages (RFC 7692 §7.2.2): as a stream, never past a cap.
//!
//! After a loss the window holds bytes that nobody knows, and a back-reference may copy them. So
//! the data is inflated twice then, with two fillings of the window that differ in every byte. The
//! lengths and distances are the same both times; an output byte is the same exactly if it goes
//! back to a literal, however often it was copied since. That is proof, message by message: what
//! agrees is what was sent, what differs depends on what was lost.

mod huffman;
mod tokens;

pub use tokens::Reference;
pub(super) use tokens::Tokens;

use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;

/// What the sender removed from the end of each message (RFC 7692 §7.2.1).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The tail, and an empty stored block with BFINAL=1 (RFC 1951 §3.2.4).
const TAIL_AND_FINAL_BLOCK: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// The largest LZ77 window (RFC 1951 §2).
pub const MAX_WINDOW: usize = 1 << MAX_WINDOW_BITS;

/// The largest value of the parameters about window bits, and their default.
pub const MAX_WINDOW_BITS: u8 = 15;

/// Why a compressed message could not be inflated whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InflateFault {
    /// The bytes are not DEFLATE.
    Invalid,
    /// A back-reference reaches before everything that is known: history was lost, or context
    /// takeover was used although it was not agreed.
    TooFarBack,
    /// The data ends in the middle of a block.
    Cut,
    /// More came out than the cap allows; the rest was not inflated.
    TooBig,
}

impl fmt::Display for InflateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InflateFault::Invalid => "the bytes are not DEFLATE data",
            InflateFault::TooFarBack => "a back-reference reaches before the known history",
            InflateFault::Cut => "the data ends in the middle of a block",
            InflateFault::TooBig => "more came out than the cap allows",
        })
    }
}

/// How the DEFLATE data of a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending {
    /// A block with BFINAL=1 came last and nothing followed it, not even the byte 00 that
    /// RFC 7692 §7.2.3.4 asks for.
    pub final_block_bare: bool,
    /// The tail 00 00 ff ff was still there.
    pub tail_left_on: bool,
}

/// What single tokens tell against the sender of a message whose bytes are sound DEFLATE data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The back-reference that reaches farthest, if that is beyond the agreed window.
    pub beyond_window: Option<Reference>,
    /// The one that reaches farthest before the message, if that was not agreed.
    pub before_message: Option<Reference>,
    /// The frame, a fragment but not the last, behind which 00 00 ff ff is missing.
    pub tail_missing_behind: Option<u64>,
}

/// What came out of one direction so far, as far as later messages may refer to it: one window at
/// most, and only as much of it as there is. All that an idle direction keeps.
#[derive(Debug, Default)]
pub struct History {
    /// A ring, once it is full; its oldest byte stands at `oldest`.
    bytes: Vec<u8>,
    oldest: usize,
    /// The same with another filling of what was lost, as long as the two differ anywhere.
    twin: Option<Box<History>>,
}

impl History {
    /// A history of which nothing is known, but that it may be referred to.
    pub fn after_loss() -> History {
        let filled = |byte| History { bytes: vec![byte; MAX_WINDOW], ..History::default() };
        History { twin: Some(Box::new(filled(0xff))), ..filled(0x00) }
    }

    /// Bytes that were lost may still be referred to.
    pub fn is_in_doubt(&self) -> bool {
        self.twin.is_some()
    }

    /// Nothing is in doubt any more once all that was lost has left the window.
    pub fn settle(&mut self) {
        if self.twin.as_ref().is_some_and(|twin| twin.bytes == self.bytes) {
            self.twin = None;
        }
    }

    /// True once a full window is known: then no earlier byte matters any more.
    pub fn is_full(&self) -> bool {
        self.bytes.len() == MAX_WINDOW
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = History::default();
    }

    /// Everything, the oldest byte first.
    fn parts(&self) -> [&[u8]; 2] {
        let (newest, oldest) = self.bytes.split_at(self.oldest);
        [oldest, newest]
    }

    fn note(&mut self, mut out: &[u8]) {
        out = &out[out.len().saturating_sub(MAX_WINDOW)..];
        let room = (MAX_WINDOW - self.bytes.len()).min(out.len());
        if self.bytes.capacity() - self.bytes.len() < room {
            let twice = room.max(self.bytes.len()).min(MAX_WINDOW - self.bytes.len());
            self.bytes.reserve_exact(twice);
        }
        self.bytes.extend_from_slice(&out[..room]);
        out = &out[room..];
        while !out.is_empty() {
            let taken = (MAX_WINDOW - self.oldest).min(out.len());
            self.bytes[self.oldest..self.oldest + taken].copy_from_slice(&out[..taken]);
            self.oldest = (self.oldest + taken) % MAX_WINDOW;
            out = &out[taken..];
        }
    }
}

/// What comes out of an inflater.
#[derive(Debug, Clone, Copy)]
pub struct Inflated<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// How many of them, from the first on, do not depend on bytes that were lost.
    pub certain: usize,
}

/// Inflates one message after another, each behind its own direction's [`History`]. About 47 KiB,
/// which all directions share: to copy a window in order takes a fraction of the time in which the
/// back-references of a message would find it scattered, outside of the cache.
pub struct Inflater {
    stream: Decompress,
    /// Inflates the same behind the history's twin.
    twin: Option<Box<Decompress>>,
    last: [u8; 4],
    ended: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater { stream: Decompress::new(false), twin: None, last: [1; 4], ended: false }
    }
}

impl Inflater {
    /// Begins a message of a direction.
    pub fn begin(&mut self, history: &History) {
        self.last = [1; 4];
        self.begin_stream(history);
    }

    fn begin_stream(&mut self, history: &History) {
        self.ended = false;
        begin_stream(&mut self.stream, history);
        self.twin = history.twin.as_deref().map(|history| {
            let mut twin = self.twin.take().unwrap_or_else(|| Box::new(Decompress::new(false)));
            begin_stream(&mut twin, history);
            twin
        });
    }

    /// Inflates the next piece of a message into `work`, as often as it takes, and hands out what
    /// comes. `emit` returns false to stop at a cap.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        history: &mut History,
        work: &mut [u8],
        emit: &mut dyn FnMut(Inflated<'_>) -> bool,
    ) -> Result<(), InflateFault> {
        self.remember_last(piece);
        while !piece.is_empty() {
            if self.ended {
                // A block after a final one begins a new stream (RFC 7692 §7.2.3.4).
                self.begin_stream(history);
            }
            let taken = self.inflate(piece, history, work, emit)?;
            piece = &piece[taken..];
        }
        Ok(())
    }

    /// The end of a message: puts the tail back that the sender removed, and a final block behind
    /// it, which shows whether the data went up to where a block may begin.
    pub fn finish(
        &mut self,
        history: &mut History,
        work: &mut [u8],
        emit: &mut dyn FnMut(Inflated<'_>) -> bool,
    ) -> Result<Ending, InflateFault> {
        let ending = Ending { final_block_bare: self.ended, tail_left_on: self.last == TAIL };
        if self.ended {
            return Ok(ending);
        }
        // With the tail still there the stream is already at its end.
        let skipped = if ending.tail_left_on { TAIL.len() } else { 0 };
        let border = &TAIL_AND_FINAL_BLOCK[skipped..];
        match self.inflate(border, history, work, emit) {
            Ok(taken) if self.ended && taken == border.len() => Ok(ending),
            Err(InflateFault::TooBig) => Err(InflateFault::TooBig),
            Ok(_) | Err(_) => Err(InflateFault::Cut),
        }
    }

    /// Inflates until all of `input` is taken or a final block ended; returns how much was taken.
    fn inflate(
        &mut self,
        input: &[u8],
        history: &mut History,
        work: &mut [u8],
        emit: &mut dyn FnMut(Inflated<'_>) -> bool,
    ) -> Result<usize, InflateFault> {
        let start = self.stream.total_in();
        // The twin writes into the other half.
        let half = if self.twin.is_some() { work.len() / 2 } else { work.len() };
        let (work, other) = work.split_at_mut(half);
        loop {
            let taken = (self.stream.total_in() - start) as usize;
            let before = self.stream.total_out();
            let status = self.stream.decompress(&input[taken..], work, FlushDecompress::Sync);
            let produced = (self.stream.total_out() - before) as usize;
            let bytes = &work[..produced];
            history.note(bytes);
            let mut certain = produced;
            if let (Some(twin), Some(history)) = (&mut self.twin, &mut history.twin) {
                // What is wrong with the data was told by the first stream.
                let _ = twin.decompress(&input[taken..], other, FlushDecompress::Sync);
                history.note(&other[..produced]);
                certain = bytes.iter().zip(&*other).take_while(|(one, two)| one == two).count();
            }
            if produced > 0 && !emit(Inflated { bytes, certain }) {
                return Err(InflateFault::TooBig);
            }
            let taken = (self.stream.total_in() - start) as usize;
            match status {
                Ok(Status::StreamEnd) => {
                    self.ended = true;
                    return Ok(taken);
                }
                // A full work buffer may hide more output.
                Ok(_) if produced == work.len() => {}
                Ok(_) if taken == input.len() => return Ok(taken),
                Ok(_) if produced == 0 => return Err(InflateFault::Invalid),
                Ok(_) => {}
                Err(error) => return Err(fault(&error, history)),
            }
        }
    }

    fn remember_last(&mut self, piece: &[u8]) {
        let kept = piece.len().min(4);
        self.last.copy_within(kept.., 0);
        self.last[4 - kept..].copy_from_slice(&piece[piece.len() - kept..]);
    }
}

fn begin_stream(stream: &mut Decompress, history: &History) {
    stream.reset(false);
    for part in history.parts().into_iter().filter(|part| !part.is_empty()) {
        let result = stream.set_dictionary(part);
        debug_assert!(result.is_ok(), "raw DEFLATE takes any dictionary: {result:?}");
    }
}

/// Whether this may be a compressed message, whatever its window holds: DEFLATE blocks to the last
/// bit, the last of them not final, as hardly anybody sends one.
pub(super) fn has_form(payload: &[u8]) -> bool {
    const ENOUGH: usize = 1 << 20;
    let mut history = History { bytes: vec![0; MAX_WINDOW], ..History::default() };
    let mut inflater = Inflater::default();
    inflater.begin(&history);
    let mut out = 0;
    let mut within = |inflated: Inflated<'_>| {
        out += inflated.bytes.len();
        out < ENOUGH
    };
    let mut work = [0; 4096];
    inflater.push(payload, &mut history, &mut work, &mut within).is_ok()
        && inflater
            .finish(&mut history, &mut work, &mut within)
            .is_ok_and(|ending| !ending.final_block_bare)
}

/// What an error of the inflater means. Its fast loop, which runs where enough bytes lie in one
/// piece, hides which code it could not follow behind "bad state" (zlib-rs 0.6). While the history
/// is shorter than a window such a code is nearly always a back-reference too far, so all of its
/// errors count as that: the same however bytes were cut.
fn fault(error: &flate2::DecompressError, history: &History) -> InflateFault {
    const CODES: [&str; 4] =
        ["too far back", "invalid distance code", "invalid literal/length code", "bad state"];
    let message = error.message().unwrap_or_default();
    let is_code = CODES.iter().any(|code| message.contains(code));
    if is_code && !history.is_full() { InflateFault::TooFarBack } else { InflateFault::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn message(compress: &mut Compress, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 64);
        let done = compress.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync);
        assert!(done.is_ok() && out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }

    /// How long the next message is, and its certain beginning.
    fn certain(history: &mut History, payload: &[u8]) -> (usize, String) {
        let (mut length, mut certain, mut open) = (0, Vec::new(), true);
        let mut work = [0; 64];
        let mut emit = |inflated: Inflated<'_>| {
            length += inflated.bytes.len();
            if open {
                certain.extend_from_slice(&inflated.bytes[..inflated.certain]);
            }
            open &= inflated.certain == inflated.bytes.len();
            true
        };
        let mut inflater = Inflater::default();
        inflater.begin(history);
        inflater.push(payload, history, &mut work, &mut emit).expect("it is DEFLATE");
        inflater.finish(history, &mut work, &mut emit).expect("it is DEFLATE");
        history.settle();
        (length, String::from_utf8(certain).expect("it is text"))
    }

    #[test]
    fn what_goes_back_to_lost_history_is_told_from_what_does_not() {
        let mut compress = Compress::new(Compression::default(), false);
        message(&mut compress, "the quick brown fox jumps over it");
        let mut history = History::after_loss();
        // Literals, then a reference to what was lost; then a copy of that copy.
        for _ in 0..2 {
            let payload = message(&mut compress, "UVW: quick brown fox");
            assert_eq!(certain(&mut history, &payload), (20, "UVW:".to_owned()));
        }
        // Literals alone, then a copy of them.
        for _ in 0..2 {
            let payload = message(&mut compress, "0123456789");
            assert_eq!(certain(&mut history, &payload), (10, "0123456789".to_owned()));
        }
        assert!(history.is_in_doubt());
    }

    #[test]
    fn a_window_of_what_is_certain_ends_the_doubt() {
        let mut compress = Compress::new(Compression::default(), false);
        let mut history = History::after_loss();
        let text: String = (0..8000).map(|number| format!("{number:05}")).collect();
        let payload = message(&mut compress, &text[..MAX_WINDOW - 1]);
        assert_eq!(certain(&mut history, &payload).1, text[..MAX_WINDOW - 1]);
        assert!(history.is_in_doubt());
        certain(&mut history, &message(&mut compress, "!"));
        assert!(!history.is_in_doubt());
    }

    /// The direction's next message, with an inflater that another direction used before.
    fn inflate(history: &mut History, payload: &[u8]) -> Result<(Vec<u8>, Ending), InflateFault> {
        let mut out = Vec::new();
        let mut work = [0; 7];
        let mut emit = |inflated: Inflated<'_>| {
            out.extend_from_slice(inflated.bytes);
            true
        };
        let mut inflater = Inflater::default();
        let other = [0xf2, 0x48, 0xcd, 0xc9];
        inflater.begin(&History::default());
        inflater.push(&other, &mut History::default(), &mut [0; 64], &mut |_| true)?;
        inflater.begin(history);
        inflater.push(payload, history, &mut work, &mut emit)?;
        let ending = inflater.finish(history, &mut work, &mut emit)?;
        Ok((out, ending))
    }

    #[test]
    fn the_examples_of_rfc_7692_section_7_2_3() {
        let plain = Ending::default();
        let hello = |history: &mut History, payload: &[u8]| {
            assert_eq!(inflate(history, payload), Ok((b"Hello".to_vec(), plain)), "{payload:02x?}");
        };
        let mut history = History::default();
        // §7.2.3.1, then §7.2.3.2: the same message again, from the history.
        hello(&mut history, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
        hello(&mut history, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        // §7.2.3.3: no compression.
        hello(&mut history, &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]);
        // §7.2.3.4: BFINAL=1.
        hello(&mut history, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]);
        // §7.2.3.5: two blocks.
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        hello(&mut history, &two);
        // §7.2.3.6: an empty message.
        assert_eq!(inflate(&mut history, &[0x00]), Ok((Vec::new(), plain)));
    }

    #[test]
    fn a_reference_into_lost_history_is_an_error_and_not_zeros() {
        let repeated = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflate(&mut History::default(), &repeated), Err(InflateFault::TooFarBack));
    }

    #[test]
    fn the_unusual_endings_are_told() {
        let bare = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let (out, ending) = inflate(&mut History::default(), &bare).expect("it is DEFLATE");
        assert_eq!((out.as_slice(), ending.final_block_bare), (b"Hello".as_slice(), true));
        let left_on = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff];
        let mut history = History::default();
        let (_, ending) = inflate(&mut history, &left_on).expect("it is DEFLATE");
        assert!(ending.tail_left_on);
        let next = inflate(&mut history, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        assert_eq!(next.map(|(out, _)| out), Ok(b"Hello".to_vec()));
    }
    #[test]
    fn data_that_ends_inside_a_block_is_cut() {
        let cut = [0xf2, 0x48, 0xcd, 0xc9];
        assert_eq!(inflate(&mut History::default(), &cut), Err(InflateFault::Cut));
        let half_of_a_stored_block = [0x00, 0x25, 0x00, 0xda, 0xff, 0x48, 0x65];
        let result = inflate(&mut History::default(), &half_of_a_stored_block);
        assert_eq!(result, Err(InflateFault::Cut));
    }

    #[test]
    fn a_window_is_kept_beyond_a_final_block() {
        let mut history = History::default();
        let is_final = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        inflate(&mut history, &is_final).expect("it is DEFLATE");
        let next = inflate(&mut history, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        assert_eq!(next.map(|(out, _)| out), Ok(b"Hello".to_vec()));
    }

    #[test]
    fn a_history_is_the_last_window() {
        let mut history = History::default();
        let mut all = Vec::new();
        for (round, length) in [1, 7, 20_000, 12_760, 1, 40_000, 3, 32_768, 9].iter().enumerate() {
            let out: Vec<u8> = (0..*length).map(|at: usize| (at * 7 + round) as u8).collect();
            history.note(&out);
            all.extend(out);
            let expected = &all[all.len().saturating_sub(MAX_WINDOW)..];
            assert!(history.parts().concat() == expected, "after {round}");
        }
    }
}
