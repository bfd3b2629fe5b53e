//! What the client offers: subprotocols and extensions (RFC 6455 §4.1 items 10 and 11, §9.1).

use crate::http::{Member, is_token, quote};
use crate::rules::observed::{Judgement, in_request, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::extension;
use crate::websocket::handshake::Handshake;
use crate::websocket::subprotocol::HEADER;
use std::collections::HashSet;

/// HS-REQ-SUBPROTO-SYNTAX
pub static SUBPROTO_SYNTAX: Rule = Rule {
    id: "HS-REQ-SUBPROTO-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "The offered subprotocols are tokens",
    mend: "use names of letters, digits and - . _ + only, with commas between them",
    check: Check::Handshake(|handshake, _| subproto_syntax(handshake).into()),
};

fn subproto_syntax(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let expected = "names made of letters, digits and some marks (a token)";
    for line in head.lines(HEADER) {
        if line.value.is_empty() {
            let seen = "Sec-WebSocket-Protocol is empty";
            return Ok(Some(
                in_request(head, &line.line, seen, "a name, or no such line")
                    .cause("the client sends the header although no subprotocol was asked for"),
            ));
        }
    }
    let members: Vec<Member> = head.members(HEADER).collect();
    for member in members.iter().filter(|member| !member.range.is_empty()) {
        let name = head.bytes(&member.range);
        if !is_token(name) {
            let seen = format!("the subprotocol {} is not a token", quote(name));
            let broken = in_request(head, &member.range, seen, expected);
            let broken = broken.cause(fault_of_name(name));
            return Ok(Some(match separated(name) {
                Some(names) => broken.mend(format!("separate the names with commas: {names}")),
                None => broken,
            }));
        }
    }
    let names = members.iter().filter(|member| !member.range.is_empty()).count();
    if names < members.len() {
        let empty = members.iter().find(|member| member.range.is_empty());
        let range = empty.map_or(head.start_range(), |member| member.range.clone());
        let seen = "the list of subprotocols has an empty member";
        let broken = in_request(head, &range, seen, "no comma without a name");
        return Ok(Some(if names == 0 { broken } else { broken.severity(Severity::Note) }));
    }
    Ok(None)
}

/// The names with commas between them, if something else stands there.
fn separated(names: &[u8]) -> Option<String> {
    let parts: Vec<&[u8]> =
        names.split(|b| b" ;".contains(b)).filter(|it| !it.is_empty()).collect();
    let are_names = parts.len() > 1 && parts.iter().all(|part| is_token(part));
    let parts: Vec<_> = parts.iter().map(|part| String::from_utf8_lossy(part)).collect();
    are_names.then(|| parts.join(", "))
}

/// What usually puts such a name there.
pub(in crate::rules) fn fault_of_name(name: &[u8]) -> &'static str {
    if name.contains(&b'/') {
        "a URL or a media type stands where a name belongs: `/` separates"
    } else if name.iter().any(|b| matches!(b, b'{' | b'[' | b'"')) {
        "data in JSON stands where a name belongs; brackets and quotation marks separate"
    } else if name.contains(&b' ') || name.contains(&b';') {
        "the names are separated by something else than commas"
    } else {
        "the name holds a character that separates, or one that is not ASCII"
    }
}

/// HS-REQ-SUBPROTO-UNIQUE
pub static SUBPROTO_UNIQUE: Rule = Rule {
    id: "HS-REQ-SUBPROTO-UNIQUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §4.1",
    title: "No subprotocol is offered twice",
    mend: "offer each name once, the preferred one first",
    check: Check::Handshake(|handshake, _| subproto_unique(handshake).into()),
};

fn subproto_unique(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let members: Vec<Member> = head.members(HEADER).collect();
    if let Some(twin) = repeated(&members, |member| head.bytes(&member.range).to_vec()) {
        let seen = format!("{} is offered twice", quote(head.bytes(&twin.range)));
        return Ok(Some(in_request(head, &twin.range, seen, "each name once")));
    }
    let spelling = |member: &Member| head.bytes(&member.range).to_ascii_lowercase();
    Ok(repeated(&members, spelling).map(|twin| {
        let seen = format!("{} is offered in two spellings", quote(head.bytes(&twin.range)));
        in_request(head, &twin.range, seen, "one spelling: names are compared with their case")
            .severity(Severity::Note)
    }))
}

/// The first member that has an equal before it. A head may hold a hundred thousand of them.
fn repeated(members: &[Member], key: impl Fn(&Member) -> Vec<u8>) -> Option<&Member> {
    let mut seen = HashSet::new();
    members.iter().find(|member| !member.range.is_empty() && !seen.insert(key(member)))
}

/// HS-REQ-EXT-SYNTAX
pub static EXT_SYNTAX: Rule = Rule {
    id: "HS-REQ-EXT-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §9.1",
    title: "The offered extensions follow the grammar",
    mend: "write name; parameter; parameter=value, with commas between extensions",
    check: Check::Handshake(|handshake, _| ext_syntax(handshake).into()),
};

fn ext_syntax(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    Ok(extension_fault(handshake, Endpoint::Client).map(|fault| {
        if head.members(extension::HEADER).all(|member| member.range.is_empty()) {
            let seen = "Sec-WebSocket-Extensions is there and names no extension";
            return in_request(head, &fault.range, seen, "at least one name, or no such line")
                .cause("the client writes the line even if no extension is configured")
                .mend("leave the line out, or name an extension in it");
        }
        let seen = format!("{}: {}", fault.what, quote(head.bytes(&fault.range)));
        let expected = "extension; parameter; parameter=value";
        in_request(head, &fault.range, seen, expected)
    }))
}

/// Where the extensions do not follow their grammar first; a header of empty members is empty.
pub(in crate::rules) fn extension_fault(
    handshake: &Handshake,
    endpoint: Endpoint,
) -> Option<extension::GrammarFault> {
    let extension::Extensions { list, faults } = handshake.extensions_of(endpoint);
    let line = handshake.head_of(endpoint)?.line(extension::HEADER)?;
    let all_empty = list.is_empty() && faults.is_empty();
    faults.first().cloned().or_else(|| {
        all_empty.then(|| extension::GrammarFault {
            range: line.value.clone(),
            what: "a list of extensions without any",
        })
    })
}
