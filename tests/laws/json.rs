//! JSON Lines say what happened: each line parses, does no harm on a terminal, and states the facts
//! of its event.

use crate::cases_of;
use crate::facts::{Ear, Fact};
use crate::talk::anything;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use ws101::render::escape;
use ws101::render::json::{Options, Shape, Writer, summary};
use ws101::said::{At, ConnectionId, Endpoint, Listener, Opening, Said, Transport};
use ws101::websocket::Limits;
use ws101::{Counts, Inspector};

/// What the program writes of these turns.
fn written(
    said: &[(Endpoint, Vec<u8>)],
    limits: Limits,
    shape: Shape,
    options: Options,
) -> Vec<u8> {
    let mut inspector = Inspector::new(Writer::new(Vec::new(), shape, options), limits);
    let id = ConnectionId(0);
    let opening = Opening {
        client: None,
        server: None,
        transport: Transport::Tcp,
        initiator_seen: true,
        at: At::default(),
    };
    inspector.opened(id, &opening);
    let mut offsets = [0; 2];
    for (from, bytes) in said.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let offset = offsets[from.index()];
        offsets[from.index()] += bytes.len() as u64;
        inspector
            .said(id, Said::Bytes { from: *from, offset, bytes, heard: None, at: At::default() });
    }
    inspector.forgotten(id, false);
    let (writer, counts): (_, Counts) = inspector.into_parts();
    writer.finish(summary(&counts)).expect("memory takes everything")
}

fn facts(said: &[(Endpoint, Vec<u8>)], limits: Limits) -> Vec<Fact> {
    let mut ear = Ear::new(limits);
    for (from, bytes) in said {
        ear.bytes(*from, bytes);
    }
    ear.finish(false)
}

/// The facts of a frame, a message or a Close, as a record states them.
fn stated(fact: &Fact) -> Option<Value> {
    Some(match fact {
        Fact::Frame(frame) => json!({
            "type": "frame", "direction": frame.from.name(), "offset": frame.offset,
            "frame": frame.number, "fin": frame.header.fin(), "rsv1": frame.header.rsv1(),
            "rsv2": frame.header.rsv2(), "rsv3": frame.header.rsv3(),
            "opcode": frame.header.opcode().bits(), "masked": frame.header.masked(),
            "header_length": frame.header.header_length(),
            "payload_length": frame.header.payload_length, "complete": frame.complete,
        }),
        Fact::Message(message) => json!({
            "type": "message", "direction": message.from.name(), "offset": message.offset,
            "message": message.number, "opcode_name": message.opcode.name(),
            "frames": message.frames, "compressed": message.compressed,
            "wire_length": message.wire_length, "length": message.length,
            "truncated": message.truncated, "trusted": message.trusted,
            "complete": message.complete,
        }),
        Fact::Close(close) => json!({
            "type": "close", "direction": close.from.name(), "offset": close.offset,
            "frame": close.frame, "code": close.code,
            "reason": String::from_utf8_lossy(&close.reason),
        }),
        Fact::Gap { from, offset, length, reason, .. } => json!({
            "type": "gap", "direction": from.name(), "offset": offset, "length": length,
            "reason": reason.name(),
        }),
        Fact::Finding(finding) => json!({
            "type": "finding", "rule": finding.rule, "severity": finding.severity.name(),
            "detail": finding.detail,
        }),
        Fact::End(_) => json!({ "type": "end" }),
        _ => return None,
    })
}

/// True if everything in `part` is in `whole` with the same value.
fn states(whole: &Value, part: &Value) -> bool {
    part.as_object().is_some_and(|part| {
        part.iter().all(|(name, value)| whole.get(name).unwrap_or(&Value::Null) == value)
    })
}

fn payload(record: &Value) -> Vec<u8> {
    match (record["text"].as_str(), record["base64"].as_str()) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(base64)) => STANDARD.decode(base64).expect("it is Base64"),
        _ => panic!("either text or Base64: {record}"),
    }
}

proptest! {
    #![proptest_config(cases_of(300))]

    #[test]
    fn json_lines_state_what_happened(
        talk in anything(), layouts: bool, max_payload in prop_oneof![Just(16usize << 20), 0usize..99],
    ) {
        let said = talk.said();
        let limits = Limits { max_payload, keep_frames: layouts, ..Limits::default() };
        let options = Options { layouts, ..Options::default() };
        let lines = written(&said, limits, Shape::Lines, options);
        let text = std::str::from_utf8(&lines).expect("JSON is UTF-8");
        for line in text.lines() {
            prop_assert!(!line.chars().any(escape::is_harmful), "{line:?}");
        }
        let records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        let mut stated_records = records.iter().filter(|record| {
            let kind = record["type"].as_str();
            !matches!(kind, Some("connection" | "handshake" | "summary" | "cause"))
        });
        // What a finding follows from was told before it.
        for (index, record) in records.iter().enumerate().filter(|(_, it)| it["root"].is_string()) {
            let mut before = records[..index].iter().filter(|it| it["type"] == "cause");
            prop_assert!(before.any(|cause| cause["cause"] == record["root"]), "{record}");
        }
        // A connection that concerns nobody is not told of.
        let facts = facts(&said, limits);
        let told = records.iter().any(|record| record["type"] == "connection");
        for fact in facts.iter().filter(|_| told) {
            let Some(stated) = stated(fact) else { continue };
            let record = stated_records.next().expect("a record for each fact");
            prop_assert!(states(record, &stated), "{record}\nstates not {stated}");
            if let Fact::Message(message) = fact {
                let payload = payload(record);
                prop_assert!(message.payload.starts_with(&payload));
                // Text that was cut inside a character is shown without its beginning.
                prop_assert!(message.payload.len() - payload.len() < 4);
                if message.complete && !message.truncated {
                    prop_assert_eq!(&payload, &message.payload);
                }
            }
        }
        prop_assert_eq!(stated_records.next(), None);
        // One document holds the same records.
        let document = written(&said, limits, Shape::Document, options);
        let document: Value = serde_json::from_slice(&document).expect("a document is JSON");
        prop_assert_eq!(document["records"].as_array(), Some(&records));
    }
}
