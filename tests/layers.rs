//! `ws101 pcap --layers`: what is said to have carried a frame did. The packets are read here by other
//! means, and looked at where the ladder says.

#[path = "shared/mod.rs"]
mod shared;

use serde_json::Value;
use shared::{number, of_type, utf8, ws101};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures").join(name)
}

/// The sequence number and the payload of a packet.
type Packet = (u32, Vec<u8>);

/// The packets of a pcap of TCP in Ethernet, by number: no more is told apart than these samples need.
fn packets(file: &Path) -> HashMap<u64, Packet> {
    let bytes = std::fs::read(file).expect("it is there");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 1), "a pcap of Ethernet");
    let (mut packets, mut at, mut number) = (HashMap::new(), 24, 0);
    while at < bytes.len() {
        number += 1;
        let packet = &bytes[at + 16..at + 16 + word(at + 8)];
        at += 16 + packet.len();
        let ip = &packet[14..];
        let length = |at: usize| usize::from(u16::from_be_bytes([ip[at], ip[at + 1]]));
        let tcp = match ip[0] >> 4 {
            4 => &ip[usize::from(ip[0] & 15) * 4..length(2)],
            _ => &ip[40..40 + length(4)],
        };
        let sequence = u32::from_be_bytes(tcp[4..8].try_into().expect("four"));
        packets.insert(number, (sequence, tcp[usize::from(tcp[12] >> 4) * 4..].to_vec()));
    }
    packets
}

fn place(layer: &Value) -> Range<u64> {
    number(layer, "offset")..number(layer, "offset") + number(layer, "length")
}

fn content(layer: &Value) -> Range<u64> {
    number(layer, "content_offset")
        ..number(layer, "content_offset") + number(layer, "content_length")
}

/// Each range lies in what the others cover together, which follow each other.
fn covered(inner: &Range<u64>, outer: &[Range<u64>]) -> bool {
    let mut at = inner.start;
    for range in outer {
        if range.contains(&at) {
            at = range.end;
        }
    }
    at >= inner.end
}

/// The bytes of the TCP stream that the ladder's packets hold, by offset.
fn stream(layers: &[&Value], packets: &HashMap<u64, Packet>) -> HashMap<u64, u8> {
    let mut stream = HashMap::new();
    for layer in layers {
        let (sequence, payload) = &packets[&number(layer, "packet")];
        let into = (number(layer, "sequence") as u32).wrapping_sub(*sequence) as usize;
        let bytes = &payload[into..into + number(layer, "length") as usize];
        stream.extend((number(layer, "offset")..).zip(bytes.iter().copied()));
    }
    stream
}

/// Checks every ladder of a capture; answers how many there were.
fn check(name: &str) -> usize {
    let file = sample(&format!("{name}.pcap"));
    let packets = packets(&file);
    let keys = sample(&format!("{name}.keys"));
    let mut arguments = vec!["pcap", utf8(&file), "--layers", "--format", "jsonl"];
    if keys.exists() {
        arguments.extend(["--keylog", utf8(&keys)]);
    }
    let records = ws101(&arguments).records();
    let frames = of_type(&records, "frame");
    for frame in &frames {
        let all = frame["layers"].as_array().unwrap_or_else(|| panic!("no layers: {frame}"));
        let of = |layer: &str| all.iter().filter(|it| it["layer"] == layer).collect::<Vec<_>>();
        let (tcp, tls, data) = (of("tcp"), of("tls"), of("http2"));
        let stream = stream(&tcp, &packets);
        let start = number(frame, "offset");
        let length = number(frame, "header_length") + number(frame, "payload_length");
        let mut needed: Vec<_> = std::iter::once(start..start + length).collect();
        for layers in [&data, &tls, &tcp].into_iter().filter(|layers| !layers.is_empty()) {
            let contents: Vec<_> = layers.iter().map(|layer| content(layer)).collect();
            for needed in &needed {
                assert!(covered(needed, &contents), "{name}: {needed:?} in {frame}");
            }
            for content in contents {
                let is_used = |it: &Range<u64>| it.start < content.end && content.start < it.end;
                assert!(needed.iter().any(is_used), "{name}: {content:?} of no use in {frame}");
            }
            needed = layers.iter().map(|layer| place(layer)).collect();
        }
        for record in &tls {
            let at = |index: u64| stream[&(number(record, "offset") + index)];
            let length = u64::from(u16::from_be_bytes([at(3), at(4)]));
            assert_eq!((at(0), at(1), at(2)), (23, 3, 3), "{name}: no record in {frame}");
            assert_eq!(number(record, "length"), 5 + length, "{name}: {frame}");
        }
        if tls.is_empty() {
            let first = u64::from(stream[&start] & 15);
            assert_eq!(first, number(frame, "opcode"), "{name}: {frame}");
        }
    }
    frames.len()
}

#[test]
fn packets_and_records_hold_what_the_ladder_says() {
    assert!(check("chat-plain") > 60);
    assert!(check("chat-fragments") > 100);
    assert!(check("browser-ws") > 8);
    assert!(check("nginx-proxy") > 2);
    assert!(check("wss-tls13") > 60);
    assert!(check("wss-tls12-cbc") > 40);
    assert!(check("browser-wss-h1") > 8);
    assert!(check("browser-wss-h2") > 8);
}

/// The server's greatest frame in the browser's recording over HTTP/2, in text.
#[test]
fn a_ladder_has_a_rung_for_each_layer_and_options_choose_it() {
    let (file, keys) = (sample("browser-wss-h2.pcap"), sample("browser-wss-h2.keys"));
    let run = |more: &[&str]| {
        let arguments = ["pcap", utf8(&file), "--keylog", utf8(&keys), "--layers"];
        let run = ws101(&[&arguments[..], more].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        String::from_utf8(run.stdout).expect("text")
    };
    let one = run(&["--message", "1", "--from", "client"]);
    let rungs = ["packet 48", "└─ TLS record", "└─ HTTP/2 DATA", "└─ frame 1", "└─ message 1"];
    let at: Vec<_> = rungs.iter().map(|rung| one.find(rung).expect(rung)).collect();
    assert!(at.is_sorted(), "{one}");
    assert_eq!(one.matches("TLS record").count(), 1, "{one}");
    let ascii = run(&["--ascii", "--width", "60"]);
    assert!(ascii.is_ascii(), "{ascii}");
    let rungs = ascii.lines().filter(|line| !line.starts_with("connection"));
    assert!(rungs.clone().count() > 100 && rungs.clone().all(|line| line.len() <= 60), "{ascii}");
    let drawn = run(&["--layout", "1", "--from", "client"]);
    for field in ["legacy_record_version", "Stream Identifier", "END_STREAM", "Masking-key"] {
        assert!(drawn.contains(field), "{field}: {drawn}");
    }
}

#[test]
fn a_har_has_no_layers_and_other_formats_no_place_for_them() {
    let file = sample("chat-plain.pcap");
    for format in ["har", "sarif"] {
        let run = ws101(&["pcap", utf8(&file), "--layers", "--format", format]);
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.contains("layers"), "{}", run.stderr);
    }
}
