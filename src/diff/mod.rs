//! Two connections side by side: what differs, and whether it matters. "It works here and fails
//! there" is the question; order and case of headers are no difference, and what is random (keys,
//! accepts) is compared by whether it is valid.

mod headers;
mod side;

pub use side::Side;

use crate::rules::{Finding, Severity};
use crate::said::Endpoint;
use crate::websocket::handshake::Outcome;

/// How much a difference matters, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// It explains why one of them fails, or is that failure.
    Decides,
    /// A program behaves otherwise because of it.
    Matters,
    /// It is no reason for anything.
    Harmless,
}

impl Weight {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Weight::Decides => "decides",
            Weight::Matters => "matters",
            Weight::Harmless => "harmless",
        }
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whether it matters.
    pub weight: Weight,
    /// What differs: `request header Upgrade`.
    pub about: String,
    /// What A has; none if it has nothing of that kind.
    pub a: Option<String>,
    /// What B has.
    pub b: Option<String>,
    /// What it means.
    pub why: String,
}

/// What came of comparing two connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// One sentence.
    pub verdict: String,
    /// What to do about it, if something is to be done and it is known what.
    pub mend: Option<String>,
    /// What differs, what matters most first.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// True if there is a difference that matters.
    pub fn matters(&self) -> bool {
        self.differences.iter().any(|it| it.weight < Weight::Harmless)
    }
}

/// Compares two connections.
pub fn compare(a: &Side, b: &Side) -> Comparison {
    let mut found = Vec::new();
    outcome(a, b, &mut found);
    headers::compare(a, b, &mut found);
    findings(a, b, &mut found);
    ending(a, b, &mut found);
    shape(a, b, &mut found);
    found.sort_by_key(|difference| difference.weight);
    let matters = found.iter().any(|difference| difference.weight < Weight::Harmless);
    let (verdict, mend) = verdict(a, b, matters);
    Comparison { verdict, mend, differences: found }
}

/// True if exactly one of the two works.
fn one_fails(a: &Side, b: &Side) -> bool {
    a.works() != b.works()
}

fn verdict(a: &Side, b: &Side, matters: bool) -> (String, Option<String>) {
    match (a.works(), b.works()) {
        (true, false) => failure("B", b, a),
        (false, true) => failure("A", a, b),
        (true, true) if matters => ("both work, and they differ in what matters".to_owned(), None),
        (true, true) => ("both work, and nothing that differs matters".to_owned(), None),
        (false, false) if matters => ("both fail, and not in the same way".to_owned(), None),
        (false, false) => ("both fail in the same way".to_owned(), None),
    }
}

/// Why one fails and the other does not.
fn failure(name: &str, fails: &Side, works: &Side) -> (String, Option<String>) {
    if let Some(cause) = &fails.cause {
        return (format!("{name} fails because {}", cause.what), Some(cause.mend.to_owned()));
    }
    let only_here = fails.findings.iter().filter(|(finding, _)| !works.has(finding));
    let worst = only_here.map(|(finding, _)| finding).max_by_key(|it| (it.severity, is_reason(it)));
    if let Some(finding) = worst.filter(|it| it.severity > Severity::Note) {
        let verdict = format!("{name} fails: {} ({})", finding.detail(), finding.rule.id);
        return (verdict, Some(finding.mend().to_owned()));
    }
    match (&fails.handshake, &fails.ending) {
        (Some(handshake), _) if handshake.outcome() == Outcome::Refused => {
            let refusal = fails.findings.iter().map(|(finding, _)| finding);
            let refusal = refusal
                .filter(|it| it.rule.area() == "HS-RES")
                .find(|it| it.broken.cause.is_some());
            let status = handshake.status().unwrap_or_default();
            let cause = refusal.and_then(|it| it.broken.cause.clone());
            let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
            let mend = refusal.map(|it| it.mend().to_owned());
            (format!("{name} fails because the server answers {status}{cause}"), mend)
        }
        (_, Some(ending)) => (format!("{name} fails: {}", ending.why), None),
        _ => (format!("{name} fails, and nothing tells why"), None),
    }
}

/// A request comes before its response, so what is wrong in it is the reason.
fn is_reason(finding: &Finding) -> bool {
    finding.rule.area() == "HS-REQ"
}

