//! What the server answers, held against what was offered (RFC 7692 §5, §7, §7.1).

use super::{bad_value, bits, elements, find, is_legal_offer, repeated, unknown};
use crate::http::{Head, quote};
use crate::rules::hs_res::consequences::trusted_anyway;
use crate::rules::observed::{Judgement, accepted, in_response, request};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::Message;
use crate::websocket::extension::Extension;
use crate::websocket::handshake::Handshake;

/// Below this a window has little to point back at.
const SMALL_WINDOW_BITS: u8 = 10;

/// PMD-ACCEPTED-BAD-OFFER
pub static ACCEPTED_BAD_OFFER: Rule = Rule {
    id: "PMD-ACCEPTED-BAD-OFFER",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7",
    title: "The server declines offers that are not legal",
    mend: "skip offers with unknown, repeated or illegal parameters",
    check: Check::Handshake(|handshake, _| accepted_bad_offer(handshake).into()),
};

fn accepted_bad_offer(handshake: &Handshake) -> Judgement {
    let (offers, answers, head) = negotiation(handshake)?;
    let [answer, ..] = &answers[..] else { return Ok(None) };
    if offers.is_empty() || offers.iter().any(|offer| is_legal_offer(offer)) {
        return Ok(None);
    }
    let seen = "the server accepts permessage-deflate, and no offer of it was legal";
    Ok(Some(
        in_response(head, &answer.range, seen, "no permessage-deflate in the answer")
            .cause("the server looks for the name and reads the parameters loosely"),
    ))
}

/// PMD-RESP-UNKNOWN-PARAM
pub static UNKNOWN_PARAM: Rule = Rule {
    id: "PMD-RESP-UNKNOWN-PARAM",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7",
    title: "The answer uses only the four parameters there are",
    mend: "answer with the parameters of RFC 7692 §7.1 only",
    check: Check::Handshake(|handshake, _| unknown_param(handshake).into()),
};

fn unknown_param(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(elements(handshake, Endpoint::Server).into_iter().find_map(unknown).map(|parameter| {
        let seen = format!("the answer has the parameter {}", quote(parameter.name.as_bytes()));
        in_response(head, &parameter.range, seen, "one of the four there are")
            .mend(
                "leave it out; there are server_no_context_takeover, client_no_context_takeover, \
                 server_max_window_bits and client_max_window_bits (RFC 7692 §7.1)",
            )
            .cause("a setting of the local compressor, or the client's own words, sent back")
    }))
}

/// PMD-RESP-DUP-PARAM
pub static DUP_PARAM: Rule = Rule {
    id: "PMD-RESP-DUP-PARAM",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7",
    title: "The answer repeats no parameter",
    mend: "write each parameter once",
    check: Check::Handshake(|handshake, _| dup_param(handshake).into()),
};

fn dup_param(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    Ok(elements(handshake, Endpoint::Server).into_iter().find_map(repeated).map(|twin| {
        let seen = format!("the answer names {} twice", twin.name);
        in_response(head, &twin.range, seen, "each parameter once")
            .cause("the client's parameter is copied, and the server's own added")
    }))
}

/// PMD-RESP-BAD-VALUE
pub static BAD_VALUE: Rule = Rule {
    id: "PMD-RESP-BAD-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7.1",
    title: "The answered parameters have legal values",
    mend: "give *_max_window_bits a number from 8 to 15, or leave the parameter out",
    check: Check::Handshake(|handshake, _| answer_value(handshake).into()),
};

fn answer_value(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    let answers = elements(handshake, Endpoint::Server);
    Ok(answers.into_iter().find_map(|answer| bad_value(answer, false)).map(|(parameter, what)| {
        let seen = format!("{} {what}", quote(head.bytes(&parameter.range)));
        let expected = "8 to 15 for a window, no value for a flag";
        let broken = in_response(head, &parameter.range, seen, expected);
        if parameter.name == "client_max_window_bits" && parameter.value.is_none() {
            broken.cause(
                "the offer is sent back as it came: without a value the name only says that the \
                 client understands it",
            )
        } else {
            broken
        }
    }))
}

/// PMD-RESP-CLIENT-BITS-UNOFFERED
pub static CLIENT_BITS_UNOFFERED: Rule = Rule {
    id: "PMD-RESP-CLIENT-BITS-UNOFFERED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "7692 §7.1.2.2",
    title: "client_max_window_bits is answered only if it was offered",
    mend: "leave client_max_window_bits out unless the client named it",
    check: Check::Handshake(|handshake, _| client_bits_unoffered(handshake).into()),
};

fn client_bits_unoffered(handshake: &Handshake) -> Judgement {
    let (offers, answers, head) = negotiation(handshake)?;
    let name = "client_max_window_bits";
    let Some(found) = answers.iter().find_map(|answer| find(answer, name)) else { return Ok(None) };
    if offers.is_empty() || offers.iter().any(|offer| find(offer, name).is_some()) {
        return Ok(None);
    }
    let seen = "the server limits the client's window, and the client did not offer that";
    Ok(Some(
        in_response(head, &found.range, seen, "no client_max_window_bits")
            .cause("the server sends its configuration instead of answering the offer"),
    ))
}

/// PMD-RESP-SERVER-BITS-TOO-BIG
pub static SERVER_BITS_TOO_BIG: Rule = Rule {
    id: "PMD-RESP-SERVER-BITS-TOO-BIG",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7.1.2.1",
    title: "server_max_window_bits is no larger than was asked for",
    mend: "answer with the offered number or a smaller one, or decline",
    check: Check::Handshake(|handshake, _| server_bits_too_big(handshake).into()),
};

