//! Compressed records (RFC 3749): one zlib stream over all records of an epoch. Nobody has used it
//! since 2012, when CRIME showed what it gives away; old captures have it.

use flate2::{Decompress, FlushDecompress};

/// The number of DEFLATE among the methods.
pub(super) const DEFLATE: u8 = 1;

/// No record holds more (RFC 5246 §6.2.1).
const MAX_CONTENT: usize = 1 << 14;

/// The state of a stream.
pub(super) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater(Decompress::new(true))
    }
}

impl Inflater {
    /// The content of a record; none if it is none.
    pub(super) fn inflate(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(MAX_CONTENT + 1);
        let before = self.0.total_in();
        self.0.decompress_vec(bytes, &mut out, FlushDecompress::Sync).ok()?;
        let is_whole = self.0.total_in() - before == bytes.len() as u64;
        (is_whole && out.len() <= MAX_CONTENT).then_some(out)
    }
}
