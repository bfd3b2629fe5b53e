//! Where lines are written before they leave: one buffer of fixed size. A [`Pen`] writes into a
//! window of it, by an index into an array: no call and no growing for a handful of bytes.

use std::io::{self, Write};

/// Bytes that are gathered before they leave.
const FULL: usize = 64 * 1024;

/// What one pen has room for.
pub(super) const WINDOW: usize = 8 * 1024;

/// The buffer and where it goes.
pub(super) struct Page<W: Write> {
    out: W,
    bytes: Box<[u8]>,
    used: usize,
    /// The first failure; nothing is written after it.
    error: Option<io::Error>,
}

impl<W: Write> Page<W> {
    pub(super) fn new(out: W) -> Page<W> {
        Page { out, bytes: vec![0; FULL + WINDOW].into(), used: 0, error: None }
    }

    /// Writes into the next [`WINDOW`] bytes.
    #[inline(always)]
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Pen<'_>)) {
        if self.used > FULL {
            self.send();
        }
        let window = self.bytes[self.used..].first_chunk_mut().expect("a window behind FULL");
        let mut pen = Pen { window, at: 0 };
        write(&mut pen);
        self.used += pen.at;
    }

    /// Sends off what was gathered.
    #[cold]
    pub(super) fn send(&mut self) {
        if self.error.is_none()
            && let Err(error) = self.out.write_all(&self.bytes[..self.used])
        {
            self.error = Some(error);
        }
        self.used = 0;
    }

    /// Sends off everything, as far as the reader.
    pub(super) fn flush(&mut self) {
        self.send();
        if self.error.is_none()
            && let Err(error) = self.out.flush()
        {
            self.error = Some(error);
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush();
        self.error.map_or(Ok(self.out), Err)
    }
}

/// For records that are not written by hand.
impl<W: Write> Write for Page<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.chunks(WINDOW) {
            Page::write(self, |pen| pen.piece(piece));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes into a window. To write past its end is a mistake in this program, and stops it.
pub(super) struct Pen<'a> {
    window: &'a mut [u8; WINDOW],
    at: usize,
}

impl Pen<'_> {
    /// Writes with a copy of this pen that nothing else points to, so that it stays in registers.
    #[inline(always)]
    pub(super) fn locally<R>(&mut self, write: impl FnOnce(&mut Pen<'_>) -> R) -> R {
        let mut pen = Pen { window: self.window, at: self.at };
        let result = write(&mut pen);
        self.at = pen.at;
        result
    }

    /// Words that never change.
    #[inline(always)]
    pub(super) fn words<const N: usize>(&mut self, words: &[u8; N]) {
        self.start(words, N);
    }

    /// The first `length` of some bytes. Copying a fixed number of them takes a few instructions,
    /// where copying just the right number takes a call.
    #[inline(always)]
    pub(super) fn start<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        assert!(self.at <= WINDOW - N);
        self.window[self.at..self.at + N].copy_from_slice(bytes);
        self.at += length;
    }

    /// Something made once and written often.
    #[inline(always)]
    pub(super) fn stamp<const N: usize>(&mut self, stamp: &Stamp<N>) {
        self.start(&stamp.bytes, stamp.length);
    }

    /// How much it has written.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Forgets what it has written behind that position.
    #[inline(always)]
    pub(super) fn back_to(&mut self, position: usize) {
        self.at = self.at.min(position);
    }

    /// Keeps what it has written since that position, if there is room for it.
    #[inline(always)]
    pub(super) fn keep<const N: usize>(&self, start: usize, stamp: &mut Stamp<N>) {
        stamp.length = 0;
        let length = self.at - start;
        if let Some(bytes) = self.window[start..].first_chunk()
            && length <= N
        {
            *stamp = Stamp { bytes: *bytes, length };
        }
    }

    /// Bytes of any number.
    #[inline(always)]
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        self.window[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// What `fill` writes into the next `N` bytes, which says how long it is.
    #[inline(always)]
    pub(super) fn within<const N: usize>(&mut self, fill: impl FnOnce(&mut [u8; N]) -> usize) {
        let room = self.window[self.at..].first_chunk_mut().expect("a pen writes less");
        self.at += fill(room);
    }

    /// What `fill` writes, which says how long it is.
    pub(super) fn filled_by(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) {
        self.at += fill(&mut self.window[self.at..]);
    }

    /// `true` or `false`.
    #[inline(always)]
    pub(super) fn bool(&mut self, value: bool) {
        if value { self.words(b"true") } else { self.words(b"false") }
    }

    /// A number in decimal.
    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) {
        match number {
            0..1_000 => self.first_digits(number),
            1_000..1_000_000 => {
                self.first_digits(number / 1_000);
                self.three_digits(number);
            }
            1_000_000..1_000_000_000 => {
                self.first_digits(number / 1_000_000);
                self.three_digits(number / 1_000);
                self.three_digits(number);
            }
            _ => self.piece(itoa::Buffer::new().format(number).as_bytes()),
        }
    }

    /// A number below 10⁹ in nine digits.
    #[inline(always)]
    pub(super) fn nine_digits(&mut self, number: u64) {
        self.three_digits(number / 1_000_000);
        self.three_digits(number / 1_000);
        self.three_digits(number);
    }

    /// A number below 1,000 without zeros in front.
    #[inline(always)]
    fn first_digits(&mut self, number: u64) {
        let digits = &FIRST_DIGITS[number as usize % 1_000];
        self.start(digits, usize::from(digits[3]));
    }

    /// The last three digits of a number.
    #[inline(always)]
    fn three_digits(&mut self, number: u64) {
        self.start(&THREE_DIGITS[(number % 1_000) as usize], 3);
    }

    /// Bytes in hexadecimal.
    #[inline(always)]
    pub(super) fn hex(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.words(&HEX[usize::from(*byte)]);
        }
    }
}

