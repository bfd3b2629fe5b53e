//! DEFLATE token by token (RFC 1951 §3.2), without inflating: how far back-references reach. An
//! inflater does not tell, and keeps more than the agreed window.

use super::TAIL;
use super::huffman::{self, Code};

/// What a back-reference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// How many bytes back it points.
    pub distance: u32,
    /// How many bytes of the message had come out before it.
    pub position: u64,
}

/// Reads the compressed bytes of one message, cut anywhere.
#[derive(Debug)]
pub(in crate::websocket) struct Tokens {
    /// The bytes of a block header or a token that has not come whole, and how many bits of the
    /// first of them are taken already.
    held: Vec<u8>,
    taken_bits: u32,
    block: Block,
    last_block: bool,
    codes: Option<Box<(Code, Code)>>,
    /// How many bytes have come out.
    produced: u64,
    /// These are not DEFLATE data.
    broken: bool,
    /// The back-reference with the largest distance.
    pub(in crate::websocket) farthest: Option<Reference>,
    /// The back-reference that reaches farthest before the first byte of the message.
    pub(in crate::websocket) before_start: Option<Reference>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Header,
    /// The length of a stored block, at the border of a byte.
    StoredLength,
    Stored(u32),
    Tokens,
}

/// Why reading stops.
enum Stop {
    /// There are not enough bits for what comes next.
    NeedsMore,
    Broken,
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens {
            held: Vec::new(),
            taken_bits: 0,
            block: Block::Header,
            last_block: false,
            codes: None,
            produced: 0,
            broken: false,
            farthest: None,
            before_start: None,
        }
    }
}

