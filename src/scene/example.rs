//! The examples of a rule's page: the conversations that break it and those that are mended, as
//! they stand in its text.

use super::{Notation, Scene};
use crate::rules::{self, Rule};

/// An example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The rule whose page it stands on.
    pub rule: &'static str,
    /// It breaks the rule; otherwise it is mended.
    pub breaks: bool,
    /// How it is written.
    pub notation: Notation,
    /// What is also found in it and can't be avoided: ids of rules.
    pub also: Vec<&'static str>,
    /// The scene.
    pub text: String,
}

/// The examples of a rule, in the order of its page.
pub fn examples(rule: &Rule) -> Vec<Example> {
    let (mut examples, mut breaks) = (Vec::new(), true);
    let mut lines = rules::page(rule).lines();
    while let Some(line) = lines.next() {
        match line {
            BREAKS => breaks = true,
            MENDED => breaks = false,
            _ => {}
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        examples.extend(Example::of(rule.id, breaks, info, &text));
    }
    examples
}

/// The heading above the examples that break a rule.
pub const BREAKS: &str = "**Breaks it**";
/// The heading above those that are mended.
pub const MENDED: &str = "**Mended**";

impl Example {
    /// A fenced block, if its info string is that of an example.
    pub fn of(
        rule: &'static str,
        breaks: bool,
        info: &'static str,
        text: &[&str],
    ) -> Option<Example> {
        let mut words = info.split_whitespace();
        let is_http = match words.next()? {
            "frames" => false,
            "http" => true,
            _ => return None,
        };
        let also = info.split_whitespace().find_map(|word| word.strip_prefix("also="));
        let also = also.into_iter().flat_map(|ids| ids.split(',')).collect();
        let escaped = words.any(|word| word == "escaped");
        let notation = if is_http { Notation::Http { escaped } } else { Notation::Frames };
        Some(Example { rule, breaks, notation, also, text: text.join("\n") })
    }

    /// What it says.
    pub fn scene(&self) -> Result<Scene, String> {
        Scene::read(&self.text, self.notation)
    }
}
