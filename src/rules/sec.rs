//! SEC: what an operator should know about the safety of a deployment (RFC 6455 §10). Advice, and
//! never an error: who is allowed to do what is not on the wire. Values of credentials are never
//! part of what is said.
//!
//! Deliberately absent: SEC-NO-AUTH, which would speak on nearly every connection and can't see a
//! login in a first message; SEC-PMD-SECRETS, which needs to know what an attacker may choose;
//! SEC-RATE-BURST, because bursts are what tickers, games and a TCP that catches up look like;
//! SEC-PLAIN-GET and SEC-REDIRECT-TO-TLS, which HS-RES-NOT-101 and HS-RES-REDIRECT say.

mod answer;
mod clear;
mod credentials;
mod load;
mod origin;
mod proxy;
mod site;
mod storm;
mod tls;

use super::Rule;

pub(super) use clear::spells_secret;
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
    &proxy::HOP_STRIPPED,
    &storm::RECONNECT_STORM,
    &load::OVERSIZED,
    &load::PING_FLOOD,
    &clear::SECRETS,
    &answer::CORS_HEADERS,
    &answer::SET_COOKIE_FLAGS,
    &answer::BIG_HEADERS,
    &tls::OLD,
];
