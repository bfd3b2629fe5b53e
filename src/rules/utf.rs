//! UTF: text is UTF-8 (RFC 6455 §5.6, §8.1; RFC 3629). Judged over whole messages: a frame may
//! end inside a character.

use super::{Broken, Check, Level, Memory, Rule, Severity, Verdict, Violator};
use crate::http::Head;
use crate::layout::Span;
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use crate::websocket::utf8::Utf8FaultKind;
use crate::websocket::{Message, Opcode};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &INVALID_BYTE,
    &OVERLONG,
    &SURROGATE,
    &ABOVE_MAX,
    &TRUNCATED,
    &SPLIT_OK,
    &HANDSHAKE,
    &BOM_AT_START,
    &TEXT_IN_BINARY,
];

/// U+FEFF in UTF-8.
pub(super) const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

static INVALID_BYTE: Rule = Rule {
    id: "UTF-INVALID-BYTE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.6, §8.1; 3629 §3, §4",
    title: "A text message holds UTF-8 only",
    mend: "encode text as UTF-8, or send the bytes as a binary message",
    check: Check::Message(invalid_byte),
};

fn invalid_byte(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    fault(message, Utf8FaultKind::InvalidByte, |byte| match byte {
        Some(byte @ 0x80..=0xbf) => {
            format!("{byte:#04x} goes on with a character, but none was begun")
        }
        Some(byte @ (0xfe | 0xff)) => format!("{byte:#04x} never stands in UTF-8"),
        Some(byte) => format!("{byte:#04x} stands where the character before needs more bytes"),
        None => "a byte stands there that can't".to_owned(),
    })
    .map(|broken| broken.cause("the text is in another encoding, such as Latin-1, or is no text"))
}

static OVERLONG: Rule = Rule {
    id: "UTF-OVERLONG",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "3629 §3, §4; 6455 §8.1",
    title: "Each character is encoded in as few bytes as possible",
    mend: "use a strict UTF-8 encoder",
    check: Check::Message(overlong),
};

fn overlong(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    let broken = fault(message, Utf8FaultKind::Overlong, |byte| {
        format!("{} makes a character in more bytes than it needs", hex(byte))
    })?;
    Some(broken.cause(match around(message) {
        Some([0xc0, 0x80, ..]) => "Java's modified UTF-8 writes U+0000 as c0 80",
        _ => "a home-made encoder, or somebody who wants to get a character past a filter",
    }))
}

static SURROGATE: Rule = Rule {
    id: "UTF-SURROGATE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "3629 §3; 6455 §8.1",
    title: "UTF-8 holds no halves of UTF-16 pairs",
    mend: "join surrogate pairs before encoding, and do not cut strings between them",
    check: Check::Message(surrogate),
};

fn surrogate(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    let broken = fault(message, Utf8FaultKind::Surrogate, |byte| {
        format!("0xed {} makes half of a UTF-16 pair (U+D800 to U+DFFF)", hex(byte))
    })?;
    let offset = message.utf8_fault.map_or(0, |fault| fault.offset as usize);
    let pair = message.payload.get(offset.saturating_sub(1)..offset + 5);
    Some(broken.cause(match pair {
        Some([0xed, 0xa0..=0xaf, _, 0xed, 0xb0..=0xbf, _]) => {
            "both halves of a pair are encoded one by one: that is CESU-8"
        }
        _ => "a UTF-16 string was cut inside a pair, often an emoji, and then encoded",
    }))
}

static ABOVE_MAX: Rule = Rule {
    id: "UTF-ABOVE-MAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "3629 §3, §4; 6455 §8.1",
    title: "No character is above U+10FFFF",
    mend: "use a strict UTF-8 encoder, or send the bytes as a binary message",
    check: Check::Message(above_max),
};

fn above_max(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    fault(message, Utf8FaultKind::AboveMax, |byte| {
        format!("{} begins or makes a character above U+10FFFF", hex(byte))
    })
    .map(|broken| broken.cause("the bytes are no text, or the encoder is older than 2003"))
}

static TRUNCATED: Rule = Rule {
    id: "UTF-TRUNCATED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.6, §8.1; 3629 §4",
    title: "A text message ends with a whole character",
    mend: "count bytes and not characters, and do not cut a text inside a character",
    check: Check::Message(truncated),
};

fn truncated(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    fault(message, Utf8FaultKind::Truncated, |_| {
        "the text ends in the middle of a character".to_owned()
    })
    .map(|broken| {
        broken
            .cause("the length was counted in characters, or a text was cut into messages by bytes")
    })
}

static SPLIT_OK: Rule = Rule {
    id: "UTF-SPLIT-OK",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.6",
    title: "A character may be split across fragments",
    mend: "nothing: receivers check whole messages and not frames",
    check: Check::Message(split_ok),
};

fn split_ok(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    let is_fine = message.complete && message.utf8_fault.is_none() && is_judged(message);
    (message.split_character && is_fine).then(|| {
        let seen = "a character is split across two fragments, which is legal";
        Broken::new(message.from, seen, "")
    })
}

