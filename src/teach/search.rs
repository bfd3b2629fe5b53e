//! Finding what a word means: exactly first, then by what names and texts contain.

use super::entry::Entry;
use super::{glossary, topics};
use crate::layers;
use crate::layout::Spec;
use crate::rules;
use crate::websocket::frame::FIELDS;
use crate::websocket::{Opcode, close, header, subprotocol};

/// Everything that bears this name, the most telling first. Empty if nothing does.
pub fn find(typed: &str) -> Vec<Entry> {
    let mut words =
        vec![typed.trim().to_owned(), joined(typed, '-'), joined(typed, '_'), joined(typed, ' ')];
    words.extend(document(typed));
    let mut found: Vec<Entry> = Vec::new();
    for word in &words {
        for entry in named(word) {
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

/// `rfc8441` as people write it who have more time.
fn document(typed: &str) -> Option<String> {
    let (rfc, number) = typed.trim().split_at_checked(3)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (rfc.eq_ignore_ascii_case("rfc") && is_number).then(|| format!("RFC {number}"))
}

/// Several words as one name.
fn joined(typed: &str, by: char) -> String {
    let mut name = String::new();
    for word in typed.split([' ', '-', '_']).filter(|word| !word.is_empty()) {
        if !name.is_empty() {
            name.push(by);
        }
        name.push_str(word);
    }
    name
}

fn named(word: &str) -> Vec<Entry> {
    let same = |name: &str| name.eq_ignore_ascii_case(word);
    let mut found = Vec::new();
    found.extend(rules::find(word).map(Entry::Rule));
    found.extend(rules::COVERED.iter().filter(|covered| same(covered.id)).map(Entry::Covered));
    found.extend(number(word));
    found.extend(topics().iter().filter(|topic| same(topic.name)).map(Entry::Topic));
    found.extend(topics().iter().filter(|topic| topic.is_named(word)).map(Entry::Topic));
    // As it stands in output, a word is the word: `server`; `Server` is the header.
    found.extend(glossary().iter().filter(|gloss| gloss.word == word).map(Entry::Word));
    found.extend(header::ALL.iter().filter(|header| same(header.name)).map(Entry::Header));
    found.extend(fields().filter(|spec| same(spec.name) || same(spec.label)).map(Entry::Field));
    found.extend(opcodes().filter(|opcode| same(opcode.name())).map(Entry::Opcode));
    found.extend(glossary().iter().filter(|gloss| same(gloss.word)).map(Entry::Word));
    found.extend(subprotocol::find(word.as_bytes()).map(Entry::Subprotocol));
    let codes = close::CODES.iter().filter(|code| same(code.name));
    found.extend(codes.map(|code| Entry::CloseCode(code.first)));
    found
}

/// The fields of frames, and of the headers of what carries them.
fn fields() -> impl Iterator<Item = &'static Spec> {
    FIELDS.into_iter().chain(layers::fields())
}

/// Opcodes that have a name of their own.
fn opcodes() -> impl Iterator<Item = Opcode> {
    (0..16).map(Opcode::from_bits).filter(|opcode| !matches!(opcode, Opcode::Reserved(_)))
}

/// `0x9` is an opcode, `404` a status of HTTP, `1006` a close code.
fn number(word: &str) -> Option<Entry> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let bits = u8::from_str_radix(hex, 16).ok().filter(|bits| *bits < 16)?;
        return Some(Entry::Opcode(Opcode::from_bits(bits)));
    }
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match word.parse::<u16>().ok()? {
        status @ 100..=599 => Some(Entry::Status(status)),
        code @ 600.. => Some(Entry::CloseCode(code)),
        _ => None,
    }
}

/// Entries whose name holds this word, else topics and rules whose text does.
pub fn related(typed: &str) -> Vec<Entry> {
    let word = typed.trim().to_ascii_lowercase();
    if word.len() < 3 {
        return Vec::new();
    }
    let holds = |name: &str| name.to_ascii_lowercase().contains(&word);
    let mut found: Vec<Entry> = Vec::new();
    found.extend(
        topics().iter().filter(|topic| holds(topic.name) || holds(topic.title)).map(Entry::Topic),
    );
    let also = topics().iter().filter(|topic| topic.also.iter().any(|also| holds(also)));
    found.extend(also.map(Entry::Topic));
    found.extend(header::ALL.iter().filter(|header| holds(header.name)).map(Entry::Header));
    found.extend(glossary().iter().filter(|gloss| holds(gloss.word)).map(Entry::Word));
    found.extend(rules::all().filter(|rule| holds(rule.id)).map(Entry::Rule));
    if found.is_empty() {
        // Of several words, each by itself: "TCP reset", "not trusted".
        let parts = typed.split_whitespace().filter(|part| part.len() > 3 && *part != typed.trim());
        found.extend(parts.filter_map(|part| find(part).into_iter().next()));
    }
    if found.is_empty() {
        found.extend(topics().iter().filter(|topic| holds(topic.body)).map(Entry::Topic));
        found.extend(rules::all().filter(|rule| holds(rule.title)).map(Entry::Rule));
    }
    let mut unique: Vec<Entry> = Vec::new();
    for entry in found {
        if !unique.contains(&entry) {
            unique.push(entry);
        }
    }
    unique
}

/// All names that can be asked for, for suggestions.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for topic in topics() {
        names.push(topic.name);
        names.extend(&topic.also);
    }
    names.extend(fields().map(|spec| spec.name));
    names.extend(header::ALL.iter().map(|header| header.name));
    names.extend(glossary().iter().map(|gloss| gloss.word));
    names.extend(rules::all().map(|rule| rule.id));
    names.extend(rules::COVERED.iter().map(|covered| covered.id));
    names.sort_unstable();
    names.dedup();
    names
}
