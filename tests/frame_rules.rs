//! The rules about frames, messages and endings, held to what their pages claim: each broken
//! example breaks its rule (and what it names as unavoidable), each mended one breaks none. Then
//! what must never be flagged.

use std::collections::BTreeSet;
use ws101::http::{Head, HeadRead};
use ws101::rules::{self, Finding, Judge, Judged, Severity};
use ws101::said::{At, Endpoint, GapReason, Said, Time, TransportEnd};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Conversation, Desk, Event, Limits};

/// A conversation in the words of the rule pages.
///
/// `C> 81 85 …` and `S> …` are bytes; each sender has heard all lines above. `# agreed: …` is the
/// accepted `Sec-WebSocket-Extensions` (`nothing` if it is missing, `unknown` if the handshake
/// was not seen), `# offered: …` what the client offered, `# t=45` the clock, `# gap: S 10` lost
/// bytes, and `# end: S FIN`, `# end: S RST` or `# end: cut` an end.
struct Scene {
    conversation: Conversation,
    judge: Judge,
    desk: Desk,
    time: Option<Time>,
    sent: [u64; 2],
    cut: bool,
    found: Vec<Finding>,
}

impl Scene {
    fn play(text: &str) -> Vec<Finding> {
        let value =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let agreed = value("# agreed").map(str::trim);
        let agreement = (agreed != Some("unknown")).then(|| {
            let accepted =
                head("HTTP/1.1 101 Switching Protocols", agreed.filter(|&name| name != "nothing"));
            let offered = head("GET / HTTP/1.1", value("# offered").map(str::trim));
            Agreement::of(Some(&offered), Some(&accepted))
        });
        let mut scene = Scene {
            conversation: Conversation::assumed(agreement),
            judge: Judge::default(),
            desk: Desk::new(Limits::default()),
            time: None,
            sent: [0; 2],
            cut: true,
            found: Vec::new(),
        };
        scene.judge.memory.agreement = agreement;
        scene.judge.memory.direction_known = true;
        scene.judge.memory.pasted = agreement.is_some() && !text.contains("# end: cut");
        for line in text.lines() {
            scene.line(line);
        }
        let Scene { conversation, judge, desk, cut, found, .. } = &mut scene;
        conversation.finish(*cut, desk, &mut |event| consider(judge, event, found));
        scene.found
    }

    fn line(&mut self, line: &str) {
        if let Some(seconds) = line.strip_prefix("# t=") {
            let seconds: f64 = seconds.trim().parse().expect("a number of seconds");
            self.time = Some(Time(1_700_000_000_000_000_000 + (seconds * 1e9) as i64));
        } else if let Some(end) = line.strip_prefix("# end:") {
            let (from, how) = match end.trim() {
                "C FIN" => (Endpoint::Client, TransportEnd::Fin),
                "S FIN" => (Endpoint::Server, TransportEnd::Fin),
                "C RST" => (Endpoint::Client, TransportEnd::Reset),
                "S RST" => (Endpoint::Server, TransportEnd::Reset),
                _ => return,
            };
            self.cut = false;
            let heard = Some(self.sent[from.peer().index()]);
            self.say(Said::End { from, how, heard, at: self.at() });
        } else if let Some(gap) = line.strip_prefix("# gap:") {
            let (who, length) = gap.trim().split_once(' ').unwrap_or((gap.trim(), ""));
            let from = if who == "C" { Endpoint::Client } else { Endpoint::Server };
            let (offset, length) = (self.sent[from.index()], length.trim().parse().ok());
            self.sent[from.index()] += length.unwrap_or(0);
            let reason = GapReason::Lost;
            self.say(Said::Gap { from, offset, length, reason, at: self.at() });
        } else {
            let (from, hex) = match (line.strip_prefix("C>"), line.strip_prefix("S>")) {
                (Some(hex), _) => (Endpoint::Client, hex),
                (_, Some(hex)) => (Endpoint::Server, hex),
                _ => return assert!(line.is_empty() || line.starts_with('#'), "{line}"),
            };
            let hex = hex.split('#').next().unwrap_or_default();
            let bytes: Vec<u8> = hex
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{line}")))
                .collect();
            let offset = self.sent[from.index()];
            let heard = Some(self.sent[from.peer().index()]);
            self.sent[from.index()] += bytes.len() as u64;
            self.say(Said::Bytes { from, offset, bytes: &bytes, heard, at: self.at() });
        }
    }

    fn at(&self) -> At {
        At { packet: None, time: self.time }
    }

    fn say(&mut self, said: Said<'_>) {
        let Scene { conversation, judge, desk, found, .. } = self;
        conversation.hear(said, desk, &mut |event| consider(judge, event, found));
    }
}

fn consider(judge: &mut Judge, event: &Event<'_>, found: &mut Vec<Finding>) {
    let mut judged = Judged::default();
    judge.consider(event, &mut judged);
    found.extend(judged.findings);
}

