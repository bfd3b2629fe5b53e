//! Compresses messages as permessage-deflate has it (RFC 7692 §7.2.1): a sync flush, and the four
//! bytes of its empty block taken off.

use flate2::{Compress, Compression, FlushCompress};

/// The four bytes that the sender takes off and the receiver puts back.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// One direction's compressor.
#[derive(Debug)]
pub struct Deflater {
    compress: Compress,
    keeps_context: bool,
}

impl Deflater {
    /// A compressor with a window of 2^`window_bits` bytes, 9 to 15, which keeps its window
    /// from message to message or not (`…_no_context_takeover`).
    pub fn new(window_bits: u8, keeps_context: bool) -> Deflater {
        let bits = window_bits.clamp(9, 15);
        let compress = Compress::new_with_window_bits(Compression::default(), false, bits);
        Deflater { compress, keeps_context }
    }

    /// The payload of a message, compressed.
    pub fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.keeps_context {
            self.compress.reset();
        }
        let mut out = Vec::with_capacity(message.len() + 64);
        let start = self.compress.total_in();
        loop {
            let taken = (self.compress.total_in() - start) as usize;
            out.reserve(4096);
            let room = out.capacity() - out.len();
            let before = out.len();
            self.compress
                .compress_vec(&message[taken..], &mut out, FlushCompress::Sync)
                .expect("a compressor fails only when it was finished, and this one never is");
            if out.len() - before < room {
                break;
            }
        }
        // A second flush with nothing new writes nothing: an empty message is one empty block.
        if out.is_empty() {
            return vec![0];
        }
        debug_assert!(out.ends_with(&TAIL), "a sync flush ends in an empty block");
        out.truncate(out.len() - TAIL.len());
        out
    }
}

impl Default for Deflater {
    fn default() -> Deflater {
        Deflater::new(15, true)
    }
}
