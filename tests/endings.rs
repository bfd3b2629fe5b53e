//! How a connection ended and why: captures made by hand, told by the binary. What each API would
//! report is what RFC 6455 §7.1.5 to §7.1.7 and the WebSocket standard (WHATWG) say it reports.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::{Value, json};
use shared::of_type;
use tape::By::{Client, Server};
use tape::{REQUEST, Tape};

/// The end of the only connection on the tape.
fn end(name: &str, tape: &Tape) -> Value {
    let records = shared::pcap(&tape.write(&format!("ending-{name}.pcap"))).records();
    let ends = of_type(&records, "end");
    assert_eq!(ends.len(), 1, "{name}: {records:#?}");
    ends[0].clone()
}

/// What is told and reported: the sentence without its last clause, then client and server.
fn check(name: &str, tape: &Tape, why: &str, reports: [Option<u16>; 2]) {
    let end = end(name, tape);
    assert_eq!(end["why"], why, "{name}");
    let found = [&end["client_would_report"], &end["server_would_report"]];
    assert_eq!(found, [&json!(reports[0]), &json!(reports[1])], "{name}");
    let file = tape.write(&format!("ending-{name}.pcap"));
    let run = shared::ws101(&["pcap", shared::utf8(&file), "--width", "1000"]);
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(text.contains(&format!(" ended   {why}\n")), "{name}: {text}");
}

const CLOSE_1000_MASKED: &str = "88 82 01 02 03 04 02 ea";

/// Two packets open TCP, two are the handshake, then come both Closes and both FINs.
fn closing_handshake() -> Tape {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Client, CLOSE_1000_MASKED);
    tape.hex(1.1, line, Server, "88 02 03 e8");
    tape.fin(1.1, line, Server);
    tape.fin(1.2, line, Client);
    tape
}

#[test]
fn a_closing_handshake_is_clean() {
    let tape = closing_handshake();
    let why = "the client sent Close 1000 (Normal Closure); the server answered 1000; \
               the server closed TCP; clean; both APIs would report 1000";
    check("clean", &tape, why, [Some(1000), Some(1000)]);
}

#[test]
fn a_close_without_a_code_is_reported_as_1005() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "88 00");
    tape.hex(1.1, line, Client, "88 80 01 02 03 04");
    tape.fin(1.1, line, Server);
    let why = "the server sent Close without a code; the client answered without a code; \
               the server closed TCP; clean; both APIs would report 1005";
    check("no-code", &tape, why, [Some(1005), Some(1005)]);
}

#[test]
fn a_peer_that_is_gone_never_reads_the_close() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    for second in [10.0, 30.0] {
        tape.hex(second, line, Server, "89 00");
        tape.hex(second + 0.05, line, Client, "8a 80 01 02 03 04");
    }
    tape.hex(50.0, line, Server, "89 00");
    tape.hex(70.0, line, Server, "88 02 03 f3");
    tape.fin(70.0, line, Server);
    let why = "the server sent Close 1011 (Internal Error) after its third Ping had gone unanswered \
               for 20.0 s; the client never replied; the server closed TCP; \
               both APIs would report 1006";
    check("half-open", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn pongs_are_paired_with_their_pings_and_timed() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    for (number, second, trip) in [(1, 10.0, 0.1), (2, 20.0, 0.3), (3, 30.0, 0.2), (4, 95.0, 0.0)] {
        tape.hex(second, line, Server, &format!("89 01 3{number}"));
        if trip > 0.0 {
            // The digit under the key 01 02 03 04.
            let pong = format!("8a 81 01 02 03 04 {:02x}", (0x30 + number) ^ 1);
            tape.hex(second + trip, line, Client, &pong);
        }
    }
    let end = end("pings", &tape);
    let heartbeat = &end["heartbeats"][0];
    assert_eq!(heartbeat["direction"], "server");
    assert_eq!((&heartbeat["pings"], &heartbeat["answered"]), (&json!(4), &json!(3)));
    assert_eq!(heartbeat["round_trip"], json!([0.1, 0.2, 0.3]));
    assert_eq!(end["silence"], json!(64.8), "from the third Pong to the fourth Ping");
    let file = tape.write("ending-pings.pcap");
    let run = shared::ws101(&["pcap", shared::utf8(&file), "--width", "1000"]);
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    let said = " pings   4 by the server, 3 answered in 200 ms (median; 100 ms to 300 ms)\n";
    assert!(text.contains(said), "{text}");
    assert!(text.contains("300 ms after its ping\n"), "{text}");
    assert!(text.contains(" silence 64.8 s, in which nobody said anything\n"), "{text}");
}

