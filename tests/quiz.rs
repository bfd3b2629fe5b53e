//! Exercises: each has exactly one right answer, which is what the decoder says; the same seed
//! gives the same sheet; and the command asks, hints, explains and prints.

use assert_cmd::Command;
use std::collections::{BTreeMap, BTreeSet};
use ws101::Inspector;
use ws101::build::{Conversation, Frame, Numbers, Upgrade, What};
use ws101::http::{Head, HeadRead};
use ws101::input::transcript;
use ws101::inspection::{Connection, Observer};
use ws101::rules::{Judged, Rule, Severity};
use ws101::said::{At, ConnectionId, Endpoint, Listener as _, Opening, Said, Transport};
use ws101::teach::quiz::{self, Answer, KINDS, Material, Question, Wish};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Event, Limits};

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

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for next in 0..count {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

/// Whether a healthy connection can go like this, by RFC 6455 and the sentence in the question.
fn is_healthy(steps: &[&str]) -> bool {
    let (mut asked, mut open) = (false, false);
    let (mut pinged, mut closed): ([bool; 2], [bool; 2]) = Default::default();
    steps.iter().enumerate().all(|(index, step)| {
        let who = usize::from(step.starts_with("the server"));
        let may_speak = open && !closed[who];
        let does = &step["the client ".len()..];
        match does {
            "asks: GET with Upgrade: websocket and a key" => {
                asked = true;
                index == 0
            }
            "answers 101" => {
                open = true;
                asked && who == 1
            }
            "sends a ping frame" => {
                pinged[who] = true;
                may_speak
            }
            // §5.5.3.
            "answers with a pong frame" => may_speak && pinged[1 - who],
            // §7.1.1: the server ends TCP once both Closes went over.
            "ends TCP (FIN)" => closed == [true; 2],
            close => {
                let begins = close.starts_with("begins to close: Close with ");
                assert!(begins || close.starts_with("answers the Close: Close with "), "{close}");
                let is_first = closed == [false; 2];
                closed[who] = true;
                may_speak && begins == is_first
            }
        }
    })
}

#[test]
fn of_all_orders_of_an_order_question_only_the_one_in_the_key_is_legal() {
    let mut judged: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for seed in 0..1000 {
        let wish = Wish { seed, count: 1, level: None, kinds: vec![named("order")] };
        let question = quiz::sheet(&wish, &Material::default()).remove(0);
        assert!(question.ask.contains("After its Close an end sends nothing more"), "the premise");
        let Answer::Order(order) = &question.answer else { panic!("an order is asked for") };
        let key: Vec<String> = order.iter().map(|step| question.choices[*step].clone()).collect();
        let mut steps = key.clone();
        steps.sort();
        let legal = judged.entry(steps.clone()).or_insert_with(|| {
            let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
            let legal: Vec<Vec<&str>> = orders(steps.len())
                .into_iter()
                .map(|order| order.into_iter().map(|step| steps[step]).collect::<Vec<&str>>())
                .filter(|order| is_healthy(order))
                .collect();
            assert_eq!(legal.len(), 1, "{legal:#?}");
            legal[0].iter().map(|step| step.to_string()).collect()
        });
        assert_eq!(*legal, key, "seed {seed}");
    }
    assert!(judged.len() >= 6, "only {} conversations", judged.len());
}

/// The rules that are found broken, and how badly.
#[derive(Default)]
struct Found(Vec<(&'static Rule, Severity)>);

impl Observer for Found {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        self.0.extend(judged.findings.iter().map(|found| (found.rule, found.severity)));
    }
}

/// What is found in these bytes of both ends, if those extensions were agreed on.
fn in_frames(said: &[(Endpoint, Vec<u8>)], agreed: &str) -> Found {
    let head = |line: &str| {
        let extensions = match agreed {
            "no extension" => String::new(),
            agreed => format!("Sec-WebSocket-Extensions: {agreed}\r\n"),
        };
        match Head::read(format!("{line}\r\n{extensions}\r\n").as_bytes(), 0) {
            HeadRead::Head(head, _) => head,
            other => panic!("{other:?}"),
        }
    };
    let (request, response) = (head("GET / HTTP/1.1"), head("HTTP/1.1 101 Switching Protocols"));
    let agreement = Agreement::of(Some(&request), Some(&response));
    let mut inspector = Inspector::new(Found::default(), Limits::default());
    let (id, at) = (ConnectionId(0), At::default());
    let transport = Transport::None;
    let opening = Opening { client: None, server: None, transport, initiator_seen: true, at };
    inspector.begin(id, &opening, ws101::websocket::Conversation::assumed(Some(agreement)));
    let mut offsets = [0; 2];
    for (from, bytes) in said {
        let offset = offsets[from.index()];
        offsets[from.index()] += bytes.len() as u64;
        inspector.said(id, Said::Bytes { from: *from, offset, bytes, heard: None, at });
    }
    inspector.forgotten(id, true);
    inspector.into_parts().0
}

/// What is found in what a `fault` question shows.
fn in_shown(lines: &[String]) -> Found {
    let Some(agreed) = lines[0].strip_prefix("agreed  ") else {
        let text = lines.join("\r\n") + "\r\n\r\n";
        let transcript = transcript::read(text.as_bytes()).expect("two heads are shown");
        let mut inspector = Inspector::of_transcripts(Found::default(), Limits::default());
        for exchanges in &transcript.connections {
            transcript::tell(exchanges, &mut inspector);
        }
        return inspector.into_parts().0;
    };
    let said = lines[1..].iter().map(|line| {
        let from = if line.starts_with("client") { Endpoint::Client } else { Endpoint::Server };
        (from, bytes_of(&[line["client".len()..].to_owned()]))
    });
    in_frames(&said.collect::<Vec<_>>(), agreed)
}

#[test]
fn what_a_fault_question_shows_breaks_the_rule_in_the_key_and_none_of_the_other_choices() {
    let mut rules = BTreeSet::new();
    for seed in 0..1000 {
        let wish = Wish { seed, count: 1, level: None, kinds: vec![named("fault")] };
        let question = quiz::sheet(&wish, &Material::default()).remove(0);
        let Answer::Choice(right) = question.answer else { panic!("there are choices") };
        let found = in_shown(&question.shown);
        let broken: BTreeSet<&str> = found.0.iter().map(|(rule, _)| rule.title).collect();
        for (index, choice) in question.choices.iter().enumerate() {
            let is_broken = broken.contains(choice.as_str());
            assert_eq!(is_broken, index == right, "seed {seed}: {choice}: {question:#?}");
        }
        assert_eq!(question.choices.len(), 4, "seed {seed}");
        rules.insert(question.topic);
    }
    assert!(rules.len() >= 60, "only {} rules: {rules:?}", rules.len());
}

#[test]
fn no_two_questions_of_a_sheet_come_down_to_the_same() {
    let apart = |questions: &[Question], seed: u64, what: fn(&Question) -> String| {
        let distinct: BTreeSet<String> = questions.iter().map(what).collect();
        assert_eq!(distinct.len(), questions.len(), "seed {seed}: {questions:#?}");
    };
    let answer = |question: &Question| question.answer.shown(&question.choices);
    for seed in 0..100 {
        let sheet = |kind: &str, count: usize| {
            let wish = Wish { seed, count, level: None, kinds: vec![named(kind)] };
            let questions = quiz::sheet(&wish, &Material::default());
            assert_eq!(questions.len(), count, "{kind}");
            questions
        };
        apart(&sheet("unmask", 10), seed, answer);
        apart(&sheet("fault", 10), seed, answer);
        apart(&sheet("opcode", 6), seed, |question| {
            question.choices[match question.answer {
                Answer::Choice(right) => right,
                _ => panic!("there are choices"),
            }]
            .clone()
        });
        apart(&sheet("order", 4), seed, |question| question.because.clone());
        // Not twice the same opcode with a length of the same form.
        apart(&sheet("header-bytes", 6), seed, |question| {
            let Answer::Bytes(bytes) = &question.answer else { panic!("bytes are asked for") };
            format!("{:02x} {}", bytes[0], bytes[1].max(125))
        });
        let counts: BTreeSet<String> = sheet("messages", 4).iter().map(answer).collect();
        assert!(counts.len() > 1, "seed {seed}: each time {counts:?}");
    }
    let wish = Wish { seed: 1, count: 200, level: None, kinds: vec![named("messages")] };
    let sheet = quiz::sheet(&wish, &Material::default());
    let counts: BTreeSet<String> = sheet.iter().map(answer).collect();
    assert_eq!(counts, ["0", "1", "2", "3", "4"].map(str::to_owned).into(), "none to four");
}

#[test]
fn what_the_key_tells_to_run_finds_nothing_wrong_with_a_healthy_frame() {
    for question in (0..300).flat_map(of_seed) {
        let Some(command) = question.command.as_deref().filter(|it| it.starts_with("frame "))
        else {
            continue;
        };
        let from = if command.contains("client") { Endpoint::Client } else { Endpoint::Server };
        let bytes = bytes_of(&[command.to_owned()]);
        let found = in_frames(&[(from, bytes)], "no extension");
        let wrong = found.0.iter().filter(|(_, severity)| *severity != Severity::Note);
        assert_eq!(wrong.count(), 0, "{command}");
    }
}

#[test]
fn browsers_close_first_with_codes_only_that_scripts_may_use() {
    let mut codes = BTreeSet::new();
    for seed in 0..1000 {
        let wish = Wish { seed, count: 1, level: None, kinds: vec![named("browser-code")] };
        let question = quiz::sheet(&wish, &Material::default()).remove(0);
        for line in &question.shown {
            let Some(rest) = line.strip_prefix("the client begins to close: Close with ") else {
                continue;
            };
            let code: u16 = rest.split(' ').next().and_then(|it| it.parse().ok()).expect("a code");
            assert!(code == 1000 || (3000..5000).contains(&code), "{line}");
            codes.insert(code);
        }
    }
    assert!(codes.len() > 2, "{codes:?}");
}

#[test]
fn every_kind_can_be_made_and_names_a_topic() {
    let topics: BTreeSet<&str> = ws101::teach::topics().iter().map(|topic| topic.name).collect();
    for kind in &KINDS {
        let wish = Wish { seed: 1, count: 3, level: None, kinds: vec![kind] };
        let questions = quiz::sheet(&wish, &Material::default());
        assert_eq!(questions.len(), 3, "{}", kind.name);
        assert!(topics.contains(kind.topic), "{}: {}", kind.name, kind.topic);
        for question in questions {
            assert!(!ws101::teach::find(question.topic).is_empty(), "{}", question.topic);
        }
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
        let has = |text: &str, part: &str| unfolded(text).contains(&unfolded(part));
        assert!(has(&sheet, &question.ask), "{}", question.ask);
        assert!(has(&key, &question.because) && !has(&sheet, &question.because));
    }
}

/// The same with single spaces where lines break.
fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
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
        "│ Payload len │",
        "$ ws101 frame --from ",
        "ws101 explain lengths",
    ] {
        assert!(out.contains(part), "{part} is missing in\n{out}");
    }
    // The verdict stands where the eye is: below the explanation.
    let verdict = out.find("✓ right, with the hint · 1 of 1 so far").expect("a verdict");
    assert!(verdict > out.find("learn more").expect("an explanation"), "{out}");
    let lines = out.lines().count();
    assert!(lines < 30, "{lines} lines do not fit on a screen:\n{out}");
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
fn about_a_capture_only_that_is_asked_which_the_capture_answers() {
    let (out, error, _) = ws101(
        "quiz --seed 1 --from samples/captures/chat-plain.pcap --count 20 --format jsonl",
        "",
    );
    let records: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(records.len() == 20, "{out}{error}");
    for record in &records {
        let kind = named(record["kind"].as_str().expect("a kind"));
        assert!(kind.of_captures, "{record}");
        let command = record["command"].as_str().expect("each can be looked at in the capture");
        let is_about_it = command.contains("samples/captures/chat-plain.pcap ");
        assert!(is_about_it || kind.name == "messages", "{command}");
        if is_about_it {
            let (out, error, status) = ws101(command, "");
            assert!(status == Some(0) && out.len() > 100, "{command}: {out}{error}");
        }
    }
    let (_, error, status) =
        ws101("quiz --from samples/captures/chat-plain.pcap --kind header", "");
    assert!(status == Some(2) && error.contains("what can be asked"), "{error}");
}

#[test]
fn wrong_arguments_and_answers_are_told_what_would_be_right() {
    for (arguments, expected) in [
        ("quiz --kind masking", "sender or unmask"),
        ("quiz --kind mesages", "did you mean messages"),
        ("quiz --level easy", "1 (reading), 2 (reckoning) or 3 (judging)"),
        ("quiz --worksheet pdf", "html"),
    ] {
        let (_, error, status) = ws101(arguments, "");
        assert!(status == Some(2) && error.contains(expected), "{arguments}: {error}");
    }
    let (page, ..) = ws101("quiz --seed 1 --worksheet html", "");
    assert!(page.starts_with("<!doctype html>") && page.contains("A) "), "{page}");
    let (out, ..) = ws101("quiz --seed 4 --kind opcode --count 1", "Z\nq\n");
    assert!(out.contains("Expected A to D."), "{out}");
    let (out, ..) = ws101("quiz --seed 4 --kind final --count 1", "yes\n");
    assert!(out.contains("1 of 1 so far") || out.contains("0 of 1 so far"), "{out}");
}

#[test]
fn worksheets_fit_into_eighty_columns() {
    for seed in 0..50 {
        let sheet = ws101(&format!("quiz --seed {seed} --worksheet --count 13"), "").0;
        let prose =
            sheet.lines().filter(|line| !line.starts_with("    ") && !line.starts_with("- "));
        let long: Vec<&str> = prose.filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
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
