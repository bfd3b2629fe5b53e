//! After a loss neither the border of the next record nor its number is known. Both are found again
//! by trying: a plausible header, and the numbers that may have been reached; the tag proves it.

use super::direction::{Direction, Epoch, Keys};
use super::record::{HEADER, Header, MAX_BODY};
use super::session::{Context, Flow, Origin, Session};
use crate::said::{At, Endpoint, GapReason, Listener};

/// A protected record of TLS 1.3 without content is so long; no record that was lost was shorter.
const SMALLEST_RECORD: u64 = 22;

/// So many numbers are tried for one record.
const MAX_NUMBERS: u64 = 4096;

/// So many are tried with the next keys, which may have come into use in what was lost.
const MOST_IN_NEW_EPOCH: u64 = 256;

/// So many bytes may be decrypted in vain after a loss, and so many more for each byte that comes.
const FIRST_BUDGET: u64 = 8 << 20;
const BUDGET_A_BYTE: u64 = 64;

/// So many places that may be borders are kept in mind until more is there, and so many bytes.
const MAX_CANDIDATES: usize = 8;
const MAX_BUFFER: usize = 256 * 1024;

/// In a chain of records behind a place the shortest of so many is tried: it costs least.
const MAX_CHAIN: u64 = 8;

/// So far around the likely numbers is looked even where trying all would cost too much.
const NEAR: u64 = 16;

/// The state of a search.
pub(super) struct Search {
    /// The offset up to which all was understood.
    pub(super) border: u64,
    pub(super) reason: GapReason,
    pub(super) at: At,
    /// Bytes behind the loss, and the offset of the first.
    pub(super) buffer: Vec<u8>,
    pub(super) start: u64,
    /// Where in the buffer no header has been looked for yet.
    pub(super) next: usize,
    candidates: Vec<Candidate>,
    budget: u64,
}

/// A place at which a header may stand, and how long the record was that was tried for it.
#[derive(Clone, Copy)]
struct Candidate {
    place: usize,
    tried: usize,
}

/// What a search found: the record at this place has this number, under these keys if they are new.
pub(super) struct Found {
    pub(super) place: usize,
    pub(super) number: u64,
    pub(super) keys: Option<(Epoch, Box<Keys>)>,
}

impl Session {
    /// More bytes behind a loss.
    pub(super) fn search<L: Listener>(
        &mut self,
        from: Endpoint,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        if self.directions[from.index()].epoch != Epoch::Clear {
            match self.ensure_keys(from, context) {
                Flow::Go => {}
                Flow::Wait => return self.hold_bytes(from, bytes, origin, context),
                flow => return flow,
            }
        }
        let Some(mut search) = self.directions[from.index()].search.take() else {
            return Flow::Go;
        };
        search.buffer.extend_from_slice(bytes);
        search.budget += BUDGET_A_BYTE * bytes.len() as u64;
        if let Some(found) = self.find_record(from, &mut search, &mut context.desk.scratch) {
            return self.resume(from, *search, found, origin, context);
        }
        if search.budget == 0 {
            self.give_up(from, &search, context);
            return Flow::Go;
        }
        search.forget();
        self.directions[from.index()].search = Some(search);
        Flow::Go
    }

    /// The first record in the buffer that can be placed.
    fn find_record(
        &mut self,
        from: Endpoint,
        search: &mut Search,
        scratch: &mut Vec<u8>,
    ) -> Option<Found> {
        for candidate in std::mem::take(&mut search.candidates) {
            if let Some(found) = self.look_at(from, search, candidate, scratch) {
                return Some(found);
            }
        }
        while search.next + HEADER <= search.buffer.len() && search.budget > 0 {
            let candidate = Candidate { place: search.next, tried: usize::MAX };
            search.next += 1;
            if Header::read(&search.buffer[candidate.place..]).is_some()
                && let Some(found) = self.look_at(from, search, candidate, scratch)
            {
                return Some(found);
            }
        }
        None
    }

    /// Tries whether a record begins here. What can't be told yet is kept in mind.
    fn look_at(
        &mut self,
        from: Endpoint,
        search: &mut Search,
        candidate: Candidate,
        scratch: &mut Vec<u8>,
    ) -> Option<Found> {
        let place = candidate.place;
        let Some(link) = shortest_in_chain(&search.buffer, place) else {
            search.keep(candidate);
            return None;
        };
        if self.directions[from.index()].epoch == Epoch::Clear {
            let end = link.place + HEADER + link.length;
            let is_chained = link.index > 0
                || search
                    .buffer
                    .get(end..)
                    .is_none_or(|next| next.len() < HEADER || Header::read(next).is_some());
            return is_chained.then_some(Found { place, number: 0, keys: None });
        }
        if link.length >= candidate.tried {
            search.keep(candidate);
            return None;
        }
        let is_late = self.directions[from.index()].epoch == Epoch::Traffic;
        let reached = search.start + place as u64;
        // What a wrong length swallowed in the handshake was taken for understood.
        let distance = if is_late { reached - search.border } else { reached };
        let (before, rest) = search.buffer.split_at(link.place);
        let header = Header::read(rest)?;
        let body = &rest[HEADER..HEADER + link.length];
        let mut trial = Trial { header, body, before, budget: &mut search.budget, scratch };
        let direction = &mut self.directions[from.index()];
        let usual = [direction.usual_length(), link.longest as u64];
        let most = (distance / SMALLEST_RECORD + 1).min(MAX_NUMBERS);
        let can_try_all = trial.can_afford(most + MAX_CHAIN);
        if let Some(keys) = &mut direction.keys {
            let likely = usual.map(|usual| (distance / usual).min(most) + link.index);
            let first = keys.sequence;
            if let Some(number) = trial.number(keys, first, likely, most + link.index, can_try_all)
            {
                return Some(Found { place: link.place, number, keys: None }.at_start(place, link));
            }
        }
        let later = match self.directions[from.index()].epoch {
            Epoch::Handshake => self.keys_of_epoch(from, Epoch::Traffic),
            Epoch::Traffic => self.next_generation(from),
            _ => None,
        };
        if let Some(mut keys) = later {
            let most = (distance / SMALLEST_RECORD).min(MOST_IN_NEW_EPOCH) + link.index;
            if let Some(number) = trial.number(&mut keys, 0, [0, link.index], most, true) {
                let keys = Some((Epoch::Traffic, Box::new(keys)));
                return Some(Found { place: link.place, number, keys }.at_start(place, link));
            }
        }
        if !can_try_all {
            search.keep(Candidate { place, tried: link.length });
        }
        None
    }
}

