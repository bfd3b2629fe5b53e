//! Exercises: each has exactly one right answer, which is what the decoder says; the same seed
//! gives the same sheet; and the command asks, hints, explains and prints.

use assert_cmd::Command;
use std::collections::BTreeSet;
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::said::Endpoint;
use ws101::teach::quiz::{self, Answer, KINDS, Material, Question, Wish};

fn ws101(arguments: &str, typed: &str) -> (String, String, Option<i32>) {
    let output = Command::cargo_bin("ws101")
        .expect("it was built")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .args(arguments.split_whitespace())
        .write_stdin(typed)
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

fn of_seed(seed: u64) -> Vec<Question> {
    let wish = Wish { seed, count: KINDS.len(), ..Wish::default() };
    quiz::sheet(&wish, &Material::default())
}

/// What a question shows in hexadecimal, as bytes.
fn bytes_of(lines: &[String]) -> Vec<u8> {
    let digits = lines.iter().flat_map(|line| line.split_whitespace());
    digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// The answer, read off the shown bytes by hand: RFC 6455 §5.2 and nothing of ours.
fn by_hand(question: &Question) -> Option<String> {
    let bytes = bytes_of(&question.shown);
    let length = |bytes: &[u8]| match bytes[1] & 0x7f {
        126 => (2, u64::from(bytes[2]) << 8 | u64::from(bytes[3])),
        127 => (8, bytes[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
        short => (0, u64::from(short)),
    };
    let answer = match question.kind.name {
        "opcode" => match bytes[0] & 0x0f {
            0 => "continuation",
            1 => "text",
            2 => "binary",
            8 => "close",
            9 => "ping",
            _ => "pong",
        }
        .to_owned(),
        "final" if bytes[0] >= 0x80 => "yes, it ends here".to_owned(),
        "final" => "no, it goes on".to_owned(),
        "sender" if bytes[1] >= 0x80 => "the client".to_owned(),
        "sender" => "the server".to_owned(),
        "length" => length(&bytes).1.to_string(),
        "next-frame" => {
            let (extra, payload) = length(&bytes);
            let key = if bytes[1] >= 0x80 { 4 } else { 0 };
            (2 + extra + key + payload).to_string()
        }
        "unmask" => {
            let [key, payload] = [&question.shown[0], &question.shown[1]].map(|line| {
                let hex = line.split_whitespace().skip(1).map(|pair| u8::from_str_radix(pair, 16));
                hex.collect::<Result<Vec<u8>, _>>().expect("bytes are shown")
            });
            payload.iter().zip(key).map(|(byte, key)| char::from(byte ^ key)).collect()
        }
        "messages" => {
            let ends = question.shown.iter().filter(|line| {
                let first = bytes_of(&[(*line).clone()])[0];
                first & 0x80 != 0 && first & 0x08 == 0
            });
            ends.count().to_string()
        }
        "header-size" => {
            let length = number_in(&question.ask);
            let extra = if length < 126 {
                0
            } else if length < 65_536 {
                2
            } else {
                8
            };
            let key = if question.ask.starts_with("The client") { 4 } else { 0 };
            (2 + extra + key).to_string()
        }
        "header-bytes" => {
            let length = number_in(&question.ask);
            let first = ["text", "binary", "ping", "pong"].iter().zip(["81", "82", "89", "8a"]);
            let first = first.filter(|(name, _)| question.ask.contains(&format!(" {name} frame")));
            let first = first.map(|(_, byte)| byte).next().expect("an opcode is named");
            match length {
                0..126 => format!("{first}{length:02x}"),
                126..65_536 => format!("{first}7e{length:04x}"),
                _ => format!("{first}7f{length:016x}"),
            }
        }
        _ => return None,
    };
    Some(answer)
}

/// The one number in a sentence.
fn number_in(sentence: &str) -> u64 {
    let mut numbers = sentence.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.next().expect("there is a number")
}

#[test]
fn of_a_thousand_seeds_each_question_has_one_right_answer_and_it_is_the_one_of_the_rfc() {
    let (mut questions, mut checked) = (0, BTreeSet::new());
    for seed in 0..1000 {
        for question in of_seed(seed) {
            questions += 1;
            let right = |typed: &str| question.answer.accepts(typed, &question.choices);
            let name = question.kind.name;
            if let Answer::Choice(index) = question.answer {
                let accepted: Vec<usize> = (0..question.choices.len())
                    .filter(|choice| right(&quiz::letter(*choice).to_string()) == Some(true))
                    .collect();
                assert_eq!(accepted, [index], "{name} of seed {seed}: {question:#?}");
                let distinct: BTreeSet<&String> = question.choices.iter().collect();
                assert_eq!(distinct.len(), question.choices.len(), "{name} of seed {seed}");
            }
            if let Answer::Order(order) = &question.answer {
                let letters: BTreeSet<&usize> = order.iter().collect();
                assert_eq!(letters.len(), question.choices.len(), "{name} of seed {seed}");
            }
            if let Some(expected) = by_hand(&question) {
                assert_eq!(right(&expected), Some(true), "{name} of seed {seed}: {question:#?}");
                checked.insert(name);
            }
            assert!(!question.because.is_empty() && !question.ask.is_empty());
        }
    }
    assert!(questions >= 1000 * (KINDS.len() - 1), "only {questions} questions");
    assert_eq!(checked.len(), 9, "{checked:?}");
}

#[test]
fn every_kind_can_be_made_and_names_a_topic() {
    let topics: BTreeSet<&str> = ws101::teach::topics().iter().map(|topic| topic.name).collect();
    for kind in &KINDS {
        let wish = Wish { seed: 1, count: 3, level: None, kinds: vec![kind] };
        let questions = quiz::sheet(&wish, &Material::default());
        assert_eq!(questions.len(), 3, "{}", kind.name);
        assert!(topics.contains(kind.topic), "{}: {}", kind.name, kind.topic);
    }
}

#[test]
fn the_same_seed_gives_the_same_sheet_and_another_seed_another() {
    for form in ["markdown", "html"] {
        let sheet = |seed: u64| ws101(&format!("quiz --seed {seed} --worksheet={form}"), "").0;
        assert_eq!(sheet(7), sheet(7));
        assert_ne!(sheet(7), sheet(8));
    }
    let key = ws101("quiz --seed 7 --worksheet --answers", "").0;
    assert!(key.contains("the key") && key.contains("**10.**"), "{key}");
    let sheet = ws101("quiz --seed 7 --worksheet", "").0;
    for question in
        quiz::sheet(&Wish { seed: 7, count: 10, ..Wish::default() }, &Material::default())
    {
        assert!(sheet.contains(&question.ask), "{}", question.ask);
        assert!(key.contains(&question.because) && !sheet.contains(&question.because));
    }
}

#[test]
fn it_asks_hints_judges_explains_and_counts() {
    let question = &quiz::sheet(
        &Wish { seed: 3, count: 1, level: None, kinds: vec![named("length")] },
        &Material::default(),
    )[0];
    let Answer::Number(right) = question.answer else { panic!("a length is a number") };
    let arguments = "quiz --seed 3 --count 1 --kind length";
    let (out, _, status) = ws101(arguments, &format!("?\nmany\n{right}\n"));
    assert_eq!(status, Some(0));
    for part in [
        question.hint,
        "Expected a number.",
        "✓ right, with the hint",
        "1 of 1 right",
        "--seed 3",
        "frame 1 ·",
        "ws101 explain lengths",
    ] {
        assert!(out.contains(part), "{part} is missing in\n{out}");
    }
    let (out, ..) = ws101(arguments, &format!("{}\n", right + 1));
    assert!(out.contains("✗ no") && out.contains("0 of 1 right"), "{out}");
    let (out, ..) = ws101(arguments, "s\n");
    assert!(out.contains(&format!("answer: {right}")), "{out}");
    let (out, _, status) = ws101(arguments, "q\n");
    assert!(out.contains("0 of 0 right") && status == Some(0), "{out}");
    assert_eq!(ws101(arguments, "").2, Some(0), "the end of input ends it");
}

fn named(name: &str) -> &'static quiz::Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("there is such a kind")
}

#[test]
fn a_teachers_own_capture_is_asked_about() {
    let file = "samples/captures/chat-plain.pcap";
    let (out, _, status) = ws101(
        &format!(
            "quiz --seed 1 --from {file} --kind unmask,opcode,browser-code --count 6 --format jsonl"
        ),
        "",
    );
    assert_eq!(status, Some(0));
    let records: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(records.len() >= 4, "{out}");
    // What the question is about stands in the capture.
    let capture =
        std::fs::read(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect("it is there");
    for record in records.iter().filter(|record| record["kind"] == "unmask") {
        let key = record["shown"][0].as_str().expect("a key is shown");
        let key = bytes_of(&[key.to_owned()]);
        assert!(capture.windows(4).any(|window| window == &key[key.len() - 4..]), "{key:02x?}");
    }
    let (_, error, status) = ws101("quiz --from README.md", "");
    assert!(status == Some(2) && error.contains("README.md can't be read as a capture"), "{error}");
}

#[test]
fn a_hostile_capture_puts_no_markup_and_no_escape_on_a_sheet() {
    let reason = "<script>alert(1)</script>\u{1b}[31m\u{202e}&\"'";
    let mut conversation = Conversation::open(&Upgrade::default(), Numbers::new(1));
    let frame = Frame::close(1000, reason, None);
    conversation.push(Endpoint::Server, What::Frame(frame), 1_000_000);
    conversation.end_tcp(Endpoint::Server);
    let file = tempfile::NamedTempFile::new().expect("there is room");
    std::fs::write(file.path(), conversation.pcap()).expect("it can be written");
    let from = format!("quiz --seed 5 --kind browser-code --from {}", file.path().display());
    let page = ws101(&format!("{from} --worksheet=html"), "").0;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    let asked = ws101(&from, "s\n").0;
    assert!(asked.contains("<script>"), "{asked}");
    for out in [page, asked] {
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{out}");
    }
}
