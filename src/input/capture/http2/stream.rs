//! One stream of HTTP/2 that carries WebSocket, or may: what its listener is told.

use super::super::ids::Ids;
use super::super::marks::Marks;
use super::window::Window;
use crate::said::{
    At, ConnectionId, Endpoint, GapReason, Http2Fact, Interest, Listener, Said, TransportEnd,
};

/// Where bytes come from; the offset is of the next byte of the connection.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) from: Endpoint,
    pub(super) offset: u64,
    pub(super) heard: Option<u64>,
    pub(super) at: At,
}

/// A stream.
pub(super) struct Stream {
    /// As whom the listener knows it; none if it concerns nobody.
    id: Option<ConnectionId>,
    /// It is a tunnel by now.
    pub(super) accepted: bool,
    /// How much content each endpoint has sent.
    pub(super) offsets: [u64; 2],
    marks: [Marks; 2],
    pub(super) ended: [bool; 2],
    /// What each endpoint may still send.
    pub(super) windows: [Window; 2],
    unwanted: bool,
}

impl Stream {
    /// A stream that the listener knows under this number.
    pub(super) fn new(id: Option<ConnectionId>) -> Stream {
        Stream {
            id,
            accepted: false,
            offsets: [0; 2],
            marks: Default::default(),
            ended: [false; 2],
            windows: Default::default(),
            unwanted: false,
        }
    }

    /// True if the listener knows it.
    pub(super) fn is_told(&self) -> bool {
        self.id.is_some()
    }

    pub(super) fn say<L: Listener>(&mut self, said: Said<'_>, listener: &mut L) {
        if let (Some(id), false) = (self.id, self.unwanted)
            && listener.said(id, said) == Interest::Done
        {
            self.unwanted = true;
        }
    }

    pub(super) fn fact<L: Listener>(
        &mut self,
        from: Endpoint,
        fact: Http2Fact,
        at: At,
        listener: &mut L,
    ) {
        self.say(Said::Http2 { from, fact, at }, listener);
    }

    /// Content of DATA that ends at the origin's offset.
    pub(super) fn data<L: Listener>(&mut self, bytes: &[u8], origin: Origin, listener: &mut L) {
        let Origin { from, offset: end, heard, at } = origin;
        if bytes.is_empty() {
            return;
        }
        if self.ended[from.index()] {
            return self.fact(from, Http2Fact::DataAfterEnd, at, listener);
        }
        let offset = self.offsets[from.index()];
        self.offsets[from.index()] += bytes.len() as u64;
        self.marks[from.index()].mark(end, offset + bytes.len() as u64);
        let heard = self.heard(from, heard);
        self.say(Said::Bytes { from, offset, bytes, heard, at }, listener);
    }

    /// How much of the peer's content an endpoint has heard, by what it acknowledged.
    fn heard(&mut self, by: Endpoint, acknowledged: Option<u64>) -> Option<u64> {
        self.marks[by.peer().index()].heard(acknowledged)
    }

    pub(super) fn gap<L: Listener>(
        &mut self,
        from: Endpoint,
        length: Option<u64>,
        reason: GapReason,
        at: At,
        listener: &mut L,
    ) {
        let offset = self.offsets[from.index()];
        self.offsets[from.index()] += length.unwrap_or(0);
        self.say(Said::Gap { from, offset, length, reason, at }, listener);
    }

    pub(super) fn end<L: Listener>(
        &mut self,
        from: Endpoint,
        how: TransportEnd,
        heard: Option<u64>,
        at: At,
        listener: &mut L,
    ) {
        let heard = self.heard(from, heard);
        if !std::mem::replace(&mut self.ended[from.index()], true) {
            self.say(Said::End { from, how, heard, at }, listener);
        }
    }

    /// Nothing more will be said on it.
    pub(super) fn forget<L: Listener>(self, cut: bool, listener: &mut L, ids: &mut Ids) {
        if let Some(id) = self.id {
            listener.forgotten(id, cut);
            ids.give_back(id);
        }
    }
}
