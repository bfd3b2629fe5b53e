//! Each rule has its text, each text its rule, and each example does what it says: the broken one
//! breaks the rule (and what it names as unavoidable), the mended one breaks nothing.

#[allow(dead_code)] // the other half is used by frame_rules.rs
#[path = "shared/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use ws101::render::{Sheet, escape, example};
use ws101::rules::{self, Finding, Rule, Severity, Violator, page, sections};
use ws101::scene::{Example, Notation, examples};

/// Sections that explain something that no rule finds, and why.
const EXPLAINED_NOT_FIRED: [(&str, &str); 3] = [
    ("H2-NEGOTIATION", "NEG, PMD and the rules about Origin run on streams as on connections"),
    ("H2-MASKING", "MSK and all other rules of frames run on streams as on connections"),
    ("H2-H3-SETTINGS-PLACE", "QUIC is not read"),
];

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

/// Errors and warnings that examples of other rules can't avoid, and why. (Notes are named in the
/// example's own info string.)
const UNAVOIDABLE: [(&str, &[&str], &str); 13] = [
    ("HS-RES-UNREQUESTED", &["HS-REQ-UPGRADE-PRESENT"], "it is about the answer to that"),
    ("HS-RES-ACCEPTED-BAD-REQUEST", &["HS-REQ-METHOD"], "it is about the answer to a bad request"),
    ("HS-RES-CLIENT-ACCEPTED-BAD", &["HS-RES-ACCEPT-VALUE"], "it is about trusting that answer"),
    ("HS-RES-VERSION-NEGOTIATION", &["HS-REQ-VERSION-13"], "it is about the answer to that"),
    ("HS-RES-VERSION-LIST", &["HS-REQ-VERSION-13"], "it is about the answer to that"),
    ("PMD-ACCEPTED-BAD-OFFER", &["PMD-OFFER-UNKNOWN-PARAM"], "it is about the answer to that"),
    ("PMD-CLIENT-ACCEPTED-BAD", &["PMD-RESP-BAD-VALUE"], "it is about trusting that answer"),
    ("H2-UNSUPPORTED-501", &["H2-METHOD-PROTOCOL"], "it is about the answer to that"),
    ("FRM-TOLERATED", &["MSK-CLIENT-UNMASKED"], "it is about tolerating another fault"),
    ("CLS-CODE-FITS-CAUSE", &["UTF-INVALID-BYTE"], "it is about the code chosen for that"),
    ("FRM-LEN-BYTE-ORDER", &["CLS-NO-CLOSE-FRAME"], "bytes are missing because TCP ended"),
    ("FRM-TRUNCATED", &["CLS-NO-CLOSE-FRAME"], "TCP ends inside a frame"),
    (
        "SEC-HOP-STRIPPED",
        &["HS-REQ-UPGRADE-PRESENT", "HS-REQ-CONNECTION-UPGRADE", "HS-REQ-HTTP-VERSION"],
        "these are what was stripped; it is their cause",
    ),
];

