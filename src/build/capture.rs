//! A conversation as a capture file: classic pcap with nanoseconds, Ethernet, IPv4 or IPv6, TCP,
//! all checksums right. TCP is opened with SYN, data is acknowledged, and the end is as told.

use super::conversation::{Act, Conversation, Fate, What};
use crate::said::Endpoint;
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};

/// The magic of classic pcap with nanoseconds, little endian.
const MAGIC: u32 = 0xa1b2_3c4d;
/// Version 2.4, no time zone, no accuracy.
const VERSION: [u8; 12] = [2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The largest packet that a file may hold, where nothing smaller is wanted.
const SNAP_LENGTH: u32 = 262_144;
/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// MAC addresses of no manufacturer: the client's, the server's.
const MAC: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]];
/// Where the two streams begin to count.
const FIRST: [u32; 2] = [0x1000_0000, 0x2000_0000];
const WINDOW: u16 = 64_240;
const HOPS: u8 = 64;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

impl Conversation {
    /// The capture file.
    pub fn pcap(&self) -> Vec<u8> {
        let mut packets = self.packets();
        for other in &self.others {
            packets.extend(other.packets());
        }
        packets.sort_by_key(|packet| packet.time);
        self.file(&packets)
    }

    fn packets(&self) -> Vec<Packet> {
        let mut wire =
            Wire { conversation: self, next: FIRST, window: [WINDOW; 2], packets: Vec::new() };
        wire.open();
        for (index, act) in self.acts.iter().enumerate() {
            wire.act(act, self.acts.get(index + 1).map(|next| next.at));
        }
        wire.settle();
        for packet in &mut wire.packets {
            packet.time += self.start.nanoseconds();
        }
        wire.packets.sort_by_key(|packet| packet.time);
        wire.packets.drain(..self.missed.min(wire.packets.len()));
        wire.packets
    }

    fn file(&self, packets: &[Packet]) -> Vec<u8> {
        let mut file = MAGIC.to_le_bytes().to_vec();
        file.extend_from_slice(&VERSION);
        let snap = self.snap.unwrap_or(SNAP_LENGTH as usize);
        file.extend_from_slice(&(snap as u32).to_le_bytes());
        file.extend_from_slice(&ETHERNET.to_le_bytes());
        for (index, packet) in packets.iter().enumerate() {
            let back = self.set_back.filter(|(from, _)| index >= *from).map_or(0, |(_, by)| by);
            let time = packet.time - back;
            let kept = &packet.bytes[..packet.bytes.len().min(snap)];
            let lengths = [kept.len() as u32, packet.bytes.len() as u32];
            let times = [time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000)];
            for word in times.map(|part| part as u32).into_iter().chain(lengths) {
                file.extend_from_slice(&word.to_le_bytes());
            }
            file.extend_from_slice(kept);
        }
        file
    }
}

/// A packet, and when it passes the place of capture, in nanoseconds.
struct Packet {
    time: i64,
    bytes: Vec<u8>,
    from: Endpoint,
    /// To be put behind the next packet with data of the same endpoint.
    late: bool,
    has_data: bool,
}

/// The packets so far, and what each stream counts next.
struct Wire<'a> {
    conversation: &'a Conversation,
    next: [u32; 2],
    /// How much each end can take.
    window: [u16; 2],
    packets: Vec<Packet>,
}

