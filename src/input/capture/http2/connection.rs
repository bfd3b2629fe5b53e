//! One connection of HTTP/2: frames in, and what is said on the streams that carry WebSocket.

use super::super::ids::Ids;
use super::super::marks::Marks;
use super::Trails;
use super::fields::{Block, Fields, MAX_BLOCK};
use super::frame::{
    CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, HEADER, HEADER_TABLE_SIZE, HEADERS, Header,
    PREFACE, RST_STREAM, SETTINGS, block_fragment, settings,
};
use crate::said::{
    At, Carried, Carrier, ConnectionId, Endpoint, GapReason, Http2Fact, Interest, Listener,
    Opening, Said, Tls, Transport, TransportEnd,
};
use std::collections::BTreeMap;

/// So many streams with WebSocket are followed at a time; servers commonly allow 100.
const MAX_STREAMS: usize = 4096;

/// So many facts about settings are kept for streams to come.
const MAX_SETTINGS: usize = 8;

/// The state of a connection.
pub(super) struct Connection {
    opening: Opening,
    tls: Option<Tls>,
    directions: [Direction; 2],
    streams: BTreeMap<u32, Stream>,
    /// What each endpoint set SETTINGS_ENABLE_CONNECT_PROTOCOL to.
    connect_protocol: [Option<u32>; 2],
    /// Facts about that which no stream was told.
    untold: Vec<(Endpoint, Http2Fact, At)>,
    trails: Trails,
    has_closed: [bool; 2],
    /// The server's SETTINGS were seen.
    has_settings: bool,
}

/// One endpoint's frames.
#[derive(Default)]
struct Direction {
    /// The preface is behind.
    has_begun: bool,
    /// The frame in progress, unless it is DATA.
    buffer: Vec<u8>,
    data: Option<Data>,
    /// So many bytes belong to a frame that is too long to look at.
    skip: usize,
    fields: Fields,
    block: Option<Fragment>,
    /// Where frames begin is not known any more.
    is_lost: bool,
}

/// A DATA frame in progress.
struct Data {
    /// Where it begins, and its header.
    offset: u64,
    header: Header,
    pad_length: Option<u8>,
    /// The byte with the length of the padding is still to come.
    awaits_padding: bool,
    content: usize,
    padding: usize,
}

/// A header block in progress.
struct Fragment {
    stream: u32,
    ends: bool,
    bytes: Vec<u8>,
}

/// A stream with WebSocket.
struct Stream {
    id: ConnectionId,
    accepted: bool,
    offsets: [u64; 2],
    marks: [Marks; 2],
    ended: [bool; 2],
    unwanted: bool,
}

/// Where bytes come from; the offset is of the next byte of the connection.
#[derive(Clone, Copy)]
struct Origin {
    from: Endpoint,
    offset: u64,
    heard: Option<u64>,
    at: At,
}

impl Connection {
    pub(super) fn new(opening: Opening, tls: Option<Tls>, trails: Trails) -> Connection {
        Connection {
            opening,
            tls,
            directions: Default::default(),
            streams: BTreeMap::new(),
            connect_protocol: [None; 2],
            untold: Vec::new(),
            trails,
            has_closed: [false; 2],
            has_settings: false,
        }
    }

    /// Who speaks with whom.
    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Whether the server allows WebSocket on it; none before its settings were seen.
    pub(super) fn allows_websocket(&self) -> Option<bool> {
        let server = Endpoint::Server.index();
        self.has_settings.then_some(self.connect_protocol[server] == Some(1))
    }

