//! Which finding hides which (catalogue §2): a root cause is said once, and what follows from it
//! is not said at all. Where facts already say that they can't be judged (a message with a hole,
//! a lost compression context), the rules look at those and nothing stands here.

use super::Finding;

/// How far a finding hides others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those about the same fact.
    Fact,
    /// Those about the same endpoint, from then on to the end.
    Rest,
}

/// One row: what hides, what it hides (an id, or a prefix that ends in `*`), and how far.
struct Row {
    by: &'static str,
    hides: &'static [&'static str],
    reach: Reach,
}

/// The endpoint's bytes can't be read as frames any more.
const ALL_FRAME_RULES: &[&str] = &["FRM-*", "MSK-*", "FRG-*", "CTL-*", "CLS-*", "UTF-*", "PMD-*"];

static TABLE: [Row; 10] = [
    Row { by: "FRM-LEN-MSB", hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: "FRM-DATA-BEFORE-OPEN", hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: LOST_SYNC, hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: "FRM-LEN-MSB", hides: &["CTL-TOO-LONG"], reach: Reach::Fact },
    Row { by: "FRG-INTERLEAVED", hides: &["PMD-INFLATE-ERROR"], reach: Reach::Rest },
    Row { by: "FRG-CONT-WITHOUT-START", hides: &["PMD-INFLATE-ERROR"], reach: Reach::Rest },
    Row { by: "PMD-TAIL-NOT-STRIPPED", hides: &["PMD-INFLATE-ERROR"], reach: Reach::Rest },
    Row { by: "MSK-CONSTANT-KEY", hides: &["MSK-REUSED-KEY"], reach: Reach::Rest },
    Row { by: "MSK-CONSTANT-KEY", hides: &["MSK-PREDICTABLE-KEY"], reach: Reach::Rest },
    Row { by: "PMD-RSV1-*", hides: &["FRM-RSV-UNNEGOTIATED"], reach: Reach::Fact },
];

/// What the judge calls it when nonsense follows nonsense; no rule.
pub(super) const LOST_SYNC: &str = "(lost sync)";

/// The rows after which nothing that is read of the endpoint can be relied on.
pub(super) const UNRELIABLE: u16 = 0b111;

/// The rows that are in force from a finding of that rule on.
pub(super) fn begins(id: &str) -> u16 {
    TABLE.iter().enumerate().fold(0, |rows, (index, row)| {
        rows | u16::from(row.reach == Reach::Rest && matches(row.by, id)) << index
    })
}

/// True if a row that is in force hides that rule.
pub(super) fn hides(rows: u16, id: &str) -> bool {
    rows != 0
        && TABLE.iter().enumerate().any(|(index, row)| {
            rows >> index & 1 != 0 && row.hides.iter().any(|pattern| matches(pattern, id))
        })
}

/// Drops the findings of one fact that others of the same fact explain.
pub(super) fn apply(findings: &mut Vec<Finding>, from: usize) {
    if findings.len() < from + 2 {
        return;
    }
    let ids: Vec<&'static str> = findings[from..].iter().map(|finding| finding.rule.id).collect();
    let is_hidden = |id: &str| {
        TABLE.iter().any(|row| {
            row.reach == Reach::Fact
                && row.hides.iter().any(|pattern| matches(pattern, id))
                && ids.iter().any(|other| matches(row.by, other))
        })
    };
    let mut index = 0;
    findings.retain(|finding| {
        index += 1;
        index <= from || !is_hidden(finding.rule.id)
    });
}

fn matches(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => id == pattern,
    }
}
