//! The way that bytes took: which packets, which records of TLS, which frames of HTTP/2 carried them.
//! Told only if somebody asks; each step left of waist 1 adds what it knows.

use super::At;
use crate::layers::{http2, tls};
use std::collections::VecDeque;
use std::ops::Range;

/// One thing that carried bytes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// What it is.
    pub carrier: Carrier,
    /// Offset of its first byte, header included, in the stream of the layer below.
    pub offset: u64,
    /// How many bytes it has there, header included.
    pub length: u64,
    /// Offset of what it carries in the stream that it is part of.
    pub content_offset: u64,
    /// How many bytes it carries.
    pub content_length: u64,
}

/// What carries bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A segment of TCP, or that part of one that brought something new.
    Segment {
        /// The sequence number of its first byte.
        sequence: u32,
        /// The packet.
        at: At,
    },
    /// A record of TLS.
    Record(tls::Header),
    /// A DATA frame of HTTP/2.
    Data {
        /// Its header.
        header: http2::Header,
        /// How much padding ends it, if it is padded.
        padding: Option<u8>,
    },
}

/// How many kinds of carriers there are.
const LAYERS: usize = 3;

/// So many carriers are kept of each layer: beyond, the first are forgotten.
pub const MAX_STEPS: usize = 1 << 16;

impl Carrier {
    const fn layer(&self) -> usize {
        match self {
            Carrier::Segment { .. } => 0,
            Carrier::Record(_) => 1,
            Carrier::Data { .. } => 2,
        }
    }
}

impl Carried {
    fn content(&self) -> Range<u64> {
        self.content_offset..self.content_offset + self.content_length
    }

    fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// What is needed of the layer below for these bytes of the content.
    fn needs(&self, wanted: &Range<u64>) -> Range<u64> {
        let content = self.content();
        let first = wanted.start.max(content.start) - content.start;
        let length = wanted.end.min(content.end) - content.start - first;
        let start = match self.carrier {
            // A record can't be opened before all of it is there.
            Carrier::Record(_) => return self.offset..self.end(),
            Carrier::Segment { .. } => self.offset,
            Carrier::Data { padding, .. } => {
                self.offset + http2::HEADER as u64 + u64::from(padding.is_some())
            }
        };
        start + first..start + first + length
    }
}

/// What carried one endpoint's stream lately.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// In the order of their offsets, the lowest layer first.
    layers: [VecDeque<Carried>; LAYERS],
    /// Where those ended that were forgotten.
    forgotten: [Option<u64>; LAYERS],
}

impl Trail {
    /// One more carrier; the same again, with more content, takes the place of the last one.
    pub fn push(&mut self, carried: &Carried) {
        let layer = &mut self.layers[carried.carrier.layer()];
        if let Some(last) = layer.back_mut().filter(|last| last.offset == carried.offset) {
            let content_offset = last.content_offset.min(carried.content_offset);
            let end = last.content().end.max(carried.content().end);
            *last = Carried { content_offset, content_length: end - content_offset, ..*carried };
            return;
        }
        if layer.back().is_some_and(|last| last.offset > carried.offset) {
            return;
        }
        if layer.len() == MAX_STEPS {
            layer.pop_front();
        }
        layer.push_back(*carried);
    }

    /// What carried these bytes of the uppermost stream, the lowest layer first.
    pub fn of(&self, bytes: Range<u64>) -> Vec<Carried> {
        let mut wanted = vec![bytes];
        let mut found: Vec<Vec<Carried>> = Vec::new();
        for layer in self.layers.iter().rev().filter(|layer| !layer.is_empty()) {
            let (mut carriers, mut needed) = (Vec::new(), Vec::new());
            for wanted in &wanted {
                let first = layer.partition_point(|it| it.content().end <= wanted.start);
                for carried in layer.range(first..) {
                    if carried.content_offset >= wanted.end {
                        break;
                    }
                    if carriers.last() != Some(carried) {
                        carriers.push(*carried);
                    }
                    needed.push(carried.needs(wanted));
                }
            }
            found.push(carriers);
            wanted = needed;
        }
        found.into_iter().rev().flatten().collect()
    }

    /// Bytes of the uppermost stream before this offset will not be asked for any more.
    pub fn forget(&mut self, mut until: u64) {
        for (layer, forgotten) in self.layers.iter_mut().zip(&mut self.forgotten).rev() {
            while let Some(first) = layer.front().filter(|first| first.content().end <= until) {
                *forgotten = Some(first.end());
                layer.pop_front();
            }
            until = match (layer.front(), *forgotten) {
                (Some(first), _) => first.offset,
                (None, Some(end)) => end,
                // There is no such layer.
                (None, None) => until,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(offset: u64, length: u64) -> Carried {
        let carrier = Carrier::Segment { sequence: offset as u32, at: At::default() };
        Carried { carrier, offset, length, content_offset: offset, content_length: length }
    }

    fn record(offset: u64, length: u16, content_offset: u64) -> Carried {
        let header = tls::Header { content_type: 23, version: 0x0303, length };
        Carried {
            carrier: Carrier::Record(header),
            offset,
            length: u64::from(length) + 5,
            content_offset,
            content_length: u64::from(length) - 17,
        }
    }

    fn data(offset: u64, length: usize, content_offset: u64) -> Carried {
        let header = http2::Header { length, kind: 0, flags: 0, reserved: false, stream: 3 };
        Carried {
            carrier: Carrier::Data { header, padding: None },
            offset,
            length: length as u64 + 9,
            content_offset,
            content_length: length as u64,
        }
    }

    /// Two records in three segments; the second holds DATA of another stream between two of ours.
    fn trail() -> Trail {
        let mut trail = Trail::default();
        for carried in [
            segment(0, 100),
            segment(100, 100),
            segment(200, 44),
            record(0, 117, 0),
            record(122, 117, 100),
            data(0, 91, 0),
            data(150, 41, 91),
        ] {
            trail.push(&carried);
        }
        trail
    }

    #[test]
    fn a_record_needs_all_its_segments_and_nothing_else() {
        let found = trail().of(0..10);
        assert_eq!(found, [segment(0, 100), segment(100, 100), record(0, 117, 0), data(0, 91, 0)]);
        let found = trail().of(91..92);
        let second = [segment(100, 100), segment(200, 44), record(122, 117, 100)];
        assert_eq!(found, [&second[..], &[data(150, 41, 91)]].concat());
    }

    #[test]
    fn what_is_forgotten_is_what_nothing_later_needs() {
        let mut trail = trail();
        trail.forget(91);
        assert_eq!(trail.of(0..91), []);
        assert_eq!(trail.of(91..132).len(), 4);
        assert_eq!(trail.layers[0].len(), 2);
        trail.forget(132);
        assert!(trail.layers.iter().all(|layer| layer.len() <= 1));
    }

    #[test]
    fn content_that_comes_in_pieces_is_one_frame() {
        let mut trail = Trail::default();
        trail.push(&Carried { content_length: 10, ..data(0, 91, 0) });
        trail.push(&Carried { content_offset: 10, content_length: 81, ..data(0, 91, 0) });
        assert_eq!(trail.of(0..91), [data(0, 91, 0)]);
    }
}
