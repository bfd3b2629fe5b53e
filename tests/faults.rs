//! Each rule has a fault that breaks it and nothing else, or a reason why bytes cannot show it.

mod shared;

use std::collections::BTreeSet;
use ws101::Inspector;
use ws101::build::fault::{self, Fault, Level};
use ws101::build::{Conversation, Numbers, Upgrade};
use ws101::http::{Head, HeadRead};
use ws101::input::capture::{self, Options};
use ws101::input::transcript;
use ws101::inspection::{Connection, Observer};
use ws101::rules::{self, Judged, Rule, Severity};
use ws101::said::{At, ConnectionId, Listener as _, Opaque, Opening, Said, Transport};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Event, Limits};

/// Seeds whose conversations are looked at.
const SEEDS: [u64; 3] = [1, 101, 6455];

/// What is found, in the order of the report: rule, severity, detail.
#[derive(Default)]
struct Found(Vec<(&'static Rule, Severity, String)>);

impl Observer for Found {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        self.take(judged);
    }

    fn opaque(&mut self, _: &Opaque, judged: &Judged) {
        self.take(judged);
    }
}

impl Found {
    fn take(&mut self, judged: &Judged) {
        let told = judged.findings.iter().map(|found| (found.rule, found.severity, found.detail()));
        self.0.extend(told);
    }

    fn ids(&self) -> Vec<&'static str> {
        self.0.iter().map(|(rule, ..)| rule.id).collect()
    }

    fn told(&self) -> String {
        let line = |(rule, severity, detail): &(&Rule, Severity, String)| {
            format!("\n    {severity} {}: {detail}", rule.id)
        };
        self.0.iter().map(line).collect()
    }
}

fn chat(seed: u64) -> Conversation {
    Conversation::chat(&Upgrade::default(), Numbers::new(seed))
}

fn in_capture(conversation: &Conversation) -> Found {
    let mut inspector = Inspector::new(Found::default(), Limits::default());
    let file = conversation.pcap();
    capture::read(&file[..], &mut inspector, Options::default()).expect("a capture was built");
    inspector.into_parts().0
}

#[test]
fn each_rule_has_a_fault_or_a_reason() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let (fault, reason) = (fault::find(rule.id), fault::beyond_bytes(rule.id));
        match (fault, reason) {
            (None, None) => wrong.push(format!(
                "{} has no fault. Add a Fault to src/build/fault/ (see mod.rs there) that changes a \
                 correct conversation so that this rule and no other is broken, as the bad example \
                 in docs/rules/{}.md does; or, if no bytes can show it, a line with the reason to \
                 BEYOND_BYTES in src/build/fault/mod.rs",
                rule.id,
                rule.area()
            )),
            (Some(_), Some(_)) => wrong.push(format!("{} has a fault and a reason", rule.id)),
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    let names = fault::all().map(|fault| fault.rule);
    let reasons = fault::BEYOND_BYTES.iter().map(|(rule, _)| *rule);
    for name in names.chain(reasons) {
        if rules::find(name).is_none_or(|rule| rule.id != name) {
            wrong.push(format!("{name} is no rule"));
        }
        if !seen.insert(name) {
            wrong.push(format!("{name} stands there twice"));
        }
    }
    shared::assert_none(&wrong);
}

#[test]
fn without_a_fault_nothing_is_found() {
    for seed in 0..200 {
        let found = in_capture(&chat(seed));
        assert!(found.0.is_empty(), "seed {seed}:{}", found.told());
    }
}

/// The rule comes first, the rest is listed, and all that is listed is there.
fn judge(fault: &Fault, found: &Found, all_of_it: bool) -> Result<(), String> {
    let ids = found.ids();
    let tell = |what: &str| Err(format!("{}: {what}; found:{}", fault.rule, found.told()));
    if !ids.contains(&fault.rule) {
        return tell("is not found");
    }
    let listed = |rows: &'static [(&str, &str)]| rows.iter().map(|(rule, _)| *rule);
    let mut in_order = ids.iter().filter(|id| !listed(fault.given).any(|given| given == **id));
    if in_order.next() != Some(&fault.rule) {
        return tell("is not the first finding; what must come before is listed with `given`");
    }
    let expected: BTreeSet<&str> =
        listed(fault.given).chain(listed(fault.also)).chain([fault.rule]).collect();
    let actual: BTreeSet<&str> = ids.iter().copied().collect();
    if let Some(other) = actual.difference(&expected).next() {
        return tell(&format!("{other} is found too, and not listed with `also` or `given`"));
    }
    if let Some(missing) = expected.difference(&actual).next().filter(|_| all_of_it) {
        return tell(&format!("{missing} is listed, and not found"));
    }
    Ok(())
}

#[test]
fn each_fault_breaks_its_rule_in_a_capture_and_no_other() {
    let mut wrong = Vec::new();
    for fault in fault::all() {
        for seed in SEEDS {
            let mut conversation = chat(seed);
            fault.apply(&mut conversation);
            let verdict = judge(fault, &in_capture(&conversation), true);
            if let Err(complaint) = verdict {
                wrong.push(format!("seed {seed}: {complaint}"));
                break;
            }
        }
    }
    shared::assert_none(&wrong);
}