/// The shortest whole record of a chain.
#[derive(Clone, Copy)]
struct Link {
    place: usize,
    length: usize,
    /// How many records of the chain lie before it.
    index: u64,
    /// How long the longest of the chain is.
    longest: usize,
}

/// Follows the records from a place on, as far as they are whole.
fn shortest_in_chain(buffer: &[u8], place: usize) -> Option<Link> {
    let (mut at, mut found, mut longest) = (place, None::<Link>, 0);
    for index in 0..MAX_CHAIN {
        let Some(header) = buffer.get(at..).and_then(Header::read) else { break };
        let length = usize::from(header.length);
        if at + HEADER + length > buffer.len() {
            break;
        }
        longest = longest.max(HEADER + length);
        if found.is_none_or(|found| length < found.length) {
            found = Some(Link { place: at, length, index, longest });
        }
        at += HEADER + length;
    }
    found.map(|found| Link { longest, ..found })
}

impl Found {
    /// The chain's first record, if the numbers reach back to it.
    fn at_start(self, place: usize, link: Link) -> Found {
        match self.number.checked_sub(link.index) {
            Some(number) => Found { place, number, ..self },
            None => self,
        }
    }
}

/// A record to be opened with one number after another.
struct Trial<'a> {
    header: Header,
    body: &'a [u8],
    /// What lies before it.
    before: &'a [u8],
    budget: &'a mut u64,
    scratch: &'a mut Vec<u8>,
}

impl Trial<'_> {
    fn cost(&self) -> u64 {
        self.body.len() as u64 + 64
    }

    fn can_afford(&self, times: u64) -> bool {
        self.cost() * times <= *self.budget
    }

    /// The number with which the record opens, from `first` up to `most` more: those around the
    /// likely ones, then all if that is wanted.
    fn number(
        &mut self,
        keys: &mut Keys,
        first: u64,
        likely: [u64; 2],
        most: u64,
        all: bool,
    ) -> Option<u64> {
        let near = likely
            .into_iter()
            .flat_map(|likely| likely.saturating_sub(NEAR)..=likely.saturating_add(NEAR).min(most));
        let rest = all.then_some(0..=most).into_iter().flatten();
        for more in near.chain(rest) {
            let cost = self.cost();
            if *self.budget < cost {
                *self.budget = 0;
                return None;
            }
            *self.budget -= cost;
            keys.opener.skip(self.before);
            self.scratch.clear();
            self.scratch.extend_from_slice(self.body);
            if keys.opener.open(self.header, first + more, self.scratch).is_some() {
                return Some(first + more);
            }
        }
        None
    }
}

impl Search {
    /// A search among these bytes, which begin at `start`.
    pub(super) fn new(border: u64, reason: GapReason, start: u64, buffer: &[u8], at: At) -> Search {
        Search {
            border,
            reason,
            at,
            buffer: buffer.to_vec(),
            start,
            next: 0,
            candidates: Vec::new(),
            budget: FIRST_BUDGET,
        }
    }

    /// More is missing: what was looked at so far is of no use.
    pub(super) fn begin_again(&mut self, start: u64) {
        self.buffer.clear();
        self.candidates.clear();
        self.next = 0;
        self.start = start;
    }

    fn keep(&mut self, candidate: Candidate) {
        if self.candidates.len() < MAX_CANDIDATES {
            self.candidates.push(candidate);
        }
    }

    /// What can't begin a record any more is let go.
    fn forget(&mut self) {
        let length = self.buffer.len();
        self.candidates.retain(|candidate| candidate.place + MAX_BUFFER > length);
        let keep = self.candidates.iter().map(|candidate| candidate.place).min();
        let keep = keep.unwrap_or(self.next).min(self.next);
        // A block before it is needed to go on with TLS 1.0.
        let keep = keep.saturating_sub(16);
        if keep > MAX_BODY {
            self.buffer.drain(..keep);
            self.start += keep as u64;
            self.next -= keep;
            self.candidates.iter_mut().for_each(|candidate| candidate.place -= keep);
        }
    }
}

impl Direction {
    /// How long a record of this direction usually is.
    fn usual_length(&self) -> u64 {
        let (records, bytes) = self.opened;
        bytes.checked_div(records).unwrap_or(256).max(SMALLEST_RECORD)
    }
}
