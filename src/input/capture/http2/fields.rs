//! Header blocks (RFC 7541) become heads: what the decoder of one direction gives, bounded. If blocks
//! were missed, what later ones take from the table is not known, and never guessed.

use crate::http::Head;
use loona_hpack::Decoder;

/// No head is longer; servers commonly stop at 8 to 64 KiB.
pub(super) const MAX_BLOCK: usize = 256 * 1024;

/// The most that a header table is allowed to hold.
const MAX_TABLE: u32 = 1 << 20;

/// A table whose content is not known is taken to be of this size: browsers ask for it.
const LOST_TABLE: usize = 1 << 16;

/// The name of an entry that is not known. No field has it.
const UNKNOWN: &[u8] = &[0];

/// What an entry costs beside its name and value (RFC 7541 §4.1).
const ENTRY_COST: usize = 32;

/// So often a direction goes on behind a block that could not be decoded.
const MAX_LOSSES: u32 = 64;

/// The header blocks of one direction: each depends on those before it.
pub(super) struct Fields {
    decoder: Decoder<'static>,
    /// The most that the peer allows the table to hold, if that was seen.
    allowed: Option<usize>,
    /// Blocks were missed.
    is_partial: bool,
    losses: u32,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { decoder: Decoder::new(), allowed: None, is_partial: false, losses: 0 }
    }
}

/// Names and values.
pub(super) struct Block {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Some of its fields are not known.
    pub(super) is_partial: bool,
}

impl Fields {
    /// The peer allows a header table of this size.
    pub(super) fn allow_table(&mut self, size: u32) {
        let size = size.min(MAX_TABLE) as usize;
        self.allowed = Some(size);
        if !self.is_partial {
            self.decoder.set_max_allowed_table_size(size);
        }
    }

    /// A block was missed: what the table holds is not known from here on.
    pub(super) fn lose(&mut self) {
        self.is_partial = true;
        self.losses += 1;
        if self.losses > MAX_LOSSES {
            return;
        }
        self.decoder = Decoder::new();
        // Indices count from the newest entry, so those that come from here on are told apart from
        // older ones, whatever the real size of the table is.
        self.decoder.set_max_allowed_table_size(MAX_TABLE as usize);
        self.decoder.set_max_table_size(LOST_TABLE);
        let mut entry = vec![0x40, UNKNOWN.len() as u8];
        entry.extend_from_slice(UNKNOWN);
        entry.push(0);
        let filled = entry.repeat(LOST_TABLE / (ENTRY_COST + UNKNOWN.len()));
        let _ = self.decoder.decode_with_cb(&filled, |_, _| {});
    }

    /// True if blocks were missed.
    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Decodes a whole block; none if nothing is known of it.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Block> {
        if self.losses > MAX_LOSSES {
            return None;
        }
        let (mut fields, mut size, mut is_partial) = (Vec::new(), 0, false);
        let decoded = self.decoder.decode_with_cb(block, |name, value| {
            size += name.len() + value.len() + ENTRY_COST;
            is_partial |= *name == *UNKNOWN || size > MAX_BLOCK;
            if *name != *UNKNOWN && size <= MAX_BLOCK {
                fields.push((name.into_owned(), value.into_owned()));
            }
        });
        match decoded {
            Ok(()) => Some(Block { fields, is_partial }),
            Err(_) if self.is_partial => {
                self.lose();
                None
            }
            Err(_) => {
                // Nothing was missed, so this is the sender's fault, and the end of the connection
                // (RFC 9113 §4.3).
                self.losses = MAX_LOSSES + 1;
                self.is_partial = true;
                None
            }
        }
    }
}

impl Block {
    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    /// True for a request that asks for WebSocket (RFC 8441 §5), or that visibly means to.
    pub(super) fn asks_for_websocket(&self) -> bool {
        self.value(b":protocol").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
            || self.fields.iter().any(|(name, _)| {
                name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case(b"sec-websocket-"))
            })
    }

    /// True for a request that is no CONNECT.
    pub(super) fn is_other_request(&self) -> bool {
        self.value(b":method").is_some_and(|method| method != b"CONNECT")
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
        Head::decoded(line, &self.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541 C.3: three requests that build on each other's table.
    const FIRST: &str = "828684410f7777772e6578616d706c652e636f6d";
    const SECOND: &str = "828684be58086e6f2d6361636865";
    const THIRD: &str = "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(digits).collect()
    }

    fn decode(fields: &mut Fields, hex: &str) -> (Vec<String>, bool) {
        let block = fields.decode(&bytes(hex)).expect("a block");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}: {}", text(name), text(value));
        (block.fields.iter().map(line).collect(), block.is_partial)
    }

    #[test]
    fn what_was_missed_is_not_known_and_what_came_since_is() {
        let mut fields = Fields::default();
        assert_eq!(decode(&mut fields, FIRST).0[3], ":authority: www.example.com");
        let (second, is_partial) = decode(&mut fields, SECOND);
        assert_eq!((second.len(), is_partial), (5, false));
        let mut late = Fields::default();
        late.lose();
        let (second, is_partial) = decode(&mut late, SECOND);
        // The authority is in the table that was built before.
        let expected = [":method: GET", ":scheme: http", ":path: /", "cache-control: no-cache"]
            .map(str::to_owned);
        assert_eq!((&second[..], is_partial), (&expected[..], true));
        // The third refers to the authority, too, one place further back.
        let (third, is_partial) = decode(&mut late, THIRD);
        assert_eq!(
            (third.last().map(String::as_str), is_partial),
            (Some("custom-key: custom-value"), true)
        );
        // What the third added is known: indices 62 and 63.
        let (fourth, is_partial) = decode(&mut late, "82bebf");
        assert_eq!(
            fourth[1..],
            ["custom-key: custom-value", "cache-control: no-cache"].map(str::to_owned)
        );
        assert!(!is_partial);
    }

    #[test]
    fn a_block_that_can_t_be_decoded_makes_the_rest_unknown() {
        let mut late = Fields::default();
        late.lose();
        // An index beyond any table.
        assert!(late.decode(&bytes("ffffff7f")).is_none());
        let (fields, is_partial) = decode(&mut late, "82be");
        assert_eq!((fields, is_partial), (vec![":method: GET".to_owned()], true));
        for _ in 0..2 * MAX_LOSSES {
            let _ = late.decode(&bytes("ffffff7f"));
        }
        assert!(late.decode(&bytes("82")).is_none());
        let mut whole = Fields::default();
        assert!(whole.decode(&bytes("ffffff7f")).is_none());
        assert!(whole.decode(&bytes("82")).is_none(), "no loss explains it");
    }
}
