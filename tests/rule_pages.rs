//! The pages of the rules tell the truth: each rule has one, each page belongs to a rule and says
//! of it what the registry says, and the examples of the handshake break what they claim to break
//! and nothing else. (Examples in frames are played by `frame_rules.rs`.)

use std::collections::BTreeSet;
use ws101::Inspector;
use ws101::inspection::{Connection, Observer};
use ws101::rules::{self, Finding, Judged, Rule, Severity, Violator};
use ws101::said::{
    At, ConnectionId, Endpoint, Listener, Opening, Said, Time, Transport, TransportEnd,
};
use ws101::websocket::{Event, Limits};

const ID: ConnectionId = ConnectionId(0);

/// Writes down what is found.
#[derive(Default)]
struct Recorder(Vec<Finding>);

impl Observer for Recorder {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        self.0.extend(judged.findings.iter().cloned());
    }
}

/// Plays an example: heads as they are on the wire (the server's begin with `HTTP/`), `C> 81 85 …`
/// and `S> …` for frames, `# t=5` for the clock, `# end: S RST` for an end.
struct Scene {
    inspector: Inspector<Recorder>,
    sent: [u64; 2],
    time: Option<Time>,
    ended: bool,
}

impl Scene {
    fn play(text: &str) -> Vec<Finding> {
        let mut scene = Scene {
            inspector: Inspector::new(Recorder::default(), Limits::default()),
            sent: [0; 2],
            time: text.contains("# t=").then_some(Time(0)),
            ended: false,
        };
        scene.inspector.opened(
            ID,
            &Opening {
                client: None,
                server: None,
                transport: Transport::None,
                initiator_seen: true,
                at: scene.at(),
            },
        );
        let mut head = String::new();
        // The blank line behind the last head is not part of the block.
        for line in text.lines().chain([""]) {
            scene.line(line, &mut head);
        }
        scene.inspector.forgotten(ID, !scene.ended);
        scene.inspector.into_parts().0.0
    }

    fn line(&mut self, line: &str, head: &mut String) {
        if let Some(seconds) = line.strip_prefix("# t=") {
            let seconds: f64 = seconds.parse().expect("a number of seconds");
            self.time = Some(Time((seconds * 1e9) as i64));
        } else if let Some(end) = line.strip_prefix("# end: ") {
            let from = if end.starts_with('C') { Endpoint::Client } else { Endpoint::Server };
            let reset = end.ends_with("RST");
            let how = if reset { TransportEnd::Reset } else { TransportEnd::Fin };
            let heard = Some(self.sent[from.peer().index()]);
            self.ended = true;
            self.inspector.said(ID, Said::End { from, how, heard, at: self.at() });
        } else if let Some(hex) = line.strip_prefix("C> ") {
            self.say(Endpoint::Client, &bytes(hex));
        } else if let Some(hex) = line.strip_prefix("S> ") {
            self.say(Endpoint::Server, &bytes(hex));
        } else if !line.is_empty() {
            head.push_str(line);
            head.push_str("\r\n");
        } else if !head.is_empty() {
            head.push_str("\r\n");
            let from = if head.starts_with("HTTP/") { Endpoint::Server } else { Endpoint::Client };
            self.say(from, std::mem::take(head).as_bytes());
        }
    }

    fn say(&mut self, from: Endpoint, bytes: &[u8]) {
        let (offset, heard) = (self.sent[from.index()], Some(self.sent[from.peer().index()]));
        self.sent[from.index()] += bytes.len() as u64;
        self.inspector.said(ID, Said::Bytes { from, offset, bytes, heard, at: self.at() });
    }

    fn at(&self) -> At {
        At { packet: None, time: self.time }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{hex}")))
        .collect()
}

/// The fenced blocks of one kind between a label and the next: what stands behind the kind, and
/// the text.
fn examples<'a>(page: &'a str, label: &str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let Some((_, part)) = page.split_once(label) else { return Vec::new() };
    let part = part.split("\n**").next().unwrap_or_default();
    part.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(kind)?.split_once('\n'))
        .map(|(info, text)| (info.trim(), text))
        .collect()
}

/// The ids that a fence lists behind `also=`: what the example breaks besides, unavoidably.
fn also(info: &str) -> BTreeSet<&str> {
    let ids = info.strip_prefix("also=").unwrap_or_default();
    ids.split(',').filter(|id| !id.is_empty()).collect()
}

