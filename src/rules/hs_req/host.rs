//! Host: whom the client asks (RFC 6455 §4.1 item 4, RFC 9112 §3.2, RFC 9110 §7.2).

use super::request_line::{authority, missing};
use crate::http::quote;
use crate::rules::observed::{Judgement, all_values, in_request, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// What the target of a request may begin with, if it names the server.
const SCHEMES: [&str; 4] = ["http://", "https://", "ws://", "wss://"];

/// HS-REQ-HOST-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-REQ-HOST-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Host is there and not empty",
    mend: "send Host with the host of the URL, and its port if it is not the default one",
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    match head.line("Host") {
        None => {
            let named = head.target().and_then(|target| authority(target, &SCHEMES));
            let line = match named {
                Some(named) => format!("`Host: {}`", quote(named).trim_matches('"')),
                None => "`Host:` and the server's name".to_owned(),
            };
            Ok(Some(missing(head, "the request has no Host", &line)))
        }
        Some(line) if line.value.is_empty() => {
            let expected = "Host: and the server's name";
            Ok(Some(in_request(head, &line.line, "Host is empty", expected)))
        }
        Some(_) => Ok(None),
    }
}

/// HS-REQ-HOST-SINGLE
pub static SINGLE: Rule = Rule {
    id: "HS-REQ-HOST-SINGLE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "9112 §3.2",
    title: "Host appears once",
    mend: "set Host in one place; a proxy replaces it instead of adding another",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some((values, count)) = all_values(head, "Host") else { return Ok(None) };
    if count > 1 {
        let seen = format!("there are {count} Host lines");
        return Ok(Some(
            in_request(head, &values, seen, "one")
                .cause("the library sets Host itself, and the program (or a proxy) adds its own"),
        ));
    }
    let value = head.bytes(&values);
    Ok(value.contains(&b',').then(|| {
        let seen = format!("Host names more than one host: {}", quote(value));
        in_request(head, &values, seen, "one host")
            .cause("something on the way joined two Host lines with a comma")
    }))
}

/// HS-REQ-HOST-SYNTAX
pub static SYNTAX: Rule = Rule {
    id: "HS-REQ-HOST-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "9110 §7.2",
    title: "Host is a host and perhaps a port, and nothing else",
    mend: "take host and port from the parsed URL; no scheme, path or user name",
    check: Check::Handshake(|handshake, _| syntax(handshake).into()),
};

fn syntax(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some(line) = head.line("Host") else { return Ok(None) };
    let value = head.bytes(&line.value);
    if value.is_empty() {
        return Ok(None);
    }
    Ok(host_fault(value).map(|what| {
        let seen = format!("Host is {}: {what}", quote(value));
        in_request(head, &line.value, seen, "a host, as in server.example.com:8080")
    }))
}

/// What is wrong with a value that should be `uri-host [ ":" port ]`.
fn host_fault(value: &[u8]) -> Option<&'static str> {
    // Most are a name and nothing else.
    if value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        return None;
    }
    if value.windows(3).any(|part| part == b"://") {
        return Some("that is a URL");
    }
    if value.contains(&b'/') {
        return Some("that has a path");
    }
    if value.contains(&b'@') {
        return Some("that has a user name");
    }
    if value.iter().any(|b| matches!(b, b' ' | b'\t' | b',' | b'"' | b'<' | b'>' | b'\\')) {
        return Some("no host can hold that");
    }
    let port = if value[0] == b'[' {
        let Some(end) = value.iter().position(|&b| b == b']') else {
            return Some("the bracket of an IPv6 address is not closed");
        };
        &value[end + 1..]
    } else {
        let colon = value.iter().position(|&b| b == b':')?;
        if colon == 0 {
            return Some("the host before the port is empty");
        }
        if value[colon + 1..].contains(&b':') {
            return Some("an IPv6 address stands in brackets");
        }
        &value[colon..]
    };
    match port {
        [] | [b':'] => None,
        [b':', digits @ ..] if is_port(digits) => None,
        _ => Some("what follows the host is no port"),
    }
}

fn is_port(digits: &[u8]) -> bool {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit) && text.parse::<u16>().is_ok()
}

/// HS-REQ-HOST-CONSISTENT
pub static CONSISTENT: Rule = Rule {
    id: "HS-REQ-HOST-CONSISTENT",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "9112 §3.2.2",
    title: "Host and an absolute request-target name the same server",
    mend: "change target and Host together",
    check: Check::Handshake(|handshake, _| consistent(handshake).into()),
};

fn consistent(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let target = head.target().ok_or("the request line can't be read")?;
    let named = authority(target, &SCHEMES).ok_or("only Host names the server")?;
    let Some(line) = head.line("Host") else { return Err("there is no Host to compare") };
    let value = head.bytes(&line.value);
    let same = without_port(named).eq_ignore_ascii_case(without_port(value));
    Ok((!same).then(|| {
        let seen = format!("the target names {}, Host names {}", quote(named), quote(value));
        let broken = in_request(head, &line.value, seen, "the same server in both");
        if authority(target, &SCHEMES[..2]).is_some() {
            broken.cause("a script or a proxy changed one of the two")
        } else {
            broken
                .cause("the target is the whole URL of a script, which names the server once more")
                .mend("send only the path as the target, and the server's name in Host")
        }
    }))
}

/// The host without user name and port.
fn without_port(authority: &[u8]) -> &[u8] {
    let host =
        authority.iter().position(|&b| b == b'@').map_or(authority, |at| &authority[at + 1..]);
    let from = host.iter().position(|&b| b == b']').unwrap_or(0);
    let colon = host[from..].iter().position(|&b| b == b':');
    colon.map_or(host, |colon| &host[..from + colon])
}
