//! One connection of HTTP/2: bytes in, frames out. What frames mean for the streams that carry
//! WebSocket is in `streams`, what a loss does in `loss`, how a border is found again in `search`.

use super::super::ids::Ids;
use super::fields::{Fields, MAX_BLOCK};
use super::frame::{DATA, HEADER, Header, PREFACE};
use super::search::Search;
use super::stream::{Origin, Stream};
use super::window::Window;
use crate::said::{
    At, Endpoint, GapReason, Http2Fact, Interest, Listener, Opening, Said, Tls, Trail,
};
use std::collections::BTreeMap;

/// The state of a connection.
pub(super) struct Connection {
    pub(super) opening: Opening,
    pub(super) tls: Option<Tls>,
    pub(super) directions: [Direction; 2],
    pub(super) streams: BTreeMap<u32, Stream>,
    /// What each endpoint set SETTINGS_ENABLE_CONNECT_PROTOCOL to.
    pub(super) connect_protocol: [Option<u32>; 2],
    /// Facts about that which no stream was told.
    pub(super) untold: Vec<(Endpoint, Http2Fact, At)>,
    /// The server's SETTINGS were seen.
    pub(super) has_settings: bool,
    /// Why bytes are missing, if any are.
    pub(super) missing: GapReason,
}

/// One endpoint's frames.
#[derive(Default)]
pub(super) struct Direction {
    /// The preface is behind.
    pub(super) has_begun: bool,
    /// The frame in progress, unless it is DATA.
    pub(super) buffer: Vec<u8>,
    pub(super) data: Option<Data>,
    /// So many bytes belong to a frame that is not looked at.
    pub(super) skip: usize,
    pub(super) fields: Fields,
    pub(super) block: Option<Fragment>,
    pub(super) border: Border,
    /// Frames of it were not captured.
    pub(super) is_partial: bool,
    /// What it may still send on all streams together, and on each that begins.
    pub(super) window: Window,
    pub(super) initial_window: u32,
    /// What carried its bytes, if somebody asked.
    pub(super) trail: Option<Box<Trail>>,
}

/// What is known of where frames begin.
#[derive(Default)]
pub(super) enum Border {
    /// The next byte is where the frames so far say it is.
    #[default]
    Known,
    Sought(Box<Search>),
    /// These are no frames.
    Lost,
}

/// A DATA frame in progress.
pub(super) struct Data {
    /// Where it begins.
    pub(super) offset: u64,
    pub(super) header: Header,
    pub(super) pad_length: Option<u8>,
    /// The byte with the length of the padding is still to come.
    pub(super) awaits_padding: bool,
    pub(super) content: usize,
    pub(super) padding: usize,
}

/// A header block in progress.
pub(super) struct Fragment {
    pub(super) stream: u32,
    pub(super) ends: bool,
    pub(super) bytes: Vec<u8>,
}

impl Connection {
    pub(super) fn new(opening: Opening, tls: Option<Tls>) -> Connection {
        let direction = || Direction { initial_window: 65_535, ..Direction::default() };
        Connection {
            opening,
            tls,
            directions: [direction(), direction()],
            streams: BTreeMap::new(),
            connect_protocol: [None; 2],
            untold: Vec::new(),
            has_settings: false,
            missing: GapReason::CaptureStart,
        }
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
            Said::Gap { from, offset, length, reason, at } => {
                self.missing = reason;
                let origin = Origin { from, offset, heard: None, at };
                self.gap(length, reason, origin, listener, ids);
            }
            Said::End { from, how, heard, at } => {
                for stream in self.streams.values_mut() {
                    stream.end(from, how, heard, at, listener);
                }
            }
            Said::CloseNotify { from, at } => {
                for stream in self.streams.values_mut() {
                    stream.say(Said::CloseNotify { from, at }, listener);
                }
            }
            Said::Carried { from, carried } => {
                self.directions[from.index()].trail.get_or_insert_default().push(carried);
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
            stream.forget(cut, listener, ids);
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
            let taken = match &mut direction.border {
                Border::Lost => return,
                Border::Sought(search) => {
                    let Some(found) = search.push(bytes, origin.offset) else { return };
                    direction.border = Border::Known;
                    let origin = Origin { offset: found.offset, ..origin };
                    return self.bytes(&found.bytes, origin, listener, ids);
                }
                Border::Known if direction.data.is_some() => {
                    self.data(bytes, origin, listener, ids)
                }
                Border::Known if direction.skip > 0 => {
                    let taken = direction.skip.min(bytes.len());
                    direction.skip -= taken;
                    taken
                }
                Border::Known => self.collect(bytes, origin, listener, ids),
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
            if direction.buffer != PREFACE {
                direction.border = Border::Lost;
                direction.is_partial = true;
            }
            direction.has_begun = true;
            direction.buffer.clear();
            return taken;
        }
        let Some(header) = Header::read(&direction.buffer) else { return taken };
        let origin = Origin { offset: origin.offset + taken as u64, ..origin };
        if direction.buffer.len() < HEADER + header.length {
            self.begin(header, origin, listener, ids);
            return taken;
        }
        let frame = std::mem::take(&mut direction.buffer);
        self.frame(header, &frame[HEADER..], origin, listener, ids);
        taken
    }

    /// The header of a frame ends at the origin's offset; its payload is still to come.
    fn begin<L: Listener>(
        &mut self,
        header: Header,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
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
            self.begin_data(header, origin, listener, ids);
        } else if header.length > MAX_BLOCK {
            direction.drop_frame(header, header.length);
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
            if data.content + data.padding == 0 {
                self.end_data(origin, listener, ids);
            }
            return 1;
        }
        let taken = (data.content + data.padding).min(bytes.len());
        let content = &bytes[..data.content.min(taken)];
        data.content -= content.len();
        data.padding -= taken - content.len();
        let (number, is_over) = (data.header.stream, data.content + data.padding == 0);
        if direction.trail.is_some() {
            self.tell_carriers(content.len() as u64, origin, listener);
        }
        let end = origin.offset + content.len() as u64;
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.data(content, Origin { offset: end, ..origin }, listener);
        }
        if is_over {
            self.end_data(origin, listener, ids);
        }
        taken
    }

    /// The DATA in progress is over.
    pub(super) fn end_data<L: Listener>(
        &mut self,
        origin: Origin,
        listener: &mut L,
        ids: &mut Ids,
    ) {
        let Some(data) = self.directions[origin.from.index()].data.take() else { return };
        if data.header.is_end_of_stream() {
            self.end_of_stream(data.header.stream, origin, listener, ids);
        }
    }
}
