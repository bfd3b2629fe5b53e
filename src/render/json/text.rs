//! Strings in JSON, fast, and harmless on a terminal: besides what JSON demands, characters that
//! move a cursor or turn text around are escaped, too. Readers get the same string back.

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

/// Bytes of text that fit into a window even if each becomes `\u0000`.
const PIECE: usize = (WINDOW - 64) / 6;

/// Writes `text` with the quotes around it.
pub(super) fn push_quoted<W: Write>(page: &mut Page<W>, text: &str) {
    if text.len() > LANE {
        page.write(|pen| pen.words(b"\""));
        push(page, text.as_bytes());
        return page.write(|pen| pen.words(b"\""));
    }
    // Most strings are short.
    page.write(|pen| {
        pen.words(b"\"");
        push_short(pen, text.as_bytes());
        pen.words(b"\"");
    });
}

/// No more than a lane; mostly plain.
fn push_short(pen: &mut Pen<'_>, text: &[u8]) {
    let mut lane = [0; LANE];
    lane[..text.len()].copy_from_slice(text);
    let odd = Odd::of_lane(&lane);
    if (odd.quotes | odd.others) & ((1 << text.len()) - 1) == 0 {
        pen.start(&lane, text.len());
    } else {
        push_piece(pen, text);
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

fn push_piece(pen: &mut Pen<'_>, text: &[u8]) {
    let mut at = 0;
    while at < text.len() {
        at += pen.locally(|pen| push_common(pen, &text[at..]));
        at += push_rare(pen, &text[at..]);
    }
}

/// How many bytes are compared by one instruction, and how many are looked at together.
const LANE: usize = 16;
const BLOCK: usize = 4 * LANE;

/// Plain ASCII, quotes and backslashes, up to the first byte that is none of them; returns how many
/// bytes that was.
#[inline(always)]
fn push_common(pen: &mut Pen<'_>, text: &[u8]) -> usize {
    let mut done = 0;
    while done < text.len() {
        let rest = &text[done..];
        let there = rest.len().min(BLOCK);
        // Room for copies of whole lanes.
        let mut block = [0; BLOCK + LANE];
        match rest.first_chunk::<BLOCK>() {
            Some(whole) => block[..BLOCK].copy_from_slice(whole),
            None => block[..there].copy_from_slice(rest),
        }
        let odd = Odd::of(&block);
        let plain = odd.others.trailing_zeros() as usize;
        let length = plain.min(there);
        pen.within(|room| escape_block(&block, length, odd.quotes, room));
        done += length;
        if length < there {
            break;
        }
    }
    done
}

/// Copies the first `length` bytes, with a backslash before each that `quotes` has a bit for, and
/// returns how many that makes. Always copies whole lanes: what is too much is written over.
#[inline(always)]
fn escape_block(
    bytes: &[u8; BLOCK + LANE],
    length: usize,
    mut quotes: u64,
    room: &mut [u8; 2 * BLOCK + LANE],
) -> usize {
    let (mut from, mut to) = (0, 0);
    quotes &= 1u64.checked_shl(length as u32).map_or(u64::MAX, |bit| bit - 1);
    while quotes != 0 {
        let quote = quotes.trailing_zeros() as usize;
        to = copy_lanes(bytes, from..quote, room, to);
        room[to % (2 * BLOCK)] = b'\\';
        (from, to) = (quote, to + 1);
        quotes &= quotes - 1;
    }
    copy_lanes(bytes, from..length, room, to)
}

/// Copies this range to there, and returns where that ends. One lane at least: most runs are short.
#[inline(always)]
fn copy_lanes(
    bytes: &[u8; BLOCK + LANE],
    run: Range<usize>,
    room: &mut [u8; 2 * BLOCK + LANE],
    to: usize,
) -> usize {
    let mut lane = 0;
    loop {
        // The remainders change nothing, but show the compiler that all of this is in bounds.
        let from = &bytes[(run.start + lane) % BLOCK..][..LANE];
        room[(to + lane) % (2 * BLOCK)..][..LANE].copy_from_slice(from);
        lane += LANE;
        if run.start + lane >= run.end {
            return to + run.end - run.start;
        }
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
    fn of(bytes: &[u8; BLOCK + LANE]) -> Odd {
        let mut odd = Odd { quotes: 0, others: 0 };
        for (number, lane) in bytes.as_chunks().0[..BLOCK / LANE].iter().enumerate() {
            let lane = Odd::of_lane(lane);
            odd.quotes |= lane.quotes << (number * LANE);
            odd.others |= lane.others << (number * LANE);
        }
        odd
    }

    #[inline(always)]
    fn of_lane(bytes: &[u8; LANE]) -> Odd {
        let bytes = i8x16::new(bytes.map(|byte| byte as i8));
        let quotes =
            bytes.simd_eq(i8x16::splat(b'"' as i8)) | bytes.simd_eq(i8x16::splat(b'\\' as i8));
        // One more, as a signed number: DEL and all that is not ASCII are negative or zero.
        let others = (bytes + i8x16::splat(1)).simd_lt(i8x16::splat(b' ' as i8 + 1));
        Odd { quotes: quotes.to_bitmask().into(), others: others.to_bitmask().into() }
    }
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
        fn bytes_together_are_looked_at_like_each(bytes: [u8; BLOCK + LANE]) {
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
