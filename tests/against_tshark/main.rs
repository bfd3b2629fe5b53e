//! ws101 beside tshark: the frames of every capture, and what each makes of damaged ones.
//!
//! Compared are opcode, FIN and length of the frames of each TCP endpoint, in their order. Where
//! the two differ, the table says why. `docs/compared-with-tshark.md` tells it in words, and names
//! the small captures that the second half leaves in `target/tmp`.
//!
//! `WS101_ALL=1` also goes through the captures in which nobody expects WebSocket.

#[path = "../shared/mod.rs"]
mod shared;
#[path = "../mutants/wire.rs"]
#[allow(dead_code)]
mod wire;

use serde_json::Value;
use shared::{number, of_type, say, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use wire::{Packet, Recording, file};

/// Captures in which tshark tells other frames than ws101: how many each tells, and why.
const OTHERWISE: [(&str, usize, usize, &str); 6] = [
    ("recorded/browser-wss-h2.pcap", 0, 10, "frames inside streams of HTTP/2"),
    ("recorded/snaplen-96.pcap", 0, 42, "the heads of the handshake are cut"),
    ("Enough-Software__pcap-http-analyzer/imageTransfer.pcapng", 8, 11, "no handshake"),
    // Requests behind its 101s are HTTP; behind the last one, whose Accept is wrong, comes a frame.
    ("secdev__scapy/pcaps__websocket_invalid_handshakes.pcap", 0, 1, "handshake broken"),
    ("ntop__nDPI/pcap__websocket.pcap", 0, 5, "no handshake"),
    ("zeek__zeek/http__basic-auth-with-extra-space.pcap", 0, 13, "no handshake"),
];

/// Opcode, FIN, length.
type Frame = (u64, bool, u64);

/// The frames of each endpoint, which its port names.
type Frames = BTreeMap<String, Vec<Frame>>;

const FIELDS: [&str; 6] = [
    "tcp.srcport",
    "websocket.opcode",
    "websocket.fin",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
];

fn has_tshark(claim: &str) -> bool {
    let runs = Command::new("tshark").arg("--version").output().is_ok();
    if !runs {
        say(&format!("SKIPPED {claim}: there is no tshark"));
    }
    runs
}

fn tshark(path: &Path, options: &[&str], fields: &[&str]) -> String {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path).args(options).args(["-Y", "websocket", "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    String::from_utf8_lossy(&command.output().expect("tshark runs").stdout).into_owned()
}

/// A line is a packet; each field lists what it has of all frames in it.
fn frames_of_tshark(path: &Path, options: &[&str]) -> Frames {
    let mut frames = Frames::new();
    for line in tshark(path, options, &FIELDS).lines() {
        let lists: Vec<Vec<&str>> =
            line.split('\t').map(|list| list.split(',').collect()).collect();
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        let (mut short, mut long) = (lists[4].iter(), lists[5].iter());
        // In a tunnel the inner port is the last.
        let port = lists[0].last().copied().unwrap_or_default().to_owned();
        for (index, opcode) in lists[1].iter().enumerate() {
            let length = match number(lists[3][index]) {
                126 => short.next().map_or(0, |text| number(text)),
                127 => long.next().map_or(0, |text| number(text)),
                length => length,
            };
            let fin = matches!(lists[2][index], "1" | "True");
            frames.entry(port.clone()).or_default().push((number(opcode), fin, length));
        }
    }
    frames
}

fn our_frames(path: &Path) -> Frames {
    let records = shared::pcap(path).records();
    let mut ends: BTreeMap<u64, Value> = BTreeMap::new();
    for connection in of_type(&records, "connection") {
        ends.insert(number(connection, "connection"), connection.clone());
    }
    let mut frames = Frames::new();
    for frame in of_type(&records, "frame") {
        let connection = &ends[&number(frame, "connection")];
        let socket = text(connection, text(frame, "direction"));
        let port = socket.rsplit(':').next().unwrap_or_default().to_owned();
        let told = (number(frame, "opcode"), frame["fin"] == true, number(frame, "payload_length"));
        frames.entry(port).or_default().push(told);
    }
    frames
}

fn count(frames: &Frames) -> usize {
    frames.values().map(Vec::len).sum()
}

/// Name and place of each capture.
fn captures(claim: &str) -> Option<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    for folder in ["recorded", "formats"] {
        let folder_path = shared::shared(claim, &format!("captures/{folder}"))?;
        for entry in std::fs::read_dir(folder_path).ok()?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.contains("cap") && !name.ends_with(".json") {
                all.push((format!("{folder}/{name}"), entry.path()));
            }
        }
    }
    let manifest = shared::read_text(&shared::shared(claim, "captures/public/manifest.tsv")?);
    let everything = std::env::var_os("WS101_ALL").is_some();
    for row in manifest.lines().skip(1) {
        let mut cells = row.split('\t');
        let (name, about) = (cells.next()?, cells.next()?);
        if about.starts_with("websocket") || everything && !["har", "transcript"].contains(&about) {
            let path = shared::shared(claim, &format!("captures/public/{name}"))?;
            all.push((name.to_owned(), path));
        }
    }
    all.sort();
    Some(all)
}

