//! What the RFCs demand: a registry of rules, one file per area of the catalogue.
//!
//! A [`Rule`] is one `static` that holds everything about itself, its check included, so that
//! registry and behaviour cannot drift. Long texts are sections of `docs/rules/AREA.md`. A check
//! looks at one fact and what the [`Memory`] kept of the connection so far; it never looks at
//! bytes that were not captured, and what was not observed is never reported as fine.

mod across;
mod cap;
mod causes;
mod checks;
mod cls;
mod ctl;
mod ending;
mod frg;
mod frm;
mod h2;
mod handshake_memory;
mod heartbeat;
mod hist;
mod hs_req;
mod hs_res;
mod judge;
mod keys;
mod liv;
mod memory;
mod msk;
mod nearest;
mod neg;
mod observed;
mod ordinary;
mod pace;
mod pages;
mod pings;
mod pmd;
mod pmd_negotiation;
mod policy;
pub mod refused;
mod route;
mod sec;
mod seldom;
mod suppression;
pub mod thresholds;
mod told;
mod tunnel;
mod twins;
mod utf;

pub use across::{Across, Who};
pub use causes::{Cause, PAGE as PAGE_REQUEST, STRIPPED as UPGRADE_STRIPPED, TLS_PORT, Traced};
pub use checks::judge_opaque;
pub use ending::Ending;
pub use heartbeat::{Heartbeat, duration};
pub use hs_req::key::pattern as key_pattern;
pub use judge::{Judge, Judged};
pub use memory::Memory;
pub use nearest::nearest;
pub use pages::{COVERED, Covered, page, sections};
pub use policy::{Pattern, Policy};
pub use route::{Place, Route};
pub use suppression::is_said_for;
pub use thresholds::{CannotSet, Threshold, Thresholds, Unit};
pub use told::MAX_REPEATS;

use across::Meeting;

use crate::http::Head;
use crate::layout::Span;
use crate::said::{At, Endpoint, Opaque};
use crate::websocket::handshake::Handshake;
use crate::websocket::{Close, CutHeader, End, Frame, Gap, Http2Event, Message, NotFrames};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// All rules, in the order of the index.
pub static ALL: [&&[&Rule]; 16] = [
    &hs_req::RULES,
    &hs_res::RULES,
    &neg::RULES,
    &frm::RULES,
    &msk::RULES,
    &frg::RULES,
    &ctl::RULES,
    &cls::RULES,
    &utf::RULES,
    &pmd_negotiation::RULES,
    &pmd::RULES,
    &h2::RULES,
    &sec::RULES,
    &liv::RULES,
    &hist::RULES,
    &cap::RULES,
];

/// All rules, one after the other.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    ALL.iter().flat_map(|area| area.iter().copied())
}

/// The rule of that id; ASCII case does not matter.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// A demand of an RFC, or a piece of advice, with its check.
#[derive(Debug)]
pub struct Rule {
    /// Stable name, such as `MSK-CLIENT-UNMASKED`. What stands before the last group of words is
    /// the area: the file it lives in and the file its text lives in.
    pub id: &'static str,
    /// How bad it is if it is broken.
    pub severity: Severity,
    /// The RFC's own verb.
    pub level: Level,
    /// Who breaks it.
    pub violator: Violator,
    /// Where it is demanded: `6455 §5.1`.
    pub rfc: &'static str,
    /// What is demanded, as a statement that holds or does not: `Every client frame is masked`.
    pub title: &'static str,
    /// What to do if it is broken, unless the finding knows better.
    pub mend: &'static str,
    /// How it is checked.
    pub check: Check,
}

impl Rule {
    /// The area: `MSK` of `MSK-CLIENT-UNMASKED`, `HS-REQ` of `HS-REQ-METHOD`.
    pub fn area(&self) -> &'static str {
        let words = if self.id.starts_with("HS-") { 2 } else { 1 };
        let end = self.id.match_indices('-').nth(words - 1).map_or(self.id.len(), |(at, _)| at);
        &self.id[..end]
    }

    /// Where it is demanded, to be read by people: `RFC 6455 §5.1`. Rules of other sources (a
    /// registry, a draft, ourselves) name those.
    pub fn source(&self) -> String {
        crate::layout::cited(self.rfc).into_owned()
    }

    /// It compares connections with each other.
    pub fn is_across(&self) -> bool {
        matches!(self.check, Check::Across(_))
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.id == other.id
    }
}
impl Eq for Rule {}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Information or explanation; never turns a report red.
    Note,
    /// A SHOULD is broken, or it is likely to fail in practice.
    Warning,
    /// A MUST is visibly broken.
    Error,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The strength of a demand, in the RFC's words (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// MUST.
    Must,
    /// MUST NOT.
    MustNot,
    /// SHOULD.
    Should,
    /// SHOULD NOT.
    ShouldNot,
    /// No demand of an RFC: good practice, or an explanation.
    Advice,
}

impl Level {
    /// The RFC's verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::Advice => "advice",
        }
    }

    /// The strength alone, as in JSON: `MUST`, `SHOULD` or `advice`.
    pub const fn strength(self) -> &'static str {
        match self {
            Level::Must | Level::MustNot => "MUST",
            Level::Should | Level::ShouldNot => "SHOULD",
            Level::Advice => "advice",
        }
    }
}

/// Who breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Violator {
    /// Always the client.
    Client,
    /// Always the server.
    Server,
    /// Whoever sent it.
    Sender,
    /// Something between the two.
    Intermediary,
    /// Nobody: it is about the capture.
    Observer,
}