    /// Takes in what was said.
    pub(super) fn hear<L: Listener>(
        &mut self,
        said: Said<'_>,
        listener: &mut L,
        ids: &mut Ids,
    ) -> Interest {
        match said {
            Said::Bytes { from, offset, bytes, heard, at } => {
                self.bytes(bytes, Origin { from, offset, heard, at }, listener, ids);
            }
            Said::Gap { from, length, reason, at, .. } => {
                self.gap(from, length, reason, at, listener);
            }
            Said::End { from, how, heard, at } => {
                self.has_closed[from.index()] = true;
                for stream in self.streams.values_mut() {
                    let heard = stream.marks[from.peer().index()].heard(heard);
                    stream.end(from, how, heard, at, listener);
                }
            }
            Said::CloseNotify { from, at } => {
                for stream in self.streams.values_mut() {
                    stream.say(Said::CloseNotify { from, at }, listener);
                }
            }
            Said::Carried { from, carried } => {
                self.trails[from.index()].get_or_insert_default().push(carried);
            }
            Said::Head { .. }
            | Said::Message { .. }
            | Said::Secured { .. }
            | Said::Tcp { .. }
            | Said::Http2 { .. } => {}
        }
        Interest::More
    }

    /// Nothing more will be said.
    pub(super) fn finish<L: Listener>(&mut self, cut: bool, listener: &mut L, ids: &mut Ids) {
        for (_, stream) in std::mem::take(&mut self.streams) {
            listener.forgotten(stream.id, cut);
            ids.give_back(stream.id);
        }
    }

    fn bytes<L: Listener>(
        &mut self,
        mut bytes: &[u8],
        mut origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        while !bytes.is_empty() {
            let direction = &mut self.directions[origin.from.index()];
            if direction.is_lost {
                return;
            }
            let taken = if direction.data.is_some() {
                self.data(bytes, origin, listener, ids)
            } else if direction.skip > 0 {
                let taken = direction.skip.min(bytes.len());
                direction.skip -= taken;
                taken
            } else {
                self.collect(bytes, origin, listener, ids)
            };
            origin.offset += taken as u64;
            bytes = &bytes[taken..];
        }
    }

    /// Collects the preface, the header of a frame, or a whole frame other than DATA.
    fn collect<L: Listener>(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) -> usize {
        let direction = &mut self.directions[origin.from.index()];
        let is_preface = origin.from == Endpoint::Client && !direction.has_begun;
        let header = Header::read(&direction.buffer).filter(|_| !is_preface);
        let wanted = match header {
            _ if is_preface => PREFACE.len(),
            None => HEADER,
            Some(header) => HEADER + header.length,
        };
        let taken = (wanted - direction.buffer.len()).min(bytes.len());
        direction.buffer.extend_from_slice(&bytes[..taken]);
        if direction.buffer.len() < wanted {
            return taken;
        }
        if is_preface {
            direction.is_lost = direction.buffer != PREFACE;
            direction.has_begun = true;
            direction.buffer.clear();
            return taken;
        }
        let Some(header) = Header::read(&direction.buffer) else { return taken };
        if direction.buffer.len() < HEADER + header.length {
            let offset = origin.offset + taken as u64;
            self.begin(header, Origin { offset, ..origin });
            return taken;
        }
        let frame = std::mem::take(&mut direction.buffer);
        let origin = Origin { offset: origin.offset + taken as u64, ..origin };
        self.frame(header, &frame[HEADER..], origin, listener, ids);
        taken
    }

    /// The header of a frame ends at the origin's offset; its payload is still to come.
    fn begin(&mut self, header: Header, origin: Origin) {
        let direction = &mut self.directions[origin.from.index()];
        if header.kind == DATA {
            direction.buffer.clear();
            direction.data = Some(Data {
                offset: origin.offset - HEADER as u64,
                header,
                pad_length: None,
                awaits_padding: header.is_padded(),
                content: header.length,
                padding: 0,
            });
        } else if header.length > MAX_BLOCK {
            direction.buffer.clear();
            direction.skip = header.length;
            direction.fields.is_lost |= matches!(header.kind, HEADERS | CONTINUATION);
        } else {
            direction.buffer.reserve_exact(header.length);
        }
    }

