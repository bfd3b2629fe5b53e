//! What a file looks like, to say something useful about one that is not what was expected.

/// If these bytes are not text at all: what they are and what to try.
pub fn not_text(bytes: &[u8]) -> Option<String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(if bytes.is_empty() {
            say("this is empty", EXPECTED)
        } else {
            say("there is nothing here but white space", EXPECTED)
        });
    }
    let capture = "a packet capture: ws101 pcap FILE";
    let kinds: [(&[u8], &str); 15] = [
        (b"\xd4\xc3\xb2\xa1", capture),
        (b"\xa1\xb2\xc3\xd4", capture),
        (b"\x4d\x3c\xb2\xa1", capture),
        (b"\xa1\xb2\x3c\x4d", capture),
        (b"\x0a\x0d\x0d\x0a", capture),
        (b"\x1f\x8b", "compressed with gzip: unpack it, or if it is a capture: ws101 pcap FILE"),
        (b"\x89PNG", "a PNG image: the text itself is needed, not a picture of it"),
        (b"\xff\xd8\xff", "a JPEG image: the text itself is needed, not a picture of it"),
        (b"GIF8", "a GIF image: the text itself is needed, not a picture of it"),
        (b"PK\x03\x04", "a ZIP archive: unpack it first"),
        (b"%PDF", "a PDF: copy the exchange out of it as text"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a Windows program"),
        (b"\x16\x03", "a TLS handshake: what is inside is encrypted"),
        (b"PRI * HTTP/2.0", "HTTP/2, which has binary heads"),
    ];
    // Two letters alone prove nothing: a program has bytes that no text has.
    let has_control = bytes.iter().take(512).any(|b| *b < 9);
    let (_, what) = kinds
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic) && (magic.len() > 2 || has_control))?;
    Some(say(&format!("this is {what}"), EXPECTED))
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
    let what = if !is_text || has_control {
        "this is binary data, without an HTTP exchange in it; if it is frames: ws101 frame FILE"
    } else if digits >= 4 && others == 0 {
        "this looks like bytes in hexadecimal; if they are frames: ws101 frame FILE"
    } else if is_html {
        "this is a page of HTML, without an HTTP exchange in it"
    } else if shown.starts_with(b"ws://") || shown.starts_with(b"wss://") {
        "this is an address; ws101 looks at recorded traffic and connects to nothing"
    } else {
        "there is no HTTP request and no response in this text"
    };
    say(what, EXPECTED)
}

/// What was expected, and how to come by it.
pub(super) const EXPECTED: &str =
    "  expected: a request that begins like `GET /chat HTTP/1.1`, a response that begins like
            `HTTP/1.1 101 Switching Protocols`, or both; as raw text, curl -v output, browser
            headers, Markdown or HAR
  try:      curl -v --http1.1 -H 'Upgrade: websocket' -H 'Connection: Upgrade' \\
              -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \\
              -m 3 http://HOST/PATH 2>&1 | ws101 handshake";

pub(super) fn say(what: &str, expected: &str) -> String {
    format!("{what}\n{expected}")
}
