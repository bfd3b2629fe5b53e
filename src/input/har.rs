//! HAR as an input of conversations: the heads of each entry that concerns WebSocket, then its
//! messages, as browsers' tools keep them (`_webSocketMessages`). A HAR has no frames: none are
//! made up.

use super::detect;
use super::transcript::{Exchange, entries};
use crate::calendar;
use crate::said::{
    At, ConnectionId, Endpoint, Listener, MessageKind, Opening, Said, Time, Transport,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::borrow::Cow;
use std::net::SocketAddr;

/// A HAR is read as a whole; no browser could load a larger one.
pub const MAX_LENGTH: usize = 512 << 20;

/// What was told of a HAR, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// When its first and its last entry or message were.
    pub times: Option<(Time, Time)>,
    /// Pings, pongs and what has no opcode: of these a HAR does not say enough.
    pub left_out: u64,
}

/// True if these first bytes of a file may be those of a HAR.
pub fn may_be(first: &[u8]) -> bool {
    detect::is_json(first)
}

/// Tells a listener what a HAR has of WebSocket connections, and `began` before that when the first
/// of them began. If it is no HAR, says what it is.
pub fn tell(
    bytes: &[u8],
    listener: &mut impl Listener,
    began: &mut dyn FnMut(Time),
) -> Result<Told, String> {
    let mut told = Told::default();
    entries(bytes, |entry, exchange| told.connection(entry, &exchange, listener, began))?;
    Ok(told)
}

impl Told {
    fn connection(
        &mut self,
        entry: &Value,
        exchange: &Exchange,
        listener: &mut impl Listener,
        began: &mut dyn FnMut(Time),
    ) {
        let id = ConnectionId(0);
        let started = entry["startedDateTime"].as_str().and_then(calendar::read_rfc3339);
        let messages = in_order(entry);
        let answered = answered(entry, started, messages.first().and_then(|first| seconds(first)));
        if let (None, Some(started)) = (self.times, started) {
            began(started);
        }
        let at = self.note(started);
        let opening = Opening {
            client: None,
            server: server(entry),
            transport: Transport::None,
            initiator_seen: true,
            at,
        };
        listener.opened(id, &opening);
        if let Some(head) = &exchange.request {
            let head = head.clone();
            listener.said(id, Said::Head { from: Endpoint::Client, head, body: &[], at });
        }
        if let Some(head) = &exchange.response {
            let (head, at) = (head.clone(), self.note(answered));
            let body = &exchange.body;
            listener.said(id, Said::Head { from: Endpoint::Server, head, body, at });
        }
        for message in messages {
            self.message(message, id, listener);
        }
        listener.forgotten(id, true);
    }

    fn message(&mut self, message: &Value, id: ConnectionId, listener: &mut impl Listener) {
        let from = match message["type"].as_str() {
            Some("send" | "request") => Endpoint::Client,
            Some("receive" | "response") => Endpoint::Server,
            _ => {
                self.left_out += 1;
                return;
            }
        };
        let kind = match message["opcode"].as_u64() {
            Some(1) => MessageKind::Text,
            Some(2) => MessageKind::Binary,
            Some(8) => MessageKind::Close,
            _ => {
                self.left_out += 1;
                return;
            }
        };
        let at = self.note(seconds(message));
        let is_so = |name: &str| message[name] == true;
        let said = Said::Message {
            from,
            kind,
            payload: &payload(message, kind),
            truncated: is_so("_truncated"),
            complete: !is_so("_incomplete"),
            trusted: !is_so("_untrusted"),
            at,
        };
        listener.said(id, said);
    }

    fn note(&mut self, time: Option<Time>) -> At {
        if let Some(time) = time {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        At { packet: None, time }
    }
}

/// When the answer came. Some tools count the whole life of a connection as the wait for it: then
/// nobody knows.
fn answered(entry: &Value, started: Option<Time>, first: Option<Time>) -> Option<Time> {
    let timing = |name: &str| entry["timings"][name].as_f64().unwrap_or(0.0).max(0.0);
    let wait = (timing("send") + timing("wait")) * 1e6;
    let answered = Time::new(started?.nanoseconds().saturating_add(wait as i64));
    let is_sure = wait > 0.0 && first.is_none_or(|first| answered <= first);
    is_sure.then_some(answered)
}

/// The address that the browser noted, with the port of the URL.
fn server(entry: &Value) -> Option<SocketAddr> {
    let address = entry["serverIPAddress"].as_str()?.trim_matches(['[', ']']).parse().ok()?;
    let (scheme, rest) = entry["request"]["url"].as_str()?.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let given = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let usual = if matches!(scheme, "wss" | "https") { 443 } else { 80 };
    Some(SocketAddr::new(address, given.unwrap_or(usual)))
}

/// Messages and, in a HAR of our own, control frames, in the order of their times.
fn in_order(entry: &Value) -> Vec<&Value> {
    let list = |name: &str| entry[name].as_array().map_or(&[][..], Vec::as_slice);
    let mut all: Vec<&Value> =
        list("_webSocketMessages").iter().chain(list("_webSocketControlFrames")).collect();
    // What has no time stays where it is, behind the one before it.
    let mut last = i64::MIN;
    all.sort_by_cached_key(|message| {
        last = seconds(message).map_or(last, |time| time.nanoseconds());
        last
    });
    all
}

/// When a message was: seconds since the epoch.
fn seconds(message: &Value) -> Option<Time> {
    let seconds = message["time"].as_f64().filter(|seconds| seconds.abs() < 9e9)?;
    Some(Time::new((seconds * 1e9).round() as i64))
}

/// What a message says. Binary ones are Base64; some tools write bytes as characters instead.
fn payload(message: &Value, kind: MessageKind) -> Cow<'_, [u8]> {
    let data = message["data"].as_str().unwrap_or_default();
    let exact = message["_base64"].as_str().and_then(|text| STANDARD.decode(text).ok());
    if let Some(exact) = exact {
        return Cow::Owned(exact);
    }
    match kind {
        MessageKind::Text => Cow::Borrowed(data.as_bytes()),
        _ => STANDARD.decode(data).map_or(Cow::Borrowed(data.as_bytes()), Cow::Owned),
    }
}