fn outcome(a: &Side, b: &Side, found: &mut Vec<Difference>) {
    let [left, right] = [a.outcome(), b.outcome()];
    if left != right {
        let is_failure = one_fails(a, b);
        found.push(Difference {
            weight: if is_failure { Weight::Decides } else { Weight::Matters },
            about: "outcome of the handshake".to_owned(),
            a: Some(left),
            b: Some(right),
            why: "only 101 opens a WebSocket connection".to_owned(),
        });
    }
    if let (Some(left), Some(right)) = (&a.transport, &b.transport)
        && left != right
    {
        found.push(Difference {
            weight: Weight::Matters,
            about: "transport".to_owned(),
            a: Some(left.clone()),
            b: Some(right.clone()),
            why: "proxies that look into plain HTTP can't look into TLS".to_owned(),
        });
    }
}

fn findings(a: &Side, b: &Side, found: &mut Vec<Difference>) {
    let mut only = |here: &Side, there: &Side, is_a: bool| {
        for (finding, times) in here.findings.iter().filter(|(finding, _)| !there.has(finding)) {
            let fails = !here.works() && there.works();
            let weight = match finding.severity {
                Severity::Error if fails => Weight::Decides,
                Severity::Error | Severity::Warning => Weight::Matters,
                Severity::Note => Weight::Harmless,
            };
            let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
            let text = Some(format!("{} {}{times}", finding.severity, finding.detail()));
            let (a, b) = if is_a { (text, None) } else { (None, text) };
            let why = finding.broken.cause.clone().unwrap_or_default();
            found.push(Difference {
                weight,
                about: format!("finding {}", finding.rule.id),
                a,
                b,
                why: why.into_owned(),
            });
        }
    };
    only(a, b, true);
    only(b, a, false);
}

fn ending(a: &Side, b: &Side, found: &mut Vec<Difference>) {
    let (Some(left), Some(right)) = (&a.ending, &b.ending) else { return };
    // A transcript ends where it ends.
    let is_known = a.transport.is_some() && b.transport.is_some();
    let both = is_known && a.upgraded() && b.upgraded();
    let codes = |side: &Side| {
        let code = |code: Option<Option<u16>>| match code {
            Some(Some(code)) => code.to_string(),
            Some(None) => "without a code".to_owned(),
            None => "no Close".to_owned(),
        };
        let [client, server] = side.closes.map(code);
        format!("client {client}, server {server}")
    };
    if both && a.closes != b.closes {
        let weight = if left.reports == right.reports { Weight::Harmless } else { Weight::Matters };
        let about = "close codes".to_owned();
        let why = "the codes are what the applications see".to_owned();
        let (a, b) = (Some(codes(a)), Some(codes(b)));
        found.push(Difference { weight, about, a, b, why });
    }
    if both && left.why != right.why {
        let weight = if left.reports == right.reports { Weight::Harmless } else { Weight::Matters };
        let (a, b) = (Some(left.why.clone()), Some(right.why.clone()));
        found.push(Difference { weight, about: "end".to_owned(), a, b, why: String::new() });
    }
}

/// Messages, frames and times.
fn shape(a: &Side, b: &Side, found: &mut Vec<Difference>) {
    if a.upgraded() && b.upgraded() {
        for (index, from) in [Endpoint::Client, Endpoint::Server].into_iter().enumerate() {
            let [left, right] = [a.traffic[index], b.traffic[index]];
            if left == right {
                continue;
            }
            let is_silent = (left.messages == 0) != (right.messages == 0);
            let is_compressed = (left.compressed == 0) != (right.compressed == 0);
            let weight = if is_silent { Weight::Matters } else { Weight::Harmless };
            let why = match (is_silent, is_compressed) {
                (true, _) => format!("in one of them the {from} says nothing"),
                (_, true) => "one of them compresses".to_owned(),
                _ => String::new(),
            };
            let about = format!("messages of the {from}");
            let (a, b) = (Some(left.to_string()), Some(right.to_string()));
            found.push(Difference { weight, about, a, b, why });
        }
    }
    if let (Some(left), Some(right)) = (a.answered_in, b.answered_in) {
        const SLOW: f64 = 1.0;
        let is_slow = left.max(right) > SLOW && left.max(right) > 10.0 * left.min(right);
        if is_slow {
            found.push(Difference {
                weight: Weight::Matters,
                about: "time until the answer".to_owned(),
                a: Some(format!("{left:.3} s")),
                b: Some(format!("{right:.3} s")),
                why: "clients give up when a handshake takes long".to_owned(),
            });
        }
    }
}
