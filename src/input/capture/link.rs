//! Link layers: from the first byte of a packet to the network protocol in it.
//!
//! Our own, because captures on "any", on tunnels and on loopback carry hardware types and byte
//! orders that the crates at hand reject, and because it costs a compare for Ethernet.

use super::file::LinkType;

/// The registry of LINKTYPE values, as far as TCP comes in them.
mod linktype {
    pub(super) const NULL: u32 = 0;
    pub(super) const ETHERNET: u32 = 1;
    pub(super) const PPP: u32 = 9;
    pub(super) const RAW: [u32; 3] = [12, 14, 101];
    pub(super) const PPP_HDLC: u32 = 50;
    pub(super) const PPP_ETHER: u32 = 51;
    pub(super) const C_HDLC: u32 = 104;
    pub(super) const LOOP: u32 = 108;
    pub(super) const LINUX_SLL: u32 = 113;
    pub(super) const IPV4: u32 = 228;
    pub(super) const IPV6: u32 = 229;
    pub(super) const NFLOG: u32 = 239;
    pub(super) const LINUX_SLL2: u32 = 276;
}

/// EtherTypes that are looked into.
pub(super) mod ethertype {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(super) const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
    pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
    pub(super) const PPPOE_SESSION: u16 = 0x8864;
    /// PPP in GRE (RFC 2637 §4.1).
    pub(super) const PPP: u16 = 0x880b;
}

/// ARPHRD values of Linux cooked captures whose protocol field is no EtherType.
const ARPHRD_IPGRE: u16 = 778;

/// Below this, the field holds a length (IEEE 802.3), and LLC follows.
const SMALLEST_ETHERTYPE: u16 = 0x0600;

/// Why there is no network packet to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoNetwork {
    /// This program does not know the link type.
    UnknownLinkType,
    /// It carries something else than IP.
    NotIp,
    /// It ends within a header.
    Cut,
}

/// The IP packet in a packet of this link type: it begins with its version.
#[inline]
pub(super) fn network(link: LinkType, bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    if link.0 == linktype::ETHERNET {
        let Some((header, payload)) = bytes.split_first_chunk::<14>() else {
            return Err(NoNetwork::Cut);
        };
        let protocol = u16::from_be_bytes([header[12], header[13]]);
        if protocol == ethertype::IPV4 || protocol == ethertype::IPV6 {
            return Ok(payload);
        }
        return from_ethertype(protocol, payload);
    }
    other(link.0, bytes)
}

fn other(link: u32, bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    match link {
        linktype::NULL | linktype::LOOP => address_family(bytes),
        linktype::LINUX_SLL => cooked(bytes, 2, 14, 16),
        linktype::LINUX_SLL2 => cooked(bytes, 8, 0, 20),
        linktype::NFLOG => netfilter_log(bytes),
        linktype::IPV4 | linktype::IPV6 => Ok(bytes),
        linktype::PPP | linktype::PPP_HDLC => ppp(bytes),
        linktype::PPP_ETHER => from_ethertype(ethertype::PPPOE_SESSION, bytes),
        linktype::C_HDLC => from_ethertype(u16_at(bytes, 2)?, rest(bytes, 4)?),
        _ if linktype::RAW.contains(&link) => Ok(bytes),
        _ => Err(NoNetwork::UnknownLinkType),
    }
}

/// What follows an EtherType: tags and labels are peeled off until it is IP.
pub(super) fn from_ethertype(mut protocol: u16, mut bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    loop {
        if protocol == ethertype::IPV4 || protocol == ethertype::IPV6 {
            return Ok(bytes);
        } else if ethertype::VLAN.contains(&protocol) {
            protocol = u16_at(bytes, 2)?;
            bytes = rest(bytes, 4)?;
        } else if protocol < SMALLEST_ETHERTYPE {
            return logical_link_control(bytes);
        } else if ethertype::MPLS.contains(&protocol) {
            return labels(bytes);
        } else if protocol == ethertype::PPPOE_SESSION {
            return ppp(rest(bytes, 6)?);
        } else if protocol == ethertype::PPP {
            return ppp(bytes);
        } else {
            return Err(NoNetwork::NotIp);
        }
    }
}

/// BSD loopback: an address family of four bytes in the byte order of the machine that captured.
/// AF_INET is 2 everywhere, AF_INET6 differs from system to system.
fn address_family(bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    let family = bytes.first_chunk::<4>().ok_or(NoNetwork::Cut)?;
    let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
    match family {
        2 | 10 | 24 | 28 | 30 => rest(bytes, 4),
        _ => Err(NoNetwork::NotIp),
    }
}