    /// Bytes of a DATA frame.
    fn data<L: Listener>(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) -> usize {
        let direction = &mut self.directions[origin.from.index()];
        let Some(data) = &mut direction.data else { return 0 };
        if data.awaits_padding && data.content > 0 {
            data.awaits_padding = false;
            data.pad_length = Some(bytes[0]);
            data.padding = usize::from(bytes[0]).min(data.content - 1);
            data.content -= 1 + data.padding;
            return 1;
        }
        let taken = (data.content + data.padding).min(bytes.len());
        let content = &bytes[..data.content.min(taken)];
        data.content -= content.len();
        data.padding -= taken - content.len();
        let (number, is_over) = (data.header.stream, data.content + data.padding == 0);
        let ends = is_over && data.header.is_end_of_stream();
        if self.trails[origin.from.index()].is_some() {
            self.tell_carriers(content.len() as u64, origin, listener);
        }
        let direction = &mut self.directions[origin.from.index()];
        if is_over {
            direction.data = None;
        }
        let end = origin.offset + content.len() as u64;
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.data(content, Origin { offset: end, ..origin }, listener);
        }
        if ends {
            self.end_of_stream(number, origin, listener, ids);
        }
        taken
    }

    /// So much content of the DATA in progress comes next: the frame carries it, and this the frame.
    #[cold]
    fn tell_carriers<L: Listener>(&mut self, content: u64, origin: Origin, listener: &mut L) {
        let Origin { from, offset, .. } = origin;
        let Some(trail) = &mut self.trails[from.index()] else { return };
        let Some(data) = &self.directions[from.index()].data else { return };
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
    fn frame<L: Listener>(
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
                let fields = &mut self.directions[origin.from.index()].fields;
                let Some(fragment) = block_fragment(header, payload) else {
                    fields.is_lost = true;
                    return;
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
                let Some(mut fragment) = direction.block.take() else { return };
                if fragment.stream == header.stream
                    && fragment.bytes.len() + payload.len() <= MAX_BLOCK
                {
                    fragment.bytes.extend_from_slice(payload);
                    self.fragment(fragment, header, origin, listener, ids);
                } else {
                    direction.fields.is_lost = true;
                }
            }
            RST_STREAM => self.reset(header.stream, payload, origin, listener, ids),
            _ => {}
        }
    }

    fn settings<L: Listener>(&mut self, payload: &[u8], origin: Origin, listener: &mut L) {
        let Origin { from, at, .. } = origin;
        self.has_settings |= from == Endpoint::Server;
        for (setting, value) in settings(payload) {
            match setting {
                // How large the tables of the peer's encoder may be.
                HEADER_TABLE_SIZE => {
                    self.directions[from.peer().index()].fields.allow_table(value);
                }
                ENABLE_CONNECT_PROTOCOL => {
                    let before = self.connect_protocol[from.index()].replace(value);
                    let fact = Http2Fact::ConnectProtocol { value, before };
                    match self.streams.values_mut().next() {
                        Some(stream) => stream.say(Said::Http2 { from, fact, at }, listener),
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
        let Some(block) = direction.fields.decode(&fragment.bytes) else { return };
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
        block: Block,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, at, .. } = origin;
        if let Some(stream) = self.streams.get_mut(&number) {
            let fact = Http2Fact::LateHeaders;
            return stream.say(Said::Http2 { from, fact, at }, listener);
        }
        if !block.is_request() {
            return;
        }
        if !block.asks_for_websocket() || self.streams.len() == MAX_STREAMS {
            return listener.other_exchange();
        }
        let id = ids.take();
        let transport = Transport::Http2 { stream: number };
        listener.opened(id, &Opening { transport, at, ..self.opening });
        let mut stream = Stream {
            id,
            accepted: false,
            offsets: [0; 2],
            marks: Default::default(),
            ended: [false; 2],
            unwanted: false,
        };
        if let Some(tls) = &self.tls {
            stream.say(Said::Secured { tls }, listener);
        }
        stream.say(Said::Head { from, head: block.into_head(), body: &[], at }, listener);
        for (from, fact, at) in self.untold.drain(..) {
            stream.say(Said::Http2 { from, fact, at }, listener);
        }
        let server = Endpoint::Server.index();
        let allowed = match self.connect_protocol[server] {
            _ if self.directions[server].is_lost => None,
            setting => Some(setting == Some(1)),
        };
        stream.say(Said::Http2 { from, fact: Http2Fact::Asked { allowed }, at }, listener);
        self.streams.insert(number, stream);
    }

    fn response<L: Listener>(
        &mut self,
        number: u32,
        block: Block,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, at, .. } = origin;
        let Some(stream) = self.streams.get_mut(&number) else { return };
        if stream.accepted {
            let fact = Http2Fact::LateHeaders;
            return stream.say(Said::Http2 { from, fact, at }, listener);
        }
        let status = block.status();
        stream.say(Said::Head { from, head: block.into_head(), body: &[], at }, listener);
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
            stream.say(Said::Http2 { from, fact, at }, listener);
        }
        let heard = stream.marks[from.peer().index()].heard(heard);
        stream.end(from, TransportEnd::Reset, heard, at, listener);
        self.forget(number, listener, ids);
    }

    fn end_of_stream<L: Listener>(
        &mut self,
        number: u32,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Origin { from, heard, at, .. } = origin;
        let Some(stream) = self.streams.get_mut(&number) else { return };
        let heard = stream.marks[from.peer().index()].heard(heard);
        stream.end(from, TransportEnd::EndStream, heard, at, listener);
        if stream.ended == [true; 2] {
            self.forget(number, listener, ids);
        }
    }

    fn forget<L: Listener>(&mut self, number: u32, listener: &mut L, ids: &mut Ids) {
        if let Some(stream) = self.streams.remove(&number) {
            listener.forgotten(stream.id, false);
            ids.give_back(stream.id);
        }
    }

    /// Bytes are missing. Inside DATA it is known whose they are; beyond, frames can't be told apart
    /// any more, nor do header blocks say anything.
    fn gap<L: Listener>(
        &mut self,
        from: Endpoint,
        length: Option<u64>,
        reason: GapReason,
        at: At,
        listener: &mut L,
    ) {
        let direction = &mut self.directions[from.index()];
        if direction.is_lost {
            return;
        }
        if let (Some(length), Some(data)) = (length, &mut direction.data)
            && !data.awaits_padding
            && length < (data.content + data.padding) as u64
        {
            let content = length.min(data.content as u64);
            data.content -= content as usize;
            data.padding -= (length - content) as usize;
            if let Some(stream) = self.streams.get_mut(&data.header.stream).filter(|_| content > 0)
            {
                stream.gap(from, Some(content), reason, at, listener);
            }
            return;
        }
        direction.is_lost = true;
        for stream in self.streams.values_mut() {
            stream.gap(from, None, reason, at, listener);
        }
    }
}

