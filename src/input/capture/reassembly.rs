//! From packets to what was said: link, IP, fragments, tunnels, TCP.

use super::error::Damage;
use super::file::{LinkType, Packet};
use super::fragment::Fragments;
use super::ip::{self, Addresses, BadIp, protocol};
use super::link::{self, NoNetwork, ethertype};
use super::segment::Segment;
use super::tally::Tally;
use super::tcp::{Limits, Tcp};
use crate::said::{At, Listener};

/// Tunnels within tunnels are followed so deep.
const MAX_DEPTH: u32 = 8;

/// UDP ports of tunnels (RFC 7348, draft-ietf-nvo3-vxlan-gpe, RFC 8926), and the one that Linux had
/// for VXLAN before there was a number.
const VXLAN: u16 = 4789;
const VXLAN_OF_LINUX: u16 = 8472;
const VXLAN_GPE: u16 = 4790;
const GENEVE: u16 = 6081;

/// The UDP port of user data in mobile networks (3GPP TS 29.281).
const GTP_U: u16 = 2152;

/// What GRE calls the Ethernet frames of a mirrored port: ERSPAN types I and II, type III
/// (draft-foschiano-erspan).
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

const ETHERNET: LinkType = LinkType(1);

/// The state of a capture that is being read: everything but the file.
pub struct Reassembly {
    tcp: Tcp,
    fragments: Fragments,
    tally: Tally,
    last: At,
}

impl Reassembly {
    /// A reassembly that keeps within these limits.
    pub fn new(limits: Limits) -> Reassembly {
        let last = At::default();
        Reassembly {
            tcp: Tcp::new(limits),
            fragments: Fragments::default(),
            tally: Tally::default(),
            last,
        }
    }

    /// From now on it is told which segments bring what.
    pub fn trace(&mut self) {
        self.tcp.trace();
    }

    /// One packet; packets come in the order of their time, as far as the capture has it.
    #[inline(always)]
    pub fn packet<L: Listener>(&mut self, packet: &Packet<'_>, listener: &mut L) {
        self.tally.packets += 1;
        self.tally.bytes += packet.bytes.len() as u64;
        self.last = packet.at;
        if let Some(time) = packet.at.time {
            self.tally.note_time(time);
        }
        let missing = (packet.original_length as usize).saturating_sub(packet.bytes.len());
        self.tally.cut_packets += u64::from(missing > 0);
        match link::network(packet.link, packet.bytes) {
            Ok(bytes) => {
                if let Some((addresses, payload)) = ip::open_plain(bytes)
                    && let Some(segment) = Segment::read(payload, 0)
                {
                    return self.tcp.segment(
                        addresses,
                        segment,
                        self.last,
                        listener,
                        &mut self.tally,
                    );
                }
                self.internet(bytes, missing, MAX_DEPTH, listener);
            }
            Err(why) => self.no_network(why),
        }
    }

    /// Counts a damaged part of the file.
    pub fn damaged(&mut self, damage: Damage) {
        self.tally.damaged(damage);
    }

    /// What was counted so far.
    pub fn tally(&mut self) -> &Tally {
        self.tcp.count(&mut self.tally);
        &self.tally
    }

    /// The capture ended: tells what is left, and returns the counts.
    pub fn finish<L: Listener>(mut self, listener: &mut L) -> Tally {
        self.fragments.finish();
        self.tally.incomplete_datagrams = self.fragments.incomplete;
        self.tcp.finish(self.last, listener, &mut self.tally);
        self.tally
    }

    #[cold]
    fn no_network(&mut self, why: NoNetwork) {
        let skipped = &mut self.tally.skipped;
        match why {
            NoNetwork::UnknownLinkType => skipped.unknown_link_type += 1,
            NoNetwork::NotIp => skipped.not_ip += 1,
            NoNetwork::Cut => skipped.damaged_header += 1,
        }
    }

    #[inline(never)]
    fn internet<L: Listener>(
        &mut self,
        bytes: &[u8],
        missing: usize,
        depth: u32,
        listener: &mut L,
    ) {
        let ip = match ip::open(bytes, missing) {
            Ok(ip) => ip,
            Err(BadIp::NotIp) => return self.no_network(NoNetwork::NotIp),
            Err(BadIp::Damaged) => return self.no_network(NoNetwork::Cut),
        };
        if ip.fragment.is_some() {
            return match self.fragments.add(&ip) {
                Some((protocol, whole)) => {
                    self.transport(ip.addresses, protocol, &whole, 0, depth, listener);
                }
                None => self.tally.skipped.fragments += 1,
            };
        }
        self.transport(ip.addresses, ip.protocol, ip.payload, ip.missing, depth, listener);
    }

    #[inline(never)]
    fn transport<L: Listener>(
        &mut self,
        addresses: Addresses,
        number: u8,
        bytes: &[u8],
        missing: usize,
        depth: u32,
        listener: &mut L,
    ) {
        if number != protocol::TCP {
            return self.tunnel(number, bytes, missing, depth, listener);
        }
        let Some(segment) = Segment::read(bytes, missing) else {
            return self.no_network(NoNetwork::Cut);
        };
        self.tcp.segment(addresses, segment, self.last, listener, &mut self.tally);
    }

