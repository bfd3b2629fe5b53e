//! `--assume websocket`, `--client` and `--deflate`: what a capture without a handshake does not
//! tell, stated by hand. Frames are those of RFC 6455 §5.7 and RFC 7692 §7.2.3.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::{Value, json};
use shared::{of_type, utf8, ws101};
use std::path::{Path, PathBuf};
use tape::By::{Client, Server};
use tape::Tape;

/// A masked text "Hello", the same unmasked, and both compressed.
const MASKED: &str = "81 85 37fa213d 7f9f4d5158";
const UNMASKED: &str = "81 05 48656c6c6f";
/// Behind another "Hello" in the same context (RFC 7692 §7.2.3.2).
const COMPRESSED: &str = "c1 07 f248cdc9c90700";
const COMPRESSED_AGAIN: &str = "c1 05 f200110000";
/// Masked with 00000000, so that the compressed bytes can be seen.
const COMPRESSED_MASKED: &str = "c1 87 00000000 f248cdc9c90700";

/// The same capture without the SYNs of its only connection.
fn without_syns(path: PathBuf) -> PathBuf {
    let mut bytes = std::fs::read(&path).expect("just written");
    bytes.drain(24..24 + 2 * (16 + 40));
    std::fs::write(&path, bytes).expect("written before");
    path
}

fn run(file: &Path, options: &[&str]) -> Vec<Value> {
    let run = ws101(&[&["pcap", utf8(file), "--format", "jsonl"], options].concat());
    assert!(run.code.is_some_and(|code| code < 2), "{}", run.stderr);
    run.records()
}

fn texts(records: &[Value]) -> Vec<(String, String, bool)> {
    let messages = of_type(records, "message");
    let of = |message: &Value, key: &str| message[key].as_str().unwrap_or("-").to_owned();
    let text = |message: &Value| message["text"].as_str().unwrap_or("-").to_owned();
    messages
        .into_iter()
        .map(|message| (of(message, "direction"), text(message), message["trusted"] == true))
        .collect()
}

fn hello(direction: &str) -> (String, String, bool) {
    (direction.to_owned(), "Hello".to_owned(), true)
}

#[test]
fn frames_without_a_handshake_are_read_if_somebody_says_so() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.hex(0.1, line, Client, MASKED);
    tape.hex(0.2, line, Server, UNMASKED);
    let file = tape.write("stated-short.pcap");
    assert!(of_type(&run(&file, &[]), "connection").is_empty());
    let records = run(&file, &["--assume", "websocket"]);
    let connection = &of_type(&records, "connection")[0];
    assert_eq!(connection["origin"], "assumed");
    assert_eq!(connection["assumed"], json!(["websocket-stated"]));
    assert_eq!(texts(&records), [hello("client"), hello("server")]);
    let text = ws101(&["pcap", utf8(&file), "--assume", "websocket"]);
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("no handshake seen · stated: that it is WebSocket"), "{text}");
}

#[test]
fn what_is_too_little_to_be_recognised_is_not_said_to_be_something_else() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.hex(0.1, line, Client, "88 82 37fa213d 3412");
    tape.hex(0.2, line, Server, "88 02 03e8");
    let skipped = |file: &Path| {
        let records = run(file, &[]);
        assert!(of_type(&records, "connection").is_empty());
        of_type(&records, "summary")[0]["skipped"][0]["reason"].as_str().unwrap_or("").to_owned()
    };
    let whole = tape.write("stated-other.pcap");
    assert_eq!(skipped(&whole), "TCP connections that are not WebSocket");
    let late = without_syns(tape.write("stated-little.pcap"));
    let reason = skipped(&late);
    assert!(reason.contains("beginning was not captured"), "{reason}");
    // What the reason advises.
    assert_eq!(of_type(&run(&late, &["--assume", "websocket"]), "close").len(), 2);
}

#[test]
fn a_connection_older_than_the_capture_is_read_from_the_first_border() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    // The end of a frame of which the beginning was not captured, then whole ones.
    tape.hex(0.1, line, Client, &format!("5158 {}", MASKED.repeat(3)));
    tape.hex(0.2, line, Server, &UNMASKED.repeat(3));
    let file = without_syns(tape.write("stated-late.pcap"));
    let records = run(&file, &["--assume", "websocket"]);
    let texts = texts(&records);
    assert_eq!(texts.iter().filter(|text| **text == hello("client")).count(), 3, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| **text == hello("server")).count(), 3, "{texts:?}");
    assert!(of_type(&records, "frame").iter().any(|frame| frame["recovered"].is_object()));
}

#[test]
fn what_begins_with_http_or_tls_is_what_it_is() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.say(0.1, line, Client, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    tape.say(0.2, line, Server, b"HTTP/1.1 204 No Content\r\n\r\n");
    let line = tape.open(1.0, 50_001);
    tape.hex(1.1, line, Client, "17 03 03 00 08 0102030405060708");
    let file = tape.write("stated-others.pcap");
    let records = run(&file, &["--assume", "websocket"]);
    assert!(of_type(&records, "connection").is_empty(), "{records:?}");
}

