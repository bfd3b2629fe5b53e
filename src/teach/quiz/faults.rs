//! Questions about faults: a correct conversation is broken in one place, the judge says which
//! rule does not hold.

use super::material::{Saying, hear};
use super::{Kind, Material, Question, choose, one_of, shuffle};
use crate::build::fault::{self, Fault, Level};
use crate::build::{Conversation, Numbers, Upgrade, What};
use crate::render::escape;
use crate::rules::{self, Rule, Severity};

pub(super) const FAULT: Kind = Kind {
    name: "fault",
    about: "find the rule that is broken",
    level: 3,
    topic: "frames",
    make: fault,
};

/// Longer heads or frames are no exercise for paper.
const MAX_SHOWN: usize = 400;

fn fault(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let faults: Vec<&Fault> =
        fault::all().filter(|fault| fault.level != Level::Conversation).collect();
    let fault = *one_of(numbers, &faults);
    let mut conversation = Conversation::chat(&Upgrade::default(), Numbers::new(numbers.roll()));
    fault.apply(&mut conversation);
    let is_handshake = fault.level == Level::Handshake;
    let acts = conversation.acts.iter().filter(|act| match &act.what {
        What::Head(_) => true,
        What::Frame(_) | What::Bytes(_) => !is_handshake,
        What::Window(_) | What::Fin | What::Reset => false,
    });
    let sayings: Vec<Saying> = acts.map(|act| Saying::Bytes(act.from, act.bytes())).collect();
    let heard = hear(&sayings, false);
    let mut broken: Vec<&Rule> = heard
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.rule)
        .collect();
    broken.dedup();
    let &[rule] = &broken[..] else { return None };
    let mut shown: Vec<String> = Vec::new();
    for saying in &sayings {
        let Saying::Bytes(from, bytes) = saying else { continue };
        if bytes.len() > MAX_SHOWN {
            return None;
        }
        let is_head = bytes.starts_with(b"GET ") || bytes.starts_with(b"HTTP/");
        match is_head || is_handshake {
            true if is_handshake => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                shown.extend(text.trim_end().lines().map(|line| escape::text(line.as_bytes())));
                shown.push(String::new());
            }
            true => {}
            false => shown.push(format!("{from:<6}  {}", escape::hex(bytes))),
        }
    }
    while shown.last().is_some_and(String::is_empty) {
        shown.pop();
    }
    let area: Vec<&Rule> = rules::all()
        .filter(|it| it.severity == Severity::Error && is_near(it, rule) && it.id != rule.id)
        .collect();
    let mut wrong: Vec<String> = area.iter().map(|rule| rule.title.to_owned()).collect();
    shuffle(&mut wrong, numbers);
    wrong.truncate(3);
    let (choices, answer) = choose(numbers, rule.title.to_owned(), wrong)?;
    let what = if is_handshake { "handshake" } else { "conversation, after a correct handshake" };
    Some(Question {
        kind,
        ask: format!("One rule is broken in this {what}. Which of these does not hold?"),
        shown,
        choices,
        answer,
        hint: "Go through the choices one by one: three of them hold.",
        because: format!("{}: {} ({})", rule.id, fault.how, rule.rfc),
        command: Some(format!("explain {}", rule.id)),
    })
}

/// Rules that a reader could confuse: of the same half of the protocol.
fn is_near(one: &Rule, other: &Rule) -> bool {
    let is_head = |rule: &Rule| matches!(rule.area(), "HS-REQ" | "HS-RES" | "NEG");
    is_head(one) == is_head(other) && !matches!(one.area(), "H2" | "CAP" | "HIST")
}
