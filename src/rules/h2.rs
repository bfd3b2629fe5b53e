//! H2: the handshake and the stream of HTTP/2 (RFC 8441, RFC 9113).
//!
//! Deliberately absent: H2-NEGOTIATION and H2-MASKING, because the rules of NEG, PMD and MSK run on
//! streams as on connections; H2-UNSUPPORTED-501, which concerns other protocols; H2-FALLBACK,
//! which is no fault; H2-H3-SETTINGS-PLACE, until QUIC is read.

mod request;
mod stream;

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &stream::SETTING_VALUE,
    &stream::SETTING_WITHDRAWN,
    &stream::NO_PERMISSION,
    &request::METHOD_PROTOCOL,
    &request::SCHEME_PATH,
    &request::SCHEME_VALUE,
    &request::CONNECTION_HEADERS,
    &request::AUTHORITY,
    &request::FIELD_CASE,
    &request::KEY_IGNORED,
    &request::VERSION,
    &request::STATUS,
    &request::BODY_HEADERS,
    &stream::STREAM_END,
    &stream::RESET_CODE,
    &stream::FRAME_TYPES,
];