impl Tokens {
    /// The next bytes of the message.
    pub(in crate::websocket) fn push(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        if self.held.is_empty() {
            let taken = self.read(piece, self.taken_bits);
            self.held.extend_from_slice(&piece[taken..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(piece);
            let taken = self.read(&held, self.taken_bits);
            held.drain(..taken);
            self.held = held;
        }
    }

    /// The message is over: true if its bytes are DEFLATE data to the end.
    pub(in crate::websocket) fn finish(&mut self, tail_is_there: bool) -> bool {
        if !tail_is_there {
            self.push(&TAIL);
        }
        !self.broken && self.block == Block::Header && self.held.is_empty()
    }

    /// A flush is under way, and what it writes at the border of a byte is still to come.
    pub(in crate::websocket) fn awaits_length(&self) -> bool {
        self.block == Block::StoredLength && self.held.is_empty() && !self.broken
    }

    /// Reads as much as there is whole; returns how many bytes are done with.
    fn read(&mut self, bytes: &[u8], taken_bits: u32) -> usize {
        let mut bits = Bits { bytes, position: taken_bits as usize };
        loop {
            let result = match self.block {
                Block::Header => self.header(&mut bits),
                Block::StoredLength => self.stored_length(&mut bits),
                Block::Stored(left) => self.stored(left, &mut bits),
                Block::Tokens => self.tokens(&mut bits),
            };
            match result {
                Ok(()) => {}
                Err(Stop::NeedsMore) => {
                    self.taken_bits = bits.position as u32 % 8;
                    return bits.position / 8;
                }
                Err(Stop::Broken) => {
                    self.broken = true;
                    return bytes.len();
                }
            }
        }
    }

    fn header(&mut self, bits: &mut Bits<'_>) -> Result<(), Stop> {
        let mut ahead = bits.clone();
        let is_last = ahead.take(1)? == 1;
        self.block = match ahead.take(2)? {
            0 => {
                ahead.align();
                Block::StoredLength
            }
            1 => {
                self.codes = None;
                Block::Tokens
            }
            2 => {
                self.codes = Some(Box::new(dynamic_codes(&mut ahead)?));
                Block::Tokens
            }
            _ => return Err(Stop::Broken),
        };
        self.last_block = is_last;
        *bits = ahead;
        Ok(())
    }

    fn stored_length(&mut self, bits: &mut Bits<'_>) -> Result<(), Stop> {
        let mut ahead = bits.clone();
        let (length, complement) = (ahead.take(16)?, ahead.take(16)?);
        if length != !complement & 0xffff {
            return Err(Stop::Broken);
        }
        *bits = ahead;
        self.block = Block::Stored(length);
        if length == 0 {
            self.end_block(bits);
        }
        Ok(())
    }

    fn stored(&mut self, left: u32, bits: &mut Bits<'_>) -> Result<(), Stop> {
        let there = bits.bytes.len() - bits.position / 8;
        let taken = there.min(left as usize);
        if taken == 0 {
            return Err(Stop::NeedsMore);
        }
        bits.position += taken * 8;
        self.produced += taken as u64;
        self.block = Block::Stored(left - taken as u32);
        if self.block == Block::Stored(0) {
            self.end_block(bits);
        }
        Ok(())
    }

    /// Behind the last block a new stream begins at the border of a byte (RFC 7692 §7.2.3.4).
    fn end_block(&mut self, bits: &mut Bits<'_>) {
        self.block = Block::Header;
        if self.last_block {
            bits.align();
        }
    }

    /// Reads to the end of the block, or of what there is.
    fn tokens(&mut self, bits: &mut Bits<'_>) -> Result<(), Stop> {
        let codes = self.codes.take();
        let (literals, distances) = match &codes {
            Some(codes) => (&codes.0, &codes.1),
            None => (&huffman::fixed().0, &huffman::fixed().1),
        };
        let result = loop {
            let (word, there) = bits.ahead();
            let token = read_token(literals, distances, word);
            match token {
                Some((_, length)) if length > there => break Err(Stop::NeedsMore),
                // Bits that are not there read as zeros.
                None if there < LONGEST_TOKEN => break Err(Stop::NeedsMore),
                None => break Err(Stop::Broken),
                Some((token, length)) => {
                    bits.position += length as usize;
                    match token {
                        Token::Literal => self.produced += 1,
                        Token::EndOfBlock => break Ok(()),
                        Token::Copy { length, distance } => self.copy(length, distance),
                    }
                }
            }
        };
        self.codes = codes;
        if result.is_ok() {
            self.end_block(bits);
        }
        result
    }

    fn copy(&mut self, length: u32, distance: u32) {
        let reference = Reference { distance, position: self.produced };
        if self.farthest.is_none_or(|farthest| distance > farthest.distance) {
            self.farthest = Some(reference);
        }
        let before = |reference: Reference| u64::from(reference.distance) - reference.position;
        if u64::from(distance) > self.produced
            && self.before_start.is_none_or(|known| before(reference) > before(known))
        {
            self.before_start = Some(reference);
        }
        self.produced += u64::from(length);
    }
}

/// A token has at most 15 bits of code and 5 more for the length, 15 and 13 for the distance.
const LONGEST_TOKEN: u32 = 48;

enum Token {
    Literal,
    EndOfBlock,
    Copy { length: u32, distance: u32 },
}

/// The token that these bits begin with, and how many of them it takes.
#[inline]
fn read_token(literals: &Code, distances: &Code, word: u64) -> Option<(Token, u32)> {
    let (symbol, mut taken) = literals.read(word)?;
    let length = match symbol {
        0..256 => return Some((Token::Literal, taken)),
        256 => return Some((Token::EndOfBlock, taken)),
        257..285 => {
            let (base, extra) = base_and_extra(u32::from(symbol) - 257, 2);
            let more = (word >> taken) as u32 & ((1 << extra) - 1);
            taken += extra;
            3 + base + more
        }
        285 => 258,
        _ => return None,
    };
    let (symbol, bits) = distances.read(word >> taken)?;
    if symbol >= 30 {
        return None;
    }
    taken += bits;
    let (base, extra) = base_and_extra(u32::from(symbol), 1);
    let more = (word >> taken) as u32 & ((1 << extra) - 1);
    Some((Token::Copy { length, distance: 1 + base + more }, taken + extra))
}

/// The tables of §3.2.5 as a rule: after two runs of symbols without extra bits, each run of
/// 2^`group` symbols has one extra bit more than the one before.
#[inline]
fn base_and_extra(symbol: u32, group: u32) -> (u32, u32) {
    let run = symbol >> group;
    if run < 2 {
        return (symbol, 0);
    }
    let within = symbol & ((1 << group) - 1);
    (((1 << group) + within) << (run - 1), run - 1)
}

/// The codes that a block brings along (§3.2.7).
fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Stop> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let lengths = bits.take(4)? as usize + 4;
    if literals > 286 {
        return Err(Stop::Broken);
    }
    let mut of_lengths = [0u8; 19];
    for &place in &ORDER[..lengths] {
        of_lengths[place] = bits.take(3)? as u8;
    }
    let code = Code::of_lengths(&of_lengths).ok_or(Stop::Broken)?;
    let (mut all, mut count) = ([0u8; 286 + 32], 0);
    while count < literals + distances {
        let (word, there) = bits.ahead();
        let (symbol, taken) = match code.read(word) {
            Some((_, taken)) if taken > there => return Err(Stop::NeedsMore),
            None if there < 7 => return Err(Stop::NeedsMore),
            None => return Err(Stop::Broken),
            Some(found) => found,
        };
        bits.position += taken as usize;
        let (value, times) = match symbol {
            0..16 => (symbol as u8, 1),
            16 if count == 0 => return Err(Stop::Broken),
            16 => (all[count - 1], 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        let run = all.get_mut(count..count + times as usize).ok_or(Stop::Broken)?;
        run.fill(value);
        count += times as usize;
    }
    if count > literals + distances {
        return Err(Stop::Broken);
    }
    let of = |lengths: &[u8]| Code::of_lengths(lengths).ok_or(Stop::Broken);
    Ok((of(&all[..literals])?, of(&all[literals..count])?))
}

/// A run of bits, lowest first.
#[derive(Debug, Clone)]
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// The bits from here on, 57 at least if there are as many, and how many there are.
    #[inline]
    fn ahead(&self) -> (u64, u32) {
        let (byte, bit) = (self.position / 8, self.position as u32 % 8);
        if let Some(word) = self.bytes.get(byte..byte + 8) {
            let mut all = [0; 8];
            all.copy_from_slice(word);
            return (u64::from_le_bytes(all) >> bit, 64 - bit);
        }
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let mut all = [0; 8];
        all[..rest.len()].copy_from_slice(rest);
        (u64::from_le_bytes(all) >> bit, (rest.len() as u32 * 8).saturating_sub(bit))
    }

    fn take(&mut self, count: u32) -> Result<u32, Stop> {
        let (word, there) = self.ahead();
        if count > there {
            return Err(Stop::NeedsMore);
        }
        self.position += count as usize;
        Ok(word as u32 & ((1 << count) - 1))
    }

    /// Goes on to the next border of a byte.
    fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    /// A message as RFC 7692 §7.2.1 makes it.
    fn compressed(data: &[u8], level: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() * 2 + 64);
        let mut stream = Compress::new(Compression::new(level), false);
        stream.compress_vec(data, &mut out, FlushCompress::Sync).expect("it can be compressed");
        out.truncate(out.len() - TAIL.len());
        out
    }

    #[test]
    fn distances_are_those_of_the_tokens() {
        // RFC 7692 §7.2.3.2: "Hello" again, from the message before.
        let mut tokens = Tokens::default();
        tokens.push(&[0xf2, 0x00, 0x11, 0x00, 0x00]);
        assert!(tokens.finish(false));
        let expected = Some(Reference { distance: 5, position: 1 });
        assert_eq!((tokens.farthest, tokens.before_start), (expected, expected));

        let mut text = b"Hello".to_vec();
        text.resize(605, b'.');
        text.extend(b"Hello!");
        let mut tokens = Tokens::default();
        tokens.push(&compressed(&text, 9));
        assert!(tokens.finish(false));
        // The H stands for itself, and "ello" is copied.
        assert_eq!(tokens.farthest, Some(Reference { distance: 605, position: 606 }));
        assert_eq!(tokens.before_start, None);
        assert_eq!(tokens.produced, 611);
    }

    #[test]
    fn the_tables_of_section_3_2_5() {
        assert_eq!(base_and_extra(8, 2), (8, 1)); // length 11, 12
        assert_eq!(base_and_extra(27, 2), (224, 5)); // length 227 to 257
        assert_eq!(base_and_extra(4, 1), (4, 1)); // distance 5, 6
        assert_eq!(base_and_extra(29, 1), (24576, 13)); // distance 24577 to 32768
    }

    #[test]
    fn the_other_examples_of_rfc_7692_are_sound_to_their_ends() {
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        for payload in [&stored[..], &last, &two, &[0x00]] {
            let mut tokens = Tokens::default();
            tokens.push(payload);
            assert!(tokens.finish(false), "{payload:02x?}");
        }
        let mut tokens = Tokens::default();
        tokens.push(&[0xff, 0xff]);
        assert!(!tokens.finish(false));
    }

    proptest! {
        #[test]
        fn the_reader_agrees_with_an_inflater_however_bytes_are_cut(
            words in prop::collection::vec(prop::sample::select(vec![
                &b"lorem "[..], b"ipsum", b"{'id':", b"12345", b"\x00\xff\x80", b"aaaaaaaaaa",
            ]), 0..400),
            noise in prop::collection::vec(any::<u8>(), 0..300),
            level in 0u32..10,
            cut in 1usize..9,
        ) {
            let data = [words.concat(), noise].concat();
            let payload = compressed(&data, level);
            let mut tokens = Tokens::default();
            payload.chunks(cut).for_each(|piece| tokens.push(piece));
            prop_assert!(tokens.finish(false));
            prop_assert_eq!(tokens.produced, data.len() as u64);
            prop_assert_eq!(tokens.before_start, None);
            let mut whole = Tokens::default();
            whole.push(&payload);
            prop_assert_eq!(whole.farthest, tokens.farthest);
            let mut held = Tokens::default();
            held.push(&payload[..payload.len() / 2]);
            prop_assert!(held.held.len() < 600);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 1usize..50) {
            let mut tokens = Tokens::default();
            bytes.chunks(cut).for_each(|piece| tokens.push(piece));
            tokens.finish(false);
        }
    }
}
