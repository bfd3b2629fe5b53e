//! HS-REQ: the handshake request (RFC 6455 §4.1, §4.2.1).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
