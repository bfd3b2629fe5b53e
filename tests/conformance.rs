//! A public conformance suite plays against real peers: each end that misbehaves on purpose is
//! found out, and no end that behaves is accused.
//!
//! The verdicts are those of `conformance/cases.jsonl`. A connection is known by its client's
//! port. Cases labelled `informational` are the suite's own "any outcome" and not counted.

mod shared;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::Value;
use shared::{assert_none, brief, is_one_of, list, number, of_type, rules_for, say, text};

/// Cases about compression begin with these; all others are about the protocol itself.
const COMPRESSION: [&str; 2] = ["12.", "13."];

/// One case of the suite with what ws101 said about its connection.
struct Case {
    label: Value,
    records: Vec<Value>,
}

#[test]
fn the_reference_has_the_cases_that_these_tests_count() {
    let Some(cases) = cases("the_reference_has_the_cases_that_these_tests_count") else { return };
    // Counted with Python when this test was written; a change of the reference must be seen.
    let count = |verdict: &str, compression: bool| {
        let cases = cases.iter().filter(|case| case.is_compression() == compression);
        cases.filter(|case| case.label["verdict"] == verdict).count()
    };
    assert_eq!(count("violation", false), 120);
    assert_eq!(count("clean", false), 120);
    assert_eq!(count("informational", false), 6);
    assert_eq!(count("clean", true), 81);
    assert_eq!(cases.len(), 327);
}

#[test]
fn every_violation_is_found_against_the_end_that_commits_it() {
    let Some(cases) = cases("every_violation_is_found_against_the_end_that_commits_it") else {
        return;
    };
    let mut figures: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut misses = Vec::new();
    let mut pointed_at_the_frame = 0;
    for case in cases.iter().filter(|case| case.label["verdict"] == "violation") {
        for kind in list(&case.label, "violations") {
            let kind = kind.as_str().expect("a kind is a word");
            let figure = figures.entry(case.figure(kind)).or_default();
            figure.1 += 1;
            match case.find(kind) {
                Some(finding) => {
                    figure.0 += 1;
                    pointed_at_the_frame += usize::from(case.points_at_the_frame(finding));
                }
                None => misses.push(case.miss(kind)),
            }
        }
    }
    let (found, expected) = figures.values().fold((0, 0), |sum, f| (sum.0 + f.0, sum.1 + f.1));
    say(&format!("conformance: violations found {found}/{expected}"));
    for (kind, (found, expected)) in &figures {
        say(&format!("  {found:>3}/{expected:<3} {kind}"));
    }
    say(&format!("  {pointed_at_the_frame} of them point at the frame that the suite names"));
    assert_none(&misses);
}

#[test]
fn no_clean_connection_is_accused() {
    let Some(cases) = cases("no_clean_connection_is_accused") else { return };
    let mut alarms = Vec::new();
    for (compression, group) in [(false, "protocol, groups 1-10"), (true, "compression, 12-13")] {
        let mut clean = 0;
        let mut accused = 0;
        for case in cases.iter().filter(|case| case.is_compression() == compression) {
            if case.label["verdict"] != "clean" {
                continue;
            }
            clean += 1;
            let errors = shared::errors(&case.records);
            accused += usize::from(!errors.is_empty());
            alarms.extend(errors.iter().map(|error| format!("{}: {}", case.name(), brief(error))));
        }
        say(&format!("conformance: false alarms {accused}/{clean} ({group})"));
    }
    assert_none(&alarms);
}

/// Decoding goes on after a violation: what the suite counted on the wire is what is reported.
#[test]
fn every_complete_frame_on_the_wire_is_reported() {
    let Some(cases) = cases("every_complete_frame_on_the_wire_is_reported") else { return };
    let mut complaints = Vec::new();
    for case in cases {
        let role = text(&case.label, "fuzzer_role");
        let peer = if role == "client" { "server" } else { "client" };
        for (direction, key) in [(role, "fuzzer_to_peer"), (peer, "peer_to_fuzzer")] {
            let expected = number(&case.label["frames_on_wire"], key);
            let frames = of_type(&case.records, "frame");
            let seen = frames
                .iter()
                .filter(|frame| frame["direction"] == direction && frame["complete"] == true)
                .count() as u64;
            if seen != expected {
                let name = case.name();
                complaints
                    .push(format!("{name}: {seen} of {expected} frames from the {direction}"));
            }
        }
    }
    assert_none(&complaints);
}

