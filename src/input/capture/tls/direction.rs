//! One endpoint's half of a TLS connection: the record in progress, the keys, what waits for keys,
//! and how far the peer has heard it.

use super::super::marks::Marks;
use super::cipher::Opener;
use super::compression::Inflater;
use super::message::Messages;
use super::schedule::Secret;
use super::search::Search;
use crate::said::{At, GapReason, Trail, TransportEnd};
use std::collections::VecDeque;

/// What protects the records of a direction at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Epoch {
    /// Nothing yet.
    Clear,
    /// 0-RTT data (RFC 8446 §2.3).
    Early,
    /// The handshake of TLS 1.3 after the ServerHello.
    Handshake,
    /// Application data; before TLS 1.3, everything after ChangeCipherSpec.
    Traffic,
}

/// The keys of an epoch, and the number of the next record.
pub(super) struct Keys {
    pub(super) opener: Opener,
    pub(super) sequence: u64,
    /// What the keys after a KeyUpdate are made from.
    pub(super) secret: Option<Secret>,
}

/// The state of one direction.
pub(super) struct Direction {
    /// The record in progress, from its header on.
    pub(super) buffer: Vec<u8>,
    pub(super) messages: Messages,
    /// Part of a handshake in the clear is missing: borders of messages are not known.
    pub(super) adrift: bool,
    pub(super) epoch: Epoch,
    pub(super) keys: Option<Box<Keys>>,
    /// Set if records are compressed.
    pub(super) inflater: Option<Box<Inflater>>,
    /// Set while the border or number of the next record is not known.
    pub(super) search: Option<Box<Search>>,
    /// Nobody can tell any more what the bytes are.
    pub(super) is_dead: bool,
    /// Records that need no keys of ours may come before the first that can be opened.
    pub(super) may_skip: bool,
    /// Where the last whole record ended in the stream of bytes.
    pub(super) border: u64,
    /// Up to where the stream of bytes was read.
    pub(super) read: u64,
    /// How long the content is so far.
    pub(super) plain: u64,
    /// Records of application data that were opened in this epoch, and their bytes on the wire.
    pub(super) opened: (u64, u64),
    /// A record had padding, or was not in its place, so that lengths of lost ones can't be told.
    pub(super) hides_lengths: bool,
    /// Set while bytes wait for keys.
    pub(super) held: Option<VecDeque<Held>>,
    /// Which segments brought the records, if somebody asked.
    pub(super) trail: Option<Box<Trail>>,
    /// Ends of records.
    marks: Marks,
}

/// Something said that waits for keys.
pub(super) enum Held {
    Bytes { offset: u64, bytes: Box<[u8]>, heard: Option<u64>, at: At },
    Gap { offset: u64, length: Option<u64>, reason: GapReason, at: At },
    End { how: TransportEnd, heard: Option<u64>, at: At },
}

impl Direction {
    /// A direction whose first record begins at that offset, and its content at another.
    pub(super) fn new(offset: u64, plain: u64) -> Direction {
        Direction {
            buffer: Vec::new(),
            messages: Messages::default(),
            adrift: false,
            epoch: Epoch::Clear,
            keys: None,
            inflater: None,
            search: None,
            is_dead: false,
            may_skip: false,
            border: offset,
            read: offset,
            plain,
            opened: (0, 0),
            hides_lengths: false,
            held: None,
            trail: None,
            marks: Marks::from(plain),
        }
    }

    /// From here on records are protected otherwise; the keys are made when they are needed.
    pub(super) fn enter(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.keys = None;
        self.inflater = None;
        self.opened = (0, 0);
        self.messages = Messages::default();
        self.adrift = false;
    }

    /// Notes that content up to `plain` ends with the record that ends at `border`.
    pub(super) fn mark(&mut self) {
        self.marks.mark(self.border, self.plain);
    }

    /// How much content lies in the bytes that the peer has acknowledged: more than is known if they
    /// reach beyond what was read, because a loss holds it back.
    pub(super) fn heard(&mut self, acknowledged: Option<u64>) -> Option<u64> {
        let heard = self.marks.heard(acknowledged)?;
        let is_held_back = self.search.is_some() || self.held.is_some();
        let known = if is_held_back { self.border } else { self.read };
        Some(heard + u64::from(acknowledged > Some(known)))
    }
}