impl Stream {
    fn say<L: Listener>(&mut self, said: Said<'_>, listener: &mut L) {
        if !self.unwanted && listener.said(self.id, said) == Interest::Done {
            self.unwanted = true;
        }
    }

    /// Content of DATA that ends at the origin's offset.
    fn data<L: Listener>(&mut self, bytes: &[u8], origin: Origin, listener: &mut L) {
        let Origin { from, offset: end, heard, at } = origin;
        if bytes.is_empty() {
            return;
        }
        if self.ended[from.index()] {
            let fact = Http2Fact::DataAfterEnd;
            return self.say(Said::Http2 { from, fact, at }, listener);
        }
        let offset = self.offsets[from.index()];
        self.offsets[from.index()] += bytes.len() as u64;
        self.marks[from.index()].mark(end, offset + bytes.len() as u64);
        let heard = self.marks[from.peer().index()].heard(heard);
        self.say(Said::Bytes { from, offset, bytes, heard, at }, listener);
    }

    fn gap<L: Listener>(
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

    fn end<L: Listener>(
        &mut self,
        from: Endpoint,
        how: TransportEnd,
        heard: Option<u64>,
        at: At,
        listener: &mut L,
    ) {
        if !std::mem::replace(&mut self.ended[from.index()], true) {
            self.say(Said::End { from, how, heard, at }, listener);
        }
    }
}
