//! Recordings as packets that can be changed: classic pcap, Ethernet, IPv4 or IPv6, TCP.

use std::path::Path;

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;

/// One captured packet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    /// Nanoseconds.
    pub(crate) time: u64,
    /// Ethernet, IP and TCP headers.
    headers: Vec<u8>,
    /// Where the TCP header begins.
    tcp: usize,
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    fn read(time: u64, bytes: &[u8]) -> Packet {
        let (network, total) = match [bytes[12], bytes[13]] {
            [0x08, 0x00] => {
                let length = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
                (usize::from(bytes[14] & 15) * 4, length)
            }
            [0x86, 0xdd] => (40, 40 + usize::from(u16::from_be_bytes([bytes[18], bytes[19]]))),
            other => panic!("neither IPv4 nor IPv6: {other:02x?}"),
        };
        let tcp = 14 + network;
        let payload = tcp + usize::from(bytes[tcp + 12] >> 4) * 4;
        let (headers, payload) = (bytes[..payload].to_vec(), bytes[payload..14 + total].to_vec());
        Packet { time, headers, tcp, payload }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.headers[..], &self.payload[..]].concat();
        let is_v4 = bytes[12] == 8;
        let length = (bytes.len() - if is_v4 { 14 } else { 54 }) as u16;
        let at = if is_v4 { 16 } else { 18 };
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
        assert_eq!(word(20), 1, "{name}: Ethernet");
        let mut packets = Vec::new();
        let mut at = 24;
        while at < file.len() {
            let time = u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)) * unit;
            let length = word(at + 8) as usize;
            packets.push(Packet::read(time, &file[at + 16..at + 16 + length]));
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
    let mut times: Vec<u64> = packets.iter().map(|packet| packet.time).collect();
    times.sort_unstable();
    let mut file = 0xa1b2_3c4du32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for (packet, time) in packets.iter().zip(times) {
        let bytes = packet.bytes();
        for word in
            [time / 1_000_000_000, time % 1_000_000_000, bytes.len() as u64, bytes.len() as u64]
        {
            file.extend((word as u32).to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}