#[test]
fn each_example_does_what_it_says() {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for rule in rules::all() {
        let examples = examples(rule);
        for breaks in [true, false] {
            if !examples.iter().any(|example| example.breaks == breaks) {
                wrong.push(format!("{} lacks an example (breaks it: {breaks})", rule.id));
            }
        }
        for example in examples {
            played += 1;
            let found = play(&example);
            let ids: BTreeSet<&str> = found.iter().map(|finding| finding.rule.id).collect();
            let mut expected: BTreeSet<&str> = example.also.iter().copied().collect();
            expected.extend(example.breaks.then_some(rule.id));
            let is_excused = |finding: &&Finding| {
                finding.severity == Severity::Note
                    || finding.rule.id == rule.id
                    || unavoidable(rule.id).contains(&finding.rule.id)
            };
            if ids != expected || !found.iter().all(|finding| is_excused(&finding)) {
                let kind = if example.breaks { "broken" } else { "mended" };
                let details: Vec<String> = found
                    .iter()
                    .map(|finding| {
                        format!("{} {} {}", finding.severity, finding.rule.id, finding.detail())
                    })
                    .collect();
                let text = &example.text;
                wrong.push(format!("{} ({kind}):\n{text}\n=> {details:#?}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {played} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(played >= 2 * rules::all().count(), "only {played} examples were found");
}

fn unavoidable(rule: &str) -> &'static [&'static str] {
    let of_rule = UNAVOIDABLE.iter().find(|(id, _, why)| *id == rule && !why.is_empty());
    of_rule.map_or(&[], |(_, ids, _)| *ids)
}

fn play(example: &Example) -> Vec<Finding> {
    let scene = example.scene().unwrap_or_else(|why| panic!("{why} in\n{}", example.text));
    scene.play(scene::Recorder::default()).found
}

#[test]
fn each_finding_says_in_plain_words_what_was_seen() {
    for rule in rules::all() {
        let id = rule.id;
        for example in examples(rule).iter().filter(|example| example.breaks) {
            for finding in play(example).iter().filter(|finding| finding.rule.id == id) {
                let seen = &finding.broken.seen;
                assert!(!seen.is_empty() && !seen.ends_with('.'), "{id}: {seen}");
                assert!(!finding.mend().is_empty(), "{id} offers no help");
                // Where a head says it, it is pointed at.
                let is_head = example.notation != Notation::Frames
                    && matches!(finding.rule.area(), "HS-REQ" | "HS-RES");
                let is_silence = id == "HS-RES-NO-RESPONSE";
                assert!(finding.broken.span.is_some() || !is_head || is_silence, "{id}");
            }
        }
    }
}

#[test]
fn each_example_can_be_shown_and_points_at_what_breaks_the_rule() {
    for rule in rules::all() {
        for (width, ascii) in [(100, false), (60, true), (32, true)] {
            let sheet = Sheet { ascii, ..Sheet::plain(width) };
            let mut focus = None;
            for example in examples(rule) {
                let mut out = Vec::new();
                focus = example::write(&mut out, &sheet, &example, focus).expect("it is written");
                let text = String::from_utf8(out).expect("UTF-8");
                let id = rule.id;
                assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{id}:\n{text}");
                assert!(!ascii || text.is_ascii() || !example.text.is_ascii(), "{id}:\n{text}");
                if width > 40 {
                    let too_long = text.lines().find(|line| escape::width(line) > width);
                    assert_eq!(too_long, None, "{id}:\n{text}");
                }
                // Where a line is narrower than a rule's name, names are broken.
                let found = play(&example);
                let has_place = |it: &Finding| it.rule.id == id && it.broken.span.is_some();
                let needs_caret = found.iter().any(has_place);
                let points =
                    (text.contains('^') || !needs_caret) && text.contains(&format!("[{id}]"));
                assert_eq!(example.breaks, points || width < 40 && example.breaks, "{id}:\n{text}");
                let is_fine = text.contains("nothing is found") || text.contains("the rule holds");
                assert_eq!(!example.breaks, is_fine, "{id}:\n{text}");
            }
        }
    }
}

#[test]
fn explain_shows_the_examples_of_a_rule_with_carets_in_colour_or_without_and_as_json() {
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ws101"));
        let output = command.arg("explain").args(args).output().expect("it runs");
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let text = run(&["MSK-CLIENT-UNMASKED", "--color", "never"]);
    let mended = text.find("Mended").expect("a mended example");
    let (broken, mended) = text.split_at(mended);
    assert!(
        broken.contains("   | 1000 0001   0000 0101\n   |             ^ expected MASK 1"),
        "{text}"
    );
    assert!(broken.contains("opcode") && mended.contains("Masking-key"), "{text}");
    assert!(mended.contains("✓ nothing is found"), "{text}");
    assert!(run(&["MSK-CLIENT-UNMASKED", "--color", "always"]).contains("\x1b["));
    let text = run(&["HS-RES-ACCEPT-VALUE"]);
    assert!(text.contains("^^^^ expected Ozi3DgKUQuilRLfXX2e3c0dy3mk="), "{text}");
    let record: serde_json::Value =
        serde_json::from_str(&run(&["FRM-LEN-MSB", "--format", "jsonl"])).expect("JSON");
    let examples = record["examples"].as_array().expect("examples");
    assert_eq!(examples[0]["findings"][0]["rule"], "FRM-LEN-MSB");
    assert_eq!(examples[1]["findings"].as_array().map(Vec::len), Some(0));
    assert!(examples[0]["shown"].as_str().expect("text").contains("error[FRM-LEN-MSB]"));
}
