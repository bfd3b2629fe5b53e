//! UTF-8 across fragments (RFC 6455 §8.1, RFC 3629): checked as it streams by, failing at the
//! first byte after which no continuation could be valid.

use std::fmt;

/// Where and how a text stops being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utf8Fault {
    /// What is wrong.
    pub kind: Utf8FaultKind,
    /// The first byte at which the text can no longer become valid, counted from its start; for a
    /// text that ends too early, its length.
    pub offset: u64,
}

/// The ways in which bytes fail to be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Utf8FaultKind {
    /// A byte that cannot stand there: a lone continuation byte, or a sequence broken off.
    InvalidByte,
    /// A character in more bytes than it needs.
    Overlong,
    /// Half of a UTF-16 surrogate pair (U+D800 to U+DFFF).
    Surrogate,
    /// A code point above U+10FFFF.
    AboveMax,
    /// The text ends inside a character.
    Truncated,
}

impl fmt::Display for Utf8FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Utf8FaultKind::InvalidByte => "a byte that cannot stand there",
            Utf8FaultKind::Overlong => "an overlong encoding",
            Utf8FaultKind::Surrogate => "half of a UTF-16 surrogate pair",
            Utf8FaultKind::AboveMax => "a code point above U+10FFFF",
            Utf8FaultKind::Truncated => "the end in the middle of a character",
        })
    }
}

/// Checks a text that comes in pieces. Holds at most three bytes back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8Check {
    held: [u8; 4],
    held_length: u8,
    seen: u64,
    fault: Option<Utf8Fault>,
}

impl Utf8Check {
    /// The next piece. True if the text stops being UTF-8 in it.
    pub fn push(&mut self, mut piece: &[u8]) -> bool {
        if self.fault.is_some() {
            return false;
        }
        while self.held_length > 0 && self.fault.is_none() {
            let Some((&byte, rest)) = piece.split_first() else { return false };
            piece = rest;
            self.held[usize::from(self.held_length)] = byte;
            self.held_length += 1;
            let held = self.held;
            let held = &held[..usize::from(self.held_length)];
            match std::str::from_utf8(held) {
                Ok(_) => self.accept(held.len()),
                Err(error) if error.error_len().is_some() => self.fail(held),
                Err(_) => {}
            }
        }
        if self.fault.is_some() {
            return true;
        }
        if is_ascii(piece) {
            self.seen += piece.len() as u64;
            return false;
        }
        match std::str::from_utf8(piece) {
            Ok(_) => self.seen += piece.len() as u64,
            Err(error) => {
                self.seen += error.valid_up_to() as u64;
                let rest = &piece[error.valid_up_to()..];
                if error.error_len().is_some() {
                    self.fail(rest);
                } else {
                    self.held[..rest.len()].copy_from_slice(rest);
                    self.held_length = rest.len() as u8;
                }
            }
        }
        self.fault.is_some()
    }

    /// The end of the text: what was wrong with it, if anything.
    pub fn finish(&self) -> Option<Utf8Fault> {
        self.fault.or_else(|| {
            let length = u64::from(self.held_length);
            (length > 0)
                .then(|| Utf8Fault { kind: Utf8FaultKind::Truncated, offset: self.seen + length })
        })
    }

    /// True while the last piece ended inside a character.
    pub fn is_inside_character(&self) -> bool {
        self.held_length > 0 && self.fault.is_none()
    }

    fn accept(&mut self, length: usize) {
        self.seen += length as u64;
        self.held_length = 0;
    }

    fn fail(&mut self, sequence: &[u8]) {
        let (kind, at) = classify(sequence);
        self.fault = Some(Utf8Fault { kind, offset: self.seen + at });
        self.held_length = 0;
    }
}

/// Checks a whole text at once.
pub fn check(text: &[u8]) -> Option<Utf8Fault> {
    if is_ascii(text) || std::str::from_utf8(text).is_ok() {
        return None;
    }
    let mut check = Utf8Check::default();
    check.push(text);
    check.finish()
}

/// Most texts are ASCII. That of the standard library goes byte by byte over the end, which is half
/// of a text as short as most are; here the last block overlaps the one before it.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    const BLOCK: usize = 32;
    let Some(last) = text.last_chunk::<BLOCK>() else { return text.is_ascii() };
    let mut seen = *last;
    for block in text.as_chunks::<BLOCK>().0 {
        for (seen, byte) in seen.iter_mut().zip(block) {
            *seen |= byte;
        }
    }
    seen.iter().fold(0, |all, byte| all | byte) < 0x80
}

/// What is wrong with a sequence that is known to be invalid, and at which of its bytes.
fn classify(sequence: &[u8]) -> (Utf8FaultKind, u64) {
    use Utf8FaultKind::{AboveMax, InvalidByte, Overlong, Surrogate};
    match sequence {
        [0xC0 | 0xC1, ..] => (Overlong, 0),
        [0xF5..=0xFD, ..] => (AboveMax, 0),
        [0xFE | 0xFF, ..] => (InvalidByte, 0),
        [0xE0, 0x80..=0x9F, ..] | [0xF0, 0x80..=0x8F, ..] => (Overlong, 1),
        [0xED, 0xA0..=0xBF, ..] => (Surrogate, 1),
        [0xF4, 0x90..=0xBF, ..] => (AboveMax, 1),
        [0x80..=0xBF, ..] => (InvalidByte, 0),
        [_, rest @ ..] => {
            let good = rest.iter().take_while(|b| matches!(b, 0x80..=0xBF)).count();
            (InvalidByte, 1 + good as u64)
        }
        [] => (InvalidByte, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &[u8]) -> Option<(Utf8FaultKind, u64)> {
        check(text).map(|fault| (fault.kind, fault.offset))
    }

    #[test]
    fn each_kind_of_fault_is_named_at_the_byte_that_decides() {
        use Utf8FaultKind::*;
        assert_eq!(fault("κόσμε 🌍".as_bytes()), None);
        assert_eq!(fault(b"Hello \xff"), Some((InvalidByte, 6)));
        assert_eq!(fault(b"Hello \xf8"), Some((AboveMax, 6)));
        assert_eq!(fault(b"\xc0\xaf"), Some((Overlong, 0)));
        assert_eq!(fault(b"a\xe0\x9f\xbf"), Some((Overlong, 2)));
        assert_eq!(fault(b"\xed\xa0\xbd\xed\xb8\x80"), Some((Surrogate, 1)));
        assert_eq!(fault(b"\xf4\x90\x80\x80"), Some((AboveMax, 1)));
        assert_eq!(fault(b"ab\x80"), Some((InvalidByte, 2)));
        assert_eq!(fault(b"\xe2\x82a"), Some((InvalidByte, 2)));
        assert_eq!(fault(b"caf\xc3"), Some((Truncated, 4)));
    }

    #[test]
    fn cutting_a_text_anywhere_changes_nothing() {
        let texts: [&[u8]; 5] = [
            "héllo 🌍 wörld".as_bytes(),
            b"a\xf0\x9f\x98b",
            b"\xe2\x82",
            b"x\xc0\xaf",
            b"\xf4\x90\x80",
        ];
        for text in texts {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let mut cut = Utf8Check::default();
                    cut.push(&text[..first]);
                    cut.push(&text[first..second]);
                    cut.push(&text[second..]);
                    assert_eq!(cut.finish(), check(text), "{text:02x?} at {first}, {second}");
                }
            }
        }
    }
}
