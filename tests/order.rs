//! Ports that are used again, and directions that were not captured in the order of the wire.

mod shared;
#[path = "shared/tape.rs"]
mod tape;

use serde_json::Value;
use shared::{of_type, pcap, recording, text};
use tape::By::{self, Client, Server};
use tape::{ACCEPTED, REQUEST, Tape};

const MASKED: &str = "81 85 37fa213d 7f9f4d5158";
const UNMASKED: &str = "81 05 48656c6c6f";
const CLOSE: [&str; 2] = ["88 82 00000000 03e8", "88 02 03e8"];

fn talk(tape: &mut Tape, time: f64, line: usize) {
    tape.say(time, line, Client, REQUEST.as_bytes());
    tape.say(time + 0.01, line, Server, ACCEPTED.as_bytes());
    tape.hex(time + 0.02, line, Client, MASKED);
    tape.hex(time + 0.03, line, Server, UNMASKED);
}

fn hang_up(tape: &mut Tape, time: f64, line: usize) {
    tape.hex(time, line, Client, CLOSE[0]);
    tape.hex(time + 0.01, line, Server, CLOSE[1]);
    tape.fin(time + 0.02, line, Server);
    tape.fin(time + 0.03, line, Client);
}

/// For each connection: messages of the client, of the server, and how it ended.
fn connections(tape: &Tape, name: &str) -> Vec<(usize, usize, String)> {
    let records = pcap(&tape.write(name)).records();
    let of = |connection: &Value| {
        let number = &connection["connection"];
        let messages = of_type(&records, "message");
        let count = |from: &str| {
            let own = |it: &&&Value| it["connection"] == *number && it["direction"] == from;
            messages.iter().filter(own).count()
        };
        let ends = of_type(&records, "end");
        let end = ends.iter().find(|end| end["connection"] == *number).expect("its end");
        (count("client"), count("server"), text(end, "how").to_owned())
    };
    of_type(&records, "connection").into_iter().map(of).collect()
}

fn expected(how: &[&str]) -> Vec<(usize, usize, String)> {
    how.iter().map(|how| (1, 1, (*how).to_owned())).collect()
}

/// Small systems, and captures made by hand, begin with the same number each time.
#[test]
fn a_syn_with_the_number_of_a_closed_connection_is_a_new_one() {
    let mut tape = Tape::default();
    for time in [0.0, 2.0, 60.0] {
        let line = tape.open(time, 50_000);
        talk(&mut tape, time + 0.1, line);
        hang_up(&mut tape, time + 0.2, line);
    }
    assert_eq!(connections(&tape, "order-same-number.pcap"), expected(&["closing-handshake"; 3]));
}

/// A port of a switch may show each packet twice, a little later; here in the next second.
#[test]
fn a_conversation_that_is_captured_twice_is_told_once() {
    let mut tape = Tape::default();
    for time in [0.7, 1.1] {
        let line = tape.open(time, 50_000);
        talk(&mut tape, time + 0.05, line);
        hang_up(&mut tape, time + 0.1, line);
    }
    assert_eq!(connections(&tape, "order-twice.pcap"), expected(&["closing-handshake"]));
}

#[test]
fn a_syn_from_the_same_port_opens_another_connection() {
    // Behind one that was closed, and behind one whose end was not captured.
    for (closes, how) in [(true, "closing-handshake"), (false, "capture-end")] {
        let mut tape = Tape::default();
        for (time, sequence) in [(0.0, 1_000), (1.0, 900_000_000), (2.0, 1_800_000_000)] {
            let line = tape.knock(time, 50_000, sequence);
            tape.answer(time, line);
            talk(&mut tape, time, line);
            if closes {
                hang_up(&mut tape, time + 0.1, line);
            }
        }
        let name = format!("order-reuse-{closes}.pcap");
        assert_eq!(connections(&tape, &name), expected(&[how; 3]));
    }
}

#[test]
fn a_syn_may_follow_one_that_was_not_answered() {
    let mut tape = Tape::default();
    tape.knock(0.0, 50_000, 1_000);
    tape.knock(1.0, 50_000, 1_000);
    let line = tape.knock(3.0, 50_000, 700_000_000);
    tape.answer(3.0, line);
    talk(&mut tape, 3.0, line);
    hang_up(&mut tape, 3.1, line);
    assert_eq!(connections(&tape, "order-half-open.pcap"), expected(&["closing-handshake"]));
    // The old connection got as far as the answer.
    let mut tape = Tape::default();
    let old = tape.knock(0.0, 50_000, 1_000);
    tape.answer(0.0, old);
    let line = tape.knock(3.0, 50_000, 700_000_000);
    tape.answer(3.0, line);
    talk(&mut tape, 3.0, line);
    hang_up(&mut tape, 3.1, line);
    assert_eq!(connections(&tape, "order-half-open.pcap"), expected(&["closing-handshake"]));
}

/// What is said of a conversation, for each direction.
fn told(tape: &Tape, name: &str) -> Vec<Vec<Value>> {
    let mut records = pcap(&tape.write(name)).records();
    for record in &mut records {
        let record = record.as_object_mut().expect("an object");
        record.remove("packet");
        // Who closed TCP first is told by the order of the packets, and so is how long it was silent.
        if record["type"] == "end" {
            for field in ["time", "transport_ended_by", "why", "silence"] {
                record.remove(field);
            }
        }
    }
    let of = |kind: &str, from: &str| -> Vec<Value> {
        let own = |it: &&Value| it["type"] == kind && (from.is_empty() || it["direction"] == from);
        records.iter().filter(own).cloned().collect()
    };
    let mut told = vec![of("handshake", ""), of("end", "")];
    for kind in ["frame", "message", "close", "gap"] {
        told.extend([of(kind, "client"), of(kind, "server")]);
    }
    told
}

