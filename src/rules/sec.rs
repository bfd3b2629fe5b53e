//! SEC: what an operator should know about the safety of a deployment (RFC 6455 §10). Advice, and
//! never an error: who is allowed to do what is not on the wire. Values of credentials are never
//! part of what is said.

mod answer;
mod clear;
pub(super) mod credentials;
mod echo;
mod load;
mod origin;
mod proxy;
mod site;
mod storm;
mod tls;
mod words;

use super::Rule;

pub(super) use clear::spells_secret;
pub(super) use echo::Echoes;
pub(super) use load::is_large_message;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &origin::MISSING,
    &origin::CROSS,
    &origin::NULL,
    &origin::LOCALHOST_FOREIGN,
    &credentials::TOKEN_IN_QUERY,
    &credentials::SUBPROTO_TOKEN,
    &clear::CREDENTIALS,
    &clear::CLEARTEXT,
    &clear::MIXED_CONTENT,
    &credentials::NO_AUTH,
    &echo::PMD_SECRETS,
    &proxy::HOP_STRIPPED,
    &proxy::PLAIN_GET,
    &proxy::REDIRECT_TO_TLS,
    &storm::RECONNECT_STORM,
    &load::OVERSIZED,
    &load::RATE_BURST,
    &load::PING_FLOOD,
    &clear::SECRETS,
    &answer::CORS_HEADERS,
    &answer::SET_COOKIE_FLAGS,
    &answer::BIG_HEADERS,
    &tls::OLD,
];