/// The rules that are broken. A textbook's key in a textbook is as it should be.
fn broken(found: &[Finding]) -> BTreeSet<&str> {
    let is_textbook_key = |finding: &&Finding| {
        finding.rule.id == "HS-REQ-KEY-ENTROPY" && finding.severity == Severity::Note
    };
    found
        .iter()
        .filter(|finding| !is_textbook_key(finding))
        .map(|finding| finding.rule.id)
        .collect()
}

#[test]
fn each_rule_has_a_page_and_each_page_a_rule() {
    let rules: BTreeSet<&str> = rules::all().map(|rule| rule.id).collect();
    let pages: BTreeSet<&str> = rules::sections().map(|(id, _)| id).collect();
    assert_eq!(rules, pages);
    assert_eq!(rules::sections().count(), pages.len(), "a heading stands there twice");
    assert_eq!(rules::all().count(), rules.len(), "an id stands there twice");
}

#[test]
fn each_page_says_what_the_registry_says() {
    for rule in rules::all() {
        let page = rules::page(rule);
        let mut lines = page.lines().filter(|line| !line.is_empty());
        assert_eq!(lines.next(), Some(format!("**{}.**", rule.title).as_str()), "{}", rule.id);
        let facts = lines.next().unwrap_or_default();
        let violator = match rule.violator {
            Violator::Client => "broken by the client",
            Violator::Server => "broken by the server",
            Violator::Sender => "broken by whoever sends it",
            Violator::Intermediary | Violator::Observer => "",
        };
        let expected = format!("{} · {} · {violator}", rule.severity, rule.level.verb());
        assert!(facts.starts_with(&expected), "{}: {facts}", rule.id);
        for part in ["What it asks", "Why", "Breaks it", "Mended", "Usual causes", "How to fix it"]
        {
            assert!(page.contains(&format!("\n**{part}**\n")), "{} lacks {part}", rule.id);
        }
    }
}

#[test]
fn each_example_of_a_handshake_breaks_its_rule_and_each_mended_one_breaks_none() {
    let mut wrong = Vec::new();
    for rule in rules::all().filter(is_about_handshakes) {
        let page = rules::page(rule);
        let (bad, good) =
            (examples(page, "**Breaks it**", "http"), examples(page, "**Mended**", "http"));
        assert!(!bad.is_empty() && !good.is_empty(), "{} lacks examples", rule.id);
        for (info, text) in bad {
            let found = Scene::play(text);
            let mut expected = also(info);
            expected.insert(rule.id);
            if broken(&found) != expected {
                wrong.push(report(rule, text, &found));
            }
        }
        for (info, text) in good {
            let found = Scene::play(text);
            let is_worse = |finding: &Finding| {
                finding.severity != Severity::Note && !also(info).contains(finding.rule.id)
            };
            if found.iter().any(is_worse) || broken(&found).contains(rule.id) {
                wrong.push(report(rule, text, &found));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_finding_says_in_plain_words_what_was_seen() {
    for rule in rules::all().filter(is_about_handshakes) {
        for (_, text) in examples(rules::page(rule), "**Breaks it**", "http") {
            for finding in Scene::play(text).iter().filter(|finding| finding.rule == rule) {
                let seen = &finding.broken.seen;
                assert!(!seen.is_empty() && !seen.ends_with('.'), "{}: {seen}", rule.id);
                assert!(!finding.mend().is_empty(), "{} offers no help", rule.id);
                // Who never answers has sent no bytes to point at.
                let is_silence = rule.id == "HS-RES-NO-RESPONSE";
                assert!(finding.broken.span.is_some() || is_silence, "{} points nowhere", rule.id);
            }
        }
    }
}

fn is_about_handshakes(rule: &&'static Rule) -> bool {
    let page = rules::page(rule);
    matches!(rule.area(), "HS-REQ" | "HS-RES" | "NEG") || page.contains("```http")
}

fn report(rule: &Rule, text: &str, found: &[Finding]) -> String {
    let details: Vec<String> =
        found.iter().map(|found| format!("{} {}", found.rule.id, found.detail())).collect();
    format!("{}:\n{text}=> {details:#?}", rule.id)
}
