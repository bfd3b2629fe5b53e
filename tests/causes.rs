//! One root cause, not twenty symptoms: told once for each connection, and what follows says so.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::{Value, json};
use shared::{of_type, text};
use tape::By::{Client, Server};
use tape::{REQUEST, Tape};

fn records(name: &str, tape: &Tape) -> Vec<Value> {
    shared::pcap(&tape.write(&format!("cause-{name}.pcap"))).records()
}

/// What the binary prints about a tape.
fn shown(name: &str, tape: &Tape, more: &[&str]) -> String {
    let file = tape.write(&format!("cause-{name}.pcap"));
    let run = shared::ws101(&[&["pcap", shared::utf8(&file), "--width", "400"], more].concat());
    String::from_utf8(run.stdout).expect("UTF-8")
}

/// The only cause on the tape is this, and these rules follow from it.
fn check(name: &str, tape: &Tape, cause: &str, rules: &[&str]) {
    let records = records(name, tape);
    let causes = of_type(&records, "cause");
    assert_eq!(causes.len(), 1, "{name}: {records:#?}");
    assert_eq!(causes[0]["cause"], cause, "{name}");
    let end = of_type(&records, "end")[0];
    assert_eq!(end["causes"][0]["cause"], cause, "{name}");
    assert_eq!(end["causes"][0]["rules"], json!(rules), "{name}");
    let findings = of_type(&records, "finding");
    let follow = findings.iter().filter(|finding| finding["root"] == cause).count();
    assert_eq!(end["causes"][0]["findings"], follow, "{name}");
}

#[test]
fn a_proxy_that_strips_upgrade_is_named_on_both_sides() {
    let claim = "a_proxy_that_strips_upgrade_is_named_on_both_sides";
    let Some((file, truth)) = shared::recording(claim, "nginx-proxy") else { return };
    let records = shared::pcap(&file).records();
    let causes = of_type(&records, "cause");
    let mut legs: Vec<_> = causes
        .iter()
        .map(|it| (&it["connection"], &it["cause"], &it["other_connection"]))
        .collect();
    legs.sort_by_key(|leg| leg.0.as_u64());
    let stripped = json!("upgrade-stripped");
    // The client's connection to nginx is 3, nginx's to the server behind it 4.
    assert_eq!(legs, [(&json!(3), &stripped, &json!(4)), (&json!(4), &stripped, &json!(3))]);
    let connections = of_type(&records, "connection");
    let server = |number: u64| {
        let found = connections.iter().find(|it| it["connection"] == number).expect("it is there");
        text(found, "server").rsplit(':').next().and_then(|port| port.parse::<u64>().ok())
    };
    assert_eq!(server(3), truth["port"].as_u64());
    assert_eq!(server(4), truth["upstream"].as_u64());
}

#[test]
fn a_client_that_never_masks_is_told_once() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    for number in 0..12u8 {
        tape.say(f64::from(number), line, Client, &[0x81, 1, b'a' + number]);
    }
    tape.hex(13.0, line, Server, "88 02 03 ea");
    tape.fin(13.0, line, Server);
    check("unmasked", &tape, "client-does-not-mask", &["MSK-CLIENT-UNMASKED", "CLS-EXPLAIN"]);
    let overview = shown("unmasked", &tape, &[]);
    assert!(
        overview.contains("13 findings follow from it: MSK-CLIENT-UNMASKED ×12,"),
        "{overview}"
    );
    assert!(!overview.contains("error[MSK-CLIENT-UNMASKED]"), "{overview}");
    let stream = shown("unmasked", &tape, &["--connection", "1"]);
    assert_eq!(stream.matches("error[MSK-CLIENT-UNMASKED]").count(), 3, "{stream}");
    assert!(stream.contains("… and 9 more like this: MSK-CLIENT-UNMASKED"), "{stream}");
    assert_eq!(stream.matches("the client does not mask its frames").count(), 1, "{stream}");
}

#[test]
fn a_tls_alert_in_answer_to_http_means_the_wrong_port() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    tape.hex(0.2, line, Server, "15 03 01 00 02 02 46");
    tape.fin(0.2, line, Server);
    let records = records("tls-alert", &tape);
    assert_eq!(of_type(&records, "cause")[0]["cause"], "plaintext-to-tls-port", "{records:#?}");

    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, REQUEST.as_bytes());
    let page = "<html>400 The plain HTTP request was sent to HTTPS port</html>";
    let answer =
        format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    tape.say(0.2, line, Server, answer.as_bytes());
    tape.fin(0.2, line, Server);
    let records = self::records("https-port", &tape);
    assert_eq!(of_type(&records, "cause")[0]["cause"], "plaintext-to-tls-port", "{records:#?}");
}

