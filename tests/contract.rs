//! What other programs rely on: the records of `--format jsonl`, the document of `--format json`,
//! the exit status. Checked on every recording, whatever it holds.

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use shared::{assert_none, errors, list, number, of_type, text, utf8, ws101};

const RECORDINGS: [&str; 12] = [
    "chat-plain",
    "chat-deflate",
    "chat-fragments",
    "chat-ipv6",
    "chat-any-sll2",
    "chat-nano",
    "snaplen-96",
    "close-4001",
    "heartbeat-lost",
    "reconnect-storm",
    "nginx-proxy",
    "browser-ws",
];

#[test]
fn json_lines_keep_the_contract() {
    let mut complaints = Vec::new();
    for name in RECORDINGS {
        let Some((file, _)) = shared::recording("json_lines_keep_the_contract", name) else {
            return;
        };
        let run = shared::pcap(&file);
        let records = run.records();
        let mut broken = contract_breaches(&records);
        if run.code != Some(i32::from(!errors(&records).is_empty())) {
            broken.push(format!("exit {:?}, {} errors", run.code, errors(&records).len()));
        }
        let summary = records.last().expect("some record");
        if summary["packets"] != packets_in(&file) {
            broken.push(format!("summary has {} packets", summary["packets"]));
        }
        complaints.extend(broken.into_iter().map(|breach| format!("{name}: {breach}")));
    }
    assert_none(&complaints);
}

#[test]
fn json_is_one_document_with_the_records_of_json_lines() {
    for name in ["chat-ipv6", "browser-ws", "snaplen-96", "nginx-proxy"] {
        let Some((file, _)) =
            shared::recording("json_is_one_document_with_the_records_of_json_lines", name)
        else {
            return;
        };
        let lines = shared::pcap(&file);
        let document = ws101(&["pcap", utf8(&file), "--format", "json"]);
        let parsed: Value = serde_json::from_slice(&document.stdout).expect("one JSON document");
        assert_eq!(parsed["schema"], "ws101/1");
        assert_eq!(list(&parsed, "records"), lines.records(), "{name}");
        assert_eq!(document.code, lines.code, "{name}: exit status");
    }
}

#[test]
fn fail_on_moves_the_threshold_of_the_exit_status() {
    let Some((bad, _)) =
        shared::recording("fail_on_moves_the_threshold_of_the_exit_status", "nginx-proxy")
    else {
        return;
    };
    let Some((noted, _)) =
        shared::recording("fail_on_moves_the_threshold_of_the_exit_status", "chat-plain")
    else {
        return;
    };
    let code = |file: &Path, threshold: &str| {
        ws101(&["pcap", utf8(file), "--format", "jsonl", "--fail-on", threshold]).code
    };
    assert_eq!(code(&bad, "error"), Some(1));
    assert_eq!(code(&bad, "never"), Some(0));
    assert_eq!(code(&noted, "error"), Some(0));
    // With the lowest threshold any finding at all counts.
    let notes = of_type(&shared::pcap(&noted).records(), "finding").len();
    assert_eq!(code(&noted, "note"), Some(i32::from(notes > 0)));
}

const TYPES: [&str; 11] = [
    "capture",
    "connection",
    "handshake",
    "frame",
    "message",
    "close",
    "cause",
    "finding",
    "gap",
    "end",
    "summary",
];

const OPCODE_NAMES: [(u64, &str); 6] =
    [(0, "continuation"), (1, "text"), (2, "binary"), (8, "close"), (9, "ping"), (10, "pong")];

