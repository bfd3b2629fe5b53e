//! What the client offers (RFC 7692 §7, §7.1).

use super::{bad_value, elements, repeated, unknown};
use crate::http::quote;
use crate::rules::observed::{Judgement, accepted, in_request, in_response, request};
use crate::rules::{Check, Level, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::extension::Extension;
use crate::websocket::handshake::Handshake;

/// PMD-OFFER-UNKNOWN-PARAM
pub static UNKNOWN_PARAM: Rule = Rule {
    id: "PMD-OFFER-UNKNOWN-PARAM",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "7692 §7",
    title: "The offer uses only the four parameters there are",
    mend: "offer server_no_context_takeover, client_no_context_takeover, server_max_window_bits or \
           client_max_window_bits, and nothing else",
    check: Check::Handshake(|handshake, _| unknown_param(handshake).into()),
};

fn unknown_param(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let offers = elements(handshake, Endpoint::Client);
    Ok(offers.into_iter().find_map(unknown).map(|parameter| {
        let seen = format!("the offer has the parameter {}", quote(parameter.name.as_bytes()));
        in_request(head, &parameter.range, seen, "one of the four that RFC 7692 defines")
            .cause("a setting of the local compressor is taken for something to negotiate")
    }))
}

/// PMD-OFFER-DUP-PARAM
pub static DUP_PARAM: Rule = Rule {
    id: "PMD-OFFER-DUP-PARAM",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "7692 §7",
    title: "The offer repeats no parameter",
    mend: "offer alternatives as separate elements: permessage-deflate; …, permessage-deflate",
    check: Check::Handshake(|handshake, _| dup_param(handshake).into()),
};

fn dup_param(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let offers = elements(handshake, Endpoint::Client);
    Ok(offers.into_iter().find_map(repeated).map(|twin| {
        let seen = format!("the offer names {} twice", twin.name);
        in_request(head, &twin.range, seen, "each parameter once")
            .cause("alternatives are put into one element, with ; where a comma belongs")
    }))
}

/// PMD-OFFER-BAD-VALUE
pub static BAD_VALUE: Rule = Rule {
    id: "PMD-OFFER-BAD-VALUE",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "7692 §7.1",
    title: "The offered parameters have legal values",
    mend: "give *_max_window_bits a number from 8 to 15, and *_no_context_takeover nothing",
    check: Check::Handshake(|handshake, _| offer_value(handshake).into()),
};

fn offer_value(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let offers = elements(handshake, Endpoint::Client);
    Ok(offers.into_iter().find_map(|offer| bad_value(offer, true)).map(|(parameter, what)| {
        let seen = format!("{} {what}", quote(head.bytes(&parameter.range)));
        in_request(head, &parameter.range, seen, "8 to 15 for a window, no value for a flag")
    }))
}

/// PMD-LEGACY-NAME
pub static LEGACY_NAME: Rule = Rule {
    id: "PMD-LEGACY-NAME",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "7692 §1",
    title: "Compression goes by the name permessage-deflate",
    mend: "use permessage-deflate",
    check: Check::Handshake(|handshake, _| legacy_name(handshake).into()),
};

/// Names that drafts and experiments gave to compression, and what they did.
const LEGACY: [(&str, &str); 8] = [
    ("x-webkit-deflate-frame", "compression frame by frame, as Safari had it before 2017"),
    ("deflate-frame", "compression frame by frame, a draft"),
    ("perframe-deflate", "compression frame by frame, a draft"),
    ("permessage-compress", "a draft in which the algorithm was a parameter"),
    ("permessage-bzip2", "an experiment"),
    ("permessage-snappy", "an experiment"),
    ("permessage-lz4", "an experiment"),
    ("deflate-stream", "compression of the whole stream, a draft that was withdrawn"),
];

pub(in crate::rules) fn is_legacy(name: &str) -> bool {
    LEGACY.iter().any(|(legacy, _)| *legacy == name)
}

fn legacy_name(handshake: &Handshake) -> Judgement {
    if let Ok(head) = accepted(handshake)
        && let Some((found, about)) = legacy(handshake, Endpoint::Server)
    {
        let seen = format!("the server accepts {}: {about}", found.name);
        return Ok(Some(in_response(head, &found.range, seen, "")));
    }
    let head = request(handshake)?;
    Ok(legacy(handshake, Endpoint::Client).map(|(found, about)| {
        let seen = format!("the client offers {}: {about}", found.name);
        in_request(head, &found.range, seen, "").cause("software from before RFC 7692 (2015)")
    }))
}

fn legacy(handshake: &Handshake, endpoint: Endpoint) -> Option<(&Extension, &'static str)> {
    handshake.extensions_of(endpoint).list.iter().find_map(|extension| {
        let (_, about) = LEGACY.iter().find(|(name, _)| *name == extension.name)?;
        Some((extension, *about))
    })
}
