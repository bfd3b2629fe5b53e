//! A capture made by hand, packet by packet, for the binary to read: raw IPv4, TCP, pcap.

#![allow(dead_code)] // each test crate uses its part of it

use std::path::{Path, PathBuf};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Who sends a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Client,
    Server,
}
use By::{Client, Server};

/// Packets in the order in which they were seen.
#[derive(Default)]
pub(crate) struct Tape {
    /// Each as a record of a pcap, and who sent it.
    packets: Vec<(By, Vec<u8>)>,
    lines: Vec<Line>,
}

/// One TCP connection.
struct Line {
    client: ([u8; 4], u16),
    server: ([u8; 4], u16),
    sent: [u32; 2],
    heard: [u32; 2],
}

/// What the handshakes of [`Tape::upgrade`] ask.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n\
    Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
/// What they answer.
pub(crate) const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: Ozi3DgKUQuilRLfXX2e3c0dy3mk=\r\n\r\n";

impl Tape {
    /// A new connection from this port: SYN, SYN and ACK.
    pub(crate) fn open(&mut self, time: f64, port: u16) -> usize {
        self.open_between(time, ([192, 0, 2, 7], port), ([203, 0, 113, 5], 80))
    }

    /// A client's SYN from this port, with that sequence number, which nobody answers.
    pub(crate) fn knock(&mut self, time: f64, port: u16, sequence: u32) -> usize {
        let (client, server) = (([192, 0, 2, 7], port), ([203, 0, 113, 5], 80));
        self.lines.push(Line { client, server, sent: [sequence, 0x7000_0000], heard: [0, 0] });
        self.packet(time, self.lines.len() - 1, Client, SYN, &[]);
        self.lines.len() - 1
    }

    /// The server answers that SYN.
    pub(crate) fn answer(&mut self, time: f64, line: usize) {
        self.packet(time, line, Server, SYN | ACK, &[]);
    }

    /// A new connection between these addresses.
    pub(crate) fn open_between(
        &mut self,
        time: f64,
        client: ([u8; 4], u16),
        server: ([u8; 4], u16),
    ) -> usize {
        self.lines.push(Line { client, server, sent: [999, 4999], heard: [0, 0] });
        let line = self.lines.len() - 1;
        self.packet(time, line, Client, SYN, &[]);
        self.packet(time, line, Server, SYN | ACK, &[]);
        line
    }

    /// A new connection, upgraded at once.
    pub(crate) fn upgrade(&mut self, time: f64, port: u16) -> usize {
        let line = self.open(time, port);
        self.say(time, line, Client, REQUEST.as_bytes());
        self.say(time, line, Server, ACCEPTED.as_bytes());
        line
    }

    /// Somebody who has heard all that was said before says something.
    pub(crate) fn say(&mut self, time: f64, line: usize, by: By, bytes: &[u8]) {
        self.hear(line, by);
        self.packet(time, line, by, ACK, bytes);
    }

    /// Somebody says something and has heard nothing since he last spoke.
    pub(crate) fn say_deaf(&mut self, time: f64, line: usize, by: By, bytes: &[u8]) {
        self.packet(time, line, by, ACK, bytes);
    }

    /// The same in hexadecimal.
    pub(crate) fn hex(&mut self, time: f64, line: usize, by: By, bytes: &str) {
        self.say(time, line, by, &super::shared::unhex(&bytes.replace(' ', "")));
    }

    /// Somebody who has heard everything closes TCP.
    pub(crate) fn fin(&mut self, time: f64, line: usize, by: By) {
        self.hear(line, by);
        self.packet(time, line, by, FIN | ACK, &[]);
    }

    /// Somebody resets TCP.
    pub(crate) fn rst(&mut self, time: f64, line: usize, by: By) {
        self.hear(line, by);
        self.packet(time, line, by, RST | ACK, &[]);
    }