fn contract_breaches(records: &[Value]) -> Vec<String> {
    let mut breaches = Vec::new();
    if records.first().is_none_or(|first| first["type"] != "capture") {
        breaches.push("the first record is no capture".to_owned());
    }
    if records.last().is_none_or(|last| last["type"] != "summary") {
        breaches.push("the last record is no summary".to_owned());
    }
    let mut connections = BTreeSet::new();
    let mut frames: BTreeMap<(u64, String), u64> = BTreeMap::new();
    let mut messages = frames.clone();
    let mut ends_at = frames.clone();
    for record in records {
        let kind = text(record, "type");
        let mut breach = |what: String| breaches.push(format!("{what} in {}", start_of(record)));
        if !TYPES.contains(&kind) {
            breach(format!("unknown type {kind:?}"));
        }
        let connection = record["connection"].as_u64();
        let is_new = kind == "connection" && connections.insert(connection.unwrap_or(0));
        if (kind == "connection") != is_new {
            breach("a connection is announced once".to_owned());
        }
        if connection.is_some_and(|number| !connections.contains(&number)) {
            breach("a connection that was not announced".to_owned());
        }
        if !record["time"].is_null() && !is_time(&record["time"]) {
            breach("time is no decimal string with nine digits".to_owned());
        }
        if !record["direction"].is_null()
            && record["direction"] != "client"
            && record["direction"] != "server"
        {
            breach("an unknown direction".to_owned());
        }
        let side = (connection.unwrap_or(0), text(record, "direction").to_owned());
        match kind {
            "frame" => {
                let count = frames.entry(side.clone()).or_default();
                *count += 1;
                if record["frame"] != *count {
                    breach(format!("frame {count} is due"));
                }
                for what in frame_breaches(record) {
                    breach(what);
                }
                let length = number(record, "header_length") + number(record, "payload_length");
                let end = number(record, "offset") + length;
                let before = ends_at.insert(side, end);
                if before.is_some_and(|before| record["offset"] != before) {
                    breach(format!("frames tile their stream; due at {before:?}"));
                }
            }
            "message" => {
                let known = frames.get(&side).copied().unwrap_or(0);
                let count = messages.entry(side).or_default();
                *count += 1;
                if record["message"] != *count {
                    breach(format!("message {count} is due"));
                }
                let parts = list(record, "frames");
                if parts.is_empty() || parts.iter().any(|p| p.as_u64().is_none_or(|p| p > known)) {
                    breach("frames of a message that were not reported before".to_owned());
                }
                if record["text"].is_string() == record["base64"].is_string() {
                    breach("a message is either text or base64".to_owned());
                }
            }
            "finding" => {
                for what in finding_breaches(record) {
                    breach(what);
                }
            }
            "gap" if !["lost", "snaplen", "capture-start"].contains(&text(record, "reason")) => {
                breach("an unknown reason for a gap".to_owned());
            }
            _ => {}
        }
    }
    if !connections.iter().copied().eq(1..=connections.len() as u64) {
        breaches.push(format!("connections are numbered {connections:?}"));
    }
    breaches.extend(summary_breaches(records));
    breaches
}

