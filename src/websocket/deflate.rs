//! Inflating compressed messages (RFC 7692 §7.2.2): as a stream, never past a cap.

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
}

impl History {
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

/// Inflates one message after another, each behind its own direction's [`History`]. About 47 KiB,
/// which all directions share: to copy a window in order takes a fraction of the time in which the
/// back-references of a message would find it scattered, outside of the cache.
pub struct Inflater {
    stream: Decompress,
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
        Inflater { stream: Decompress::new(false), last: [1; 4], ended: false }
    }
}

impl Inflater {
    /// Begins a message of a direction.
    pub fn begin(&mut self, history: &History) {
        self.last = [1; 4];
        self.begin_stream(history);
    }

    fn begin_stream(&mut self, history: &History) {
        self.stream.reset(false);
        self.ended = false;
        for part in history.parts().into_iter().filter(|part| !part.is_empty()) {
            let result = self.stream.set_dictionary(part);
            debug_assert!(result.is_ok(), "raw DEFLATE takes any dictionary: {result:?}");
        }
    }

    /// Inflates the next piece of a message into `work`, as often as it takes, and hands out what
    /// comes. `emit` returns false to stop at a cap.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        history: &mut History,
        work: &mut [u8],
        emit: &mut dyn FnMut(&[u8]) -> bool,
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
        emit: &mut dyn FnMut(&[u8]) -> bool,
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
        emit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<usize, InflateFault> {
        let start = self.stream.total_in();
        loop {
            let taken = (self.stream.total_in() - start) as usize;
            let before = self.stream.total_out();
            let status = self.stream.decompress(&input[taken..], work, FlushDecompress::Sync);
            let produced = (self.stream.total_out() - before) as usize;
            history.note(&work[..produced]);
            if produced > 0 && !emit(&work[..produced]) {
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

/// Whether this may be a compressed message, whatever its window holds: DEFLATE blocks to the last
/// bit, the last of them not final, as hardly anybody sends one.
pub(super) fn has_form(payload: &[u8]) -> bool {
    const ENOUGH: usize = 1 << 20;
    let mut history = History { bytes: vec![0; MAX_WINDOW], oldest: 0 };
    let mut inflater = Inflater::default();
    inflater.begin(&history);
    let mut out = 0;
    let mut within = |bytes: &[u8]| {
        out += bytes.len();
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

    /// The direction's next message, with an inflater that another direction used before.
    fn inflate(history: &mut History, payload: &[u8]) -> Result<(Vec<u8>, Ending), InflateFault> {
        let mut out = Vec::new();
        let mut work = [0; 7];
        let mut emit = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
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
