//! Words that are looked for anywhere in a text, whatever their ASCII case.

/// So many words, found in one walk over the text: they are compared only where two letters stand
/// that begin one.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    /// For two letters the words that begin with them, a bit each.
    begin: [u16; 1 << 10],
}

impl<const N: usize> Words<N> {
    /// These words, of two letters at least.
    pub(super) const fn new(words: [&'static str; N]) -> Words<N> {
        assert!(N <= u16::BITS as usize);
        let mut begin = [0; 1 << 10];
        let mut number = 0;
        while number < N {
            let word = words[number].as_bytes();
            begin[index(word[0], word[1])] |= 1 << number;
            number += 1;
        }
        Words { words, begin }
    }

    /// The first of the words in the text for which `fits`, told what follows it, is true.
    pub(super) fn find(&self, text: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
        let mut before = 0;
        text.iter().enumerate().find_map(|(at, &byte)| {
            let begin = self.begin[index(std::mem::replace(&mut before, byte), byte)];
            if begin == 0 {
                None
            } else {
                self.word_at_start(begin, &text[at.saturating_sub(1)..], &fits)
            }
        })
    }

    #[inline(never)]
    fn word_at_start(
        &self,
        begin: u16,
        text: &[u8],
        fits: impl Fn(&[u8]) -> bool,
    ) -> Option<&'static str> {
        let words = self.words.iter().enumerate().filter(|(number, _)| begin >> number & 1 == 1);
        let is_there = |word: &&str| {
            text.split_at_checked(word.len()).is_some_and(|(found, rest)| {
                found.eq_ignore_ascii_case(word.as_bytes()) && fits(rest)
            })
        };
        words.map(|(_, word)| *word).find(is_there)
    }
}

/// Five bits of each letter: whatever else looks the same is told apart when it is compared.
const fn index(first: u8, second: u8) -> usize {
    ((first & 31) as usize) << 5 | (second & 31) as usize
}
