//! NEG: subprotocols and extensions (RFC 6455 §4.2.2, §9.1).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
