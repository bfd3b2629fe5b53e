//! A packet that came alone: the dump of its bytes, without a capture around it.

use super::file::LinkType;
use super::segment::Segment;
use super::{ip, link};
use std::ops::Range;

/// Where a packet that came alone may begin: with Ethernet, with IP, as Linux cooks it.
const LINKS: [LinkType; 3] = [LinkType(1), LinkType(101), LinkType(113)];

/// The shortest Ethernet frame without its checksum: shorter ones are filled up with zeros.
const SHORTEST: usize = 60;

/// A whole packet that carries TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LonePacket {
    /// What it begins with.
    pub link: &'static str,
    /// Where what TCP carries lies in its bytes.
    pub payload: Range<usize>,
}

/// What these bytes are, if they are a whole packet with TCP in it: the lengths in its headers fit,
/// and the header checksum of IPv4 does (RFC 791). Chance makes none.
pub fn lone_packet(bytes: &[u8]) -> Option<LonePacket> {
    LINKS.into_iter().find_map(|link| read(link, bytes))
}

fn read(link: LinkType, bytes: &[u8]) -> Option<LonePacket> {
    let network = link::network(link, bytes).ok()?;
    let ip = ip::open(network, 0).ok()?;
    let is_whole = ip.missing == 0 && ip.fragment.is_none() && ip.protocol == ip::protocol::TCP;
    let header_length = match network.first()? >> 4 {
        4 => usize::from(network[0] & 15) * 4,
        _ => 40,
    };
    let (header, rest) = network.split_at_checked(header_length)?;
    let padding = rest.strip_prefix(ip.payload)?;
    let is_padding = bytes.len() <= SHORTEST && padding.iter().all(|byte| *byte == 0);
    if !is_whole || !(padding.is_empty() || is_padding) || !is_intact(header) {
        return None;
    }
    let segment = Segment::read(ip.payload, 0)?;
    // Bits that TCP has not defined.
    let is_clean = ip.payload[12] & 0x0e == 0;
    let end = bytes.len() - padding.len();
    is_clean.then_some(LonePacket { link: link.name()?, payload: end - segment.payload.len()..end })
}

/// The header checksum of IPv4, if there is one; network cards may have been left to compute it.
fn is_intact(header: &[u8]) -> bool {
    if header[0] >> 4 != 4 || header[10..12] == [0, 0] {
        return true;
    }
    let words = header.chunks_exact(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IPv4 and TCP headers of a segment with "Hello" in a frame, as Wireshark copies it.
    const PACKET: &str = "45000033 00004000 40063cb8 c0000207 cb007105 \
        32c80050 000003e8 00001388 5018ffff 00000000 818537fa213d7f9f4d5158";

    fn bytes(hex: &str) -> Vec<u8> {
        crate::input::bytes::from_hex(hex).expect("hexadecimal")
    }

    #[test]
    fn a_packet_is_one_only_as_long_as_all_its_lengths_fit() {
        let packet = bytes(PACKET);
        let found = lone_packet(&packet).expect("a packet");
        assert_eq!((found.link, &packet[found.payload]), ("raw IP", &packet[40..]));
        let ethernet = [&bytes("0011223344556677889900aa0800")[..], &packet].concat();
        let found = lone_packet(&ethernet).expect("a packet");
        assert_eq!((found.link, found.payload), ("Ethernet", 54..65));
        for cut in 0..packet.len() {
            assert_eq!(lone_packet(&packet[..cut]), None, "cut at {cut}");
        }
        assert_eq!(lone_packet(&[&packet[..], &[1]].concat()), None);
        let mut other = packet;
        other[8] ^= 1;
        assert_eq!(lone_packet(&other), None, "the checksum of IPv4 tells");
        assert_eq!(lone_packet(&bytes("818537fa213d7f9f4d5158")), None);
    }
}