static HANDSHAKE: Rule = Rule {
    id: "UTF-HANDSHAKE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §8.1; 9110 §5.5",
    title: "Header values of the handshake are ASCII",
    mend: "keep header values in ASCII; percent-encode or Base64 what is not",
    check: Check::Handshake(handshake),
};

fn handshake(handshake: &Handshake, _: &Memory) -> Verdict {
    let heads = [(&handshake.request, Endpoint::Client), (&handshake.response, Endpoint::Server)];
    let broken = heads.into_iter().find_map(|(head, from)| {
        let head = head.as_deref()?;
        non_ascii(head, from)
    });
    Verdict::from(broken)
}

fn non_ascii(head: &Head, from: Endpoint) -> Option<Broken> {
    if head.text().is_ascii() {
        return None;
    }
    let field = head.fields.iter().find(|field| !head.bytes(&field.value).is_ascii())?;
    let value = head.bytes(&field.value);
    let byte = value.iter().find(|byte| !byte.is_ascii()).copied();
    let kind = match std::str::from_utf8(value) {
        Ok(_) => "it happens to be UTF-8",
        Err(_) => "it is not UTF-8 either",
    };
    let seen = format!("the value holds the byte {}, which is not ASCII; {kind}", hex(byte));
    let broken = Broken::new(from, seen, "ASCII").in_head(head, &field.value);
    Some(broken.cause("a name or a path was put into a header as it is"))
}

static BOM_AT_START: Rule = Rule {
    id: "UTF-BOM",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "3629 §6",
    title: "A text message begins without a byte order mark",
    mend: "leave the byte order mark out; JSON parsers stumble over it",
    check: Check::Message(bom),
};

fn bom(message: &Message<'_>, _: &Memory) -> Option<Broken> {
    let is_text = message.opcode == Opcode::Text && is_judged(message);
    (is_text && message.payload.starts_with(&BOM)).then(|| {
        let seen = "the text begins with a byte order mark (ef bb bf), an invisible character";
        Broken::new(message.from, seen, "the text itself")
            .cause("the text was read from a file that a Windows program wrote")
    })
}

static TEXT_IN_BINARY: Rule = Rule {
    id: "UTF-TEXT-IN-BINARY",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.6",
    title: "Text is sent as text",
    mend: "send JSON and XML with opcode 1, unless the subprotocol says otherwise",
    check: Check::Message(text_in_binary),
};

fn text_in_binary(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let last = super::memory::NOT_READABLE - 1;
    let reads = message.opcode == Opcode::Binary
        && !memory.binary_subprotocol
        && memory.of(message.from).readable == last
        && reads_like_text(message);
    reads.then(|| {
        let seen = "the first five binary messages all hold readable text, like JSON or XML";
        Broken::new(message.from, seen, "opcode 1 (text)")
            .cause("the library sends bytes as binary, and the text was encoded before")
    })
}

/// How much of a message is looked at to see if it reads like text.
const LOOKED_AT: usize = 1024;

/// True if these bytes begin like JSON or XML and are UTF-8.
pub(super) fn reads_like_text(message: &Message<'_>) -> bool {
    let start = &message.payload[..message.payload.len().min(LOOKED_AT)];
    let is_utf8 = std::str::from_utf8(start)
        .map_or_else(|error| error.error_len().is_none() && start.len() == LOOKED_AT, |_| true);
    matches!(start, [b'{' | b'[' | b'<', ..]) && is_utf8 && is_judged(message)
}

/// False if it is not known what the payload is: an unknown extension, or lost history.
fn is_judged(message: &Message<'_>) -> bool {
    !message.opaque && (!message.compressed || message.trusted)
}

/// A fault of that kind, at the byte at which the text can no longer become valid.
fn fault(
    message: &Message<'_>,
    kind: Utf8FaultKind,
    what: impl Fn(Option<u8>) -> String,
) -> Option<Broken> {
    let fault = message.utf8_fault.filter(|fault| fault.kind == kind && is_judged(message))?;
    let byte = message.payload.get(fault.offset as usize).copied();
    let inflated = if message.compressed { "inflated " } else { "" };
    let seen = format!("at byte {} of the {inflated}message, {}", fault.offset, what(byte));
    let mut broken = Broken::new(message.from, seen, "UTF-8");
    if let Some(place) = message.utf8_fault_at {
        let is_behind = kind == Utf8FaultKind::Truncated;
        broken = broken.at(Span::bytes(place.offset - u64::from(is_behind), 1));
        broken.frame = Some(place.frame);
    }
    Some(broken)
}

/// The bytes from the one at which the text breaks.
fn around<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    message.payload.get(message.utf8_fault?.offset as usize..)
}

fn hex(byte: Option<u8>) -> String {
    byte.map_or_else(|| "a byte".to_owned(), |byte| format!("{byte:#04x}"))
}
