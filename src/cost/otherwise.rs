//! The messages of the WebSocket connections, had they been carried by polling, computed from the
//! capture's own requests.

use super::{Kind, Series};
use crate::http::Head;

/// What the messages would have cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Otherwise {
    /// Messages from the client and from the server.
    pub messages: [u64; 2],
    /// What they cost as they were carried: heads of handshakes, headers of frames.
    pub cost: u64,
    /// How else they could have been carried.
    pub ways: Vec<Way>,
}

/// Another way of carrying them: what the server says is polled for, what the client says is posted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// Long or short polling.
    pub kind: Kind,
    /// Seconds between two requests, for short polling.
    pub interval: Option<f64>,
    /// The interval was observed, not assumed.
    pub is_observed: bool,
    /// So many polls, each of this.
    pub polls: (u64, Exchange),
    /// So many posts.
    pub posts: (u64, Exchange),
}

impl Way {
    /// Requests.
    pub fn requests(&self) -> u64 {
        self.polls.0 + self.posts.0
    }

    /// Bytes of heads.
    pub fn heads(&self) -> u64 {
        let cost = |(count, each): (u64, Exchange)| count as f64 * (each.request + each.response);
        (cost(self.polls) + cost(self.posts)).round() as u64
    }
}

/// A request and its response, as far as they are no messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// Bytes of the request's head, on average.
    pub request: f64,
    /// Bytes of the response's head.
    pub response: f64,
    /// Where these are from.
    pub model: Model,
}

/// Where the heads of an exchange are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Exchanges in the same capture: the series of that number.
    Series(usize),
    /// The handshake's own heads, without the fields that belong to WebSocket.
    Handshake,
}

/// A usual interval, where none was observed.
const INTERVAL: f64 = 1.0;

/// The same messages by polling: those of `messages` from client and server, which were carried with
/// so many bytes of frame headers.
pub fn otherwise(series: &[Series], messages: [u64; 2], frame_headers: u64) -> Option<Otherwise> {
    let sockets: Vec<&Series> = of_kind(series, Kind::WebSocket).map(|(_, it)| it).collect();
    let first = sockets.first()?;
    if messages == [0, 0] {
        return None;
    }
    let observed = of_kind(series, Kind::ShortPolling).find_map(|(_, it)| it.mean_interval());
    let interval = observed.unwrap_or(INTERVAL);
    let seconds: f64 =
        sockets.iter().filter_map(|it| Some(it.last?.seconds_since(it.begun?))).sum();
    let polls = ((seconds / interval).ceil() as u64).max(1);
    let posts =
        (messages[0], model(series, &[Kind::Posts, Kind::LongPolling, Kind::ShortPolling], first));
    let ways = vec![
        Way {
            kind: Kind::LongPolling,
            interval: None,
            is_observed: false,
            polls: (messages[1], model(series, &[Kind::LongPolling, Kind::ShortPolling], first)),
            posts,
        },
        Way {
            kind: Kind::ShortPolling,
            interval: Some(interval),
            is_observed: observed.is_some(),
            polls: (polls, model(series, &[Kind::ShortPolling, Kind::LongPolling], first)),
            posts,
        },
    ];
    let cost = sockets.iter().map(|it| it.heads()).sum::<u64>() + frame_headers;
    Some(Otherwise { messages, cost, ways })
}

/// The exchange to go by: the mean of the largest series of the first kind that there is, else the
/// handshake.
fn model(series: &[Series], kinds: &[Kind], handshake: &Series) -> Exchange {
    let largest = kinds
        .iter()
        .find_map(|kind| of_kind(series, *kind).max_by_key(|(_, series)| series.exchanges));
    if let Some((index, series)) = largest {
        let mean = |bytes: u64| bytes as f64 / series.exchanges as f64;
        let (request, response) = (mean(series.request_heads), mean(series.response_heads));
        return Exchange { request, response, model: Model::Series(index) };
    }
    let (request, response) = &handshake.first;
    let (request, response) = (ordinary(request) as f64, ordinary(response) as f64);
    Exchange { request, response, model: Model::Handshake }
}

fn of_kind(series: &[Series], kind: Kind) -> impl Iterator<Item = (usize, &Series)> {
    series.iter().enumerate().filter(move |(_, it)| it.kind() == kind)
}

/// Bytes of a head without the lines that an ordinary request or response would not have.
fn ordinary(head: &Head) -> u64 {
    let is_of_websocket = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        name.starts_with(b"sec-websocket-") || name == b"upgrade" || name == b"connection"
    };
    let lines = head.fields.iter().filter(|field| is_of_websocket(head.bytes(&field.name)));
    // A line, and its CR LF.
    let left_out: u64 = lines.map(|field| field.line.len() as u64 + 2).sum();
    (head.text().len() as u64).saturating_sub(left_out)
}
