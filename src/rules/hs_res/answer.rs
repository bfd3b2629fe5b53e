//! The head of a 101: status line, Upgrade, Connection, and what has no place in it (RFC 6455
//! §4.2.2, RFC 9112 §4, RFC 9110 §15.2.2).

use crate::http::{FlawKind, Head, Member, StartLine, quote};
use crate::layout::Span;
use crate::rules::hs_req::lines::{UNREAD, misplaced_in_response};
use crate::rules::hs_req::upgrade::asks_for_websocket;
use crate::rules::observed::{
    Judgement, accepted, all_values, in_response, is_ended, missing_line, request, response,
};
use crate::rules::{Broken, Check, Level, Phrase, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::{Handshake, Stray};

/// HS-RES-STATUS-LINE
pub static STATUS_LINE: Rule = Rule {
    id: "HS-RES-STATUS-LINE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "9112 §4",
    title: "The response is HTTP/1.1, from its status line on",
    mend: "begin with HTTP/1.1 101 Switching Protocols",
    check: Check::Handshake(|handshake, _| status_line(handshake).into()),
};

fn status_line(handshake: &Handshake) -> Judgement {
    let head = handshake.response.as_deref().ok_or("no response was captured")?;
    let range = head.start_range();
    if !is_ended(head, &range) {
        return Err("the response was cut off");
    }
    if let Some(stray) = &handshake.stray {
        return Ok(Some(in_front(stray)));
    }
    let StartLine::Status { version, code, reason } = &head.start else {
        let seen = format!("the first line, {}, is no status line", quote(head.bytes(&range)));
        return Ok(Some(in_response(head, &range, seen, "HTTP/1.1 101 Switching Protocols")));
    };
    let found = head.bytes(version);
    let well_formed =
        matches!(found, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']);
    // What a tool prints for HTTP/2 and HTTP/3.
    let printed = matches!(found, b"HTTP/2" | b"HTTP/3") && handshake.transcript;
    if !well_formed && !printed {
        let seen = format!("the HTTP version is {}", quote(found));
        let broken = in_response(head, version, seen, "HTTP/1.1");
        return Ok(Some(if found.eq_ignore_ascii_case(b"HTTP/1.1") {
            broken.cause("the name HTTP is compared with its case")
        } else {
            broken
        }));
    }
    if !matches!(head.bytes(code), [b'1'..=b'5', _, _]) {
        let seen = format!("the status code is {}", quote(head.bytes(code)).trim_matches('"'));
        return Ok(Some(in_response(head, code, seen, "a number from 100 to 599")));
    }
    if head.bytes(code) == b"101" && matches!(found, b"HTTP/1.0" | b"HTTP/0.9") {
        let seen = format!("the status is 101 and the version {}", quote(found));
        let broken = in_response(head, version, seen, "HTTP/1.1, which alone knows 101");
        return Ok(Some(broken.cause("the status line is a fixed text in a hand-written server")));
    }
    let control = head.bytes(reason).iter().position(|&b| b < b' ' && b != b'\t' || b == 0x7f);
    if let Some(at) = control {
        let place = reason.start + at..reason.start + at + 1;
        let byte = head.bytes(&place)[0];
        let seen = format!("the reason phrase holds the control byte {byte:02x}");
        return Ok(Some(in_response(head, &place, seen, "any text, or none")));
    }
    Ok(field_line_flaw(head))
}

/// The lines behind the status line have names and colons (RFC 9112 §5).
fn field_line_flaw(head: &Head) -> Option<Broken> {
    if let Some(unread) = head.flaws.iter().find(|flaw| flaw.kind == FlawKind::Unread) {
        let broken = in_response(head, &unread.range, UNREAD, "a head that a client would read");
        return Some(broken.severity(Severity::Note));
    }
    if let Some(end) = head.flaws.iter().find(|flaw| flaw.kind == FlawKind::Unended) {
        let seen = "the head has no empty line at its end: a client waits for the rest of it";
        let expected = "an empty line behind the last field";
        let broken = in_response(head, &end.range, seen, expected).mend(EMPTY_LINE);
        return Some(
            broken.cause("the program writes the head itself, and ends it with one CR LF"),
        );
    }
    let flaw = head.flaws.iter().find(|flaw| {
        matches!(flaw.kind, FlawKind::NoColon | FlawKind::NameNotToken)
            && is_ended(head, &flaw.range)
    })?;
    // Only its first word: the rest may be somebody's secret.
    let first = head.bytes(&flaw.range).split(|&b| b == b' ').next().unwrap_or_default();
    let seen = format!("the line that begins with {} is no header line", quote(first));
    let broken = in_response(head, &flaw.range, seen, "Name: value");
    Some(match head.bytes(&flaw.range) {
        [0x81 | 0x82 | 0x88..=0x8a, ..] => {
            broken.cause("a frame follows the last field at once").mend(EMPTY_LINE)
        }
        _ => broken.mend("write each field as Name: value, on a line of its own"),
    })
}

/// How a head ends.
const EMPTY_LINE: &str = "end the head with an empty line: CR LF behind the last field, and CR LF";

/// What stands in front of the status line is all that a client reads.
fn in_front(stray: &Stray) -> Broken {
    let seen =
        format!("the answer does not begin with its status line but with {}", quote(&stray.text));
    Broken::new(Endpoint::Server, seen, "HTTP/1.1 101 Switching Protocols")
        .at(Span::bytes(stray.offset, stray.length))
        .cause("the program prints to the socket before it answers, or a banner is sent")
        .mend("write nothing before the status line")
}

/// HS-RES-UPGRADE
pub static UPGRADE: Rule = Rule {
    id: "HS-RES-UPGRADE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "A 101 names websocket in Upgrade, and nothing else",
    mend: "send Upgrade: websocket with the 101",
    check: Check::Handshake(|handshake, _| upgrade(handshake).into()),
};

fn upgrade(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let mut lines = head.lines("Upgrade").map(|line| head.bytes(&line.value));
    if let (Some(value), None) = (lines.next(), lines.next())
        && value.eq_ignore_ascii_case(b"websocket")
    {
        return Ok(None);
    }
    let members = head.members("Upgrade").filter(|member| !member.range.is_empty());
    let mut names = members.map(|member| head.bytes(&member.range));
    if let (Some(name), None) = (names.next(), names.next())
        && name.eq_ignore_ascii_case(b"websocket")
    {
        return Ok(None);
    }
    let Some((values, _)) = all_values(head, "Upgrade") else {
        return Ok(Some(
            missing(head, "the 101 has no Upgrade", "`Upgrade: websocket`")
                .cause("a proxy took it out of the answer, or a hand-written server left it out"),
        ));
    };
    let found = head.bytes(&values);
    let seen = format!("Upgrade is {}", quote(found));
    let broken = in_response(head, &values, seen, "Upgrade: websocket");
    Ok(Some(if found.contains(&b',') {
        broken.cause(
            "the list of what could be spoken stands where the one protocol that is spoken belongs",
        )
    } else {
        broken
    }))
}

/// HS-RES-CONNECTION
pub static CONNECTION: Rule = Rule {
    id: "HS-RES-CONNECTION",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "A 101 lists Upgrade in Connection",
    mend: "send Connection: Upgrade with the 101",
    check: Check::Handshake(|handshake, _| connection(handshake).into()),
};

fn connection(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    if head.lists("Connection", "upgrade") {
        return Ok(None);
    }
    let Some((values, _)) = all_values(head, "Connection") else {
        return Ok(Some(
            missing(head, "the 101 has no Connection", "`Connection: Upgrade`")
                .cause("a hand-written server left it out, or a proxy that rebuilds the headers"),
        ));
    };
    let seen = format!("Connection is {}", quote(head.bytes(&values)));
    Ok(Some(
        in_response(head, &values, seen, "Upgrade among the options of Connection")
            .cause("a framework or a proxy wrote the Connection of an ordinary response"),
    ))
}

/// HS-RES-UNREQUESTED
pub static UNREQUESTED: Rule = Rule {
    id: "HS-RES-UNREQUESTED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "9110 §7.8",
    title: "A 101 answers a request that asked for it",
    mend: "answer 426 (or an ordinary response) to a request without Upgrade: websocket",
    check: Check::Handshake(|handshake, _| unrequested(handshake).into()),
};

fn unrequested(handshake: &Handshake) -> Judgement {
    let asked = request(handshake)?;
    let head = accepted(handshake)?;
    Ok((!asks_for_websocket(asked)).then(|| {
        let seen = "the server switches protocols, and the request did not ask for websocket";
        let broken =
            in_response(head, &head.start_range(), seen, "101 only after Upgrade: websocket")
                .cause(
                    "the server does not look at Upgrade; or a proxy between the client and this \
                 capture took it out",
                );
        // Who sends a key means a handshake: then it is the request that has to be mended.
        if asked.line("Sec-WebSocket-Key").is_some() {
            broken.mend(
                "mend the request, and this is gone: Upgrade: websocket belongs into it; a server \
                 that insists on it would have answered 426",
            )
        } else {
            broken
        }
    }))
}

/// HS-RES-BODY-HEADERS
pub static BODY_HEADERS: Rule = Rule {
    id: "HS-RES-BODY-HEADERS",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "9110 §8.6",
    title: "A 101 has neither Content-Length nor Transfer-Encoding",
    mend: "leave both out of a 101: it ends with its empty line",
    check: Check::Handshake(|handshake, _| body_headers(handshake).into()),
};

fn body_headers(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(["Transfer-Encoding", "Content-Length"].iter().find_map(|name| {
        let line = head.line(name)?;
        let seen = format!("the 101 carries {name}, as if a body followed");
        let broken = in_response(head, &line.line, seen, "nothing about a body: frames follow");
        let broken = broken.mend(format!("leave {name} out of a 101: it ends with its empty line"));
        Some(broken.cause("many frameworks add it to every response"))
    }))
}

/// HS-RES-MISPLACED-HEADER
pub static MISPLACED_HEADER: Rule = Rule {
    id: "HS-RES-MISPLACED-HEADER",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.3",
    title: "The response has no fields that belong to a request",
    mend: "leave it out: clients ignore it",
    check: Check::Handshake(|handshake, _| response(handshake).map(misplaced_in_response).into()),
};

/// HS-RES-CONNECTION-CLOSE
pub static CONNECTION_CLOSE: Rule = Rule {
    id: "HS-RES-CONNECTION-CLOSE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "9112 §9.6",
    title: "A 101 does not announce that the connection closes",
    mend: "leave close out of Connection in a 101",
    check: Check::Handshake(|handshake, _| connection_close(handshake).into()),
};

fn connection_close(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let is_close = |member: &Member| head.bytes(&member.range).eq_ignore_ascii_case(b"close");
    let close = head.members("Connection").find(is_close);
    Ok(close.map(|member| {
        let seen = "Connection lists close in a 101";
        in_response(head, &member.range, seen, "no close: the connection goes on")
            .cause("a proxy that heeds it closes right after the handshake")
    }))
}

/// A line that the response does not have.
pub(super) fn missing(head: &Head, seen: impl Into<Phrase>, line: &str) -> Broken {
    missing_line(Endpoint::Server, head, seen, line)
}