#[test]
fn pings_without_an_answer_make_a_server_reset_the_connection() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(5.0, line, Client, "81 81 01 02 03 04 60");
    for second in [10.0, 20.0, 30.0] {
        tape.hex(second, line, Server, "89 00");
    }
    tape.rst(40.0, line, Server);
    let why = "the server reset TCP after 3 of its Pings had gone unanswered, the first for 30.0 s, \
               without a Close from either side; both APIs would report 1006";
    check("reset", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn a_server_fails_the_connection_of_a_client_that_does_not_mask() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Client, "81 05 48 65 6c 6c 6f");
    tape.hex(1.1, line, Server, "88 02 03 ea");
    tape.fin(1.1, line, Server);
    tape.hex(1.2, line, Client, "88 82 01 02 03 04 02 e8");
    tape.fin(1.2, line, Client);
    // A server that failed the connection does not read the answer (§7.1.7).
    let why = "the server sent Close 1002 (Protocol error) after the client sent an unmasked frame \
               (frame 1, MSK-CLIENT-UNMASKED); the client answered 1002, when the server had closed \
               TCP; a browser would report 1002, the server's API 1006";
    check("unmasked", &tape, why, [Some(1002), Some(1006)]);
}

#[test]
fn a_server_drops_a_client_that_does_not_mask_without_a_word() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Client, "81 05 48 65 6c 6c 6f");
    tape.rst(1.1, line, Server);
    let why = "the server reset TCP after the client sent an unmasked frame \
               (frame 1, MSK-CLIENT-UNMASKED), without a Close from either side; \
               both APIs would report 1006";
    check("unmasked-reset", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn a_browser_that_fails_the_connection_reports_1006_whatever_is_answered() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "81 02 c3 28");
    tape.hex(1.1, line, Client, "88 82 01 02 03 04 02 ed");
    tape.hex(1.2, line, Server, "88 02 03 ef");
    tape.fin(1.2, line, Server);
    let why = "the client sent Close 1007 (Invalid frame payload data) after the server sent a text \
               that is not UTF-8 (frame 1, UTF-INVALID-BYTE); the server answered 1007; the server \
               closed TCP; clean; a browser would report 1006, the server's API 1007";
    check("not-utf8", &tape, why, [Some(1006), Some(1007)]);
}

#[test]
fn a_message_too_big_is_named_with_its_size() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    // 2^21 bytes are announced, and some come.
    tape.hex(1.0, line, Client, "82 ff 00 00 00 00 00 20 00 00 01 02 03 04 00 00");
    tape.hex(1.1, line, Server, "88 02 03 f1");
    tape.fin(1.1, line, Server);
    tape.rst(1.2, line, Client);
    let why = "the server sent Close 1009 (Message Too Big) after the client sent a frame of \
               2097152 bytes; the client never replied; the server closed TCP; \
               a browser would report 1009, the server's API 1006";
    check("too-big", &tape, why, [Some(1009), Some(1006)]);
}

