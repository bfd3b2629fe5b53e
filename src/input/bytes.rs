//! Raw bytes in every common dress: hexadecimal, dumps, literals of programming languages, Base64,
//! binary files. What can't be read is told by place, so that a caret can point at it.

mod dump;
mod literal;
mod little;
mod plain;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A text that is not what it was taken for: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// How many characters are meant.
    pub length: usize,
    /// The line itself.
    pub source: String,
    /// What is wrong there: `the second digit of byte 2 is 'z'`.
    pub problem: String,
}

impl Unreadable {
    /// Something is wrong with `length` bytes from the character at byte `at` of `text` on.
    fn at(text: &str, at: usize, length: usize, problem: impl Into<String>) -> Unreadable {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        let meant = text[at..end].char_indices().take_while(|(offset, _)| *offset < length);
        Unreadable {
            line: text[..start].matches('\n').count() + 1,
            column: text[start..at].chars().count() + 1,
            length: meant.count().max(1),
            source: text[start..end].trim_end_matches('\r').to_owned(),
            problem: problem.into(),
        }
    }
}

/// What a file or a pipe holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, to be read with [`from_hex`] or [`from_base64`].
    Text(String),
    /// Anything else: the bytes themselves.
    Binary(Vec<u8>),
}

impl Content {
    /// Tells text from binary. Text is UTF-8 (or UTF-16 with a mark, as PowerShell writes it)
    /// without control characters other than white space.
    pub fn of(bytes: Vec<u8>) -> Content {
        if let [0xff, 0xfe, rest @ ..] = &bytes[..]
            && let Some(text) = utf16(rest)
        {
            return Content::Text(text);
        }
        match String::from_utf8(bytes) {
            Ok(text) if is_plausible(&text) => {
                Content::Text(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
            }
            Ok(text) => Content::Binary(text.into_bytes()),
            Err(error) => Content::Binary(error.into_bytes()),
        }
    }
}

fn is_plausible(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0b' | '\x0c'))
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok().filter(|text| rest.is_empty() && is_plausible(text))
}

/// Reads hexadecimal in any common dress: `81 05`, `81:05`, `\x81\x05`, `0x81, 0x05`, `8105`,
/// arrays and string literals of programming languages, dumps by xxd, hexdump, od, tcpdump and
/// Wireshark.
///
/// ```
/// use ws101::input::bytes::from_hex;
/// // A masked "Hello" (RFC 6455 §5.7) as xxd shows it: the column of characters is not hex.
/// let dump = "00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX";
/// assert_eq!(from_hex(dump), from_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
/// ```
pub fn from_hex(text: &str) -> Result<Vec<u8>, Unreadable> {
    if dump::is_dump(text) {
        return dump::read(text);
    }
    if literal::is_string(text) {
        return literal::read_string(text);
    }
    if let Some(elements) = literal::array(text) {
        return literal::read_array(text, elements);
    }
    plain::read(text)
}

/// Reads Base64, standard or URL-safe; padding is optional, line breaks are skipped.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Unreadable> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let mut digits = Vec::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    let mut ended = false;
    for (at, c) in text.char_indices() {
        let digit = match c {
            c if c.is_whitespace() => continue,
            '"' | '\'' => continue,
            '=' => {
                ended = true;
                continue;
            }
            '-' => b'+',
            '_' => b'/',
            c if c.is_ascii_alphanumeric() || c == '+' || c == '/' => c as u8,
            c => {
                let problem = format!("{} is no Base64 digit", quoted(c));
                return Err(Unreadable::at(text, at, c.len_utf8(), problem));
            }
        };
        if ended {
            return Err(Unreadable::at(text, at, 1, "something follows the padding"));
        }
        digits.push(digit);
        places.push(at);
    }
    engine.decode(&digits).map_err(|_| {
        let problem = format!(
            "{} digits: the last one alone is no byte, so something was cut off",
            digits.len()
        );
        Unreadable::at(text, places.last().copied().unwrap_or(0), 1, problem)
    })
}

/// True if a text that is not hexadecimal may well be Base64.
pub fn looks_like_base64(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 4
        && !text.contains(' ')
        && text.chars().any(|c| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit())
        && from_base64(text).is_ok()
}

/// A character in quotes, harmless to show.
fn quoted(c: char) -> String {
    match c {
        '\'' => "\"'\"".to_owned(),
        c if c.is_control() => format!("U+{:04X}", c as u32),
        c => format!("'{c}'"),
    }
}

#[cfg(test)]
mod tests;