impl Wire<'_> {
    fn open(&mut self) {
        let latency = self.conversation.latency;
        self.send(0, Endpoint::Client, SYN, &[], Fate::Captured);
        self.send(latency, Endpoint::Server, SYN | ACK, &[], Fate::Captured);
        self.send(latency + 1000, Endpoint::Client, ACK, &[], Fate::Captured);
    }

    /// An act, and the acknowledgment that follows unless the other end speaks first.
    fn act(&mut self, act: &Act, next: Option<i64>) {
        let bytes = act.bytes();
        match act.what {
            What::Window(size) => {
                self.window[act.from.index()] = size;
                return self.send(act.at, act.from, ACK, &[], act.fate);
            }
            What::Reset => return self.send(act.at, act.from, RST | ACK, &[], act.fate),
            What::Fin => self.send(act.at, act.from, FIN | ACK, &[], act.fate),
            _ if bytes.is_empty() => return,
            _ => {
                let pieces = bytes.chunks(self.conversation.segment.clamp(1, 60_000));
                for (index, piece) in pieces.enumerate() {
                    let time = act.at + index as i64 * 1000;
                    self.send(time, act.from, PSH | ACK, piece, act.fate);
                }
            }
        }
        let heard = act.at + self.conversation.latency;
        let heard = next.map_or(heard, |next| heard.min(next)).max(self.last() + 1);
        self.send(heard, act.from.peer(), ACK, &[], Fate::Captured);
    }

    fn last(&self) -> i64 {
        self.packets.last().map_or(0, |packet| packet.time)
    }

    fn send(&mut self, time: i64, from: Endpoint, flags: u8, payload: &[u8], fate: Fate) {
        let own = from.index();
        let bytes = self.packet(from, flags, payload);
        self.next[own] = self.next[own]
            .wrapping_add(payload.len() as u32)
            .wrapping_add(u32::from(flags & (SYN | FIN) != 0));
        let has_data = !payload.is_empty();
        let late = fate == Fate::Late;
        let packet = Packet { time, bytes, from, late, has_data };
        if fate == Fate::Twice {
            let bytes = packet.bytes.clone();
            let again = time + self.conversation.latency / 2;
            self.packets.push(Packet { time: again, bytes, from, late, has_data });
        }
        if fate != Fate::Lost {
            self.packets.push(packet);
        }
    }

    /// Late packets pass behind the next one with data of the same endpoint.
    fn settle(&mut self) {
        for index in 0..self.packets.len() {
            let Packet { late: true, from, .. } = self.packets[index] else { continue };
            let mut later = self.packets[index + 1..].iter();
            let next = later.find(|next| next.from == from && next.has_data && !next.late);
            if let Some(next) = next {
                self.packets[index].time = next.time + 500;
            }
        }
    }

    fn packet(&self, from: Endpoint, flags: u8, payload: &[u8]) -> Vec<u8> {
        let Conversation { client, server, .. } = self.conversation;
        let (own, peer) = (from.index(), from.peer().index());
        let ends = [client, server];
        let ethernet = PacketBuilder::ethernet2(MAC[own], MAC[peer]);
        let (source, destination) = (ends[own], ends[peer]);
        let (sequence, heard, window) = (self.next[own], self.next[peer], self.window[own]);
        let ports = (source.port(), destination.port());
        let step = match (source.ip(), destination.ip()) {
            (std::net::IpAddr::V4(source), std::net::IpAddr::V4(destination)) => ethernet
                .ipv4(source.octets(), destination.octets(), HOPS)
                .tcp(ports.0, ports.1, sequence, window),
            (source, destination) => ethernet
                .ipv6(six(source), six(destination), HOPS)
                .tcp(ports.0, ports.1, sequence, window),
        };
        let mut bytes = Vec::with_capacity(step.size(payload.len()));
        flagged(step, flags, heard)
            .write(&mut bytes, payload)
            .expect("a packet of at most 60,000 bytes can be written to memory");
        bytes
    }
}

fn six(address: std::net::IpAddr) -> [u8; 16] {
    match address {
        std::net::IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        std::net::IpAddr::V6(address) => address.octets(),
    }
}

fn flagged(
    mut step: PacketBuilderStep<TcpHeader>,
    flags: u8,
    heard: u32,
) -> PacketBuilderStep<TcpHeader> {
    if flags & FIN != 0 {
        step = step.fin();
    }
    if flags & SYN != 0 {
        step = step.syn();
    }
    if flags & RST != 0 {
        step = step.rst();
    }
    if flags & PSH != 0 {
        step = step.psh();
    }
    if flags & ACK != 0 { step.ack(heard) } else { step }
}