#[test]
fn the_frames_of_every_capture_are_compared() {
    let claim = "the_frames_of_every_capture_are_compared";
    let Some(captures) = captures(claim).filter(|_| has_tshark(claim)) else { return };
    let both = shared::in_parallel(&captures, |(_, path)| {
        // ws101 is given the key log beside the capture; tshark needs the port, too.
        let (keys, ours) = (path.with_extension("keys"), our_frames(path));
        let mut options = Vec::new();
        if keys.exists() {
            options.extend(["-o".to_owned(), format!("tls.keylog_file:{}", keys.display())]);
            for port in ours.keys() {
                options.extend(["-d".to_owned(), format!("tcp.port=={port},tls")]);
            }
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        (frames_of_tshark(path, &options), ours)
    });
    let (mut theirs, mut ours, mut complaints) = (0, 0, Vec::new());
    for ((name, _), (tshark, ws101)) in captures.iter().zip(&both) {
        let counts = (count(tshark), count(ws101));
        theirs += counts.0;
        ours += counts.1;
        let listed = OTHERWISE.iter().find(|other| other.0 == name);
        match listed {
            Some((_, tshark, ws101, why)) if counts == (*tshark, *ws101) => {
                say(&format!("{name}: tshark {tshark} frames, ws101 {ws101}: {why}"));
            }
            None if tshark == ws101 => {}
            _ => complaints.push(format!("{name}: tshark {}, ws101 {}", counts.0, counts.1)),
        }
    }
    say(&format!("{} captures: tshark {theirs} frames, ws101 {ours}", captures.len()));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

// Faults, each in a capture made from a sample.

/// Writes a capture to where it can be looked at.
fn keep(name: &str, packets: &[Packet]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pcap"));
    std::fs::write(&path, file(packets)).expect("the folder is there");
    path
}

/// What the sample's own recording holds.
fn undamaged(name: &str) -> Frames {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures");
    our_frames(&folder.join(format!("{name}.pcap")))
}

const REORDER: [&str; 2] = ["-o", "tcp.reassemble_out_of_order:TRUE"];

#[test]
fn two_segments_in_the_wrong_order() {
    if !has_tshark("two_segments_in_the_wrong_order") {
        return;
    }
    let mut packets = Recording::read("chat-deflate").packets;
    packets.swap(9, 10);
    let path = keep("order", &packets);
    let whole = undamaged("chat-deflate");
    assert_eq!(our_frames(&path), whole);
    // The rest of a payload is read as headers.
    let tshark = frames_of_tshark(&path, &[]);
    say(&format!("order: tshark {} frames, sent were {}", count(&tshark), count(&whole)));
    assert_ne!(tshark, whole);
    assert_eq!(frames_of_tshark(&path, &REORDER), whole);
}

#[test]
fn a_segment_inside_a_payload_is_lost() {
    if !has_tshark("a_segment_inside_a_payload_is_lost") {
        return;
    }
    let recording = Recording::read("chat-deflate");
    let client = recording.client().to_string();
    let mut packets = recording.packets;
    packets.remove(10);
    let path = keep("gap", &packets);
    let whole = undamaged("chat-deflate");
    assert_eq!(our_frames(&path), whole, "the gap is inside a payload of known length");
    let waiting = frames_of_tshark(&path, &REORDER);
    let told = waiting.get(&client).map_or(0, Vec::len);
    say(&format!("gap: told to reorder, tshark tells {told} of {} frames", whole[&client].len()));
    assert!(told < 3);
}

#[test]
fn a_length_of_more_than_32_bits() {
    if !has_tshark("a_length_of_more_than_32_bits") {
        return;
    }
    let mut packets = Recording::read("chat-plain").packets[..8].to_vec();
    // 4 GiB and five bytes were announced, of which the capture holds thirteen.
    packets[7].payload = b"\x82\xff\0\0\0\x01\0\0\0\x05\0\0\0\0hello\x81\x82\0\0\0\0no".to_vec();
    let path = keep("long", &packets);
    let client = Recording::read("chat-plain").client().to_string();
    assert_eq!(our_frames(&path)[&client], [(2, true, 0x1_0000_0005)]);
    // The payload's sixth byte on is taken for the next frame.
    let tshark = frames_of_tshark(&path, &[]);
    assert_eq!(tshark[&client], [(2, true, 0x1_0000_0005), (1, true, 2)]);
}

#[test]
fn a_message_of_a_compressed_stream_is_lost() {
    if !has_tshark("a_message_of_a_compressed_stream_is_lost") {
        return;
    }
    let mut packets = Recording::read("chat-deflate").packets;
    packets.remove(25);
    let path = keep("deflate", &packets);
    let sent = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures/chat-deflate.truth.json"),
    );
    let sent: Value = serde_json::from_str(&sent.expect("a truth")).expect("JSON");
    let sent = |text: &str| {
        let list = sent["client_to_server"].as_array().expect("a list");
        list.iter().any(|message| message["text"].as_str().is_some_and(|m| m.starts_with(text)))
    };
    let records = shared::pcap(&path).records();
    let from_client = |message: &&&Value| message["direction"] == "client";
    let messages = of_type(&records, "message");
    let texts: Vec<&Value> =
        messages.iter().filter(from_client).filter(|m| m["text"].is_string()).copied().collect();
    assert!(texts.iter().all(|message| sent(text(message, "text"))));
    let untrusted = texts.iter().filter(|message| message["trusted"] == false).count();
    let client = Recording::read("chat-deflate").client();
    let lines = tshark(&path, &[], &["tcp.srcport", "text"]);
    let own = lines.lines().filter(|line| line.starts_with(&client.to_string()));
    let wrong = own.filter(|line| line.contains('\u{fffd}') || line.contains("\\002")).count();
    say(&format!(
        "deflate: of {} texts behind or before the loss ws101 marks {untrusted} and shows no wrong \
         byte; tshark shows {wrong} with bytes that nobody sent",
        texts.len()
    ));
    assert!(untrusted > 0);
}

#[test]
fn no_handshake() {
    if !has_tshark("no_handshake") {
        return;
    }
    let recording = Recording::read("chat-deflate");
    let path = keep("late", &recording.packets[7..]);
    assert_eq!(our_frames(&path), undamaged("chat-deflate"));
    assert_eq!(count(&frames_of_tshark(&path, &[])), 0);
}
