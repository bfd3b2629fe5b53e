//! Strings in JSON, fast, and harmless on a terminal: besides what JSON demands, characters that
//! move a cursor or turn text around are escaped, too. Readers get the same string back.

#[cfg(target_arch = "x86_64")]
mod shuffle;

use super::page::{Page, Pen, WINDOW};
use crate::render::escape;
use std::io::Write;
use std::ops::Range;
use wide::i8x16;

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

/// Bytes of text that fit into a window even if each becomes `\u0000`; and a block more, because
/// whole lanes are written.
pub(super) const PIECE: usize = (WINDOW - 3 * BLOCK) / 6;

/// Writes `text` with the quotes around it.
pub(super) fn push_quoted<W: Write>(page: &mut Page<W>, text: &str) {
    if !push_if_plain(page, text.as_bytes()) {
        push_escaped(page, text);
    }
}

/// Writes bytes with the quotes around them; what is not UTF-8 is replaced.
pub(super) fn push_lossy<W: Write>(page: &mut Page<W>, bytes: &[u8]) {
    if !push_if_plain(page, bytes) {
        push_escaped(page, &String::from_utf8_lossy(bytes));
    }
}

fn push_escaped<W: Write>(page: &mut Page<W>, text: &str) {
    page.write(|pen| pen.words(b"\""));
    push(page, text.as_bytes());
    page.write(|pen| pen.words(b"\""));
}

/// Writes words, which are UTF-8 and mostly plain, as they stand inside of JSON quotes.
pub(super) fn push_words<W: Write>(page: &mut Page<W>, words: &str) {
    let words = words.as_bytes();
    match words.len() <= PIECE && is_plain(words) {
        true => page.write(|pen| pen.piece(words)),
        false => push(page, words),
    }
}

/// Writes a text in one go, with the quotes around it, if every byte stands for itself: most do.
fn push_if_plain<W: Write>(page: &mut Page<W>, text: &[u8]) -> bool {
    let is_plain = text.len() <= PIECE && is_plain(text);
    if is_plain {
        page.write(|pen| {
            pen.words(b"\"");
            pen.piece(text);
            pen.words(b"\"");
        });
    }
    is_plain
}

fn is_plain(text: &[u8]) -> bool {
    let odd = |lane: &[u8; LANE]| {
        let Lane { quotes, others } = Lane::of(lane);
        quotes | others
    };
    match text.last_chunk() {
        Some(last) => {
            bits(text.as_chunks().0.iter().fold(odd(last), |any, lane| any | odd(lane))) == 0
        }
        None => {
            text.iter().all(|&byte| byte.is_ascii() && CLASSES[usize::from(byte)] == Class::Plain)
        }
    }
}

/// Writes `text`, which is UTF-8, as it stands inside of JSON quotes.
pub(super) fn push<W: Write>(page: &mut Page<W>, mut text: &[u8]) {
    while !text.is_empty() {
        let (piece, rest) = text.split_at(border_before(text, PIECE));
        page.write(|pen| push_piece(pen, piece));
        text = rest;
    }
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

/// Writes a text of [`PIECE`] bytes at most in the same way.
pub(super) fn push_piece(pen: &mut Pen<'_>, text: &[u8]) {
    let mut at = 0;
    while at < text.len() {
        at += push_common(pen, &text[at..]);
        if at < text.len() {
            at += push_rare(pen, &text[at..]);
        }
    }
}

/// Plain ASCII, quotes and backslashes, up to the first byte that is none of them; returns how many
/// bytes that was.
#[inline(always)]
#[allow(unsafe_code)]
fn push_common(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if shuffle::is_possible() {
        // SAFETY: all that a machine must have for it is what was just asked for.
        return unsafe { shuffle::push_common(pen, text) };
    }
    pen.locally(|pen| push_common_anywhere(pen, text))
}

/// How many bytes are compared by one instruction, and how many are looked at together.
const LANE: usize = 16;
const BLOCK: usize = 4 * LANE;

/// A block and room behind it, so that whole lanes can be copied from anywhere in it.
type Block = [u8; BLOCK + LANE];

/// The same on a machine of any kind.
fn push_common_anywhere(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let mut done = 0;
    while let Some(block) = text[done..].first_chunk::<{ BLOCK + LANE }>() {
        let length = push_block(pen, block, BLOCK);
        done += length;
        if length < BLOCK {
            return done;
        }
    }
    while done < text.len() {
        let rest = &text[done..];
        let there = rest.len().min(BLOCK);
        let mut block = [0; BLOCK + LANE];
        block[..there].copy_from_slice(&rest[..there]);
        let length = push_block(pen, &block, there);
        done += length;
        if length < there {
            break;
        }
    }
    done
}

/// The same for the first `there` bytes of a block.
#[inline(always)]
fn push_block(pen: &mut Pen<'_>, block: &Block, there: usize) -> usize {
    let odd = Odd::of(block);
    let length = (odd.others.trailing_zeros() as usize).min(there);
    pen.within(|room| escape_block(block, length, odd.quotes, room));
    length
}

/// Copies the first `length` bytes, with a backslash before each that `quotes` has a bit for, and
/// returns how many that makes. Always copies whole lanes: what is too much is written over.
#[inline(always)]
fn escape_block(
    block: &Block,
    length: usize,
    mut quotes: u64,
    room: &mut [u8; 2 * BLOCK + LANE],
) -> usize {
    quotes &= 1u64.checked_shl(length as u32).map_or(u64::MAX, |bit| bit - 1);
    // Each quote moves what comes behind it by one more.
    let (mut from, mut moved) = (0, 0);
    while quotes != 0 {
        let quote = quotes.trailing_zeros() as usize;
        copy_lanes(block, from..quote, room, moved);
        room[(quote + moved) % (2 * BLOCK)] = b'\\';
        (from, moved) = (quote, moved + 1);
        quotes &= quotes - 1;
    }
    copy_lanes(block, from..length, room, moved);
    length + moved
}

/// Copies this range to where it belongs, so many bytes further. One lane at least: most runs are
/// short.
#[inline(always)]
fn copy_lanes(block: &Block, run: Range<usize>, room: &mut [u8; 2 * BLOCK + LANE], moved: usize) {
    // The remainders change nothing, but show the compiler that all of this is in bounds.
    let mut copy = |from: usize| {
        let lane = &block[from % BLOCK..][..LANE];
        room[(from + moved) % (2 * BLOCK)..][..LANE].copy_from_slice(lane);
    };
    copy(run.start);
    let mut next = run.start + LANE;
    while next < run.end {
        copy(next);
        next += LANE;
    }
}

/// Which bytes of a block do not stand for themselves: a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Odd {
    /// `"` and `\`.
    quotes: u64,
    /// Control characters, and whatever is not ASCII.
    others: u64,
}

