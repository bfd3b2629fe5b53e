//! What a file looks like, to say something useful about one that is not what was expected.

use crate::http::{page, quote};

/// If these bytes are not text at all: what they are and what to try.
pub fn not_text(bytes: &[u8]) -> Option<String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(if bytes.is_empty() {
            say("this is empty", EXPECTED)
        } else {
            say("there is nothing here but white space", EXPECTED)
        });
    }
    let kind = recognise(bytes)?;
    let what = match kind.remedy {
        Remedy::Command(HANDSHAKE | FRAME) => return None,
        Remedy::Command(command) => format!("{}: {command} FILE", kind.name),
        Remedy::Unpack => format!("{}: unpack it first", kind.name),
        Remedy::Convert => format!("{}: convert it to pcapng first", kind.name),
        Remedy::None if is_text(bytes) && !kind.is_certain() => return None,
        Remedy::None => format!("{}: the text itself is needed", kind.name),
        Remedy::Json => return None,
    };
    Some(say(&format!("this is {what}"), EXPECTED))
}

/// True if these bytes begin without a control character that no text has.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().take(512).all(|b| *b >= 9)
}

/// What can be done with a kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Another command reads it.
    Command(&'static str),
    /// Something else has to unpack it.
    Unpack,
    /// Something else has to convert it.
    Convert,
    /// It may be a HAR.
    Json,
    /// Nothing.
    None,
}

/// The command for captures.
pub const PCAP: &str = "ws101 pcap";
/// The command for upgrade exchanges.
pub const HANDSHAKE: &str = "ws101 handshake";
/// The command for bytes of frames.
pub const FRAME: &str = "ws101 frame";

/// A kind of file, known by its first bytes.
#[derive(Debug)]
pub struct Kind {
    magic: &'static [u8],
    /// What it is, with its article.
    pub name: &'static str,
    /// What can be done with it.
    pub remedy: Remedy,
}

const fn kind(magic: &'static [u8], name: &'static str, remedy: Remedy) -> Kind {
    Kind { magic, name, remedy }
}

/// The kinds that are told apart.
static KINDS: [Kind; 31] = [
    kind(b"\xd4\xc3\xb2\xa1", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\xa1\xb2\xc3\xd4", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\x4d\x3c\xb2\xa1", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\xa1\xb2\x3c\x4d", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\x34\xcd\xb2\xa1", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\x0a\x0d\x0d\x0a", "a packet capture", Remedy::Command(PCAP)),
    kind(b"\x1f\x8b", "a gzip file, perhaps with a capture in it", Remedy::Command(PCAP)),
    kind(
        b"\x28\xb5\x2f\xfd",
        "a Zstandard file, perhaps with a capture in it",
        Remedy::Command(PCAP),
    ),
    kind(b"\x04\x22\x4d\x18", "an LZ4 file", Remedy::Unpack),
    kind(b"\xfd7zXZ", "an xz file", Remedy::Unpack),
    kind(b"BZh", "a bzip2 file", Remedy::Unpack),
    kind(b"PK\x03\x04", "a ZIP archive", Remedy::Unpack),
    kind(b"snoop\0", "a Solaris snoop capture", Remedy::Convert),
    kind(b"GMBU", "a Network Monitor capture", Remedy::Convert),
    kind(b"XCP\0", "a NetXRay capture", Remedy::Convert),
    kind(b"\x89PNG", "a PNG image", Remedy::None),
    kind(b"\xff\xd8\xff", "a JPEG image", Remedy::None),
    kind(b"GIF8", "a GIF image", Remedy::None),
    kind(b"%PDF", "a PDF document", Remedy::None),
    kind(b"\x7fELF", "a program", Remedy::None),
    kind(b"MZ\x90\0", "a Windows program", Remedy::None),
    kind(b"\x16\x03", "a TLS handshake, whose inside is encrypted", Remedy::None),
    kind(b"PRI * HTTP/2.0", "HTTP/2, which has binary heads", Remedy::None),
    kind(b"CLIENT_RANDOM ", "a TLS key log, which goes with a capture", Remedy::None),
    kind(b"SERVER_HANDSHAKE", "a TLS key log, which goes with a capture", Remedy::None),
    kind(b"\0\0\0\0", "zeros: was it copied completely?", Remedy::None),
    kind(b"GET /", "an HTTP request", Remedy::Command(HANDSHAKE)),
    kind(b"HTTP/", "an HTTP response", Remedy::Command(HANDSHAKE)),
    kind(b"<", "HTML or XML", Remedy::None),
    kind(b"{\"", "JSON", Remedy::Json),
    kind(b"[", "JSON", Remedy::Json),
];

impl Kind {
    /// No other bytes are likely to begin so by chance: not the bytes of frames either.
    pub fn is_certain(&self) -> bool {
        self.magic.len() >= 4 && self.magic[0] != 0 || matches!(self.magic, [0xff | 0x1f, ..])
    }
}

/// What a file is, by its first bytes.
pub fn recognise(bytes: &[u8]) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| bytes.starts_with(kind.magic))
}

