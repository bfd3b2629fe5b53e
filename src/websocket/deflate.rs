//! Inflating compressed messages (RFC 7692 §7.2.2): as a stream, never past a cap.

mod huffman;
mod tokens;

pub use tokens::Reference;
pub(super) use tokens::Tokens;

use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;

/// What the sender removed from the end of each message (RFC 7692 §7.2.1).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The largest LZ77 window: once that much good data came out, no earlier byte matters any more.
pub const MAX_WINDOW: u64 = 1 << MAX_WINDOW_BITS;

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
    /// More came out than the cap allows; the rest was not inflated.
    TooBig,
}

impl fmt::Display for InflateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InflateFault::Invalid => "the bytes are not DEFLATE data",
            InflateFault::TooFarBack => "a back-reference reaches before the known history",
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

/// One direction's inflater. About 47 KiB: made for the first compressed message, freed at close.
pub struct Inflater {
    stream: Box<Decompress>,
    /// Bytes that came out since the history was last empty.
    known: u64,
    last: [u8; 4],
    ended: bool,
    forgot: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater {
            stream: Box::new(Decompress::new(false)),
            known: 0,
            last: [1; 4],
            ended: false,
            forgot: false,
        }
    }
}

impl Inflater {
    /// Forgets all history.
    pub fn reset(&mut self) {
        self.stream.reset(false);
        self.known = 0;
        self.last = [1; 4];
        self.ended = false;
        self.forgot = false;
    }

    /// A final block ended the stream and a new one began. The window was lost with it, although
    /// the sender may go on referring to it (RFC 7692 §7.2.3.4 does not forbid that).
    pub fn forgot(&self) -> bool {
        self.forgot && self.known < MAX_WINDOW
    }

    fn begin_new_stream(&mut self) {
        self.stream.reset(false);
        self.ended = false;
        self.known = 0;
        self.forgot = true;
    }

    /// How many bytes of history are known.
    pub fn known_history(&self) -> u64 {
        self.known
    }

    /// Inflates the next piece of a message into `work`, as often as it takes, and hands out what
    /// comes. `emit` returns false to stop at a cap.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        work: &mut [u8],
        mut emit: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), InflateFault> {
        self.remember_last(piece);
        while !piece.is_empty() {
            if self.ended {
                // A block after a final one begins a new stream (RFC 7692 §7.2.3.4).
                self.begin_new_stream();
            }
            let taken = self.inflate(piece, work, &mut emit)?;
            piece = &piece[taken..];
        }
        Ok(())
    }

    /// The end of a message: puts the tail back that the sender removed.
    pub fn finish(
        &mut self,
        work: &mut [u8],
        mut emit: impl FnMut(&[u8]) -> bool,
    ) -> Result<Ending, InflateFault> {
        let ending = Ending { final_block_bare: self.ended, tail_left_on: self.last == TAIL };
        self.last = [1; 4];
        // With the tail still there the stream is already at its end; a second one would be read
        // as the beginning of a stored block and spoil the next message.
        if !ending.final_block_bare && !ending.tail_left_on {
            self.inflate(&TAIL, work, &mut emit)?;
        }
        if self.ended {
            self.begin_new_stream();
        }
        Ok(ending)
    }

    /// Inflates until all of `input` is taken or a final block ended; returns how much was taken.
    fn inflate(
        &mut self,
        input: &[u8],
        work: &mut [u8],
        emit: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<usize, InflateFault> {
        let start = self.stream.total_in();
        loop {
            let taken = (self.stream.total_in() - start) as usize;
            let before = self.stream.total_out();
            let status = self.stream.decompress(&input[taken..], work, FlushDecompress::Sync);
            let produced = (self.stream.total_out() - before) as usize;
            self.known += produced as u64;
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
                Err(error) => return Err(fault(&error, self.known)),
            }
        }
    }

    fn remember_last(&mut self, piece: &[u8]) {
        let kept = piece.len().min(4);
        self.last.copy_within(kept.., 0);
        self.last[4 - kept..].copy_from_slice(&piece[piece.len() - kept..]);
    }
}

/// What an error of the inflater means, after so many bytes of history. Its fast loop, which runs
/// where enough bytes lie in one piece, hides which code it could not follow behind "bad state"
/// (zlib-rs 0.6). While the history is shorter than a window such a code is nearly always a
/// back-reference too far, so all of its errors count as that: the same however bytes were cut.
fn fault(error: &flate2::DecompressError, known: u64) -> InflateFault {
    const CODES: [&str; 4] =
        ["too far back", "invalid distance code", "invalid literal/length code", "bad state"];
    let message = error.message().unwrap_or_default();
    let is_code = CODES.iter().any(|code| message.contains(code));
    if is_code && known < MAX_WINDOW { InflateFault::TooFarBack } else { InflateFault::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(inflater: &mut Inflater, payload: &[u8]) -> Result<(Vec<u8>, Ending), InflateFault> {
        let mut out = Vec::new();
        let mut work = [0; 7];
        let mut emit = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            true
        };
        inflater.push(payload, &mut work, &mut emit)?;
        let ending = inflater.finish(&mut work, &mut emit)?;
        Ok((out, ending))
    }

    #[test]
    fn the_examples_of_rfc_7692_section_7_2_3() {
        let plain = Ending::default();
        let hello = |inflater: &mut Inflater, payload: &[u8]| {
            assert_eq!(
                inflate(inflater, payload),
                Ok((b"Hello".to_vec(), plain)),
                "{payload:02x?}"
            );
        };
        let mut inflater = Inflater::default();
        // §7.2.3.1, then §7.2.3.2: the same message again, from the history.
        hello(&mut inflater, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
        hello(&mut inflater, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        // §7.2.3.3: no compression.
        hello(&mut inflater, &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]);
        // §7.2.3.4: BFINAL=1.
        hello(&mut inflater, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]);
        // §7.2.3.5: two blocks.
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        hello(&mut inflater, &two);
        // §7.2.3.6: an empty message.
        assert_eq!(inflate(&mut inflater, &[0x00]), Ok((Vec::new(), plain)));
    }

    #[test]
    fn a_reference_into_lost_history_is_an_error_and_not_zeros() {
        let repeated = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflate(&mut Inflater::default(), &repeated), Err(InflateFault::TooFarBack));
    }

    #[test]
    fn the_unusual_endings_are_told() {
        let bare = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let (out, ending) = inflate(&mut Inflater::default(), &bare).expect("it is DEFLATE");
        assert_eq!((out.as_slice(), ending.final_block_bare), (b"Hello".as_slice(), true));
        let left_on = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff];
        let mut inflater = Inflater::default();
        let (_, ending) = inflate(&mut inflater, &left_on).expect("it is DEFLATE");
        assert!(ending.tail_left_on);
        let next = inflate(&mut inflater, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        assert_eq!(next.map(|(out, _)| out), Ok(b"Hello".to_vec()));
    }
}
