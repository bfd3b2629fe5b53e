//! H2: the handshake and the stream of HTTP/2 (RFC 8441, RFC 9113). What goes on in the stream, and
//! what is negotiated, is judged by the rules of the other areas.

mod request;
mod stream;

pub(super) use stream::error_name;

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
    &request::UNSUPPORTED,
    &request::FALLBACK,
];
