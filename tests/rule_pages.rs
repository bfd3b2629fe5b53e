//! Each rule has its text, each text its rule, and each example does what it says: the broken one
//! breaks the rule (and what it names as unavoidable), the mended one breaks nothing.

#[allow(dead_code)] // the other half is used by frame_rules.rs
#[path = "shared/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use ws101::rules::{self, Finding, Rule, Severity, Violator, page, sections};

/// Sections that explain something that no rule finds, and why.
const EXPLAINED_NOT_FIRED: [(&str, &str); 0] = [];

const PARTS: [&str; 6] = [
    "**What it asks**",
    "**Why**",
    "**Breaks it**",
    "**Mended**",
    "**Usual causes**",
    "**How to fix it**",
];

#[test]
fn each_rule_has_its_text_with_all_its_parts() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let text = page(rule);
        let mut at = 0;
        for part in PARTS {
            match text[at..].find(&format!("\n{part}\n")) {
                Some(found) => at += found + part.len(),
                None => wrong.push(format!("{} lacks {part}, or has it out of order", rule.id)),
            }
        }
        let mut paragraphs = text.split("\n\n");
        let mut expect = |what: &str, expected: String| {
            let found = paragraphs.next().unwrap_or_default();
            if !found.replace('\n', " ").starts_with(&expected) {
                wrong.push(format!("{}: the {what} is {found:?}, not {expected:?}", rule.id));
            }
        };
        expect("title", format!("**{}.**", rule.title));
        expect("line of facts", facts(rule));
        if let Some(missing) = sections_of_rfc(rule).into_iter().find(|s| !text.contains(s)) {
            wrong.push(format!("{} does not name {missing}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How the line of facts begins; the sections of RFCs may be more than the registry's.
fn facts(rule: &Rule) -> String {
    let who = match rule.violator {
        Violator::Client => "broken by the client",
        Violator::Server => "broken by the server",
        Violator::Sender => "broken by whoever sends it",
        Violator::Intermediary | Violator::Observer => "",
    };
    format!("{} · {} · {who}", rule.severity, rule.level.verb())
}

fn sections_of_rfc(rule: &Rule) -> Vec<&'static str> {
    rule.rfc.split([' ', ',', ';']).filter(|word| word.starts_with('§')).collect()
}

#[test]
fn each_section_belongs_to_a_rule_and_stands_in_the_file_of_its_area() {
    let mut seen = BTreeSet::new();
    for (heading, _) in sections() {
        assert!(seen.insert(heading), "{heading} stands there twice");
        let explained = EXPLAINED_NOT_FIRED.iter().any(|(id, why)| *id == heading && why.len() > 9);
        assert!(rules::find(heading).is_some() != explained, "{heading} is no rule");
    }
    let ids = |texts: &mut dyn Iterator<Item = &'static str>| texts.collect::<Vec<_>>().join("\n");
    let fired = |id: &&str| EXPLAINED_NOT_FIRED.iter().all(|(explained, _)| explained != id);
    assert_eq!(
        ids(&mut sections().map(|(heading, _)| heading).filter(fired)),
        ids(&mut rules::all().map(|rule| rule.id)),
        "the sections do not stand in the order of the registry"
    );
    for rule in rules::all() {
        let path = format!("{}/docs/rules/{}.md", env!("CARGO_MANIFEST_DIR"), rule.area());
        let file = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{path} is missing"));
        assert!(file.contains(&format!("\n## {}\n", rule.id)), "{path} lacks {}", rule.id);
    }
}

/// A fenced block: `frames`, or `http`; its info string may say `escaped` and `also=RULE,RULE`,
/// the rules that are broken as well.
struct Block<'a> {
    rule: &'a str,
    breaks: bool,
    http: bool,
    escaped: bool,
    also: BTreeSet<&'a str>,
    text: String,
}

fn blocks<'a>(rule: &'a str, section: &'a str) -> Vec<Block<'a>> {
    let (mut blocks, mut breaks) = (Vec::new(), true);
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        match line {
            "**Breaks it**" => breaks = true,
            "**Mended**" => breaks = false,
            _ => {}
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = info.split_whitespace();
        let http = match words.next() {
            Some("frames") => false,
            Some("http") => true,
            _ => continue,
        };
        let also = info.split_whitespace().find_map(|word| word.strip_prefix("also="));
        let also = also.into_iter().flat_map(|ids| ids.split(',')).collect();
        let escaped = words.any(|word| word == "escaped");
        blocks.push(Block { rule, breaks, http, escaped, also, text: text.join("\n") });
    }
    blocks
}

impl Block<'_> {
    fn play(&self) -> Vec<Finding> {
        if self.http {
            scene::play_http(&self.text, self.escaped)
        } else {
            scene::play_frames(&self.text)
        }
    }

    fn is_true(&self, found: &[Finding]) -> bool {
        let ids: BTreeSet<&str> = found.iter().map(|finding| finding.rule.id).collect();
        if self.breaks {
            let mut expected = self.also.clone();
            expected.insert(self.rule);
            return ids == expected;
        }
        let is_fine = |finding: &Finding| {
            finding.severity == Severity::Note || self.also.contains(finding.rule.id)
        };
        found.iter().all(is_fine)
            && !ids.contains(self.rule)
            && self.also.iter().all(|id| ids.contains(id))
    }
}

#[test]
fn each_example_does_what_it_says() {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for (id, text) in sections() {
        let blocks = blocks(id, text);
        for breaks in [true, false] {
            if !blocks.iter().any(|block| block.breaks == breaks) {
                wrong.push(format!("{id} lacks an example (breaks it: {breaks})"));
            }
        }
        for block in blocks {
            played += 1;
            let found = block.play();
            if !block.is_true(&found) {
                let kind = if block.breaks { "broken" } else { "mended" };
                let details: Vec<String> = found
                    .iter()
                    .map(|finding| {
                        format!("{} {} {}", finding.severity, finding.rule.id, finding.detail())
                    })
                    .collect();
                wrong.push(format!("{id} ({kind}):\n{}\n=> {details:#?}", block.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {played} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(played >= 2 * rules::all().count(), "only {played} examples were found");
}

#[test]
fn each_finding_says_in_plain_words_what_was_seen() {
    for (id, text) in sections() {
        for block in blocks(id, text).iter().filter(|block| block.breaks) {
            for finding in block.play().iter().filter(|finding| finding.rule.id == id) {
                let seen = &finding.broken.seen;
                assert!(!seen.is_empty() && !seen.ends_with('.'), "{id}: {seen}");
                assert!(!finding.mend().is_empty(), "{id} offers no help");
                // Where a head says it, it is pointed at.
                let is_head = block.http && matches!(finding.rule.area(), "HS-REQ" | "HS-RES");
                let is_silence = id == "HS-RES-NO-RESPONSE";
                assert!(finding.broken.span.is_some() || !is_head || is_silence, "{id}");
            }
        }
    }
}
