//! The course: each topic has its parts, everything that output names can be explained, and what
//! the texts tell readers to try works.

use assert_cmd::Command;
use std::collections::BTreeSet;
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

/// The words of a row, where two blanks or more stand between them.
fn columns(row: &str) -> Vec<String> {
    let words = row.trim().split("  ").map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// What stands on paper besides names: the headings of tables, the labels in front of lines, the
/// words of summaries. Read off what the commands print.
#[test]
fn every_heading_label_and_word_of_a_summary_can_be_explained() {
    let printed = |command: &str| {
        let out = ws101(command).stdout;
        String::from_utf8_lossy(&out).into_owned()
    };
    let capture = printed("ws101 pcap samples/captures/browser-ws.pcap");
    let stats = printed("ws101 pcap samples/captures/browser-ws.pcap --stats");
    let frame = printed("ws101 frame --from client 818537fa213d7f9f4d5158");
    let cut = printed("ws101 frame --from server 82 7d");
    let broken = printed("ws101 handshake samples/broken/host-without-colon.http");
    let accept = printed("ws101 handshake samples/broken/accept-of-decoded-key.http");
    let lost = printed("ws101 pcap samples/captures/reconnect-storm.pcap --connection 1");
    let mut words: BTreeSet<String> = BTreeSet::new();

    // The headings of tables.
    for (text, start) in [(&stats, " from"), (&capture, " #"), (&frame, " byte")] {
        let heading = text.lines().find(|line| line.starts_with(start));
        let heading = columns(heading.unwrap_or_else(|| panic!("{start:?} in\n{text}")));
        assert!(heading.len() >= 5, "{heading:?}");
        words.extend(heading);
    }
    // Labels: what stands in front of "  " or ":" in lines that are indented.
    let is_label = |word: &str| {
        word.len() < 16 && word.chars().all(|c| c.is_alphabetic() || " -+1⊕".contains(c))
    };
    let labelled =
        ["cause", "mend", "rule", "more", "likely", "next", "it means", "agreed", "body"];
    for line in [&broken, &accept, &lost, &frame].into_iter().flat_map(|text| text.lines()) {
        let line = line.trim_start().trim_start_matches("= ");
        let label = line.split("  ").next().and_then(|it| it.split(": ").next()).unwrap_or("");
        let first_words = labelled.iter().find(|label| line.starts_with(&format!("{label} ")));
        words.extend(first_words.map(|label| label.to_string()));
        let is_step =
            ["key", "SHA-1", "in Base64", "found", "masked", "⊕", "hex", "unmasking", "payload"]
                .iter()
                .any(|start| label.starts_with(start));
        if (is_step || labelled.contains(&label) || label == "ended") && is_label(label) {
            words.insert(label.to_owned());
        }
    }
    // Summaries: every word, but for numbers and joints.
    for (text, start) in [
        (&capture, "0 errors"),
        (&capture, "not shown:"),
        (&lost, "shown:"),
        (&broken, " rules hold"),
    ] {
        let line = text.lines().find(|line| line.contains(start));
        let line = line.unwrap_or_else(|| panic!("{start} in\n{text}"));
        let line = line.split(" (").next().unwrap_or(line);
        for part in line.split(['·', ',']) {
            let part = part.split(": ").next().unwrap_or(part);
            let part = part.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            let part = part.trim_start_matches("rules ").trim_start_matches("are ");
            if !part.starts_with("of ") {
                words.insert(part.trim_end_matches(':').to_owned());
            }
        }
    }
    words.extend(
        cut.lines().last().into_iter().filter(|it| it.contains("lacks")).map(|_| "lacks".into()),
    );
    words.extend(
        frame
            .lines()
            .last()
            .into_iter()
            .filter(|it| it.contains("nothing"))
            .map(|_| "nothing found".into()),
    );
    // Signs, in both forms.
    words.extend(["✓", "✗", "!", "i", "-", "ok", "x", "──▶", "◀──", "↑", "↓"].map(str::to_owned));
    words.extend(["handshake valid", "handshake broken", "no upgrade"].map(str::to_owned));
    words.extend(["never answered", "library code", "private code"].map(str::to_owned));
    words.extend(["TCP reset", "TCP closed", "not trusted", "not inflated"].map(str::to_owned));
    words.extend(["deflated", "echo", "cleanly", "unanswered", "cut short"].map(str::to_owned));

    assert!(words.len() > 60, "only {}: {words:?}", words.len());
    let missing: Vec<&String> = words
        .iter()
        .filter(|word| {
            let result = Command::cargo_bin("ws101")
                .expect("it was built")
                .args(["explain", "--", word])
                .output();
            result.expect("it runs").status.code() != Some(0)
        })
        .collect();
    assert!(missing.is_empty(), "can't be explained: {missing:?}");
}

#[test]
fn a_word_of_the_output_has_the_sense_that_it_has_there() {
    for (word, sense) in [
        ("headers", "frame headers"),
        ("kind", "frames of a row"),
        ("server", "accepted the upgrade"),
        ("echo", "answers with the code it got"),
        ("95 %", "19 of 20"),
        ("deflated", "compressed"),
        ("✗", "visibly broken"),
        ("-", "did not upgrade"),
        ("could not be judged", "something that is not there"),
    ] {
        let result =
            Command::cargo_bin("ws101").expect("it was built").args(["explain", word]).output();
        let out = String::from_utf8_lossy(&result.expect("it runs").stdout).into_owned();
        assert!(out.contains(sense), "{word}: {out}");
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

#[test]
fn each_rule_leads_to_the_topic_that_teaches_it() {
    for rule in rules::all() {
        assert!(teach::Entry::Rule(rule).topic().is_some(), "{} leads nowhere", rule.id);
    }
    let topic = |id: &str| {
        let rule = rules::find(id).unwrap_or_else(|| panic!("{id} is no rule"));
        teach::Entry::Rule(rule).topic().map(|topic| topic.name)
    };
    for refusal in ["NOT-101", "200", "403", "426-UPGRADE", "401-CHALLENGE", "REDIRECT"] {
        assert_eq!(topic(&format!("HS-RES-{refusal}")), Some("refusal"), "{refusal}");
    }
    assert_eq!(topic("HS-REQ-ORIGIN-SYNTAX"), Some("origin"));
    assert_eq!(topic("CAP-GAP"), Some("losses"));
}
