//! What follows from a handshake: who goes on although he should not (RFC 6455 §4.1, §4.2.1).

use crate::layout::Span;
use crate::rules::hs_req::{host, key, offers, request_line, upgrade, version};
use crate::rules::observed::{Judgement, accepted, in_response, request};
use crate::rules::{Broken, Check, Finding, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use crate::websocket::{Message, NotFrames, NotFramesKind};

/// HS-RES-ACCEPTED-BAD-REQUEST
pub static ACCEPTED_BAD_REQUEST: Rule = Rule {
    id: "HS-RES-ACCEPTED-BAD-REQUEST",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.1",
    title: "A request that is no handshake is refused",
    mend: "check method, HTTP version, Host, Upgrade, Connection, key and version before answering \
           101; answer 400 otherwise",
    check: Check::Consequence(|handshake, found| accepted_bad_request(handshake, found).into()),
};

/// What a server has to look at before it accepts (§4.2.1, §9.1).
static GROUNDS_FOR_REFUSAL: [&Rule; 11] = [
    &request_line::METHOD,
    &request_line::HTTP_VERSION,
    &host::PRESENT,
    &host::SINGLE,
    &upgrade::PRESENT,
    &upgrade::CONNECTION,
    &key::PRESENT,
    &key::SINGLE,
    &version::PRESENT,
    &version::THIRTEEN,
    &offers::EXT_SYNTAX,
];

/// What it should look at and need not: §4.2.2 excuses it from decoding the key.
static EXCUSED: [&Rule; 2] = [&key::BASE64, &key::LENGTH];

fn accepted_bad_request(handshake: &Handshake, found: &[Finding]) -> Judgement {
    request(handshake)?;
    let head = accepted(handshake)?;
    let is_broken = |rule: &&&Rule| {
        found.iter().any(|found| found.rule == **rule && found.severity == Severity::Error)
    };
    let accepted = |rule: &Rule| {
        let seen = format!("the server accepts a request that breaks {}", rule.id);
        in_response(head, &head.start_range(), seen, "a refusal, such as 400 Bad Request")
            .cause("the server checks less of the request than RFC 6455 asks for")
            .mend(format!(
                "mend the request, and this is gone; the server has to answer 400 to what breaks {}",
                rule.id
            ))
    };
    if let Some(rule) = GROUNDS_FOR_REFUSAL.iter().find(is_broken) {
        return Ok(Some(accepted(rule)));
    }
    let excused = EXCUSED.iter().find(is_broken);
    Ok(excused.map(|rule| {
        accepted(rule)
            .cause("a server is not obliged to decode the key (§4.2.2)")
            .severity(Severity::Note)
    }))
}

/// HS-RES-CLIENT-ACCEPTED-BAD
pub static CLIENT_ACCEPTED_BAD: Rule = Rule {
    id: "HS-RES-CLIENT-ACCEPTED-BAD",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The client fails the connection if the response is wrong",
    mend: "check the response as §4.1 lists it, and close instead of sending",
    check: Check::Message(client_accepted_bad),
};

fn client_accepted_bad(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let rule = memory.bad_response()?;
    (!rule.starts_with("PMD-")).then(|| trusted_anyway(rule, message)).flatten()
}

/// The client goes on although the response breaks a rule.
pub(in crate::rules) fn trusted_anyway(rule: &str, message: &Message<'_>) -> Option<Broken> {
    (message.from == Endpoint::Client).then(|| {
        let seen = format!("the client sends messages although the response breaks {rule}");
        Broken::new(Endpoint::Client, seen, "the end of the connection")
            .at(Span::bytes(message.offset, message.wire_length.max(1)))
            .cause("the client does not check what the server answers")
    })
}

/// HS-RES-FRAMES-AFTER-REFUSAL
pub static FRAMES_AFTER_REFUSAL: Rule = Rule {
    id: "HS-RES-FRAMES-AFTER-REFUSAL",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "No frames follow a refusal",
    mend: "read the status code, and send frames only after 101",
    check: Check::NotFrames(frames_after_refusal),
};

fn frames_after_refusal(other: &NotFrames<'_>, _: &Memory) -> Option<Broken> {
    (other.kind == NotFramesKind::FramesAfterRefusal).then(|| {
        let seen = "the client sends frames on a connection that still speaks HTTP";
        Broken::new(Endpoint::Client, seen, "another request, or the end of the connection")
            .at(Span::bytes(other.offset, 1))
            .cause("the client does not look at the status code")
    })
}

/// HS-RES-HTTP-AFTER-101
pub static HTTP_AFTER_101: Rule = Rule {
    id: "HS-RES-HTTP-AFTER-101",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "Frames follow a 101, and no HTTP",
    mend: "write nothing to the socket after the upgrade but frames",
    check: Check::NotFrames(http_after_101),
};

const TWO_ANSWER: &str =
    "two components answer: the upgrade library, and the framework with its usual response";

fn http_after_101(other: &NotFrames<'_>, _: &Memory) -> Option<Broken> {
    // Only what was needed to recognise it: the rest hangs on how the bytes were cut.
    let (what, length, cause) = match (other.kind, other.bytes.first()) {
        (NotFramesKind::HttpAfterUpgrade, Some(b'<')) => ("markup", 2, TWO_ANSWER),
        (NotFramesKind::HttpAfterUpgrade, _) => ("another HTTP response", 5, TWO_ANSWER),
        (NotFramesKind::TextAfterUpgrade, _) => (
            "plain text",
            5,
            "the program prints or sends straight to the socket, past the library that makes frames",
        ),
        _ => return None,
    };
    let broken = Broken::new(other.from, format!("after the 101 comes {what}"), "a frame");
    let length = length.min(other.bytes.len() as u64);
    Some(broken.at(Span::bytes(other.offset, length)).cause(cause))
}
