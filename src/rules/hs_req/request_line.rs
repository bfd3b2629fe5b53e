//! The request line: method, request-target, HTTP version (RFC 6455 §4.1, RFC 9112 §3).

use crate::http::{Head, StartLine, quote};
use crate::rules::observed::{Judgement, in_request, is_passed_on, missing_line, request};
use crate::rules::{Broken, Check, Level, Phrase, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use std::ops::Range;

/// HS-REQ-METHOD
pub static METHOD: Rule = Rule {
    id: "HS-REQ-METHOD",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The method is GET",
    mend: "send the handshake as a GET",
    check: Check::Handshake(|handshake, _| method(handshake).into()),
};

fn method(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let StartLine::Request { method, .. } = &head.start else {
        return Err("the request line can't be read");
    };
    let found = head.bytes(method);
    if found == b"GET" {
        return Ok(None);
    }
    let seen = format!("the method is {}", quote(found));
    let broken = in_request(head, method, seen, "GET");
    Ok(Some(if found.eq_ignore_ascii_case(b"GET") {
        broken.cause("method names are compared with their case: this is another method")
    } else {
        broken.cause("a request that was made for something else than a handshake is used again")
    }))
}

/// HS-REQ-HTTP-VERSION
pub static HTTP_VERSION: Rule = Rule {
    id: "HS-REQ-HTTP-VERSION",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The HTTP version is 1.1 or higher",
    mend: "send HTTP/1.1; behind nginx: proxy_http_version 1.1;",
    check: Check::Handshake(|handshake, _| http_version(handshake).into()),
};

fn http_version(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let StartLine::Request { version, .. } = &head.start else {
        return Err("the request line can't be read");
    };
    let found = head.bytes(version);
    let expected = "HTTP/1.1";
    match found {
        b"HTTP/1.1" => Ok(None),
        b"HTTP/2" | b"HTTP/2.0" | b"HTTP/3" | b"HTTP/3.0" if handshake.transcript => {
            Err("a tool prints HTTP/2 or HTTP/3 in this form; their handshake has other rules")
        }
        [b'H', b'T', b'T', b'P', b'/', b'0', b'.', b'0'..=b'9'] | b"HTTP/1.0" => {
            let seen =
                format!("the request is {}, which knows neither Upgrade nor 101", quote(found));
            Ok(Some(in_request(head, version, seen, expected).cause(if is_passed_on(head) {
                "the proxy speaks HTTP/1.0 to the server behind it, as nginx does by default"
            } else {
                "a hand-written client, or a reverse proxy that speaks HTTP/1.0 to the server \
                 behind it, as nginx does by default"
            })))
        }
        [b'H', b'T', b'T', b'P', b'/', b'1'..=b'9', b'.', b'0'..=b'9'] => Ok(None),
        _ => {
            let seen = format!("the HTTP version is {}", quote(found));
            Ok(Some(in_request(head, version, seen, expected)))
        }
    }
}

/// HS-REQ-TARGET-FORM
pub static TARGET_FORM: Rule = Rule {
    id: "HS-REQ-TARGET-FORM",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The request-target is a path, or an absolute http or https URI",
    mend: "send only the path and the query of the URL: GET /chat?room=1",
    check: Check::Handshake(|handshake, _| target_form(handshake).into()),
};

fn target_form(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let (found, range) = target(head)?;
    if found.starts_with(b"/") || authority(found, &["http://", "https://"]).is_some() {
        return Ok(None);
    }
    let expected = "a target that begins with `/`";
    let broken = if authority(found, &["ws://", "wss://"]).is_some() {
        let seen = "the target is a ws or wss URL";
        let broken = in_request(head, range, seen, expected)
            .cause("these schemes are for people and scripts; on the wire the request is HTTP");
        if handshake.transcript { broken.severity(Severity::Note) } else { broken }
    } else {
        let seen = format!("the target is {}", quote(found));
        in_request(head, range, seen, expected)
            .cause("an empty path, or a URL that was cut at the wrong place")
    };
    Ok(Some(broken))
}

/// HS-REQ-NO-FRAGMENT
pub static NO_FRAGMENT: Rule = Rule {
    id: "HS-REQ-NO-FRAGMENT",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §3",
    title: "The request-target has no fragment",
    mend: "leave out the fragment; a `#` that is data is written %23",
    check: Check::Handshake(|handshake, _| no_fragment(handshake).into()),
};

fn no_fragment(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let (found, range) = target(head)?;
    let Some(at) = found.iter().position(|&b| b == b'#') else { return Ok(None) };
    let fragment = range.start + at..range.end;
    let seen = format!("the target ends in the fragment {}", quote(head.bytes(&fragment)));
    let broken = in_request(head, &fragment, seen, "no `#` in the target")
        .cause("the URL was passed on whole, as it stood in a page or a configuration");
    // A URL that was pasted need not be what was sent.
    let pasted = handshake.transcript && !found.starts_with(b"/");
    Ok(Some(if pasted { broken.severity(Severity::Note) } else { broken }))
}

/// HS-REQ-TARGET-CHARS
pub static TARGET_CHARS: Rule = Rule {
    id: "HS-REQ-TARGET-CHARS",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "9112 §3.2",
    title: "The request-target holds only characters of a URI",
    mend: "percent-encode what is not a URI character: ü is %C3%BC, a space is %20",
    check: Check::Handshake(|handshake, _| target_chars(handshake).into()),
};

fn target_chars(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let (found, range) = target(head)?;
    let expected = "percent-encoding (%xx) in its place";
    for (at, &byte) in found.iter().enumerate() {
        let place = range.start + at..range.start + at + 1;
        // A space splits the line into four parts, which HS-REQ-HTTP-SYNTAX speaks of; a `#` is
        // HS-REQ-NO-FRAGMENT's.
        let broken = match byte {
            b'%' if !is_escape(&found[at..]) => {
                let seen = "a % in the target is not followed by two hexadecimal digits";
                in_request(head, &place, seen, "%25 for a percent sign that is data")
            }
            b'[' | b']' | b'|' if authority(found, &["http://", "https://"]).is_none() => {
                let seen = format!("the target holds `{}`", char::from(byte));
                in_request(head, &place, seen, expected)
                    .cause("browsers send this character as it is; strict servers refuse it")
                    .severity(Severity::Note)
            }
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}' => {
                let seen = format!("the target holds `{}`", char::from(byte));
                in_request(head, &place, seen, expected)
            }
            0..=0x1f | 0x7f => {
                let seen = format!("the target holds the control byte {byte:02x}");
                in_request(head, &place, seen, expected)
            }
            0x80.. => {
                let seen = format!("the target holds the byte {byte:02x}, which is not ASCII");
                in_request(head, &place, seen, expected)
                    .cause("the URL was put together from text without encoding it")
            }
            _ => continue,
        };
        return Ok(Some(broken));
    }
    Ok(None)
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn target(head: &Head) -> Result<(&[u8], &Range<usize>), &'static str> {
    match &head.start {
        StartLine::Request { target, .. } => Ok((head.bytes(target), target)),
        _ => Err("the request line can't be read"),
    }
}

/// The authority of an absolute-form target with one of these schemes; not empty.
pub(in crate::rules) fn authority<'a>(target: &'a [u8], schemes: &[&str]) -> Option<&'a [u8]> {
    let scheme = schemes.iter().find(|scheme| {
        target
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    })?;
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    (end > 0).then_some(&rest[..end])
}

/// A line that the request does not have.
pub(in crate::rules) fn missing(head: &Head, seen: impl Into<Phrase>, line: &str) -> Broken {
    missing_line(Endpoint::Client, head, seen, line)
}
