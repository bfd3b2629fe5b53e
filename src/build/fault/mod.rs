//! The faults: for each rule that bytes can break, how a correct conversation is changed so that
//! exactly that rule is broken. They are what `ws101 build --fault` offers and what the validator
//! is tested with: a rule has a fault here or a reason in [`BEYOND_BYTES`].
//!
//! To add one for a new rule: a [`Fault`] in the file of its area that changes what has to be
//! changed and lets the other end react as the RFC wants it ([`Conversation::fail`],
//! [`Conversation::refuse`], [`Conversation::hang_up`]), so that nothing else is broken. What
//! follows by nature is listed with [`Fault::also`], what has to be broken before with
//! [`Fault::given`], each with its reason.

mod across;
mod cap;
mod cls;
mod ctl;
mod frm;
mod hs_req;
mod hs_res;
mod liv;
mod neg;
mod pmd;
mod sec;
mod utf;

use super::Conversation;
use crate::rules::{self, Violator};
use crate::said::Endpoint;

/// All faults, in the order of the rules' areas.
pub static ALL: [&[Fault]; 12] = [
    hs_req::FAULTS,
    hs_res::FAULTS,
    neg::FAULTS,
    frm::FAULTS,
    ctl::FAULTS,
    cls::FAULTS,
    utf::FAULTS,
    pmd::FAULTS,
    sec::FAULTS,
    liv::FAULTS,
    cap::FAULTS,
    across::FAULTS,
];

/// Rules that no conversation built here can break, and why not.
pub static BEYOND_BYTES: &[(&str, &str)] = &[
    ("HS-REQ-TLS-SNI", NO_TLS),
    ("CLS-TLS-CLOSE-NOTIFY", NO_TLS),
    ("SEC-TLS-OLD", NO_TLS),
    ("CAP-TLS-OPAQUE", NO_TLS),
    ("SEC-PMD-SECRETS", NO_TLS),
    ("H2-SETTING-VALUE", NO_HTTP2),
    ("H2-SETTING-WITHDRAWN", NO_HTTP2),
    ("H2-NO-PERMISSION", NO_HTTP2),
    ("H2-METHOD-PROTOCOL", NO_HTTP2),
    ("H2-SCHEME-PATH", NO_HTTP2),
    ("H2-SCHEME-VALUE", NO_HTTP2),
    ("H2-CONNECTION-HEADERS", NO_HTTP2),
    ("H2-AUTHORITY", NO_HTTP2),
    ("H2-FIELD-CASE", NO_HTTP2),
    ("H2-KEY-IGNORED", NO_HTTP2),
    ("H2-VERSION", NO_HTTP2),
    ("H2-STATUS", NO_HTTP2),
    ("H2-BODY-HEADERS", NO_HTTP2),
    ("H2-STREAM-END", NO_HTTP2),
    ("H2-RESET-CODE", NO_HTTP2),
    ("H2-FRAME-TYPES", NO_HTTP2),
    ("H2-UNSUPPORTED-501", NO_HTTP2),
    ("H2-FALLBACK", NO_HTTP2),
    ("CAP-TRANSCRIPT", "it is about what was pasted, and not about bytes on the wire"),
];

const NO_TLS: &str = "it shows in the records of TLS, and no TLS is built here";

/// For rules about streams of HTTP/2.
const NO_HTTP2: &str = "it shows over HTTP/2 only, which is not built";

/// How much of a conversation must be seen for the fault to be visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A request and its response.
    Handshake,
    /// The frames of one endpoint.
    Frames,
    /// Both ends, their times and the capture.
    Conversation,
}

/// A way to break exactly one rule.
#[derive(Debug)]
pub struct Fault {
    /// The rule that is broken; its id is the fault's name.
    pub rule: &'static str,
    /// How much must be seen of it.
    pub level: Level,
    /// What is done, in words.
    pub how: &'static str,
    /// What has to be broken first for the rule to be broken at all, each with the reason.
    pub given: &'static [(&'static str, &'static str)],
    /// What else is found by nature, each with the reason.
    pub also: &'static [(&'static str, &'static str)],
    apply: fn(&mut Conversation),
}

impl Fault {
    const fn new(
        rule: &'static str,
        level: Level,
        how: &'static str,
        apply: fn(&mut Conversation),
    ) -> Fault {
        Fault { rule, level, how, given: &[], also: &[], apply }
    }

    const fn handshake(
        rule: &'static str,
        how: &'static str,
        apply: fn(&mut Conversation),
    ) -> Fault {
        Fault::new(rule, Level::Handshake, how, apply)
    }

    const fn frames(rule: &'static str, how: &'static str, apply: fn(&mut Conversation)) -> Fault {
        Fault::new(rule, Level::Frames, how, apply)
    }

    const fn conversation(
        rule: &'static str,
        how: &'static str,
        apply: fn(&mut Conversation),
    ) -> Fault {
        Fault::new(rule, Level::Conversation, how, apply)
    }

    const fn given(mut self, given: &'static [(&'static str, &'static str)]) -> Fault {
        self.given = given;
        self
    }

    const fn also(mut self, also: &'static [(&'static str, &'static str)]) -> Fault {
        self.also = also;
        self
    }

    /// Who breaks it, where only one of the two can.
    pub fn violator(&self) -> Option<Endpoint> {
        match rules::find(self.rule)?.violator {
            Violator::Client => Some(Endpoint::Client),
            Violator::Server => Some(Endpoint::Server),
            Violator::Sender | Violator::Intermediary | Violator::Observer => None,
        }
    }

    /// Breaks the rule in a conversation that breaks none.
    pub fn apply(&self, conversation: &mut Conversation) {
        if let Some(violator) = self.violator() {
            conversation.speaker = violator;
        }
        (self.apply)(conversation);
    }
}

/// All faults, one after the other.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    ALL.iter().copied().flatten()
}

/// The fault of that name; ASCII case does not matter.
pub fn find(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.rule.eq_ignore_ascii_case(name))
}

/// Why no fault of that name can be built, if that is known.
pub fn beyond_bytes(name: &str) -> Option<&'static str> {
    let row = BEYOND_BYTES.iter().find(|(rule, _)| rule.eq_ignore_ascii_case(name));
    row.map(|(_, why)| *why)
}

/// For requests that no server may accept.
const REFUSED: &[(&str, &str)] =
    &[("HS-RES-NOT-101", "the server does not accept what is no handshake")];
/// For connections that the other end fails with 1002 or 1007.
const EXPLAINED: (&str, &str) =
    ("CLS-EXPLAIN", "the other end fails the connection, and its code is explained");
/// For connections that break off.
const NO_CLOSE: (&str, &str) =
    ("CLS-NO-CLOSE-FRAME", "the connection breaks off, so there is no closing handshake");
