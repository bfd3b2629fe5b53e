//! What a loss does to a connection: bytes that were not captured, records that are not authentic or cut
//! short. What is missing is told once it is known how much that is; `search` finds where to go on.

use super::cipher::Opener;
use super::direction::{Direction, Epoch};
use super::record::{HEADER, Header};
use super::search::{Found, Search};
use super::session::{Context, Flow, Origin, Session};
use crate::said::{At, Endpoint, GapReason, Listener, Said};

impl Session {
    /// Bytes are missing from here on.
    pub(super) fn lose<L: Listener>(
        &mut self,
        from: Endpoint,
        length: Option<u64>,
        reason: GapReason,
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        let direction = &mut self.directions[from.index()];
        let start = origin.offset + length.unwrap_or(0);
        direction.buffer = Vec::new();
        if direction.is_dead {
            return;
        }
        context.desk.counts.losses += 1;
        match &mut direction.search {
            Some(search) => search.begin_again(start),
            None => self.begin_search(from, reason, start, &[], origin.at),
        }
    }

    /// Here a record should begin, and does not.
    pub(super) fn lose_border<L>(
        &mut self,
        from: Endpoint,
        buffer: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        context.desk.counts.bad_records += 1;
        let start = origin.offset - buffer.len() as u64;
        self.begin_search(from, GapReason::TlsRecord, start, buffer, origin.at);
    }

    /// This record, which ends at the origin, could not be opened: perhaps its header is wrong too.
    pub(super) fn lose_record<L>(
        &mut self,
        from: Endpoint,
        record: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        self.lose_border(from, record, origin, context);
        let direction = &mut self.directions[from.index()];
        if let Some(search) = &mut direction.search {
            search.next = 1;
        }
        if let Some(keys) = &mut direction.keys {
            keys.opener.skip(&record[HEADER..]);
        }
    }

    /// This record, which ends at the origin, is protected, but how many came before is not known.
    pub(super) fn lose_number<L>(
        &mut self,
        from: Endpoint,
        header: Header,
        body: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        context.desk.counts.losses += 1;
        let record = [&header.to_bytes(), body].concat();
        let start = origin.offset - record.len() as u64;
        self.begin_search(from, GapReason::Lost, start, &record, origin.at);
        if let Some(search) = &mut self.directions[from.index()].search {
            search.border = 0;
        }
    }

    fn begin_search(
        &mut self,
        from: Endpoint,
        reason: GapReason,
        start: u64,
        buffer: &[u8],
        at: At,
    ) {
        let direction = &mut self.directions[from.index()];
        let border = direction.border.min(start);
        direction.search = Some(Box::new(Search::new(border, reason, start, buffer, at)));
    }

    /// A record was found: what is missing before it is told, and reading goes on with it.
    pub(super) fn resume<L: Listener>(
        &mut self,
        from: Endpoint,
        search: Search,
        found: Found,
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let border = search.start + found.place as u64;
        let direction = &mut self.directions[from.index()];
        let was_in = direction.epoch;
        let begins_epoch = found.keys.is_some() && found.number == 0;
        let length = match (&direction.keys, &found.keys) {
            // Its number says that no record is missing: what lies between is none.
            (Some(keys), None) if found.number == keys.sequence => {
                // It may be a later one; then what is missing there does not tell its length.
                direction.hides_lengths = true;
                Some(0)
            }
            (Some(keys), None) if direction.inflater.is_none() => {
                let lost = found.number - keys.sequence.min(found.number);
                direction.lost_content(&keys.opener, border - search.border, lost)
            }
            _ => None,
        };
        if let Some((epoch, keys)) = found.keys {
            direction.enter(epoch);
            direction.keys = Some(keys);
        }
        if let Some(keys) = &mut direction.keys {
            keys.sequence = found.number;
            keys.opener.skip(&search.buffer[..found.place]);
        }
        direction.adrift = direction.epoch == Epoch::Clear;
        direction.messages = Default::default();
        direction.border = border;
        let is_content = direction.epoch == Epoch::Traffic;
        if is_content && !(begins_epoch && was_in == Epoch::Handshake) && length != Some(0) {
            // The listener hears first what came first.
            let flow = self.go_on(from.peer(), context);
            if let Flow::Close(_) = flow {
                return flow;
            }
            self.tell_loss(from, &search, length, context);
        }
        let tail = &search.buffer[found.place..];
        self.feed(from, tail, Origin { offset: border, ..origin }, context)
    }

    /// Content is missing.
    fn tell_loss<L: Listener>(
        &mut self,
        from: Endpoint,
        search: &Search,
        length: Option<u64>,
        context: &mut Context<'_, L>,
    ) {
        let direction = &mut self.directions[from.index()];
        let offset = direction.plain;
        direction.plain += length.unwrap_or(0);
        context.desk.counts.gaps += 1;
        self.open(context);
        self.say(Said::Gap { from, offset, length, reason: search.reason, at: search.at }, context);
    }

    /// No more records will come: one that was not whole, or a search without an end, is told.
    pub(super) fn end_of_records<L: Listener>(
        &mut self,
        from: Endpoint,
        at: At,
        context: &mut Context<'_, L>,
    ) {
        let direction = &mut self.directions[from.index()];
        if direction.search.is_none() && !direction.buffer.is_empty() && direction.held.is_none() {
            let buffer = std::mem::take(&mut direction.buffer);
            let start = direction.border;
            context.desk.counts.bad_records += 1;
            self.begin_search(from, GapReason::TlsRecord, start, &buffer, at);
        }
        if let Some(search) = self.directions[from.index()].search.take() {
            self.give_up(from, &search, context);
        }
    }

    /// Here is a record, but what it holds can't be told, nor what the later ones do.
    pub(super) fn lose_for_good<L: Listener>(
        &mut self,
        from: Endpoint,
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        self.begin_search(from, GapReason::TlsRecord, origin.offset, &[], origin.at);
        if let Some(search) = self.directions[from.index()].search.take() {
            self.give_up(from, &search, context);
        }
    }

    /// The border was not found again. Of a connection of which nothing was read there is nothing
    /// to tell but that.
    pub(super) fn give_up<L: Listener>(
        &mut self,
        from: Endpoint,
        search: &Search,
        context: &mut Context<'_, L>,
    ) {
        let direction = &mut self.directions[from.index()];
        direction.is_dead = true;
        let is_content = self.verified > 0 && direction.epoch == Epoch::Traffic;
        if is_content || self.id.is_some() {
            self.tell_loss(from, search, None, context);
        }
    }
}

impl Direction {
    /// How much content was in so many lost records that took so many bytes, if that can be told:
    /// all records so far held data and nothing else, and no padding.
    fn lost_content(&self, opener: &Opener, distance: u64, records: u64) -> Option<u64> {
        let overhead = (HEADER + opener.overhead()?) as u64;
        let is_known = self.opened.0 > 0 && !self.hides_lengths;
        let content = distance.checked_sub(records.checked_mul(overhead)?)?;
        is_known.then_some(content)
    }
}
