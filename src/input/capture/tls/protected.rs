//! Protected records: opened if they are authentic, and told by what is in them. Nothing of a record
//! that is not authentic is ever told; that it could not be opened is.

use super::direction::Epoch;
use super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Header};
use super::session::{Context, Flow, Origin, Session};
use crate::said::{Carried, Carrier, Endpoint, GapReason, Listener, OpaqueReason, Said};
use std::ops::Range;

/// If so many records came and none could be opened, the secrets are wrong.
const ENOUGH_FAILED: u64 = 4;

/// The same, if some of them were protected with keys that are not known.
const ENOUGH_SKIPPED: u64 = 64;

impl Session {
    /// A record that should be protected; the origin's offset is that of its end.
    pub(super) fn protected_record<L: Listener>(
        &mut self,
        from: Endpoint,
        header: Header,
        record: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let body = &record[HEADER..];
        let is_new = self.directions[from.index()].epoch != Epoch::Traffic
            || self.server_hello.as_ref().is_some_and(|hello| hello.suite.is_of_tls_1_3());
        // TLS 1.3 has these in the clear, for the sake of old middle boxes or before there are keys.
        if is_new && header.content_type == CHANGE_CIPHER_SPEC {
            return Flow::Go;
        }
        if is_new && header.content_type == ALERT && body.len() == 2 && self.verified == 0 {
            self.alert(from, body, origin, context);
            return Flow::Go;
        }
        let was_early = self.directions[from.index()].epoch == Epoch::Early;
        match self.ensure_keys(from, context) {
            Flow::Go => {}
            flow => return flow,
        }
        if was_early && self.directions[from.index()].epoch != Epoch::Early {
            self.miss_early_data(from, origin, context);
        }
        let mut scratch = std::mem::take(&mut context.desk.scratch);
        let found = self.try_open(from, header, body, &mut scratch);
        let flow = match found {
            Some((content_type, content)) => {
                let content = &scratch[content];
                let inflater = &mut self.directions[from.index()].inflater;
                let inflated = inflater.as_mut().map(|inflater| inflater.inflate(content));
                let content = match &inflated {
                    None => content,
                    Some(Some(inflated)) => inflated,
                    // Bytes before these are missing, and with them what these refer to.
                    Some(None) => {
                        self.lose_for_good(from, origin, context);
                        context.desk.scratch = scratch;
                        return Flow::Go;
                    }
                };
                self.content(from, content_type, content, (header, record.len()), origin, context)
            }
            None => self.not_opened(from, record, origin, context),
        };
        context.desk.scratch = scratch;
        flow
    }

    /// Opens a record with the keys at hand, or, if the end of the handshake was missed, with those
    /// that come after it.
    fn try_open(
        &mut self,
        from: Endpoint,
        header: Header,
        body: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Option<(u8, std::ops::Range<usize>)> {
        let direction = &mut self.directions[from.index()];
        if let Some(keys) = &mut direction.keys {
            scratch.clear();
            scratch.extend_from_slice(body);
            if let Some(opened) = keys.opener.open(header, keys.sequence, scratch) {
                keys.sequence += 1;
                direction.may_skip = false;
                direction.hides_lengths |= opened.padding > 0;
                return Some((opened.content_type, opened.content));
            }
        }
        if self.directions[from.index()].epoch != Epoch::Handshake {
            return None;
        }
        let mut keys = self.keys_of_epoch(from, Epoch::Traffic)?;
        scratch.clear();
        scratch.extend_from_slice(body);
        let opened = keys.opener.open(header, 0, scratch)?;
        keys.sequence = 1;
        let direction = &mut self.directions[from.index()];
        direction.enter(Epoch::Traffic);
        direction.keys = Some(Box::new(keys));
        Some((opened.content_type, opened.content))
    }

    /// The content of an authentic record.
    pub(super) fn content<L: Listener>(
        &mut self,
        from: Endpoint,
        content_type: u8,
        content: &[u8],
        record: (Header, usize),
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        self.verified += 1;
        context.desk.counts.records += 1;
        match content_type {
            APPLICATION_DATA => {
                self.data(from, content, record, origin, context);
                Flow::Go
            }
            HANDSHAKE => self.messages(from, content, origin, context),
            ALERT => {
                self.alert(from, content, origin, context);
                Flow::Go
            }
            CHANGE_CIPHER_SPEC => self.change_cipher_spec(from, context),
            _ => Flow::Go,
        }
    }

    #[inline]
    fn data<L: Listener>(
        &mut self,
        from: Endpoint,
        bytes: &[u8],
        (header, wire_length): (Header, usize),
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        let heard = self.directions[from.peer().index()].heard(origin.heard);
        let direction = &mut self.directions[from.index()];
        direction.opened.0 += 1;
        direction.opened.1 += wire_length as u64;
        if bytes.is_empty() {
            return;
        }
        let offset = direction.plain;
        direction.plain += bytes.len() as u64;
        direction.border = origin.offset;
        direction.mark();
        context.desk.counts.bytes += bytes.len() as u64;
        self.open(context);
        if self.directions[from.index()].trail.is_some() {
            let length = bytes.len() as u64;
            self.tell_carriers(from, (header, wire_length), offset..offset + length, context);
        }
        self.say(Said::Bytes { from, offset, bytes, heard, at: origin.at }, context);
    }

    /// The record that ends at the border carries this content, and these segments the record.
    #[cold]
    fn tell_carriers<L: Listener>(
        &mut self,
        from: Endpoint,
        (header, wire_length): (Header, usize),
        content: Range<u64>,
        context: &mut Context<'_, L>,
    ) {
        let direction = &mut self.directions[from.index()];
        let Some(trail) = &mut direction.trail else { return };
        let length = wire_length as u64;
        let offset = direction.border - length;
        let mut carriers = trail.of(offset..direction.border);
        trail.forget(direction.border);
        carriers.push(Carried {
            carrier: Carrier::Record(header),
            offset,
            length,
            content_offset: content.start,
            content_length: content.end - content.start,
        });
        for carried in &carriers {
            self.say(Said::Carried { from, carried }, context);
        }
    }

    /// What the client sent early was accepted, and its secret is not there.
    #[cold]
    fn miss_early_data<L: Listener>(
        &mut self,
        from: Endpoint,
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        let offset = self.directions[from.index()].plain;
        context.desk.counts.gaps += 1;
        self.open(context);
        let reason = GapReason::EarlyData;
        self.say(Said::Gap { from, offset, length: None, reason, at: origin.at }, context);
    }

    /// A record that is not authentic, or has another number.
    fn not_opened<L: Listener>(
        &mut self,
        from: Endpoint,
        record: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        self.failed += 1;
        let may_skip = self.directions[from.index()].may_skip;
        let enough = if may_skip { ENOUGH_SKIPPED } else { ENOUGH_FAILED };
        if self.verified == 0 && self.failed >= enough {
            return Flow::Close(OpaqueReason::WrongSecrets);
        }
        if may_skip {
            return Flow::Go;
        }
        self.lose_record(from, record, origin, context);
        Flow::Go
    }
}
