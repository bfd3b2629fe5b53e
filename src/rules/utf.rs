//! UTF: text is UTF-8 (RFC 6455 §5.6, §8.1; RFC 3629).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
