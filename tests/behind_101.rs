//! HTTP where frames should be: a client, or both, go on with it behind a 101 (RFC 6455 §4.1).

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{of_type, pcap, shared, text, utf8, ws101};
use std::path::Path;
use tape::By::{Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
const MASKED: &str = "81 85 37fa213d 7f9f4d5158";
const UNMASKED: &str = "81 05 48656c6c6f";

fn records(file: &Path) -> Vec<Value> {
    pcap(file).records()
}

/// What there is of a kind, one word for each.
fn words(records: &[Value], kind: &str, key: &str) -> Vec<String> {
    of_type(records, kind).into_iter().map(|record| text(record, key).to_owned()).collect()
}

/// Two handshakes on one connection; only frames behind the second.
fn two_handshakes() -> Tape {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    tape.say(0.2, line, Server, ACCEPTED.as_bytes());
    tape.hex(0.3, line, Client, MASKED);
    tape.hex(0.4, line, Server, UNMASKED);
    tape
}

#[test]
fn a_second_handshake_is_judged_as_one() {
    let records = records(&two_handshakes().write("behind-101-two.pcap"));
    assert_eq!(words(&records, "handshake", "outcome"), ["upgraded", "upgraded"]);
    assert_eq!(words(&records, "message", "text"), ["Hello", "Hello"]);
    assert_eq!(words(&records, "frame", "direction"), ["client", "server"]);
    let found = words(&records, "finding", "rule");
    assert_eq!(found.iter().filter(|rule| *rule == "HS-REQ-AFTER-101").count(), 1, "{found:?}");
    assert!(!found.iter().any(|rule| rule.starts_with("FRM") || rule.starts_with("MSK")));
    let finding = *of_type(&records, "finding")
        .iter()
        .find(|finding| finding["rule"] == "HS-REQ-AFTER-101")
        .expect("it was counted");
    assert_eq!(finding["span"], serde_json::json!([REQUEST.len(), 3]));
}

#[test]
fn the_order_of_the_directions_does_not_matter() {
    let told = |tape: &Tape, name: &str| {
        let records = records(&tape.write(name));
        let mut told = [("handshake", "outcome"), ("message", "text"), ("frame", "direction")]
            .map(|(kind, key)| words(&records, kind, key));
        told.iter_mut().for_each(|words| words.sort());
        let mut found = words(&records, "finding", "rule");
        found.retain(|rule| rule == "HS-REQ-AFTER-101" || rule == "HS-RES-HTTP-AFTER-101");
        (told, found)
    };
    let expected = told(&two_handshakes(), "behind-101-order.pcap");
    for side in [Client, Server] {
        let mut tape = two_handshakes();
        tape.put_first(side);
        assert_eq!(told(&tape, "behind-101-order.pcap"), expected, "{side:?} first");
    }
}

#[test]
fn a_request_for_something_else_ends_the_frames() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    // Cut where it can't be told from a frame yet.
    for piece in ["G", "ET", " /style.css HTTP/1.1\r\nHost: a\r\n\r\n"] {
        tape.say(0.1, line, Client, piece.as_bytes());
    }
    tape.say(0.2, line, Server, REFUSED.as_bytes());
    tape.fin(0.3, line, Server);
    tape.fin(0.4, line, Client);
    let records = records(&tape.write("behind-101-page.pcap"));
    assert_eq!(of_type(&records, "frame").len(), 0);
    let found = words(&records, "finding", "rule");
    assert!(found.contains(&"HS-REQ-AFTER-101".to_owned()), "{found:?}");
    assert!(!found.contains(&"HS-RES-HTTP-AFTER-101".to_owned()), "{found:?}");
    let run = ws101(&["pcap", utf8(&tape.write("behind-101-page.pcap"))]);
    let shown = String::from_utf8_lossy(&run.stdout);
    assert!(shown.contains("another HTTP request: \"GET /style.css HTTP/1.1"), "{shown}");
}

#[test]
fn a_client_that_sends_http_to_a_server_that_sends_frames_is_not_read_as_frames() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    tape.hex(0.1, line, Server, UNMASKED);
    tape.say(0.2, line, Client, REQUEST.as_bytes());
    tape.hex(0.3, line, Server, UNMASKED);
    let records = records(&tape.write("behind-101-frames.pcap"));
    assert_eq!(words(&records, "frame", "direction"), ["server", "server"]);
    assert_eq!(words(&records, "handshake", "outcome"), ["upgraded"]);
    assert!(words(&records, "finding", "rule").contains(&"HS-REQ-AFTER-101".to_owned()));
}

#[test]
fn the_servers_http_is_told_once_the_client_sends_frames() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    tape.say(0.1, line, Server, REFUSED.as_bytes());
    tape.hex(0.2, line, Client, MASKED);
    let records = records(&tape.write("behind-101-server.pcap"));
    assert_eq!(words(&records, "message", "text"), ["Hello"]);
    assert!(words(&records, "finding", "rule").contains(&"HS-RES-HTTP-AFTER-101".to_owned()));
}

#[test]
fn endless_handshakes_on_one_connection_end() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    for _ in 0..100 {
        tape.say(0.1, line, Client, &REQUEST.repeat(400).as_bytes()[..60_000]);
        tape.say(0.1, line, Server, &ACCEPTED.repeat(300).as_bytes()[..30_000]);
    }
    let records = records(&tape.write("behind-101-endless.pcap"));
    let handshakes = of_type(&records, "handshake").len();
    assert!((1..100).contains(&handshakes), "{handshakes}");
}

#[test]
fn real_handshakes_one_after_another_on_one_connection() {
    let claim = "real_handshakes_one_after_another_on_one_connection";
    let path = "captures/public/secdev__scapy/pcaps__websocket_invalid_handshakes.pcap";
    let Some(file) = shared(claim, path) else { return };
    let records = records(&file);
    // A test of scapy: five requests, each answered with a 101, then the first frame.
    assert_eq!(of_type(&records, "handshake").len(), 5);
    assert!(of_type(&records, "handshake").iter().all(|it| it["valid"] == false));
    assert_eq!(of_type(&records, "frame").len(), 1);
    let found = words(&records, "finding", "rule");
    assert_eq!(found.iter().filter(|rule| *rule == "HS-REQ-AFTER-101").count(), 4);
    assert!(!found.iter().any(|rule| rule.starts_with("FRM") || rule.starts_with("MSK")));
}
