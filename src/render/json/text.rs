//! Strings in JSON, fast, and harmless on a terminal: besides what JSON demands, characters that
//! move a cursor or turn text around are escaped, too. Readers get the same string back.

use super::page::{Page, Pen, WINDOW};
use crate::render::escape;
use std::io::{self, Write};

/// What a byte of UTF-8 asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nothing.
    Plain,
    /// An escape of two characters.
    Short,
    /// `\u` and a number.
    Long,
    /// A look at the whole character.
    Look,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => Class::Short,
            0..=0x1f | 0x7f => Class::Long,
            // The lead bytes under which the characters of `escape::is_harmful` live.
            0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xe3 | 0xee | 0xef | 0xf0 | 0xf3 | 0xf4 => Class::Look,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
}

/// The escape of each byte that has a short one.
static SHORT_ESCAPES: [[u8; 2]; 256] = {
    let mut escapes = [[0; 2]; 256];
    escapes[b'"' as usize] = *b"\\\"";
    escapes[b'\\' as usize] = *b"\\\\";
    escapes[b'\n' as usize] = *b"\\n";
    escapes[b'\r' as usize] = *b"\\r";
    escapes[b'\t' as usize] = *b"\\t";
    escapes
};

/// Bytes of text that fit into a window even if each becomes `\u0000`.
const PIECE: usize = (WINDOW - 64) / 6;

/// Writes `text`, which is UTF-8, as it stands inside of JSON quotes.
pub(super) fn push<W: Write>(page: &mut Page<W>, mut text: &[u8]) {
    while !text.is_empty() {
        let (piece, rest) = text.split_at(border_before(text, PIECE));
        page.write(|pen| push_piece(pen, piece));
        text = rest;
    }
}

/// Writes `text` like [`push`], wherever it goes.
pub(super) fn write(out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
    let is_plain = |byte: &u8| CLASSES[usize::from(*byte)] == Class::Plain;
    if text.as_bytes().iter().all(is_plain) {
        return out.write_all(text.as_bytes());
    }
    let mut window = [0; WINDOW];
    let mut text = text.as_bytes();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(border_before(text, PIECE));
        let mut pen = Pen::new(&mut window);
        push_piece(&mut pen, piece);
        let written = pen.at();
        out.write_all(&window[..written])?;
        text = rest;
    }
    Ok(())
}

/// The last border between two characters up to there.
#[inline]
fn border_before(text: &[u8], at: usize) -> usize {
    if text.len() <= at {
        return text.len();
    }
    let is_border = |at: &usize| text[*at] & 0xc0 != 0x80;
    (at - 3..=at).rev().find(is_border).unwrap_or(at)
}

fn push_piece(pen: &mut Pen<'_>, text: &[u8]) {
    let mut at = 0;
    while at < text.len() {
        at += pen.locally(|pen| push_common(pen, &text[at..]));
        at += push_rare(pen, &text[at..]);
    }
}

/// Plain ASCII and short escapes, up to the first byte that is neither; returns how many bytes
/// that was. Takes eight bytes at a time and looks at all of them at once.
#[inline(always)]
fn push_common(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let (pairs, last) = text.as_chunks::<16>();
    for (index, pair) in pairs.iter().enumerate() {
        let words = [0, 8].map(|at| word_at(pair, at));
        let odd = words.map(odd_bytes);
        if odd == [0, 0] {
            pen.words(pair);
            continue;
        }
        for half in [0, 1] {
            let pushed = push_word(pen, words[half], odd[half], 8);
            if pushed < 8 {
                return index * 16 + half * 8 + pushed;
            }
        }
    }
    let mut done = text.len() - last.len();
    while done < text.len() {
        let length = (text.len() - done).min(8);
        let word = word_at(text, done);
        let odd = odd_bytes(word) & (u64::MAX >> (64 - 8 * length));
        let pushed = push_word(pen, word, odd, length);
        done += pushed;
        if pushed < length {
            break;
        }
    }
    done
}

