//! FRM: framing (RFC 6455 §5.2).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