#[test]
fn closes_that_cross_answer_each_other() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.say(0.5, line, Server, &[0x81, 0]);
    tape.say(0.6, line, Client, &[0x81, 0x80, 1, 2, 3, 4]);
    tape.hex(1.0, line, Client, CLOSE_1000_MASKED);
    tape.say_deaf(1.0, line, Server, &[0x88, 2, 0x03, 0xe9]);
    tape.fin(1.1, line, Server);
    tape.fin(1.1, line, Client);
    let why = "the client sent Close 1000 (Normal Closure); the server had sent its own, \
               1001 (Going Away), before that reached it; the server closed TCP; clean; \
               a browser would report 1001, the server's API 1000";
    check("crossed", &tape, why, [Some(1001), Some(1000)]);
}

#[test]
fn an_idle_timer_is_named() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Client, "81 81 01 02 03 04 60");
    tape.fin(61.0, line, Server);
    let why = "the server closed TCP after 60.0 s of silence (the time-out of nginx \
               (proxy_read_timeout) or an AWS load balancer, by default), without a Close from \
               either side; both APIs would report 1006";
    check("idle", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn a_server_may_vanish_in_the_middle_of_a_frame() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "81 05 48 65");
    tape.rst(1.1, line, Server);
    let why = "the server reset TCP in the middle of a frame, without a Close from either side; \
               both APIs would report 1006";
    check("torn", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn a_code_that_must_not_be_sent_fails_the_connection() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "88 02 03 ed");
    tape.hex(1.1, line, Client, "88 82 01 02 03 04 02 e8");
    tape.fin(1.2, line, Server);
    let why = "the server sent Close 1005 (No Status Rcvd); the client answered 1002 (Protocol \
               error); the server closed TCP; not clean, because that code must not be sent; \
               a browser would report 1006, the server's API 1002";
    check("pseudo", &tape, why, [Some(1006), Some(1002)]);
}

#[test]
fn a_refusal_is_1006_for_a_browser_and_nothing_for_a_server() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    tape.say(0.2, line, Server, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    tape.fin(0.3, line, Client);
    let why = "the server refused the upgrade with 403; the client closed TCP; \
               a browser would report 1006";
    check("refused", &tape, why, [Some(1006), None]);
}

#[test]
fn a_client_leaves_after_an_accept_that_does_not_answer() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    let wrong = tape::ACCEPTED.replace("Ozi3DgKUQ", "AAi3DgKUQ");
    tape.say(0.2, line, Server, wrong.as_bytes());
    tape.fin(0.3, line, Client);
    let why = "the client closed TCP after a 101 that breaks HS-RES-ACCEPT-VALUE, without a Close \
               from either side; both APIs would report 1006";
    check("bad-accept", &tape, why, [Some(1006), Some(1006)]);
}

#[test]
fn an_open_connection_has_nothing_to_report() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "81 00");
    check("open", &tape, "it was still open when the capture ended", [None, None]);
}

/// The same closing handshake with one Close, or both, not captured: nothing is claimed of what is
/// missing, neither that there was no answer nor who was first, nor a 1006 that nobody reported.
#[test]
fn a_close_that_was_not_captured_is_not_denied() {
    let lost = |numbers: &[usize]| {
        let mut tape = closing_handshake();
        tape.lose(numbers);
        tape
    };
    let why = "the client sent Close 1000 (Normal Closure); what the server sent last was not captured; \
               the server closed TCP; the server's API would report 1000";
    check("answer-lost", &lost(&[6]), why, [None, Some(1000)]);
    let why = "the server sent Close 1000 (Normal Closure); what the client sent last was not captured; \
               the server closed TCP; a browser would report 1000";
    check("first-lost", &lost(&[5]), why, [Some(1000), None]);
    let why = "the server closed TCP; no Close was captured";
    check("both-lost", &lost(&[5, 6]), why, [None, None]);
    for numbers in [&[5][..], &[6], &[5, 6]] {
        assert_eq!(end("lost", &lost(numbers))["closed_by"], Value::Null, "{numbers:?}");
    }
}
