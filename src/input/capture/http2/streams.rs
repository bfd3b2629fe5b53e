//! What the frames of a connection of HTTP/2 mean for its streams: requests, answers, ends, and what
//! steers them (RFC 9113 §6, RFC 8441 §5).

use super::super::ids::Ids;
use super::connection::{Connection, Fragment};
use super::fields::{Block, MAX_BLOCK};
use super::frame::{
    CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, GOAWAY, HEADER, HEADER_TABLE_SIZE, HEADERS,
    Header, INITIAL_WINDOW_SIZE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block_fragment, settings,
};
use super::stream::{Origin, Stream};
use super::window::Window;
use crate::said::{
    Carried, Carrier, Endpoint, Http2Fact, Listener, Opening, Said, Transport, TransportEnd,
};

/// So many streams are followed at a time; servers commonly allow 100.
const MAX_STREAMS: usize = 4096;

/// So many facts about settings are kept for streams to come.
const MAX_SETTINGS: usize = 8;

/// 31 bits: the highest is reserved.
const NUMBER: u32 = 0x7fff_ffff;

impl Connection {
    /// A DATA frame begins.
    pub(super) fn begin_data<L: Listener>(
        &mut self,
        header: Header,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        if self.misses_requests() && !self.streams.contains_key(&header.stream) {
            self.open_late(header.stream, origin, listener, ids);
        }
        if !self.knows_windows() {
            return;
        }
        let Origin { from, at, .. } = origin;
        let is_blocked = self.directions[from.index()].window.take(header.length);
        if let Some(stream) = self.streams.get_mut(&header.stream)
            && stream.windows[from.index()].take(header.length)
        {
            stream.fact(from, Http2Fact::Blocked, at, listener);
        }
        if is_blocked {
            self.tell_all(from, Http2Fact::Blocked, origin, listener);
        }
    }

    /// So much content of the DATA in progress comes next: the frame carries it, and this the frame.
    #[cold]
    pub(super) fn tell_carriers<L: Listener>(
        &mut self,
        content: u64,
        origin: Origin,
        listener: &mut L,
    ) {
        let Origin { from, offset, .. } = origin;
        let direction = &mut self.directions[from.index()];
        let (Some(trail), Some(data)) = (&mut direction.trail, &direction.data) else { return };
        let mut carriers = trail.of(offset..offset + content);
        trail.forget(offset);
        let Some(stream) = self.streams.get_mut(&data.header.stream) else { return };
        carriers.push(Carried {
            carrier: Carrier::Data { header: data.header, padding: data.pad_length },
            offset: data.offset,
            length: (HEADER + data.header.length) as u64,
            content_offset: stream.offsets[from.index()],
            content_length: content,
        });
        for carried in &carriers {
            stream.say(Said::Carried { from, carried }, listener);
        }
    }

    /// A whole frame; the origin's offset is that of its end.
    pub(super) fn frame<L: Listener>(
        &mut self,
        header: Header,
        payload: &[u8],
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        match header.kind {
            DATA if header.is_end_of_stream() => {
                self.end_of_stream(header.stream, origin, listener, ids);
            }
            SETTINGS if !header.is_ack() => self.settings(payload, origin, listener),
            HEADERS => {
                let Some(fragment) = block_fragment(header, payload) else {
                    return self.directions[origin.from.index()].fields.lose();
                };
                let fragment = Fragment {
                    stream: header.stream,
                    ends: header.is_end_of_stream(),
                    bytes: fragment.to_vec(),
                };
                self.fragment(fragment, header, origin, listener, ids);
            }
            CONTINUATION => {
                let direction = &mut self.directions[origin.from.index()];
                // Its beginning is missing, and that was noted.
                let Some(mut fragment) = direction.block.take() else { return };
                if fragment.stream == header.stream
                    && fragment.bytes.len() + payload.len() <= MAX_BLOCK
                {
                    fragment.bytes.extend_from_slice(payload);
                    self.fragment(fragment, header, origin, listener, ids);
                } else {
                    direction.fields.lose();
                }
            }
            RST_STREAM => self.reset(header.stream, payload, origin, listener, ids),
            WINDOW_UPDATE => self.window_update(header.stream, payload, origin, listener),
            GOAWAY => self.go_away(payload, origin, listener),
            _ => {}
        }
    }

