//! HS-RES: the handshake response (RFC 6455 §4.1, §4.2.2).

mod accept;
mod answer;
pub(super) mod consequences;
pub(super) mod refusal;
mod time;
mod version;

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &answer::STATUS_LINE,
    &answer::UPGRADE,
    &answer::CONNECTION,
    &accept::PRESENT,
    &accept::VALUE,
    &accept::SINGLE,
    &accept::SYNTAX,
    &answer::UNREQUESTED,
    &answer::BODY_HEADERS,
    &consequences::ACCEPTED_BAD_REQUEST,
    &consequences::CLIENT_ACCEPTED_BAD,
    &consequences::FRAMES_AFTER_REFUSAL,
    &version::NEGOTIATION,
    &version::LIST,
    &version::ON_101,
    &refusal::UPGRADE_426,
    &refusal::CHALLENGE_401,
    &refusal::REDIRECT,
    &refusal::FORBIDDEN_403,
    &refusal::RETRY_503,
    &refusal::OK_200,
    &refusal::NOT_101,
    &time::NO_RESPONSE,
    &time::SLOW_RULE,
    &consequences::HTTP_AFTER_101,
    &answer::MISPLACED_HEADER,
    &answer::CONNECTION_CLOSE,
];
