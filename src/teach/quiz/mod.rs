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
pub use material::{Ended, Heard, Material, Step};
pub use worksheet::Worksheet;

use crate::build::Numbers;

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
/// stands on it twice, so it may be shorter than was wished.
pub fn sheet(wish: &Wish, material: &Material) -> Vec<Question> {
    let fits = |kind: &&'static Kind| {
        wish.level.is_none_or(|level| level == kind.level)
            && (wish.kinds.is_empty() || wish.kinds.contains(kind))
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
            match (kind.make)(kind, &mut numbers, material) {
                Some(question) if !questions.contains(&question) => questions.push(question),
                _ => misses += 1,
            }
        }
    }
    questions.sort_by_key(|question| question.kind.level);
    questions
}

/// So often nothing new may come out before a sheet is left as it is.
const MAX_MISSES: usize = 200;

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
