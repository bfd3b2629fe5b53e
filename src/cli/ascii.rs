//! `--ascii`: whatever is printed, only ASCII reaches the output. Captured text and names of
//! sections are written out; what is drawn has its ASCII form already.

use std::io::{self, Write};

/// Writes UTF-8 in ASCII.
pub(super) struct Ascii<W> {
    inner: W,
    /// The beginning of a character that was cut.
    cut: Vec<u8>,
}

impl<W: Write> Ascii<W> {
    pub(super) fn new(inner: W) -> Ascii<W> {
        Ascii { inner, cut: Vec::new() }
    }
}

impl<W: Write> Write for Ascii<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cut.is_empty() && bytes.is_ascii() {
            self.inner.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let mut all = std::mem::take(&mut self.cut);
        all.extend_from_slice(bytes);
        let mut out = String::with_capacity(all.len());
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|character| push(character, &mut out));
            if chunks.peek().is_none() {
                self.cut = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                push(char::REPLACEMENT_CHARACTER, &mut out);
            }
        }
        self.inner.write_all(out.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn push(character: char, out: &mut String) {
    match character {
        _ if character.is_ascii() => out.push(character),
        '§' => out.push_str("s. "),
        '…' => out.push_str(".."),
        '·' | '–' | '—' | '−' => out.push('-'),
        '×' => out.push('x'),
        '→' => out.push_str("->"),
        '←' => out.push_str("<-"),
        '≤' => out.push_str("<="),
        '≥' => out.push_str(">="),
        '“' | '”' | '„' => out.push('"'),
        '’' | '‘' => out.push('\''),
        '\u{a0}' | '\u{202f}' => out.push(' '),
        _ => out.extend(character.escape_unicode()),
    }
}
