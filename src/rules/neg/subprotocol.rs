//! Sec-WebSocket-Protocol in the answer: the server chooses one of the names it was offered, or
//! none (RFC 6455 §4.2.2, §11.3.4, RFC 7936 §2).

use crate::http::{Head, is_tchar, is_token, quote};
use crate::layout::Span;
use crate::rules::handshake_memory::fits;
use crate::rules::hs_req::offers::fault_of_name;
use crate::rules::observed::{Judgement, accepted, all_values, in_request, in_response, request};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::handshake::Handshake;
use crate::websocket::subprotocol::{HEADER, Payload, find};
use crate::websocket::{Message, Opcode};
use std::ops::Range;

/// NEG-SUBPROTO-NOT-OFFERED
pub static NOT_OFFERED: Rule = Rule {
    id: "NEG-SUBPROTO-NOT-OFFERED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The chosen subprotocol is one that was offered",
    mend: "choose from the request's list, or send no Sec-WebSocket-Protocol",
    check: Check::Handshake(|handshake, _| not_offered(handshake).into()),
};

fn not_offered(handshake: &Handshake) -> Judgement {
    let offered = names(request(handshake)?);
    let Some((head, range)) = chosen(handshake)? else { return Ok(None) };
    let chosen = head.bytes(range);
    if offered.contains(&chosen) {
        return Ok(None);
    }
    let (seen, expected) = if offered.is_empty() {
        let seen = format!("the server chooses {}, and the client offered nothing", quote(chosen));
        (seen, "no Sec-WebSocket-Protocol".to_owned())
    } else {
        let seen = format!("the server chooses {}, which was not offered", quote(chosen));
        (seen, format!("one of {}, or none", list(&offered)))
    };
    let broken = in_response(head, range, seen, expected);
    // The server may have read a list where there is none.
    let is_part = |offer: &&&[u8]| offer.split(|b| !is_tchar(*b)).any(|word| word == chosen);
    Ok(Some(match offered.iter().find(is_part) {
        Some(offer) => broken
            .cause(format!(
                "the name stands inside of the offer {}, which is one name",
                quote(offer)
            ))
            .mend("mend the offer, and this is gone: commas separate names"),
        None => broken.cause("the server sends a fixed name whatever the request says"),
    }))
}

/// NEG-SUBPROTO-CASE
pub static CASE: Rule = Rule {
    id: "NEG-SUBPROTO-CASE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7936 §2",
    title: "The chosen subprotocol is spelt as it was offered",
    mend: "send the name back exactly as the client spelt it",
    check: Check::Handshake(|handshake, _| case(handshake).into()),
};

fn case(handshake: &Handshake) -> Judgement {
    let offered = names(request(handshake)?);
    let Some((head, range)) = chosen(handshake)? else { return Ok(None) };
    let chosen = head.bytes(range);
    if offered.contains(&chosen) {
        return Ok(None);
    }
    let twin = offered.iter().find(|name| name.eq_ignore_ascii_case(chosen));
    Ok(twin.map(|twin| {
        let seen = format!("the server spells the subprotocol {}", quote(chosen));
        in_response(head, range, seen, quote(twin))
            .cause("field names do not mind their case, but this value does")
    }))
}

/// NEG-SUBPROTO-SINGLE
pub static SINGLE: Rule = Rule {
    id: "NEG-SUBPROTO-SINGLE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "6455 §11.3.4",
    title: "The server chooses one subprotocol",
    mend: "send the one name that is spoken from here on",
    check: Check::Handshake(|handshake, _| single(handshake).into()),
};

fn single(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let Some((values, lines)) = all_values(head, HEADER) else { return Ok(None) };
    let seen = match lines {
        1 if !head.bytes(&values).contains(&b',') => return Ok(None),
        1 => format!("the server answers with a list: {}", quote(head.bytes(&values))),
        _ => format!("there are {lines} Sec-WebSocket-Protocol lines in the answer"),
    };
    Ok(Some(
        in_response(head, &values, seen, "one name")
            .cause("the server sends the client's list back instead of choosing from it"),
    ))
}

/// NEG-SUBPROTO-EMPTY
pub static EMPTY: Rule = Rule {
    id: "NEG-SUBPROTO-EMPTY",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "Sec-WebSocket-Protocol is not empty in the answer",
    mend: "leave the header out if no subprotocol was chosen",
    check: Check::Handshake(|handshake, _| empty(handshake).into()),
};

fn empty(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let line = head.lines(HEADER).find(|line| line.value.is_empty());
    Ok(line.map(|line| {
        let seen = "Sec-WebSocket-Protocol is there and empty";
        in_response(head, &line.line, seen, "a name, or no such line")
            .cause("the header is written even if nothing was chosen")
    }))
}

