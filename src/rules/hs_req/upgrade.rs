//! Upgrade and Connection: what to switch to, and that it concerns this hop (RFC 6455 §4.1 items
//! 5 and 6, RFC 9110 §7.8, §7.6.1).

use super::request_line::missing;
use crate::http::{Head, is_odd_space, quote};
use crate::rules::observed::{Judgement, all_values, in_request, is_passed_on, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;

const HOW: &str = "add the line `Upgrade: websocket`; behind nginx: proxy_set_header Upgrade \
                   $http_upgrade;";

/// HS-REQ-UPGRADE-PRESENT
pub static PRESENT: Rule = Rule {
    id: "HS-REQ-UPGRADE-PRESENT",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "Upgrade names websocket",
    mend: HOW,
    check: Check::Handshake(|handshake, _| present(handshake).into()),
};

fn present(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    if asks_for_websocket(head) {
        return Ok(None);
    }
    let Some((values, _)) = all_values(head, "Upgrade") else {
        let broken = missing(head, "the request has no Upgrade", "`Upgrade: websocket`");
        // A proxy that takes Upgrade out takes Connection: Upgrade out with it.
        if head.lists("Connection", "upgrade") {
            return Ok(Some(broken.cause("the client does not send it, most likely")));
        }
        return Ok(Some(broken.mend(HOW).cause(if is_passed_on(head) {
            "the proxy that passed the request on took it out, unless it was never sent: it \
             concerns one hop only, and has to be passed on by itself"
        } else {
            "the client does not send it; or a proxy on the way took it out, because it concerns \
             one hop only"
        })));
    };
    let found = head.bytes(&values);
    let seen = format!("Upgrade is {}", quote(found));
    let broken = in_request(head, &values, seen, "the keyword websocket, spelt so");
    Ok(Some(match odd_space(found) {
        Some(space) => {
            broken.cause(space).mend("type `Upgrade: websocket` anew, with a plain space")
        }
        None => broken.mend("send `Upgrade: websocket`"),
    }))
}

/// A white space that looks like a plain one, and how it got there.
fn odd_space(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let odd = text.chars().find(|&c| is_odd_space(c))?;
    let name = if odd == '\u{a0}' { "a no-break space" } else { "a space that is not ASCII" };
    Some(format!("{name} (U+{:04X}) stands there, as from a page or a word processor", odd as u32))
}

/// True if a member of Upgrade is websocket, with or without a version.
pub(in crate::rules) fn asks_for_websocket(head: &Head) -> bool {
    let is_it = |value: &[u8]| value.eq_ignore_ascii_case(b"websocket");
    // Mostly it is all that stands there.
    head.value("Upgrade").is_some_and(is_it)
        || head.members("Upgrade").any(|member| {
            let name = head.bytes(&member.range).split(|&b| b == b'/').next();
            name.is_some_and(is_it)
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
    let Some((values, _)) = all_values(head, "Connection") else {
        let broken = missing(head, "the request has no Connection", "`Connection: Upgrade`");
        return Ok(Some(broken.mend(if is_passed_on(head) {
            "add the line `Connection: Upgrade`; in nginx: proxy_set_header Connection \"upgrade\";"
        } else {
            "add the line `Connection: Upgrade`"
        })));
    };
    let found = head.bytes(&values);
    let seen = format!("Connection is {}", quote(found));
    let broken = in_request(head, &values, seen, "Upgrade among the options of Connection");
    Ok(Some(if let Some(space) = odd_space(found) {
        broken.cause(space).mend("type the line anew, with plain spaces")
    } else if has_word(found, b"upgrade") {
        let list: Vec<_> = words(found).map(String::from_utf8_lossy).collect();
        broken
            .cause("Upgrade is there, but not as an option of its own: commas separate options")
            .mend(format!("send `Connection: {}`", list.join(", ")))
    } else if is_passed_on(head) {
        broken.cause(
            "the proxy wrote its own Connection, which is its duty unless it is told to upgrade as \
             well",
        )
    } else {
        broken.cause(
            "the client asks for an ordinary connection; or a proxy wrote its own Connection, \
             which is its duty unless it is told to upgrade as well",
        )
    }))
}

/// The runs of characters between spaces and what else may have been meant to separate.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let separates = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'"' | b'\'');
    value.split(separates).filter(|word| !word.is_empty())
}

fn has_word(value: &[u8], wanted: &[u8]) -> bool {
    words(value).any(|word| word.eq_ignore_ascii_case(wanted))
}

/// What of the upgrade is not there at all; what is only misspelt was not lost on the way.
pub(in crate::rules) fn lost(head: &Head) -> Vec<&'static str> {
    let mut lost = Vec::new();
    if head.line("Upgrade").is_none() {
        lost.push("Upgrade");
    }
    let connection = all_values(head, "Connection");
    if !connection.is_some_and(|(values, _)| has_word(head.bytes(&values), b"upgrade")) {
        lost.push("Connection: Upgrade");
    }
    if head.version() == Some(b"HTTP/1.0") {
        lost.push("HTTP/1.1");
    }
    lost
}
