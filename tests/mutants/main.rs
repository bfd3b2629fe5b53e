//! Mutations of real captures: whatever happens to packets on their way into a capture file, what
//! is read is what the peers saw. After a loss everything is right, or marked, or not there.
//!
//! Few mutants by default; `WS101_MUTANTS=20` makes twenty times as many. The seeds are fixed.

#[path = "../shared/dice.rs"]
mod dice;
mod truth;
mod wire;

use dice::Dice;
use std::io::Write as _;
use truth::{Read, Truth, read};
use wire::{FIN, Packet, Recording, SYN, file};

/// Recordings of one connection in which every message is listed by both peers.
const NAMES: [&str; 7] = [
    "chat-plain",
    "chat-deflate",
    "chat-fragments",
    "chat-ipv6",
    "chat-nano",
    "chat-any-sll2",
    "close-4001",
];

fn times(few: u64) -> u64 {
    let wanted = std::env::var("WS101_MUTANTS").ok().and_then(|text| text.parse().ok());
    few * wanted.unwrap_or(1u64)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Figures of one kind of mutation, and what went wrong.
#[derive(Default)]
struct Report {
    mutants: u64,
    frames: u64,
    recovered: u64,
    gaps: u64,
    messages: usize,
    marked: usize,
    behind: [u64; 2],
    complaints: Vec<String>,
}

impl Report {
    fn take(&mut self, what: impl FnOnce() -> String, told: &Read, verdict: Result<(), String>) {
        self.mutants += 1;
        self.frames += told.frames;
        self.recovered += told.recovered;
        self.gaps += told.gaps;
        self.messages += told.count();
        self.marked += told.marked();
        self.behind = [0, 1].map(|at| self.behind[at] + told.behind[at]);
        if let Err(complaint) = verdict {
            self.complaints.push(format!("{}: {complaint}", what()));
        }
    }

    fn finish(self, claim: &str) {
        let Report { mutants, frames, recovered, gaps, messages, marked, behind, complaints } =
            self;
        say(&format!(
            "{claim}: {mutants} mutants, {} wrong; {frames} frames, {recovered} of them behind a \
             search; {messages} messages, {marked} marked; {gaps} gaps; of {} compressed ones behind a gap \
             {} trusted",
            complaints.len(),
            behind[0],
            behind[1],
        ));
        let shown: Vec<_> = complaints.iter().take(10).cloned().collect();
        assert!(complaints.is_empty(), "{} wrong:\n{}", complaints.len(), shown.join("\n"));
    }
}

/// Applies a mutation that loses nothing to all recordings.
fn check(claim: &str, few: u64, mutate: impl Fn(&Recording, &mut Dice) -> Vec<Packet>) {
    let mut report = Report::default();
    for name in NAMES {
        let (recording, truth) = (Recording::read(name), Truth::read(name));
        let few = if recording.packets.len() > 90 { few.div_ceil(4) } else { few };
        for seed in 0..times(few) {
            let packets = mutate(&recording, &mut Dice(seed));
            let told = read(&file(&packets));
            report.take(|| format!("{name}, seed {seed}"), &told, told.is_all_of(&truth));
        }
    }
    report.finish(claim);
}

/// Applies mutations that lose something.
fn check_lossy(claim: &str, mutants: impl Fn(&Recording) -> Vec<(String, Vec<Packet>)>) {
    let mut report = Report::default();
    for name in NAMES {
        let (recording, truth) = (Recording::read(name), Truth::read(name));
        for (what, packets) in mutants(&recording) {
            let told = read(&file(&packets));
            report.take(|| format!("{name}, {what}"), &told, told.is_part_of(&truth));
        }
    }
    report.finish(claim);
}

// Without loss.

#[test]
fn an_unchanged_recording_is_what_its_peers_saw() {
    check("unchanged", 1, |recording, _| recording.packets.clone());
}

/// Shuffles within windows.
fn shuffle(packets: &mut [Packet], window: usize, dice: &mut Dice) {
    let first = dice.below(window).min(packets.len());
    let (head, rest) = packets.split_at_mut(first);
    for window in std::iter::once(head).chain(rest.chunks_mut(window)) {
        for at in (1..window.len()).rev() {
            window.swap(at, dice.below(at + 1));
        }
    }
}

#[test]
fn the_order_of_packets_is_invisible() {
    check("reordered", 24, |recording, dice| {
        let mut packets = recording.packets.clone();
        let window = 2 + dice.below(11);
        shuffle(&mut packets, window, dice);
        packets
    });
}

#[test]
fn copies_are_invisible() {
    check("duplicated", 12, |recording, dice| {
        let mut packets = recording.packets.clone();
        for _ in 0..1 + dice.below(20) {
            let at = dice.below(packets.len());
            let copy = packets[at].clone();
            let later = (at + 1 + dice.below(20)).min(packets.len());
            packets.insert(later, copy);
        }
        packets
    });
}

/// A segment of what this side said so far, cut anew, its bytes changed if so wanted.
fn overlap(packets: &[Packet], dice: &mut Dice, change: bool) -> Option<Packet> {
    let said: Vec<&Packet> = packets.iter().filter(|packet| !packet.payload.is_empty()).collect();
    let first = *said.get(dice.below(said.len()))?;
    // Of the segment and those that follow it without a hole.
    let mut bytes = first.payload.clone();
    for packet in &said {
        let follows = packet.sequence() == first.sequence().wrapping_add(bytes.len() as u32);
        if packet.ports() == first.ports() && follows && bytes.len() < 3000 {
            bytes.extend_from_slice(&packet.payload);
        }
    }
    let start = dice.below(bytes.len());
    let end = start + 1 + dice.below(bytes.len() - start);
    let mut copy = first.clone();
    copy.set_sequence(first.sequence().wrapping_add(start as u32));
    copy.payload = bytes[start..end].to_vec();
    if change {
        copy.payload.iter_mut().for_each(|byte| *byte ^= 0x55);
    }
    Some(copy)
}

fn overlapped(recording: &Recording, dice: &mut Dice, change: bool) -> Vec<Packet> {
    let mut packets = recording.packets.clone();
    for _ in 0..1 + dice.below(12) {
        let at = 1 + dice.below(packets.len());
        if let Some(copy) = overlap(&packets[..at], dice, change) {
            packets.insert(at, copy);
        }
    }
    packets
}

#[test]
fn retransmissions_that_overlap_are_invisible() {
    check("overlapped", 12, |recording, dice| overlapped(recording, dice, false));
}

#[test]
fn the_first_arrival_wins() {
    check("overlapped with other bytes", 12, |recording, dice| overlapped(recording, dice, true));
}

fn split(packets: &[Packet], dice: &mut Dice) -> Vec<Packet> {
    let longest = 1 + [dice.below(20), dice.below(400), dice.below(3000)][dice.below(3)];
    // Not more than a few thousand packets.
    let total: usize = packets.iter().map(|packet| packet.payload.len()).sum();
    let longest = longest.max(total / 3000);
    let mut cut = Vec::new();
    for packet in packets {
        if packet.payload.len() <= longest {
            cut.push(packet.clone());
            continue;
        }
        for (index, piece) in packet.payload.chunks(longest).enumerate() {
            let mut part = packet.clone();
            let offset = (index * longest) as u32;
            part.set_sequence(packet.sequence().wrapping_add(offset));
            if offset as usize + piece.len() < packet.payload.len() {
                part.set_flags(packet.flags() & !FIN);
            }
            part.payload = piece.to_vec();
            cut.push(part);
        }
    }
    cut
}

#[test]
fn cutting_segments_is_invisible() {
    check("split", 8, |recording, dice| split(&recording.packets, dice));
}

#[test]
fn cutting_and_shuffling_segments_is_invisible() {
    check("split and reordered", 8, |recording, dice| {
        let mut packets = split(&recording.packets, dice);
        shuffle(&mut packets, 2 + dice.below(11), dice);
        packets
    });
}

#[test]
fn joining_segments_is_invisible() {
    check("merged", 8, |recording, dice| {
        let mut joined: Vec<Packet> = Vec::new();
        for packet in &recording.packets {
            let before = joined
                .iter_mut()
                .rev()
                .take(1 + dice.below(4))
                .find(|before| before.ports() == packet.ports() && !before.payload.is_empty());
            match before {
                Some(before)
                    if !packet.payload.is_empty()
                        && !packet.has(SYN | FIN)
                        && !before.has(SYN | FIN)
                        // Sent without having heard anything in between.
                        && packet.acknowledgment() == before.acknowledgment()
                        && before.payload.len() + packet.payload.len() < 60_000
                        && packet.sequence()
                            == before.sequence().wrapping_add(before.payload.len() as u32) =>
                {
                    before.payload.extend_from_slice(&packet.payload);
                }
                _ => joined.push(packet.clone()),
            }
        }
        joined
    });
}

#[test]
fn sequence_numbers_may_wrap_anywhere() {
    check("rebased", 12, |recording, dice| {
        let client = recording.client();
        let start = |first: Option<&Packet>| first.map_or(0, Packet::sequence);
        let (mut ours, mut theirs) = recording
            .packets
            .iter()
            .partition::<Vec<&Packet>, _>(|packet| packet.ports()[0] == client);
        let firsts = [start(ours.drain(..).next()), start(theirs.drain(..).next())];
        let total: usize = recording.packets.iter().map(|packet| packet.payload.len()).sum();
        let shifts =
            firsts.map(|first| (u32::MAX - dice.below(total + 2) as u32).wrapping_sub(first));
        let mut packets = recording.packets.clone();
        for packet in &mut packets {
            let own = usize::from(packet.ports()[0] != client);
            packet.set_sequence(packet.sequence().wrapping_add(shifts[own]));
            if packet.acknowledgment() != 0 {
                packet.set_acknowledgment(packet.acknowledgment().wrapping_add(shifts[1 - own]));
            }
        }
        if dice.below(2) == 0 {
            shuffle(&mut packets, 6, dice);
        }
        packets
    });
}

#[test]
fn the_two_directions_may_be_captured_apart() {
    check("directions apart", 12, |recording, dice| {
        // One direction runs late by so many packets, or comes when the other is over.
        let late = usize::from(recording.client());
        let client_is_late = dice.below(2) == 0;
        let by = [1 + dice.below(30), recording.packets.len()][dice.below(2)];
        let mut packets: Vec<(usize, &Packet)> = recording.packets.iter().enumerate().collect();
        packets.sort_by_key(|(at, packet)| {
            let is_client = usize::from(packet.ports()[0]) == late;
            at + if is_client == client_is_late { by } else { 0 }
        });
        packets.into_iter().map(|(_, packet)| packet.clone()).collect()
    });
}

/// What other connections say: TLS, SSH, HTTP, nothing that makes sense.
fn noise(kind: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..20 + dice.below(1200)).map(|_| dice.roll() as u8).collect();
    let start: &[u8] = match kind {
        0 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        1 => b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        2 => b"GET /index.html HTTP/1.1\r\nHost: example.com\r\n\r\n",
        3 => b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html>",
        4 => b"\x17\x03\x03\x04\x00",
        _ => b"",
    };
    bytes.splice(0..0, start.iter().copied());
    bytes
}

