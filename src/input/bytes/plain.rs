//! Hexadecimal digits with anything common between them, and comments.

use super::{Unreadable, quoted};

/// Reads plain hexadecimal. `#` and `//` begin a comment that goes to the end of the line.
pub(super) fn read(text: &str) -> Result<Vec<u8>, Unreadable> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut at = opening(text);
    while at < text.len() {
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { break };
        if c == '#' || rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if is_separator(c) {
            at += c.len_utf8();
        } else if let Some(prefix) = prefix(rest) {
            at += prefix.len();
            at += read_run(text, at, Some(prefix), &mut out)?;
        } else {
            at += read_run(text, at, None, &mut out)?;
        }
    }
    Ok(out)
}

/// What some consoles print around the bytes of a buffer.
fn opening(text: &str) -> usize {
    let lead = text.len() - text.trim_start().len();
    if text[lead..].starts_with("<Buffer ") { lead + "<Buffer".len() } else { lead }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '_' | '.' | '|' | '"' | '\'' | '>')
}

fn prefix(rest: &str) -> Option<&str> {
    let prefix = rest.get(..2)?;
    matches!(prefix, "0x" | "0X" | "\\x" | "\\X").then_some(prefix)
}

/// Reads digits up to the next separator. Returns how long the run is.
fn read_run(
    text: &str,
    at: usize,
    prefix: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<usize, Unreadable> {
    let rest = &text[at..];
    let is_end = |c: char| is_separator(c) || matches!(c, '\\' | '#' | '/');
    let length = rest.find(is_end).unwrap_or(rest.len());
    let run = &rest[..length];
    if let Some((index, c)) = run.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
        let which = if index % 2 == 0 { "first" } else { "second" };
        let number = out.len() + index / 2 + 1;
        let problem = format!("the {which} digit of byte {number} is {}", quoted(c));
        return Err(Unreadable::at(text, at + index, c.len_utf8(), problem));
    }
    if run.is_empty() {
        let (from, c) = match prefix {
            Some(prefix) => (at - prefix.len(), prefix.to_owned()),
            None => (at, rest.chars().next().map(String::from).unwrap_or_default()),
        };
        let problem = format!("byte {} has no digits after '{c}'", out.len() + 1);
        return Err(Unreadable::at(text, from, c.len().max(1), problem));
    }
    if length % 2 == 1 && !(length == 1 && matches!(prefix, Some("0x" | "0X"))) {
        let number = out.len() + length / 2 + 1;
        let last = &run[length - 1..];
        let problem = if length == 1 {
            format!("byte {number} has one digit; written with two it is 0{last}")
        } else {
            format!("byte {number} has one digit: {length} digits are no whole number of bytes")
        };
        return Err(Unreadable::at(text, at + length - 1, 1, problem));
    }
    push_digits(run, out);
    Ok(length)
}

/// Digits are known to be hexadecimal; a single one is a byte of its own.
pub(super) fn push_digits(digits: &str, out: &mut Vec<u8>) {
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    for pair in digits.as_bytes().chunks(2) {
        out.push(pair.iter().fold(0, |byte, &digit| byte << 4 | value(digit)));
    }
}
