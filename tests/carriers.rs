//! Whatever carries the packets of a recording, the same is said of it: each is wrapped, and the
//! records of the binary must be those of the plain capture.

#[path = "shared/dice.rs"]
mod dice;
mod shared;

use dice::Dice;
use serde_json::Value;
use shared::{assert_none, pcap, recording, shared, utf8, ws101};
use std::path::{Path, PathBuf};

const ETHERNET: u32 = 1;
const RAW: u32 = 101;

const V4: [u8; 2] = [0x08, 0x00];
const V6: [u8; 2] = [0x86, 0xdd];

/// Captured packets: seconds, microseconds, and the IP packet.
type Packets = Vec<(u32, u32, Vec<u8>)>;

/// Takes an IP packet into what carries it.
type Wrap = fn(&[u8]) -> Vec<u8>;

/// The IP packets of a recording on Ethernet, cut into segments that fit into any tunnel.
fn packets_of(file: &Path) -> Packets {
    let bytes = std::fs::read(file).expect("a recording");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, ETHERNET), "pcap in microseconds");
    let (mut at, mut packets) = (24, Vec::new());
    while at < bytes.len() {
        let length = word(at + 8) as usize;
        let ip = &bytes[at + 16 + 14..at + 16 + length];
        packets.extend(segments(ip).into_iter().map(|ip| (word(at), word(at + 4), ip)));
        at += 16 + length;
    }
    packets
}

/// The same bytes in segments of at most 1,200 bytes.
fn segments(ip: &[u8]) -> Vec<Vec<u8>> {
    let is_v4 = ip[0] >> 4 == 4;
    let tcp = if is_v4 { usize::from(ip[0] & 15) * 4 } else { 40 };
    let payload = tcp + usize::from(ip[tcp + 12] >> 4) * 4;
    let first = u32::from_be_bytes(ip[tcp + 4..tcp + 8].try_into().expect("four"));
    let pieces: Vec<&[u8]> = match ip.len() - payload {
        0 => vec![&[]],
        _ => ip[payload..].chunks(1200).collect(),
    };
    let last = pieces.len() - 1;
    let piece = |(index, piece): (usize, &&[u8])| {
        let mut packet = [&ip[..payload], piece].concat();
        let sequence = first.wrapping_add(1200 * index as u32);
        packet[tcp + 4..tcp + 8].copy_from_slice(&sequence.to_be_bytes());
        if index < last {
            packet[tcp + 13] &= !1;
        }
        let length = packet.len() as u16 - if is_v4 { 0 } else { 40 };
        let place = if is_v4 { 2..4 } else { 4..6 };
        packet[place].copy_from_slice(&length.to_be_bytes());
        packet
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn write(name: &str, link: u32, packets: impl IntoIterator<Item = (u32, u32, Vec<u8>)>) -> PathBuf {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, link] {
        file.extend(word.to_le_bytes());
    }
    for (seconds, micros, bytes) in packets {
        let length = bytes.len() as u32;
        [seconds, micros, length, length].iter().for_each(|word| file.extend(word.to_le_bytes()));
        file.extend(bytes);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, file).expect("the folder for tests can be written");
    path
}

/// What is said of a capture, without what speaks of the file.
fn records(file: &Path, numbered: bool) -> Vec<Value> {
    let mut records = pcap(file).records();
    records.retain(|record| record["type"] != "capture" && record["type"] != "summary");
    for record in records.iter_mut().filter(|_| !numbered) {
        record.as_object_mut().expect("an object").remove("packet");
    }
    records
}

fn kind(ip: &[u8]) -> [u8; 2] {
    if ip[0] >> 4 == 4 { V4 } else { V6 }
}

fn ethernet(kind: [u8; 2], within: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &kind[..], within].concat()
}

fn ethernet_of(ip: &[u8]) -> Vec<u8> {
    ethernet(kind(ip), ip)
}

fn ipv4(protocol: u8, within: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + within.len() as u16).to_be_bytes();
    let header = [0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0];
    [&header, &[198, 51, 100, 1, 198, 51, 100, 2][..], within].concat()
}

fn ipv6(next: u8, within: &[u8]) -> Vec<u8> {
    let [high, low] = (within.len() as u16).to_be_bytes();
    let mut addresses = [0; 32];
    (addresses[0], addresses[16]) = (0x20, 0x20);
    (addresses[15], addresses[31]) = (1, 2);
    [&[0x60, 0, 0, 0, high, low, next, 64], &addresses[..], within].concat()
}

