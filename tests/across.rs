//! What connections of one client and one server have to do with each other, told by the binary.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{number, of_type, text};
use tape::By::{Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

/// The findings of that rule on the tape.
fn found(name: &str, tape: &Tape, rule: &str) -> Vec<Value> {
    let records = shared::pcap(&tape.write(&format!("across-{name}.pcap"))).records();
    let mut found: Vec<Value> = of_type(&records, "finding").into_iter().cloned().collect();
    found.retain(|finding| finding["rule"] == rule);
    found
}

#[test]
fn a_loop_without_back_off_is_a_storm_and_one_with_it_is_none() {
    let Some((file, truth)) = shared::recording(
        "a_loop_without_back_off_is_a_storm_and_one_with_it_is_none",
        "reconnect-storm",
    ) else {
        return;
    };
    let records = shared::pcap(&file).records();
    let findings = of_type(&records, "finding");
    let storms: Vec<_> =
        findings.into_iter().filter(|it| it["rule"] == "SEC-RECONNECT-STORM").collect();
    assert_eq!(storms.len(), 1, "it is told once: {storms:#?}");
    assert_eq!(storms[0]["severity"], "warning");
    assert_eq!(storms[0]["connection"], 5);
    assert!(number(&truth["reconnects"], "tight") >= 5, "the reference");
    // By the time stamps of SYN and FIN in the capture.
    let detail = text(storms[0], "detail");
    assert!(detail.contains("(connections 1 to 5)"), "{detail}");
    assert!(detail.contains("the client waited 1 ms, 1 ms, 1 ms, 1 ms"), "{detail}");
}

/// Attempts that are reset 10 ms after they began, and what the client waits after each.
fn attempts(pauses: &[f64]) -> Tape {
    let (mut tape, mut now) = (Tape::default(), 0.0);
    for (port, pause) in (50001..).zip(pauses.iter().chain([&0.0])) {
        let line = tape.upgrade(now, port);
        tape.rst(now + 0.01, line, Server);
        now += 0.01 + pause;
    }
    tape
}

#[test]
fn pauses_that_grow_are_no_storm() {
    let storms = |name, pauses: &[f64]| found(name, &attempts(pauses), "SEC-RECONNECT-STORM");
    assert_eq!(storms("grow", &[0.5, 1.1, 1.9, 4.2, 8.0]).len(), 0);
    assert_eq!(storms("tight", &[0.02, 0.03, 0.02, 0.03])[0]["severity"], "warning");
    assert_eq!(storms("even", &[5.0, 5.0, 5.0, 5.0])[0]["severity"], "note");
    assert_eq!(storms("few", &[0.01, 0.01, 0.01]).len(), 0);
    assert_eq!(storms("slow", &[20.0, 20.0, 20.0, 20.0]).len(), 0);
    // One storm is told once, however long it lasts.
    assert_eq!(storms("long", &[0.02; 60]).len(), 1);
}

#[test]
fn a_storm_far_down_the_capture_is_shown() {
    let mut tape = Tape::default();
    for port in 40001..40009 {
        let line = tape.open_between(0.0, ([192, 0, 2, 9], port), ([203, 0, 113, 5], 80));
        tape.say(0.0, line, Client, REQUEST.as_bytes());
        tape.say(0.0, line, Server, ACCEPTED.as_bytes());
    }
    for port in 50001..50007 {
        let now = f64::from(port - 50000);
        let line = tape.upgrade(now, port);
        tape.rst(now + 0.99, line, Server);
    }
    let file = tape.write("across-far.pcap");
    let shown = shared::ws101(&["pcap", shared::utf8(&file)]);
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(shown.contains("on connection 13, compared with earlier ones:"), "{shown}");
    assert!(shown.contains("SEC-RECONNECT-STORM"), "{shown}");
    // It may explain all the others: first of all it is told under the table, wherever it was found.
    for args in [&["pcap", shared::utf8(&file)][..], &["pcap", shared::utf8(&file), "--summary"]] {
        let shown = String::from_utf8(shared::ws101(args).stdout).expect("UTF-8");
        let told = " warning[SEC-RECONNECT-STORM]  on connection 13\n";
        let told = shown.find(told).unwrap_or_else(|| panic!("{args:?}: {shown}"));
        assert!(shown.find("\nconnection 1 ").is_none_or(|first| told < first), "{shown}");
    }
}

#[test]
fn connections_side_by_side_and_clean_ends_are_no_storm() {
    let mut tape = Tape::default();
    let lines: Vec<usize> = (50001..50009).map(|port| tape.upgrade(0.0, port)).collect();
    for line in lines {
        tape.rst(1.0, line, Server);
    }
    for port in 50011..50019 {
        let now = f64::from(port - 50000);
        let line = tape.upgrade(now, port);
        tape.hex(now + 0.1, line, Server, "88 02 03 e9");
        tape.hex(now + 0.2, line, Client, "88 82 01 02 03 04 02 eb");
        tape.fin(now + 0.2, line, Server);
    }
    assert_eq!(found("peaceful", &tape, "SEC-RECONNECT-STORM").len(), 0);
}

#[test]
fn a_key_that_comes_again_is_named_with_the_earlier_connection() {
    let mut tape = Tape::default();
    for port in [50001, 50002] {
        tape.upgrade(f64::from(port), port);
    }
    let again = found("same-key", &tape, "HS-REQ-KEY-FRESH");
    assert_eq!(again.len(), 1);
    assert_eq!(
        (&again[0]["connection"], &again[0]["header"]),
        (&2.into(), &"Sec-WebSocket-Key".into())
    );
    assert!(text(&again[0], "detail").starts_with("connection 1 of this client had the same key"));

    // Another server, as behind a proxy; another client.
    let mut tape = Tape::default();
    for (client, server) in [(7, 5), (7, 6), (8, 5)] {
        let line =
            tape.open_between(0.0, ([192, 0, 2, client], 50001), ([203, 0, 113, server], 80));
        tape.say(0.0, line, Client, REQUEST.as_bytes());
        tape.say(0.0, line, Server, ACCEPTED.as_bytes());
    }
    assert_eq!(found("other-key", &tape, "HS-REQ-KEY-FRESH").len(), 0);
}

#[test]
fn a_handshake_beside_an_unanswered_one_is_noted() {
    let mut tape = Tape::default();
    let first = tape.open(0.0, 50001);
    tape.say(0.1, first, Client, REQUEST.as_bytes());
    tape.upgrade(0.2, 50002);
    tape.say(0.3, first, Server, ACCEPTED.as_bytes());
    tape.upgrade(0.4, 50003);
    let concurrent = found("concurrent", &tape, "HS-REQ-CONCURRENT");
    assert_eq!(concurrent.len(), 1);
    assert_eq!(
        (&concurrent[0]["connection"], &concurrent[0]["severity"]),
        (&2.into(), &"note".into())
    );
}

/// What is missing of an answer, or was said after it, may be the answer: nobody knows that the
/// handshake was still in progress.
#[test]
fn a_handshake_whose_answer_was_not_captured_is_not_said_to_be_unanswered() {
    // 1 SYN, 2 SYN and ACK, 3 request, 4 answer, 5 what shows that there was one.
    let shown = |name, show: fn(&mut Tape, usize), lost: &[usize]| {
        let mut tape = Tape::default();
        let first = tape.upgrade(0.0, 50001);
        show(&mut tape, first);
        tape.upgrade(0.3, 50002);
        tape.lose(lost);
        found(name, &tape, "HS-REQ-CONCURRENT").len()
    };
    let acknowledges: fn(&mut Tape, usize) = |tape, line| tape.say(0.1, line, Client, b"");
    let frame = |tape: &mut Tape, line| tape.hex(0.1, line, Client, "81 85 37fa213d 7f9f4d5158");
    let push = |tape: &mut Tape, line| tape.hex(0.1, line, Server, "81 02 6869");
    assert_eq!(shown("lost-acknowledged", acknowledges, &[4]), 0);
    assert_eq!(shown("lost-frame", frame, &[4]), 0);
    assert_eq!(shown("lost-push", push, &[4]), 0);
    // Nothing of the server was captured.
    assert_eq!(shown("one-way", acknowledges, &[2, 4]), 0);
    // Nothing shows that there was an answer: as far as TCP tells, there was none.
    assert_eq!(shown("none", |_, _| {}, &[4]), 1);
}

#[test]
fn an_answer_that_the_capture_lost_starts_no_handshake_beside_another() {
    let claim = "an_answer_that_the_capture_lost_starts_no_handshake_beside_another";
    let Some((file, _)) = shared::recording(claim, "nginx-proxy") else { return };
    for lost in [11, 13] {
        let cut = without(&std::fs::read(&file).expect("the recording"), lost);
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("across-lost.pcap");
        std::fs::write(&path, cut).expect("the folder for tests can be written");
        let records = shared::pcap(&path).records();
        let findings = of_type(&records, "finding");
        let concurrent = findings.iter().find(|it| it["rule"] == "HS-REQ-CONCURRENT");
        assert_eq!(concurrent, None, "without packet {lost}");
    }
}

/// A pcap without the packet of that number, from 1.
fn without(pcap: &[u8], lost: usize) -> Vec<u8> {
    let (header, mut rest) = pcap.split_at(24);
    let (mut kept, mut number) = (header.to_vec(), 0);
    while let Some(length) = rest.get(8..12) {
        number += 1;
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let (record, behind) = rest.split_at(16 + length);
        if number != lost {
            kept.extend(record);
        }
        rest = behind;
    }
    kept
}