fn head(line: &str, extensions: Option<&str>) -> Head {
    let field = extensions.map(|value| format!("Sec-WebSocket-Extensions: {value}\r\n"));
    let text = format!("{line}\r\n{}\r\n", field.unwrap_or_default());
    match Head::read(text.as_bytes(), 0) {
        HeadRead::Head(head, _) => *head,
        other => panic!("{text} is no head: {other:?}"),
    }
}

fn ids(found: &[Finding]) -> BTreeSet<&'static str> {
    found.iter().map(|finding| finding.rule.id).collect()
}

/// A fenced block of a page.
struct Block {
    rule: String,
    breaks: bool,
    also: Vec<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut rule, mut breaks) = (String::new(), true);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(id) = line.strip_prefix("## ") {
            rule = id.split_whitespace().next().unwrap_or_default().to_owned();
        } else if line.starts_with("**Breaks it**") {
            breaks = true;
        } else if line.starts_with("**Mended**") {
            breaks = false;
        } else if let Some(info) = line.strip_prefix("```frames") {
            let also = info.trim().strip_prefix("also=").unwrap_or_default();
            let also = also.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { rule: rule.clone(), breaks, also, text: text.join("\n") });
        }
    }
    blocks
}

const PAGES: [(&str, &str); 8] = [
    ("FRM", include_str!("../docs/rules/FRM.md")),
    ("MSK", include_str!("../docs/rules/MSK.md")),
    ("FRG", include_str!("../docs/rules/FRG.md")),
    ("CTL", include_str!("../docs/rules/CTL.md")),
    ("CLS", include_str!("../docs/rules/CLS.md")),
    ("UTF", include_str!("../docs/rules/UTF.md")),
    ("CAP", include_str!("../docs/rules/CAP.md")),
    ("PMD", include_str!("../docs/rules/PMD.md")),
];