fn udp(port: u16, within: &[u8]) -> Vec<u8> {
    let [high, low] = (8 + within.len() as u16).to_be_bytes();
    let [port_high, port_low] = port.to_be_bytes();
    [&[0xc0, 0, port_high, port_low, high, low, 0, 0], within].concat()
}

fn on_ethernet_v4(protocol: u8, within: &[u8]) -> Vec<u8> {
    ethernet(V4, &ipv4(protocol, within))
}

fn inner(ip: &[u8]) -> u8 {
    if ip[0] >> 4 == 4 { 4 } else { 41 }
}

/// An extension header of IPv6 between the fixed header and TCP: `first` is its number.
fn extended(ip: &[u8], first: u8, headers: &[u8]) -> Vec<u8> {
    let mut packet = [&ip[..40], headers, &ip[40..]].concat();
    packet[6] = first;
    let length = (packet.len() - 40) as u16;
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet
}

/// Each way of carrying either version of IP: its name, the link type, what it does.
const CARRIERS: &[(&str, u32, Wrap)] = &[
    ("raw IP", RAW, <[u8]>::to_vec),
    ("raw IP, as OpenBSD counts", 12, <[u8]>::to_vec),
    ("VLAN", ETHERNET, |ip| ethernet([0x81, 0], &[&[0, 7], &kind(ip)[..], ip].concat())),
    ("QinQ", ETHERNET, |ip| {
        ethernet([0x88, 0xa8], &[&[0, 7, 0x81, 0, 0, 9], &kind(ip)[..], ip].concat())
    }),
    ("MPLS, two labels", ETHERNET, |ip| {
        ethernet([0x88, 0x47], &[&[0, 1, 0x00, 64, 0, 2, 0x01, 64], ip].concat())
    }),
    ("a pseudowire over MPLS", ETHERNET, |ip| {
        ethernet([0x88, 0x47], &[&[0, 2, 0x01, 64, 0, 0, 0, 0], &ethernet_of(ip)[..]].concat())
    }),
    ("PPPoE", ETHERNET, |ip| {
        let [high, low] = (2 + ip.len() as u16).to_be_bytes();
        let protocol = if kind(ip) == V4 { 0x21 } else { 0x57 };
        ethernet([0x88, 0x64], &[&[0x11, 0, 0, 1, high, low, 0, protocol], ip].concat())
    }),
    ("GRE", ETHERNET, |ip| on_ethernet_v4(47, &[&[0, 0], &kind(ip)[..], ip].concat())),
    ("GRE with checksum, key and sequence number", ETHERNET, |ip| {
        on_ethernet_v4(47, &[&[0xb0, 0], &kind(ip)[..], &[7; 12], ip].concat())
    }),
    ("GRE with Ethernet, over IPv6", ETHERNET, |ip| {
        ethernet(V6, &ipv6(47, &[&[0, 0, 0x65, 0x58], &ethernet_of(ip)[..]].concat()))
    }),
    ("ERSPAN type I", ETHERNET, |ip| {
        on_ethernet_v4(47, &[&[0, 0, 0x88, 0xbe], &ethernet_of(ip)[..]].concat())
    }),
    ("ERSPAN type II", ETHERNET, |ip| {
        on_ethernet_v4(47, &[&[0x10, 0, 0x88, 0xbe], &[0; 12][..], &ethernet_of(ip)[..]].concat())
    }),
    ("ERSPAN type III", ETHERNET, |ip| {
        on_ethernet_v4(47, &[&[0x10, 0, 0x22, 0xeb], &[0; 16][..], &ethernet_of(ip)[..]].concat())
    }),
    ("ERSPAN type III with a subheader", ETHERNET, |ip| {
        let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        on_ethernet_v4(47, &[&header, &[0; 8][..], &ethernet_of(ip)[..]].concat())
    }),
    ("VXLAN", ETHERNET, |ip| {
        let header = [8, 0, 0, 0, 0, 0, 7, 0];
        on_ethernet_v4(17, &udp(4789, &[&header, &ethernet_of(ip)[..]].concat()))
    }),
    ("VXLAN over IPv6, with a VLAN within", ETHERNET, |ip| {
        let frame = ethernet([0x81, 0], &[&[0, 7], &kind(ip)[..], ip].concat());
        ethernet(V6, &ipv6(17, &udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &frame[..]].concat())))
    }),
    ("GENEVE", ETHERNET, |ip| {
        let header = [0, 0, 0x65, 0x58, 0, 0, 7, 0];
        on_ethernet_v4(17, &udp(6081, &[&header, &ethernet_of(ip)[..]].concat()))
    }),
    ("GENEVE with options", ETHERNET, |ip| {
        let header = [2, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 1, 0, 0, 0, 0];
        on_ethernet_v4(17, &udp(6081, &[&header, &ethernet_of(ip)[..]].concat()))
    }),
    ("GENEVE without Ethernet", ETHERNET, |ip| {
        let [high, low] = kind(ip);
        on_ethernet_v4(17, &udp(6081, &[&[0, 0, high, low, 0, 0, 7, 0], ip].concat()))
    }),
    ("VXLAN on the port of Linux", ETHERNET, |ip| {
        let header = [8, 0, 0, 0, 0, 0, 7, 0];
        on_ethernet_v4(17, &udp(8472, &[&header, &ethernet_of(ip)[..]].concat()))
    }),
    ("VXLAN-GPE", ETHERNET, |ip| {
        let next = if ip[0] >> 4 == 4 { 1 } else { 2 };
        on_ethernet_v4(17, &udp(4790, &[&[0x0c, 0, 0, next, 0, 0, 7, 0], ip].concat()))
    }),
    ("VXLAN-GPE with Ethernet", ETHERNET, |ip| {
        let header = [0x0c, 0, 0, 3, 0, 0, 7, 0];
        on_ethernet_v4(17, &udp(4790, &[&header, &ethernet_of(ip)[..]].concat()))
    }),
    ("PPP in GRE, as PPTP has it", ETHERNET, |ip| {
        let [high, low] = (ip.len() as u16 + 4).to_be_bytes();
        let protocol = if ip[0] >> 4 == 4 { 0x21 } else { 0x57 };
        let header = [0x30, 0x01, 0x88, 0x0b, high, low, 0, 7, 0, 0, 0, 1, 0xff, 0x03, 0, protocol];
        on_ethernet_v4(47, &[&header, ip].concat())
    }),
    ("IP in IPv4", ETHERNET, |ip| on_ethernet_v4(inner(ip), ip)),
    ("IP in IPv6", ETHERNET, |ip| ethernet(V6, &ipv6(inner(ip), ip))),
    ("IP in IP in GRE in VXLAN", ETHERNET, |ip| {
        let within = on_ethernet_v4(47, &[&[0, 0, 8, 0], &ipv4(inner(ip), ip)[..]].concat());
        on_ethernet_v4(17, &udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &within[..]].concat()))
    }),
    ("GTP-U", ETHERNET, |ip| {
        let [high, low] = (ip.len() as u16).to_be_bytes();
        on_ethernet_v4(17, &udp(2152, &[&[0x30, 0xff, high, low, 0, 0, 0, 7], ip].concat()))
    }),
    ("GTP-U with a sequence number and an extension header", ETHERNET, |ip| {
        let [high, low] = (8 + ip.len() as u16).to_be_bytes();
        let header = [0x36, 0xff, high, low, 0, 0, 0, 7, 0, 1, 0, 0x85, 1, 0, 0, 0];
        on_ethernet_v4(17, &udp(2152, &[&header, ip].concat()))
    }),
    ("Linux cooked, version 1", 113, |ip| {
        [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &kind(ip)[..], ip].concat()
    }),
    ("Linux cooked, version 2", 276, |ip| {
        [&kind(ip)[..], &[0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], ip].concat()
    }),
    ("BSD loopback, little-endian", 0, |ip| {
        [&[if kind(ip) == V4 { 2 } else { 30 }, 0, 0, 0], ip].concat()
    }),
    ("OpenBSD loopback", 108, |ip| [&[0, 0, 0, if kind(ip) == V4 { 2 } else { 24 }], ip].concat()),
];

