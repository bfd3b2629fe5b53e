//! The only door by which captured bytes reach a terminal or a page: control characters, ANSI
//! escapes, bidirectional marks, bytes that are not UTF-8, and for a page the characters of markup,
//! come out visible and harmless.

pub use crate::http::is_harmful;
use crate::http::is_odd_space;
use std::borrow::Cow;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthChar as _;

/// Captured bytes as printable text in one line. What is not printable becomes an escape such as
/// `\n`, `\x1b` or `\u{202e}`; a backslash stays as it is unless it would be read as an escape.
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_char(&mut out, c);
        }
        for byte in chunk.invalid() {
            push_byte(&mut out, *byte);
        }
    }
    out
}

/// JSON that says the same without a character that a terminal would obey: in JSON such a one stands
/// in strings only.
pub fn json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Like [`text`], for lines whose spaces matter: one that is not ASCII becomes an escape, too.
pub fn line(bytes: &[u8]) -> String {
    let text = text(bytes);
    match text.contains(is_odd_space) {
        true => text
            .chars()
            .map(|c| if is_odd_space(c) { c.escape_default().to_string() } else { c.to_string() })
            .collect(),
        false => text,
    }
}

/// Like [`text`], for HTML, in a text or in a quoted attribute: no character of markup is left.
pub fn html(bytes: &[u8]) -> String {
    markup(&text(bytes))
}

/// Like [`text`], of at most so many bytes, with `…` if there are more.
pub fn beginning(bytes: &[u8], most: usize) -> String {
    let end = (0..=most.min(bytes.len()))
        .rev()
        .find(|end| bytes.get(*end).is_none_or(|byte| byte & 0xc0 != 0x80))
        .unwrap_or(0);
    let more = if end < bytes.len() { "…" } else { "" };
    format!("{}{more}", text(&bytes[..end]))
}

/// Our own words for HTML: their lines stay, no character of markup is left.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Like [`text`], cut with `…` so that it takes at most `columns` columns.
pub fn clipped(bytes: &[u8], columns: usize) -> String {
    // Every byte takes at most one column per six bytes of escape; no more input is looked at.
    let looked_at = &bytes[..bytes.len().min(columns.saturating_mul(4) + 4)];
    let whole = text(looked_at);
    let is_all = looked_at.len() == bytes.len();
    clip(&whole, columns, is_all)
}

/// Cuts printable text with `…` so that it takes at most `columns` columns.
pub fn clip(text: &str, columns: usize, is_all: bool) -> String {
    let mut used = 0;
    let mut fits_with_ellipsis = 0;
    for (at, c) in text.char_indices() {
        let width = c.width().unwrap_or(0);
        if used + width > columns {
            return format!("{}…", &text[..fits_with_ellipsis]);
        }
        used += width;
        if used < columns {
            fits_with_ellipsis = at + c.len_utf8();
        }
    }
    if is_all { text.to_owned() } else { format!("{}…", &text[..fits_with_ellipsis]) }
}

/// Columns that printable text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// One byte as a printable ASCII character, or `·`.
pub fn byte(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { byte as char } else { '·' }
}

/// Bytes in hexadecimal with a space between: `81 05 48`.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn push_char(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_ascii_control() => push_byte(out, c as u8),
        c if is_harmful(c) => {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

fn push_byte(out: &mut String, byte: u8) {
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_text_around_comes_through() {
        assert_eq!(text(b"a\x1b[31mb\n\x00\x07"), "a\\x1b[31mb\\n\\x00\\x07");
        assert_eq!(text("a\u{202e}b\u{9b}".as_bytes()), "a\\u{202e}b\\u{9b}");
        assert_eq!(text(b"caf\xe9"), "caf\\xe9");
        assert_eq!(text("Grüße 🌍".as_bytes()), "Grüße 🌍");
    }

    #[test]
    fn nothing_on_a_page_is_markup() {
        let hostile = "<b onload=\"x()\">&'\u{202e}".as_bytes();
        assert_eq!(html(hostile), "&lt;b onload=&quot;x()&quot;&gt;&amp;&#39;\\u{202e}");
    }

    #[test]
    fn clipping_counts_columns_and_not_bytes() {
        assert_eq!(clipped(b"Hello", 5), "Hello");
        assert_eq!(clipped(b"Hello!", 5), "Hell…");
        assert_eq!(clipped("日本語".as_bytes(), 6), "日本語");
        assert_eq!(clipped("日本語".as_bytes(), 5), "日本…");
        assert_eq!(clipped(&[b'a'; 1000], 4), "aaa…");
    }
}