#[test]
fn other_traffic_is_invisible() {
    check("among other traffic", 12, |recording, dice| {
        let mut packets = recording.packets.clone();
        let others = 1 + dice.below(6);
        let mut sequences = vec![[1u32, 1]; others];
        for _ in 0..10 + dice.below(60) {
            let other = dice.below(others);
            let side = dice.below(2);
            let at = dice.below(packets.len() + 1);
            let mut packet = recording.packets[0].clone();
            let kind = if sequences[other][side] == 1 { other % 6 } else { 4 };
            let ends = [40_000 + other as u16, 443];
            packet.set_ports(if side == 0 { ends } else { [ends[1], ends[0]] });
            packet.set_flags(0x18);
            packet.payload = noise(kind, dice);
            packet.set_sequence(sequences[other][side]);
            packet.set_acknowledgment(sequences[other][1 - side]);
            sequences[other][side] += packet.payload.len() as u32;
            packets.insert(at, packet);
        }
        packets
    });
}

// With loss.

#[test]
fn without_any_one_segment_the_rest_is_right_or_marked() {
    check_lossy("one segment dropped", |recording| {
        let said = |at: &usize| !recording.packets[*at].payload.is_empty();
        let step = if times(1) > 1 { 1 } else { 3 };
        (0..recording.packets.len())
            .filter(said)
            .step_by(step)
            .map(|at| {
                let mut packets = recording.packets.clone();
                packets.remove(at);
                (format!("without packet {}", at + 1), packets)
            })
            .collect()
    });
}

