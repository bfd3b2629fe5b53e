//! Strings in JSON, fast, and harmless on a terminal: besides what JSON demands, characters that
//! move a cursor or turn text around are escaped, too. Readers get the same string back.

use crate::render::escape;

/// What a byte of UTF-8 asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nothing.
    Plain,
    /// An escape.
    Escape,
    /// A look at the whole character.
    Look,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            0..=0x1f | b'"' | b'\\' | 0x7f => Class::Escape,
            // The lead bytes under which the characters of `escape::is_harmful` live.
            0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xe3 | 0xee | 0xef | 0xf0 | 0xf3 | 0xf4 => Class::Look,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
}

/// Bytes that are looked at in one go.
const BLOCK: usize = 32;

/// Appends `text` as it stands inside of JSON quotes.
pub fn push(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (mut done, mut at) = (0, 0);
    while at < bytes.len() {
        if let Some(block) = bytes.get(at..at + BLOCK)
            && is_plain(block)
        {
            at += BLOCK;
            continue;
        }
        let end = (at + BLOCK).min(bytes.len());
        while at < end {
            match CLASSES[usize::from(bytes[at])] {
                Class::Plain => at += 1,
                Class::Escape => {
                    out.extend_from_slice(&bytes[done..at]);
                    push_escape(out, u32::from(bytes[at]));
                    at += 1;
                    done = at;
                }
                Class::Look => {
                    let c = text[at..].chars().next().unwrap_or_default();
                    if escape::is_harmful(c) {
                        out.extend_from_slice(&bytes[done..at]);
                        for unit in c.encode_utf16(&mut [0; 2]) {
                            push_escape(out, u32::from(*unit));
                        }
                        done = at + c.len_utf8();
                    }
                    at += c.len_utf8();
                }
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// True if none of these bytes needs a second look. Written so that it becomes vector code; it
/// names the same bytes as [`CLASSES`], a range at a time.
fn is_plain(block: &[u8]) -> bool {
    let mut odd = false;
    for &byte in block {
        odd |= byte < 0x20
            || byte == b'"'
            || byte == b'\\'
            || byte == 0x7f
            || byte == 0xc2
            || byte == 0xd8
            || byte.wrapping_sub(0xe1) <= 2
            || byte >= 0xee;
    }
    !odd
}

fn push_escape(out: &mut Vec<u8>, unit: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match unit {
        0x22 => b'"',
        0x5c => b'\\',
        0x0a => b'n',
        0x0d => b'r',
        0x09 => b't',
        _ => {
            let digit = |shift: u32| DIGITS[(unit >> shift & 0xf) as usize];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = vec![b'"'];
        push(&mut out, text);
        out.push(b'"');
        String::from_utf8(out).expect("escapes keep UTF-8")
    }

    proptest! {
        #[test]
        fn a_reader_gets_the_same_string_back(text in ".*", prefix in "[a-z]{0,70}") {
            let text = prefix + &text;
            let read: String = serde_json::from_str(&quoted(&text)).expect("it is JSON");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn nothing_harmful_comes_through(text in proptest::collection::vec(any::<char>(), 0..80)) {
            let text: String = text.into_iter().collect();
            prop_assert!(!quoted(&text).chars().any(escape::is_harmful));
        }
    }

    #[test]
    fn blocks_and_bytes_are_looked_at_alike() {
        for byte in 0..=u8::MAX {
            let plain = CLASSES[usize::from(byte)] == Class::Plain;
            // Bytes above F4 stand in no UTF-8.
            assert!(is_plain(&[byte]) == plain || matches!(byte, 0xf1 | 0xf2 | 0xf5..), "{byte:x}");
        }
    }

    #[test]
    fn every_harmful_character_is_found() {
        for c in ('\0'..=char::MAX).filter(|&c| escape::is_harmful(c)) {
            assert!(quoted(&c.to_string()).is_ascii(), "{c:?}");
        }
    }
}
