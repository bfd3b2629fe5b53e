//! Sec-WebSocket-Extensions in the answer, and who uses what (RFC 6455 §9, RFC 7692 §5).

use crate::http::quote;
use crate::rules::hs_req::offers::extension_fault;
use crate::rules::observed::{Judgement, accepted, in_request, in_response, request};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::Frame;
use crate::websocket::extension::{HEADER, PERMESSAGE_DEFLATE, compresses};
use crate::websocket::handshake::Handshake;

/// The registry of RFC 6455 §11.4, whole.
const REGISTERED: [&str; 2] = [PERMESSAGE_DEFLATE, "bbf-usp-protocol"];

/// NEG-EXT-NOT-OFFERED
pub static NOT_OFFERED: Rule = Rule {
    id: "NEG-EXT-NOT-OFFERED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The server accepts only extensions that were offered",
    mend: "answer with extensions of the request's list, or with none",
    check: Check::Handshake(|handshake, _| not_offered(handshake).into()),
};

fn not_offered(handshake: &Handshake) -> Judgement {
    request(handshake)?;
    let head = accepted(handshake)?;
    let offered = &handshake.extensions_of(Endpoint::Client).list;
    let stranger = handshake
        .accepted_extensions()
        .iter()
        .find(|extension| offered.iter().all(|offer| offer.name != extension.name));
    Ok(stranger.map(|stranger| {
        let name = quote(stranger.name.as_bytes());
        let seen = format!("the server accepts {name}, which was not offered");
        let expected = if offered.is_empty() { "no extensions" } else { "an offered extension" };
        in_response(head, &stranger.range, seen, expected).cause(if offered.is_empty() {
            "compression is switched on in the server whatever the client asks; or a proxy took \
             the offer out of the request"
        } else {
            "the server answers with its own list"
        })
    }))
}

/// NEG-EXT-RESPONSE-SYNTAX
pub static RESPONSE_SYNTAX: Rule = Rule {
    id: "NEG-EXT-RESPONSE-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §9.1",
    title: "The accepted extensions follow the grammar",
    mend: "write name; parameter; parameter=value, or leave the header out",
    check: Check::Handshake(|handshake, _| response_syntax(handshake).into()),
};

fn response_syntax(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(extension_fault(handshake, Endpoint::Server).map(|fault| {
        let seen = format!("{}: {}", fault.what, quote(head.bytes(&fault.range)));
        let expected = "extension; parameter; parameter=value";
        let broken = in_response(head, &fault.range, seen, expected);
        if head.line(HEADER).is_some_and(|line| line.value.is_empty()) {
            broken.cause("the header is written even if no extension was accepted")
        } else {
            broken
        }
    }))
}

/// NEG-EXT-RESPONSE-MULTILINE
pub static RESPONSE_MULTILINE: Rule = Rule {
    id: "NEG-EXT-RESPONSE-MULTILINE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §9.1",
    title: "The accepted extensions stand on one line",
    mend: "nothing is wrong; one line is kinder to simple clients",
    check: Check::Handshake(|handshake, _| response_multiline(handshake).into()),
};

fn response_multiline(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let count = head.lines(HEADER).count();
    Ok(head.lines(HEADER).nth(1).map(|second| {
        let seen = format!("the answer lists its extensions on {count} lines");
        in_response(head, &second.line, seen, "").cause(
            "this is allowed (§4.2.2, erratum 3433), but some clients read the first line only",
        )
    }))
}

/// NEG-EXT-UNREGISTERED
pub static UNREGISTERED: Rule = Rule {
    id: "NEG-EXT-UNREGISTERED",
    severity: Severity::Note,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §9.1",
    title: "Extensions are registered names",
    mend: "use a registered extension, or a subprotocol if the frames need not change",
    check: Check::Handshake(|handshake, _| unregistered(handshake).into()),
};

fn unregistered(handshake: &Handshake) -> Judgement {
    let unknown = |endpoint| {
        let mut extensions = handshake.extensions_of(endpoint).list.iter();
        extensions.find(|extension| !is_known(&extension.name))
    };
    if let Ok(head) = accepted(handshake)
        && let Some(accepted) = unknown(Endpoint::Server)
    {
        let name = quote(accepted.name.as_bytes());
        let seen = format!("the server accepts {name}, which is not registered");
        let broken = in_response(head, &accepted.range, seen, "permessage-deflate, or none");
        return Ok(Some(broken.severity(Severity::Warning).cause(
            "a private extension: what its frames mean is known to these two endpoints only",
        )));
    }
    let head = request(handshake)?;
    Ok(unknown(Endpoint::Client).map(|offer| {
        let name = quote(offer.name.as_bytes());
        let seen = format!("the client offers {name}, which is not registered");
        in_request(head, &offer.range, seen, "").cause("an experiment, or a draft of long ago")
    }))
}

/// Registered, or a draft that PMD-LEGACY-NAME speaks of.
fn is_known(name: &str) -> bool {
    REGISTERED.contains(&name) || crate::rules::pmd_negotiation::is_legacy(name)
}

/// NEG-EXT-RSV-CONFLICT
pub static RSV_CONFLICT: Rule = Rule {
    id: "NEG-EXT-RSV-CONFLICT",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "7692 §5",
    title: "No two accepted extensions use the same reserved bit",
    mend: "accept one extension that compresses",
    check: Check::Handshake(|handshake, _| rsv_conflict(handshake).into()),
};

fn rsv_conflict(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let mut accepted =
        handshake.accepted_extensions().iter().filter(|extension| compresses(&extension.name));
    let (Some(first), Some(second)) = (accepted.next(), accepted.next()) else { return Ok(None) };
    let [first_name, second_name] = [first, second].map(|e| quote(e.name.as_bytes()));
    let seen = format!("the server accepts {first_name} and {second_name}, which both use RSV1");
    Ok(Some(
        in_response(head, &second.range, seen, "one of them")
            .cause("the server sends the client's whole list back instead of choosing from it"),
    ))
}

/// NEG-EXT-USED-NOT-ACCEPTED
pub static USED_NOT_ACCEPTED: Rule = Rule {
    id: "NEG-EXT-USED-NOT-ACCEPTED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §9.1",
    title: "The client uses an extension once it is accepted, not once it is offered",
    mend: "switch compression on if the 101 names it, and only then",
    check: Check::Frame(used_not_accepted),
};

fn used_not_accepted(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let agreement = memory.agreement.as_ref()?;
    let declined = agreement.compression_offered
        && agreement.deflate.is_none()
        && !agreement.unknown_extension;
    let compressed = frame.header.rsv1() && frame.header.opcode().is_data();
    (frame.from == Endpoint::Client && declined && compressed).then(|| {
        let seen = "RSV1 is 1, and the server did not accept the compression that was offered";
        Broken::new(Endpoint::Client, seen, "RSV1 = 0")
            .at(frame.header_bits(1, 1))
            .cause("the client compresses as soon as it has offered to")
    })
}