    fn settings<L: Listener>(&mut self, payload: &[u8], origin: Origin, listener: &mut L) {
        let Origin { from, at, .. } = origin;
        self.has_settings |= from == Endpoint::Server;
        let peer = &mut self.directions[from.peer().index()];
        for (setting, value) in settings(payload) {
            match setting {
                // How large the tables of the peer's encoder may be.
                HEADER_TABLE_SIZE => peer.fields.allow_table(value),
                INITIAL_WINDOW_SIZE => {
                    let more = i64::from(value) - i64::from(peer.initial_window);
                    peer.initial_window = value;
                    for stream in self.streams.values_mut() {
                        if stream.windows[from.peer().index()].change(more) {
                            stream.fact(from.peer(), Http2Fact::Unblocked, at, listener);
                        }
                    }
                }
                ENABLE_CONNECT_PROTOCOL => {
                    let before = self.connect_protocol[from.index()].replace(value);
                    let fact = Http2Fact::ConnectProtocol { value, before };
                    match self.streams.values_mut().find(|stream| stream.is_told()) {
                        Some(stream) => stream.fact(from, fact, at, listener),
                        None if self.untold.len() < MAX_SETTINGS => {
                            self.untold.push((from, fact, at));
                        }
                        None => {}
                    }
                }
                _ => {}
            }
        }
    }

    /// An endpoint lets its peer send more.
    fn window_update<L: Listener>(
        &mut self,
        number: u32,
        payload: &[u8],
        origin: Origin,
        listener: &mut L,
    ) {
        let Some(more) = payload.first_chunk().map(|more| u32::from_be_bytes(*more) & NUMBER)
        else {
            return;
        };
        if !self.knows_windows() {
            return;
        }
        let sender = origin.from.peer();
        if number == 0 {
            if self.directions[sender.index()].window.change(i64::from(more)) {
                self.tell_all(sender, Http2Fact::Unblocked, origin, listener);
            }
        } else if let Some(stream) = self.streams.get_mut(&number)
            && stream.windows[sender.index()].change(i64::from(more))
        {
            stream.fact(sender, Http2Fact::Unblocked, origin.at, listener);
        }
    }

    fn go_away<L: Listener>(&mut self, payload: &[u8], origin: Origin, listener: &mut L) {
        let Some(&[a, b, c, d, code @ ..]) = payload.first_chunk::<8>() else { return };
        let (last, code) = (u32::from_be_bytes([a, b, c, d]) & NUMBER, u32::from_be_bytes(code));
        for (number, stream) in &mut self.streams {
            // It speaks of the streams that the other end opened: the client opened these.
            let refused = origin.from == Endpoint::Server && *number > last;
            let fact = Http2Fact::GoAway { code, refused };
            stream.fact(origin.from, fact, origin.at, listener);
        }
    }

    /// Only who has seen all that was sent and allowed knows how much is left.
    fn knows_windows(&self) -> bool {
        self.directions.iter().all(|direction| !direction.is_partial)
    }

    fn tell_all<L: Listener>(
        &mut self,
        from: Endpoint,
        fact: Http2Fact,
        origin: Origin,
        listener: &mut L,
    ) {
        for stream in self.streams.values_mut() {
            stream.fact(from, fact, origin.at, listener);
        }
    }

    /// A part of a header block; the last one makes it whole.
    fn fragment<L: Listener>(
        &mut self,
        fragment: Fragment,
        header: Header,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let direction = &mut self.directions[origin.from.index()];
        if !header.is_end_of_headers() {
            direction.block = Some(fragment);
            return;
        }
        let block = direction.fields.decode(&fragment.bytes);
        match origin.from {
            Endpoint::Client => self.request(fragment.stream, block, origin, listener, ids),
            Endpoint::Server => self.response(fragment.stream, block, origin, listener, ids),
        }
        if fragment.ends {
            self.end_of_stream(fragment.stream, origin, listener, ids);
        }
    }

