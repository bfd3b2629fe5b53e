//! Canonical Huffman codes of DEFLATE (RFC 1951 §3.2.2): a table for the short ones, a walk for
//! the long ones.

use std::sync::LazyLock;

/// The longest code.
const MAX_BITS: usize = 15;

/// Codes of up to so many bits are looked up.
const LOOKUP_BITS: u32 = 10;

/// A code: which bits stand for which symbol.
#[derive(Debug, Clone)]
pub(super) struct Code {
    /// For each run of bits: symbol and length of the code that it begins with; 0 if it is longer.
    lookup: Box<[u16; 1 << LOOKUP_BITS]>,
    /// How many codes have each length.
    counts: [u16; MAX_BITS + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// The code in which each symbol has that many bits (0: it does not occur); none if there are
    /// more codes than bits can tell apart.
    pub(super) fn of_lengths(lengths: &[u8]) -> Option<Code> {
        let mut counts = [0u16; MAX_BITS + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut left = 1i32;
        for &count in &counts[1..] {
            left = (left << 1) - i32::from(count);
            if left < 0 {
                return None;
            }
        }
        let (mut first, mut place) = ([0u16; MAX_BITS + 2], [0u16; MAX_BITS + 2]);
        for length in 1..=MAX_BITS {
            first[length + 1] = (first[length] + counts[length]) << 1;
            place[length + 1] = place[length] + counts[length];
        }
        let mut code = Code {
            lookup: Box::new([0; 1 << LOOKUP_BITS]),
            counts,
            symbols: vec![0; lengths.len()],
        };
        for (symbol, &length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let index = usize::from(length);
            code.symbols[usize::from(place[index])] = symbol;
            place[index] += 1;
            code.enter(first[index], u32::from(length), symbol);
            first[index] += 1;
        }
        Some(code)
    }

    /// Enters a code into the table: everywhere where its bits come first.
    fn enter(&mut self, bits: u16, length: u32, symbol: u16) {
        if length > LOOKUP_BITS {
            return;
        }
        let reversed = usize::from(bits.reverse_bits() >> (16 - length));
        for index in (reversed..1 << LOOKUP_BITS).step_by(1 << length) {
            self.lookup[index] = symbol << 4 | length as u16;
        }
    }

    /// The symbol whose code these bits begin with, and its length; none if there is none.
    #[inline]
    pub(super) fn read(&self, bits: u64) -> Option<(u16, u32)> {
        let entry = self.lookup[bits as usize & ((1 << LOOKUP_BITS) - 1)];
        if entry != 0 {
            return Some((entry >> 4, u32::from(entry & 15)));
        }
        self.walk(bits)
    }

    fn walk(&self, bits: u64) -> Option<(u16, u32)> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0u32);
        for length in 1..=MAX_BITS {
            code |= (bits >> (length - 1)) as u32 & 1;
            let count = u32::from(self.counts[length]);
            if code < first + count {
                let symbol = self.symbols.get((index + code - first) as usize)?;
                return Some((*symbol, length as u32));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// The codes of blocks with fixed codes (§3.2.6): of literals and lengths, and of distances.
pub(super) fn fixed() -> &'static (Code, Code) {
    static FIXED: LazyLock<(Code, Code)> = LazyLock::new(|| {
        let mut literals = [8u8; 288];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        let empty = || Code {
            lookup: Box::new([0; 1 << LOOKUP_BITS]),
            counts: [0; MAX_BITS + 1],
            symbols: Vec::new(),
        };
        let of = |lengths| Code::of_lengths(lengths).unwrap_or_else(empty);
        (of(&literals), of(&[5; 30]))
    });
    &FIXED
}