impl Odd {
    /// Looks at all whole lanes but the last.
    #[inline(always)]
    fn of(block: &Block) -> Odd {
        let mut odd = Odd { quotes: 0, others: 0 };
        let mut any_other = i8x16::ZERO;
        let lanes = block.as_chunks().0[..BLOCK / LANE].iter().map(Lane::of);
        for (number, lane) in lanes.clone().enumerate() {
            odd.quotes |= bits(lane.quotes) << (number * LANE);
            any_other |= lane.others;
        }
        // Most text has none.
        if bits(any_other) != 0 {
            for (number, lane) in lanes.enumerate() {
                odd.others |= bits(lane.others) << (number * LANE);
            }
        }
        odd
    }
}

/// The same of one lane, with all bits of a byte set.
struct Lane {
    quotes: i8x16,
    others: i8x16,
}

impl Lane {
    #[inline(always)]
    fn of(bytes: &[u8; LANE]) -> Lane {
        let bytes = i8x16::new(bytes.map(|byte| byte as i8));
        let quotes =
            bytes.simd_eq(i8x16::splat(b'"' as i8)) | bytes.simd_eq(i8x16::splat(b'\\' as i8));
        // One more, as a signed number: DEL and all that is not ASCII are negative or zero.
        let others = (bytes + i8x16::splat(1)).simd_lt(i8x16::splat(b' ' as i8 + 1));
        Lane { quotes, others }
    }
}

#[inline(always)]
fn bits(lane: i8x16) -> u64 {
    lane.to_bitmask().into()
}

/// Control characters, and all others up to the next in ASCII; returns how many bytes that was.
#[inline(never)]
fn push_rare(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match CLASSES[usize::from(byte)] {
            Class::Plain if byte < 0x80 => break,
            Class::Short if matches!(byte, b'"' | b'\\') => break,
            Class::Short => pen.words(&SHORT_ESCAPES[usize::from(byte)]),
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
        fn every_machine_writes_the_same(text in "[a\"\\\\\n\u{7f}é]{0,100}") {
            let mut page = Page::new(Vec::new());
            let mut done = [0; 2];
            page.write(|pen| done[0] = push_common(pen, text.as_bytes()));
            let first = page.finish().expect("memory takes everything");
            let mut page = Page::new(Vec::new());
            page.write(|pen| done[1] = push_common_anywhere(pen, text.as_bytes()));
            prop_assert_eq!(first, page.finish().expect("memory takes everything"));
            prop_assert_eq!(done[0], done[1]);
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
        fn bytes_together_are_looked_at_like_each(bytes: Block) {
            let odd = Odd::of(&bytes);
            for (at, byte) in bytes[..BLOCK].iter().copied().enumerate() {
                let is_quote = matches!(byte, b'"' | b'\\');
                let is_other = byte >= 0x80 || CLASSES[usize::from(byte)] != Class::Plain;
                prop_assert_eq!(odd.quotes >> at & 1 == 1, is_quote);
                prop_assert_eq!(odd.others >> at & 1 == 1, is_other && !is_quote);
            }
        }
    }

    #[test]
    fn every_harmful_character_is_found() {
        for c in ('\0'..=char::MAX).filter(|&c| escape::is_harmful(c)) {
            assert!(quoted(&c.to_string()).is_ascii(), "{c:?}");
        }
    }
}