/// How a rule is checked: which fact it looks at. Checks of frames are called for every frame
/// that is not ordinary (see [`Judge`]); all others for each of their facts.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Looks at a handshake, and says so if it holds or can't be judged.
    Handshake(fn(&Handshake, &Memory) -> Verdict),
    /// The same for what follows from what the rules before it found.
    Consequence(fn(&Handshake, &[Finding]) -> Verdict),
    /// Looks at a frame.
    Frame(fn(&Frame<'_>, &Memory) -> Option<Broken>),
    /// Looks at a message.
    Message(fn(&Message<'_>, &Memory) -> Option<Broken>),
    /// Looks at the body of a Close frame.
    Close(fn(&Close<'_>, &Memory) -> Option<Broken>),
    /// Looks at bytes where frames should be.
    NotFrames(fn(&NotFrames<'_>, &Memory) -> Option<Broken>),
    /// Looks at a header that was cut short.
    CutHeader(fn(&CutHeader<'_>, &Memory) -> Option<Broken>),
    /// Looks at a TLS connection whose records stay closed.
    Opaque(fn(&Opaque) -> Option<Broken>),
    /// Looks at something that happened around a stream of HTTP/2.
    Http2(fn(&Http2Event, &Memory) -> Option<Broken>),
    /// Looks at missing bytes.
    Gap(fn(&Gap, &Memory) -> Option<Broken>),
    /// Looks back when the connection is over.
    End(fn(&End, &Memory) -> Option<Broken>),
    /// Looks back at what one endpoint did when the connection is over.
    EndOf(fn(&End, Endpoint, &Memory) -> Option<Broken>),
    /// Compares a connection with earlier ones of the same client and server.
    Across(fn(&Meeting<'_>) -> Option<Broken>),
    /// Looks at several kinds of facts.
    Any(&'static [Check]),
}

/// What came of checking a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds (also where it does not apply).
    Holds,
    /// It is broken.
    Broken(Box<Broken>),
    /// What it needs was not observed: why.
    NotObserved(&'static str),
}

impl From<Option<Broken>> for Verdict {
    fn from(broken: Option<Broken>) -> Verdict {
        broken.map_or(Verdict::Holds, |broken| Verdict::Broken(Box::new(broken)))
    }
}

/// Words about what is broken: most of them are always the same.
pub type Phrase = Cow<'static, str>;

/// How a rule is broken here: what was seen, where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Broken {
    /// What was seen, one plain sentence about these bytes.
    pub seen: Phrase,
    /// What was expected instead.
    pub expected: Phrase,
    /// What usually causes exactly this.
    pub cause: Option<Phrase>,
    /// What to do, if better than the rule's own advice.
    pub mend: Option<Phrase>,
    /// Other than the rule's own severity.
    pub severity: Option<Severity>,
    /// Whose stream the span is in, and who breaks the rule if it is "whoever sent it".
    pub endpoint: Option<Endpoint>,
    /// Where.
    pub span: Option<Span>,
    /// The header field concerned.
    pub header: Option<String>,
    /// The frame concerned, if other than the one looked at.
    pub frame: Option<u64>,
}

impl Broken {
    /// Something was seen (and something else expected) in an endpoint's stream.
    pub fn new(endpoint: Endpoint, seen: impl Into<Phrase>, expected: impl Into<Phrase>) -> Broken {
        let (seen, expected) = (seen.into(), expected.into());
        Broken { seen, expected, endpoint: Some(endpoint), ..Broken::default() }
    }

    /// Where it was seen.
    pub fn at(mut self, span: Span) -> Broken {
        self.span = Some(span);
        self
    }

    /// Where it was seen, in a head; names the header field that the range lies in.
    pub fn in_head(mut self, head: &Head, range: &Range<usize>) -> Broken {
        self.span = (!head.decoded).then(|| head.span(range));
        let field = head
            .fields
            .iter()
            .find(|field| field.line.start <= range.start && range.start <= field.line.end);
        self.header =
            field.map(|field| String::from_utf8_lossy(head.bytes(&field.name)).into_owned());
        self
    }

    /// What usually causes exactly this.
    pub fn cause(mut self, cause: impl Into<Phrase>) -> Broken {
        self.cause = Some(cause.into());
        self
    }

    /// What to do about it.
    pub fn mend(mut self, mend: impl Into<Phrase>) -> Broken {
        self.mend = Some(mend.into());
        self
    }

    /// Worse, or less bad, than the rule usually is.
    pub fn severity(mut self, severity: Severity) -> Broken {
        self.severity = Some(severity);
        self
    }
}

/// A rule broken on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Who is to blame; nobody for what concerns the capture or an intermediary.
    pub violator: Option<Endpoint>,
    /// How it is broken.
    pub broken: Broken,
    /// The frame looked at.
    pub frame: Option<u64>,
    /// The message looked at.
    pub message: Option<u64>,
    /// When and in which packet.
    pub at: At,
    /// The [`Cause`] that it follows from.
    pub root: Option<&'static str>,
}

impl Finding {
    /// What was seen and what was expected, in one line.
    pub fn detail(&self) -> String {
        self.detail_parts().concat()
    }

    /// The same in parts that make one text.
    pub fn detail_parts(&self) -> [&str; 3] {
        let Broken { seen, expected, .. } = &self.broken;
        match expected.is_empty() {
            true => [seen, "", ""],
            false => [seen, "; expected ", expected],
        }
    }

    /// What to do about it.
    pub fn mend(&self) -> &str {
        self.broken.mend.as_deref().unwrap_or(self.rule.mend)
    }
}