fn server_bits_too_big(handshake: &Handshake) -> Judgement {
    let (offers, answers, head) = negotiation(handshake)?;
    let name = "server_max_window_bits";
    let Some((found, answered)) =
        answers.iter().find_map(|answer| Some((find(answer, name)?, bits(answer, name)?)))
    else {
        return Ok(None);
    };
    // An offer without the parameter permits any size.
    let largest = offers.iter().map(|offer| bits(offer, name).unwrap_or(15)).max();
    Ok(largest.filter(|&largest| answered > largest).map(|largest| {
        let seen =
            format!("the server uses a window of {answered} bits, and {largest} were offered");
        in_response(head, &found.range, seen, format!("server_max_window_bits={largest} or less"))
            .cause("the server sends its own setting instead of the smaller of the two")
    }))
}

/// PMD-RESP-SERVER-BITS-MISSING
pub static SERVER_BITS_MISSING: Rule = Rule {
    id: "PMD-RESP-SERVER-BITS-MISSING",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7.1.2.1",
    title: "server_max_window_bits is confirmed if it was asked for",
    mend: "repeat the parameter in the answer and keep to it, or decline",
    check: Check::Handshake(|handshake, _| unconfirmed(handshake, "server_max_window_bits").into()),
};

/// PMD-RESP-SERVER-NCT-MISSING
pub static SERVER_NCT_MISSING: Rule = Rule {
    id: "PMD-RESP-SERVER-NCT-MISSING",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "7692 §7.1.1.1",
    title: "server_no_context_takeover is confirmed if it was asked for",
    mend: "repeat the parameter in the answer and keep to it, or decline",
    check: Check::Handshake(|handshake, _| {
        unconfirmed(handshake, "server_no_context_takeover").into()
    }),
};

/// A condition of every offer that the answer does not repeat.
fn unconfirmed(handshake: &Handshake, name: &str) -> Judgement {
    let (offers, answers, head) = negotiation(handshake)?;
    let [answer, ..] = &answers[..] else { return Ok(None) };
    let is_condition = !offers.is_empty() && offers.iter().all(|o| find(o, name).is_some());
    if !is_condition || find(answer, name).is_some() {
        return Ok(None);
    }
    let seen = format!("the client asks for {name}, and the answer accepts without it");
    Ok(Some(in_response(head, &answer.range, seen, format!("{name} in the answer")).cause(
        "the server accepts by name, and does not look at what the client makes a condition",
    )))
}

/// PMD-RESP-CLIENT-BITS-LARGER
pub static CLIENT_BITS_LARGER: Rule = Rule {
    id: "PMD-RESP-CLIENT-BITS-LARGER",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "7692 §7.1.2.2",
    title: "client_max_window_bits is no larger than the client's hint",
    mend: "answer with the client's number: it will not look back further",
    check: Check::Handshake(|handshake, _| client_bits_larger(handshake).into()),
};

fn client_bits_larger(handshake: &Handshake) -> Judgement {
    let (offers, answers, head) = negotiation(handshake)?;
    let name = "client_max_window_bits";
    let Some((found, answered)) =
        answers.iter().find_map(|answer| Some((find(answer, name)?, bits(answer, name)?)))
    else {
        return Ok(None);
    };
    let hints = offers.iter().filter(|offer| find(offer, name).is_some());
    let largest = hints.map(|offer| bits(offer, name).unwrap_or(15)).max();
    Ok(largest.filter(|&largest| answered > largest).map(|largest| {
        let seen =
            format!("the server keeps {answered} bits for the client, which needs {largest}");
        in_response(head, &found.range, seen, format!("client_max_window_bits={largest}"))
            .cause("the server sends its own setting; harmless, and a waste of memory")
    }))
}

/// PMD-SMALL-WINDOW
pub static SMALL_WINDOW: Rule = Rule {
    id: "PMD-SMALL-WINDOW",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "7692 §7.3",
    title: "The agreed windows are large enough to be of use",
    mend: "agree on 10 bits or more, or switch compression off",
    check: Check::Handshake(|handshake, _| small_window(handshake).into()),
};

fn small_window(handshake: &Handshake) -> Judgement {
    let head = accepted(handshake)?;
    for answer in elements(handshake, Endpoint::Server) {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            let Some(size) = bits(answer, name).filter(|&bits| bits < SMALL_WINDOW_BITS) else {
                continue;
            };
            let Some(found) = find(answer, name) else { continue };
            let seen = format!("a window of {size} bits is {} bytes", 1 << size);
            let broken = in_response(head, &found.range, seen, "10 bits or more");
            return Ok(Some(if size == 8 {
                broken.cause(
                    "one side saves memory; zlib can't compress with 8 bits, and older versions \
                     use 9 without saying so",
                )
            } else {
                broken.cause("one side saves memory")
            }));
        }
    }
    Ok(None)
}

/// PMD-CLIENT-ACCEPTED-BAD
pub static CLIENT_ACCEPTED_BAD: Rule = Rule {
    id: "PMD-CLIENT-ACCEPTED-BAD",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "7692 §7",
    title: "The client fails the connection if compression is answered wrongly",
    mend: "hold the answer against the offer, and close instead of sending",
    check: Check::Message(client_accepted_bad),
};

fn client_accepted_bad(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let rule = memory.bad_response()?;
    rule.starts_with("PMD-").then(|| trusted_anyway(rule, message)).flatten()
}

/// The offers and the answers of permessage-deflate, and the head of the 101.
fn negotiation(
    handshake: &Handshake,
) -> Result<(Vec<&Extension>, Vec<&Extension>, &Head), &'static str> {
    request(handshake)?;
    let head = accepted(handshake)?;
    let [offers, answers] =
        [Endpoint::Client, Endpoint::Server].map(|endpoint| elements(handshake, endpoint));
    Ok((offers, answers, head))
}
