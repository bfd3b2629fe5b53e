//! MSK: masking (RFC 6455 §5.1, §5.3, §10.3).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
