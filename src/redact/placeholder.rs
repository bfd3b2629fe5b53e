//! What stands in place of a secret: `<cookie:1>`. Equal secrets have the same number wherever they
//! stand, so that a reader sees what is sent back or repeated. A number says nothing of the secret;
//! a hash would let short ones be guessed.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// More secrets than this are not told apart: their placeholders have no numbers.
const MAX_NUMBERED: usize = 1 << 16;

/// Shorter secrets have no room for a number.
const SHORTEST: usize = 3;

/// Numbers secrets in the order in which they are met. Keeps no secret, only keyed hashes.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    key: RandomState,
    numbers: HashMap<u64, usize>,
}

impl Placeholders {
    /// The placeholder of a secret of that kind, whatever the lengths of the two.
    pub(super) fn free(&mut self, kind: &str, secret: &[u8]) -> String {
        match self.number(secret) {
            Some(number) => format!("<{kind}:{number}>"),
            None => format!("<{kind}>"),
        }
    }

    /// Puts a placeholder in the place of a secret. It has exactly the length of the secret, so
    /// that everything behind it stays where it is: too long, it is cut down to its number, and
    /// then to stars; too short, it is filled up with stars.
    pub(super) fn fill(&mut self, kind: &str, place: &mut [u8]) {
        let room = place.iter().filter(|byte| !is_line_end(byte)).count();
        let number = if room < SHORTEST { None } else { self.number(place) };
        let Some(number) = number else { return write(place, "") };
        let (long, short) = (format!("<{kind}:{number}>"), format!("<{number}>"));
        let fitting = [long, short].into_iter().find(|text| text.len() <= room);
        write(place, &fitting.unwrap_or_default());
    }

    fn number(&mut self, secret: &[u8]) -> Option<usize> {
        let hash = self.key.hash_one(secret);
        let next = self.numbers.len() + 1;
        match self.numbers.get(&hash) {
            Some(number) => Some(*number),
            None if next > MAX_NUMBERED => None,
            None => Some(*self.numbers.entry(hash).or_insert(next)),
        }
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Line ends stay: a header that goes on in the next line still does.
fn write(place: &mut [u8], text: &str) {
    let mut letters = text.bytes();
    for byte in place.iter_mut().filter(|byte| !is_line_end(byte)) {
        *byte = letters.next().unwrap_or(b'*');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(placeholders: &mut Placeholders, secret: &str) -> String {
        let mut bytes = secret.as_bytes().to_vec();
        placeholders.fill("cookie", &mut bytes);
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn a_placeholder_is_as_long_as_its_secret_and_equal_for_equal_ones() {
        let mut placeholders = Placeholders::default();
        assert_eq!(filled(&mut placeholders, "session=0123"), "<cookie:1>**");
        assert_eq!(filled(&mut placeholders, "abcde"), "<2>**");
        assert_eq!(filled(&mut placeholders, "session=0123"), "<cookie:1>**");
        assert_eq!(filled(&mut placeholders, "ab"), "**");
        assert_eq!(filled(&mut placeholders, "abc\r\n defghi"), "<co\r\nokie:3>");
        assert_eq!(placeholders.free("payload", b"abcde"), "<payload:2>");
    }

    #[test]
    fn the_memory_for_secrets_is_bounded() {
        let mut placeholders = Placeholders::default();
        for secret in 0..MAX_NUMBERED + 10 {
            placeholders.free("payload", &secret.to_be_bytes());
        }
        assert_eq!(placeholders.numbers.len(), MAX_NUMBERED);
        assert_eq!(placeholders.free("payload", b"one more"), "<payload>");
        assert_eq!(filled(&mut placeholders, "yet another"), "***********");
    }
}
