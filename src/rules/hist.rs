//! HIST: the drafts before RFC 6455 (2009 to 2011). They share the name with it, and not much
//! else until draft 07: what RFC 6455 asks is not asked of them.
//!
//! Deliberately absent: the answer of hixie-76 to its puzzle, an MD5, is not computed.

use super::hs_req::version;
use super::observed::{Judgement, in_request, modern_request, request};
use super::{Broken, Check, Level, Memory, Phrase, Rule, Severity, Violator};
use crate::http::{Head, quote};
use crate::layout::Span;
use crate::websocket::handshake::{Dialect, Handshake};
use crate::websocket::{NotFrames, NotFramesKind};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &HIXIE75,
    &HIXIE76,
    &HYBI04_06,
    &HYBI07_12,
    &VERSION_9_12,
    &SEC_WEBSOCKET_DRAFT,
    &FLASH_POLICY,
];

/// True for a draft whose frames are not those of RFC 6455: two had no headers at all, and until
/// draft 06 the opcodes had other numbers.
pub(super) fn has_other_frames(handshake: &Handshake) -> bool {
    matches!(handshake.dialect(), Dialect::Hixie75 | Dialect::Hixie76 | Dialect::Hybi(4..=6))
}

static HIXIE75: Rule = Rule {
    id: "HIST-HIXIE75",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §1.3",
    title: "The handshake is newer than hixie-75",
    mend: "use a client of this decade: no server of today speaks the draft",
    check: Check::Handshake(|handshake, _| hixie75(handshake).into()),
};

fn hixie75(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let is_draft = handshake.dialect() == Dialect::Hixie75;
    Ok(is_draft.then(|| {
        let seen = "a handshake of the draft hixie-75 (2010): it has no key and no version, and \
                    its frames, text between 00 and ff, are not judged";
        draft(head, "Upgrade", seen).cause("Chrome 4 and Safari 5.0, or a library of their time")
    }))
}

static HIXIE76: Rule = Rule {
    id: "HIST-HIXIE76",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §1.3",
    title: "The handshake is newer than hixie-76",
    mend: "use a client of this decade: no server of today speaks the draft",
    check: Check::Handshake(|handshake, _| hixie76(handshake).into()),
};

fn hixie76(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let is_draft = handshake.dialect() == Dialect::Hixie76;
    let name = ["Sec-WebSocket-Key1", "Sec-WebSocket-Key2"]
        .into_iter()
        .find(|name| head.line(name).is_some());
    Ok(name.filter(|_| is_draft).map(|name| {
        let seen = "a handshake of the draft hixie-76, also called hybi-00 (2010): two keys, eight \
                    bytes behind the head, and frames between 00 and ff, which are not judged";
        draft(head, name, seen)
            .cause("Chrome 6 to 13, Safari 5 or Firefox 4, or a library of their time")
    }))
}

static HYBI04_06: Rule = Rule {
    id: "HIST-HYBI04-06",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §11.6",
    title: "The version is newer than drafts 04 to 06",
    mend: "send Sec-WebSocket-Version: 13",
    check: Check::Handshake(|handshake, _| hybi04_06(handshake).into()),
};

fn hybi04_06(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Dialect::Hybi(version @ 4..=6) = handshake.dialect() else { return Ok(None) };
    let seen = format!(
        "version {version} is that of draft 0{version} (2011): the handshake was today's already, \
         the opcodes were not, so its frames are not judged"
    );
    Ok(Some(draft(head, version::HEADER, seen)))
}

static HYBI07_12: Rule = Rule {
    id: "HIST-HYBI07-12",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §11.6",
    title: "The version is newer than drafts 07 to 12",
    mend: "send Sec-WebSocket-Version: 13, and Origin instead of Sec-WebSocket-Origin",
    check: Check::Handshake(|handshake, _| hybi07_12(handshake).into()),
};

fn hybi07_12(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Dialect::Hybi(version @ 7..=8) = handshake.dialect() else { return Ok(None) };
    let seen = format!(
        "version {version} is that of the last drafts before RFC 6455 (2011); the frames are the \
         same"
    );
    let broken = draft(head, version::HEADER, seen)
        .cause("Firefox 6 to 10, Chrome 14 and 15, or a library of their time");
    // Then the version is why there is no WebSocket.
    let is_refused = handshake.versions_offered().is_some_and(|it| !it.contains(&version));
    Ok(Some(if is_refused { broken.severity(Severity::Warning) } else { broken }))
}

static VERSION_9_12: Rule = Rule {
    id: "HIST-VERSION-9-12",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §4.1, §11.6",
    title: "The version is none of 9 to 12, which were never used",
    mend: "send Sec-WebSocket-Version: 13, the only version that became a standard",
    check: Check::Handshake(|handshake, _| version_9_12(handshake).into()),
};

fn version_9_12(handshake: &Handshake) -> Judgement {
    let head = modern_request(handshake)?;
    let Some(line) = head.line(version::HEADER) else { return Ok(None) };
    let value = head.bytes(&line.value);
    Ok(matches!(version::version_number(value), Some(9..=12)).then(|| {
        let seen = format!("the version is {}, which was never used on the wire", quote(value));
        in_request(head, &line.value, seen, "13").cause(
            "a draft's number was taken for a version: drafts 09 to 12 kept version 8, draft 13 \
             took 13",
        )
    }))
}

static SEC_WEBSOCKET_DRAFT: Rule = Rule {
    id: "HIST-SEC-WEBSOCKET-DRAFT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §11.3.5",
    title: "The request names no draft in Sec-WebSocket-Draft",
    mend: "leave it out: Sec-WebSocket-Version took its place",
    check: Check::Handshake(|handshake, _| sec_websocket_draft(handshake).into()),
};

fn sec_websocket_draft(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    Ok(head.line("Sec-WebSocket-Draft").map(|line| {
        let seen = format!(
            "Sec-WebSocket-Draft is {}: the field of drafts 01 to 03, which no server of today \
             reads",
            quote(head.bytes(&line.value))
        );
        in_request(head, &line.line, seen, "Sec-WebSocket-Version alone")
    }))
}

static FLASH_POLICY: Rule = Rule {
    id: "HIST-FLASH-POLICY",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §1.1",
    title: "The connection begins with HTTP, not with a question of Flash",
    mend: "use the WebSocket that each browser has today, and close the policy server",
    check: Check::NotFrames(flash_policy),
};

fn flash_policy(other: &NotFrames<'_>, _: &Memory) -> Option<Broken> {
    (other.kind == NotFramesKind::FlashPolicy).then(|| {
        let seen = "the client asks for a policy file, as Flash did before it opened a socket";
        Broken::new(other.from, seen, "GET with Upgrade: websocket")
            .at(Span::bytes(other.offset, other.bytes.len() as u64))
            .cause(
                "web-socket-js, which stood in for WebSocket in browsers without it (until 2012)",
            )
    })
}

/// What shows which draft it is.
fn draft(head: &Head, name: &str, seen: impl Into<Phrase>) -> Broken {
    let range = head.line(name).map_or(head.start_range(), |field| field.line.clone());
    in_request(head, &range, seen, "version 13, that of RFC 6455")
}
