//! A handshake has no body, and the client waits for the answer (RFC 6455 §4.1, RFC 9110 §8.6,
//! §10.1.1).

use crate::http::quote;
use crate::layout::Span;
use crate::rules::observed::{Judgement, in_request, not_hixie, request, response};
use crate::rules::{Broken, Check, Level, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use crate::websocket::{NotFrames, NotFramesKind};

/// HS-REQ-NO-BODY
pub static NO_BODY: Rule = Rule {
    id: "HS-REQ-NO-BODY",
    severity: Severity::Warning,
    level: Level::ShouldNot,
    violator: Violator::Client,
    rfc: "9110 §9.3.1",
    title: "The request has no body",
    mend: "send no body, and neither Content-Length nor Transfer-Encoding",
    check: Check::Handshake(|handshake, _| no_body(handshake).into()),
};

fn no_body(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let expected = "no body: what follows the head may be frames";
    if let Some(line) = head.line("Transfer-Encoding") {
        let seen = "Transfer-Encoding announces a body";
        return Ok(Some(in_request(head, &line.value, seen, expected)));
    }
    let Some(line) = head.line("Content-Length") else { return Ok(None) };
    let value = head.bytes(&line.value);
    if value.iter().all(|&b| b == b'0') {
        return Ok(None);
    }
    let seen =
        format!("Content-Length announces a body of {} bytes", quote(value).trim_matches('"'));
    Ok(Some(in_request(head, &line.value, seen, expected)))
}

/// HS-REQ-EARLY-DATA
pub static EARLY_DATA: Rule = Rule {
    id: "HS-REQ-EARLY-DATA",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The client waits for the answer before it sends frames",
    mend: "send the first frame once the 101 is read and checked",
    check: Check::Handshake(|handshake, _| early_data(handshake).into()),
};

fn early_data(handshake: &Handshake) -> Judgement {
    not_hixie(handshake)?;
    request(handshake)?;
    response(handshake)?;
    if handshake.transcript {
        return Err("the order of the two directions is not known in a transcript");
    }
    Ok(handshake.early.map(|early| {
        let unit = if early.length == 1 { "byte follows" } else { "bytes follow" };
        let seen = format!("{} {unit} the request before the server has answered", early.length);
        Broken::new(Endpoint::Client, seen, "nothing until the 101 has come")
            .at(Span::bytes(early.offset, early.length))
            .cause("the client writes its first message as soon as the request is out")
    }))
}

/// HS-REQ-AFTER-101
pub static AFTER_101: Rule = Rule {
    id: "HS-REQ-AFTER-101",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Frames follow a 101, and no further request",
    mend: "take the connection out of the pool once it was upgraded, and write nothing but frames",
    check: Check::NotFrames(|other, _| after_101(other)),
};

fn after_101(other: &NotFrames<'_>) -> Option<Broken> {
    (other.kind == NotFramesKind::HttpRequest).then(|| {
        let method = other.bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let name = String::from_utf8_lossy(&other.bytes[..method]);
        let seen = format!("after the 101 the client sends another HTTP request, {name}");
        Broken::new(Endpoint::Client, seen, "a masked frame")
            .at(Span::bytes(other.offset, method as u64))
            .cause(
                "the client ignores the upgrade: a connection pool, a proxy or a script goes on \
                 as after any other answer",
            )
    })
}

/// HS-REQ-EXPECT
pub static EXPECT: Rule = Rule {
    id: "HS-REQ-EXPECT",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "9110 §10.1.1",
    title: "The request does not expect 100 Continue",
    mend: "switch Expect off in the HTTP library: a handshake has no body to ask for",
    check: Check::Handshake(|handshake, _| expect(handshake).into()),
};

fn expect(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some(line) = head.line("Expect") else { return Ok(None) };
    if !head.lists("Expect", "100-continue") {
        return Ok(None);
    }
    let seen = "the client expects 100 Continue";
    let broken = in_request(head, &line.value, seen, "no Expect")
        .cause("an HTTP library adds it by itself, and may wait for a 100 that never comes");
    let skipped = handshake.status() == Some(101) && !handshake.interim.contains(&100);
    Ok(Some(if skipped {
        broken.mend(
            "switch Expect off in the client; a server that sees it sends 100 before it sends 101",
        )
    } else {
        broken
    }))
}
