//! Questions about faults: a correct conversation is broken in one place, the judge says which
//! rule does not hold.

use super::material::{Heard, Saying, hear};
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
    of_captures: false,
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
    let heard = hear(&sayings, None);
    let rule = the_error(&heard)?;
    let agreed = conversation.agreed();
    let shown = match is_handshake {
        true => heads(&sayings)?,
        false => frames(&sayings, agreed)?,
    };
    let held: Vec<&Rule> = match is_handshake {
        true => heard.held.clone(),
        false => in_frames(agreed).collect(),
    };
    let wrong = held.into_iter().filter(|held| could_be(held, rule, &heard));
    let mut wrong: Vec<String> = wrong.map(|rule| rule.title.to_owned()).collect();
    shuffle(&mut wrong, numbers);
    wrong.truncate(3);
    let (choices, answer) = choose(numbers, rule.title.to_owned(), wrong)?;
    let what = if is_handshake { "handshake" } else { "conversation, after a correct handshake" };
    let ask = format!("One rule is broken in this {what}. Which of these does not hold?");
    Some(Question {
        shown,
        choices,
        hint: "Go through the choices one by one: three of them hold.",
        because: format!("{}: {} ({})", rule.id, fault.how, rule.rfc),
        topic: rule.id,
        ..Question::new(kind, ask, answer, rule.id.to_owned())
    })
}

/// The one rule that is visibly broken.
fn the_error(heard: &Heard) -> Option<&'static Rule> {
    let errors = heard.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let mut broken: Vec<&'static Rule> = errors.map(|finding| finding.rule).collect();
    broken.dedup();
    match broken[..] {
        [rule] => Some(rule),
        _ => None,
    }
}

/// The lines of both heads.
fn heads(sayings: &[Saying]) -> Option<Vec<String>> {
    let mut shown: Vec<String> = Vec::new();
    for bytes in sayings.iter().filter_map(Saying::bytes) {
        if bytes.len() > MAX_SHOWN {
            return None;
        }
        if !shown.is_empty() {
            shown.push(String::new());
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        shown.extend(text.trim_end().lines().map(|line| escape::text(line.as_bytes())));
    }
    Some(shown)
}

/// What was agreed on, and who sent which bytes behind the handshake.
fn frames(sayings: &[Saying], agreed: Option<&str>) -> Option<Vec<String>> {
    let mut shown = vec![format!("agreed  {}", agreed.unwrap_or("no extension"))];
    for saying in sayings {
        let Saying::Bytes(from, bytes) = saying else { continue };
        if bytes.starts_with(b"GET ") || bytes.starts_with(b"HTTP/") {
            continue;
        }
        if bytes.len() > MAX_SHOWN {
            return None;
        }
        shown.push(format!("{from:<6}  {}", escape::hex(bytes)));
    }
    Some(shown)
}

/// Rules that frames can break; those of compression where it was agreed on.
fn in_frames(agreed: Option<&str>) -> impl Iterator<Item = &'static Rule> {
    fault::all().filter(|fault| fault.level == Level::Frames).filter_map(move |fault| {
        let rule = rules::find(fault.rule)?;
        let is_about = matches!(rule.area(), "FRM" | "MSK" | "FRG" | "CTL" | "CLS" | "UTF")
            || rule.area() == "PMD" && agreed.is_some();
        is_about.then_some(rule)
    })
}

/// Whether a rule is a wrong answer that a reader could take for right: it holds, and nothing that
/// is broken can be called a breach of it, too.
fn could_be(rule: &Rule, broken: &Rule, heard: &Heard) -> bool {
    let is_same_matter = |found: &Rule| {
        found.id == rule.id
            || rules::is_said_for(found.id, rule.id)
            || rules::is_said_for(rule.id, found.id)
            || matter(found) == matter(rule)
    };
    rule.severity == Severity::Error
        && rule.area() != "HIST"
        && rule.title != broken.title
        && !heard.findings.iter().any(|finding| is_same_matter(finding.rule))
}

/// What a rule is about, where several look at one thing from different sides: bytes that are no
/// UTF-8, data that can't be inflated.
fn matter(rule: &Rule) -> &'static str {
    match rule.id {
        id if id.starts_with("UTF-") || id == "CLS-REASON-UTF8" => "UTF-8",
        id if id.starts_with("PMD-RSV1-") => "RSV1",
        id if rule.area() == "PMD"
            && fault::find(id).is_some_and(|it| it.level == Level::Frames) =>
        {
            "inflating"
        }
        id => id,
    }
}
