//! What a loss does to a connection of HTTP/2: how far it reaches, and what is not known from there on.

use super::super::ids::Ids;
use super::connection::{Border, Connection, Direction};
use super::frame::{CONTINUATION, HEADER, HEADERS, Header};
use super::search::Search;
use super::stream::Origin;
use crate::said::{GapReason, Listener};

impl Connection {
    /// Bytes are missing. Inside a frame of known length it is known what they belong to; beyond,
    /// frames can't be told apart until a border is found, nor do header blocks say everything.
    pub(super) fn gap<L: Listener>(
        &mut self,
        length: Option<u64>,
        reason: GapReason,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let direction = &mut self.directions[origin.from.index()];
        match &mut direction.border {
            Border::Lost => return,
            // What lies before and behind it makes no chain.
            Border::Sought(search) => return **search = Search::default(),
            Border::Known => {}
        }
        if direction.data.is_some() {
            if self.gap_in_data(length, reason, origin, listener, ids) {
                return;
            }
        } else if length.is_some_and(|length| direction.step_over(length)) {
            return;
        }
        self.lose_border(reason, origin, listener);
    }

    /// Bytes of the DATA in progress are missing: true if no more than those are.
    fn gap_in_data<L: Listener>(
        &mut self,
        length: Option<u64>,
        reason: GapReason,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) -> bool {
        let from = origin.from;
        let Some(data) = &mut self.directions[from.index()].data else { return false };
        let (content, rest) = (data.content as u64, (data.content + data.padding) as u64);
        let number = data.header.stream;
        // Of padding whose length is missing nothing is known, not even that it is there.
        let inside = length.filter(|length| *length <= rest && !data.awaits_padding);
        let missing = content.min(inside.unwrap_or(content));
        let known = (!data.awaits_padding).then_some(missing);
        data.content -= missing as usize;
        data.padding -= inside.map_or(data.padding, |length| (length - missing) as usize);
        let is_over = data.content + data.padding == 0;
        if let Some(stream) = self.streams.get_mut(&number).filter(|_| missing > 0) {
            stream.gap(from, known, reason, origin.at, listener);
        }
        if is_over {
            self.end_data(origin, listener, ids);
        }
        inside.is_some()
    }

    /// Where the next frame begins is not known, nor which streams what is missing belongs to.
    fn lose_border<L: Listener>(&mut self, reason: GapReason, origin: Origin, listener: &mut L) {
        let direction = &mut self.directions[origin.from.index()];
        direction.border = Border::Sought(Box::default());
        direction.has_begun = true;
        direction.is_partial = true;
        direction.buffer.clear();
        direction.block = None;
        direction.skip = 0;
        direction.fields.lose();
        for stream in self.streams.values_mut() {
            stream.gap(origin.from, None, reason, origin.at, listener);
        }
    }
}

impl Direction {
    /// A frame that is not looked at, and what that means for those after it.
    pub(super) fn drop_frame(&mut self, header: Header, left: usize) {
        self.buffer.clear();
        self.skip = left;
        self.is_partial = true;
        if matches!(header.kind, HEADERS | CONTINUATION) {
            self.block = None;
            self.fields.lose();
        }
    }

    /// Bytes are missing inside a frame other than DATA: true if that is all that is missing.
    fn step_over(&mut self, missing: u64) -> bool {
        if self.skip > 0 {
            let fits = missing <= self.skip as u64;
            self.skip -= if fits { missing as usize } else { 0 };
            return fits;
        }
        let Some(header) = Header::read(&self.buffer) else { return false };
        let left = HEADER + header.length - self.buffer.len();
        let Some(behind) = (left as u64).checked_sub(missing) else { return false };
        self.drop_frame(header, behind as usize);
        true
    }
}
