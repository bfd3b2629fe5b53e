//! Words that are looked for anywhere in a text, whatever their ASCII case.

use wide::i8x16;

/// So many words, found in one walk over the text: they are compared only where two letters stand
/// that begin one.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    /// For two letters the words that begin with them, a bit each.
    begin: [u16; 1 << 10],
    /// The letters that begin one, as small ones, each once, and as often as they are compared.
    first: [[i8; LANE]; N],
    firsts: usize,
}

/// So many bytes are compared with a letter at once.
const LANE: usize = 16;

impl<const N: usize> Words<N> {
    /// These words, of two letters at least.
    pub(super) const fn new(words: [&'static str; N]) -> Words<N> {
        assert!(N <= u16::BITS as usize);
        let mut begin = [0; 1 << 10];
        let (mut first, mut firsts) = ([[0; LANE]; N], 0);
        let mut number = 0;
        while number < N {
            let word = words[number].as_bytes();
            begin[index(word[0], word[1])] |= 1 << number;
            let small = (word[0] | SMALL) as i8;
            let mut known = 0;
            while known < firsts && first[known][0] != small {
                known += 1;
            }
            if known == firsts {
                first[firsts] = [small; LANE];
                firsts += 1;
            }
            number += 1;
        }
        Words { words, begin, first, firsts }
    }

    /// The first of the words in the text for which `fits`, told what follows it, is true.
    pub(super) fn find(&self, text: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
        let (lanes, rest) = text.as_chunks::<LANE>();
        for (number, lane) in lanes.iter().enumerate() {
            let found = self.find_in_lane(lane, &text[number * LANE..], &fits);
            if found.is_some() {
                return found;
            }
        }
        let mut last = [0; LANE];
        last[..rest.len()].copy_from_slice(rest);
        self.find_in_lane(&last, rest, &fits)
    }

    /// The same, of words that begin in the first lane of the text.
    #[inline(always)]
    fn find_in_lane(
        &self,
        lane: &[u8; LANE],
        text: &[u8],
        fits: impl Fn(&[u8]) -> bool,
    ) -> Option<&'static str> {
        let mut beginnings = self.beginnings(lane);
        while beginnings != 0 {
            let at = beginnings.trailing_zeros() as usize;
            beginnings &= beginnings - 1;
            let [first, second, ..] = *text.get(at..)? else { break };
            let begin = self.begin[index(first, second)];
            if begin != 0
                && let Some(word) = self.word_at_start(begin, &text[at..], &fits)
            {
                return Some(word);
            }
        }
        None
    }

    /// Where in the lane stands a letter that begins a word, a bit each.
    #[inline]
    fn beginnings(&self, lane: &[u8; LANE]) -> u32 {
        let small = i8x16::new(lane.map(|byte| (byte | SMALL) as i8));
        let firsts = self.first[..self.firsts].iter();
        firsts
            .fold(i8x16::splat(0), |found, first| found | small.simd_eq(i8x16::new(*first)))
            .to_bitmask()
    }

    #[inline(never)]
    fn word_at_start(
        &self,
        mut begin: u16,
        text: &[u8],
        fits: impl Fn(&[u8]) -> bool,
    ) -> Option<&'static str> {
        while begin != 0 {
            let word = self.words[begin.trailing_zeros() as usize];
            begin &= begin - 1;
            if let Some((found, rest)) = text.split_at_checked(word.len())
                && found.eq_ignore_ascii_case(word.as_bytes())
                && fits(rest)
            {
                return Some(word);
            }
        }
        None
    }
}

/// The bit by which small letters of ASCII differ from capital ones.
const SMALL: u8 = 0x20;

/// Five bits of each letter: whatever else looks the same is told apart when it is compared.
const fn index(first: u8, second: u8) -> usize {
    ((first & 31) as usize) << 5 | (second & 31) as usize
}
