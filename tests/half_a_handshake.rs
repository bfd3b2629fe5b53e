//! Half a handshake: the capture lacks the request, the answer, a part of either. What is read, and
//! what is said of that which was assumed.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{of_type, text, utf8, ws101};
use std::sync::atomic::{AtomicUsize, Ordering};
use tape::By::{Client, Server};
use tape::Tape;

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: Ozi3DgKUQuilRLfXX2e3c0dy3mk=\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// "Hello" twice in one context (RFC 7692 §7.2.3.2); the client's masked with 00000000.
const ASKED: [&str; 2] = ["c1 87 00000000 f248cdc9c90700", "c1 85 00000000 f200110000"];
const ANSWERED: [&str; 2] = ["c1 07 f248cdc9c90700", "c1 05 f200110000"];

/// SYN, SYN and ACK, the request in two segments (3, 4), the answer in two (5, 6), then "Hello" four
/// times from each.
fn conversation(lost: &[usize]) -> Tape {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    let (one, two) = REQUEST.split_at(40);
    tape.say(0.1, line, Client, one.as_bytes());
    tape.say(0.1, line, Client, two.as_bytes());
    let (one, two) = ACCEPTED.split_at(90);
    tape.say(0.2, line, Server, one.as_bytes());
    tape.say(0.2, line, Server, two.as_bytes());
    for _ in 0..2 {
        for (asked, answered) in ASKED.iter().zip(ANSWERED) {
            tape.hex(0.3, line, Client, asked);
            tape.hex(0.4, line, Server, answered);
        }
    }
    tape.fin(0.5, line, Client);
    tape.fin(0.6, line, Server);
    tape.lose(lost);
    tape
}

/// What was lost, and the name of the case.
const HALVES: [(&str, &[usize]); 7] = [
    ("only-request", &[5, 6]),
    ("only-answer", &[3, 4]),
    ("answer-begins", &[6]),
    ("answer-ends", &[5]),
    ("request-ends", &[3]),
    ("request-begins", &[4]),
    ("capture-begins-late", &[1, 2, 3]),
];

fn records(name: &str, lost: &[usize], options: &[&str]) -> Vec<Value> {
    // Tests run at the same time, and each writes its own.
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let file = conversation(lost).write(&format!("half-{name}-{number}.pcap"));
    let run = ws101(&[&["pcap", utf8(&file), "--format", "jsonl"], options].concat());
    assert!(run.code.is_some_and(|code| code < 2), "{}", run.stderr);
    run.records()
}

fn shown(name: &str, lost: &[usize]) -> String {
    let file = conversation(lost).write(&format!("half-{name}-shown.pcap"));
    let run = ws101(&["pcap", utf8(&file), "--width", "200"]);
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn details(records: &[Value], rule: &str) -> Vec<String> {
    let found = of_type(records, "finding").into_iter().filter(|it| it["rule"] == rule);
    found.map(|finding| text(finding, "detail").to_owned()).collect()
}

#[test]
fn whatever_half_is_missing_all_messages_are_read() {
    for (name, lost) in HALVES {
        for options in [&[][..], &["--deflate", "permessage-deflate"]] {
            let records = records(name, lost, options);
            let messages = of_type(&records, "message");
            for from in ["client", "server"] {
                let own: Vec<_> = messages.iter().filter(|it| it["direction"] == from).collect();
                assert_eq!(own.len(), 4, "{name}, {from} {options:?}");
                assert!(own.iter().all(|it| it["text"] == "Hello"), "{name}, {from}: {own:?}");
                assert!(own.iter().all(|it| it["trusted"] == true), "{name}, {from}: {own:?}");
            }
            assert_eq!(of_type(&records, "handshake").len(), 1, "{name}");
            assert_ne!(of_type(&records, "handshake")[0]["valid"], true, "{name}");
            assert!(of_type(&records, "end")[0]["why"] != Value::Null, "{name}");
        }
    }
}

#[test]
fn what_is_missing_of_the_handshake_is_said() {
    for (name, lost) in HALVES {
        let said = details(&records(name, lost, &[]), "CAP-NO-HANDSHAKE");
        let what = match name {
            "only-request" | "answer-ends" => "no 101 was captured before this frame",
            _ => "the handshake was not captured whole",
        };
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].starts_with(what), "{name}: {said:?}");
        assert!(said[0].contains("what was agreed is not known"), "{name}: {said:?}");
        let text = shown(name, lost);
        let verdict = match name {
            "only-request" | "answer-ends" => "? answer not captured",
            _ => "? handshake not whole",
        };
        assert!(text.contains(verdict), "{name}: {text}");
        assert!(!text.contains("refused") && !text.contains("never answered"), "{name}: {text}");
    }
}

