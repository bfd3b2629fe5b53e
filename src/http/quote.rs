//! Captured bytes inside a sentence: quoted, harmless, and not too long.

/// Longer values are cut with `…`.
const MAX_QUOTED: usize = 60;

/// Captured bytes in quotation marks. What could change how a terminal or page shows the text
/// around it becomes an escape such as `\n`, `\x1b` or `\u{202e}`.
pub fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", clipped(bytes, MAX_QUOTED))
}

/// The same without the quotation marks, cut with `…` behind so many characters or escapes.
pub fn clipped(bytes: &[u8], most: usize) -> String {
    let mut parts = bytes.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(printable);
        valid.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")))
    });
    let mut shown: String = parts.by_ref().take(most).collect();
    if parts.next().is_some() {
        shown.push('…');
    }
    shown
}

fn printable(c: char) -> String {
    if is_harmful(c) || is_odd_space(c) { c.escape_default().to_string() } else { c.to_string() }
}

/// A space that is not ASCII: it looks like a plain one, and is none.
pub fn is_odd_space(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii()
}

/// Characters that change how others are shown, or that can't be seen: C0 and C1 controls,
/// bidirectional and other format characters, line separators, private use, noncharacters.
pub fn is_harmful(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_harmless_and_short() {
        assert_eq!(quote(b"chat"), "\"chat\"");
        assert_eq!(quote("a\u{1b}[31m\u{202e}ü".as_bytes()), "\"a\\u{1b}[31m\\u{202e}ü\"");
        assert_eq!(quote(b"caf\xe9\r"), "\"caf\\xe9\\r\"");
        assert_eq!(quote(&[b'a'; 61]), format!("\"{}…\"", "a".repeat(60)));
    }
}
