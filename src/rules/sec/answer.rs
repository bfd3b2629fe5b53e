//! What heads carry that has no effect, too little, or too much.

use crate::http::quote;
use crate::rules::observed::{Judgement, accepted, in_request, in_response, request};
use crate::rules::{Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// SEC-CORS-HEADERS
pub static CORS_HEADERS: Rule = Rule {
    id: "SEC-CORS-HEADERS",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §10.2",
    title: "A 101 has no fields of CORS, which nobody reads there",
    mend: "compare Origin with a list of your own sites: CORS does not protect WebSockets",
    check: Check::Handshake(|handshake, _| cors_headers(handshake).into()),
};

fn cors_headers(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let prefix = b"Access-Control-Allow-";
    let line = head.fields.iter().find(|field| {
        let name = head.bytes(&field.name);
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    Ok(line.map(|line| {
        let seen = format!("the 101 has {}, which has no effect", quote(head.bytes(&line.name)));
        in_response(head, &line.line, seen, "a check of Origin in the server")
            .cause("the framework adds it to every answer")
    }))
}

/// SEC-SET-COOKIE-FLAGS
pub static SET_COOKIE_FLAGS: Rule = Rule {
    id: "SEC-SET-COOKIE-FLAGS",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.1; 6265 §4.1.2",
    title: "A cookie set with the 101 is protected",
    mend: "add Secure; HttpOnly; SameSite=Lax",
    check: Check::Handshake(|handshake, memory| set_cookie_flags(handshake, memory).into()),
};

fn set_cookie_flags(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = accepted(handshake)?;
    for line in head.lines("Set-Cookie") {
        let mut parts = head.bytes(&line.value).split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let Some(pair) = parts.next() else { continue };
        let attributes: Vec<&[u8]> =
            parts.map(|part| part.split(|&b| b == b'=').next().unwrap_or_default()).collect();
        let lacks = |name: &&&str| {
            !attributes.iter().any(|found| found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
        };
        let mut wanted = vec!["HttpOnly", "SameSite"];
        if memory.route.encrypted == Some(true) {
            wanted.push("Secure");
        }
        let missing: Vec<&str> = wanted.iter().filter(lacks).copied().collect();
        if missing.is_empty() {
            continue;
        }
        let name = pair.split(|&b| b == b'=').next().unwrap_or_default();
        let seen = format!("the cookie {} lacks {}", quote(name), missing.join(" and "));
        let broken = in_response(head, &line.name, seen, "a cookie that other sites can't use");
        return Ok(Some(broken.cause("a load balancer or framework sets it with its defaults")));
    }
    Ok(None)
}

/// SEC-BIG-HEADERS
pub static BIG_HEADERS: Rule = Rule {
    id: "SEC-BIG-HEADERS",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "9112 §3; 6585 §5",
    title: "The request's head is not larger than servers like",
    mend: "send fewer or smaller cookies, for instance from a host of its own",
    check: Check::Handshake(|handshake, memory| big_headers(handshake, memory).into()),
};

fn big_headers(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    let (size, limit) = (head.range.len() as u64, memory.thresholds.large_head);
    if size <= limit {
        return Ok(None);
    }
    let Some(largest) = head.fields.iter().max_by_key(|field| field.line.len()) else {
        return Ok(None);
    };
    let name = quote(head.bytes(&largest.name));
    let seen = format!("the head has {size} bytes, {} of them in {name}", largest.line.len());
    let expected = format!("at most {limit} bytes, as many as servers commonly take");
    Ok(Some(
        in_request(head, &largest.name, seen, expected).cause("all cookies of the site ride along"),
    ))
}
