//! NEG: subprotocols and extensions (RFC 6455 §4.2.2, §9.1).

mod extension;
mod subprotocol;

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &subprotocol::NOT_OFFERED,
    &subprotocol::CASE,
    &subprotocol::SINGLE,
    &subprotocol::EMPTY,
    &subprotocol::SYNTAX,
    &subprotocol::NONE_AGREED,
    &subprotocol::UNREGISTERED,
    &subprotocol::OPCODE,
    &extension::NOT_OFFERED,
    &extension::RESPONSE_SYNTAX,
    &extension::RESPONSE_MULTILINE,
    &extension::UNREGISTERED,
    &extension::RSV_CONFLICT,
    &extension::USED_NOT_ACCEPTED,
];
