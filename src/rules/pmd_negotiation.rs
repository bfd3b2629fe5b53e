//! PMD, first half: how permessage-deflate is agreed (RFC 7692 §5, §7.1).

use super::Rule;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[];
