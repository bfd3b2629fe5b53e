//! IPv4 (RFC 791) and IPv6 (RFC 8200): addresses, the protocol carried, and where its bytes end.
//!
//! IPv4 without oddities, which is nearly every packet, is read in a straight line; extension
//! headers and authentication headers go through etherparse. Checksums are not verified: offloading
//! makes them wrong in honest captures.

use etherparse::{IpNumber, Ipv6ExtensionSlice, LaxIpSlice};

/// The protocol numbers that are looked into.
pub(super) mod protocol {
    pub(crate) const IPIP: u8 = 4;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const IPV6: u8 = 41;
    pub(crate) const GRE: u8 = 47;
    pub(crate) const AUTHENTICATION: u8 = 51;
}

/// Source and destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Addresses {
    V4 { source: u32, destination: u32 },
    V6 { source: u128, destination: u128 },
}

/// One IP packet, opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip<'a> {
    pub(super) addresses: Addresses,
    pub(super) protocol: u8,
    /// What was captured of the payload; padding behind it is cut off.
    pub(super) payload: &'a [u8],
    /// How many bytes of the payload were on the wire and not captured.
    pub(super) missing: usize,
    pub(super) fragment: Option<Fragment>,
}

/// Which part of a datagram this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    /// In units of eight bytes.
    pub(super) offset: u16,
    pub(super) more: bool,
}

/// Why it could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadIp {
    /// It begins with neither 4 nor 6.
    NotIp,
    /// A header contradicts itself, or is cut.
    Damaged,
}

/// Addresses and payload, if this is IPv4 without options that carries a whole TCP segment, captured
/// completely: nearly every packet.
#[inline]
pub(super) fn open_plain(bytes: &[u8]) -> Option<(Addresses, &[u8])> {
    let header = bytes.first_chunk::<20>()?;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let whole = u16::from_be_bytes([header[6], header[7]]) & 0x3fff == 0;
    if header[0] != 0x45 || header[9] != protocol::TCP || !whole {
        return None;
    }
    let payload = bytes.get(20..total)?;
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    Some((Addresses::V4 { source: word(12), destination: word(16) }, payload))
}

/// Opens the IP packet at the start of `bytes`, of which `missing` more were not captured.
pub(super) fn open(bytes: &[u8], missing: usize) -> Result<Ip<'_>, BadIp> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => {
            let header = bytes.first_chunk::<20>().ok_or(BadIp::Damaged)?;
            let header_length = usize::from(header[0] & 15) * 4;
            if header_length < 20 {
                return Err(BadIp::Damaged);
            }
            let ip = open_v4(header, bytes, header_length, missing)?;
            if ip.protocol == protocol::AUTHENTICATION && ip.fragment.is_none() {
                return authenticated(ip);
            }
            Ok(ip)
        }
        Some(6) => open_v6(bytes, missing),
        _ => Err(BadIp::NotIp),
    }
}

fn open_v4<'a>(
    header: &[u8; 20],
    bytes: &'a [u8],
    header_length: usize,
    missing: usize,
) -> Result<Ip<'a>, BadIp> {
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let (end, missing) = extent(bytes.len(), missing, total);
    let payload = bytes.get(header_length..end).ok_or(BadIp::Damaged)?;
    let fragmentation = u16::from_be_bytes([header[6], header[7]]);
    let fragment = (fragmentation & 0x3fff != 0).then(|| Fragment {
        identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
        offset: fragmentation & 0x1fff,
        more: fragmentation & 0x2000 != 0,
    });
    let addresses = Addresses::V4 { source: word(12), destination: word(16) };
    Ok(Ip { addresses, protocol: header[9], payload, missing, fragment })
}

/// Where a packet ends that claims to be `total` long, and how much of it is missing. A total of 0
/// means that the network card was to cut it into segments (TSO, Big TCP): then it is as long as
/// what was captured.
fn extent(captured: usize, missing: usize, total: usize) -> (usize, usize) {
    match total {
        0 => (captured, missing),
        _ => (captured.min(total), total.saturating_sub(captured)),
    }
}

/// Peels the authentication header (RFC 4302) off.
fn authenticated(ip: Ip<'_>) -> Result<Ip<'_>, BadIp> {
    let [next, words, ..] = *ip.payload else { return Err(BadIp::Damaged) };
    let payload = ip.payload.get((usize::from(words) + 2) * 4..).ok_or(BadIp::Damaged)?;
    Ok(Ip { protocol: next, payload, ..ip })
}

fn open_v6(bytes: &[u8], missing: usize) -> Result<Ip<'_>, BadIp> {
    let (header, rest) = bytes.split_first_chunk::<40>().ok_or(BadIp::Damaged)?;
    let address = |at: usize| {
        let address = header[at..at + 16].first_chunk();
        u128::from_be_bytes(*address.expect("16 of 40 bytes"))
    };
    let addresses = Addresses::V6 { source: address(8), destination: address(24) };
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let (end, missing) = extent(rest.len(), missing, length);
    let next = header[6];
    let payload = &rest[..end];
    if next == protocol::TCP {
        return Ok(Ip { addresses, protocol: next, payload, missing, fragment: None });
    }
    extended(&bytes[..40 + end], addresses, missing)
}

/// Extension headers: etherparse walks the chain.
fn extended(bytes: &[u8], addresses: Addresses, missing: usize) -> Result<Ip<'_>, BadIp> {
    let (slice, stopped) = LaxIpSlice::from_slice(bytes).map_err(|_| BadIp::Damaged)?;
    let LaxIpSlice::Ipv6(v6) = &slice else { return Err(BadIp::Damaged) };
    let payload = v6.payload();
    if stopped.is_some() {
        return Err(BadIp::Damaged);
    }
    let IpNumber(protocol) = payload.ip_number;
    let mut fragment = None;
    for extension in v6.extensions().clone() {
        if let Ipv6ExtensionSlice::Fragment(header) = extension
            && header.is_fragmenting_payload()
        {
            fragment = Some(Fragment {
                identification: header.identification(),
                offset: header.fragment_offset().value(),
                more: header.more_fragments(),
            });
        }
    }
    Ok(Ip { addresses, protocol, payload: payload.payload, missing, fragment })
}
