//! HTTP/1.1 exchanges on one connection: requests paired with their responses, bodies stepped
//! over, until a handshake upgrades the connection (RFC 6455 §4, RFC 9112 §9.3).

use super::event::{Event, Gap};
use super::extension::Agreement;
use super::frame::MAX_HEADER;
use super::handshake::{Early, Handshake, Stray, is_upgrade_request, is_upgrade_response};
use super::incoming::Origin;
use crate::http::{Body, BodyLength, Head, HeadRead, MAX_HEAD, is_token};
use crate::said::{At, Endpoint};
use std::collections::VecDeque;

/// How many pipelined requests are remembered until their responses come.
const MAX_OUTSTANDING: usize = 64;

/// How much of a refusal's body is kept, to say what it is.
const MAX_BODY_PREVIEW: usize = 256;

/// How far into what a server says its status line is looked for.
const MAX_STRAY: usize = 4096;

/// Of how many pending segments it is remembered where they came from.
const MAX_PIECES: usize = 4096;

/// How much of what stands in front of it is kept.
const MAX_STRAY_KEPT: usize = 64;

/// What a status line begins with, here.
const STATUS_LINE: &[u8] = b"HTTP/1.";

/// The longest method that is looked for; the longest registered one has 17 letters.
const MAX_METHOD: usize = 24;

/// The exchanges so far.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    /// The two directions, client first.
    pub(super) streams: [HttpStream; 2],
    /// A handshake was refused on this connection.
    pub(super) refused: bool,
    outstanding: VecDeque<Outstanding>,
    /// Text that was stepped over in front of a status line, and where it began.
    stray: Option<Stray>,
    interim: Vec<u16>,
    count: u64,
    through_connect: bool,
    transcript: bool,
}

/// One direction of HTTP.
#[derive(Debug, Default)]
pub(super) struct HttpStream {
    /// Bytes that are not used up yet.
    pub(super) pending: Vec<u8>,
    /// Where the first of them lies, or the next byte that will come.
    pub(super) offset: u64,
    /// Where the last of them came from.
    pub(super) origin: Origin,
    /// Where those before them came from, if several segments are pending: where each ends.
    earlier: Vec<(u64, Origin)>,
    body: Option<Body>,
    /// Bytes are missing in this direction: where heads begin is not known any more.
    pub(super) cut: Option<Gap>,
    /// A request is in progress, so that it is not known where frames begin.
    pub(super) is_unfinished: bool,
    /// Whatever comes, it is no frames.
    pub(super) refuses_frames: bool,
}

/// A request whose final response has not come.
#[derive(Debug)]
struct Outstanding {
    head: Box<Head>,
    at: At,
    upgrade: bool,
}

/// How far the bytes reached.
pub(super) enum Reached {
    /// More bytes are needed.
    End,
    /// A handshake was accepted: frames follow.
    Upgrade(Agreement),
    /// What this endpoint says next is no HTTP.
    NotHttp(Endpoint),
}

/// What one attempt to read a head came to.
enum Step {
    Progress,
    Wait,
    Upgrade(Agreement),
    NotHttp,
}

impl HttpStream {
    pub(super) fn push(&mut self, offset: u64, bytes: &[u8], origin: Origin) {
        let is_full = self.earlier.len() == MAX_PIECES;
        match (self.pending.is_empty(), self.earlier.last_mut()) {
            (true, _) => self.offset = offset,
            // Whoever says a byte at a time does not get more than this remembered.
            (false, Some(last)) if is_full => *last = (offset, self.origin),
            (false, _) => self.earlier.push((offset, self.origin)),
        }
        self.pending.extend_from_slice(bytes);
        self.origin = origin;
    }

    fn take(&mut self, length: usize) {
        self.pending.drain(..length);
        self.offset += length as u64;
        let offset = self.offset;
        self.earlier.retain(|(end, _)| *end > offset);
    }

    /// As much of a head that is too long as is read. Where it ends is not known.
    fn take_beginning(&mut self) -> (Head, At) {
        let head = Head::read_beginning(&self.pending, self.offset);
        let at = self.origin_of(MAX_HEAD - 1).at;
        self.take(MAX_HEAD);
        self.is_unfinished = true;
        (head, at)
    }

