//! Runs the checks: for each kind of fact the rules that look at it, and what they say against it
//! as findings.

use super::{
    Broken, Check, Finding, Judged, Memory, Rule, Severity, Verdict, Violator, all, suppression,
};
use crate::said::{At, Endpoint, Opaque};
use crate::websocket::handshake::Handshake;
use crate::websocket::{Close, CutHeader, End, Event, Frame, Gap, Http2Event, Message, NotFrames};
use std::sync::LazyLock;

/// Runs every rule that looks at this kind of fact.
pub(super) fn consider_each(event: &Event<'_>, memory: &Memory, judged: &mut Judged) {
    let lists = Lists::shared();
    let mut found = |rule, mut broken: Broken, of: Of| {
        broken.endpoint = broken.endpoint.or(of.from);
        find(rule, broken, of, memory, judged);
    };
    match event {
        Event::Handshake(handshake) => consider_handshake(handshake, memory, judged),
        Event::Frame(frame) => {
            let of = Of {
                from: Some(frame.from),
                frame: Some(frame.number),
                message: frame.message,
                at: frame.at,
            };
            for (rule, check) in &lists.frame {
                if let Some(broken) = check(frame, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::Message(message) => {
            let of = Of {
                from: Some(message.from),
                frame: message.frames.last().copied(),
                message: Some(message.number),
                at: message.at,
            };
            for (rule, check) in &lists.message {
                if let Some(broken) = check(message, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::Close(close) => {
            // A HAR tells what a Close says, and no frames.
            let frame = Some(close.frame).filter(|frame| *frame > 0);
            let of = Of { frame, ..Of::stream(close.from, close.at) };
            for (rule, check) in &lists.close {
                if let Some(broken) = check(close, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::NotFrames(other) => {
            let of = Of::stream(other.from, other.at);
            for (rule, check) in &lists.not_frames {
                if let Some(broken) = check(other, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::CutHeader(cut) => {
            let of = Of::stream(cut.from, cut.at);
            for (rule, check) in &lists.cut_header {
                if let Some(broken) = check(cut, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::Gap(gap) => {
            let of = Of::stream(gap.from, gap.at);
            for (rule, check) in &lists.gap {
                if let Some(broken) = check(gap, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::Http2(event) => {
            let of = Of::stream(event.from, event.at);
            for (rule, check) in &lists.http2 {
                if let Some(broken) = check(event, memory) {
                    found(rule, broken, of);
                }
            }
        }
        Event::End(end) => {
            for (rule, check) in &lists.end {
                match check {
                    AtEnd::Both(check) => {
                        let of = Of::whole(end.at);
                        if let Some(broken) = check(end, memory) {
                            found(rule, broken, of);
                        }
                    }
                    AtEnd::Each(check) => {
                        for endpoint in [Endpoint::Client, Endpoint::Server] {
                            let of = Of::stream(endpoint, end.at);
                            if let Some(broken) = check(end, endpoint, memory) {
                                found(rule, broken, of);
                            }
                        }
                    }
                }
            }
        }
        Event::Exchange(_) | Event::Request(_) | Event::Recognised(_) | Event::Resumed(_) => {}
    }
}

/// Says of every rule about handshakes what came of it.
fn consider_handshake(handshake: &Handshake, memory: &Memory, judged: &mut Judged) {
    let other = if handshake.is_http2() { Version::Http1 } else { Version::Http2 };
    let from = judged.findings.len();
    for &(rule, (check, version)) in &Lists::shared().handshake {
        if version == other {
            if other == Version::Http1 {
                judged.not_observed.push((rule, "over HTTP/2 the rules of H2 hold instead"));
            }
            continue;
        }
        let verdict = match check {
            Opinion::Own(check) => check(handshake, memory),
            Opinion::Consequence(check) => check(handshake, &judged.findings[from..]),
        };
        match verdict {
            Verdict::Holds => judged.held.push(rule),
            Verdict::NotObserved(why) => judged.not_observed.push((rule, why)),
            Verdict::Broken(broken) => {
                let at = match broken.endpoint {
                    Some(Endpoint::Client) => handshake.request_at,
                    _ => handshake.response_at,
                };
                find(rule, *broken, Of::whole(at), memory, judged);
            }
        }
    }
}

/// Judges a connection whose records stay closed: of it nothing is remembered.
pub fn judge_opaque(opaque: &Opaque, judged: &mut Judged) {
    for rule in all() {
        if let Check::Opaque(check) = rule.check
            && let Some(broken) = check(opaque)
        {
            find(rule, broken, Of::whole(opaque.at), &Memory::default(), judged);
        }
    }
}

/// Rules, each with what it does.
type Listed<T> = Vec<(&'static Rule, T)>;

/// A check that says of each handshake what came of it.
#[derive(Clone, Copy)]
enum Opinion {
    Own(fn(&Handshake, &Memory) -> Verdict),
    /// In the light of what the rules before it found.
    Consequence(fn(&Handshake, &[Finding]) -> Verdict),
}

/// The rules that look at each kind of fact, so that an unusual frame does not scan the others.
#[derive(Default)]
struct Lists {
    handshake: Listed<(Opinion, Version)>,
    frame: Listed<fn(&Frame<'_>, &Memory) -> Option<Broken>>,
    message: Listed<fn(&Message<'_>, &Memory) -> Option<Broken>>,
    close: Listed<fn(&Close<'_>, &Memory) -> Option<Broken>>,
    not_frames: Listed<fn(&NotFrames<'_>, &Memory) -> Option<Broken>>,
    cut_header: Listed<fn(&CutHeader<'_>, &Memory) -> Option<Broken>>,
    gap: Listed<fn(&Gap, &Memory) -> Option<Broken>>,
    end: Listed<AtEnd>,
    http2: Listed<fn(&Http2Event, &Memory) -> Option<Broken>>,
}

/// A check that looks back, in the order of the rules.
enum AtEnd {
    /// At the whole connection.
    Both(fn(&End, &Memory) -> Option<Broken>),
    /// At each endpoint.
    Each(fn(&End, Endpoint, &Memory) -> Option<Broken>),
}

/// Which handshakes a rule is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Those of HTTP/1.1 and its predecessors.
    Http1,
    Http2,
    Any,
}

impl Version {
    fn of(rule: &Rule) -> Version {
        match rule.area() {
            "H2" if rule.id != "H2-FALLBACK" => Version::Http2,
            "HS-REQ" | "HS-RES" | "HIST" if rule.id != "HS-REQ-TLS-SNI" => Version::Http1,
            _ => Version::Any,
        }
    }
}

impl Lists {
    fn shared() -> &'static Lists {
        static LISTS: LazyLock<Lists> = LazyLock::new(|| {
            let mut lists = Lists::default();
            for rule in all() {
                lists.add(rule, rule.check);
            }
            lists
        });
        &LISTS
    }

    fn add_handshake(&mut self, rule: &'static Rule, opinion: Opinion) {
        self.handshake.push((rule, (opinion, Version::of(rule))));
    }

    fn add(&mut self, rule: &'static Rule, check: Check) {
        match check {
            Check::Handshake(check) => self.add_handshake(rule, Opinion::Own(check)),
            Check::Consequence(check) => self.add_handshake(rule, Opinion::Consequence(check)),
            Check::Frame(check) => self.frame.push((rule, check)),
            Check::Message(check) => self.message.push((rule, check)),
            Check::Close(check) => self.close.push((rule, check)),
            Check::NotFrames(check) => self.not_frames.push((rule, check)),
            Check::CutHeader(check) => self.cut_header.push((rule, check)),
            Check::Gap(check) => self.gap.push((rule, check)),
            Check::End(check) => self.end.push((rule, AtEnd::Both(check))),
            Check::EndOf(check) => self.end.push((rule, AtEnd::Each(check))),
            Check::Http2(check) => self.http2.push((rule, check)),
            Check::Across(_) | Check::Opaque(_) => {}
            Check::Any(checks) => checks.iter().for_each(|check| self.add(rule, *check)),
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy)]
struct Of {
    from: Option<Endpoint>,
    frame: Option<u64>,
    message: Option<u64>,
    at: At,
}

impl Of {
    /// The connection.
    fn whole(at: At) -> Of {
        Of { from: None, frame: None, message: None, at }
    }

    /// What an endpoint sent.
    fn stream(from: Endpoint, at: At) -> Of {
        Of { from: Some(from), ..Of::whole(at) }
    }
}

/// Adds a finding, unless something said before explains it or it was said often enough.
fn find(rule: &'static Rule, broken: Broken, of: Of, memory: &Memory, judged: &mut Judged) {
    let violator = match rule.violator {
        Violator::Client => Some(Endpoint::Client),
        Violator::Server => Some(Endpoint::Server),
        Violator::Sender => broken.endpoint,
        Violator::Intermediary | Violator::Observer => None,
    };
    let is_about_frames = !matches!(rule.check, Check::Handshake(_) | Check::Consequence(_));
    let hidden = match broken.endpoint {
        Some(endpoint) => memory.of(endpoint).hidden,
        None => memory.client.hidden & memory.server.hidden,
    };
    let severity = broken.severity.unwrap_or(rule.severity);
    if is_about_frames && suppression::hides(hidden, rule.id) {
        return;
    }
    if is_about_frames && memory.told.is_enough(rule, broken.endpoint) {
        // A note is a remark on the whole connection.
        if severity > Severity::Note {
            judged.repeats.push((rule, severity));
        }
        return;
    }
    judged.findings.push(Finding {
        rule,
        severity,
        violator,
        frame: broken.frame.or(of.frame),
        broken,
        message: of.message,
        at: of.at,
        root: None,
    });
}
