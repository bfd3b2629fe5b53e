//! HS-RES: the handshake response (RFC 6455 §4.1, §4.2.2).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
