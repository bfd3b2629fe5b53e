//! Connections on both sides of a proxy: the fragments of the same messages, compared. Only
//! connections whose key was seen on another at the same time cost anything, and few are kept.

use crate::said::Endpoint;
use crate::websocket::{Frame, Message, Part};
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

/// So many pairs are compared at a time; the oldest is given up first.
const MAX_TWINS: usize = 64;
/// So many messages of each endpoint wait for the other connection.
const MAX_WAITING: usize = 32;
/// So many fragments of a message are told apart.
const MAX_FRAGMENTS: usize = 64;

/// The pairs.
#[derive(Debug, Default)]
pub(super) struct Twins {
    hasher: RandomState,
    pairs: VecDeque<Twin>,
}

/// The connection to the proxy, and that to the server behind it.
#[derive(Debug)]
struct Twin {
    numbers: [u64; 2],
    /// For each connection, for each endpoint.
    sides: [[Side; 2]; 2],
    is_told: bool,
}

/// The messages of one endpoint on one connection that were not compared yet.
#[derive(Debug, Default)]
struct Side {
    /// The lengths of the frames of the message in progress.
    lengths: Vec<u64>,
    waiting: VecDeque<Shape>,
}

/// A message: which it is, and how it was cut.
#[derive(Debug)]
struct Shape {
    number: u64,
    hash: u64,
    wire_length: u64,
    lengths: Vec<u64>,
}

/// A message that has other fragments on the other side of a proxy.
#[derive(Debug)]
pub(super) struct Reframed {
    pub(super) from: Endpoint,
    pub(super) frame: u64,
    /// The other connection.
    pub(super) other: u64,
    /// The lengths of the frames here and there.
    pub(super) lengths: [Vec<u64>; 2],
}

impl Twins {
    /// These two connections carry the same conversation.
    pub(super) fn pair(&mut self, front: u64, behind: u64) {
        if self.pairs.len() == MAX_TWINS {
            self.pairs.pop_front();
        }
        let (numbers, sides) = ([front, behind], Default::default());
        self.pairs.push_back(Twin { numbers, sides, is_told: false });
    }

    /// A connection is over.
    pub(super) fn forget(&mut self, number: u64) {
        self.pairs.retain(|twin| !twin.numbers.contains(&number));
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pair that a connection belongs to, and which of the two it is.
    fn of(&mut self, number: u64) -> Option<(&mut Twin, usize)> {
        let which = |twin: &Twin| twin.numbers.iter().position(|it| *it == number);
        self.pairs.iter_mut().find_map(|twin| which(twin).map(|leg| (twin, leg)))
    }

    /// A frame of one of them.
    pub(super) fn frame(&mut self, number: u64, frame: &Frame<'_>) {
        if !matches!(frame.part, Part::Whole | Part::First | Part::Middle | Part::Last) {
            return;
        }
        let Some((twin, leg)) = self.of(number) else { return };
        let lengths = &mut twin.sides[leg][frame.from.index()].lengths;
        if matches!(frame.part, Part::Whole | Part::First) {
            lengths.clear();
        }
        if lengths.len() < MAX_FRAGMENTS {
            lengths.push(frame.header.payload_length);
        }
    }

    /// A message of one of them: what it is on the other, if that is cut otherwise. Said once.
    pub(super) fn message(&mut self, number: u64, message: &Message<'_>) -> Option<Reframed> {
        let hash = self.hasher.hash_one(message.payload);
        let (twin, leg) = self.of(number)?;
        let index = message.from.index();
        let lengths = std::mem::take(&mut twin.sides[leg][index].lengths);
        if twin.is_told || !message.complete || lengths.len() == MAX_FRAGMENTS {
            return None;
        }
        let wire_length = message.wire_length;
        let shape = Shape { number: message.number, hash, wire_length, lengths };
        let other = twin.numbers[1 - leg];
        let waiting = &mut twin.sides[1 - leg][index].waiting;
        while waiting.front().is_some_and(|first| first.number < shape.number) {
            waiting.pop_front();
        }
        let is_same = |it: &Shape| {
            (it.number, it.hash, it.wire_length) == (shape.number, shape.hash, shape.wire_length)
        };
        let there = if waiting.front().is_some_and(is_same) { waiting.pop_front() } else { None };
        match there {
            Some(there) if there.lengths != shape.lengths => {
                twin.is_told = true;
                let frame = *message.frames.first()?;
                let lengths = [shape.lengths, there.lengths];
                Some(Reframed { from: message.from, frame, other, lengths })
            }
            Some(_) => None,
            None => {
                let own = &mut twin.sides[leg][index].waiting;
                if own.len() == MAX_WAITING {
                    own.pop_front();
                }
                own.push_back(shape);
                None
            }
        }
    }
}
