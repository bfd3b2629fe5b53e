//! Sec-WebSocket-Key: 16 random bytes in Base64, once (RFC 6455 §4.1 item 7, §11.3.1).

use super::request_line::missing;
use crate::http::{FieldLine, Head, quote};
use crate::rules::observed::{Judgement, all_values, in_request, is_redacted, modern_request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::accept::{WELL_KNOWN_KEYS, decode_key, encodes};
use crate::websocket::handshake::Handshake;

const HEADER: &str = "Sec-WebSocket-Key";

/// RFC 6455 §4.1: the key is made from that many bytes.
const KEY_BYTES: usize = 16;

const HOW_PRESENT: &str = "send Sec-WebSocket-Key with 16 random bytes in Base64: \
                           openssl rand -base64 16";

/// Characters of a key without its padding.
pub(in crate::rules) const UNPADDED: usize = 22;

/// HS-REQ-KEY-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-REQ-KEY-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Sec-WebSocket-Key is there",
    mend: HOW_PRESENT,
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    if head.line(HEADER).is_some() {
        return Ok(None);
    }
    let seen = "the request has no Sec-WebSocket-Key";
    let broken =
        missing(head, seen, "`Sec-WebSocket-Key:` and 16 random bytes in Base64").mend(HOW_PRESENT);
    Ok(Some(match head.line("Sec-WebSocket-Accept") {
        Some(_) => broken.cause("the client sends the server's half: Accept instead of Key"),
        None => broken
            .cause("no WebSocket library made this request: libraries draw the key themselves"),
    }))
}

/// HS-REQ-KEY-SINGLE
pub static SINGLE: Rule = Rule {
    id: "HS-REQ-KEY-SINGLE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §11.3.1",
    title: "Sec-WebSocket-Key appears once",
    mend: "leave the key to the library and set none of your own",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((values, count)) = all_values(head, HEADER) else { return Ok(None) };
    if count > 1 {
        let seen = format!("there are {count} Sec-WebSocket-Key lines");
        return Ok(Some(
            in_request(head, &values, seen, "one")
                .cause("most often the program sets a key although its library does so already"),
        ));
    }
    Ok(head.bytes(&values).contains(&b',').then(|| {
        let seen = "Sec-WebSocket-Key holds a comma: two keys in one line";
        in_request(head, &values, seen, "one key").cause("something on the way joined two lines")
    }))
}

/// HS-REQ-KEY-BASE64
pub static BASE64: Rule = Rule {
    id: "HS-REQ-KEY-BASE64",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.3",
    title: "The key is Base64 with its padding",
    mend: "encode 16 random bytes with standard Base64 (A-Z a-z 0-9 + / and == at the end): \
           openssl rand -base64 16",
    check: Check::Handshake(|handshake, _| base64(handshake).into()),
};

fn base64(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((line, value)) = key(handshake, head)? else { return Ok(None) };
    if encodes(value, KEY_BYTES) {
        return Ok(None);
    }
    let in_alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let padding = value.iter().rev().take_while(|&&b| b == b'=').count();
    let text = &value[..value.len() - padding];
    let what = if value.is_empty() {
        "it is empty"
    } else if text.iter().any(|b| matches!(b, b'-' | b'_')) {
        "`-` and `_` are of the URL-safe alphabet"
    } else if matches!(value, [b'"', .., b'"']) {
        "it stands in quotation marks"
    } else if !text.iter().all(in_alphabet) {
        "it holds characters that Base64 does not have"
    } else if padding == 0 && !text.len().is_multiple_of(4) {
        "its padding is missing"
    } else if !value.len().is_multiple_of(4) || padding > 2 {
        "its length is no multiple of 4"
    } else {
        return Ok(None);
    };
    let seen = format!("the key {} is not Base64: {what}", quote(value));
    let expected = "22 characters of Base64 and ==";
    let broken = in_request(head, &line.value, seen, expected);
    let padded = [value, b"=="].concat();
    let lacks_padding = decode_key(&padded).is_some_and(|key| key.len() == KEY_BYTES);
    Ok(Some(match lacks_padding && value.len() == UNPADDED {
        true => broken.mend(format!("send the key with its padding: {}", quote(&padded))),
        false => broken,
    }))
}

/// HS-REQ-KEY-LENGTH
pub static LENGTH: Rule = Rule {
    id: "HS-REQ-KEY-LENGTH",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The key decodes to 16 bytes",
    mend: "draw 16 random bytes, then encode them: openssl rand -base64 16",
    check: Check::Handshake(|handshake, _| length(handshake).into()),
};

