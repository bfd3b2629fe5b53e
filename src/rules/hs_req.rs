//! HS-REQ: the handshake request (RFC 6455 §4.1, §4.2.1).

mod again;
pub(super) mod host;
pub(super) mod key;
pub(super) mod lines;
pub(super) mod offers;
mod origin;
pub(super) mod request_line;
mod tls;
pub(super) mod upgrade;
pub(super) mod version;
mod wait;

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &lines::HTTP_SYNTAX,
    &request_line::METHOD,
    &request_line::HTTP_VERSION,
    &request_line::TARGET_FORM,
    &request_line::NO_FRAGMENT,
    &request_line::TARGET_CHARS,
    &host::PRESENT,
    &host::SINGLE,
    &host::SYNTAX,
    &host::CONSISTENT,
    &upgrade::PRESENT,
    &upgrade::CONNECTION,
    &key::PRESENT,
    &key::SINGLE,
    &key::BASE64,
    &key::LENGTH,
    &key::CANONICAL,
    &again::KEY_FRESH,
    &key::ENTROPY,
    &version::PRESENT,
    &version::THIRTEEN,
    &version::SINGLE,
    &version::SYNTAX,
    &origin::SYNTAX,
    &origin::SINGLE,
    &offers::SUBPROTO_SYNTAX,
    &offers::SUBPROTO_UNIQUE,
    &offers::EXT_SYNTAX,
    &wait::NO_BODY,
    &wait::EARLY_DATA,
    &wait::AFTER_101,
    &lines::HEADER_WS,
    &again::CONCURRENT,
    &tls::SNI,
    &lines::MISPLACED_HEADER,
    &wait::EXPECT,
];
