//! The lines of a head: their shape (RFC 9112 §2.2, §3, §5) and fields that belong elsewhere.

use crate::http::{Flaw, FlawKind, Head, StartLine, quote};
use crate::rules::observed::{Judgement, in_request, in_response, is_ended, request};
use crate::rules::{Broken, Check, Level, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;

/// HS-REQ-HTTP-SYNTAX
pub static HTTP_SYNTAX: Rule = Rule {
    id: "HS-REQ-HTTP-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "9112 §2.2",
    title: "The request is well-formed HTTP/1.1",
    mend: "write `GET target HTTP/1.1`, then `Name: value` lines, each ended by CR LF, and an \
           empty line",
    check: Check::Handshake(|handshake, _| http_syntax(handshake).into()),
};

/// What is said of a head that is longer than what is read.
pub(in crate::rules) const UNREAD: &str =
    "the head is longer than 4,096 lines or 256 KiB: what stands behind was not read";

fn http_syntax(handshake: &Handshake) -> Judgement {
    // What stands in a request that was cut off can be judged, except for its last line.
    let head = handshake.request.as_deref().ok_or("the request was not captured")?;
    let flaw =
        |kind| head.flaws.iter().find(|flaw| flaw.kind == kind && is_ended(head, &flaw.range));
    for kind in [FlawKind::StartLine, FlawKind::NoColon, FlawKind::NameNotToken] {
        if let Some(flaw) = flaw(kind) {
            return Ok(Some(syntax_flaw(head, flaw)));
        }
    }
    if let Some(control) = control_in_value(head) {
        return Ok(Some(control));
    }
    if let Some(unread) = head.flaws.iter().find(|flaw| flaw.kind == FlawKind::Unread) {
        let broken = in_request(head, &unread.range, UNREAD, "a head that a server would read");
        return Ok(Some(broken.severity(Severity::Note)));
    }
    if let Some(bare) = flaw(FlawKind::BareLf).filter(|_| !handshake.transcript) {
        let seen = "a line ends with LF alone";
        let broken = in_request(head, &bare.range, seen, "CR LF").severity(Severity::Note);
        return Ok(Some(broken.cause("the request was typed into a tool that sends LF alone")));
    }
    Ok(None)
}

fn syntax_flaw(head: &Head, flaw: &Flaw) -> Broken {
    let text = quote(head.bytes(&flaw.range));
    match (flaw.kind, &head.start) {
        (FlawKind::StartLine, StartLine::Request { .. }) => {
            let seen = format!("the request line {text} has more than three parts");
            in_request(head, &flaw.range, seen, "method, target and version")
                .cause("a space in the target that is not written %20")
        }
        (FlawKind::StartLine, _) => {
            let seen = format!("the first line, {text}, is no request line");
            in_request(head, &flaw.range, seen, "method, target and version")
        }
        (FlawKind::NoColon, _) => {
            // Only its first word: the rest may be somebody's secret.
            let first = head.bytes(&flaw.range).split(|&b| b == b' ').next().unwrap_or_default();
            let seen = format!("the line that begins with {} has no colon", quote(first));
            in_request(head, &flaw.range, seen, "Name: value")
        }
        _ if flaw.range.is_empty() => {
            in_request(head, &flaw.range, "a field has no name", "Name: value")
        }
        _ => {
            let seen = format!("the field name {text} is not a token");
            in_request(head, &flaw.range, seen, "letters, digits and some marks")
        }
    }
}

/// A control byte in a value (RFC 9110 §5.5); CR, LF and NUL are HS-REQ-HEADER-WS's.
fn control_in_value(head: &Head) -> Option<Broken> {
    let is_control = |&b: &u8| matches!(b, 1..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f);
    let mut fields = head.fields.iter().filter(|_| head.controls);
    fields.find_map(|field| {
        let at = head.bytes(&field.value).iter().position(is_control)?;
        let place = field.value.start + at..field.value.start + at + 1;
        let seen = format!("a value holds the control byte {:02x}", head.bytes(&place)[0]);
        Some(in_request(head, &place, seen, "visible characters, spaces and tabs"))
    })
}

/// HS-REQ-HEADER-WS
pub static HEADER_WS: Rule = Rule {
    id: "HS-REQ-HEADER-WS",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "9112 §5.1",
    title: "No space before a colon, no folded line, no bare CR, no NUL",
    mend: "write each field on one line as `Name: value`",
    check: Check::Handshake(|handshake, _| header_ws(handshake).into()),
};

fn header_ws(handshake: &Handshake) -> Judgement {
    let heads = [
        (Endpoint::Client, handshake.request.as_deref()),
        (Endpoint::Server, handshake.response.as_deref()),
    ];
    for (endpoint, head) in heads {
        let Some(head) = head else { continue };
        let flaw = head.flaws.iter().find_map(|flaw| Some((flaw, spacing(flaw.kind)?)));
        if let Some((flaw, (seen, expected))) = flaw {
            let broken = Broken::new(endpoint, seen, expected).in_head(head, &flaw.range);
            // Editors wrap long lines, which looks like folding.
            let wrapped = handshake.transcript && flaw.kind != FlawKind::SpaceBeforeColon;
            return Ok(Some(if wrapped { broken.severity(Severity::Note) } else { broken }));
        }
    }
    Ok(None)
}

fn spacing(kind: FlawKind) -> Option<(&'static str, &'static str)> {
    match kind {
        FlawKind::SpaceBeforeColon => {
            Some(("a space stands between a field's name and its colon", "the colon at once"))
        }
        FlawKind::Folded => {
            Some(("a line begins with white space, and so continues the one before", "one line"))
        }
        FlawKind::BareCr => Some(("a CR inside a line is not followed by LF", "CR LF or neither")),
        FlawKind::Nul => Some(("a line holds a NUL byte", "text")),
        FlawKind::StartLine
        | FlawKind::NoColon
        | FlawKind::NameNotToken
        | FlawKind::BareLf
        | FlawKind::Unread
        | FlawKind::Unended => None,
    }
}

/// HS-REQ-MISPLACED-HEADER
pub static MISPLACED_HEADER: Rule = Rule {
    id: "HS-REQ-MISPLACED-HEADER",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §11.3.3",
    title: "The request has no fields that belong to a response",
    mend: "leave it out: servers ignore it",
    check: Check::Handshake(|handshake, _| misplaced(handshake).into()),
};

fn misplaced(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let names = ["Sec-WebSocket-Accept", "Sec-WebSocket-Location", "WWW-Authenticate"];
    Ok(names.iter().find_map(|name| {
        let line = head.line(name)?;
        let seen = format!("the request carries {name}, which is the server's to send");
        let broken = in_request(head, &line.line, seen, "no such field in a request");
        Some(if name.ends_with("Accept") {
            broken.cause("key and accept are mixed up: the client sends Sec-WebSocket-Key")
        } else {
            broken
        })
    }))
}

/// The same for a response: fields that belong to a request.
pub(in crate::rules) fn misplaced_in_response(head: &Head) -> Option<Broken> {
    let names = ["Sec-WebSocket-Key", "Sec-WebSocket-Key1", "Origin"];
    names.iter().find_map(|name| {
        let line = head.line(name)?;
        let seen = format!("the response carries {name}, which is the client's to send");
        let broken = in_response(head, &line.line, seen, "no such field in a response");
        Some(broken.cause("the server copies the request's headers into its answer"))
    })
}
