//! Several captures read as one: what was recorded in one file and split into several gives what
//! the one gave, and each packet says which file has it.

mod shared;

use serde_json::Value;
use shared::{Run, of_type, recording, utf8, ws101};
use std::path::{Path, PathBuf};

/// The packets of a little-endian pcap, each with its header.
fn packets(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut packets, mut rest) = (Vec::new(), &bytes[24..]);
    while let Some(length) = rest.get(8..12) {
        let length = u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
        let (packet, behind) = rest.split_at(16 + length);
        packets.push(packet);
        rest = behind;
    }
    packets
}

/// Writes each packet into the file that is chosen for it. Returns the files, and where each packet
/// went: its file from 1, and its number there from 1.
fn split(
    name: &str,
    folder: &Path,
    choose: impl Fn(usize, &[u8]) -> usize,
) -> (Vec<PathBuf>, Vec<(u64, u64)>) {
    let bytes = std::fs::read(recording("several", name).expect("in samples/").0).expect("read");
    let mut files: Vec<(Vec<u8>, u64)> = Vec::new();
    let mut places = Vec::new();
    for (index, packet) in packets(&bytes).into_iter().enumerate() {
        let file = choose(index, packet);
        files.resize_with(files.len().max(file + 1), || (bytes[..24].to_vec(), 0));
        files[file].0.extend(packet);
        files[file].1 += 1;
        places.push((file as u64 + 1, files[file].1));
    }
    let write = |(index, (bytes, _)): (usize, (Vec<u8>, u64))| {
        let path = folder.join(format!("ring.pcap{index}"));
        std::fs::write(&path, bytes).expect("written");
        path
    };
    (files.into_iter().enumerate().map(write).collect(), places)
}

fn jsonl(files: &[PathBuf]) -> Run {
    let mut args = vec!["pcap", "--format", "jsonl"];
    args.extend(files.iter().map(|file| utf8(file)));
    ws101(&args)
}

/// The records of the one file, as they must be when its packets went to these places.
fn expected(name: &str, places: &[(u64, u64)]) -> Vec<Value> {
    let file = recording("several", name).expect("in samples/").0;
    let mut records = ws101(&["pcap", "--format", "jsonl", utf8(&file)]).records();
    records.retain(|record| record["type"] != "capture");
    for record in &mut records {
        if let Some(number) = record["packet"].as_u64() {
            let (file, number) = places[number as usize - 1];
            record["packet"] = number.into();
            record["packet_file"] = file.into();
        }
    }
    records
}

fn without_captures(run: &Run) -> Vec<Value> {
    let mut records = run.records();
    records.retain(|record| record["type"] != "capture");
    records
}

#[test]
fn a_ring_of_files_is_one_capture_in_whatever_order_it_is_named() {
    for name in ["chat-plain", "nginx-proxy", "chat-deflate"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, places) = split(name, folder.path(), |index, _| index / 9);
        assert!(files.len() > 2);
        assert_eq!(without_captures(&jsonl(&files)), expected(name, &places), "{name}");
        let backwards: Vec<PathBuf> = files.iter().rev().cloned().collect();
        let count = files.len() as u64;
        let turned: Vec<(u64, u64)> = places.iter().map(|(f, n)| (count + 1 - f, *n)).collect();
        assert_eq!(without_captures(&jsonl(&backwards)), expected(name, &turned), "{name}");
    }
}

#[test]
fn directions_in_two_files_are_one_conversation() {
    let folder = tempfile::tempdir().expect("a folder");
    // Ethernet and IPv4 without options: the source port.
    let port = |packet: &[u8]| u16::from_be_bytes([packet[16 + 34], packet[16 + 35]]);
    let bytes = std::fs::read(recording("several", "chat-plain").expect("in samples/").0);
    let client = port(packets(&bytes.expect("read"))[0]);
    let (files, places) =
        split("chat-plain", folder.path(), |_, packet| usize::from(port(packet) != client));
    assert_eq!(files.len(), 2);
    assert_eq!(without_captures(&jsonl(&files)), expected("chat-plain", &places));
    let text = ws101(&["pcap", utf8(&files[1]), utf8(&files[0])]);
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("ring.pcap1,") && text.contains("1 WebSocket connection"), "{text}");
}

#[test]
fn files_of_different_formats_and_link_types_go_together() {
    let names = ["chat-plain", "chat-any-sll2", "chat-nano"];
    let files = names.map(|name| recording("several", name).expect("in samples/").0);
    let run = jsonl(&files);
    let records = run.records();
    let captures = of_type(&records, "capture");
    assert_eq!(captures.len(), 3);
    for (index, capture) in captures.iter().enumerate() {
        assert_eq!(capture["file"], utf8(&files[index]));
        assert_eq!(capture["packet_file"], index as u64 + 1);
    }
    assert_eq!(captures[1]["link_types"][0], "Linux cooked v2");
    let alone: u64 = files
        .iter()
        .map(|file| ws101(&["pcap", "--format", "jsonl", utf8(file)]).records())
        .map(|records| records.last().expect("a summary")["messages"].as_u64().expect("a number"))
        .sum();
    assert_eq!(records.last().expect("a summary")["messages"], alone);
}

#[test]
fn what_is_wrong_with_one_of_them_is_said_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut files, places) = split("chat-plain", folder.path(), |index, _| index / 20);
    // The newest file of a ring, into which nothing was written yet.
    let empty = folder.path().join("newest.pcap");
    std::fs::write(&empty, b"").expect("written");
    files.push(empty.clone());
    let mut run = without_captures(&jsonl(&files));
    let summary = run.pop().expect("a summary");
    assert_eq!(summary["skipped"][0]["count"], 1);
    let mut whole = expected("chat-plain", &places);
    whole.pop();
    assert_eq!(run, whole);
    let mut args = vec!["pcap", "--summary"];
    args.extend(files.iter().map(|file| utf8(file)));
    let text = String::from_utf8(ws101(&args).stdout).expect("UTF-8");
    assert!(text.contains("newest.pcap, at offset 0"), "{text}");

    std::fs::write(&empty, b"dear diary").expect("written");
    let run = jsonl(&files);
    assert_eq!((run.code, run.stdout.len()), (Some(2), 0));
    assert!(run.stderr.contains("newest.pcap can't be read as a capture"), "{}", run.stderr);
    std::fs::remove_file(&empty).expect("removed");
    let run = jsonl(&files);
    assert_eq!((run.code, run.stdout.len()), (Some(2), 0));
    assert!(run.stderr.contains("newest.pcap can't be opened"), "{}", run.stderr);
    let run = ws101(&["pcap", "--follow", utf8(&files[0]), utf8(&files[1])]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--follow waits at the end of one file"), "{}", run.stderr);
}