#[test]
fn tls_inside_the_connection_is_recognised() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    hello.extend([0x5a; 506]);
    tape.say(0.1, line, Client, &hello);
    tape.rst(0.2, line, Server);
    let records = records("tls-inside", &tape);
    assert_eq!(of_type(&records, "cause")[0]["cause"], "tls-where-frames-belong", "{records:#?}");
}

#[test]
fn http_behind_the_101_is_one_cause() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.say(0.1, line, Server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    tape.hex(0.2, line, Client, "88 82 01 02 03 04 02 e8");
    tape.fin(0.2, line, Client);
    let records = records("http", &tape);
    let causes = of_type(&records, "cause");
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0]["cause"], "http-where-frames-belong");
    let why = text(of_type(&records, "end")[0], "why");
    assert!(why.contains("after the server sent HTTP where a frame should begin"), "{why}");
}

#[test]
fn a_server_that_masks_and_two_writers_are_told_apart() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    for second in 1..5 {
        tape.hex(f64::from(second), line, Server, "81 81 01 02 03 04 60");
    }
    tape.rst(6.0, line, Client);
    check("server-masks", &tape, "server-masks", &["MSK-SERVER-MASKED"]);

    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    // "Hel" begins, "x" begins inside it, both go on.
    tape.hex(1.0, line, Server, "01 03 48 65 6c 01 01 78 80 02 6c 6f 80 01 79");
    tape.rst(2.0, line, Client);
    check("writers", &tape, "two-writers", &["FRG-INTERLEAVED", "FRG-CONT-WITHOUT-START"]);
}

#[test]
fn compression_without_agreement_is_one_cause() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    for second in 1..4 {
        tape.hex(f64::from(second), line, Server, "c1 07 f2 48 cd c9 c9 07 00");
    }
    tape.rst(5.0, line, Client);
    let records = records("deflate", &tape);
    let causes = of_type(&records, "cause");
    assert_eq!(causes.len(), 1, "{records:#?}");
    assert_eq!(causes[0]["cause"], "compression-not-agreed");
}

#[test]
fn a_clean_connection_has_no_cause() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50001);
    tape.hex(1.0, line, Server, "81 02 68 69 88 02 03 e8");
    tape.hex(1.1, line, Client, "88 82 01 02 03 04 02 ea");
    tape.fin(1.2, line, Server);
    let records = records("clean", &tape);
    assert_eq!(of_type(&records, "cause").len(), 0);
    assert!(of_type(&records, "end")[0].get("causes").is_none());
}

#[test]
fn who_only_forgets_upgrade_has_no_proxy_to_blame() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, REQUEST.replace("Upgrade: websocket\r\n", "").as_bytes());
    tape.say(0.2, line, Server, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    tape.fin(0.3, line, Server);
    assert_eq!(of_type(&records("forgot", &tape), "cause").len(), 0);
}

#[test]
fn tls_to_a_port_for_plain_http_is_named() {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50001);
    tape.say(0.1, line, Client, &hello());
    tape.say(0.2, line, Server, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    tape.fin(0.3, line, Server);
    tape.fin(0.3, line, Client);
    let records = records("hello", &tape);
    let tls = of_type(&records, "tls");
    assert_eq!(tls[0]["why"], "answered-in-clear", "{records:#?}");
    let finding = of_type(&records, "finding")[0];
    assert_eq!(
        (&finding["rule"], &finding["severity"]),
        (&json!("CAP-TLS-OPAQUE"), &json!("warning"))
    );
    assert!(text(finding, "mend").contains("ws://"), "{finding}");
    let shown = shown("hello", &tape, &[]);
    assert!(shown.contains("the client speaks TLS to a port that expects plain HTTP"), "{shown}");
}

/// A ClientHello (RFC 8446 §4.1.2) with a random number of ones, one cipher suite, no extensions.
fn hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[1; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    [&[0x16, 3, 1, 0, message.len() as u8][..], &message].concat()
}

#[test]
fn a_handshake_in_a_text_has_its_cause_and_one_line_for_what_follows() {
    let file = "samples/broken/upgrade-stripped-by-a-proxy.http";
    let folded = |more: &[&str]| {
        let run = shared::ws101(&[&["handshake", file, "--width", "200"], more].concat());
        String::from_utf8(run.stdout).expect("UTF-8")
    };
    let text = folded(&[]);
    assert!(text.contains("cause[upgrade-stripped]"), "{text}");
    assert!(text.contains("HS-REQ-UPGRADE-PRESENT") && text.contains("SEC-HOP-STRIPPED"), "{text}");
    // How to mend it is said once, by the cause.
    assert_eq!(text.matches("= mend:").count(), 0, "{text}");
    assert!(folded(&["-v"]).matches("= mend:").count() >= 3);
}