/// True if these bytes begin like an HTTP exchange.
pub fn is_exchange(bytes: &[u8]) -> bool {
    recognise(bytes).is_some_and(|kind| kind.remedy == Remedy::Command(HANDSHAKE))
}

/// The text, if the bytes are UTF-16 with a byte order mark, as PowerShell writes it.
pub fn utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let read: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    Some(text.into_bytes())
}

/// True if these bytes begin like a JSON document.
pub fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match bytes {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..]),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{' | b'[' | b']', ..]),
        _ => false,
    }
}

/// What to say about text without any exchange in it.
pub fn no_exchange(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(2048)];
    let is_text = std::str::from_utf8(shown).is_ok_and(|_| true)
        || std::str::from_utf8(shown).is_err_and(|error| error.error_len().is_none());
    let has_control = shown.iter().any(|b| *b < 9);
    let digits = shown.iter().filter(|b| b.is_ascii_hexdigit()).count();
    let others =
        shown.iter().filter(|b| !b.is_ascii_hexdigit() && !b" \t\r\n:,x\\".contains(b)).count();
    let start = shown.trim_ascii_start();
    let is_html = [&b"<!doctype"[..], b"<html", b"<?xml"]
        .iter()
        .any(|tag| start.get(..tag.len()).is_some_and(|it| it.eq_ignore_ascii_case(tag)));
    if is_html {
        return say(&page_alone(&page::says(bytes)), EXPECTED);
    }
    if let Some(status) = console_status(&String::from_utf8_lossy(shown)) {
        let what = format!(
            "this is a browser's message, without the exchange; what {status} means: ws101 explain \
             {status}"
        );
        return say(&what, EXPECTED);
    }
    let what = if !is_text || has_control {
        "this is binary data, without an HTTP exchange in it; if it is frames: ws101 frame FILE"
    } else if digits >= 4 && others == 0 {
        "this looks like bytes in hexadecimal; if they are frames: ws101 frame FILE"
    } else if shown.starts_with(b"ws://") || shown.starts_with(b"wss://") {
        "this is an address; ws101 looks at recorded traffic and connects to nothing"
    } else {
        "there is no HTTP request and no response in this text"
    };
    say(what, EXPECTED)
}

/// A page that came without its head: what it says, and what its status means.
fn page_alone(said: &str) -> String {
    let shown = quote(said.as_bytes());
    let status = said.get(..3).filter(|start| start.bytes().all(|b| b.is_ascii_digit()));
    let advice = match status {
        Some(status) => format!("; what {status} means: ws101 explain {status}"),
        None => String::new(),
    };
    match said {
        "" => "this is a page of HTML, without an HTTP exchange in it".to_owned(),
        _ => format!("this is a page of HTML, without the head before it; it says {shown}{advice}"),
    }
}

/// The status in `Unexpected response code: 400`, as consoles of browsers have it.
fn console_status(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("nexpected response code: ")?;
    rest.get(..3).filter(|status| status.bytes().all(|b| b.is_ascii_digit()))
}

/// What was expected, and how to come by it.
pub(super) const EXPECTED: &str =
    "  expected: a request that begins like `GET /chat HTTP/1.1`, a response that begins like
            `HTTP/1.1 101 Switching Protocols`, or both; as raw text, curl -v output, browser
            headers or its \"copy as cURL\", Markdown or HAR
  try:      curl -v --http1.1 -H 'Upgrade: websocket' -H 'Connection: Upgrade' \\
              -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \\
              -m 3 http://HOST/PATH 2>&1 | ws101 handshake";

pub(super) fn say(what: &str, expected: &str) -> String {
    format!("{what}\n{expected}")
}
