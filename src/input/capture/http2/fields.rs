//! Header blocks (RFC 7541) become heads: what the decoder of one direction gives, bounded.

use crate::http::Head;
use loona_hpack::Decoder;

/// No head is longer; servers commonly stop at 8 to 64 KiB.
pub(super) const MAX_BLOCK: usize = 256 * 1024;

/// The most that a header table is allowed to hold.
const MAX_TABLE: u32 = 1 << 20;

/// The header blocks of one direction: each depends on those before it.
pub(super) struct Fields {
    decoder: Decoder<'static>,
    /// A block was missed or is broken: what later ones say is not known.
    pub(super) is_lost: bool,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { decoder: Decoder::new(), is_lost: false }
    }
}

/// Names and values.
pub(super) struct Block(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// The peer allows a header table of this size.
    pub(super) fn allow_table(&mut self, size: u32) {
        self.decoder.set_max_allowed_table_size(size.min(MAX_TABLE) as usize);
    }

    /// Decodes a whole block.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Block> {
        if self.is_lost {
            return None;
        }
        let (mut fields, mut size) = (Vec::new(), 0);
        let decoded = self.decoder.decode_with_cb(block, |name, value| {
            size += name.len() + value.len() + 32;
            if size <= MAX_BLOCK {
                fields.push((name.into_owned(), value.into_owned()));
            }
        });
        self.is_lost = decoded.is_err();
        decoded.ok().map(|()| Block(fields))
    }
}

impl Block {
    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    /// True for a request that asks for WebSocket (RFC 8441 §5), or that visibly means to.
    pub(super) fn asks_for_websocket(&self) -> bool {
        self.value(b":protocol").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
            || self.0.iter().any(|(name, _)| {
                name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case(b"sec-websocket-"))
            })
    }

    /// True for the head of a request; trailers have no method.
    pub(super) fn is_request(&self) -> bool {
        self.value(b":method").is_some()
    }

    pub(super) fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.value(b":status")?).ok()?.parse().ok()
    }

    /// The head, with the words that HTTP/1.1 would have in its first line.
    pub(super) fn into_head(self) -> Head {
        let word = |name: &[u8]| self.value(name).unwrap_or(b"-").to_vec();
        let line = match self.value(b":status") {
            Some(status) => [b"HTTP/2".to_vec(), status.to_vec(), Vec::new()],
            None => [word(b":method"), word(b":path"), b"HTTP/2".to_vec()],
        };
        Head::decoded(line, &self.0)
    }
}