fn conversation() -> Tape {
    let mut tape = Tape::default();
    let line = tape.open(0.0, 50_000);
    for time in 0..5 {
        if time == 0 {
            talk(&mut tape, 0.1, line);
        }
        tape.hex(f64::from(time) + 0.3, line, Client, MASKED);
        tape.hex(f64::from(time) + 0.4, line, Server, UNMASKED);
    }
    hang_up(&mut tape, 6.0, line);
    tape
}

#[test]
fn one_direction_may_come_whole_before_the_other() {
    let expected = told(&conversation(), "order-plain.pcap");
    assert_eq!(expected[2].len(), 7, "six messages and a Close");
    for side in [Client, Server] {
        let mut tape = conversation();
        tape.put_first(side);
        assert_eq!(told(&tape, &format!("order-{side:?}-first.pcap")), expected, "{side:?} first");
    }
}

#[test]
fn the_101_may_come_before_its_request() {
    let expected = told(&conversation(), "order-plain-2.pcap");
    // SYN, SYN and ACK, request, 101: the third and the fourth change places.
    let mut tape = conversation();
    tape.swap(3, 4);
    assert_eq!(told(&tape, "order-101-first.pcap"), expected);
    // The frames behind the 101 come before the request, too.
    let mut tape = conversation();
    tape.swap(3, 6);
    assert_eq!(told(&tape, "order-frames-first.pcap"), expected);
}

#[test]
fn the_directions_of_a_recording_may_come_apart() {
    let claim = "the_directions_of_a_recording_may_come_apart";
    let Some((file, _)) = recording(claim, "chat-deflate") else { return };
    let whole = pcap(&file).records();
    let bytes = std::fs::read(&file).expect("a recording");
    let mut records = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four")) as usize;
        records.push(&bytes[at..at + 16 + length]);
        at += 16 + length;
    }
    let client = &records[0][16 + 34..16 + 36];
    let texts = |records: &[Value], from: &str| -> Vec<Value> {
        let own = |it: &&&Value| it["direction"] == from;
        let part = |it: &Value| [it["text"].clone(), it["base64"].clone(), it["trusted"].clone()];
        of_type(records, "message").iter().filter(own).flat_map(|it| part(it)).collect()
    };
    for side in [Client, Server] {
        let mut apart = records.clone();
        apart.sort_by_key(|record| (record[16 + 34..16 + 36] == *client) != (side == By::Client));
        let path = format!("{}/order-recorded-{side:?}.pcap", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(&path, [&bytes[..24], &apart.concat()].concat()).expect("written");
        let read = pcap(path.as_ref()).records();
        for from in ["client", "server"] {
            assert_eq!(texts(&read, from), texts(&whole, from), "{side:?} first, {from}");
        }
    }
}

const DAMAGED: &str = "a segment was damaged on the way, or sent with a wrong checksum so that only \
    listeners take it";

/// Two segments with the same sequence numbers and other bytes, while an earlier one is missing. No
/// receiver takes the one whose checksum is wrong (RFC 9293 §3.10.7.4); if both are, as where the
/// network card computes them, nobody knows.
#[test]
fn of_two_segments_that_differ_the_one_with_the_right_checksum_is_read() {
    for (intact, read, cause) in [
        (&[7][..], "GOOD", DAMAGED),
        (&[6], "EVIL", DAMAGED),
        (&[], "EVIL", "somebody injects segments, or a middlebox rewrites the stream"),
        (&[6, 7], "EVIL", "somebody injects segments, or a middlebox rewrites the stream"),
    ] {
        let mut tape = Tape::default();
        let line = tape.upgrade(0.0, 50_000);
        tape.hex(0.1, line, Server, "81 05 6669727374");
        tape.hex(0.2, line, Server, "81 04 4556494c");
        tape.repeat(6, b"\x81\x04GOOD");
        tape.hex(0.3, line, Server, "81 04 6c617374");
        intact.iter().for_each(|number| tape.sum(*number));
        // The first of them comes last.
        (5..8).for_each(|number| tape.swap(number, number + 1));
        let records = pcap(&tape.write("order-conflict.pcap")).records();
        let messages = of_type(&records, "message");
        let texts: Vec<&str> = messages.iter().map(|message| text(message, "text")).collect();
        assert_eq!(texts, ["first", read, "last"], "right checksums: {intact:?}");
        let findings = of_type(&records, "finding");
        let told = findings.iter().find(|it| it["rule"] == "CAP-RETRANSMISSION");
        let told = told.expect("the conflict is told");
        assert_eq!((text(told, "severity"), text(told, "cause")), ("warning", cause));
    }
}

/// What was read already is not kept: nobody claims that its repetition is the same.
#[test]
fn a_repetition_of_what_was_read_is_not_said_to_be_the_same() {
    let mut tape = Tape::default();
    let line = tape.upgrade(0.0, 50_000);
    tape.hex(0.2, line, Server, "81 04 41414141");
    tape.repeat(5, b"\x81\x04BBBB");
    let records = pcap(&tape.write("order-repeated.pcap")).records();
    let findings = of_type(&records, "finding");
    let told = findings.iter().find(|it| it["rule"] == "CAP-RETRANSMISSION").expect("it is told");
    assert_eq!(
        text(told, "detail"),
        "the sequence numbers of one segment of the server (6 bytes) had been captured before: what \
         came first was read, and not compared with it"
    );
    assert!(text(told, "cause").ends_with("if the bytes are others, somebody injects segments"));
}