    fn request<L: Listener>(
        &mut self,
        number: u32,
        block: Option<Block>,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, at, .. } = origin;
        if let Some(stream) = self.streams.get_mut(&number) {
            return stream.fact(from, Http2Fact::LateHeaders, at, listener);
        }
        // Whether a stream whose request can't be read is one of WebSocket, its DATA will tell.
        let Some(block) = block else { return };
        if block.is_partial && !block.is_other_request() {
            return;
        }
        if !block.is_request() || self.streams.len() == MAX_STREAMS {
            return;
        }
        if !block.asks_for_websocket() || block.is_partial {
            if self.misses_requests() {
                self.streams.insert(number, Stream::new(None));
            }
            return listener.other_exchange();
        }
        let mut stream = self.open(number, origin, listener, ids);
        stream.say(Said::Head { from, head: Box::new(block.into_head()), body: &[], at }, listener);
        for (from, fact, at) in self.untold.drain(..) {
            stream.fact(from, fact, at, listener);
        }
        let server = Endpoint::Server.index();
        let allowed = match self.connect_protocol[server] {
            None if self.directions[server].is_partial => None,
            setting => Some(setting == Some(1)),
        };
        stream.fact(from, Http2Fact::Asked { allowed }, at, listener);
        self.streams.insert(number, stream);
    }

    /// The listener hears of a stream.
    fn open<L: Listener>(
        &mut self,
        number: u32,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) -> Stream {
        let id = ids.take();
        let transport = Transport::Http2 { stream: number };
        listener.opened(id, &Opening { transport, at: origin.at, ..self.opening });
        let mut stream = Stream::new(Some(id));
        stream.windows = [0, 1].map(|index| Window::new(self.directions[index].initial_window));
        if let Some(tls) = &self.tls {
            stream.say(Said::Secured { tls }, listener);
        }
        stream
    }

    /// True if streams may be open whose requests nobody could read.
    fn misses_requests(&self) -> bool {
        let client = &self.directions[Endpoint::Client.index()];
        client.is_partial || client.fields.is_partial()
    }

    /// DATA on a stream whose request could not be read: whether these are frames will be seen.
    fn open_late<L: Listener>(
        &mut self,
        number: u32,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        if self.streams.len() == MAX_STREAMS {
            return;
        }
        let mut stream = self.open(number, origin, listener, ids);
        stream.accepted = true;
        for from in [origin.from, origin.from.peer()] {
            stream.gap(from, None, self.missing, origin.at, listener);
        }
        self.streams.insert(number, stream);
    }

    fn response<L: Listener>(
        &mut self,
        number: u32,
        block: Option<Block>,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, at, .. } = origin;
        let Some(stream) = self.streams.get_mut(&number) else { return };
        if stream.accepted {
            return stream.fact(from, Http2Fact::LateHeaders, at, listener);
        }
        let status = block.as_ref().and_then(Block::status);
        match (block, status) {
            (Some(block), _) if !block.is_partial => {
                stream.say(
                    Said::Head { from, head: Box::new(block.into_head()), body: &[], at },
                    listener,
                );
            }
            (_, Some(100..=199 | 300..)) => {}
            // There was an answer, and what it said is not known.
            _ => {
                stream.accepted = true;
                return stream.gap(from, None, self.missing, at, listener);
            }
        }
        match status {
            Some(200..=299) => stream.accepted = true,
            Some(100..=199) | None => {}
            // What follows is the body of a refusal.
            Some(_) => self.forget(number, listener, ids),
        }
    }

    fn reset<L: Listener>(
        &mut self,
        number: u32,
        payload: &[u8],
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, heard, at, .. } = origin;
        let Some(stream) = self.streams.get_mut(&number) else { return };
        if let Some(code) = payload.first_chunk() {
            let code = u32::from_be_bytes(*code);
            let fact = Http2Fact::Reset { code, accepted: stream.accepted };
            stream.fact(from, fact, at, listener);
        }
        stream.end(from, TransportEnd::ResetStream, heard, at, listener);
        self.forget(number, listener, ids);
    }

    pub(super) fn end_of_stream<L: Listener>(
        &mut self,
        number: u32,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, heard, at, .. } = origin;
        let Some(stream) = self.streams.get_mut(&number) else { return };
        stream.end(from, TransportEnd::EndStream, heard, at, listener);
        if stream.ended == [true; 2] {
            self.forget(number, listener, ids);
        }
    }

    fn forget<L: Listener>(&mut self, number: u32, listener: &mut L, ids: &mut Ids) {
        if let Some(stream) = self.streams.remove(&number) {
            stream.forget(false, listener, ids);
        }
    }
}
