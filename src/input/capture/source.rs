//! One bounded buffer over any byte source, and the packing around it (gzip, Zstandard) if there
//! is any.
//!
//! Reading into a buffer of 256 KiB beats a memory map, bounds memory, and works on pipes.

use super::zstd::{self, Zstd};
use flate2::read::MultiGzDecoder;
use std::io::{self, BufReader, Chain, Cursor, Read};

/// What is asked of the source at once.
const BUFFER: usize = 256 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a capture file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Packing {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}

impl std::fmt::Display for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "Zstandard",
        })
    }
}

/// A window on the source: bytes that were read and not yet consumed.
pub(super) struct Source<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    /// Where what was taken last begins: it stays in the buffer until more is taken.
    last: usize,
    start: usize,
    end: usize,
    /// Bytes consumed so far, that is, the offset of `start` in the (inflated) file.
    offset: u64,
    at_end: bool,
}

enum Reader<R> {
    Plain(Tap<R>),
    Gzip(Box<MultiGzDecoder<Rewound<R>>>),
    Zstd(Box<Zstd<Rewound<R>>>),
}

/// The source again from its first byte, after that was looked at.
type Rewound<R> = BufReader<Chain<Cursor<Vec<u8>>, Tap<R>>>;

/// Notes whether the last read of the underlying source returned less than was asked: then a live
/// source has no more for now.
struct Tap<R> {
    inner: R,
    short: bool,
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.short = *result.as_ref().unwrap_or(&0) < buffer.len();
                    return result;
                }
            }
        }
    }
}

impl<R: Read> Source<R> {
    pub(super) fn new(source: R) -> Source<R> {
        let reader = Reader::Plain(Tap { inner: source, short: false });
        Source {
            reader,
            buffer: vec![0; BUFFER],
            last: 0,
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
        }
    }

    /// The bytes that are there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The offset of the first of them in the (inflated) file.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// True once the source has no more.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// True if the next [`fill`](Source::fill) may block: the last read returned less than asked.
    pub(super) fn may_block(&self) -> bool {
        match &self.reader {
            Reader::Plain(tap) => tap.short,
            Reader::Gzip(gzip) => gzip.get_ref().get_ref().get_ref().1.short,
            Reader::Zstd(zstd) => zstd.get_ref().get_ref().get_ref().1.short,
        }
    }

    /// What the file is packed in.
    pub(super) fn packing(&self) -> Option<Packing> {
        match self.reader {
            Reader::Plain(_) => None,
            Reader::Gzip(_) => Some(Packing::Gzip),
            Reader::Zstd(_) => Some(Packing::Zstd),
        }
    }

    /// Consumes `length` bytes and returns them: they stay where they are until the next fill.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> &[u8] {
        let from = self.start;
        self.last = from;
        self.start = self.start.saturating_add(length).min(self.end);
        self.offset += (self.start - from) as u64;
        &self.buffer[from..self.start]
    }

    /// The bytes that were taken last and those that are there, and how many the first are.
    pub(super) fn with_last(&self) -> (&[u8], usize) {
        (&self.buffer[self.last..self.end], self.start - self.last)
    }

    /// Gives back as many of the bytes that were taken last.
    pub(super) fn give_back(&mut self, length: usize) {
        let length = length.min(self.start - self.last);
        self.start -= length;
        self.offset -= length as u64;
    }

    /// Reads once. The buffer grows only when it is full of bytes not yet consumed, that is, by as
    /// much as was really read: a length that is only claimed allocates nothing.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        if self.last > 0 {
            self.buffer.copy_within(self.last..self.end, 0);
            self.end -= self.last;
            self.start -= self.last;
            self.last = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        } else if self.buffer.len() > BUFFER && self.end < BUFFER / 2 {
            self.buffer.truncate(BUFFER);
            self.buffer.shrink_to_fit();
        }
        let room = &mut self.buffer[self.end..];
        let read = match &mut self.reader {
            Reader::Plain(tap) => tap.read(room),
            Reader::Gzip(gzip) => gzip.read(room),
            Reader::Zstd(zstd) => zstd.read(room),
        };
        self.at_end = !matches!(read, Ok(1..));
        self.end += read?;
        Ok(())
    }

    /// If the bytes read so far are packed, unpacks from here on.
    pub(super) fn unpack(self) -> Source<R> {
        let Reader::Plain(tap) = self.reader else { return self };
        let head = &self.buffer[self.start..self.end];
        let (is_gzip, is_zstd) = (head.starts_with(&GZIP_MAGIC), zstd::begins(head));
        if !is_gzip && !is_zstd {
            return Source { reader: Reader::Plain(tap), ..self };
        }
        let again = BufReader::with_capacity(BUFFER, Cursor::new(head.to_vec()).chain(tap));
        let reader = match is_gzip {
            true => Reader::Gzip(Box::new(MultiGzDecoder::new(again))),
            false => Reader::Zstd(Box::new(Zstd::new(again))),
        };
        Source { reader, buffer: self.buffer, last: 0, start: 0, end: 0, offset: 0, at_end: false }
    }
}
