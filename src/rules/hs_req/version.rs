//! Sec-WebSocket-Version (RFC 6455 §4.1 item 9, §4.3, §4.4, §11.3.5, §11.6).

use super::request_line::missing;
use crate::http::quote;
use crate::rules::observed::{Judgement, all_values, in_request, modern_request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::{Dialect, Handshake};

pub(in crate::rules) const HEADER: &str = "Sec-WebSocket-Version";

/// HS-REQ-VERSION-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-REQ-VERSION-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Sec-WebSocket-Version is there",
    mend: "send Sec-WebSocket-Version: 13",
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    Ok(head.line(HEADER).is_none().then(|| {
        missing(head, "the request has no Sec-WebSocket-Version", "`Sec-WebSocket-Version: 13`")
    }))
}

/// HS-REQ-VERSION-13
pub static THIRTEEN: Rule = Rule {
    id: "HS-REQ-VERSION-13",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The version is 13",
    mend: "send Sec-WebSocket-Version: 13, the only version that became a standard",
    check: Check::Handshake(|handshake, _| thirteen(handshake).into()),
};

fn thirteen(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    if let Dialect::Hybi(_) = handshake.dialect() {
        return Err("a handshake of a draft, whose version it names");
    }
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let value = head.bytes(&line.value);
    if value == b"13" {
        return Ok(None);
    }
    let seen = format!("the version is {}", quote(value));
    let broken = in_request(head, &line.value, seen, "13");
    Ok(Some(match version_number(value) {
        Some(9..=12) => broken.cause(
            "a draft's number was taken for a version: drafts 09 to 12 kept version 8, and 9 to \
             12 were never used",
        ),
        // A client may ask for another version first and come back with 13 (§4.4).
        _ if !handshake.is_accepted() => broken.severity(Severity::Warning),
        _ => broken,
    }))
}

/// HS-REQ-VERSION-SINGLE
pub static SINGLE: Rule = Rule {
    id: "HS-REQ-VERSION-SINGLE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §11.3.5",
    title: "A request names one version",
    mend: "send one Sec-WebSocket-Version: 13; the list of alternatives is the server's",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some((values, count)) = all_values(head, HEADER) else { return Ok(None) };
    let seen = match count {
        1 if !head.bytes(&values).contains(&b',') => return Ok(None),
        1 => format!("the request names several versions: {}", quote(head.bytes(&values))),
        _ => format!("there are {count} Sec-WebSocket-Version lines"),
    };
    Ok(Some(in_request(head, &values, seen, "one version for this attempt")))
}

/// HS-REQ-VERSION-SYNTAX
pub static SYNTAX: Rule = Rule {
    id: "HS-REQ-VERSION-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.3",
    title: "The version is a number from 0 to 255 without leading zeros",
    mend: "send Sec-WebSocket-Version: 13",
    check: Check::Handshake(|handshake, _| syntax(handshake).into()),
};

fn syntax(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let value = head.bytes(&line.value);
    Ok(version_number(value).is_none().then(|| {
        let seen = format!("the version {} is no such number", quote(value));
        let range = if value.is_empty() { &line.line } else { &line.value };
        in_request(head, range, seen, "a number from 0 to 255, such as 13")
    }))
}

/// A version as the grammar of RFC 6455 §4.3 writes it.
pub(in crate::rules) fn version_number(value: &[u8]) -> Option<u8> {
    let is_canonical = matches!(value, [b'0'] | [b'1'..=b'9', ..]) && value.len() <= 3;
    if !is_canonical || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    u8::try_from(value.iter().fold(0, |number, digit| 10 * number + u16::from(digit - b'0'))).ok()
}
