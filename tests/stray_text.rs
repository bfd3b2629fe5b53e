//! Servers that write past their library: text in front of the answer, a head without its empty line,
//! text where the first frame belongs. What each client of RFC 9112 §2.1 and RFC 6455 §4.1 would meet,
//! however the bytes are cut into segments.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{errors, of_type, pcap, text};
use tape::By::{Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

const FROM_SERVER: &str = "\u{1}\u{5}Hello";

/// What the server said in answer to the handshake, cut after every so many bytes; then it closes TCP.
fn answered_by(name: &str, answer: &[u8], cut: usize) -> Vec<Value> {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    for piece in answer.chunks(cut) {
        tape.say(0.2, line, Server, piece);
    }
    tape.fin(0.3, line, Server);
    tape.fin(0.4, line, Client);
    pcap(&tape.write(&format!("stray-{name}-{cut}.pcap"))).records()
}

/// A whole unmasked text frame.
fn hello() -> Vec<u8> {
    let mut frame = FROM_SERVER.as_bytes().to_vec();
    frame[0] |= 0x80;
    frame
}

fn rules(records: &[Value]) -> Vec<&str> {
    errors(records).into_iter().map(|finding| text(finding, "rule")).collect()
}

fn texts(records: &[Value]) -> Vec<&str> {
    of_type(records, "message").into_iter().map(|message| text(message, "text")).collect()
}

const CUTS: [usize; 5] = [1, 3, 17, 100, 10_000];

#[test]
fn text_in_front_of_the_status_line_is_named_and_the_answer_read() {
    for stray in ["DEBUG: got key dGhl\r\n", "hi", "   ", "starting\n\nlistening on 8080 …\n"] {
        let answer = [stray.as_bytes(), ACCEPTED.as_bytes(), &hello()].concat();
        for cut in CUTS {
            let records = answered_by(&format!("before-{}", stray.len()), &answer, cut);
            assert_eq!(rules(&records), ["HS-RES-STATUS-LINE"], "{stray:?} cut {cut}");
            let finding = errors(&records)[0];
            let first = stray.trim_end().lines().next().unwrap_or_default();
            assert!(text(finding, "detail").contains(first), "{finding}");
            assert_eq!(finding["span"], serde_json::json!([0, stray.len()]), "{finding}");
            assert_eq!(texts(&records), ["Hello"], "{stray:?} cut {cut}");
            assert_eq!(of_type(&records, "handshake")[0]["valid"], false);
        }
    }
}

#[test]
fn text_and_no_answer_is_no_frame() {
    for banner in ["SSH-2.0-OpenSSH_9.6\r\n", "hi", "a line\n".repeat(2000).as_str()] {
        for cut in CUTS {
            let records = answered_by(&format!("banner-{}", banner.len()), banner.as_bytes(), cut);
            assert!(of_type(&records, "frame").is_empty(), "{banner:.20} cut {cut}");
            assert!(of_type(&records, "message").is_empty(), "{banner:.20} cut {cut}");
            assert_eq!(of_type(&records, "handshake")[0]["outcome"], "incomplete");
        }
    }
}

#[test]
fn a_head_without_its_empty_line_is_told_and_what_follows_is_read() {
    let head = ACCEPTED.strip_suffix("\r\n").expect("an empty line");
    for (name, behind, expected) in [("alone", vec![], &[][..]), ("frame", hello(), &["Hello"])] {
        let answer = [head.as_bytes(), &behind].concat();
        for cut in CUTS {
            let records = answered_by(&format!("unended-{name}"), &answer, cut);
            assert_eq!(rules(&records), ["HS-RES-STATUS-LINE"], "{name} cut {cut}");
            assert!(text(errors(&records)[0], "detail").contains("empty line"));
            assert_eq!(texts(&records), expected, "{name} cut {cut}");
            let handshake = of_type(&records, "handshake")[0];
            assert_eq!(handshake["status"], 101, "{handshake}");
        }
    }
}

#[test]
fn a_head_whose_end_was_not_captured_is_not_called_broken() {
    for cut in 1..ACCEPTED.len() {
        let mut tape = Tape::default();
        let line = tape.open(0.0, 50_000);
        tape.say(0.1, line, Client, REQUEST.as_bytes());
        tape.say(0.2, line, Server, &ACCEPTED.as_bytes()[..cut]);
        let records = pcap(&tape.write("stray-cut.pcap")).records();
        assert!(rules(&records).is_empty(), "cut at {cut}: {:?}", rules(&records));
    }
}

#[test]
fn text_behind_the_101_is_told_as_text() {
    for stray in ["{\"type\":\"welcome\"}\n", "hello client\r\n", "ok: go on", "Bye!\n", "ok\n"] {
        let answer = [ACCEPTED.as_bytes(), stray.as_bytes()].concat();
        for cut in CUTS {
            let records = answered_by(&format!("behind-{}", stray.len()), &answer, cut);
            assert_eq!(rules(&records), ["HS-RES-HTTP-AFTER-101"], "{stray:?} cut {cut}");
            assert!(text(errors(&records)[0], "detail").contains("plain text"));
            assert!(of_type(&records, "frame").is_empty(), "{stray:?} cut {cut}");
        }
    }
}

/// With permessage-deflate `A` may be FIN 0, RSV1, text: a compressed message in fragments.
#[test]
fn a_compressed_message_in_fragments_is_not_taken_for_text() {
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let asked = REQUEST.replace("\r\n\r\n", &format!("\r\n{deflate}"));
    let agreed = ACCEPTED.replace("\r\n\r\n", &format!("\r\n{deflate}"));
    // "Hello", compressed with no compression (RFC 7692 §7.2.3.3), cut so that it begins with "A".
    let message = [0x41, 3, 0x00, 0x05, 0x00, 0x80, 8, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o', 0];
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    tape.say(0.1, line, Client, asked.as_bytes());
    tape.say(0.2, line, Server, agreed.as_bytes());
    tape.say(0.3, line, Server, &message);
    let records = pcap(&tape.write("stray-deflate.pcap")).records();
    assert_eq!(texts(&records), ["Hello"]);
    assert!(rules(&records).is_empty(), "{:?}", rules(&records));
}
