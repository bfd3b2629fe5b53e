//! PMD, first half: how permessage-deflate is agreed (RFC 7692 §5, §7.1).

mod answer;
mod offer;

use super::Rule;
use crate::said::Endpoint;
use crate::websocket::extension::{self, Extension, PARAMETERS, PERMESSAGE_DEFLATE, Parameter};
use crate::websocket::handshake::Handshake;
use std::collections::HashSet;

pub(super) use offer::is_legacy;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &offer::UNKNOWN_PARAM,
    &offer::DUP_PARAM,
    &offer::BAD_VALUE,
    &answer::ACCEPTED_BAD_OFFER,
    &answer::UNKNOWN_PARAM,
    &answer::DUP_PARAM,
    &answer::BAD_VALUE,
    &answer::CLIENT_BITS_UNOFFERED,
    &answer::SERVER_BITS_TOO_BIG,
    &answer::SERVER_BITS_MISSING,
    &answer::SERVER_NCT_MISSING,
    &answer::CLIENT_BITS_LARGER,
    &answer::SMALL_WINDOW,
    &answer::CLIENT_ACCEPTED_BAD,
    &offer::LEGACY_NAME,
];

/// The elements of the list that are permessage-deflate.
fn elements(handshake: &Handshake, endpoint: Endpoint) -> Vec<&Extension> {
    let list = handshake.extensions_of(endpoint).list.iter();
    list.filter(|extension| extension.name == PERMESSAGE_DEFLATE).collect()
}

/// A parameter that RFC 7692 §7.1 does not define.
fn unknown(element: &Extension) -> Option<&Parameter> {
    element.parameters.iter().find(|found| !PARAMETERS.contains(&found.name.as_str()))
}

/// A parameter that stands there for the second time.
fn repeated(element: &Extension) -> Option<&Parameter> {
    let mut seen = HashSet::new();
    element.parameters.iter().find(|parameter| !seen.insert(parameter.name.as_str()))
}

/// A parameter whose value is not legal, and what is wrong with it. In an offer,
/// `client_max_window_bits` may stand without a value (§7.1.2.2).
fn bad_value(element: &Extension, in_offer: bool) -> Option<(&Parameter, &'static str)> {
    element.parameters.iter().find_map(|parameter| {
        let bare_is_legal = in_offer && parameter.name == "client_max_window_bits";
        let what = match (parameter.name.as_str(), parameter.value.as_deref()) {
            ("server_no_context_takeover" | "client_no_context_takeover", Some(_)) => {
                "has a value, and takes none"
            }
            ("server_max_window_bits" | "client_max_window_bits", None) if !bare_is_legal => {
                "has no value, and needs one"
            }
            ("server_max_window_bits" | "client_max_window_bits", Some(value))
                if extension::window_bits(value).is_none() =>
            {
                "is not a number from 8 to 15"
            }
            _ => return None,
        };
        Some((parameter, what))
    })
}

/// True if a server may accept it (§7).
fn is_legal_offer(element: &Extension) -> bool {
    unknown(element).is_none() && repeated(element).is_none() && bad_value(element, true).is_none()
}

fn find<'a>(element: &'a Extension, name: &str) -> Option<&'a Parameter> {
    element.parameters.iter().find(|parameter| parameter.name == name)
}

/// The window size that a parameter states, if it states a legal one.
fn bits(element: &Extension, name: &str) -> Option<u8> {
    find(element, name)?.value.as_deref().and_then(extension::window_bits)
}
