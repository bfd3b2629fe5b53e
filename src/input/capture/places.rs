//! Which connection a segment belongs to: a table from address pairs to connections, bounded.
//!
//! A connection that was closed, or that nobody wants to hear of, leaves a grave: a late
//! retransmission must not open a ghost, and costs a lookup only.

use super::ip::Addresses;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The two ends of a connection, the lower one first: both directions have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Address and port in one number.
    V4([u64; 2]),
    V6([[u8; 16]; 2], [u16; 2]),
}

/// One of the two ends: an index into the key.
pub(super) type Side = usize;

impl Key {
    /// The key of a segment, and the side that sent it.
    #[inline]
    pub(super) fn new(addresses: Addresses, source: u16, destination: u16) -> (Key, Side) {
        match addresses {
            Addresses::V4 { source: from, destination: to } => {
                let from = u64::from(from) << 16 | u64::from(source);
                let to = u64::from(to) << 16 | u64::from(destination);
                if from <= to { (Key::V4([from, to]), 0) } else { (Key::V4([to, from]), 1) }
            }
            Addresses::V6 { source: from, destination: to } => {
                let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
                if (from, source) <= (to, destination) {
                    (Key::V6([from, to], [source, destination]), 0)
                } else {
                    (Key::V6([to, from], [destination, source]), 1)
                }
            }
        }
    }

    pub(super) fn socket(&self, side: Side) -> SocketAddr {
        let side = side & 1;
        match *self {
            Key::V4(ends) => {
                let address = Ipv4Addr::from_bits((ends[side] >> 16) as u32);
                SocketAddr::new(IpAddr::V4(address), ends[side] as u16)
            }
            Key::V6(addresses, ports) => {
                SocketAddr::new(IpAddr::V6(Ipv6Addr::from_octets(addresses[side])), ports[side])
            }
        }
    }
}

/// A key to keep: what those of IPv6 are larger lies elsewhere.
#[derive(Debug, Clone)]
pub(super) enum KeptKey {
    V4([u64; 2]),
    V6(Box<Ends6>),
}

impl KeptKey {
    pub(super) fn get(&self) -> Key {
        match self {
            KeptKey::V4(ends) => Key::V4(*ends),
            KeptKey::V6(ends) => Key::V6(ends.0, ends.1),
        }
    }
}

impl From<Key> for KeptKey {
    fn from(key: Key) -> KeptKey {
        match key {
            Key::V4(ends) => KeptKey::V4(ends),
            Key::V6(addresses, ports) => KeptKey::V6(Box::new((addresses, ports))),
        }
    }
}

/// What is known under a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// An open connection, by its slot.
    Open(u32),
    /// A grave, by its number.
    Grave(u32),
}

/// What is left of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grave {
    /// The sequence number of the SYN that opened it, if it was seen: the same one is a late copy.
    pub(super) opened_by: Option<u32>,
    /// The second in which it was closed; none if it is still open and nobody wants to hear of it.
    pub(super) closed: Option<u32>,
    /// Still visited: keep it a little longer.
    pub(super) visited: bool,
}

/// Two addresses of IPv6 and two ports.
type Ends6 = ([[u8; 16]; 2], [u16; 2]);

/// The table.
#[derive(Default)]
pub(super) struct Places {
    v4: HashMap<(u64, u64), Place, RandomState>,
    v6: HashMap<Ends6, Place, RandomState>,
    graves: Graves,
}

/// Graves, the oldest first, numbered in the order in which they were dug.
#[derive(Default)]
struct Graves {
    graves: VecDeque<(KeptKey, Grave)>,
    /// The number of the oldest. Numbers begin anew behind the last.
    first: u32,
}

impl Graves {
    fn push(&mut self, key: Key, grave: Grave) -> u32 {
        self.graves.push_back((key.into(), grave));
        self.first.wrapping_add(self.graves.len() as u32 - 1)
    }

    /// The oldest, with its number.
    fn pop(&mut self) -> Option<(u32, Key, Grave)> {
        let (key, grave) = self.graves.pop_front()?;
        self.first = self.first.wrapping_add(1);
        Some((self.first.wrapping_sub(1), key.get(), grave))
    }
}

impl Places {
    #[inline(always)]
    pub(super) fn get(&self, key: &Key) -> Option<Place> {
        match key {
            Key::V4([low, high]) => self.v4.get(&(*low, *high)).copied(),
            Key::V6(addresses, ports) => self.v6.get(&(*addresses, *ports)).copied(),
        }
    }

    pub(super) fn grave(&mut self, number: u32) -> Option<&mut Grave> {
        let Graves { graves, first } = &mut self.graves;
        graves.get_mut(number.wrapping_sub(*first) as usize).map(|(_, grave)| grave)
    }

    pub(super) fn insert(&mut self, key: Key, place: Place) {
        match key {
            Key::V4([low, high]) => self.v4.insert((low, high), place),
            Key::V6(addresses, ports) => self.v6.insert((addresses, ports), place),
        };
    }

    pub(super) fn remove(&mut self, key: &Key) {
        match key {
            Key::V4([low, high]) => self.v4.remove(&(*low, *high)),
            Key::V6(addresses, ports) => self.v6.remove(&(*addresses, *ports)),
        };
    }

    /// Buries a connection. If there are too many graves, the oldest that nobody visits goes.
    pub(super) fn bury(&mut self, key: Key, grave: Grave, most: usize) {
        let number = self.graves.push(key, grave);
        self.insert(key, Place::Grave(number));
        // Bounded, because a grave may have been visited again and again: then it goes anyway.
        for round in 0..9 {
            if self.graves.graves.len() <= most {
                return;
            }
            let Some((number, key, grave)) = self.graves.pop() else { return };
            // Another connection may have come in its place.
            if !matches!(self.get(&key), Some(Place::Grave(it)) if it == number) {
                continue;
            }
            if grave.visited && round < 8 {
                let number = self.graves.push(key, Grave { visited: false, ..grave });
                self.insert(key, Place::Grave(number));
            } else {
                self.remove(&key);
            }
        }
    }
}
