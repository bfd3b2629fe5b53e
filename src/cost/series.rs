//! The exchanges of one client with one target of one server, and what they are: news that is asked
//! for, again and again or once and for all, or something said.

use super::stream::EventStream;
use crate::http::Head;
use crate::said::{At, Time};
use crate::websocket::handshake::is_upgrade_request;
use std::net::{IpAddr, SocketAddr};

/// Fewer requests than this make no polling.
const LEAST_POLLS: u64 = 3;

/// A server that lets its clients wait at least so long, on average, does it on purpose.
const LEAST_WAIT: f64 = 0.1;

/// Who asks whom for what, whatever the query says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    client: Option<IpAddr>,
    server: Option<SocketAddr>,
    method: Vec<u8>,
    path: Vec<u8>,
    upgrade: bool,
}

impl Key {
    pub(super) fn of(client: Option<IpAddr>, server: Option<SocketAddr>, head: &Head) -> Key {
        let target = head.target().unwrap_or_default();
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let method = head.method().unwrap_or_default();
        let upgrade = is_upgrade_request(head);
        Key { client, server, method: method.to_vec(), path: path.to_vec(), upgrade }
    }
}

/// A request whose response is still to come.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) key: Key,
    /// Bytes of its head, and of interim responses to it.
    pub(super) length: u64,
    pub(super) at: At,
    pub(super) head: Head,
}

/// What a series of exchanges is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Handshakes that were accepted.
    WebSocket,
    /// The client asks again after a pause; the server answers at once.
    ShortPolling,
    /// The server answers when there is something; the client asks again at once.
    LongPolling,
    /// One answer that does not end: `text/event-stream`.
    Events,
    /// The client says something: POST, PUT or PATCH.
    Posts,
    /// Anything else.
    Other,
}

impl Kind {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::WebSocket => "websocket",
            Kind::ShortPolling => "short-polling",
            Kind::LongPolling => "long-polling",
            Kind::Events => "server-sent-events",
            Kind::Posts => "posts",
            Kind::Other => "other",
        }
    }
}

/// Exchanges of one client with one target.
#[derive(Debug)]
pub struct Series {
    /// The method.
    pub method: Vec<u8>,
    /// The target, without its query.
    pub path: Vec<u8>,
    /// How many exchanges there were.
    pub exchanges: u64,
    /// Bytes of the requests' heads (and of interim responses).
    pub request_heads: u64,
    /// Bytes of the responses' heads.
    pub response_heads: u64,
    /// Bytes of the responses' bodies that say nothing: the borders of chunks, the fields around the
    /// data of events.
    pub framing: u64,
    /// Responses that brought something.
    pub answers: u64,
    /// Handshakes that were accepted.
    pub upgrades: u64,
    /// The first request and its response, as models.
    pub first: (Head, Head),
    /// When the first request came.
    pub begun: Option<Time>,
    /// When the last thing was said.
    pub last: Option<Time>,
    has_content: bool,
    stream: Option<EventStream>,
    /// Bytes of the stream's content.
    streamed: u64,
    waited: f64,
    paused: f64,
    pauses: u64,
    longest_pause: f64,
    asked: Option<Time>,
    intervals: f64,
}

impl Series {
    pub(super) fn new(key: &Key, request: Head, response: Head) -> Series {
        Series {
            method: key.method.clone(),
            path: key.path.clone(),
            exchanges: 0,
            request_heads: 0,
            response_heads: 0,
            framing: 0,
            answers: 0,
            upgrades: 0,
            first: (request, response),
            begun: None,
            last: None,
            has_content: false,
            stream: None,
            streamed: 0,
            waited: 0.0,
            paused: 0.0,
            pauses: 0,
            longest_pause: 0.0,
            asked: None,
            intervals: 0.0,
        }
    }

    /// A response came.
    pub(super) fn exchange(&mut self, request: &Request, response: &Head, length: u64, at: At) {
        self.exchanges += 1;
        self.request_heads += request.length;
        self.response_heads += length;
        self.has_content = false;
        let seconds = |now: Option<Time>, before: Option<Time>| {
            now.zip(before).map(|(now, before)| now.seconds_since(before))
        };
        self.begun = self.begun.or(request.at.time);
        self.waited += seconds(at.time, request.at.time).unwrap_or(0.0);
        if let Some(pause) = seconds(request.at.time, self.last) {
            self.paused += pause;
            self.pauses += 1;
            self.longest_pause = self.longest_pause.max(pause);
        }
        self.intervals += seconds(request.at.time, self.asked).unwrap_or(0.0);
        self.asked = request.at.time;
        self.last = at.time;
        if is_event_stream(response) {
            self.stream.get_or_insert_default();
        }
    }

    /// Some of a response's body.
    pub(super) fn content(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && !std::mem::replace(&mut self.has_content, true) {
            self.answers += 1;
        }
        if let Some(stream) = &mut self.stream {
            stream.push(bytes);
        }
    }

    /// So many bytes of a body passed, of which so many are content.
    pub(super) fn body(&mut self, bytes: u64, content: u64, at: At) {
        self.framing += bytes - content;
        if self.stream.is_some() {
            self.streamed += content;
        }
        self.last = at.time.or(self.last);
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        let (wait, pause) = (self.mean_wait(), self.mean_pause().unwrap_or(0.0));
        let is_post = matches!(&self.method[..], b"POST" | b"PUT" | b"PATCH");
        match () {
            () if self.upgrades > 0 => Kind::WebSocket,
            () if self.stream.is_some() => Kind::Events,
            () if is_post => Kind::Posts,
            () if self.exchanges < LEAST_POLLS => Kind::Other,
            () if wait >= LEAST_WAIT && pause < wait / 2.0 => Kind::LongPolling,
            // A clock asks: no pause is much longer than the others.
            () if pause > wait && self.longest_pause <= 3.0 * pause => Kind::ShortPolling,
            () => Kind::Other,
        }
    }

    /// Messages that it carried: events, answers with something in them, or things said.
    pub fn messages(&self) -> u64 {
        match (&self.stream, self.kind()) {
            (Some(stream), _) => stream.events,
            (None, Kind::Posts) => self.exchanges,
            (None, _) => self.answers,
        }
    }

    /// Bytes of heads.
    pub fn heads(&self) -> u64 {
        self.request_heads + self.response_heads
    }

    /// Bytes around the messages that are neither message nor head.
    pub fn around(&self) -> u64 {
        let fields =
            self.stream.as_ref().map_or(0, |stream| self.streamed - stream.data.min(self.streamed));
        self.framing + fields
    }

    /// Seconds from one request to the next, on average.
    pub fn mean_interval(&self) -> Option<f64> {
        (self.pauses > 0).then(|| self.intervals / self.pauses as f64)
    }

    /// Seconds from a request to its response, on average.
    pub fn mean_wait(&self) -> f64 {
        if self.exchanges == 0 { 0.0 } else { self.waited / self.exchanges as f64 }
    }

    /// Seconds from a response to the next request, on average.
    pub fn mean_pause(&self) -> Option<f64> {
        (self.pauses > 0).then(|| self.paused / self.pauses as f64)
    }
}

fn is_event_stream(head: &Head) -> bool {
    let media_type = head.value("Content-Type").unwrap_or_default();
    let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}