/// The bytes at that place, the first in the lowest byte; zeros behind the end.
#[inline(always)]
fn word_at(text: &[u8], at: usize) -> u64 {
    if let Some(word) = text[at..].first_chunk() {
        return u64::from_le_bytes(*word);
    }
    let missing = 8 - (text.len() - at);
    match text.last_chunk() {
        Some(word) => u64::from_le_bytes(*word) >> (8 * missing),
        None => text[at..].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// The first `length` bytes of a word, the first of them in its lowest byte, up to one that has no
/// short escape; returns how many bytes that was.
#[inline(always)]
fn push_word(pen: &mut Pen<'_>, mut word: u64, mut odd: u64, length: usize) -> usize {
    let mut done = 0;
    while odd != 0 {
        let plain = odd.trailing_zeros() as usize / 8;
        pen.start(&word.to_le_bytes(), plain);
        word >>= 8 * plain;
        done += plain;
        let short = &SHORT_ESCAPES[word as usize & 0xff];
        if *short == [0, 0] {
            return done;
        }
        pen.words(short);
        done += 1;
        word >>= 8;
        // In two steps, because they may be 64 bits.
        odd = odd >> (8 * plain) >> 8;
    }
    pen.start(&word.to_le_bytes(), length - done);
    length
}

/// The highest bit of each byte that is not plain ASCII: below a space, `"`, `\`, DEL, or above.
/// All sums stay within their byte.
#[inline(always)]
fn odd_bytes(word: u64) -> u64 {
    let low = word & every(0x7f);
    let from_space_on = low + every(0x80 - b' ');
    let not_quote = (low ^ every(b'"')) + every(0x7f);
    let not_backslash = (low ^ every(b'\\')) + every(0x7f);
    let delete = low + every(0x80 - 0x7f);
    (!(from_space_on & not_quote & not_backslash) | delete | word) & every(0x80)
}

const fn every(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// A control character, or all characters up to the next in ASCII. Returns how many bytes that was.
#[inline(never)]
fn push_rare(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match CLASSES[usize::from(byte)] {
            Class::Plain if byte < 0x80 => break,
            Class::Short => break,
            Class::Plain => pen.words(&[byte]),
            Class::Long => push_unit(pen, u16::from(byte)),
            Class::Look => {
                at += push_character(pen, &text[at..]);
                continue;
            }
        }
        at += 1;
    }
    at
}

/// A character that may be harmful.
fn push_character(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let length = match text[0] {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    };
    let bytes = text.get(..length).unwrap_or(text);
    let character = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next());
    match character.filter(|&c| escape::is_harmful(c)) {
        Some(c) => c.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| push_unit(pen, unit)),
        None => pen.piece(bytes),
    }
    bytes.len()
}

fn push_unit(pen: &mut Pen<'_>, unit: u16) {
    pen.words(b"\\u");
    pen.hex(&unit.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut page = Page::new(Vec::new());
        push(&mut page, text.as_bytes());
        let written = page.finish().expect("memory takes everything");
        format!("\"{}\"", String::from_utf8(written).expect("escapes keep UTF-8"))
    }

    proptest! {
        #[test]
        fn a_reader_gets_the_same_string_back(text in ".*", prefix in "[a-z]{0,70}") {
            let text = prefix + &text;
            let read: String = serde_json::from_str(&quoted(&text)).expect("it is JSON");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn a_long_string_comes_back_whole(text in "[a\"é\u{202e}🌍]{0,9}", times in 0..2000usize) {
            let text = text.repeat(times);
            let read: String = serde_json::from_str(&quoted(&text)).expect("it is JSON");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn nothing_harmful_comes_through(text in proptest::collection::vec(any::<char>(), 0..80)) {
            let text: String = text.into_iter().collect();
            prop_assert!(!quoted(&text).chars().any(escape::is_harmful));
        }

        #[test]
        fn eight_bytes_are_looked_at_like_each(bytes: [u8; 8]) {
            let odd = odd_bytes(u64::from_le_bytes(bytes)).to_le_bytes();
            let expected = bytes.map(|byte| {
                let is_plain = byte < 0x80 && CLASSES[usize::from(byte)] == Class::Plain;
                if is_plain { 0 } else { 0x80 }
            });
            prop_assert_eq!(odd, expected);
        }
    }

    #[test]
    fn every_harmful_character_is_found() {
        for c in ('\0'..=char::MAX).filter(|&c| escape::is_harmful(c)) {
            assert!(quoted(&c.to_string()).is_ascii(), "{c:?}");
        }
    }
}
