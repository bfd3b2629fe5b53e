//! What a proxy does to a handshake that it was not told of (RFC 9110 §7.6.1, §7.8).

use crate::http::Head;
use crate::rules::hs_req::upgrade::asks_for_websocket;
use crate::rules::observed::{Judgement, in_request, modern_request, response};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// SEC-HOP-STRIPPED
pub static HOP_STRIPPED: Rule = Rule {
    id: "SEC-HOP-STRIPPED",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Intermediary,
    rfc: "9110 §7.6.1, §7.8",
    title: "Proxies pass the upgrade on",
    mend: "in nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
           proxy_set_header Connection \"upgrade\";",
    check: Check::Handshake(|handshake, _| hop_stripped(handshake).into()),
};

/// What a proxy adds while it passes a request on.
const TRACES: [&str; 6] =
    ["Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP"];

fn hop_stripped(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    response(handshake)?;
    let was_meant =
        ["Sec-WebSocket-Key", "Sec-WebSocket-Version"].iter().all(|name| head.line(name).is_some());
    let is_refused = matches!(handshake.status(), Some(200 | 400 | 404 | 426));
    let lost = lost(head);
    if !was_meant || !is_refused || lost.is_empty() {
        return Ok(None);
    }
    let is_passed_on = TRACES.iter().any(|name| head.line(name).is_some());
    // A program of one's own forgets one thing; a proxy loses all that concerns one hop.
    if !is_passed_on && lost.len() < 2 {
        return Ok(None);
    }
    let seen = format!(
        "the request has a key and a version, and {} on the way: the server sees no upgrade",
        match lost[..] {
            [one] => format!("{one} was lost"),
            [one, other] => format!("{one} and {other} were lost"),
            _ => "Upgrade, Connection: Upgrade and HTTP/1.1 were lost".to_owned(),
        }
    );
    let key = head.line("Sec-WebSocket-Key").map_or(head.start_range(), |line| line.line.clone());
    Ok(Some(in_request(head, &key, seen, "Upgrade and Connection, built anew for this hop").cause(
        "a proxy drops what concerns one hop only, as it must unless it is told to upgrade",
    )))
}

/// What of the upgrade did not get through.
fn lost(head: &Head) -> Vec<&'static str> {
    let mut lost = Vec::new();
    if !asks_for_websocket(head) {
        lost.push("Upgrade");
    }
    if !head.lists("Connection", "upgrade") {
        lost.push("Connection: Upgrade");
    }
    if head.version() == Some(b"HTTP/1.0") {
        lost.push("HTTP/1.1");
    }
    lost
}
