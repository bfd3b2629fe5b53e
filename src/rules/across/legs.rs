//! The two legs of a handshake that a proxy passes on: a key is random, so where it is seen again
//! at the same time on the way to another server, both connections belong together.

use super::{MAX_KNOWN, forget_older_half};
use foldhash::quality::RandomState;
use std::collections::HashMap;
use std::net::SocketAddr;

/// The connections on which keys were seen first. Keys are known by their hashes.
#[derive(Debug, Default)]
pub(super) struct Legs {
    by_key: HashMap<u64, Leg, RandomState>,
    /// The keys of each connection in there that is not over.
    keys: HashMap<u64, Vec<u64>, RandomState>,
}

/// A connection on which a key was seen first, and what it was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leg {
    pub(super) number: u64,
    pub(super) server: SocketAddr,
    pub(super) asks_upgrade: bool,
    touched: u64,
    is_over: bool,
    /// The connection of the proxy to the server behind it, if the key was seen there, too.
    pub(super) behind: Option<(u64, bool)>,
}

impl Leg {
    /// A connection that begins.
    pub(super) fn new(number: u64, server: SocketAddr, asks_upgrade: bool, touched: u64) -> Leg {
        Leg { number, server, asks_upgrade, touched, is_over: false, behind: None }
    }
}

impl Legs {
    /// The connection on which that key was seen first.
    pub(super) fn get(&self, key: u64) -> Option<&Leg> {
        self.by_key.get(&key)
    }

    /// A connection has that key. If it is now known to go on from another one: which.
    pub(super) fn note(&mut self, key: u64, own: Leg) -> Option<u64> {
        match self.by_key.get_mut(&key) {
            Some(leg) if !leg.is_over && leg.server != own.server && leg.number != own.number => {
                let is_news = leg.behind.is_none();
                leg.behind.get_or_insert((own.number, own.asks_upgrade));
                is_news.then_some(leg.number)
            }
            _ => {
                self.insert(key, own);
                None
            }
        }
    }

    fn insert(&mut self, key: u64, own: Leg) {
        if let Some(before) = self.by_key.insert(key, own)
            && let Some(keys) = self.keys.get_mut(&before.number)
        {
            keys.retain(|other| *other != key);
        }
        self.keys.entry(own.number).or_default().push(key);
        if self.by_key.len() == MAX_KNOWN {
            forget_older_half(&mut self.by_key, |leg| leg.touched);
            self.keys.retain(|_, keys| {
                keys.retain(|key| self.by_key.contains_key(key));
                !keys.is_empty()
            });
        }
    }

    /// A connection is over.
    pub(super) fn end(&mut self, number: u64) {
        for key in self.keys.remove(&number).unwrap_or_default() {
            if let Some(leg) = self.by_key.get_mut(&key) {
                leg.is_over = true;
            }
        }
    }
}