fn length(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((line, value)) = key(handshake, head)? else { return Ok(None) };
    if encodes(value, KEY_BYTES) {
        return Ok(None);
    }
    let decoded = decode_key(value).ok_or("the key is not Base64")?;
    Ok((decoded.len() != KEY_BYTES).then(|| {
        let length = decoded.len();
        let unit = if length == 1 { "byte" } else { "bytes" };
        let seen = format!("the key {} decodes to {length} {unit}", quote(value));
        let broken = in_request(head, &line.value, seen, "16 bytes: 24 characters, the last two =");
        match length {
            20 => broken.cause("this is as long as an Accept"),
            24 | 32 => broken.cause("text was encoded that was hexadecimal or Base64 already"),
            _ => broken,
        }
    }))
}

/// HS-REQ-KEY-CANONICAL
pub static CANONICAL: Rule = Rule {
    id: "HS-REQ-KEY-CANONICAL",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "4648 §3.5",
    title: "The bits of the key that carry nothing are zero",
    mend: "encode 16 bytes with a Base64 library instead of drawing 22 random characters: \
           openssl rand -base64 16",
    check: Check::Handshake(|handshake, _| canonical(handshake).into()),
};

fn canonical(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((line, value)) = key(handshake, head)? else { return Ok(None) };
    // 22 characters carry 132 bits, 16 bytes are 128: the last four must be zero.
    if value.len() != 24 || !value.ends_with(b"==") {
        return Err("the key is not 24 characters of Base64");
    }
    let last = value[21];
    if matches!(last, b'A' | b'Q' | b'g' | b'w') {
        return Ok(None);
    }
    let place = line.value.start + 21..line.value.start + 22;
    let seen =
        format!("the last character before the padding is `{}`", quote(&[last]).trim_matches('"'));
    Ok(Some(in_request(head, &place, seen, "A, Q, g or w, which end in four zero bits").cause(
        "the key was typed or drawn as characters; RFC 6455 itself once printed such a key",
    )))
}

/// HS-REQ-KEY-ENTROPY
pub static ENTROPY: Rule = Rule {
    id: "HS-REQ-KEY-ENTROPY",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The key looks random",
    mend: "draw 16 random bytes for each connection: openssl rand -base64 16",
    check: Check::Handshake(|handshake, _| entropy(handshake).into()),
};

fn entropy(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((line, value)) = key(handshake, head)? else { return Ok(None) };
    let expected = "16 bytes drawn at random";
    if let Some((_, place)) = WELL_KNOWN_KEYS.iter().find(|(key, _)| key.as_bytes() == value) {
        let seen = format!("the key is {place}");
        let broken = in_request(head, &line.value, seen, expected)
            .cause("copied from a document; harmless in a lesson")
            .severity(Severity::Note);
        return Ok(Some(broken));
    }
    // Of most keys a look at the beginning is enough.
    let beginning = decode_key(&value[..value.len().min(8)]).unwrap_or_default();
    if encodes(value, KEY_BYTES) && pattern(&beginning).is_none() {
        return Ok(None);
    }
    let decoded = decode_key(value).ok_or("the key is not Base64")?;
    if decoded.len() != KEY_BYTES {
        return Err("the key is not 16 bytes long");
    }
    let Some(what) = pattern(&decoded) else { return Ok(None) };
    let seen = format!("the key decodes to {what}");
    Ok(Some(
        in_request(head, &line.value, seen, expected).cause("the key is a constant in the code"),
    ))
}

/// What the 16 bytes of a key are, if they are anything that chance does not draw.
pub fn pattern(decoded: &[u8]) -> Option<String> {
    let steps = |step: u8| decoded.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(step));
    let (first, last) = (decoded.first()?, decoded.last()?);
    Some(if steps(0) {
        format!("16 times the byte {first:02x}")
    } else if steps(1) || steps(u8::MAX) {
        format!("a run of bytes from {first:02x} to {last:02x}")
    } else if decoded.iter().all(|&b| b.is_ascii_graphic() || b == b' ') {
        format!("the text {}", quote(decoded))
    } else {
        return None;
    })
}

/// True if the key has to be mended before there can be an answer to it.
pub(in crate::rules) fn is_broken(handshake: &Handshake) -> bool {
    [single, base64, length].iter().any(|check| matches!(check(handshake), Ok(Some(_))))
}

/// The first key, unless somebody made it unreadable.
fn key<'a>(
    handshake: &Handshake,
    head: &'a Head,
) -> Result<Option<(&'a FieldLine, &'a [u8])>, &'static str> {
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let value = head.bytes(&line.value);
    if handshake.transcript && is_redacted(value) {
        return Err("the key was made unreadable");
    }
    Ok(Some((line, value)))
}
