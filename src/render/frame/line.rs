//! A line of painted pieces, and the marks it is drawn with. Columns are counted here, so that
//! colour never moves anything.

use crate::render::{Paint, Sheet, escape};
use std::io::{self, Write};

/// A line in the making.
#[derive(Debug, Clone, Default)]
pub(in crate::render) struct Line {
    pieces: Vec<(Option<Paint>, String)>,
}

impl Line {
    pub(in crate::render) fn new() -> Line {
        Line::default()
    }

    /// A line that begins with plain text.
    pub(in crate::render) fn of(text: impl Into<String>) -> Line {
        Line::new().text(text)
    }

    pub(in crate::render) fn text(mut self, text: impl Into<String>) -> Line {
        self.pieces.push((None, text.into()));
        self
    }

    pub(in crate::render) fn paint(mut self, paint: Paint, text: impl Into<String>) -> Line {
        self.pieces.push((Some(paint), text.into()));
        self
    }

    pub(in crate::render) fn join(mut self, other: Line) -> Line {
        self.pieces.extend(other.pieces);
        self
    }

    /// Fills up with spaces.
    pub(in crate::render) fn pad_to(self, column: usize) -> Line {
        let missing = column.saturating_sub(self.columns());
        self.text(" ".repeat(missing))
    }

    pub(in crate::render) fn columns(&self) -> usize {
        self.pieces.iter().map(|(_, text)| escape::width(text)).sum()
    }

    /// Writes the line without white space at its end.
    pub(in crate::render) fn write(
        mut self,
        out: &mut impl Write,
        sheet: &Sheet,
    ) -> io::Result<()> {
        while let Some((_, text)) = self.pieces.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            self.pieces.pop();
        }
        for (paint, text) in &self.pieces {
            match paint {
                Some(paint) if !text.trim().is_empty() => {
                    write!(out, "{}", sheet.palette.paint(*paint, text))?;
                }
                _ => out.write_all(text.as_bytes())?,
            }
        }
        out.write_all(b"\n")
    }
}

/// The marks that text is made with, in ASCII where nothing else may be used.
#[derive(Debug, Clone, Copy)]
pub(in crate::render) struct Marks {
    ascii: bool,
}

impl Marks {
    pub(in crate::render) fn of(sheet: &Sheet) -> Marks {
        Marks { ascii: sheet.ascii }
    }

    fn pick(self, mark: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { mark }
    }

    /// Between two parts of a line.
    pub(in crate::render) fn dot(self) -> &'static str {
        self.pick(" · ", " | ")
    }
    /// A bit that belongs to another field.
    pub(in crate::render) fn other_bit(self) -> char {
        if self.ascii { '.' } else { '·' }
    }
    pub(in crate::render) fn ellipsis(self) -> &'static str {
        self.pick("…", "...")
    }
    pub(in crate::render) fn xor(self) -> &'static str {
        self.pick("⊕", "^")
    }
    pub(in crate::render) fn arrow(self) -> &'static str {
        self.pick("→", "->")
    }
    pub(in crate::render) fn child(self) -> &'static str {
        self.pick("└ ", "` ")
    }
    /// From one rung of a ladder to the next.
    pub(in crate::render) fn branch(self) -> &'static str {
        self.pick("└─ ", "`- ")
    }
    /// From here to there.
    pub(in crate::render) fn to(self) -> &'static str {
        self.pick("–", "-")
    }
    pub(in crate::render) fn rule(self) -> char {
        if self.ascii { '-' } else { '─' }
    }

    /// Text that is safe to show already; in ASCII if it must be.
    pub(in crate::render) fn prose(self, text: &str) -> String {
        if !self.ascii || text.is_ascii() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '…' => out.push_str("..."),
                '·' => out.push('.'),
                '§' => out.push_str("section "),
                '⊕' => out.push('^'),
                '→' => out.push_str("->"),
                '–' | '—' => out.push('-'),
                '“' | '”' => out.push('"'),
                '‘' | '’' => out.push('\''),
                c if c.is_ascii() => out.push(c),
                c => out.extend(c.escape_unicode()),
            }
        }
        out
    }

    /// Captured bytes, harmless, at most so many columns.
    pub(in crate::render) fn clipped(self, bytes: &[u8], columns: usize) -> String {
        if !self.ascii {
            return escape::clipped(bytes, columns);
        }
        let looked_at = &bytes[..bytes.len().min(columns * 4 + 4)];
        let text = self.prose(&escape::text(looked_at));
        let is_all = looked_at.len() == bytes.len();
        if is_all && text.len() <= columns {
            return text;
        }
        format!("{}...", &text[..columns.saturating_sub(3).min(text.len())])
    }
}

/// Cuts text behind the last character that fits.
pub(in crate::render) fn split_at_column(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += escape::width(c.encode_utf8(&mut [0; 4]));
        if used > columns && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// A whole number with thin groups, as people read it: `65 536`.
pub(in crate::render) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 byte`, `5 bytes`.
pub(in crate::render) fn count(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(value))
}

/// Says that something was left out, and how to see it.
pub(in crate::render) fn left_out(
    out: &mut impl Write,
    sheet: &Sheet,
    what: &str,
) -> io::Result<()> {
    let hint = if sheet.width < 60 { " (--all)" } else { "; --all shows them" };
    let line = format!("{} {what}{hint}", Marks::of(sheet).ellipsis());
    Line::of("   ").paint(Paint::Faint, line).write(out, sheet)
}
