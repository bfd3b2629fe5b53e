//! Text, JSON and page state the same facts of every sample: connections, what came of each handshake,
//! every frame and message with its direction, opcode and length, Close codes, rules with severities.

mod shared;

use regex::Regex;
use serde_json::Value;
use shared::{Run, number, of_type, text, utf8, ws101};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ws101::render::timeline::size;

/// A frame or message: its connection, who sent it, its opcode, its length.
type Sent = (u64, String, String, String);

/// What is said of a sample. Lists are in order within each connection.
#[derive(Debug, Clone, PartialEq, Default)]
struct Facts {
    connections: u64,
    /// What came of each handshake, by connection.
    verdicts: Vec<(u64, String)>,
    frames: Vec<Sent>,
    messages: Vec<Sent>,
    /// Connection, sender, code.
    codes: Vec<(u64, String, String)>,
    /// How often each rule is broken with each severity.
    findings: BTreeMap<(String, String), u64>,
}

impl Facts {
    fn found(&mut self, severity: &str, rule: &str, times: u64) {
        *self.findings.entry((severity.to_owned(), rule.to_owned())).or_default() += times;
    }

    /// Connections may be told one after the other, or side by side.
    fn by_connection(mut self) -> Facts {
        self.verdicts.sort_by_key(|it| it.0);
        self.frames.sort_by_key(|it| it.0);
        self.messages.sort_by_key(|it| it.0);
        self.codes.sort_by_key(|it| it.0);
        self
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// What the records say.
fn of_records(run: &Run) -> Facts {
    let records = run.records();
    let of = |it: &Value| (number(it, "connection"), text(it, "direction").to_owned());
    let sent = |it: &Value, length: &str| -> Sent {
        let (connection, from) = of(it);
        let length = size(number(it, length));
        (connection, from, text(it, "opcode_name").to_owned(), length)
    };
    let verdict = |it: &&Value| {
        let words = match (text(it, "outcome"), it["valid"] == true) {
            ("upgraded", true) => "handshake valid",
            ("upgraded", false) => "handshake broken",
            ("refused", _) => "no upgrade",
            _ => "incomplete",
        };
        (number(it, "connection"), words.to_owned())
    };
    let mut facts = Facts {
        connections: of_type(&records, "connection").len() as u64,
        verdicts: of_type(&records, "handshake").iter().map(verdict).collect(),
        ..Facts::default()
    };
    for frame in of_type(&records, "frame") {
        facts.frames.push(sent(frame, "payload_length"));
    }
    for message in of_type(&records, "message") {
        facts.messages.push(sent(message, "length"));
    }
    for close in of_type(&records, "close") {
        let (connection, from) = of(close);
        if let Some(code) = close["code"].as_u64() {
            facts.codes.push((connection, from, code.to_string()));
        }
    }
    for finding in of_type(&records, "finding") {
        facts.found(text(finding, "severity"), text(finding, "rule"), 1);
    }
    facts.by_connection()
}

fn incomplete(words: &str) -> &str {
    let is_half = ["answer not captured", "handshake not whole", "never answered"].contains(&words);
    if is_half { "incomplete" } else { words }
}

/// What people read of a capture: once with every frame, once with every message.
fn of_text(frames: &str, messages: &str) -> Facts {
    let from = |arrow: &str| if arrow == "──▶" { "client" } else { "server" }.to_owned();
    let connection = |text: &str| text.parse().expect("a number");
    let arrow = r"(?m)^#(\d+) .*?(──▶|◀──)  ";
    let verdict = pattern(
        r"(?m)^#(\d+) .*  [✓✗?] (handshake \w+(?: whole)?|no upgrade|answer not captured|never answered)$",
    );
    let frame = pattern(&format!(r"{arrow}(\S+) +(\d+) B  frame \d+"));
    let close = pattern(&format!(r"{arrow}close  (\d{{4}})? ?"));
    let message = pattern(&format!(r"{arrow}(text|binary) +([\d.]+ \w*B)  "));
    let finding = pattern(r"(?m)^(?:#\d+)? +(error|warning|note)\[([A-Z0-9-]+)\](?: ×(\d+))?");
    let opaque = pattern(r"(\d+) TLS connections? that can.t be read");
    let total = pattern(r"· (\d+) WebSocket connection");
    let connections = total.captures(frames).map_or(0, |it| connection(&it[1]));
    let mut facts = Facts { connections, ..Facts::default() };
    for it in verdict.captures_iter(frames) {
        facts.verdicts.push((connection(&it[1]), incomplete(&it[2]).to_owned()));
    }
    for it in frame.captures_iter(frames) {
        let length = size(it[4].parse().expect("a length"));
        facts.frames.push((connection(&it[1]), from(&it[2]), it[3].to_owned(), length));
    }
    for it in message.captures_iter(messages) {
        facts.messages.push((connection(&it[1]), from(&it[2]), it[3].to_owned(), it[4].to_owned()));
    }
    for it in close.captures_iter(frames) {
        if let Some(code) = it.get(3) {
            facts.codes.push((connection(&it[1]), from(&it[2]), code.as_str().to_owned()));
        }
    }
    for it in finding.captures_iter(frames) {
        facts.found(&it[1], &it[2], it.get(3).map_or(1, |times| connection(times.as_str())));
    }
    // Connections that can't be read are listed by themselves, and count as notes.
    if let Some(it) = opaque.captures(frames) {
        facts.found("note", "CAP-TLS-OPAQUE", connection(&it[1]));
    }
    facts.by_connection()
}

/// What stands on the page.
fn of_page(page: &str) -> Facts {
    let fact = pattern(r#"data-fact="connections">(\d+)<"#);
    let event =
        pattern(r#"^event (client|server|nobody)[^"]*" id="c(\d+)-e\d+" data-kind="([a-z0-9-]+)""#);
    let label = pattern(
        r#"(?s)<span class="label">(.*?)</span><span class="arrow"|<span class="label">(.*?)</span></span></summary>"#,
    );
    let verdict = pattern(
        r#"<span class="faint">(handshake \w+(?: whole)?|no upgrade|answer not captured|never answered)"#,
    );
    let frame = pattern(r#"^<b>(\w+)</b>.*?<span class="size">([\d.]+ \w*B)"#);
    let close = pattern(r#"<b class="code">(\d+)</b>"#);
    let message = pattern(r#"<h3>(text|binary) message \d+</h3><p class="faint">([\d.]+ \w*B)"#);
    let finding = pattern(r#"<details class="finding (\w+)" data-rule="([A-Z0-9-]+)""#);
    let connections = fact.captures(page).expect("it is counted")[1].parse().expect("a number");
    let mut facts = Facts { connections, ..Facts::default() };
    for item in page.split("<li class=\"").skip(1) {
        let Some(head) = event.captures(item) else { continue };
        let (from, connection) = (head[1].to_owned(), head[2].parse().expect("a number"));
        let words = label.captures(item).expect("an event has a label");
        let words = words.get(1).or(words.get(2)).map_or("", |it| it.as_str());
        match &head[3] {
            "response" => {
                let verdict = verdict.captures(words).expect("a verdict");
                facts.verdicts.push((connection, incomplete(&verdict[1]).to_owned()));
            }
            "frame" => {
                let it = frame.captures(words).expect("a frame has a length");
                facts.frames.push((connection, from.clone(), it[1].to_owned(), it[2].to_owned()));
                if let Some(it) = close.captures(words) {
                    facts.codes.push((connection, from.clone(), it[1].to_owned()));
                }
                if let Some(it) = message.captures(item) {
                    let sent = (connection, from, it[1].to_owned(), it[2].to_owned());
                    facts.messages.push(sent);
                }
            }
            _ => {}
        }
        for it in finding.captures_iter(item) {
            facts.found(&it[1], &it[2], 1);
        }
    }
    // What concerns no conversation stands in the list of rules only.
    let rule =
        pattern(r#"id="rule-([A-Z0-9-]+)"><summary><span class="badge (\w+)">.*?</summary>"#);
    let times = pattern(r#"data-times="[^"]*">(\d+)<"#);
    for it in rule.captures_iter(page) {
        let times = times.captures(&it[0]).map_or(1, |times| times[1].parse().expect("a number"));
        let told: u64 = facts.findings.iter().filter(|told| told.0.1 == it[1]).map(|it| it.1).sum();
        match told {
            0 => facts.found(&it[2], &it[1], times),
            _ => assert_eq!(told, times, "{}", &it[1]),
        }
    }
    facts.by_connection()
}

fn samples(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(folder);
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("samples are there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| {
            !["keys", "json"].iter().any(|it| path.extension().is_some_and(|x| x == *it))
        })
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "README"))
        .collect();
    found.sort();
    found
}

fn printed(arguments: &[&str]) -> String {
    let run = ws101(&[&["--no-config", "--width", "4000"], arguments].concat());
    assert!(run.crash().is_none() && run.code != Some(2), "{}: {}", run.what, run.stderr);
    String::from_utf8(run.stdout).expect("it is UTF-8")
}

/// A line of text gives the code and the reason of a Close, and not its length.
fn without_close_frames(facts: &Facts) -> Facts {
    let is_other = |it: &&Sent| it.2 != "close";
    Facts { frames: facts.frames.iter().filter(is_other).cloned().collect(), ..facts.clone() }
}

/// Says only what differs: a sample has thousands of facts.
fn assert_same(file: &str, what: &str, told: &Facts, records: &Facts) {
    assert_eq!(told.connections, records.connections, "{file}: {what}: connections");
    assert_eq!(told.verdicts, records.verdicts, "{file}: {what}: handshakes");
    assert_eq!(told.codes, records.codes, "{file}: {what}: Close codes");
    assert_eq!(told.findings, records.findings, "{file}: {what}: findings");
    let lists = [(&told.frames, &records.frames), (&told.messages, &records.messages)];
    for (told, records) in lists {
        let first = told.iter().zip(records).find(|(one, other)| one != other);
        assert_eq!(first, None, "{file}: {what}");
        assert_eq!(told.len(), records.len(), "{file}: {what}: frames or messages");
    }
}

#[test]
fn of_every_capture() {
    let captures = samples("captures");
    assert!(captures.len() > 30, "{} captures", captures.len());
    let (mut frames, mut messages, mut verdicts) = (0, 0, 0);
    for path in captures {
        let (file, keys) = (utf8(&path), path.with_extension("keys"));
        let keylog = if keys.exists() { vec!["--keylog", utf8(&keys)] } else { Vec::new() };
        let with = |arguments: &[&'static str]| -> Vec<String> {
            let all = arguments.iter().copied().map(str::to_owned);
            all.chain([file.to_owned()]).chain(keylog.iter().map(|it| (*it).to_owned())).collect()
        };
        let text_of = |arguments: &[&'static str]| {
            let with = with(arguments);
            printed(&with.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let all = with(&["pcap", "--no-config", "--format", "jsonl"]);
        let records = of_records(&ws101(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        let shown = of_text(&text_of(&["pcap", "--frames"]), &text_of(&["pcap", "--messages"]));
        let page = text_of(&["report"]);
        assert!(!page.contains("data-left-out"), "{file}: a sample has room on a page");
        assert_same(file, "page", &of_page(&page), &records);
        assert_same(file, "text", &shown, &without_close_frames(&records));
        frames += records.frames.len();
        messages += records.messages.len();
        verdicts += records.verdicts.len();
    }
    assert!((frames, messages, verdicts) > (500, 300, 50), "{frames} {messages} {verdicts}");
}

/// What people read of handshakes: a sign in front of each, and each finding in full.
fn of_cards(cards: &str) -> Facts {
    let card = pattern(r"(?m)^(\S) handshake  .*?( refused)?(?: · .*)?$");
    let finding = pattern(r"(?m)^(error|warning|note)\[([A-Z0-9-]+)\]");
    let mut facts = Facts::default();
    for (it, number) in card.captures_iter(cards).zip(1..) {
        let words = match (&it[1], it.get(2).is_some()) {
            ("✓", false) => "handshake valid",
            ("✗", false) => "handshake broken",
            ("✗" | "-", true) => "no upgrade",
            _ => "incomplete",
        };
        facts.verdicts.push((number, words.to_owned()));
        facts.connections = number;
    }
    for it in finding.captures_iter(cards) {
        facts.found(&it[1], &it[2], 1);
    }
    facts
}

#[test]
fn of_every_handshake() {
    let handshakes = [samples("handshakes"), samples("broken")].concat();
    assert!(handshakes.len() > 25, "{} handshakes", handshakes.len());
    for path in handshakes {
        let file = utf8(&path);
        let records = of_records(&ws101(&["handshake", "--no-config", "--format", "jsonl", file]));
        assert!(!records.verdicts.is_empty(), "{file}");
        assert_same(file, "text", &of_cards(&printed(&["handshake", "-v", file])), &records);
        assert_same(file, "page", &of_page(&printed(&["report", file])), &records);
    }
}