/// NEG-SUBPROTO-SYNTAX
pub static SYNTAX: Rule = Rule {
    id: "NEG-SUBPROTO-SYNTAX",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "The chosen subprotocol is a token",
    mend: "send the bare name: no quotation marks, no spaces, no URL",
    check: Check::Handshake(|handshake, _| syntax(handshake).into()),
};

fn syntax(handshake: &Handshake) -> Judgement {
    let Some((head, range)) = chosen(handshake)? else { return Ok(None) };
    let chosen = head.bytes(range);
    if chosen.is_empty() || chosen.contains(&b',') || is_token(chosen) {
        return Ok(None);
    }
    let seen = format!("the server chooses {}, which is not a token", quote(chosen));
    let broken = in_response(head, range, seen, "letters, digits and some marks");
    Ok(Some(match chosen {
        [b'"', .., b'"'] => broken.cause("a serializer put the name in quotation marks"),
        _ => broken.cause(fault_of_name(chosen)),
    }))
}

/// NEG-SUBPROTO-NONE-AGREED
pub static NONE_AGREED: Rule = Rule {
    id: "NEG-SUBPROTO-NONE-AGREED",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §4.2.2",
    title: "If subprotocols are offered, one is chosen",
    mend: "configure the server to speak one of the offered names, and to say so",
    check: Check::Handshake(|handshake, _| none_agreed(handshake).into()),
};

fn none_agreed(handshake: &Handshake) -> Judgement {
    let offered = names(request(handshake)?);
    let head = accepted(handshake)?;
    if offered.is_empty() || head.line(HEADER).is_some() {
        return Ok(None);
    }
    let offers = list(&offered);
    let seen =
        format!("the client offers {offers}, and the server chooses none: browsers fail that");
    let broken = in_response(head, &head.start_range(), seen, "one of them");
    Ok(Some(broken.cause(
        "the server's handler knows no subprotocols; RFC 6455 permits that, and browsers and some \
         libraries fail the connection all the same",
    )))
}

/// NEG-SUBPROTO-UNREGISTERED
pub static UNREGISTERED: Rule = Rule {
    id: "NEG-SUBPROTO-UNREGISTERED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §11.5",
    title: "The subprotocol is a registered name",
    mend: "nothing, if both sides are yours; else register it, or put a domain into the name",
    check: Check::Handshake(|handshake, _| unregistered(handshake).into()),
};

fn unregistered(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    for member in head.members(HEADER) {
        let name = head.bytes(&member.range);
        let known = find(name);
        // What stands in the RFC as a sample is no reproach.
        let is_sample = matches!(name, b"chat" | b"superchat");
        if name.is_empty() || is_sample || known.is_some_and(|known| known.registered) {
            continue;
        }
        let seen = match known {
            Some(known) => format!("{} is a common private name: {}", quote(name), known.about),
            None => format!("{} is not in the list of registered names", quote(name)),
        };
        return Ok(Some(
            in_request(head, &member.range, seen, "")
                .cause("registration is voluntary, and private names are common"),
        ));
    }
    Ok(None)
}

/// NEG-SUBPROTO-OPCODE
pub static OPCODE: Rule = Rule {
    id: "NEG-SUBPROTO-OPCODE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §1.9",
    title: "Messages are of the kind that the subprotocol is made of",
    mend: "send the kind of message that the subprotocol's document asks for",
    check: Check::Message(opcode),
};

fn opcode(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let known = memory.handshake.rest()?.subprotocol[message.from.index()]?;
    if fits(known, message.opcode) {
        return None;
    }
    let sent = if message.opcode == Opcode::Text { "text" } else { "binary" };
    let expected = if known.payload == Payload::Text { "text" } else { "binary" };
    let seen = format!("a {sent} message under the subprotocol {} ({})", known.name, known.about);
    let broken = Broken::new(message.from, seen, format!("{expected} messages"));
    Some(
        broken
            .at(Span::bytes(message.offset, message.wire_length.max(1)))
            .cause("the library sends text by default, or strings where bytes are meant"),
    )
}

/// The names that are offered.
fn names(head: &Head) -> Vec<&[u8]> {
    let members = head.members(HEADER);
    members.into_iter().map(|m| head.bytes(&m.range)).filter(|name| !name.is_empty()).collect()
}

/// The server's choice; the first line, if there are several.
fn chosen(handshake: &Handshake) -> Result<Option<(&Head, &Range<usize>)>, &'static str> {
    let head = accepted(handshake)?;
    let line = head.line(HEADER).filter(|line| !line.value.is_empty());
    Ok(line.map(|line| (head, &line.value)))
}

fn list(names: &[&[u8]]) -> String {
    let shown: Vec<String> = names.iter().take(4).map(|name| quote(name)).collect();
    let rest = if names.len() > shown.len() { ", …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}
