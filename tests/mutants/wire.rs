//! Recordings as packets that can be changed: classic pcap, Ethernet or Linux
//! cooked, IPv4 or IPv6, TCP.

use std::path::Path;

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;

/// How packets were captured.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Link {
    Ethernet,
    /// Linux cooked, version 2: the "any" interface.
    Cooked2,
}

impl Link {
    fn number(self) -> u32 {
        if self == Link::Ethernet { 1 } else { 276 }
    }

    /// Length of its header, and where that says what it carries.
    fn layout(self) -> (usize, usize) {
        if self == Link::Ethernet { (14, 12) } else { (20, 0) }
    }
}

/// One captured packet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    /// Nanoseconds.
    pub(crate) time: u64,
    /// Headers of the link, IP and TCP.
    headers: Vec<u8>,
    link: Link,
    /// Where the TCP header begins.
    tcp: usize,
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    fn read(time: u64, link: Link, bytes: &[u8]) -> Packet {
        let (start, kind) = link.layout();
        let ip = &bytes[start..];
        let (network, total) = match bytes[kind..kind + 2] {
            [0x08, 0x00] => {
                let length = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
                (usize::from(ip[0] & 15) * 4, length)
            }
            [0x86, 0xdd] => (40, 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]]))),
            ref other => panic!("neither IPv4 nor IPv6: {other:02x?}"),
        };
        let tcp = start + network;
        let payload = tcp + usize::from(bytes[tcp + 12] >> 4) * 4;
        let (headers, payload) =
            (bytes[..payload].to_vec(), bytes[payload..start + total].to_vec());
        Packet { time, headers, link, tcp, payload }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.headers[..], &self.payload[..]].concat();
        let ip = self.link.layout().0;
        let is_v4 = bytes[ip] >> 4 == 4;
        let length = (bytes.len() - ip - if is_v4 { 0 } else { 40 }) as u16;
        let at = ip + if is_v4 { 2 } else { 4 };
        bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    fn number(&self, at: usize) -> u32 {
        let bytes = &self.headers[self.tcp + at..][..4];
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn set_number(&mut self, at: usize, number: u32) {
        self.headers[self.tcp + at..][..4].copy_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn sequence(&self) -> u32 {
        self.number(4)
    }

    pub(crate) fn set_sequence(&mut self, sequence: u32) {
        self.set_number(4, sequence);
    }

    pub(crate) fn acknowledgment(&self) -> u32 {
        self.number(8)
    }

    pub(crate) fn set_acknowledgment(&mut self, acknowledgment: u32) {
        self.set_number(8, acknowledgment);
    }

    pub(crate) fn flags(&self) -> u8 {
        self.headers[self.tcp + 13]
    }

    pub(crate) fn set_flags(&mut self, flags: u8) {
        self.headers[self.tcp + 13] = flags;
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }

    /// Source and destination port.
    pub(crate) fn ports(&self) -> [u16; 2] {
        let ports = &self.headers[self.tcp..self.tcp + 4];
        [u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]])]
    }

    pub(crate) fn set_ports(&mut self, ports: [u16; 2]) {
        let [source, destination] = ports.map(u16::to_be_bytes);
        self.headers[self.tcp..self.tcp + 4].copy_from_slice(&[source, destination].concat());
    }
}

/// A recording.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) packets: Vec<Packet>,
}

impl Recording {
    pub(crate) fn read(name: &str) -> Recording {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures");
        let file = std::fs::read(folder.join(format!("{name}.pcap"))).expect("a sample");
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
        let unit = match word(0) {
            0xa1b2_c3d4 => 1000,
            0xa1b2_3c4d => 1,
            other => panic!("{name}: the magic {other:08x}"),
        };
        let link = match word(20) {
            1 => Link::Ethernet,
            276 => Link::Cooked2,
            other => panic!("{name}: link type {other}"),
        };
        let mut packets = Vec::new();
        let mut at = 24;
        while at < file.len() {
            let time = u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)) * unit;
            let length = word(at + 8) as usize;
            packets.push(Packet::read(time, link, &file[at + 16..at + 16 + length]));
            at += 16 + length;
        }
        Recording { packets }
    }

    /// The client's port: the SYN comes first.
    pub(crate) fn client(&self) -> u16 {
        self.packets[0].ports()[0]
    }
}

/// A capture file of these packets, in this order; the times keep theirs.
pub(crate) fn file(packets: &[Packet]) -> Vec<u8> {
    file_cut(packets, usize::MAX)
}

/// The same with packets cut at a snap length.
pub(crate) fn file_cut(packets: &[Packet], snap: usize) -> Vec<u8> {
    let mut times: Vec<u64> = packets.iter().map(|packet| packet.time).collect();
    times.sort_unstable();
    let link = packets.first().map_or(Link::Ethernet, |packet| packet.link);
    let mut file = 0xa1b2_3c4du32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    file.extend(link.number().to_le_bytes());
    for (packet, time) in packets.iter().zip(times) {
        let bytes = packet.bytes();
        let kept = bytes.len().min(snap);
        for word in [time / 1_000_000_000, time % 1_000_000_000, kept as u64, bytes.len() as u64] {
            file.extend((word as u32).to_le_bytes());
        }
        file.extend(&bytes[..kept]);
    }
    file
}
