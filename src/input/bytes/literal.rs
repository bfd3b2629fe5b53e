//! Bytes as programs write them: string literals with escapes (C, Python, Wireshark's "escaped
//! string"), arrays of numbers (C, JSON, JavaScript).

use super::{Unreadable, plain, quoted};
use std::ops::Range;

/// True for a literal in quotes with `\x` escapes.
pub(super) fn is_string(text: &str) -> bool {
    let Some(open) = text.find(['"', '\'']) else { return false };
    ["\\x", "\\u00", "\\0", "\\2"].iter().any(|escape| text[open..].contains(escape))
}

/// Reads all literals of the text, one after the other; what stands between them is no data.
pub(super) fn read_string(text: &str) -> Result<Vec<u8>, Unreadable> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut quote = None;
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {}
            Some(open) if c == open => quote = None,
            Some(_) if c == '\\' => {
                let (byte, length) = escape(text, at, out.len() + 1)?;
                out.extend(byte);
                while chars.next_if(|(next, _)| *next < at + length).is_some() {}
            }
            Some(_) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    match quote {
        None => Ok(out),
        Some(open) => {
            let at = text.rfind(open).unwrap_or(0);
            Err(Unreadable::at(text, at, 1, "this quote is never closed"))
        }
    }
}

/// The byte that the escape at `at` stands for, and how long the escape is.
fn escape(text: &str, at: usize, number: usize) -> Result<(Option<u8>, usize), Unreadable> {
    let rest = &text[at + 1..];
    let Some(kind) = rest.chars().next() else {
        return Err(Unreadable::at(text, at, 1, "nothing follows the backslash"));
    };
    let digits = |skip: usize, count: usize, radix: u32| {
        let digits = rest.get(skip..skip + count);
        digits.and_then(|digits| u8::from_str_radix(digits, radix).ok())
    };
    let byte = match kind {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'a' => 7,
        'b' => 8,
        'v' => 11,
        'f' => 12,
        'e' => 27,
        '\\' | '\'' | '"' => kind as u8,
        '\n' => return Ok((None, 2)),
        'x' | 'X' => {
            let Some(byte) = digits(1, 2, 16) else {
                let problem = format!("byte {number}: \\x wants two hexadecimal digits");
                return Err(Unreadable::at(text, at, 4, problem));
            };
            return Ok((Some(byte), 4));
        }
        'u' if rest[1..].starts_with("00") => {
            let Some(byte) = digits(3, 2, 16) else {
                let problem = format!("byte {number}: \\u00 wants two more hexadecimal digits");
                return Err(Unreadable::at(text, at, 6, problem));
            };
            return Ok((Some(byte), 6));
        }
        '0'..='7' => {
            let count = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let Some(byte) = digits(0, count, 8) else {
                let problem = format!("byte {number}: the octal escape is larger than 377");
                return Err(Unreadable::at(text, at, 1 + count, problem));
            };
            return Ok((Some(byte), 1 + count));
        }
        other => {
            let problem = format!("byte {number}: no escape begins with {}", quoted(other));
            return Err(Unreadable::at(text, at, 1 + other.len_utf8(), problem));
        }
    };
    Ok((Some(byte), 2))
}

/// The elements of the last array in the text: `{ 0x81, 0x05 }`, `[129, 5]`.
pub(super) fn array(text: &str) -> Option<Range<usize>> {
    let open = text.rfind(['[', '{'])? + 1;
    let close = text[open..].find([']', '}'])?;
    Some(open..open + close)
}

/// Reads the elements of an array: hexadecimal if any is written with `0x`, else decimal as in
/// JSON.
pub(super) fn read_array(text: &str, elements: Range<usize>) -> Result<Vec<u8>, Unreadable> {
    let inner = &text[elements.clone()];
    if inner.contains("0x") || inner.contains("0X") || inner.contains(['"', '\'']) {
        // Only the elements, but at the place where they stand, so that carets point right.
        let blank: String =
            text[..elements.start].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        return plain::read(&format!("{blank}{inner}")).map_err(|error| {
            let source = text.lines().nth(error.line - 1).unwrap_or_default().to_owned();
            Unreadable { source, ..error }
        });
    }
    let mut out = Vec::new();
    let mut at = elements.start;
    for element in inner.split(',') {
        let lead = element.len() - element.trim_start().len();
        let number = element.trim();
        match number.parse::<u8>() {
            Ok(byte) => out.push(byte),
            Err(_) if number.is_empty() => {}
            Err(_) => {
                let problem = format!(
                    "element {} of the array is neither 0 to 255 nor written with 0x",
                    out.len() + 1
                );
                return Err(Unreadable::at(text, at + lead, number.len(), problem));
            }
        }
        at += element.len() + 1;
    }
    Ok(out)
}
