//! Exercises. Each kind makes bytes, lets the decoder read them, and asks for what the decoder
//! says: the answer never comes from whoever made the bytes. The same seed gives the same sheet.

mod answer;
mod bits;
mod faults;
mod flow;
mod material;
mod words;
mod worksheet;

pub use answer::{Answer, letter};
pub use material::{Ended, Heard, Kept, Material, Step};
pub use worksheet::Worksheet;

use crate::build::Numbers;
use crate::said::Endpoint;

/// One exercise.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which kind it is.
    pub kind: &'static Kind,
    /// What is asked.
    pub ask: String,
    /// What it is asked about: bytes, lines, steps.
    pub shown: Vec<String>,
    /// Answers to choose from; empty if the answer is written.
    pub choices: Vec<String>,
    /// The right answer, as the decoder has it.
    pub answer: Answer,
    /// A hint that does not give it away.
    pub hint: &'static str,
    /// Why it is the answer.
    pub because: String,
    /// Arguments of `ws101` that show it byte by byte.
    pub command: Option<String>,
    /// The frame that it is about, and who sent it.
    pub frame: Option<(Endpoint, Vec<u8>)>,
    /// What `ws101 explain` has about it.
    pub topic: &'static str,
    /// What it comes down to: no two questions of a kind with the same gist stand on a sheet as
    /// long as there are others.
    pub gist: String,
}

impl Question {
    /// A question with an answer to be written, and nothing else yet.
    fn new(kind: &'static Kind, ask: impl Into<String>, answer: Answer, gist: String) -> Question {
        Question {
            kind,
            ask: ask.into(),
            shown: Vec::new(),
            choices: Vec::new(),
            answer,
            hint: "",
            because: String::new(),
            command: None,
            frame: None,
            topic: kind.topic,
            gist,
        }
    }

    fn is_like(&self, other: &Question) -> bool {
        self.kind == other.kind && self.gist == other.gist
    }
}

/// A kind of exercise.
#[derive(Debug)]
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it trains, in a few words.
    pub about: &'static str,
    /// 1: reading; 2: reckoning; 3: judging.
    pub level: u8,
    /// The topic that teaches it.
    pub topic: &'static str,
    /// A capture can be asked about in this way; the others are made up.
    pub of_captures: bool,
    /// Makes one; none if the material has nothing for it.
    make: fn(&'static Kind, &mut Numbers, &Material) -> Option<Question>,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.name == other.name
    }
}

/// All kinds, easy ones first.
pub static KINDS: [Kind; 13] = [
    words::HEADER,
    bits::OPCODE,
    bits::FINAL,
    bits::SENDER,
    flow::ORDER,
    bits::LENGTH,
    bits::HEADER_SIZE,
    bits::HEADER_BYTES,
    bits::UNMASK,
    bits::NEXT_FRAME,
    flow::MESSAGES,
    flow::BROWSER_CODE,
    faults::FAULT,
];

/// What a sheet should be made of.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The seed: the same gives the same sheet.
    pub seed: u64,
    /// How many questions.
    pub count: usize,
    /// Only this level.
    pub level: Option<u8>,
    /// Only these kinds.
    pub kinds: Vec<&'static Kind>,
}

/// Makes a sheet. Kinds take turns; none occurs twice before each has occurred once. No question
/// stands on it twice, so it may be shorter than was wished. About a capture, only what it can
/// answer is asked.
pub fn sheet(wish: &Wish, material: &Material) -> Vec<Question> {
    let fits = |kind: &&'static Kind| {
        wish.level.is_none_or(|level| level == kind.level)
            && (wish.kinds.is_empty() || wish.kinds.contains(kind))
            && (material.source.is_none() || kind.of_captures)
    };
    let mut numbers = Numbers::new(wish.seed);
    let mut kinds: Vec<&'static Kind> = KINDS.iter().filter(fits).collect();
    let mut questions: Vec<Question> = Vec::new();
    let mut misses = 0;
    while questions.len() < wish.count && !kinds.is_empty() && misses < MAX_MISSES {
        shuffle(&mut kinds, &mut numbers);
        for kind in &kinds {
            if questions.len() == wish.count {
                break;
            }
            match new_one(kind, &mut numbers, material, &questions) {
                Some(question) => questions.push(question),
                None => misses += 1,
            }
        }
    }
    questions.sort_by_key(|question| question.kind.level);
    questions
}

/// So often nothing new may come out before a sheet is left as it is.
const MAX_MISSES: usize = 40;

/// So often a question is made anew because one like it stands on the sheet.
const MAX_TRIES: usize = 60;

/// A question that is like none on the sheet, or, if none comes up, one that is not on it.
fn new_one(
    kind: &'static Kind,
    numbers: &mut Numbers,
    material: &Material,
    questions: &[Question],
) -> Option<Question> {
    let mut second_best = None;
    for _ in 0..MAX_TRIES {
        let Some(question) = (kind.make)(kind, numbers, material) else { continue };
        if !questions.iter().any(|other| other.is_like(&question)) {
            return Some(question);
        }
        if second_best.is_none() && !questions.contains(&question) {
            second_best = Some(question);
        }
    }
    second_best
}

/// Puts things into an order that follows from the numbers (Fisher-Yates).
fn shuffle<T>(things: &mut [T], numbers: &mut Numbers) {
    for last in (1..things.len()).rev() {
        things.swap(last, below(numbers, last + 1));
    }
}

/// A number below `limit`, which is not 0.
fn below(numbers: &mut Numbers, limit: usize) -> usize {
    (numbers.roll() % limit as u64) as usize
}

/// One of these.
fn one_of<'a, T>(numbers: &mut Numbers, things: &'a [T]) -> &'a T {
    &things[below(numbers, things.len())]
}

/// Shuffled choices, and which of them is the right one. None if two are the same.
fn choose(
    numbers: &mut Numbers,
    right: String,
    wrong: Vec<String>,
) -> Option<(Vec<String>, Answer)> {
    let mut choices = wrong;
    choices.push(right.clone());
    shuffle(&mut choices, numbers);
    let index = choices.iter().position(|choice| *choice == right)?;
    let distinct: std::collections::BTreeSet<&String> = choices.iter().collect();
    (distinct.len() == choices.len()).then_some((choices, Answer::Choice(index)))
}