    fn take_all(&mut self) -> Vec<u8> {
        self.offset += self.pending.len() as u64;
        self.earlier.clear();
        std::mem::take(&mut self.pending)
    }

    /// Where the pending byte at this place came from.
    pub(super) fn origin_of(&self, index: usize) -> Origin {
        let offset = self.offset + index as u64;
        self.earlier.iter().find(|(end, _)| offset < *end).map_or(self.origin, |(_, it)| *it)
    }

    /// What is pending, as it came: where each piece begins, its bytes and where they are from.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, &[u8], Origin)> {
        let end = self.offset + self.pending.len() as u64;
        let mut start = self.offset;
        let pieces = self.earlier.iter().copied().chain([(end, self.origin)]);
        pieces.filter_map(move |(end, origin)| {
            let piece = (start - self.offset) as usize..(end - self.offset) as usize;
            let bytes = (self.pending.get(piece)).filter(|bytes| !bytes.is_empty())?;
            let from = std::mem::replace(&mut start, end);
            Some((from, bytes, origin))
        })
    }

    /// Steps over the body in progress, if any.
    fn step_over_body(&mut self) {
        if let Some(body) = &mut self.body {
            let stepped = body.step(&self.pending);
            if body.is_over() {
                self.body = None;
            }
            self.take(stepped);
        }
    }

    fn begin_body(&mut self, length: BodyLength) {
        let body = Body::new(length);
        self.body = (!body.is_over()).then_some(body);
    }
}

impl Exchanges {
    /// Exchanges that were typed or pasted: whoever shows one asks for a judgement of it, whether
    /// or not it speaks of WebSocket.
    pub(super) fn of_transcript() -> Exchanges {
        Exchanges { transcript: true, ..Exchanges::default() }
    }

    /// Exchanges that go on behind that many upgrades: where each direction does, what is there of
    /// it, and where that is from.
    pub(super) fn behind_upgrade(streams: [(u64, Vec<u8>, Origin); 2], upgrades: u8) -> Exchanges {
        let streams = streams.map(|(offset, pending, origin)| HttpStream {
            pending,
            offset,
            origin,
            ..HttpStream::default()
        });
        Exchanges { streams, count: u64::from(upgrades), ..Exchanges::default() }
    }

    /// A request for an upgrade has not been answered yet.
    pub(super) fn awaits_upgrade(&self) -> bool {
        self.outstanding.iter().any(|request| request.upgrade)
    }

    /// What the server said so far is no answer to the request for an upgrade.
    pub(super) fn answers_no_http(&self) -> bool {
        let server = &self.streams[Endpoint::Server.index()];
        self.awaits_upgrade()
            && server.body.is_none()
            && server.cut.is_none()
            && !server.pending.is_empty()
            && !may_be_response(&server.pending)
    }

    /// Steps over what stands in front of the answer's status line. False if none is there.
    pub(super) fn step_over_stray(&mut self) -> bool {
        let Some(length) = self.stray_length() else { return false };
        let stream = &mut self.streams[Endpoint::Server.index()];
        let text = stream.pending[..length.min(MAX_STRAY_KEPT)].to_vec();
        self.stray = Some(Stray { offset: stream.offset, length: length as u64, text });
        stream.take(length);
        true
    }

    /// What the server says is text, so no frames.
    pub(super) fn answers_text(&self) -> bool {
        let pending = &self.streams[Endpoint::Server.index()].pending;
        let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
        pending.first().is_some_and(u8::is_ascii) && pending.iter().take(MAX_HEADER).all(is_text)
    }

    /// In the text that the server says, or behind it, there may be a status line.
    pub(super) fn may_be_stray(&self, at_end: bool) -> bool {
        let length = self.streams[Endpoint::Server.index()].pending.len();
        (length >= MAX_HEADER || at_end)
            && self.answers_text()
            && (self.stray_length().is_some() || !at_end && length < MAX_STRAY)
    }

    /// How much stands in front of the first status line.
    fn stray_length(&self) -> Option<usize> {
        let pending = &self.streams[Endpoint::Server.index()].pending;
        memchr::memmem::find(&pending[..pending.len().min(MAX_STRAY)], STATUS_LINE)
    }

