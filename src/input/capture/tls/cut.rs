//! Cuts the bytes of an endpoint into records. A record that lies whole in what was said is read where it
//! lies; of others the beginning is kept.

use super::direction::Epoch;
use super::record::{HEADER, Header};
use super::session::{Context, Flow, Origin, Session};
use crate::said::{Endpoint, Listener};

enum Completed {
    /// The record is whole; so many bytes were taken for it.
    Record(usize),
    Need,
    Nonsense,
}

impl Session {
    /// Cuts bytes into records. What is no whole record yet is kept.
    pub(super) fn feed<L: Listener>(
        &mut self,
        from: Endpoint,
        mut bytes: &[u8],
        mut origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        while !bytes.is_empty() && !self.is_unwanted {
            let direction = &mut self.directions[from.index()];
            if direction.is_dead {
                return Flow::Go;
            }
            if direction.search.is_some() {
                return self.search(from, bytes, origin, context);
            }
            let kept = direction.buffer.len();
            if kept > 0 {
                let taken = match self.complete(from, bytes) {
                    Completed::Record(taken) => taken,
                    Completed::Need => return Flow::Go,
                    Completed::Nonsense => {
                        let buffer = std::mem::take(&mut self.directions[from.index()].buffer);
                        self.lose_border(from, &buffer, origin, context);
                        continue;
                    }
                };
                let record = std::mem::take(&mut self.directions[from.index()].buffer);
                origin.offset += taken as u64;
                bytes = &bytes[taken..];
                let flow = self.record(from, &record, origin, context);
                if flow == Flow::Wait {
                    // The record lies before the bytes that brought its end.
                    let start = Origin { offset: origin.offset - record.len() as u64, ..origin };
                    self.hold_bytes(from, &record, start, context);
                    if !bytes.is_empty() {
                        self.hold_bytes(from, bytes, origin, context);
                    }
                }
                if flow != Flow::Go {
                    return flow;
                }
                continue;
            }
            let Some(header) = Header::read(bytes) else {
                if bytes.len() < HEADER {
                    direction.buffer.extend_from_slice(bytes);
                    return Flow::Go;
                }
                self.lose_border(from, &[], origin, context);
                continue;
            };
            let length = HEADER + usize::from(header.length);
            let Some((record, rest)) = bytes.split_at_checked(length) else {
                direction.buffer.reserve_exact(length);
                direction.buffer.extend_from_slice(bytes);
                return Flow::Go;
            };
            let ends = Origin { offset: origin.offset + length as u64, ..origin };
            match self.record(from, record, ends, context) {
                Flow::Go => {}
                Flow::Wait => return self.hold_bytes(from, bytes, origin, context),
                flow => return flow,
            }
            (bytes, origin) = (rest, ends);
        }
        Flow::Go
    }

    /// Completes the record in progress, as far as the bytes reach.
    fn complete(&mut self, from: Endpoint, bytes: &[u8]) -> Completed {
        let buffer = &mut self.directions[from.index()].buffer;
        let mut taken = 0;
        if buffer.len() < HEADER {
            taken = (HEADER - buffer.len()).min(bytes.len());
            buffer.extend_from_slice(&bytes[..taken]);
            if buffer.len() < HEADER {
                return Completed::Need;
            }
        }
        let Some(header) = Header::read(buffer) else {
            // The bytes are looked at again from where they began.
            buffer.truncate(buffer.len() - taken);
            return Completed::Nonsense;
        };
        let missing = (HEADER + usize::from(header.length)).saturating_sub(buffer.len());
        let part = missing.min(bytes.len() - taken);
        buffer.extend_from_slice(&bytes[taken..taken + part]);
        if part == missing { Completed::Record(taken + part) } else { Completed::Need }
    }

    /// One whole record, which ends at the origin's offset.
    fn record<L: Listener>(
        &mut self,
        from: Endpoint,
        record: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let Some((header, body)) = Header::read(record).zip(record.get(HEADER..)) else {
            return Flow::Go;
        };
        let flow = match self.directions[from.index()].epoch {
            Epoch::Clear => self.clear_record(from, header, body, origin, context),
            _ => self.protected_record(from, header, record, origin, context),
        };
        let direction = &mut self.directions[from.index()];
        if flow == Flow::Go && direction.search.is_none() {
            direction.border = origin.offset;
        }
        flow
    }
}
