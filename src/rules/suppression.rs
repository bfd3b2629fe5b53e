//! Which finding hides which (catalogue §2): a root cause is said once, and what follows from it
//! is not said at all. Where facts already say that they can't be judged (a message with a hole,
//! a lost compression context), the rules look at those and nothing stands here.

use super::Finding;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::LazyLock;

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
const ALL_FRAME_RULES: &[&str] =
    &["FRM-*", "MSK-*", "FRG-*", "CTL-*", "CLS-*", "UTF-*", "PMD-*", "NEG-*", "SEC-*", "LIV-*"];

/// What can't be inflated, or can't be trusted.
const INFLATING: &[&str] = &["PMD-INFLATE-ERROR", "PMD-CONTEXT-TAKEOVER", "PMD-WINDOW-EXCEEDED"];

static TABLE: [Row; 20] = [
    Row { by: "FRM-LEN-MSB", hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: "FRM-DATA-BEFORE-OPEN", hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: LOST_SYNC, hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: OTHER_FRAMES, hides: ALL_FRAME_RULES, reach: Reach::Rest },
    Row { by: "FRM-LEN-MSB", hides: &["CTL-TOO-LONG"], reach: Reach::Fact },
    // The bytes that are missing are those that the swapped length made up.
    Row { by: "FRM-LEN-BYTE-ORDER", hides: &["FRM-TRUNCATED"], reach: Reach::Fact },
    Row { by: "FRG-INTERLEAVED", hides: INFLATING, reach: Reach::Rest },
    Row { by: "FRG-CONT-WITHOUT-START", hides: INFLATING, reach: Reach::Rest },
    Row { by: "PMD-TAIL-NOT-STRIPPED", hides: &["PMD-INFLATE-ERROR"], reach: Reach::Rest },
    Row { by: "PMD-FRAGMENT-TAIL-STRIPPED", hides: INFLATING, reach: Reach::Fact },
    Row { by: "PMD-CONTEXT-TAKEOVER", hides: &["PMD-INFLATE-ERROR"], reach: Reach::Fact },
    Row { by: "MSK-CONSTANT-KEY", hides: &["MSK-REUSED-KEY"], reach: Reach::Rest },
    Row { by: "MSK-CONSTANT-KEY", hides: &["MSK-PREDICTABLE-KEY"], reach: Reach::Rest },
    Row { by: BAD_CLOCK, hides: TIMED, reach: Reach::Rest },
    Row { by: "LIV-HALF-OPEN", hides: &["CTL-PING-UNANSWERED"], reach: Reach::Fact },
    // They say why there is none.
    Row { by: "LIV-IDLE-CUT", hides: &["CLS-NO-CLOSE-FRAME"], reach: Reach::Fact },
    Row { by: "LIV-HALF-OPEN", hides: &["CLS-NO-CLOSE-FRAME"], reach: Reach::Fact },
    Row { by: "CLS-CODE-*", hides: &["CLS-EXPLAIN"], reach: Reach::Fact },
    Row { by: "PMD-RSV1-*", hides: &["FRM-RSV-UNNEGOTIATED"], reach: Reach::Fact },
    // A draft's digest of 16 bytes may be readable.
    Row { by: OTHER_FRAMES, hides: &["HS-RES-HTTP-AFTER-101"], reach: Reach::Rest },
];