    /// Protocols that may carry IP again.
    #[cold]
    fn tunnel<L: Listener>(
        &mut self,
        number: u8,
        bytes: &[u8],
        missing: usize,
        depth: u32,
        listener: &mut L,
    ) {
        let within = match number {
            protocol::IPIP | protocol::IPV6 => Ok(bytes),
            protocol::GRE => generic_routing(bytes),
            protocol::UDP => match (overlay(bytes), user_plane(bytes)) {
                (Some(within), _) => within,
                (_, Some(packet)) => Ok(packet),
                (None, None) => {
                    self.tally.skipped.udp += 1;
                    return;
                }
            },
            _ => {
                self.tally.skipped.not_tcp += 1;
                return;
            }
        };
        match within {
            Ok(_) if depth == 0 => self.tally.skipped.too_deep += 1,
            Ok(within) => self.internet(within, missing, depth - 1, listener),
            Err(why) => self.no_network(why),
        }
    }
}

/// What GRE carries (RFC 2784, RFC 2890): optional checksum, key and sequence number.
fn generic_routing(bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    let [flags, version, high, low, rest @ ..] = bytes else { return Err(NoNetwork::Cut) };
    let is_pptp = version & 7 == 1;
    if is_pptp && flags & 0x10 == 0 {
        // Nothing but an acknowledgment (RFC 2637 §4.1).
        return Err(NoNetwork::NotIp);
    }
    let acknowledgment = is_pptp && version & 0x80 != 0;
    let options = (flags & 0x80 != 0 || flags & 0x40 != 0) as usize
        + (flags & 0x20 != 0) as usize
        + (flags & 0x10 != 0) as usize
        + acknowledgment as usize;
    let payload = rest.get(options * 4..).ok_or(NoNetwork::Cut)?;
    match u16::from_be_bytes([*high, *low]) {
        ethertype::TRANSPARENT_ETHERNET => link::network(ETHERNET, payload),
        ERSPAN | ERSPAN_3 => link::network(ETHERNET, mirrored(*flags, *low, payload)?),
        protocol => link::from_ethertype(protocol, payload),
    }
}

/// The Ethernet frame behind the header of ERSPAN; type I, which has none, does without the sequence
/// number of GRE.
fn mirrored(flags: u8, protocol: u8, bytes: &[u8]) -> Result<&[u8], NoNetwork> {
    let header = match protocol {
        _ if flags & 0x10 == 0 => 0,
        0xbe => 8,
        _ if bytes.get(11).is_some_and(|last| last & 1 != 0) => 20,
        _ => 12,
    };
    bytes.get(header..).ok_or(NoNetwork::Cut)
}

/// What VXLAN or GENEVE carry, by the destination port: an Ethernet frame, or IP without one.
fn overlay(datagram: &[u8]) -> Option<Result<&[u8], NoNetwork>> {
    let (header, payload) = datagram.split_first_chunk::<8>()?;
    let (first, rest) = payload.split_first_chunk::<8>()?;
    let ethernet = |frame| Some(link::network(ETHERNET, frame));
    match (u16::from_be_bytes([header[2], header[3]]), *first) {
        (VXLAN, [flags, ..]) if flags & 0x08 != 0 => ethernet(rest),
        // The port belongs to another protocol: nothing but the flag and the network is set.
        (VXLAN_OF_LINUX, [0x08, 0, 0, 0, .., 0]) => ethernet(rest),
        // Without the bit P it is VXLAN.
        (VXLAN_GPE, [flags, _, _, next, ..]) => match (flags & 0x04 != 0, next) {
            (false, _) | (true, 3) => ethernet(rest),
            (true, 1 | 2) => Some(Ok(rest)),
            _ => None,
        },
        (GENEVE, [options, _, high, low, ..]) if options & 0xc0 == 0 => {
            let carried = rest.get(usize::from(options & 0x3f) * 4..)?;
            match u16::from_be_bytes([high, low]) {
                ethertype::TRANSPARENT_ETHERNET => ethernet(carried),
                protocol => Some(link::from_ethertype(protocol, carried)),
            }
        }
        _ => None,
    }
}

/// The IP packet in GTP-U: a header with optional fields and a chain of extension headers.
fn user_plane(datagram: &[u8]) -> Option<&[u8]> {
    let (header, payload) = datagram.split_first_chunk::<8>()?;
    let (first, mut rest) = payload.split_first_chunk::<8>()?;
    let version_1 = first[0] & 0xf0 == 0x30 && first[1] == 0xff;
    if u16::from_be_bytes([header[2], header[3]]) != GTP_U || !version_1 {
        return None;
    }
    if first[0] & 0x07 != 0 {
        let mut next = *rest.get(3)?;
        rest = rest.get(4..)?;
        while next != 0 {
            let length = usize::from(*rest.first()?).max(1) * 4;
            next = *rest.get(length - 1)?;
            rest = rest.get(length..)?;
        }
    }
    Some(rest)
}