fn is_time(time: &Value) -> bool {
    let Some((seconds, fraction)) = time.as_str().and_then(|time| time.split_once('.')) else {
        return false;
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(seconds) && digits(fraction) && fraction.len() == 9
}

fn frame_breaches(frame: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    let opcode = number(frame, "opcode");
    let name = OPCODE_NAMES.iter().find(|(known, _)| *known == opcode);
    if frame["opcode_name"] != name.map_or("reserved", |(_, name)| name) {
        breaches.push(format!("opcode {opcode} has another name"));
    }
    for flag in ["fin", "rsv1", "rsv2", "rsv3", "masked", "complete"] {
        if !frame[flag].is_boolean() {
            breaches.push(format!("{flag} is no boolean"));
        }
    }
    let key = text(frame, "masking_key");
    let is_key = key.len() == 8 && key.bytes().all(|b| b.is_ascii_hexdigit());
    if (frame["masked"] == true) != is_key {
        breaches.push("masking_key is 8 hex digits exactly where masked".to_owned());
    }
    let mask = if frame["masked"] == true { 4 } else { 0 };
    let header = match number(frame, "payload_length") {
        0..126 => 2,
        126..65536 => 4,
        _ => 10,
    };
    if frame["header_length"] != header + mask {
        breaches.push(format!("the header should have {} bytes", header + mask));
    }
    breaches
}

fn finding_breaches(finding: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    for field in ["rule", "rfc", "title", "detail"] {
        if text(finding, field).is_empty() {
            breaches.push(format!("no {field}"));
        }
    }
    let one_of = |field: &str, words: &[&str]| words.contains(&text(finding, field));
    if !one_of("severity", &["error", "warning", "note"]) {
        breaches.push("an unknown severity".to_owned());
    }
    if !one_of("level", &["MUST", "SHOULD", "advice"]) {
        breaches.push("an unknown level".to_owned());
    }
    if !finding["violator"].is_null() && !one_of("violator", &["client", "server"]) {
        breaches.push("an unknown violator".to_owned());
    }
    breaches
}

fn summary_breaches(records: &[Value]) -> Vec<String> {
    let Some(summary) = records.last() else { return Vec::new() };
    let mut breaches = Vec::new();
    for (field, kind) in [
        ("connections", "connection"),
        ("frames", "frame"),
        ("messages", "message"),
        ("gaps", "gap"),
    ] {
        let counted = of_type(records, kind).len();
        if summary[field] != counted {
            breaches.push(format!("{counted} {kind} records, the summary has {}", summary[field]));
        }
    }
    for severity in ["error", "warning", "note"] {
        let findings = of_type(records, "finding");
        let counted = findings.iter().filter(|finding| finding["severity"] == severity).count();
        let stated = summary["findings"][severity].as_u64().unwrap_or(0);
        if stated != counted as u64 {
            breaches.push(format!("{counted} {severity} findings, the summary has {stated}"));
        }
    }
    breaches
}

fn start_of(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

/// Packets in a little-endian classic pcap file, counted without ws101.
fn packets_in(file: &Path) -> u64 {
    let bytes = std::fs::read(file).expect("the recording can be read");
    let (mut at, mut packets) = (24, 0);
    while let Some(field) = bytes.get(at + 8..at + 12) {
        at += 16 + u32::from_le_bytes(field.try_into().expect("four bytes")) as usize;
        packets += 1;
    }
    packets
}

#[test]
fn shells_and_manual_readers_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        let run = shared::ws101(&["completions", shell]);
        assert_eq!(run.code, Some(0), "{shell}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("handshake"), "{shell}");
    }
    let page = shared::ws101(&["man", "pcap"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains(".TH"), "{}", page.stderr);
    assert_eq!(shared::ws101(&["man", "nothing"]).code, Some(2));
}

/// A reader of `docs/json.md` meets no field that is not in there.
#[test]
fn every_field_of_every_record_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/json.md")).expect("it is there");
    let (_, text) = text.split_once("## Records").expect("the records have a chapter");
    let common: Vec<&str> = ["type", "connection", "direction", "time", "packet", "offset"].into();
    let runs: [&[&str]; 7] = [
        &["pcap", "samples/captures/browser-ws.pcap"],
        &["pcap", "samples/captures/snaplen-96.pcap"],
        &["pcap", "samples/captures/nginx-proxy.pcap"],
        &["pcap", "samples/captures/close-4001.pcap", "--layout", "1"],
        &["frame", "--from", "server", "83 01 78 88 05 03 e9 62 79 65"],
        &["frame", "--from", "client", "81 85 37 fa 21 3d 7f 9f 4d 51 58"],
        &["handshake", "samples/broken/course-notes.http"],
    ];
    for arguments in runs {
        let run = shared::ws101(&[arguments, &["--format", "jsonl"]].concat());
        for record in run.records() {
            let kind = record["type"].as_str().expect("each record has a type");
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| `{kind}` |")))
                .unwrap_or_else(|| panic!("{kind} is not in docs/json.md"));
            for field in record.as_object().expect("a record is an object").keys() {
                let is_there = row.contains(&format!("`{field}`"));
                assert!(is_there || common.contains(&field.as_str()), "{kind}: {field}");
            }
        }
    }
}

/// `-q` says only what is wrong: nothing of a capture without a warning, and of another the connections
/// that have one, and no note.
#[test]
fn quiet_says_only_what_is_wrong() {
    for name in RECORDINGS {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/captures/{name}.pcap"));
        let records = shared::pcap(&file).records();
        let wrong: BTreeSet<u64> = of_type(&records, "finding")
            .into_iter()
            .filter(|finding| finding["severity"] != "note")
            .map(|finding| number(finding, "connection"))
            .collect();
        let run = ws101(&["pcap", "-q", utf8(&file)]);
        let text = String::from_utf8(run.stdout).expect("UTF-8");
        let told: BTreeSet<u64> = text
            .lines()
            .filter_map(|line| line.strip_prefix("connection ")?.split(' ').next()?.parse().ok())
            .collect();
        assert_eq!(told, wrong, "{name}: {text}");
        assert!(!text.contains(" note["), "{name}: {text}");
    }
}
