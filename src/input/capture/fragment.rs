//! Fragments of IP datagrams, put together in any order, in a bounded pool.

use super::ip::{Addresses, Ip};
use etherparse::{IpFragOffset, IpNumber, defrag::IpDefragBuf};
use std::collections::VecDeque;

/// So many datagrams may be incomplete at a time; each takes up to 64 KiB.
const MAX_DATAGRAMS: usize = 64;

/// A datagram may come in so many fragments: 64 KiB in the 576 bytes that every link carries.
const MAX_FRAGMENTS: u32 = 256;

/// Datagrams that still lack fragments, the oldest first.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: VecDeque<Datagram>,
    /// Datagrams given up.
    pub(super) incomplete: u64,
}

struct Datagram {
    key: (Addresses, u32, u8),
    parts: IpDefragBuf,
    count: u32,
}

impl Fragments {
    /// Adds a fragment. If it was the last one missing, returns what the datagram carries.
    pub(super) fn add(&mut self, ip: &Ip<'_>) -> Option<(u8, Vec<u8>)> {
        let fragment = ip.fragment?;
        // In IPv6 the identification alone tells datagrams apart (RFC 8200 §4.5).
        let protocol = if matches!(ip.addresses, Addresses::V4 { .. }) { ip.protocol } else { 0 };
        let key = (ip.addresses, fragment.identification, protocol);
        let offset = IpFragOffset::try_new(fragment.offset).ok()?;
        if ip.missing > 0 {
            // The snap length cut it: the rest of it will never come.
            self.incomplete += u64::from(fragment.offset == 0);
            return None;
        }
        let index = self.waiting.iter().position(|datagram| datagram.key == key);
        let index = index.unwrap_or_else(|| self.begin(key, ip.protocol));
        let datagram = self.waiting.get_mut(index)?;
        datagram.count += 1;
        let added = datagram.parts.add(offset, fragment.more, ip.payload);
        if added.is_err() || datagram.count > MAX_FRAGMENTS {
            self.waiting.remove(index);
            self.incomplete += 1;
            return None;
        }
        if !datagram.parts.is_complete() {
            return None;
        }
        let parts = self.waiting.remove(index)?.parts;
        let IpNumber(protocol) = parts.ip_number();
        Some((protocol, parts.take_bufs().0))
    }

    fn begin(&mut self, key: (Addresses, u32, u8), protocol: u8) -> usize {
        if self.waiting.len() == MAX_DATAGRAMS {
            self.waiting.pop_front();
            self.incomplete += 1;
        }
        let parts = IpDefragBuf::new(IpNumber(protocol), Vec::new(), Vec::new());
        self.waiting.push_back(Datagram { key, parts, count: 0 });
        self.waiting.len() - 1
    }

    /// The capture ended: what still waits will never be complete.
    pub(super) fn finish(&mut self) {
        self.incomplete += self.waiting.len() as u64;
        self.waiting.clear();
    }
}
