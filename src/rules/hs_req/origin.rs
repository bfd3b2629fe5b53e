//! Origin: which site asks (RFC 6455 §4.1 item 8, RFC 6454).

use crate::http::quote;
use crate::rules::observed::{Judgement, all_values, in_request, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

const HEADER: &str = "Origin";

/// HS-REQ-ORIGIN-SYNTAX
pub static SYNTAX: Rule = Rule {
    id: "HS-REQ-ORIGIN-SYNTAX",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6454 §7.1",
    title: "Origin is a scheme, a host and perhaps a port",
    mend: "send scheme://host, and :port if it is not the scheme's own; or no Origin at all",
    check: Check::Handshake(|handshake, _| syntax(handshake).into()),
};

fn syntax(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some(line) = head.line(HEADER) else { return Ok(None) };
    let value = head.bytes(&line.value);
    if handshake.transcript && crate::rules::observed::is_redacted(value) {
        return Err("Origin was made unreadable");
    }
    let range = if value.is_empty() { &line.line } else { &line.value };
    Ok(origin_fault(value).map(|what| {
        let seen = format!("Origin is {}: {what}", quote(value));
        let broken = in_request(head, range, seen, "an origin, as in https://www.example.com");
        if what == SEVERAL { broken.severity(Severity::Note) } else { broken }
    }))
}

const SEVERAL: &str = "these are several origins";

/// What keeps a value from being the serialization of an origin (RFC 6454 §6.2).
fn origin_fault(value: &[u8]) -> Option<&'static str> {
    if value == b"null" || is_usual(value) {
        return None;
    }
    let Ok(text) = std::str::from_utf8(value) else { return Some("that is not ASCII") };
    if text.contains(' ') {
        return Some(SEVERAL);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("the scheme is missing");
    };
    let is_scheme_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme_char)
    {
        return Some("that begins with no scheme");
    }
    // file:// and the like have no host, and what extensions and apps put there is their own.
    if !matches!(scheme, "http" | "https" | "ws" | "wss") {
        return scheme
            .bytes()
            .any(|b| b.is_ascii_uppercase())
            .then_some("the scheme is in upper case");
    }
    if rest.is_empty() {
        return Some("the host is missing");
    }
    if let Some(at) = rest.find(['/', '?', '#']) {
        let is_slash = rest[at..] == *"/";
        return Some(if is_slash { "a slash follows the host" } else { "that is a whole URL" });
    }
    if rest.contains('@') {
        return Some("that has a user name");
    }
    if !rest.is_ascii() {
        return Some("a host is written in ASCII here");
    }
    if rest.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("the host is in upper case");
    }
    let default = matches!(
        (scheme, rest.rsplit_once(':').map(|(_, port)| port)),
        ("http" | "ws", Some("80")) | ("https" | "wss", Some("443"))
    );
    default.then_some("the port is the scheme's own, which is left out")
}

/// What most pages have: `https` or `http` and a name, without a port.
fn is_usual(value: &[u8]) -> bool {
    let host = value.strip_prefix(b"https://").or(value.strip_prefix(b"http://"));
    let is_usual = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    host.is_some_and(|host| !host.is_empty() && host.iter().all(is_usual))
}

/// HS-REQ-ORIGIN-SINGLE
pub static SINGLE: Rule = Rule {
    id: "HS-REQ-ORIGIN-SINGLE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6454 §7.3",
    title: "Origin appears at most once",
    mend: "send one Origin; a proxy passes it on and adds none",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some((values, count @ 2..)) = all_values(head, HEADER) else { return Ok(None) };
    let seen = format!("there are {count} Origin lines");
    Ok(Some(
        in_request(head, &values, seen, "at most one")
            .cause("the program sets an Origin although its library (or browser) does so already"),
    ))
}
