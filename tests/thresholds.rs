//! Thresholds through the real binary: they change what is found, a wrong one is a clear error;
//! and a capture whose clock was set back is not judged by it.

mod shared;

use serde_json::Value;
use shared::{of_type, text, ws101};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/captures/heartbeat-lost.pcap");

/// The rules found in a capture, with these arguments besides.
fn found(capture: &str, arguments: &[&str]) -> Vec<String> {
    let run = ws101(&[&["pcap", capture, "--format", "jsonl"], arguments].concat());
    let records = run.records();
    let findings: Vec<&Value> = of_type(&records, "finding");
    findings.iter().map(|finding| text(finding, "rule").to_owned()).collect()
}

#[test]
fn a_threshold_decides_from_when_on_something_is_found() {
    let has = |found: &[String], rule: &str| found.iter().any(|id| id == rule);
    let usual = found(CAPTURE, &[]);
    assert!(has(&usual, "LIV-PING-RTT") && !has(&usual, "LIV-LONG-LIVED"), "{usual:?}");
    let patient =
        found(CAPTURE, &["--threshold", "round-trips=50", "--threshold", "long_lived=1s"]);
    assert!(!has(&patient, "LIV-PING-RTT") && has(&patient, "LIV-LONG-LIVED"), "{patient:?}");
}

#[test]
fn a_threshold_that_does_not_exist_is_an_error_that_helps() {
    for (wrong, said) in [
        ("pong-dedline=3", "pong-deadline"),
        ("pong-deadline", "NAME=VALUE"),
        ("pong-deadline=soon", "seconds"),
        ("messages=1.5", "whole number"),
    ] {
        let run = ws101(&["pcap", CAPTURE, "--threshold", wrong]);
        assert_eq!(run.code, Some(2), "{wrong}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{wrong}: {}", run.stderr);
    }
    let list = ws101(&["rules", "--thresholds"]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("pong-deadline") && list.contains("10s"), "{list}");
}

/// A table with dead rows would promise what nothing keeps.
#[test]
fn the_rules_that_a_threshold_names_exist() {
    for threshold in &ws101::rules::thresholds::ALL {
        for rule in threshold.rules {
            assert!(ws101::rules::find(rule).is_some(), "{} names {rule}", threshold.name);
        }
    }
}

#[test]
fn a_clock_that_goes_backwards_is_said_and_not_trusted() {
    let usual = found(CAPTURE, &[]);
    assert!(!usual.contains(&"CAP-CLOCK".to_owned()), "{usual:?}");
    let mut bytes = std::fs::read(CAPTURE).expect("the sample is there");
    // Classic pcap, little endian: the times of all packets behind the thirtieth, less 100 seconds.
    assert_eq!(bytes[..2], [0xd4, 0xc3], "the sample is classic pcap");
    let (mut at, mut number) = (24, 0);
    while at + 16 <= bytes.len() {
        let field = |bytes: &[u8], at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (seconds, length) = (field(&bytes, at), field(&bytes, at + 8));
        number += 1;
        if number > 30 {
            bytes[at..at + 4].copy_from_slice(&(seconds - 100).to_le_bytes());
        }
        at += 16 + length as usize;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("set-back.pcap");
    std::fs::write(&path, bytes).expect("the capture is written");
    let found = found(path.to_str().expect("the path is UTF-8"), &[]);
    assert!(found.contains(&"CAP-CLOCK".to_owned()), "{found:?}");
    assert!(!found.iter().any(|id| id.starts_with("LIV-")), "{found:?}");
}
