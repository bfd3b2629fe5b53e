//! Zstandard (RFC 8878) as a byte source: frames one after another, skippable ones left out.
//!
//! ruzstd holds the last window back until a frame ends, so a frame that is cut would lose up to
//! 128 MiB that could be read. Therefore the walk over blocks is our own: blocks are handed on
//! whole, and where one is cut the frame is ended in its place.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, Read};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// True if these bytes begin a frame, or one that is to be skipped.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || is_skippable(bytes)
}

/// A frame for other programs (§3.1.2).
fn is_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// A frame whose window is larger is refused, as `zstd -d` does it (RFC 8878 §3.1.1.1.2).
const MAX_WINDOW: u64 = 128 << 20;

/// Type and size of a block, 3 bytes (§3.1.1.2).
const BLOCK_HEADER: usize = 3;

/// A block that is the last, raw, and of no bytes.
const LAST_BLOCK: [u8; 3] = [1, 0, 0];

/// Inflates what a source holds.
pub(super) struct Zstd<R> {
    blocks: Blocks<R>,
    decoder: FrameDecoder,
    is_open: bool,
}

impl<R: Read> Zstd<R> {
    pub(super) fn new(source: R) -> Zstd<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Zstd { blocks: Blocks::new(source), decoder, is_open: false }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.blocks.source
    }

    /// The frame ended: what it holds must be what was packed, if a checksum says so.
    fn check(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(said), Some(is)) if said != is && !self.blocks.is_cut => {
                Err(corrupt("a frame differs from its checksum"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_open {
                if !self.blocks.begin_frame()? {
                    return Ok(0);
                }
                self.decoder.reset(&mut self.blocks).map_err(corrupt)?;
                self.is_open = true;
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.is_open = false;
                self.check()?;
                continue;
            }
            let one = BlockDecodingStrategy::UptoBlocks(1);
            self.decoder.decode_blocks(&mut self.blocks, one).map_err(corrupt)?;
        }
    }
}

fn corrupt(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// The source in whole units: a frame's header, a block, a checksum.
struct Blocks<R> {
    source: R,
    /// The unit that is being read.
    unit: Vec<u8>,
    at: usize,
    next: Unit,
    has_checksum: bool,
    /// True once the source ended within a frame.
    is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Block,
    Checksum,
    Frame,
}

impl<R: Read> Blocks<R> {
    fn new(source: R) -> Blocks<R> {
        let unit = Vec::new();
        Blocks { source, unit, at: 0, next: Unit::Frame, has_checksum: false, is_cut: false }
    }

    /// Reads the header of the next frame. False if there is none.
    fn begin_frame(&mut self) -> io::Result<bool> {
        if self.is_cut {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        loop {
            self.clear();
            match self.pull(4)? {
                0 => return Ok(false),
                4 => {}
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            if self.unit == MAGIC {
                break;
            }
            if !is_skippable(&self.unit) {
                return Err(corrupt("something else follows a frame"));
            }
            self.need(4)?;
            let length = self.unit.last_chunk().map_or(0, |word| u32::from_le_bytes(*word));
            io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
        }
        self.need(1)?;
        let descriptor = self.unit[4];
        let is_single = descriptor >> 5 & 1 == 1;
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content = match descriptor >> 6 {
            0 => usize::from(is_single),
            power => 1 << power,
        };
        self.need(usize::from(!is_single) + dictionary + content)?;
        self.has_checksum = descriptor >> 2 & 1 == 1;
        self.next = Unit::Block;
        Ok(true)
    }

    /// Reads the next unit of a frame.
    fn advance(&mut self) -> io::Result<()> {
        self.clear();
        let is_whole = match self.next {
            Unit::Block => self.block()?,
            Unit::Checksum => {
                self.next = Unit::Frame;
                self.pull(4)? == 4
            }
            Unit::Frame => return Ok(()),
        };
        if !is_whole {
            self.end_early();
        }
        Ok(())
    }

    /// Reads a block. False if the source ends within it.
    fn block(&mut self) -> io::Result<bool> {
        if self.pull(BLOCK_HEADER)? < BLOCK_HEADER {
            return Ok(false);
        }
        let header = u32::from_le_bytes([self.unit[0], self.unit[1], self.unit[2], 0]);
        let size = match header >> 1 & 3 {
            1 => 1,
            _ => (header >> 3) as usize,
        };
        let is_whole = self.pull(size)? == size;
        if is_whole && header & 1 == 1 {
            self.next = if self.has_checksum { Unit::Checksum } else { Unit::Frame };
        }
        Ok(is_whole)
    }

    /// Ends the frame where its source ends.
    fn end_early(&mut self) {
        self.is_cut = true;
        self.clear();
        // Behind the last block there is no other: only the checksum was cut.
        if self.next != Unit::Frame {
            self.unit.extend(LAST_BLOCK);
        }
        if self.has_checksum {
            self.unit.extend([0; 4]);
        }
        self.next = Unit::Frame;
    }

    fn clear(&mut self) {
        self.unit.clear();
        self.at = 0;
    }

    /// Adds so many bytes of the source to the unit, or what there is.
    fn pull(&mut self, length: usize) -> io::Result<usize> {
        (&mut self.source).take(length as u64).read_to_end(&mut self.unit)
    }

    fn need(&mut self, length: usize) -> io::Result<()> {
        match self.pull(length)? == length {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.unit.len() {
            self.advance()?;
        }
        let length = buffer.len().min(self.unit.len() - self.at);
        buffer[..length].copy_from_slice(&self.unit[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}