/// The same for the rules of the handshake, all about the same fact: what hides, what it hides.
static HANDSHAKE: &[(&str, &[&str])] = &[
    (
        "HS-REQ-KEY-SINGLE",
        &["HS-REQ-KEY-BASE64", "HS-REQ-KEY-LENGTH", "HS-REQ-KEY-CANONICAL", "HS-REQ-KEY-ENTROPY"],
    ),
    ("HS-REQ-KEY-BASE64", &["HS-REQ-KEY-LENGTH", "HS-REQ-KEY-CANONICAL", "HS-REQ-KEY-ENTROPY"]),
    ("HS-REQ-KEY-LENGTH", &["HS-REQ-KEY-CANONICAL", "HS-REQ-KEY-ENTROPY"]),
    ("HS-REQ-VERSION-SINGLE", &["HS-REQ-VERSION-SYNTAX", "HS-REQ-VERSION-13"]),
    ("HS-REQ-VERSION-SYNTAX", &["HS-REQ-VERSION-13"]),
    ("HIST-VERSION-9-12", &["HS-REQ-VERSION-13"]),
    ("HIST-HIXIE76", &["HIST-SEC-WEBSOCKET-DRAFT"]),
    ("HS-REQ-HOST-SINGLE", &["HS-REQ-HOST-SYNTAX", "HS-REQ-HOST-CONSISTENT"]),
    ("HS-REQ-HOST-SYNTAX", &["HS-REQ-HOST-CONSISTENT"]),
    ("HS-REQ-ORIGIN-SINGLE", &["HS-REQ-ORIGIN-SYNTAX"]),
    ("HS-REQ-HEADER-WS", &["HS-REQ-HTTP-SYNTAX"]),
    ("HS-REQ-EXT-SYNTAX", &["NEG-EXT-UNREGISTERED", "PMD-OFFER-*"]),
    ("HS-REQ-SUBPROTO-SYNTAX", &["NEG-SUBPROTO-UNREGISTERED"]),
    ("HS-RES-NOT-101", &["HS-RES-ACCEPT-*", "NEG-EXT-NOT-OFFERED", "NEG-EXT-RESPONSE-*"]),
    // They say which kind of refusal it is.
    ("HS-RES-200", &["HS-RES-NOT-101"]),
    ("HS-RES-403", &["HS-RES-NOT-101"]),
    ("HS-RES-REDIRECT", &["HS-RES-NOT-101"]),
    ("HS-RES-ACCEPT-SINGLE", &["HS-RES-ACCEPT-SYNTAX", "HS-RES-ACCEPT-VALUE"]),
    ("HS-RES-ACCEPT-SYNTAX", &["HS-RES-ACCEPT-VALUE"]),
    ("HS-RES-UNREQUESTED", &["HS-RES-ACCEPTED-BAD-REQUEST"]),
    ("HS-RES-HTTP-AFTER-101", &["FRM-*"]),
    ("NEG-SUBPROTO-CASE", &["NEG-SUBPROTO-NOT-OFFERED"]),
    ("NEG-SUBPROTO-SINGLE", &["NEG-SUBPROTO-NOT-OFFERED", "NEG-SUBPROTO-SYNTAX"]),
    ("NEG-SUBPROTO-SYNTAX", &["NEG-SUBPROTO-NOT-OFFERED", "NEG-SUBPROTO-UNREGISTERED"]),
    ("NEG-SUBPROTO-EMPTY", &["NEG-SUBPROTO-NOT-OFFERED", "NEG-SUBPROTO-NONE-AGREED"]),
    ("NEG-EXT-RESPONSE-SYNTAX", &["PMD-RESP-*"]),
    ("NEG-EXT-NOT-OFFERED", &["PMD-RESP-CLIENT-BITS-UNOFFERED", "NEG-EXT-UNREGISTERED"]),
    ("NEG-EXT-USED-NOT-ACCEPTED", &["FRM-RSV-UNNEGOTIATED", "PMD-RSV1-UNNEGOTIATED"]),
    // They would quote what is offered.
    ("SEC-SUBPROTO-TOKEN", &["NEG-SUBPROTO-UNREGISTERED", "NEG-SUBPROTO-NONE-AGREED"]),
    ("SEC-LOCALHOST-FOREIGN-ORIGIN", &["SEC-ORIGIN-CROSS"]),
    ("SEC-CLEARTEXT-CREDENTIALS", &["SEC-CLEARTEXT", "SEC-MIXED-CONTENT"]),
    ("SEC-MIXED-CONTENT", &["SEC-CLEARTEXT"]),
    ("SEC-REDIRECT-TO-TLS", &["HS-RES-REDIRECT", "HS-RES-NOT-101"]),
    ("PMD-ACCEPTED-BAD-OFFER", &["PMD-RESP-SERVER-*", "PMD-RESP-CLIENT-BITS-*"]),
    ("PMD-LEGACY-NAME", &["NEG-EXT-UNREGISTERED"]),
    (
        "PMD-RESP-BAD-VALUE",
        &["PMD-RESP-SERVER-BITS-*", "PMD-RESP-CLIENT-BITS-*", "PMD-SMALL-WINDOW"],
    ),
    (
        "PMD-RESP-DUP-PARAM",
        &["PMD-RESP-SERVER-BITS-*", "PMD-RESP-CLIENT-BITS-*", "PMD-SMALL-WINDOW"],
    ),
];

/// What the judge calls it when nonsense follows nonsense; no rule.
pub(super) const LOST_SYNC: &str = "(lost sync)";

/// What the memory calls it when a draft had other frames than RFC 6455.
pub(super) const OTHER_FRAMES: &str = "(other frames)";

/// What the memory calls it when the clock of the capture goes backwards.
pub(super) const BAD_CLOCK: &str = "(bad clock)";

/// What hangs on the time.
const TIMED: &[&str] = &[
    "LIV-*",
    "CTL-PONG-DELAY",
    "CTL-PING-UNANSWERED",
    "CLS-SLOW",
    "CLS-SERVER-LINGERS",
    "CLS-SERVER-CLOSES-TCP-FIRST",
    "FRG-STALL",
    "SEC-RATE-BURST",
    "SEC-PING-FLOOD",
    "SEC-RECONNECT-STORM",
    "MSK-PREDICTABLE-KEY",
];

