//! The beginning of a message as it came, compressed: kept where it may be needed to tell why it
//! can't be inflated, and looked at only then.

use super::deflate::{Reference, TAIL, Tokens};
use super::message::Opening;

/// So much is kept. A reference that reaches too far stands within the first window of what comes
/// out, which takes hardly more on the wire.
const MAX_KEPT: usize = 64 * 1024;

/// The borders of so many fragments are kept.
const MAX_FRAMES: usize = 4096;

/// The compressed bytes of a message, and where its fragments end.
#[derive(Debug, Default)]
pub(super) struct Compressed {
    bytes: Vec<u8>,
    /// There were more.
    is_cut: bool,
    /// The frames, and where the bytes of each begin.
    frames: Vec<(u64, usize)>,
}

impl Compressed {
    /// Something to keep the message in, if how it is sent leaves room for the mistakes that only
    /// its bytes tell apart.
    pub(super) fn kept_for(opening: &Opening) -> Option<Box<Compressed>> {
        let compression = opening.form.compression?;
        (opening.fragmented || !compression.context_takeover).then(Box::default)
    }

    pub(super) fn begin_frame(&mut self, number: u64) {
        if self.frames.len() == MAX_FRAMES {
            self.is_cut = true;
        } else if !self.is_cut {
            self.frames.push((number, self.bytes.len()));
        }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        let taken = piece.len().min(MAX_KEPT - self.bytes.len());
        self.is_cut |= taken < piece.len();
        self.bytes.extend_from_slice(&piece[..taken]);
    }

    /// The reference that reaches farthest before the message, which is sound otherwise.
    pub(super) fn reference_before_message(&self) -> Option<Reference> {
        let mut tokens = Tokens::default();
        tokens.push(&self.bytes);
        let is_sound = !self.is_cut && tokens.finish(self.bytes.ends_with(&TAIL));
        tokens.before_start.filter(|_| is_sound)
    }

    /// The first frame behind which 00 00 ff ff is missing: with these bytes put back at the ends
    /// of fragments, the message is sound.
    pub(super) fn missing_tail(&self) -> Option<u64> {
        let mut missing = None;
        let mut tokens = Tokens::default();
        let ends = self.frames.iter().skip(1).map(|(_, start)| *start).chain([self.bytes.len()]);
        for ((number, start), end) in self.frames.iter().zip(ends) {
            tokens.push(&self.bytes[*start..end]);
            let is_last = end == self.bytes.len();
            if !is_last && tokens.awaits_length() && !is_length(&self.bytes[end..]) {
                tokens.push(&TAIL);
                missing = missing.or(Some(*number));
            }
        }
        let is_sound = !self.is_cut && tokens.finish(self.bytes.ends_with(&TAIL));
        missing.filter(|_| is_sound)
    }
}

/// True if the length of a stored block can begin so: two bytes, and their complement.
fn is_length(bytes: &[u8]) -> bool {
    let mut ahead = bytes.iter().chain(&TAIL);
    let mut next = || ahead.next().copied().unwrap_or_default();
    let [low, high, not_low, not_high] = [next(), next(), next(), next()];
    (low, high) == (!not_low, !not_high)
}