/// What `ws101 handshake` finds in the two heads.
fn in_transcript(conversation: &mut Conversation) -> Found {
    let text = [conversation.request().bytes(), conversation.response().bytes()].concat();
    let transcript = transcript::read(&text).expect("a request and a response were built");
    let mut inspector = Inspector::of_transcripts(Found::default(), Limits::default());
    for exchanges in &transcript.connections {
        transcript::tell(exchanges, &mut inspector);
    }
    inspector.into_parts().0
}

/// What `ws101 frame --from ENDPOINT` finds in the frames of the speaker.
fn in_frames(conversation: &mut Conversation) -> Found {
    let heads = [conversation.request().bytes(), conversation.response().bytes()];
    let [request, response] = heads.map(|bytes| match Head::read(&bytes, 0) {
        HeadRead::Head(head, _) => head,
        other => panic!("{other:?}"),
    });
    let agreement = Agreement::of(Some(&request), Some(&response));
    let mut inspector = Inspector::new(Found::default(), Limits::default());
    let (id, at) = (ConnectionId(0), At::default());
    let opening = Opening {
        client: None,
        server: None,
        transport: Transport::None,
        initiator_seen: true,
        at,
    };
    inspector.begin(id, &opening, ws101::websocket::Conversation::assumed(Some(agreement)));
    let from = conversation.speaker;
    let bytes = conversation.frames_of(from);
    inspector.said(id, Said::Bytes { from, offset: 0, bytes: &bytes, heard: None, at });
    inspector.forgotten(id, true);
    inspector.into_parts().0
}

fn check_level(level: Level, inspect: impl Fn(&mut Conversation) -> Found, alone: bool) {
    let mut wrong = Vec::new();
    for fault in fault::all().filter(|fault| fault.level == level) {
        let upgrade = Upgrade::default();
        let mut conversation = Conversation::open(&upgrade, Numbers::new(1));
        conversation.alone = alone;
        fault.apply(&mut conversation);
        if let Err(complaint) = judge(fault, &inspect(&mut conversation), false) {
            wrong.push(complaint);
        }
    }
    shared::assert_none(&wrong);
}

#[test]
fn each_fault_of_a_handshake_shows_in_a_transcript() {
    check_level(Level::Handshake, in_transcript, false);
}

#[test]
fn each_fault_of_frames_shows_in_the_frames_of_one_endpoint() {
    check_level(Level::Frames, in_frames, true);
}

/// As a person sees it: the first finding that the text of `ws101 pcap` names is that of the fault,
/// or a cause that lists it, behind nothing but what has to be broken before.
#[test]
fn the_report_of_each_fault_names_its_rule_first() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut wrong = Vec::new();
    for fault in fault::all() {
        let mut conversation = chat(SEEDS[0]);
        fault.apply(&mut conversation);
        let file = folder.join(format!("fault-{}.pcap", fault.rule));
        std::fs::write(&file, conversation.pcap()).expect("a folder for this test");
        let run = shared::ws101(&["pcap", shared::utf8(&file), "-v", "--width", "2000"]);
        let text = String::from_utf8(run.stdout).expect("UTF-8");
        let is_given = |line: &&str| {
            let given = |(rule, _): &(&str, &str)| line.contains(&format!("[{rule}]"));
            fault.given.iter().any(given)
        };
        let named = |line: &&str| {
            let line = line.trim_start();
            ["error[", "warning[", "note[", "cause["].iter().any(|it| line.starts_with(it))
        };
        let first = text.lines().filter(named).find(|line| !is_given(line)).unwrap_or_default();
        let is_cause = first.trim_start().starts_with("cause[");
        let listed = |line: &str| line.contains("follow") && line.contains(fault.rule);
        let is_named = first.contains(&format!("[{}]", fault.rule));
        if !(is_named || is_cause && text.lines().any(listed)) {
            wrong.push(format!("{}: the report begins with {first:?}", fault.rule));
        }
    }
    shared::assert_none(&wrong);
}

/// What the first of the two needs to be broken for itself to be broken: the answer to that.
const GIVEN_IN_EXAMPLES: [(&str, &str); 1] = [("H2-UNSUPPORTED-501", "H2-METHOD-PROTOCOL")];

/// What no bytes built here can break, the example on the rule's page breaks, and it comes first.
#[test]
fn where_nothing_can_be_built_the_example_breaks_its_rule_first() {
    let mut wrong = Vec::new();
    for (id, _) in fault::BEYOND_BYTES {
        let rule = rules::find(id).unwrap_or_else(|| panic!("{id} is no rule"));
        let examples = ws101::scene::examples(rule);
        for example in examples.iter().filter(|example| example.breaks) {
            let scene = example.scene().unwrap_or_else(|why| panic!("{why} in\n{}", example.text));
            let found = scene.play(Found::default());
            let is_given = |id: &&str| GIVEN_IN_EXAMPLES.contains(&(rule.id, *id));
            if found.ids().into_iter().find(|id| !is_given(id)) != Some(rule.id) {
                wrong.push(format!("{id}: found{}", found.told()));
            }
        }
    }
    shared::assert_none(&wrong);
}
