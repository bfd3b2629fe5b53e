//! The course: each topic has its parts, everything that output names can be explained, and what
//! the texts tell readers to try works.

use assert_cmd::Command;
use std::fs;
use std::path::PathBuf;
use ws101::rules;
use ws101::teach;
use ws101::websocket::frame::FIELDS;
use ws101::websocket::{Opcode, close, header};

/// A minute's read at a leisurely 250 words, and some room for tables.
const MAX_WORDS: usize = 340;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn ws101(command: &str) -> std::process::Output {
    let words = command.split_whitespace().skip(1);
    Command::cargo_bin("ws101")
        .expect("it was built")
        .current_dir(root())
        .env("NO_COLOR", "1")
        .args(words)
        .output()
        .expect("it runs")
}

#[test]
fn each_topic_has_a_title_its_place_in_the_standards_a_text_an_example_and_something_to_try() {
    let mut wrong = Vec::new();
    for topic in teach::topics() {
        let mut check = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{}: {what}", topic.name));
            }
        };
        check(!topic.title.is_empty(), "no title");
        check(topic.sections.contains("RFC"), "no section of an RFC");
        check(topic.body.contains("\n```console\n$ ws101 "), "no worked example");
        check(topic.body.contains("\nTry: `ws101 "), "nothing to try");
        let prose = topic.body.split("\n```console").next().unwrap_or_default();
        let words = prose.split_whitespace().count();
        check((60..=MAX_WORDS).contains(&words), &format!("{words} words"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_topics_tell_to_try_works() {
    for topic in teach::topics() {
        let line = topic.body.lines().find_map(|line| line.strip_prefix("Try: `"));
        let command = line.and_then(|line| line.strip_suffix('`')).expect("it ends the line");
        let result = ws101(command);
        let errors = String::from_utf8_lossy(&result.stderr);
        assert!(matches!(result.status.code(), Some(0 | 1)), "{}: {command}: {errors}", topic.name);
        assert!(!result.stdout.is_empty(), "{command}");
    }
}

#[test]
fn the_list_in_the_folder_is_the_list_that_is_printed() {
    let readme = fs::read_to_string(root().join("docs/topics/README.md")).expect("it is there");
    let listed: Vec<&str> = readme.lines().filter(|line| line.contains(".md): ")).collect();
    let expected: Vec<String> = teach::topics()
        .iter()
        .map(|topic| format!("{}. [{n}]({n}.md): {}", topic.number, topic.title, n = topic.name))
        .collect();
    assert_eq!(listed, expected);
    let files = fs::read_dir(root().join("docs/topics")).expect("it is there").count();
    assert_eq!(files, expected.len() + 2, "a text that no topic has");
}

#[test]
fn a_word_leads_to_what_it_names() {
    let first = |typed: &str| teach::find(typed).first().map(|it| (it.kind(), it.name()));
    let is = |typed: &str, kind: &'static str, name: &str| {
        assert_eq!(first(typed), Some((kind, name.to_owned())), "{typed}");
    };
    is("masking", "topic", "masking");
    is("mask", "topic", "masking");
    is("Masking Key", "topic", "masking");
    is("1006", "close code", "1006");
    is("extended_payload_length_16", "topic", "lengths");
    is("0x9", "opcode", "0x9");
    is("0xB", "opcode", "0xB");
    is("404", "status", "404");
    is("sec-websocket-key", "topic", "key");
    is("User-Agent", "header", "User-Agent");
    is("msk-client-unmasked", "rule", "MSK-CLIENT-UNMASKED");
    is("half open", "topic", "heartbeats");
    is("Going Away", "close code", "1001");
    is("mqtt", "subprotocol", "mqtt");
    is("tls", "topic", "wss");
    is("rfc8441", "topic", "http2");
    is("stream_identifier", "field", "stream_identifier");
    is("trusted", "topic", "losses");
    is("closed_by", "word", "closed_by");
    assert_eq!(first("xyzzy"), None);
    assert_eq!(rules::nearest("msaking", teach::names()).first(), Some(&"masking"));
}

/// Everything that output can name, from the declarations themselves.
#[test]
fn everything_that_output_names_can_be_explained_and_has_a_topic() {
    let mut names: Vec<String> = rules::all().map(|rule| rule.id.to_owned()).collect();
    let fields = FIELDS.into_iter().chain(ws101::layers::fields());
    names.extend(fields.flat_map(|spec| [spec.name.to_owned(), spec.label.to_owned()]));
    names.extend((0..16).map(|bits| format!("0x{bits:X}")));
    names.extend((0..16).map(|bits| Opcode::from_bits(bits).name().to_owned()));
    names.extend(
        close::CODES
            .iter()
            .flat_map(|code| [code.first.max(600), code.last.max(600)])
            .map(|code| code.to_string()),
    );
    names.extend(header::ALL.iter().map(|header| header.name.to_owned()));
    names.extend((100..=599).map(|status: u16| status.to_string()));
    names.retain(|name| name != "reserved");
    assert!(names.len() > 700, "only {} names", names.len());
    for name in names {
        let found = teach::find(&name);
        let Some(entry) = found.first() else { panic!("{name} can't be explained") };
        let page = entry.page();
        assert!(
            page.topic.is_some() && !page.markdown.is_empty() && !page.title.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn every_field_of_a_record_can_be_explained() {
    let json = fs::read_to_string(root().join("docs/json.md")).expect("it is there");
    let records = json.split("## Records").nth(1).and_then(|it| it.split("\n\n").nth(1));
    let records = records.expect("there is a table of records");
    let words = records.split('`').skip(1).step_by(2).filter(|word| !word.starts_with('-'));
    let is_name =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || "_-0123456789".contains(c));
    let missing: Vec<&str> =
        words.filter(is_name).filter(|word| teach::find(word).is_empty()).collect();
    assert!(missing.is_empty(), "not in docs/topics/glossary.md: {missing:?}");
}

#[test]
fn words_of_the_glossary_are_in_order_and_lead_to_topics() {
    let glossary = teach::glossary();
    assert!(glossary.len() > 40);
    for gloss in glossary {
        let topic = teach::topics().iter().find(|topic| topic.name == gloss.topic);
        assert!(topic.is_some(), "{} leads to {}", gloss.word, gloss.topic);
        assert!(!teach::find(gloss.word).is_empty());
    }
}

#[test]
fn the_command_prints_the_example_of_a_topic_as_the_document_has_it() {
    for topic in teach::topics() {
        let result = ws101(&format!("ws101 explain {}", topic.name));
        assert_eq!(result.status.code(), Some(0), "{}", topic.name);
        let printed = String::from_utf8_lossy(&result.stdout);
        let block = topic.body.split("```console\n").nth(1).and_then(|it| it.split("```").next());
        for line in block.expect("it has an example").lines().map(str::trim_end) {
            let shown = line.chars().take(90).collect::<String>();
            assert!(printed.contains(&shown), "{} does not print {line:?}", topic.name);
        }
    }
}

#[test]
fn a_typo_is_told_with_what_may_have_been_meant() {
    let result = ws101("ws101 explain fragmentatoin");
    assert_eq!(result.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&result.stderr);
    assert!(errors.contains("did you mean") && errors.contains("fragmentation"), "{errors}");
}