#[test]
fn each_page_tells_the_truth_about_its_examples() {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for block in PAGES.iter().flat_map(|(_, page)| blocks(page)) {
        played += 1;
        let found = Scene::play(&block.text);
        let ids = ids(&found);
        let details: Vec<String> = found
            .iter()
            .map(|finding| format!("{} {}", finding.rule.id, finding.detail()))
            .collect();
        let holds = if block.breaks {
            let expected = block.also.iter().map(String::as_str).chain([block.rule.as_str()]);
            ids == expected.collect()
        } else {
            found.iter().all(|finding| finding.severity == Severity::Note)
        };
        if !holds {
            let kind = if block.breaks { "broken" } else { "mended" };
            wrong.push(format!("{} ({kind}):\n{}\n=> {details:#?}", block.rule, block.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(played > 120, "only {played} examples were found");
}

#[test]
fn each_rule_has_its_section_and_its_two_examples() {
    for (area, page) in PAGES {
        for rule in rules::all().filter(|rule| rule.area() == area) {
            let section = page.split("\n## ").find(|section| section.starts_with(rule.id));
            // The negotiation half of PMD has its own page.
            let Some(section) = section else {
                assert_eq!(area, "PMD", "{} has no section", rule.id);
                continue;
            };
            for part in [
                "**What it asks**",
                "**Why**",
                "**Breaks it**",
                "**Mended**",
                "**Usual causes**",
                "**How to fix it**",
            ] {
                assert!(section.contains(part), "{} lacks {part}", rule.id);
            }
            assert!(
                section.contains(rule.title),
                "{} is titled otherwise: {}",
                rule.id,
                rule.title
            );
        }
    }
}

/// Holds that nothing worse than a note is found.
fn check_fine(name: &str, text: &str) {
    let found = Scene::play(text);
    let worse: Vec<_> = found.iter().filter(|finding| finding.severity != Severity::Note).collect();
    assert!(worse.is_empty(), "{name}: {worse:#?}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

#[test]
fn control_frames_between_fragments_and_empty_or_tiny_ones_are_fine() {
    check_fine(
        "ping between fragments",
        "S> 01 03 48 65 6c\nS> 89 00\nC> 8a 80 37 fa 21 3d\nS> 80 02 6c 6f",
    );
    check_fine("empty message", "S> 81 00\nS> 82 00");
    check_fine("empty fragments", "S> 01 00\nS> 00 00\nS> 80 00");
    check_fine("one-byte fragments", "S> 01 01 48\nS> 00 01 65\nS> 80 01 6c");
}

#[test]
fn lengths_at_the_borders_of_their_forms_are_fine() {
    for length in [125usize, 126, 127, 65535, 65536] {
        let mut bytes = vec![0x82];
        match length {
            0..=125 => bytes.push(length as u8),
            126..=65535 => bytes.extend([&[126][..], &(length as u16).to_be_bytes()].concat()),
            _ => bytes.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
        }
        bytes.resize(bytes.len() + length, 0);
        check_fine(&length.to_string(), &format!("S> {}", hex(&bytes)));
    }
}

#[test]
fn a_character_split_over_fragments_is_fine_and_so_is_odd_but_valid_text() {
    check_fine("split", "S> 01 04 63 61 66 c3\nS> 80 01 a9");
    check_fine("split around a ping", "S> 01 01 f0\nS> 89 00\nS> 00 02 9f 98\nS> 80 01 80");
    check_fine("NUL", "S> 81 01 00");
    check_fine("noncharacter U+FFFF", "S> 81 03 ef bf bf");
    check_fine("byte order mark", "S> 81 05 ef bb bf 7b 7d");
    check_fine("invalid UTF-8 in binary", "S> 82 02 c3 28");
    check_fine("compressed bytes", "# agreed: permessage-deflate\nS> c1 07 f2 48 cd c9 c9 07 00");
}

#[test]
fn pongs_may_be_unsolicited_or_answer_several_pings_or_stay_away() {
    check_fine("unsolicited", "# t=0\nC> 8a 80 37 fa 21 3d\n# t=60\nC> 8a 80 11 22 33 45");
    let pings = "# t=0\nS> 89 01 31\n# t=1\nS> 89 01 32\n# t=2\nC> 8a 81 37 fa 21 3d 05\n# t=90\nS> 81 01 61";
    check_fine("one for two", pings);
    let closed = "# t=0\nS> 89 01 31\nS> 88 02 03 e8\n# t=0.1\nC> 88 82 37 fa 21 3d 34 12\n# end: S FIN\n# t=30\n# end: C FIN";
    check_fine("after a Close", closed);
    check_fine(
        "in the last second",
        "# t=0\nC> 81 80 37 fa 21 3d\n# t=9\nS> 89 01 31\n# t=10\n# end: cut",
    );
}

#[test]
fn what_permessage_deflate_leaves_open_is_fine() {
    let agreed = "# agreed: permessage-deflate\n";
    let fine = |name: &str, frames: &str| check_fine(name, &format!("{agreed}{frames}"));
    fine("uncompressed", "S> 81 05 48 65 6c 6c 6f");
    fine("stored block", "S> c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00");
    fine("final block", "S> c1 08 f3 48 cd c9 c9 07 00 00\nS> c1 07 f2 48 cd c9 c9 07 00");
    fine(
        "history behind a final block",
        "S> c1 08 f3 48 cd c9 c9 07 00 00\nS> c1 05 f2 00 11 00 00",
    );
    fine("marker in the middle", "S> 41 09 f2 48 05 00 00 00 ff ff ca\nS> 80 04 c9 c9 07 00");
    fine("empty compressed message", "S> c1 01 00");
}

#[test]
fn closes_without_body_with_other_codes_or_at_the_same_time_are_fine() {
    check_fine("no body", "C> 88 80 37 fa 21 3d\nS> 88 00\n# end: S FIN\n# end: C FIN");
    check_fine("another code", "S> 88 02 03 e9\nC> 88 82 37 fa 21 3d 34 12\n# end: S FIN");
    for code in [1012u16, 1013, 1014, 3000, 3001, 3999, 4000, 4999] {
        check_fine(&code.to_string(), &format!("S> 88 02 {}", hex(&code.to_be_bytes())));
    }
    let data = "C> 88 82 37 fa 21 3d 34 12\nS> 81 02 68 69\nS> 88 02 03 e8\n# end: S FIN";
    check_fine("data before the answer", data);
}

#[test]
fn a_client_that_closes_tcp_after_a_wait_and_a_reset_after_both_closes_are_fine() {
    let closes = "# t=0\nC> 88 82 37 fa 21 3d 34 12\n# t=0.1\nS> 88 02 03 e8\n";
    check_fine("after a wait", &format!("{closes}# t=2.05\n# end: C FIN\n# t=2.06\n# end: S FIN"));
    check_fine("reset", &format!("{closes}# end: S RST"));
}

#[test]
fn a_repeated_key_among_tens_of_thousands_is_fine() {
    let mut text = String::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut frame = |key: u32| text.push_str(&format!("C> 82 80 {}\n", hex(&key.to_be_bytes())));
    for number in 0..20_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        frame(if number == 15_000 { 0x1234_5678 } else { (state >> 32) as u32 | 1 });
        if number == 300 {
            frame(0x1234_5678);
        }
    }
    assert!(Scene::play(&text).is_empty());
}

#[test]
fn what_was_lost_silences_what_needed_it() {
    check_fine("a gap inside a text", "S> 81 06 c3\n# gap: S 4\nS> 28\nS> 81 01 61");
    check_fine("a gap over a border", "S> 81 06 c3\n# gap: S 40\nS> 28 ff ff ff");
    check_fine(
        "no handshake",
        "# agreed: unknown\nS> 80 02 6c 6f\nS> c1 05 f2 00 11 00 00\nC> 81 80 1 2 3 4",
    );
    let lost = "# agreed: permessage-deflate\nS> c1 07 f2 48\n# gap: S 5\nS> c1 05 f2 00 11 00 00";
    check_fine("a gap in the compressor's history", lost);
    check_fine("a gap and then the end", "S> 81 01 61\n# gap: S 7\n# end: S FIN\n# end: C FIN");
}
