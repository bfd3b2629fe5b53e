//! The judge of one connection: looks at one fact at a time, runs the rules that concern it,
//! drops findings that others explain, and remembers what later facts will need.

use super::{Broken, Check, Finding, Memory, Rule, Verdict, Violator, all};
use crate::said::{At, Endpoint};
use crate::websocket::Event;

/// What came of judging one fact.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is broken.
    pub findings: Vec<Finding>,
    /// For a handshake: the rules that hold.
    pub held: Vec<&'static Rule>,
    /// For a handshake: the rules that could not be judged, and why.
    pub not_observed: Vec<(&'static Rule, &'static str)>,
}

impl Judged {
    /// Makes room for the next fact.
    pub fn clear(&mut self) {
        self.findings.clear();
        self.held.clear();
        self.not_observed.clear();
    }
}

/// The judge of one connection.
#[derive(Debug, Default)]
pub struct Judge {
    /// What was seen so far.
    pub memory: Memory,
}

impl Judge {
    /// Judges a fact.
    pub fn consider(&mut self, event: &Event<'_>, judged: &mut Judged) {
        for rule in all() {
            consider_rule(rule, event, &self.memory, judged);
        }
        self.memory.note(event);
    }
}

fn consider_rule(rule: &'static Rule, event: &Event<'_>, memory: &Memory, judged: &mut Judged) {
    let (broken, from, frame, message, at) = match (rule.check, event) {
        (Check::Handshake(check), Event::Handshake(handshake)) => match check(handshake, memory) {
            Verdict::Holds => return judged.held.push(rule),
            Verdict::NotObserved(why) => return judged.not_observed.push((rule, why)),
            Verdict::Broken(broken) => {
                let at = match broken.endpoint {
                    Some(Endpoint::Client) => handshake.request_at,
                    _ => handshake.response_at,
                };
                (Some(*broken), None, None, None, at)
            }
        },
        (Check::Frame(check), Event::Frame(frame)) => {
            (check(frame, memory), Some(frame.from), Some(frame.number), frame.message, frame.at)
        }
        (Check::Message(check), Event::Message(message)) => {
            let frame = message.frames.last().copied();
            (check(message, memory), Some(message.from), frame, Some(message.number), message.at)
        }
        (Check::Close(check), Event::Close(close)) => {
            (check(close, memory), Some(close.from), Some(close.frame), None, close.at)
        }
        (Check::NotFrames(check), Event::NotFrames(other)) => {
            (check(other, memory), Some(other.from), None, None, other.at)
        }
        (Check::CutHeader(check), Event::CutHeader(cut)) => {
            (check(cut, memory), Some(cut.from), None, None, cut.at)
        }
        (Check::Gap(check), Event::Gap(gap)) => {
            (check(gap, memory), Some(gap.from), None, None, gap.at)
        }
        (Check::End(check), Event::End(end)) => (check(end, memory), None, None, None, end.at),
        _ => return,
    };
    if let Some(mut broken) = broken {
        broken.endpoint = broken.endpoint.or(from);
        judged.findings.push(finding(rule, broken, frame, message, at));
    }
}

fn finding(
    rule: &'static Rule,
    broken: Broken,
    frame: Option<u64>,
    message: Option<u64>,
    at: At,
) -> Finding {
    let violator = match rule.violator {
        Violator::Client => Some(Endpoint::Client),
        Violator::Server => Some(Endpoint::Server),
        Violator::Sender => broken.endpoint,
        Violator::Intermediary | Violator::Observer => None,
    };
    Finding {
        rule,
        severity: broken.severity.unwrap_or(rule.severity),
        violator,
        frame: broken.frame.or(frame),
        broken,
        message,
        at,
    }
}
