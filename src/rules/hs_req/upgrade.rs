//! Upgrade and Connection: what to switch to, and that it concerns this hop (RFC 6455 §4.1 items
//! 5 and 6, RFC 9110 §7.8, §7.6.1).

use super::request_line::missing;
use crate::http::{Head, quote};
use crate::rules::observed::{Judgement, all_values, in_request, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

/// HS-REQ-UPGRADE-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-REQ-UPGRADE-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Upgrade names websocket",
    mend: "send Upgrade: websocket; behind nginx: proxy_set_header Upgrade $http_upgrade;",
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    if asks_for_websocket(head) {
        return Ok(None);
    }
    let expected = "Upgrade: websocket";
    let Some(values) = all_values(head, "Upgrade") else {
        let broken = missing(head, "the request has no Upgrade", expected);
        return Ok(Some(broken.cause(
            "a proxy on the way took it out, because it concerns one hop only and the proxy was \
             not told to pass it on",
        )));
    };
    let seen = format!("Upgrade is {}", quote(head.bytes(&values)));
    Ok(Some(in_request(head, &values, seen, "the keyword websocket, spelt so")))
}

/// True if a member of Upgrade is websocket, with or without a version.
pub(in crate::rules) fn asks_for_websocket(head: &Head) -> bool {
    head.members("Upgrade").iter().any(|member| {
        let name = head.bytes(&member.range).split(|&b| b == b'/').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"websocket")
    })
}

/// HS-REQ-CONNECTION-UPGRADE
pub static CONNECTION: Rule = Rule {
    id: "HS-REQ-CONNECTION-UPGRADE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Connection lists Upgrade",
    mend: "send Connection: Upgrade; behind nginx: proxy_set_header Connection \"upgrade\";",
    check: Check::Handshake(|handshake, _| connection(handshake).into()),
};

fn connection(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    if head.lists("Connection", "upgrade") {
        return Ok(None);
    }
    let expected = "Upgrade among the options of Connection";
    let Some(values) = all_values(head, "Connection") else {
        return Ok(Some(missing(head, "the request has no Connection", expected)));
    };
    let seen = format!("Connection is {}", quote(head.bytes(&values)));
    Ok(Some(in_request(head, &values, seen, expected).cause(
        "a proxy wrote its own Connection, which is its duty unless it is told to upgrade as well",
    )))
}