impl Case {
    fn name(&self) -> String {
        let (pcap, case) = (text(&self.label, "pcap"), text(&self.label, "case"));
        format!("{pcap} case {case} client port {}", self.label["client_port"])
    }

    fn is_compression(&self) -> bool {
        COMPRESSION.iter().any(|group| text(&self.label, "case").starts_with(group))
    }

    fn figure(&self, kind: &str) -> String {
        let on_wire = text(&self.label, "violation_on_wire").replace('_', " ");
        let severity = self.severity(kind);
        let group = if self.is_compression() { ", compression" } else { "" };
        format!("{kind} as {severity} ({on_wire}{group})")
    }

    /// The severity that a kind of violation deserves at least.
    ///
    /// `error`, but for what the RFC does not forbid outright: control frames after Close
    /// (§5.5.1 speaks of data frames), a second Close, a Close inside a message, and the codes
    /// 1100 and 2999 of cases 7.9.7 and 7.9.9, which §7.4.2 reserves for a future in which they
    /// may have been assigned (CLS-CODE-UNASSIGNED).
    fn severity(&self, kind: &str) -> &'static str {
        let unassigned = ["7.9.7", "7.9.9"].contains(&text(&self.label, "case"));
        match kind {
            "control_after_close" => "note",
            "close_after_close" | "close_inside_fragmented_message" => "warning",
            "invalid_close_code" if unassigned => "warning",
            _ => "error",
        }
    }

    /// The finding that names this kind of violation, with its severity, against the fuzzer.
    ///
    /// A frame that got out in part (`violation_on_wire`: `partial_frame`) shows its fatal bits
    /// all the same: its first two bytes are on the wire in all three such cases.
    fn find(&self, kind: &str) -> Option<&Value> {
        of_type(&self.records, "finding").into_iter().find(|finding| {
            finding["severity"] == self.severity(kind)
                && finding["violator"] == self.label["fuzzer_role"]
                && is_one_of(finding, rules_for(kind))
        })
    }

    fn points_at_the_frame(&self, finding: &Value) -> bool {
        let offset = &self.label["violating_frame_stream_offset"];
        let mut frames = of_type(&self.records, "frame").into_iter();
        frames.any(|frame| {
            frame["direction"] == finding["direction"]
                && frame["frame"] == finding["frame"]
                && frame["offset"] == *offset
        })
    }

    fn miss(&self, kind: &str) -> String {
        let findings = of_type(&self.records, "finding");
        let all: Vec<String> =
            findings.iter().filter(|f| f["severity"] != "note").map(|f| brief(f)).collect();
        format!(
            "{}: {kind} by the {} at {} ({}) not found\n    {}\n    found: {all:?}",
            self.name(),
            text(&self.label, "fuzzer_role"),
            self.label["violating_frame_stream_offset"],
            text(&self.label, "violation_on_wire"),
            text(&self.label, "description"),
        )
    }
}

/// All cases; each of the three captures is decoded once.
fn cases(claim: &str) -> Option<&'static [Case]> {
    static CASES: OnceLock<Option<Vec<Case>>> = OnceLock::new();
    shared::shared(claim, "conformance/cases.jsonl")?;
    CASES.get_or_init(|| read_cases(claim)).as_deref()
}

fn read_cases(claim: &str) -> Option<Vec<Case>> {
    let labels = shared::json_lines(&shared::shared(claim, "conformance/cases.jsonl")?);
    let mut captures: BTreeMap<String, BTreeMap<u64, Vec<Value>>> = BTreeMap::new();
    let mut cases = Vec::new();
    for label in labels {
        let pcap = text(&label, "pcap").to_owned();
        if !captures.contains_key(&pcap) {
            let file = shared::shared(claim, &format!("conformance/{pcap}"))?;
            captures.insert(pcap.clone(), by_client_port(shared::pcap(&file).records()));
        }
        let connections = captures.get_mut(&pcap).expect("just decoded");
        let records = connections.remove(&number(&label, "client_port")).unwrap_or_default();
        cases.push(Case { label, records });
    }
    Some(cases)
}

fn by_client_port(records: Vec<Value>) -> BTreeMap<u64, Vec<Value>> {
    let mut ports = BTreeMap::new();
    let mut connections: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for record in records {
        let Some(connection) = record["connection"].as_u64() else { continue };
        if record["type"] == "connection" {
            let client: SocketAddr =
                text(&record, "client").parse().expect("client is an address and a port");
            ports.insert(connection, u64::from(client.port()));
        }
        let port = ports[&connection];
        connections.entry(port).or_default().push(record);
    }
    connections
}
