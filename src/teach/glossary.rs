//! Words that output uses and that are neither rule nor field nor code: `docs/topics/glossary.md`.

use std::sync::LazyLock;

/// A word, what it says, and where to read on.
#[derive(Debug, PartialEq, Eq)]
pub struct Gloss {
    /// The word, as it stands in output.
    pub word: &'static str,
    /// What it says, in Markdown.
    pub meaning: &'static str,
    /// The topic to read on.
    pub topic: &'static str,
}

static GLOSSARY: LazyLock<Vec<Gloss>> =
    LazyLock::new(|| read(include_str!("../../docs/topics/glossary.md")));

/// All words, in alphabetical order.
pub fn glossary() -> &'static [Gloss] {
    &GLOSSARY
}

/// Reads the rows of the table `| word | meaning | topic |`.
fn read(text: &'static str) -> Vec<Gloss> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| {
        let mut cells = row.trim_end_matches('|').split(" | ").map(str::trim);
        let (word, meaning, topic) = (cells.next()?, cells.next()?, cells.next()?);
        let is_word = word != "word" && !word.starts_with("---");
        is_word.then_some(Gloss { word: word.trim_matches('`'), meaning, topic })
    })
    .collect()
}
