//! PMD, second half: compressed messages (RFC 7692 §6, §7.2).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