/// Linux cooked: the EtherType stands where there is one; on a tunnel it may be anything, but what
/// follows is IP.
fn cooked(
    bytes: &[u8],
    hardware: usize,
    protocol: usize,
    header: usize,
) -> Result<&[u8], NoNetwork> {
    let hardware = u16_at(bytes, hardware)?;
    let protocol = u16_at(bytes, protocol)?;
    let payload = rest(bytes, header)?;
    if hardware == ARPHRD_IPGRE && protocol == 0 {
        return Ok(payload);
    }
    match protocol {
        // Pseudo-protocols of Linux: Novell 802.3 without LLC, and 802.2 LLC.
        0x0001 => Err(NoNetwork::NotIp),
        0x0004 => logical_link_control(payload),
        _ if protocol < SMALLEST_ETHERTYPE => Err(NoNetwork::NotIp),
        _ => from_ethertype(protocol, payload),
    }
}

/// The Linux netfilter log: a family, then attributes; one of them is the packet. Their lengths are
/// in the byte order of the machine that captured, so the one that fits is believed.
fn netfilter_log(bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    const PAYLOAD: u16 = 9;
    let mut attributes = rest(bytes, 4)?;
    loop {
        let head = attributes.first_chunk::<4>().ok_or(NoNetwork::NotIp)?;
        let little = u16::from_le_bytes([head[0], head[1]]);
        let big = u16::from_be_bytes([head[0], head[1]]);
        let is_little = usize::from(little) <= attributes.len() || little < big;
        let (length, kind) = match is_little {
            true => (little, u16::from_le_bytes([head[2], head[3]])),
            false => (big, u16::from_be_bytes([head[2], head[3]])),
        };
        if kind == PAYLOAD {
            return rest(attributes, 4);
        }
        // An attribute is no shorter than its head: every turn makes progress.
        attributes = rest(attributes, usize::from(length.max(4)).next_multiple_of(4))?;
    }
}

/// IEEE 802.2: SNAP carries an EtherType; IP has an access point of its own (RFC 1042).
fn logical_link_control(bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    match bytes.get(..3).ok_or(NoNetwork::Cut)? {
        [0xaa, 0xaa, 0x03] => {
            let protocol = u16_at(bytes, 6)?;
            let bytes = rest(bytes, 8)?;
            let again = protocol < SMALLEST_ETHERTYPE;
            if again { Err(NoNetwork::NotIp) } else { from_ethertype(protocol, bytes) }
        }
        [0x06, 0x06, 0x03] => rest(bytes, 3),
        _ => Err(NoNetwork::NotIp),
    }
}

/// PPP (RFC 1661), with or without the HDLC-like framing of RFC 1662, with or without protocol
/// field compression.
fn ppp(bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    let bytes = match bytes {
        [0xff, 0x03, rest @ ..] => rest,
        _ => bytes,
    };
    match bytes {
        [0x00, 0x21 | 0x57, rest @ ..] | [0x21 | 0x57, rest @ ..] => Ok(rest),
        [0x02, 0x81 | 0x83, rest @ ..] => labels(rest),
        [] | [_] => Err(NoNetwork::Cut),
        _ => Err(NoNetwork::NotIp),
    }
}

/// MPLS (RFC 3032): labels up to the bottom of the stack; nothing says what follows, so it is IP if
/// it begins like IP.
fn labels(mut bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    loop {
        let label = bytes.first_chunk::<4>().ok_or(NoNetwork::Cut)?;
        bytes = rest(bytes, 4)?;
        if label[2] & 1 == 1 {
            break;
        }
    }
    match bytes.first().map(|first| first >> 4) {
        Some(4 | 6) => Ok(bytes),
        // A pseudowire: a control word, then Ethernet (RFC 4448).
        Some(0) if bytes.len() > 18 => {
            let protocol = u16_at(bytes, 16)?;
            let bytes = rest(bytes, 18)?;
            let again = ethertype::MPLS.contains(&protocol);
            if again { Err(NoNetwork::NotIp) } else { from_ethertype(protocol, bytes) }
        }
        Some(_) => Err(NoNetwork::NotIp),
        None => Err(NoNetwork::Cut),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, NoNetwork> {
    let bytes = bytes.get(at..at + 2).and_then(|bytes| bytes.first_chunk());
    bytes.map(|bytes| u16::from_be_bytes(*bytes)).ok_or(NoNetwork::Cut)
}

fn rest(bytes: &[u8], from: usize) -> Result<&[u8], NoNetwork> {
    bytes.get(from..).ok_or(NoNetwork::Cut)
}