/// True if a finding of `by` says what a finding of `other` about the same thing would say, so that
/// only the first is told.
pub fn is_said_for(by: &str, other: &str) -> bool {
    let frames = TABLE.iter().filter(|row| row.hides != ALL_FRAME_RULES);
    let frames = frames.map(|row| (row.by, row.hides));
    let mut rows = frames.chain(HANDSHAKE.iter().copied());
    rows.any(|(row, hides)| matches(row, by) && hides.iter().any(|pattern| matches(pattern, other)))
}

/// The rows after which nothing that is read of the endpoint can be relied on.
pub(super) const UNRELIABLE: u32 = 0b1111;

/// What the two tables say of one rule, a bit for each row: first those of [`TABLE`].
#[derive(Debug, Default, Clone, Copy)]
struct Rows {
    /// The rows that it brings into force.
    by: u128,
    /// The rows that hide it.
    hidden_by: u128,
}

/// The rows that reach over one fact, and those that reach to the end.
const FACT: u128 = !REST;
const REST: u128 = {
    let (mut rows, mut index) = (0, 0);
    while index < TABLE.len() {
        if matches!(TABLE[index].reach, Reach::Rest) {
            rows |= 1 << index;
        }
        index += 1;
    }
    rows
};

impl Rows {
    fn of(id: &str) -> Rows {
        static ALL: LazyLock<HashMap<&str, Rows, RandomState>> = LazyLock::new(Rows::all);
        ALL.get(id).copied().unwrap_or_default()
    }

    fn with(self, more: Rows) -> Rows {
        Rows { by: self.by | more.by, hidden_by: self.hidden_by | more.hidden_by }
    }

    /// Those of every rule, so that nobody has to walk through the tables for each finding.
    fn all() -> HashMap<&'static str, Rows, RandomState> {
        let mut patterns: HashMap<&str, Rows, RandomState> = HashMap::default();
        let mut add = |pattern, more| {
            let rows = patterns.entry(pattern).or_default();
            *rows = rows.with(more);
        };
        let frames = TABLE.iter().map(|row| (row.by, row.hides));
        for (index, (by, hides)) in frames.chain(HANDSHAKE.iter().copied()).enumerate() {
            add(by, Rows { by: 1 << index, hidden_by: 0 });
            for pattern in hides {
                add(pattern, Rows { by: 0, hidden_by: 1 << index });
            }
        }
        let is_prefix = |pattern: &&str| pattern.ends_with('*');
        let prefixes: Vec<_> = patterns.extract_if(|pattern, _| is_prefix(pattern)).collect();
        for rule in super::all() {
            for (prefix, more) in &prefixes {
                if matches(prefix, rule.id) {
                    let rows = patterns.entry(rule.id).or_default();
                    *rows = rows.with(*more);
                }
            }
        }
        patterns
    }
}

/// The rows that are in force from a finding of that rule on.
pub(super) fn begins(id: &str) -> u32 {
    (Rows::of(id).by & REST) as u32
}

/// True if a row that is in force hides that rule.
pub(super) fn hides(rows: u32, id: &str) -> bool {
    rows != 0 && u128::from(rows) & Rows::of(id).hidden_by != 0
}

/// Drops the findings of one fact that others of the same fact explain.
pub(super) fn apply(findings: &mut Vec<Finding>, from: usize) {
    if findings.len() < from + 2 {
        return;
    }
    let found = findings[from..].iter();
    let in_force = found.fold(0, |rows, finding| rows | Rows::of(finding.rule.id).by) & FACT;
    if in_force == 0 {
        return;
    }
    let mut index = 0;
    findings.retain(|finding| {
        index += 1;
        index <= from || Rows::of(finding.rule.id).hidden_by & in_force == 0
    });
}

/// True if the pattern, an id or a prefix that ends in `*`, is about that rule.
pub(super) fn matches(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => id == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_bit_for_each_row() {
        assert!(TABLE.len() <= u32::BITS as usize);
        assert!(TABLE.len() + HANDSHAKE.len() <= u128::BITS as usize);
    }

    #[test]
    fn the_unreliable_rows_are_those_that_hide_all_frame_rules() {
        let rows = TABLE.iter().enumerate();
        let hiding =
            rows.filter(|(_, row)| row.hides == ALL_FRAME_RULES && row.reach == Reach::Rest);
        assert_eq!(hiding.fold(0, |bits, (index, _)| bits | 1 << index), UNRELIABLE);
    }

    #[test]
    fn no_two_rules_of_the_handshake_hide_each_other() {
        let is_hidden = |by: &str, id: &str| {
            let row = HANDSHAKE.iter().find(|(row, _)| *row == by);
            row.is_some_and(|(_, hides)| hides.iter().any(|pattern| matches(pattern, id)))
        };
        for (by, _) in HANDSHAKE {
            for (other, _) in HANDSHAKE {
                assert!(!(is_hidden(by, other) && is_hidden(other, by)), "{by} and {other}");
            }
        }
    }
}
