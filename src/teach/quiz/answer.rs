//! Answers, and whether what was typed is one.

use crate::render::escape;

/// The right answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The choice with this index: its letter, or its text, is typed.
    Choice(usize),
    /// A number, in decimal, or in hexadecimal behind `0x`.
    Number(u64),
    /// These bytes, in hexadecimal, with or without spaces.
    Bytes(Vec<u8>),
    /// This text, or its bytes in hexadecimal.
    Text(String),
    /// The steps in this order: their letters.
    Order(Vec<usize>),
}

impl Answer {
    /// Whether what was typed is right; none if it can't be understood as an answer.
    pub fn accepts(&self, typed: &str, choices: &[String]) -> Option<bool> {
        let typed = typed.trim();
        match self {
            Answer::Choice(right) => {
                let by_letter = letters(typed).filter(|letters| letters.len() == 1).map(|it| it[0]);
                let chosen = by_text(typed, choices)
                    .or(by_letter)
                    .filter(|chosen| *chosen < choices.len())?;
                Some(chosen == *right)
            }
            Answer::Number(right) => Some(number(typed)? == *right),
            Answer::Bytes(right) => Some(bytes(typed)? == *right),
            Answer::Text(right) => {
                if typed.is_empty() {
                    return None;
                }
                let is_bytes = || bytes(typed).is_some_and(|bytes| bytes == right.as_bytes());
                Some(typed.trim_matches('"') == right || is_bytes())
            }
            Answer::Order(right) => {
                let order = letters(typed)?;
                (order.len() == right.len()).then(|| order == *right)
            }
        }
    }

    /// As it stands in an answer key.
    pub fn shown(&self, choices: &[String]) -> String {
        match self {
            Answer::Choice(index) => match choices.get(*index) {
                Some(choice) => format!("{}) {choice}", letter(*index)),
                None => String::new(),
            },
            Answer::Number(number) => number.to_string(),
            Answer::Bytes(bytes) => escape::hex(bytes),
            Answer::Text(text) => format!("\"{}\"", escape::text(text.as_bytes())),
            Answer::Order(order) => order.iter().map(|index| letter(*index)).collect(),
        }
    }

    /// What has to be typed, if there are so many choices.
    pub fn wants(&self, choices: usize) -> String {
        match self {
            Answer::Choice(_) if choices == 2 => "A or B".to_owned(),
            Answer::Choice(_) => format!("A to {}", letter(choices.saturating_sub(1))),
            Answer::Number(_) => "a number".to_owned(),
            Answer::Bytes(_) => "bytes in hexadecimal".to_owned(),
            Answer::Text(_) => "the characters".to_owned(),
            Answer::Order(_) => format!("all {choices} letters in order, such as CAB…"),
        }
    }
}

/// The choice with that text, or the only one that holds it.
fn by_text(typed: &str, choices: &[String]) -> Option<usize> {
    let exact = choices.iter().position(|choice| choice.eq_ignore_ascii_case(typed));
    let word = typed.to_ascii_lowercase();
    let mut holding = choices
        .iter()
        .enumerate()
        .filter(|(_, choice)| word.len() > 1 && choice.to_ascii_lowercase().contains(&word));
    exact.or_else(|| match (holding.next(), holding.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    })
}

/// The letter of a choice: A, B, …
pub fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

/// Letters as indices: `C A B`, `cab`, `C, A, B`.
fn letters(typed: &str) -> Option<Vec<usize>> {
    let letters = typed.chars().filter(|c| !matches!(c, ' ' | ',' | '-' | '>'));
    let indices = letters.map(|c| match c.to_ascii_uppercase() {
        c @ 'A'..='Z' => Some(c as usize - 'A' as usize),
        _ => None,
    });
    indices.collect::<Option<Vec<usize>>>().filter(|indices| !indices.is_empty())
}

fn number(typed: &str) -> Option<u64> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | ',' | '_')).collect();
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

fn bytes(typed: &str) -> Option<Vec<u8>> {
    let typed = typed.replace("0x", " ").replace("0X", " ");
    let digits: Vec<char> = typed.chars().filter(|c| !matches!(c, ' ' | ',' | ':')).collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = digits.chunks(2).map(|pair| {
        let [high, low] = [pair[0].to_digit(16)?, pair[1].to_digit(16)?];
        Some((high << 4 | low) as u8)
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_in_every_common_dress() {
        let choices = ["text".to_owned(), "ping".to_owned()];
        let choice = Answer::Choice(1);
        assert_eq!(choice.accepts("b", &choices), Some(true));
        assert_eq!(choice.accepts("Ping", &choices), Some(true));
        assert_eq!(choice.accepts("A", &choices), Some(false));
        assert_eq!(choice.accepts("c", &choices), None);
        assert_eq!(choice.accepts("pi", &choices), Some(true));
        assert_eq!(choice.wants(choices.len()), "A or B");
        let yes_no = ["yes, it ends here".to_owned(), "no, it goes on".to_owned()];
        assert_eq!(Answer::Choice(0).accepts("yes", &yes_no), Some(true));
        assert_eq!(Answer::Choice(0).accepts("it", &yes_no), None, "both hold that");
        assert_eq!(choice.accepts("", &choices), None);
        assert_eq!(Answer::Number(65536).accepts("65,536", &[]), Some(true));
        assert_eq!(Answer::Number(126).accepts("0x7e", &[]), Some(true));
        assert_eq!(Answer::Number(126).accepts("many", &[]), None);
        assert_eq!(Answer::Bytes(vec![0x81, 0x05]).accepts("81:05", &[]), Some(true));
        assert_eq!(Answer::Bytes(vec![0x81, 0x05]).accepts("0x81, 0x05", &[]), Some(true));
        assert_eq!(Answer::Bytes(vec![0x81, 0x05]).accepts("815", &[]), None);
        assert_eq!(Answer::Text("Hel".into()).accepts("\"Hel\"", &[]), Some(true));
        assert_eq!(Answer::Text("Hel".into()).accepts("48 65 6c", &[]), Some(true));
        assert_eq!(Answer::Order(vec![2, 0, 1]).accepts("c a b", &[]), Some(true));
        assert_eq!(Answer::Order(vec![2, 0, 1]).accepts("c a", &[]), None);
    }
}
