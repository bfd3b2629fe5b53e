//! A recording as packets that can be cut out, changed, and put back in another order.

use crate::told::Recorder;
use std::path::{Path, PathBuf};
use ws101::input::capture::{self, KeyLog, Options, Tally};

/// Ethernet, IPv4 without options.
const TCP: usize = 14 + 20;

/// A classic pcap file: its header, and its packets with their record headers.
#[derive(Clone)]
pub(crate) struct Film {
    head: Vec<u8>,
    pub(crate) packets: Vec<Vec<u8>>,
    pub(crate) keys: String,
}

pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures").join(name)
}

impl Film {
    pub(crate) fn of(name: &str) -> Film {
        let bytes = std::fs::read(sample(&format!("{name}.pcap"))).expect("the sample is there");
        let keys = sample(&format!("{name}.keys"));
        let keys = std::fs::read_to_string(keys).expect("the key log is there");
        let (head, mut rest) = bytes.split_at(24);
        assert_eq!(head[..4], [0xd4, 0xc3, 0xb2, 0xa1], "a classic pcap");
        let mut packets = Vec::new();
        while let Some(length) = rest.get(8..12) {
            let length = 16 + u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
            packets.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
        Film { head: head.to_vec(), packets, keys }
    }

    /// Where the payload of TCP begins in a packet; none if there is none.
    pub(crate) fn payload(&self, packet: usize) -> Option<usize> {
        let bytes = &self.packets[packet];
        let header = usize::from(bytes[16 + TCP + 12] >> 4) * 4;
        let start = 16 + TCP + header;
        // A smaller header is none of TCP.
        (header >= 20 && start < bytes.len()).then_some(start)
    }

    /// Packets that carry something.
    pub(crate) fn with_payload(&self) -> Vec<usize> {
        (0..self.packets.len()).filter(|&packet| self.payload(packet).is_some()).collect()
    }

    /// The same bytes in segments of at most this size.
    pub(crate) fn in_segments(&self, size: usize) -> Film {
        const IP: usize = 16 + 14;
        let cut = |packet: usize| {
            let Some(start) = self.payload(packet) else {
                return vec![self.packets[packet].clone()];
            };
            let (head, payload) = self.packets[packet].split_at(start);
            let sequence = head[16 + TCP + 4..][..4].try_into().expect("4 bytes");
            let segment = |(index, part): (usize, &[u8])| {
                let mut segment = [head, part].concat();
                let length = segment.len() as u32;
                segment[8..16].copy_from_slice(&[(length - 16).to_le_bytes(); 2].concat());
                segment[IP + 2..][..2].copy_from_slice(&(length as u16 - 30).to_be_bytes());
                let sequence = u32::from_be_bytes(sequence).wrapping_add((index * size) as u32);
                segment[16 + TCP + 4..][..4].copy_from_slice(&sequence.to_be_bytes());
                segment
            };
            payload.chunks(size).enumerate().map(segment).collect()
        };
        let packets = (0..self.packets.len()).flat_map(cut).collect();
        Film { packets, ..self.clone() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        self.packets.iter().for_each(|packet| bytes.extend(packet));
        bytes
    }

    /// What a listener hears of it.
    pub(crate) fn play(&self) -> (Recorder, Tally) {
        let mut recorder = Recorder::default();
        let mut key_log = KeyLog::default();
        key_log.add_lines(self.keys.as_bytes());
        let options = Options { key_log, ..Options::default() };
        let tally = capture::read(&self.bytes()[..], &mut recorder, options);
        (recorder, tally.expect("it is a capture"))
    }
}
