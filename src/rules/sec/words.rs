//! Words that are looked for anywhere in a text, whatever their ASCII case.

/// So many words, found in one walk over the text: they are compared only where two letters stand
/// that begin one.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    /// For two letters the words that begin with them, a bit each.
    begin: [u16; 1 << 10],
    /// What all of them begin with, if that is no letter.
    mark: Option<u8>,
}

impl<const N: usize> Words<N> {
    /// These words, of two letters at least.
    pub(super) const fn new(words: [&'static str; N]) -> Words<N> {
        assert!(N <= u16::BITS as usize);
        let mut begin = [0; 1 << 10];
        let mut mark = Some(words[0].as_bytes()[0]);
        let mut number = 0;
        while number < N {
            let word = words[number].as_bytes();
            if word[0].is_ascii_alphabetic() || word[0] != words[0].as_bytes()[0] {
                mark = None;
            }
            begin[index(word[0], word[1])] |= 1 << number;
            number += 1;
        }
        Words { words, begin, mark }
    }

    /// The first of the words in the text for which `fits`, told what follows it, is true.
    pub(super) fn find(&self, text: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
        let word_at = |at: usize, first: u8, second: u8| match self.begin[index(first, second)] {
            0 => None,
            begin => self.word_at_start(begin, &text[at..], &fits),
        };
        match self.mark {
            Some(mark) => {
                memchr::memchr_iter(mark, text).find_map(|at| word_at(at, mark, *text.get(at + 1)?))
            }
            None => {
                let mut pairs = text.iter().zip(text.get(1..)?).enumerate();
                pairs.find_map(|(at, (&first, &second))| word_at(at, first, second))
            }
        }
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
