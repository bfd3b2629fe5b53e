//! Sec-WebSocket-Accept: the proof that the server read the request (RFC 6455 §4.2.2 step 5.4).

use super::answer::missing;
use crate::http::quote;
use crate::rules::hs_req::key;
use crate::rules::observed::{
    Judgement, accepted, all_values, in_response, is_redacted, modern_request, not_hixie,
};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::accept::{accept, decode_key, diagnose, encodes};
use crate::websocket::handshake::Handshake;

const HEADER: &str = "Sec-WebSocket-Accept";

/// SHA-1 makes digests of that many bytes.
const DIGEST_BYTES: usize = 20;

/// The Accept, if there is no key yet that it could be computed from.
const ANSWER: &str = "the answer to the key, once the key is mended";

const KEY_FIRST: &str = "mend the key first: the Accept changes with it";

const HOW: &str = "SHA-1 over the key's 24 characters as they stand, followed by the GUID \
                   258EAFA5-E914-47DA-95CA-C5AB0DC85B11, and Base64 over the 20 bytes";

/// HS-RES-ACCEPT-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-RES-ACCEPT-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "A 101 carries Sec-WebSocket-Accept",
    mend: HOW,
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    not_hixie(handshake)?;
    if head.line(HEADER).is_some() {
        return Ok(None);
    }
    let line = match handshake.key().filter(|_| !key::is_broken(handshake)) {
        Some(key) => format!("`Sec-WebSocket-Accept: {}`", accept(key)),
        None => format!("`Sec-WebSocket-Accept:` and {ANSWER}"),
    };
    let broken = missing(head, "the 101 has no Sec-WebSocket-Accept", &line);
    let broken = broken.mend(how(handshake));
    Ok(Some(match head.line("Sec-WebSocket-Key") {
        Some(_) => broken.cause("the server sends the key back instead of answering it"),
        None => broken.cause(
            "whoever answered does not know WebSocket and sends headers that were copied; or a \
             proxy took the line out",
        ),
    }))
}

/// HS-RES-ACCEPT-VALUE
pub static VALUE: Rule = Rule {
    id: "HS-RES-ACCEPT-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The Accept answers the request's key",
    mend: HOW,
    check: Check::Handshake(|handshake, _| value(handshake).into()),
};

fn value(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let asked = modern_request(handshake)?;
    let Some(line) = head.line(HEADER) else { return Err("the 101 has no Accept") };
    let key = handshake.key().ok_or("the request has no key")?;
    let expected = handshake.accept_expected().ok_or("the request has no key")?;
    let found = head.bytes(&line.value);
    if handshake.transcript && (is_redacted(key) || is_redacted(found)) {
        return Err("the key or the Accept was made unreadable");
    }
    if found == expected.as_bytes() {
        return Ok(None);
    }
    let seen = format!("the Accept {} does not answer this request's key", quote(found));
    let broken = in_response(head, &line.value, seen, right(handshake)).mend(how(handshake));
    let answers_later_key = asked
        .lines("Sec-WebSocket-Key")
        .skip(1)
        .any(|line| found == accept(asked.bytes(&line.value)).as_bytes());
    Ok(Some(match diagnose(key, found) {
        _ if answers_later_key => broken.cause("this answers the other key of the same request"),
        _ if padded(key).is_some_and(|key| found == accept(&key).as_bytes()) => broken
            .cause("the server adds the padding before it hashes the key")
            .mend("mend the key alone: with its padding, this Accept answers it"),
        Some(mistake) => broken.cause(format!("this is what comes out when {mistake}")),
        None if key::is_broken(handshake) => broken,
        None => broken.cause(
            "no common mistake leads to this value; it may answer another request's key, as from \
             a cache, or a proxy sent a key of its own",
        ),
    }))
}

/// The right Accept. If the key has to be mended first, no value can be named.
fn right(handshake: &Handshake) -> String {
    match handshake.accept_expected() {
        None => "28 characters of Base64".to_owned(),
        Some(_) if key::is_broken(handshake) => ANSWER.to_owned(),
        Some(accept) => accept.to_owned(),
    }
}

fn how(handshake: &Handshake) -> &'static str {
    if key::is_broken(handshake) { KEY_FIRST } else { HOW }
}

/// The key with the padding that it lacks.
fn padded(key: &[u8]) -> Option<Vec<u8>> {
    (key.len() == key::UNPADDED && !key.ends_with(b"=")).then(|| [key, b"=="].concat())
}

/// HS-RES-ACCEPT-SINGLE
pub static SINGLE: Rule = Rule {
    id: "HS-RES-ACCEPT-SINGLE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "6455 §11.3.3",
    title: "Sec-WebSocket-Accept appears once",
    mend: "let only one component complete the handshake",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let Some((values, count)) = all_values(head, HEADER) else { return Ok(None) };
    let seen = match count {
        1 if !head.bytes(&values).contains(&b',') => return Ok(None),
        1 => "Sec-WebSocket-Accept holds a comma: two answers in one line".to_owned(),
        _ => format!("there are {count} Sec-WebSocket-Accept lines"),
    };
    Ok(Some(
        in_response(head, &values, seen, "one")
            .cause("a gateway and the program behind it both answer the key"),
    ))
}

/// HS-RES-ACCEPT-SYNTAX
pub static SYNTAX: Rule = Rule {
    id: "HS-RES-ACCEPT-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The Accept is Base64 of 20 bytes",
    mend: HOW,
    check: Check::Handshake(|handshake, _| syntax(handshake).into()),
};

fn syntax(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    not_hixie(handshake)?;
    let Some(line) = head.line(HEADER) else { return Err("the 101 has no Accept") };
    let found = head.bytes(&line.value);
    if handshake.transcript && is_redacted(found) {
        return Err("the Accept was made unreadable");
    }
    if encodes(found, DIGEST_BYTES) {
        return Ok(None);
    }
    let shape = match (found.len(), decode_key(found).map(|decoded| decoded.len())) {
        (0, _) => "is empty".to_owned(),
        (_, Some(length)) if length != DIGEST_BYTES => format!("decodes to {length} bytes"),
        (length, _) => format!("is {length} characters that are no Base64 of 20 bytes"),
    };
    let seen = format!("the Accept {} {shape}", quote(found));
    let range = if found.is_empty() { &line.line } else { &line.value };
    let key = handshake.key();
    let broken = in_response(head, range, seen, right(handshake)).mend(how(handshake));
    Ok(Some(match key.and_then(|key| diagnose(key, found)) {
        Some(mistake) => broken.cause(format!("this is what comes out when {mistake}")),
        None => broken,
    }))
}