#[test]
fn what_was_stated_instead_is_said() {
    for (name, lost) in HALVES {
        let options = ["--deflate", "permessage-deflate"];
        let said = details(&records(name, lost, &options), "CAP-NO-HANDSHAKE");
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].contains("is taken from --deflate"), "{name}: {said:?}");
    }
}

/// Without takeover each message begins anew, and only who knows that can trust one behind a gap.
#[test]
fn a_statement_tells_how_far_a_loss_reaches() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    tape.say(0.2, line, Server, ACCEPTED.as_bytes());
    for _ in 0..6 {
        tape.hex(0.3, line, Server, ANSWERED[0]);
    }
    tape.fin(0.5, line, Server);
    // The answer, and a message.
    tape.lose(&[4, 6]);
    let file = tape.write("half-takeover.pcap");
    for options in [&[][..], &["--deflate", "server_no_context_takeover"]] {
        let run = ws101(&[&["pcap", utf8(&file), "--format", "jsonl"], options].concat());
        let records = run.records();
        let texts = of_type(&records, "message");
        assert!(!texts.is_empty(), "{options:?}");
        assert!(texts.iter().all(|it| it["text"] == "Hello" || it["trusted"] == false));
    }
}

#[test]
fn the_whole_handshake_needs_no_words() {
    let records = records("whole", &[], &[]);
    assert_eq!(of_type(&records, "handshake")[0]["valid"], true);
    assert_eq!(of_type(&records, "gap").len(), 0);
    assert_eq!(details(&records, "CAP-NO-HANDSHAKE"), Vec::<String>::new());
}

#[test]
fn a_gap_is_told_as_what_came_of_it() {
    // Behind it, frames are found.
    let found = records("gap-found", &[8], &[]);
    assert_eq!(details(&found, "CAP-UNREAD"), Vec::<String>::new());
    // Nothing there is certain: a single byte behind the gap.
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    tape.hex(0.1, line, Server, "82 05 0102030405");
    tape.hex(0.2, line, Server, "82 05 0102030405");
    tape.hex(0.3, line, Server, "05");
    tape.fin(0.4, line, Server);
    tape.lose(&[6]);
    let file = tape.write("half-given-up.pcap");
    let records = ws101(&["pcap", utf8(&file), "--format", "jsonl"]).records();
    let said = [details(&records, "CAP-GAP"), details(&records, "CAP-UNREAD")].concat();
    assert_eq!(said.len(), 2, "{said:?}");
    // It is told before anybody knows whether a border will be found: true in both cases.
    let marked = "begins is lost; frames that are found again behind it are marked so";
    assert!(said[0].ends_with(marked), "{said:?}");
    assert!(details(&found, "CAP-GAP")[0].ends_with(marked));
    assert!(of_type(&found, "frame").iter().any(|frame| frame["recovered"].is_object()));
    assert!(of_type(&records, "frame").iter().all(|frame| frame["recovered"].is_null()));
    assert!(said[1].starts_with("nothing was read of the last byte of the server"), "{said:?}");
}

/// A head that is longer than what is read of one is told, and frames are looked for behind it.
#[test]
fn a_head_that_is_too_long_is_told() {
    let many: String = (0..5000).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let long = "b".repeat(300_000);
    for (lines, whole) in [(many, true), (format!("X-Long: {long}\r\n"), false)] {
        for in_answer in [false, true] {
            let [request, answer] = [(REQUEST, !in_answer), (ACCEPTED, in_answer)].map(
                |(head, is_long)| match is_long {
                    true => head.replace(
                        "Connection: Upgrade\r\n",
                        &format!("Connection: Upgrade\r\n{lines}"),
                    ),
                    false => head.to_owned(),
                },
            );
            let mut tape = Tape::default();
            let line = tape.open(0.0, 50_000);
            for (by, head) in [(Client, request), (Server, answer)] {
                for piece in head.as_bytes().chunks(30_000) {
                    tape.say(0.1, line, by, piece);
                }
            }
            for _ in 0..4 {
                tape.hex(0.3, line, Client, ASKED[0]);
                tape.hex(0.4, line, Server, ANSWERED[0]);
            }
            let file = tape.write("half-too-long.pcap");
            let records = ws101(&["pcap", utf8(&file), "--format", "jsonl"]).records();
            let rule = if in_answer { "HS-RES-STATUS-LINE" } else { "HS-REQ-HTTP-SYNTAX" };
            let said = details(&records, rule);
            assert!(said.len() == 1 && said[0].contains("was not read"), "{rule}: {said:?}");
            assert_eq!(of_type(&records, "handshake").len(), 1);
            // What stands behind 4,096 lines is stepped over; 256 KiB hide where the head ends.
            let frames = of_type(&records, "frame").len();
            assert!(if whole { frames == 8 } else { frames >= 4 }, "{frames}, {in_answer}");
            let errors = of_type(&records, "finding");
            assert!(errors.iter().all(|it| it["severity"] != "error"), "{errors:?}");
        }
    }
}