/// The same for IPv6 alone.
const EXTENDED: &[(&str, Wrap)] = &[
    ("hop-by-hop options", |ip| extended(ip, 0, &[6, 0, 1, 4, 0, 0, 0, 0])),
    ("destination options", |ip| extended(ip, 60, &[6, 0, 1, 4, 0, 0, 0, 0])),
    ("an atomic fragment", |ip| extended(ip, 44, &[6, 0, 0, 0, 0, 0, 0, 7])),
    ("hop-by-hop options, a routing header and destination options", |ip| {
        let hop = [43, 0, 1, 4, 0, 0, 0, 0];
        let routing = [60, 2, 3, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        extended(ip, 0, &[&hop, &routing[..], &[6, 0, 1, 4, 0, 0, 0, 0]].concat())
    }),
];

/// A recording over each version of IP, and its records without anything around it.
fn recordings(claim: &str) -> Vec<(Packets, Vec<Value>)> {
    let of = |name: &str| {
        let (file, _) = recording(claim, name)?;
        let packets = packets_of(&file);
        let plain = packets.iter().map(|(one, two, ip)| (*one, *two, ethernet_of(ip)));
        let plain = write(&format!("carried-{name}.pcap"), ETHERNET, plain);
        let expected = records(&plain, true);
        assert!(expected.iter().filter(|record| record["type"] == "message").count() > 8);
        Some((packets, expected))
    };
    ["chat-plain", "chat-ipv6"].into_iter().filter_map(of).collect()
}

#[test]
fn the_same_is_said_whatever_carries_it() {
    let recordings = recordings("the_same_is_said_whatever_carries_it");
    let mut complaints = Vec::new();
    for (packets, expected) in &recordings {
        let is_v6 = kind(&packets[0].2) == V6;
        let extended: &[_] = if is_v6 { EXTENDED } else { &[] };
        let extended = extended.iter().map(|(name, wrap)| (*name, RAW, *wrap));
        for (name, link, wrap) in CARRIERS.iter().copied().chain(extended) {
            let carried = packets.iter().map(|(one, two, ip)| (*one, *two, wrap(ip)));
            let file = write("carried.pcap", link, carried);
            if records(&file, true) != *expected {
                complaints.push(format!("{name}, IPv6 {is_v6}: other records"));
            }
        }
    }
    assert_none(&complaints);
}

/// The fragments of an IP packet: each carries `size` bytes, a multiple of 8, and overlaps the one
/// before it by `overlap`.
fn fragments(ip: &[u8], identification: u16, size: usize, overlap: usize) -> Vec<Vec<u8>> {
    let is_v4 = ip[0] >> 4 == 4;
    let header = if is_v4 { 20 } else { 40 };
    let payload = &ip[header..];
    let mut fragments = Vec::new();
    let mut start = 0;
    loop {
        let end = (start + size).min(payload.len());
        let more = u16::from(end < payload.len());
        let [high, low] = identification.to_be_bytes();
        let place = (start / 8) as u16;
        fragments.push(if is_v4 {
            let mut packet = [&ip[..20], &payload[start..end]].concat();
            let length = packet.len() as u16;
            packet[2..4].copy_from_slice(&length.to_be_bytes());
            packet[4..6].copy_from_slice(&[high, low]);
            packet[6..8].copy_from_slice(&(more << 13 | place).to_be_bytes());
            packet
        } else {
            let [first, second] = (place << 3 | more).to_be_bytes();
            let around = [&ip[..40], &payload[start..end]].concat();
            extended(&around, 44, &[6, 0, first, second, 0, 0, high, low])
        });
        if more == 0 {
            return fragments;
        }
        start = end - overlap;
    }
}

#[test]
fn fragments_come_together_again_in_any_order() {
    let recordings = recordings("fragments_come_together_again_in_any_order");
    let mut complaints = Vec::new();
    let ways: [(&str, usize, bool); 4] = [
        ("in order", 0, false),
        ("out of order", 0, true),
        ("overlapping", 16, false),
        ("overlapping and out of order", 16, true),
    ];
    for (packets, expected) in &recordings {
        let mut expected = expected.clone();
        for record in &mut expected {
            record.as_object_mut().expect("an object").remove("packet");
        }
        for (name, overlap, shuffled) in ways {
            let mut dice = Dice(7);
            let cut = |(index, (one, two, ip)): (usize, &(u32, u32, Vec<u8>))| {
                let header = if kind(ip) == V4 { usize::from(ip[0] & 15) * 4 } else { 40 };
                assert!(kind(ip) == V6 || header == 20);
                let mut parts = fragments(ip, index as u16, 64, overlap);
                if shuffled {
                    for last in (1..parts.len()).rev() {
                        parts.swap(last, dice.below(last + 1));
                    }
                }
                parts.into_iter().map(|part| (*one, *two, part)).collect::<Vec<_>>()
            };
            let cut: Vec<_> = packets.iter().enumerate().flat_map(cut).collect();
            assert!(2 * cut.len() > 3 * packets.len());
            if records(&write("fragments.pcap", RAW, cut), false) != expected {
                complaints.push(format!("{name}, IPv6 {}", kind(&packets[0].2) == V6));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn what_the_snap_length_cut_is_said_of_each_frame() {
    let claim = "what_the_snap_length_cut_is_said_of_each_frame";
    let Some((file, _)) = recording(claim, "snaplen-96") else { return };
    let records = pcap(&file).records();
    let count = |kind: &str, is: fn(&Value) -> bool| {
        records.iter().filter(|record| record["type"] == kind && is(record)).count()
    };
    let cut = count("frame", |frame| frame["complete"] == false);
    assert!(cut > 10, "{cut}");
    assert_eq!(count("gap", |gap| gap["reason"] != "snaplen"), 0);
    assert!(count("gap", |_| true) >= cut);
    // What was cut is no message that anybody could take for the whole.
    assert_eq!(count("message", |message| message["complete"] == false), cut);
    let shown = ws101(&["pcap", utf8(&file), "--connection", "1"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.matches("  incomplete").count(), cut, "{shown}");
}

#[test]
fn a_capture_may_end_inside_any_packet() {
    let claim = "a_capture_may_end_inside_any_packet";
    let Some((file, _)) = recording(claim, "chat-plain") else { return };
    let bytes = std::fs::read(&file).expect("a recording");
    let whole = pcap(&file).records();
    let frames = |records: &[Value]| {
        records.iter().filter(|record| record["type"] == "frame").cloned().collect::<Vec<_>>()
    };
    let whole = frames(&whole);
    let cut = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cut-inside.pcap");
    let mut dice = Dice(3);
    for _ in 0..25 {
        let end = 24 + 1 + dice.below(bytes.len() - 26);
        std::fs::write(&cut, &bytes[..end]).expect("written");
        let run = ws101(&["pcap", utf8(&cut), "--format", "jsonl"]);
        assert!(run.code.is_some_and(|code| code < 2), "{}", run.stderr);
        let mut found = frames(&run.records());
        // The frame that was being captured is incomplete; all before it are as they were.
        found.retain(|frame| frame["complete"] == true);
        assert!(found.iter().all(|frame| whole.contains(frame)), "cut at {end}");
    }
}

#[test]
fn every_file_of_formats_is_read_or_refused_in_words() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/formats");
    let all = shared("every_file_of_formats_is_read_or_refused_in_words", "captures/formats");
    let mut files = Vec::new();
    for folder in [own].into_iter().chain(all) {
        let entries = std::fs::read_dir(folder).expect("a folder");
        files.extend(entries.map(|entry| entry.expect("a file").path()));
    }
    files.retain(|file| !utf8(file).ends_with(".md"));
    assert!(files.len() > 70, "{}", files.len());
    for file in files {
        let run = ws101(&["pcap", utf8(&file), "--format", "jsonl"]);
        let is_summed_up = run.records().iter().any(|record| record["type"] == "summary");
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let (code, word) = match name {
            "empty.pcap" => (2, "the input is empty (0 bytes)"),
            _ => (0, ""),
        };
        assert_eq!(run.code, Some(code), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(word), "{name}: {}", run.stderr);
        assert_eq!((run.stderr.is_empty(), is_summed_up), (code < 2, code < 2), "{name}");
    }
}

/// Packets, connections, and the opcodes as `tshark -r F -Y websocket -T fields -e
/// websocket.opcode` tells them. Of bigblock, which holds a block of 300 kB, tshark reads nothing.
#[test]
fn several_interfaces_long_blocks_and_nanoseconds_hold_what_tshark_sees() {
    const TALK: [u64; 12] = [1, 1, 1, 1, 2, 1, 9, 1, 1, 0, 8, 8];
    const OTHER: [u64; 12] = [1, 1, 1, 2, 1, 9, 1, 1, 1, 0, 8, 8];
    let expected: [(&str, u64, Vec<&[u64]>, &str); 6] = [
        ("anysll2.pcapng", 22, vec![&TALK], "1795212670.954031440"),
        ("any.pcapng", 22, vec![&TALK], "1795212667.830859282"),
        ("p_ns.pcap", 28, vec![&OTHER], "1795212664.702957787"),
        ("multi.pcapng", 72, vec![&OTHER, &TALK, &TALK], "1795212664.702957787"),
        ("bigblock.pcapng", 2, vec![], ""),
        ("bigshb.pcapng", 1, vec![], ""),
    ];
    let claim = "several_interfaces_long_blocks_and_nanoseconds_hold_what_tshark_sees";
    for (name, packets, connections, first) in expected {
        let Some(file) = shared(claim, &format!("captures/formats/{name}")) else { return };
        let records = pcap(&file).records();
        let opcodes: Vec<u64> = records
            .iter()
            .filter(|record| record["type"] == "frame")
            .map(|frame| frame["opcode"].as_u64().expect("a number"))
            .collect();
        assert_eq!(opcodes, connections.concat(), "{name}");
        let summary = records.last().expect("a summary");
        assert_eq!(summary["packets"], packets, "{name}");
        assert_eq!(summary["connections"], connections.len(), "{name}");
        let time = records.iter().find_map(|record| record["time"].as_str()).unwrap_or_default();
        assert_eq!(time, first, "{name}");
    }
}