/// The numbers up to 999 in three digits.
static THREE_DIGITS: [[u8; 4]; 1_000] = {
    let mut table = [[b'0'; 4]; 1_000];
    let mut number = 0;
    while number < 1_000 {
        let digits = [number / 100, number / 10 % 10, number % 10];
        table[number] = [digit(digits[0]), digit(digits[1]), digit(digits[2]), 0];
        number += 1;
    }
    table
};

/// The numbers up to 999 without zeros in front, and how many digits those are.
static FIRST_DIGITS: [[u8; 4]; 1_000] = {
    let mut table = [[0; 4]; 1_000];
    let mut number = 0;
    while number < 1_000 {
        let [a, b, c, _] = THREE_DIGITS[number];
        table[number] = match number {
            0..10 => [c, 0, 0, 1],
            10..100 => [b, c, 0, 2],
            _ => [a, b, c, 3],
        };
        number += 1;
    }
    table
};

/// Each byte in hexadecimal.
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digit(byte >> 4), digit(byte & 0xf)];
        byte += 1;
    }
    table
};

const fn digit(value: usize) -> u8 {
    b"0123456789abcdef"[value]
}

/// Something made once and written often, in room for `N` bytes.
#[derive(Clone)]
pub(super) struct Stamp<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Default for Stamp<N> {
    fn default() -> Stamp<N> {
        Stamp { bytes: [0; N], length: 0 }
    }
}

impl<const N: usize> Stamp<N> {
    pub(super) fn new(text: &str) -> Stamp<N> {
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Stamp { bytes, length: text.len() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Pen<'_>)) -> String {
        let mut page = Page::new(Vec::new());
        page.write(write);
        String::from_utf8(page.finish().expect("memory takes everything")).expect("ASCII")
    }

    #[test]
    fn numbers_are_written_as_rust_writes_them() {
        let steps = (0..64).flat_map(|shift| [1u64 << shift, (1 << shift) - 1]);
        let tens = (0..19).flat_map(|n| [10u64.pow(n), 10u64.pow(n) - 1]);
        let small = 0..100_000;
        let spread = (0..1000).map(|n| n * 99_991);
        for number in steps.chain(tens).chain(small).chain(spread).chain([u64::MAX]) {
            assert_eq!(written(|pen| pen.number(number)), number.to_string());
        }
        for number in [0u64, 1, 120_000_034, 999_999_999] {
            assert_eq!(written(|pen| pen.nine_digits(number)), format!("{number:09}"));
        }
    }

    #[test]
    fn more_than_the_page_holds_comes_out_whole() {
        let line = "0123456789abcdef".repeat(4096);
        let mut page = Page::new(Vec::new());
        for _ in 0..5 {
            page.write_all(line.as_bytes()).expect("a page takes everything");
        }
        assert_eq!(page.finish().expect("memory takes everything"), line.repeat(5).as_bytes());
    }
}