/// What a capture has that began late: the ports tell nothing, because the client's is the lower one.
#[test]
fn who_masks_is_the_client_if_only_websocket_is_stated() {
    let close = ["88 82 37fa213d 3412", "88 02 03e8"];
    for (name, said, heard) in [
        ("both", MASKED.repeat(3), UNMASKED.repeat(3)),
        ("client", MASKED.repeat(3), String::new()),
        ("server", String::new(), UNMASKED.repeat(3)),
        ("closes", close[0].to_owned(), close[1].to_owned()),
    ] {
        let mut tape = Tape::default();
        let line = tape.open_between(0.0, ([192, 0, 2, 7], 1000), ([203, 0, 113, 5], 60_000));
        tape.hex(0.1, line, Server, &heard);
        tape.hex(0.2, line, Client, &said);
        let file = without_syns(tape.write(&format!("stated-roles-{name}.pcap")));
        let records = run(&file, &["--assume", "websocket"]);
        let connection = &of_type(&records, "connection")[0];
        assert_eq!(connection["client"], "192.0.2.7:1000", "{name}");
        assert_eq!(connection["assumed"], json!(["websocket-stated"]), "{name}");
        let texts = texts(&records);
        let of = |from: &str| texts.iter().filter(|text| **text == hello(from)).count();
        assert_eq!(of("client"), said.matches(MASKED).count(), "{name}: {texts:?}");
        assert_eq!(of("server"), heard.matches(UNMASKED).count(), "{name}: {texts:?}");
        let closes = if name == "closes" { 2 } else { 0 };
        assert_eq!(of_type(&records, "close").len(), closes, "{name}");
    }
}

#[test]
fn the_client_is_who_is_said_to_be() {
    let mut tape = Tape::default();
    let (client, server) = (([192, 0, 2, 7], 1000), ([203, 0, 113, 5], 60_000));
    let line = tape.open_between(0.0, client, server);
    tape.hex(0.1, line, Client, &MASKED.repeat(3));
    tape.hex(0.2, line, Server, &UNMASKED.repeat(3));
    let file = without_syns(tape.write("stated-client.pcap"));
    for end in ["192.0.2.7:1000", "192.0.2.7"] {
        let records = run(&file, &["--assume", "websocket", "--client", end]);
        let connection = &of_type(&records, "connection")[0];
        assert_eq!(connection["client"], "192.0.2.7:1000", "{end}");
        assert_eq!(connection["assumed"], json!(["websocket-stated", "client-stated"]));
        let texts = texts(&records);
        assert_eq!(texts.iter().filter(|text| **text == hello("client")).count(), 3, "{texts:?}");
        // The wrong way round every frame would break the rules of masking.
        let findings = of_type(&records, "finding");
        let rules: Vec<_> = findings.iter().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules, ["CAP-NO-HANDSHAKE", "MSK-CONSTANT-KEY", "CAP-ENDED-EARLY"]);
    }
    // It is said of that client's connections only.
    let records = run(&file, &["--assume", "websocket", "--client", "192.0.2.8"]);
    assert!(of_type(&records, "connection").iter().all(|one| one["assumed"][0] == "recognised"));
}

#[test]
fn compressed_messages_are_inflated_with_what_was_agreed() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.hex(0.1, line, Client, COMPRESSED_MASKED);
    tape.hex(0.2, line, Server, COMPRESSED);
    tape.hex(0.3, line, Server, COMPRESSED_AGAIN);
    let file = tape.write("stated-deflate.pcap");
    let options = ["--assume", "websocket", "--deflate", "permessage-deflate"];
    let records = run(&file, &options);
    assert_eq!(
        of_type(&records, "connection")[0]["assumed"],
        json!(["websocket-stated", "deflate-stated"])
    );
    assert_eq!(texts(&records), [hello("client"), hello("server"), hello("server")]);
    // A message that refers to one which was not captured can't be known.
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.hex(0.1, line, Client, &COMPRESSED_MASKED.repeat(3));
    tape.hex(0.2, line, Server, &format!("{COMPRESSED_AGAIN}{}", UNMASKED.repeat(3)));
    let late = without_syns(tape.write("stated-deflate-late.pcap"));
    let texts = texts(&run(&late, &options));
    let hidden = texts.iter().find(|text| text.0 == "server").expect("the first of the server");
    assert!(!hidden.2 && hidden.1 != "Hello", "{texts:?}");
    assert_eq!(texts.iter().filter(|text| **text == hello("server")).count(), 3, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| **text == hello("client")).count(), 3, "{texts:?}");
}

#[test]
fn statements_that_cannot_be_read_are_refused() {
    let cases = [
        (["--deflate", "client_window=3"], "there is no parameter client_window"),
        (["--client", "here"], "10.0.0.5:49152"),
        (["--assume", "http"], "websocket"),
    ];
    for (options, message) in cases {
        let run = ws101(&[&["pcap", "samples/captures/chat-plain.pcap"], &options[..]].concat());
        assert_eq!(run.code, Some(2), "{options:?}");
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[test]
fn a_handshake_that_was_seen_is_believed() {
    let file = PathBuf::from("samples/captures/chat-plain.pcap");
    let plain = run(&file, &[]);
    let options = ["--assume", "websocket", "--deflate", "permessage-deflate"];
    assert_eq!(run(&file, &options), plain);
}
