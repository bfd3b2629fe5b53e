//! Where bytes are missing: frames are cut or stepped through, borders are lost and found again.

use super::{Framing, Incoming, Origin, Search};
use crate::said::{Endpoint, GapReason};
use crate::websocket::event::{CutHeader, Event, Gap, Recovered, Resumed};
use crate::websocket::frame::FrameHeader;
use crate::websocket::message::Desk;
use crate::websocket::resync::{Expectation, Found, Seeker, What};

impl Incoming {
    /// Bytes of this stream that were not captured.
    pub(in crate::websocket) fn gap(
        &mut self,
        length: Option<u64>,
        reason: GapReason,
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.lossy = true;
        let inside = match (&self.current, length) {
            (Some(current), Some(length)) => {
                current.header.payload_length - current.position >= length
            }
            _ => false,
        };
        let offset = self.offset;
        if inside && let (Some(current), Some(length)) = (&mut self.current, length) {
            current.position += length;
            current.missing += length;
            if let Some(own) = &mut current.own {
                own.hole(length, &mut self.context);
            } else if current.message.is_some()
                && let Some(assembly) = &mut self.assembly
            {
                assembly.hole(length, &mut self.context);
            }
        }
        self.tell_other(sink);
        let framing_lost = !inside && !matches!(self.framing, Framing::Over);
        if framing_lost {
            if let (Some(current), Some(_)) = (&mut self.current, length) {
                // The gap reaches beyond the frame: the rest of it was sent.
                current.missing += current.header.payload_length - current.position;
                current.position = current.header.payload_length;
            }
            self.cut(origin, desk, sink);
        }
        self.offset += length.unwrap_or(0);
        match &mut self.framing {
            Framing::Sought(search) => match length {
                Some(length) => search.seeker.push_gap(length, reason, origin),
                None => search.seeker.restart(),
            },
            Framing::Known if framing_lost => self.seek(),
            Framing::Known | Framing::Over | Framing::Other(_) => {}
        }
        let (from, at) = (self.from, origin.at);
        sink(&Event::Gap(&Gap { from, offset, length, reason, framing_lost, at }));
        let is_over = self
            .current
            .as_ref()
            .is_some_and(|current| current.position == current.header.payload_length);
        if is_over {
            self.end_current(origin, true, desk, sink);
        }
    }

    /// These are no frames.
    pub(in crate::websocket) fn give_up(&mut self) {
        self.framing = Framing::Over;
    }

    /// Looks for the border of a frame from here on. What was missed may have been compressed.
    pub(in crate::websocket) fn seek(&mut self) {
        self.seek_as(self.expectation());
    }

    /// The same behind a head of which the end is missing.
    pub(in crate::websocket) fn seek_behind_head(&mut self) {
        self.seek_as(self.expectation().behind_head());
    }

    fn seek_as(&mut self, expectation: Expectation) {
        self.context.lose();
        let seeker = Seeker::new(self.offset, expectation);
        self.framing = Framing::Sought(Box::new(Search { seeker, since: self.offset }));
    }

    /// Goes on with a search that began before it was known which direction this is.
    pub(in crate::websocket) fn seek_with(
        &mut self,
        mut seeker: Seeker,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let since = self.offset;
        let found = seeker.expect_masked(self.from == Endpoint::Client);
        self.framing = Framing::Sought(Box::new(Search { seeker, since }));
        if let Some(found) = found {
            self.resume(found, since, desk, sink);
        }
    }

    /// How many bytes were looked at in a search that is still under way.
    pub(in crate::websocket) fn unread(&self) -> u64 {
        match &self.framing {
            Framing::Sought(search) => search.seeker.tried(),
            _ => 0,
        }
    }

    /// Where the next frame would begin is not known.
    pub(in crate::websocket) fn is_lost(&self) -> bool {
        matches!(self.framing, Framing::Sought(..))
    }

    fn expectation(&self) -> Expectation {
        let rsv1 = self
            .agreement
            .is_none_or(|agreement| agreement.deflate.is_some() || agreement.unknown_extension);
        Expectation::after_loss(self.from == Endpoint::Client, rsv1)
    }

    /// A border was found: what was held back is read from there on.
    pub(in crate::websocket) fn resume(
        &mut self,
        found: Found,
        since: u64,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.framing = Framing::Known;
        self.offset = found.start;
        let skipped = found.start.saturating_sub(since);
        let recovered = Recovered { confidence: found.confidence, skipped };
        self.seldom.get_or_insert_default().recovered = Some(recovered);
        let at = found.pieces.front().map_or(self.last_at, |piece| piece.origin.at);
        sink(&Event::Resumed(&Resumed { from: self.from, offset: found.start, recovered, at }));
        for piece in found.pieces {
            match piece.what {
                What::Bytes(bytes) => self.hear(&bytes, piece.origin, desk, sink),
                What::Gap(length, reason) => {
                    self.gap_again(length, reason, piece.origin, desk, sink);
                }
            }
        }
    }

    /// A gap that was told when it came, and now falls into its place among the frames.
    fn gap_again(
        &mut self,
        length: u64,
        reason: GapReason,
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.gap(Some(length), reason, origin, desk, &mut |event| {
            if !matches!(event, Event::Gap(_)) {
                sink(event);
            }
        });
    }

    /// The stream ended: a search that is under way may have found enough.
    pub(in crate::websocket) fn finish_search(
        &mut self,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if let Framing::Sought(search) = &mut self.framing {
            let since = search.since;
            if let Some(found) = search.seeker.finish() {
                self.resume(found, since, desk, sink);
            }
        }
    }

    /// What is unfinished is told as far as it is known.
    pub(in crate::websocket) fn finish(
        &mut self,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.tell_other(sink);
        self.tell_held_text(sink);
        self.cut(Origin { at: self.last_at, heard: None }, desk, sink);
    }

    fn cut(&mut self, origin: Origin, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        self.end_current(origin, false, desk, sink);
        if let Some(partial) = self.take_partial() {
            let bytes = &partial.bytes[..partial.length];
            let needed = FrameHeader::read(bytes).err().unwrap_or(bytes.len()) as u64;
            let offset = self.offset - bytes.len() as u64;
            let (from, at) = (self.from, origin.at);
            let part = self.part_of(bytes[0]);
            sink(&Event::CutHeader(&CutHeader { from, offset, bytes, needed, part, at }));
        }
        self.abandon_message(origin.at, desk, sink);
    }
}
