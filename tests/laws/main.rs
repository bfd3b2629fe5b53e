//! Laws of the protocol core, held against conversations that are realistic, odd and broken.
//!
//! Each file is one promise of `docs/architecture.md`. Few cases by default; `PROPTEST_CASES=20000`
//! asks for more, and the figures are said on stderr.

mod cases;
mod chunking;
#[path = "../shared/dice.rs"]
mod dice;
mod facts;
mod frames;
mod json;
mod loss;
mod messages;
mod talk;
mod totality;

use proptest::prelude::ProptestConfig;
use std::io::Write as _;

/// So many cases, unless `PROPTEST_CASES` says otherwise.
fn cases_of(few: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: wanted.unwrap_or(few),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

/// A figure, on the real stderr: it is to be seen when the test passes, too.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
