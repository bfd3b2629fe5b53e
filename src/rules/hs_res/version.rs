//! Sec-WebSocket-Version in a response: the menu after a refusal (RFC 6455 §4.2.2, §4.4).

use super::answer::missing;
use crate::http::quote;
use crate::rules::hs_req::version::{HEADER, version_number};
use crate::rules::observed::{
    Judgement, accepted, all_values, in_response, modern_request, response,
};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::websocket::handshake::{Dialect, Handshake};

/// HS-RES-VERSION-NEGOTIATION
pub static NEGOTIATION: Rule = Rule {
    id: "HS-RES-VERSION-NEGOTIATION",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.4",
    title: "A version the server does not speak is refused with a list of those it does",
    mend: "answer 426 with Sec-WebSocket-Version: 13",
    check: Check::Handshake(|handshake, _| negotiation(handshake).into()),
};

fn negotiation(handshake: &Handshake) -> Judgement {
    let asked = modern_request(handshake)?;
    let head = response(handshake)?;
    let status = handshake.status().ok_or("the status line can't be read")?;
    let Some(version) = asked.value(HEADER).and_then(version_number) else { return Ok(None) };
    if version == 13 {
        return Ok(None);
    }
    if status == 101 {
        // 7 and 8 were deployed; their frames are those of RFC 6455.
        let spoken_once = matches!(handshake.dialect(), Dialect::Hybi(_));
        return Ok((!spoken_once).then(|| {
            let seen = format!("the server accepts version {version}, which was never used");
            in_response(head, &head.start_range(), seen, "a refusal that lists 13")
                .cause("the server does not look at Sec-WebSocket-Version")
        }));
    }
    // 400 and 426 are what a wrong version is refused with; other codes have other reasons.
    if !matches!(status, 400 | 426) || head.line(HEADER).is_some() {
        return Ok(None);
    }
    let seen = format!("version {version} is refused with {status} and no list of versions");
    Ok(Some(missing(head, seen, "`Sec-WebSocket-Version: 13`")))
}

/// HS-RES-VERSION-LIST
pub static LIST: Rule = Rule {
    id: "HS-RES-VERSION-LIST",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.3",
    title: "The list of versions holds numbers, and not the one just refused",
    mend: "list the versions that are spoken: Sec-WebSocket-Version: 13",
    check: Check::Handshake(|handshake, _| list(handshake).into()),
};

fn list(handshake: &Handshake) -> Judgement {
    let head = response(handshake)?;
    let Some((values, _)) = all_values(head, HEADER) else { return Ok(None) };
    let expected = "numbers from 0 to 255, such as 13";
    let refused = handshake.request.as_deref().and_then(|asked| asked.value(HEADER));
    let refuses_version = handshake.status() == Some(426);
    let mut any = false;
    for member in head.members(HEADER).filter(|member| !member.range.is_empty()) {
        any = true;
        let value = head.bytes(&member.range);
        if version_number(value).is_none() {
            let seen = format!("{} in the list of versions is no version", quote(value));
            return Ok(Some(in_response(head, &member.range, seen, expected)));
        }
        if refuses_version && refused == Some(value) && value != b"13" {
            let seen = format!("the list offers {}, the version just refused", quote(value));
            return Ok(Some(in_response(head, &member.range, seen, "other versions only")));
        }
    }
    Ok((!any).then(|| in_response(head, &values, "the list of versions is empty", expected)))
}

/// HS-RES-VERSION-ON-101
pub static ON_101: Rule = Rule {
    id: "HS-RES-VERSION-ON-101",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §11.3.5",
    title: "A 101 does not repeat the version",
    mend: "leave Sec-WebSocket-Version out of a 101",
    check: Check::Handshake(|handshake, _| on_101(handshake).into()),
};

fn on_101(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(head.line(HEADER).map(|line| {
        let seen = "the 101 carries Sec-WebSocket-Version";
        in_response(head, &line.line, seen, "no version: the request has settled it")
            .cause("the server copies the request's headers into its answer")
    }))
}