    /// The capture as a file of that name.
    pub(crate) fn write(&self, name: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 101] {
            file.extend(word.to_le_bytes());
        }
        file.extend(self.packets.iter().flat_map(|(_, record)| record));
        std::fs::write(&path, file).expect("the folder for tests can be written");
        path
    }

    /// The same as pcapng, each packet at one of these nanoseconds since the epoch, in turn.
    pub(crate) fn write_at(&self, name: &str, times: &[i64]) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let block = |kind: u32, content: &[u8]| {
            let length = (12 + content.len() as u32).to_le_bytes();
            [&kind.to_le_bytes(), &length[..], content, &length].concat()
        };
        let order = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
        let mut file = block(0x0a0d_0d0a, &[&order[..], &[0xff; 8]].concat());
        // Both clocks count nanoseconds; that of the first begins as early as any.
        const EARLIEST: i64 = i64::MIN / 1_000_000_000;
        for begin in [EARLIEST, 0] {
            let options = [&[9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0][..], &begin.to_le_bytes()];
            let link = [101, 0, 0, 0, 0xff, 0xff, 0, 0];
            file.extend(block(1, &[&link[..], &options.concat(), &[0; 4]].concat()));
        }
        for ((_, record), time) in self.packets.iter().zip(times.iter().cycle()) {
            let (clock, units) = match *time {
                before if before < 0 => (0u32, before.abs_diff(EARLIEST * 1_000_000_000)),
                since => (1, since as u64),
            };
            let mut content = clock.to_le_bytes().to_vec();
            content.extend(((units >> 32) as u32).to_le_bytes());
            content.extend((units as u32).to_le_bytes());
            content.extend(&record[8..]);
            content.resize(content.len().next_multiple_of(4), 0);
            file.extend(block(6, &content));
        }
        std::fs::write(&path, file).expect("the folder for tests can be written");
        path
    }

    /// The packet with this number, from 1, comes once more at the end, with other bytes of the same
    /// length.
    pub(crate) fn repeat(&mut self, number: usize, bytes: &[u8]) {
        let (by, mut record) = self.packets[number - 1].clone();
        let start = record.len() - bytes.len();
        record[start..].copy_from_slice(bytes);
        self.packets.push((by, record));
    }

    /// The packet with this number, from 1, has the right checksum of TCP (RFC 9293 §3.1).
    pub(crate) fn sum(&mut self, number: usize) {
        let (_, record) = &mut self.packets[number - 1];
        let (ip, tcp) = record[16..].split_at_mut(20);
        let words = [ip[12..20].to_vec(), vec![0, 6], (tcp.len() as u16).to_be_bytes().to_vec()];
        tcp[16..18].fill(0);
        let mut bytes = [words.concat(), tcp.to_vec()].concat();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let mut sum: u32 = bytes.chunks(2).map(|it| u32::from(it[0]) << 8 | u32::from(it[1])).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        tcp[16..18].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    }

    /// The packets of one side come before those of the other, as two taps may deliver them. Their
    /// times stay.
    pub(crate) fn put_first(&mut self, side: By) {
        self.packets.sort_by_key(|(by, _)| *by != side);
    }

    /// The packets with these numbers, from 1, were captured in each other's place.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        self.packets.swap(one - 1, other - 1);
    }

    /// The packets with these numbers, from 1, were not captured.
    pub(crate) fn lose(&mut self, numbers: &[usize]) {
        let mut number = 0;
        self.packets.retain(|_| {
            number += 1;
            !numbers.contains(&number)
        });
    }

    fn hear(&mut self, line: usize, by: By) {
        let line = &mut self.lines[line];
        line.heard[by as usize] = line.sent[1 - by as usize];
    }

    fn packet(&mut self, time: f64, line: usize, by: By, flags: u8, payload: &[u8]) {
        let line = &mut self.lines[line];
        if flags & SYN != 0 {
            line.heard[by as usize] = line.sent[1 - by as usize];
        }
        let (from, to) = match by {
            Client => (line.client, line.server),
            Server => (line.server, line.client),
        };
        let mut packet = vec![0x45, 0];
        packet.extend((40 + payload.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend(from.0);
        packet.extend(to.0);
        packet.extend(from.1.to_be_bytes());
        packet.extend(to.1.to_be_bytes());
        packet.extend(line.sent[by as usize].to_be_bytes());
        packet.extend(line.heard[by as usize].to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        let ends = u32::from(flags & (SYN | FIN) != 0);
        line.sent[by as usize] += payload.len() as u32 + ends;
        let micros = (time * 1e6).round() as u64;
        let mut record = Vec::new();
        record.extend((1_700_000_000 + (micros / 1_000_000) as u32).to_le_bytes());
        record.extend(((micros % 1_000_000) as u32).to_le_bytes());
        for _ in 0..2 {
            record.extend((packet.len() as u32).to_le_bytes());
        }
        record.extend(packet);
        self.packets.push((by, record));
    }
}