    /// Takes what there is of an answer whose empty line never came, because its sender ended or
    /// because the capture did. If it upgrades, what was agreed.
    pub(super) fn take_unended(
        &mut self,
        ended: bool,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> Option<Agreement> {
        let awaits_upgrade = self.awaits_upgrade();
        let stream = &mut self.streams[Endpoint::Server.index()];
        if !awaits_upgrade || stream.body.is_some() || stream.cut.is_some() {
            return None;
        }
        let read = if ended { Head::read_unended } else { Head::read_cut };
        let head = read(&stream.pending, stream.offset);
        head.status()?;
        let at = stream.origin.at;
        // A line that the capture cuts belongs to the head as well.
        stream.take(if ended { head.source.len() } else { stream.pending.len() });
        self.take_response(Box::new(head), &[], at, sink)
    }

    /// Goes on as far as the bytes reach.
    pub(super) fn advance(&mut self, sink: &mut impl FnMut(&Event<'_>)) -> Reached {
        loop {
            let request = self.read_request(sink);
            let response = self.read_response(sink);
            match (request, response) {
                (_, Step::Upgrade(agreement)) => return Reached::Upgrade(agreement),
                (Step::NotHttp, _) => return Reached::NotHttp(Endpoint::Client),
                (Step::Wait, Step::NotHttp) => return Reached::NotHttp(Endpoint::Server),
                (Step::Wait, Step::Wait) if self.is_hopeless() => {
                    return Reached::NotHttp(Endpoint::Client);
                }
                (Step::Wait, Step::Wait) => return Reached::End,
                _ => {}
            }
        }
    }

    /// Bytes are missing, and no answer is awaited that could still tell what comes behind them.
    fn is_hopeless(&self) -> bool {
        self.streams.iter().any(|stream| stream.cut.is_some())
            && self.outstanding.is_empty()
            && self.count > 0
    }

    fn read_request(&mut self, sink: &mut impl FnMut(&Event<'_>)) -> Step {
        let awaits_upgrade = self.awaits_upgrade();
        let stream = &mut self.streams[Endpoint::Client.index()];
        stream.step_over_body();
        // Behind a request for an upgrade there may be frames: their fate hangs on the answer.
        if awaits_upgrade {
            return Step::Wait;
        }
        if stream.pending.is_empty() || stream.body.is_some() || stream.cut.is_some() {
            return Step::Wait;
        }
        if !may_be_request(&stream.pending) {
            return Step::NotHttp;
        }
        match Head::read(&stream.pending, stream.offset) {
            HeadRead::Incomplete => Step::Wait,
            HeadRead::TooLong => {
                let (head, at) = stream.take_beginning();
                self.take_request(Box::new(head), at, sink);
                if self.awaits_upgrade() { Step::Progress } else { Step::NotHttp }
            }
            HeadRead::Head(head, length) => {
                let at = stream.origin_of(length - 1).at;
                stream.take(length);
                stream.begin_body(BodyLength::of_request(&head));
                self.take_request(head, at, sink);
                Step::Progress
            }
        }
    }

    fn read_response(&mut self, sink: &mut impl FnMut(&Event<'_>)) -> Step {
        let may_come = self.streams[Endpoint::Client.index()].cut.is_none();
        let stream = &mut self.streams[Endpoint::Server.index()];
        stream.step_over_body();
        if stream.pending.is_empty() || stream.body.is_some() || stream.cut.is_some() {
            return Step::Wait;
        }
        if !may_be_response(&stream.pending) {
            return Step::NotHttp;
        }
        // Its request may come later: the two directions need not be captured in order.
        if self.outstanding.is_empty() && may_come && !self.transcript {
            return Step::Wait;
        }
        match Head::read(&stream.pending, stream.offset) {
            HeadRead::Incomplete => Step::Wait,
            HeadRead::TooLong => {
                let (head, at) = stream.take_beginning();
                match self.take_response(Box::new(head), &[], at, sink) {
                    Some(agreement) => Step::Upgrade(agreement),
                    None => Step::NotHttp,
                }
            }
            HeadRead::Head(head, length) => {
                let at = stream.origin_of(length - 1).at;
                stream.take(length);
                let method = self.outstanding.front().and_then(|request| request.head.method());
                let body = BodyLength::of_response(&head, method);
                self.streams[Endpoint::Server.index()].begin_body(body);
                let pending = &self.streams[Endpoint::Server.index()].pending;
                let preview = pending[..pending.len().min(MAX_BODY_PREVIEW)].to_vec();
                match self.take_response(head, &preview, at, sink) {
                    Some(agreement) => Step::Upgrade(agreement),
                    None => Step::Progress,
                }
            }
        }
    }

    /// A request was read.
    pub(super) fn take_request(
        &mut self,
        head: Box<Head>,
        at: At,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if self.outstanding.len() == MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        let upgrade = is_upgrade_request(&head);
        if upgrade {
            sink(&Event::Request(&head));
        }
        self.outstanding.push_back(Outstanding { head, at, upgrade });
    }

    /// A response was read: tells the exchange that it ends. If it is an upgrade, what was agreed.
    pub(super) fn take_response(
        &mut self,
        head: Box<Head>,
        body: &[u8],
        at: At,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> Option<Agreement> {
        let status = head.status();
        if let Some(status @ (100 | 102..=199)) = status {
            self.interim.push(status);
            return None;
        }
        let request = self.outstanding.pop_front();
        let concerns_websocket = self.transcript && !is_connect(request.as_ref())
            || request.as_ref().is_some_and(|request| request.upgrade)
            || is_upgrade_response(&head);
        let early = self.early(status);
        let kept = if status == Some(101) { 0 } else { body.len().min(MAX_BODY_PREVIEW) };
        let handshake = Handshake {
            request_at: request.as_ref().map(|request| request.at).unwrap_or_default(),
            request: request.map(|request| request.head),
            response: Some(head),
            interim: std::mem::take(&mut self.interim),
            response_at: at,
            stray: self.stray.take(),
            early: early.filter(|_| concerns_websocket),
            earlier_exchanges: self.count,
            answer_lost: false,
            through_connect: self.through_connect,
            transcript: self.transcript,
            body_preview: body[..kept].to_vec(),
            answers: Default::default(),
        };
        if !concerns_websocket {
            self.take_other(&handshake);
            sink(&Event::Exchange(&handshake));
            return None;
        }
        self.count += 1;
        sink(&Event::Handshake(&handshake));
        self.refused = !handshake.is_accepted();
        handshake.is_accepted().then(|| handshake.agreement())
    }

    fn take_other(&mut self, exchange: &Handshake) {
        let method = exchange.request.as_ref().and_then(|head| head.method());
        if method == Some(b"CONNECT") && matches!(exchange.status(), Some(200..=299)) {
            // What the proxy forwards from here on begins afresh.
            self.through_connect = true;
            self.streams[Endpoint::Server.index()].body = None;
        } else {
            self.count += 1;
        }
    }

    /// Client bytes that came before the answer, unless the client had heard the answer already
    /// and only the capture has them in this order. Without acknowledgments nobody knows.
    fn early(&self, status: Option<u16>) -> Option<Early> {
        let client = &self.streams[Endpoint::Client.index()];
        let answered = self.streams[Endpoint::Server.index()].offset;
        let first = client.origin_of(0);
        let is_captured = first.at.packet.is_some();
        let had_heard = first.heard.map_or(is_captured, |heard| heard >= answered);
        let length = client.pending.len() as u64;
        (length > 0 && status == Some(101) && !had_heard)
            .then_some(Early { offset: client.offset, length })
    }

    /// Tells the handshakes that were never answered, and a response without its request.
    pub(super) fn tell_incomplete(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        let unread = self.unread_response();
        let [client, server] = &self.streams;
        let answer_lost = server.cut.is_some() || begins_masked(&client.pending);
        for request in std::mem::take(&mut self.outstanding) {
            if request.upgrade || self.transcript && !is_connect(Some(&request)) {
                sink(&Event::Handshake(&Handshake {
                    request_at: request.at,
                    request: Some(request.head),
                    interim: std::mem::take(&mut self.interim),
                    earlier_exchanges: self.count,
                    answer_lost,
                    through_connect: self.through_connect,
                    transcript: self.transcript,
                    ..Handshake::default()
                }));
                self.count += 1;
            }
        }
        if let Some((head, at)) = unread
            && is_upgrade_response(&head)
        {
            sink(&Event::Handshake(&Handshake {
                response: Some(head),
                response_at: at,
                transcript: self.transcript,
                ..Handshake::default()
            }));
        }
    }

    /// A response whose request was never seen.
    fn unread_response(&mut self) -> Option<(Box<Head>, At)> {
        let stream = &mut self.streams[Endpoint::Server.index()];
        if !self.outstanding.is_empty() || stream.body.is_some() || stream.cut.is_some() {
            return None;
        }
        match Head::read(&stream.pending, stream.offset) {
            HeadRead::Head(head, length) => {
                let at = stream.origin_of(length - 1).at;
                stream.take(length);
                Some((head, at))
            }
            _ => None,
        }
    }

    /// Nothing was said yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.is_fresh() && self.streams.iter().all(|stream| stream.pending.is_empty())
    }

    /// No head was read yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.outstanding.is_empty()
            && self.count == 0
            && self.streams.iter().all(|stream| stream.offset == 0)
    }

    /// Bytes are missing that HTTP can't do without. What is there of a head is taken for it; what
    /// comes behind the gap is kept until it is known what it is. If the head was an answer that
    /// upgrades: what it agreed on, as far as that can be read.
    pub(super) fn lose(
        &mut self,
        gap: Gap,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> Option<Agreement> {
        let from = gap.from;
        let stream = &mut self.streams[from.index()];
        let at = stream.origin.at;
        let start = stream.offset;
        let pending = stream.take_all();
        let head = Head::read_cut(&pending, start);
        let gap = Gap { offset: stream.offset, ..gap };
        stream.offset += gap.length.unwrap_or(0);
        if stream.cut.replace(gap).is_some() {
            return None;
        }
        match from {
            Endpoint::Client if head.is_request() => self.take_request(Box::new(head), at, sink),
            Endpoint::Server if head.status().is_some() => {
                self.cut_request(sink);
                return self.take_response(Box::new(head), &[], at, sink);
            }
            _ => {}
        }
        None
    }

    /// An answer is taken although its request has not come whole: where the client's frames begin
    /// is not known then.
    fn cut_request(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if !self.outstanding.is_empty() {
            return;
        }
        let stream = &mut self.streams[Endpoint::Client.index()];
        stream.is_unfinished = true;
        let (start, at) = (stream.offset, stream.origin.at);
        let head = Head::read_cut(&stream.take_all(), start);
        if head.is_request() {
            self.take_request(Box::new(head), at, sink);
        }
    }

    /// Steps over missing bytes if they lie inside a body; false if HTTP can't go on after them.
    pub(super) fn step_over_gap(&mut self, from: Endpoint, length: Option<u64>) -> bool {
        let stream = &mut self.streams[from.index()];
        let (Some(body), Some(length)) = (&mut stream.body, length) else { return false };
        if !stream.pending.is_empty() || !body.step_gap(length) {
            return false;
        }
        if body.is_over() {
            stream.body = None;
        }
        stream.offset += length;
        true
    }
}

/// True for a request to a forward proxy (RFC 9110 §9.3.6).
fn is_connect(request: Option<&Outstanding>) -> bool {
    request.is_some_and(|request| request.head.method() == Some(b"CONNECT"))
}

/// False once it is certain that these bytes begin no request.
fn may_be_request(bytes: &[u8]) -> bool {
    let start = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let line = &bytes[start..];
    let searched = &line[..line.len().min(MAX_METHOD)];
    match memchr::memchr(b' ', searched) {
        Some(space) => is_token(&searched[..space]),
        None => searched.len() < MAX_METHOD && (searched.is_empty() || is_token(searched)),
    }
}

/// False once it is certain that these bytes begin no response.
fn may_be_response(bytes: &[u8]) -> bool {
    let start = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let line = &bytes[start..];
    let known = line.len().min(b"HTTP/".len());
    line[..known].eq_ignore_ascii_case(&b"HTTP/"[..known])
}

/// True if these bytes, read as a frame, have MASK set.
pub(super) fn begins_masked(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|second| second & 0x80 != 0)
}