/// What was not captured was held against the peers: a FIN, a Ping, a Close that were lost.
#[test]
fn without_any_one_packet_nothing_new_is_found() {
    let mut complaints = Vec::new();
    for name in [&NAMES[..], &["heartbeat-lost", "browser-ws"]].concat() {
        let packets = Recording::read(name).packets;
        let whole = read(&file(&packets)).found;
        let step = if times(1) > 1 { 1 } else { 3 };
        for at in (0..packets.len()).step_by(step) {
            let mut packets = packets.clone();
            packets.remove(at);
            // What is said of the capture itself; and of two Closes that say the same, which is
            // told first depends on what came.
            let is_expected = |(rule, _): &&(&str, Option<usize>)| {
                rule.starts_with("CAP-") || *rule == "CLS-EXPLAIN"
            };
            let found = read(&file(&packets)).found;
            let new: Vec<_> = found.difference(&whole).filter(|it| !is_expected(it)).collect();
            if !new.is_empty() {
                complaints.push(format!("{name} without packet {}: {new:?}", at + 1));
            }
        }
    }
    assert!(complaints.is_empty(), "{} wrong:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn without_some_packets_the_rest_is_right_or_marked() {
    check_lossy("several packets dropped", |recording| {
        let few = if recording.packets.len() > 90 { 4 } else { 16 };
        (0..times(few))
            .map(|seed| {
                let mut dice = Dice(seed);
                let mut packets = split(&recording.packets, &mut dice);
                for _ in 0..1 + dice.below(8) {
                    let at = dice.below(packets.len());
                    let upto = (at + 1 + dice.below(4)).min(packets.len());
                    packets.drain(at..upto);
                    if packets.is_empty() {
                        break;
                    }
                }
                (format!("seed {seed}"), packets)
            })
            .collect()
    });
}

#[test]
fn packets_may_be_cut_at_a_snap_length() {
    let mut report = Report::default();
    for name in NAMES {
        let (recording, truth) = (Recording::read(name), Truth::read(name));
        for seed in 0..times(6) {
            let mut dice = Dice(seed);
            let mut packets = split(&recording.packets, &mut dice);
            shuffle(&mut packets, 1 + dice.below(4), &mut dice);
            let room = [100, 1500][dice.below(2)];
            let snap = 60 + dice.below(room);
            let told = read(&wire::file_cut(&packets, snap));
            report.take(|| format!("{name}, seed {seed}"), &told, told.is_part_of(&truth));
        }
    }
    report.finish("cut at a snap length");
}

/// Whatever is lost of a compressed stream: what is printed as certain is what was sent.
#[test]
fn what_is_trusted_of_a_compressed_stream_is_true() {
    let mut report = Report::default();
    for name in ["chat-deflate", "chat-fragments"] {
        let (recording, truth) = (Recording::read(name), Truth::read(name));
        for seed in 0..times(30) {
            let mut dice = Dice(seed);
            let mut packets = split(&recording.packets, &mut dice);
            // Behind the handshake, so that compression is known to be agreed.
            let said: Vec<usize> = (0..packets.len())
                .filter(|at| *at > 6 && !packets[*at].payload.is_empty())
                .collect();
            let first = said[dice.below(said.len())];
            let upto = (first + 1 + dice.below(3)).min(packets.len());
            packets.drain(first..upto);
            let told = read(&file(&packets));
            report.take(|| format!("{name}, seed {seed}"), &told, told.is_part_of(&truth));
        }
    }
    assert!(report.behind[1] > 0, "trust is never regained");
    report.finish("compressed, segments dropped");
}

#[test]
fn a_capture_may_begin_anywhere() {
    check_lossy("front cut", |recording| {
        let step = if times(1) > 1 { 1 } else { 3 };
        (1..recording.packets.len())
            .step_by(step)
            .map(|at| (format!("from packet {}", at + 1), recording.packets[at..].to_vec()))
            .collect()
    });
}

#[test]
fn a_capture_may_end_anywhere() {
    check_lossy("end cut", |recording| {
        let step = if times(1) > 1 { 1 } else { 5 };
        (0..recording.packets.len())
            .step_by(step)
            .map(|at| (format!("up to packet {at}"), recording.packets[..at].to_vec()))
            .collect()
    });
}

#[test]
fn one_direction_alone_is_right_or_marked() {
    check_lossy("one direction", |recording| {
        let side = |client: bool| {
            let own = |packet: &&Packet| (packet.ports()[0] == recording.client()) == client;
            recording.packets.iter().filter(own).cloned().collect()
        };
        vec![("client".into(), side(true)), ("server".into(), side(false))]
    });
}
