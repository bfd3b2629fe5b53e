//! A request or response in its parts: the words of its first line, its field lines, and what each
//! says of WebSocket.

use crate::http::{Head, StartLine};
use crate::said::Endpoint;
use crate::websocket::header;
use std::ops::Range;

/// A part of a head and what it says.
pub(super) struct Part {
    /// What it is called; captured, if it is a field line.
    pub(super) name: String,
    pub(super) about: Option<&'static str>,
    pub(super) section: &'static str,
    /// Where it lies, and as what: `start`, or `name` and `value`.
    pub(super) ranges: Vec<(&'static str, Range<usize>)>,
}

/// All parts, those of the first line first.
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    /// How many are parts of the first line.
    pub(super) first: usize,
}

/// The fields that stand for the first line in HTTP/2, what they say, and where that stands.
const PSEUDO: [(&str, &str, &str); 6] = [
    (
        ":method",
        "CONNECT, where HTTP/1.1 has GET: the stream shall carry another protocol",
        "8441 §4",
    ),
    (":protocol", "the protocol that the stream shall carry", "8441 §4"),
    (":scheme", "https for wss, http for ws", "8441 §5"),
    (":path", "what is asked for: the path of the ws URI", "8441 §5"),
    (":authority", "who is asked, as Host in HTTP/1.1", "8441 §5"),
    (":status", "200 accepts, where HTTP/1.1 has 101; anything else does not", "8441 §5"),
];

/// The parts of a head, so many field lines at most.
pub(super) fn of(head: &Head, from: Endpoint, most: usize) -> Parts {
    // HTTP/2 has no first line: its fields say it all (RFC 9113 §8.3).
    let mut parts = if head.is_http2() { Vec::new() } else { start_line(head) };
    let first = parts.len();
    parts.extend(head.fields.iter().take(most).map(|field| {
        let name = head.bytes(&field.name);
        let known = header::find(name);
        let about = known.and_then(|known| match from {
            Endpoint::Client => known.in_request,
            Endpoint::Server => known.in_response,
        });
        let pseudo = PSEUDO.iter().find(|(pseudo, ..)| pseudo.as_bytes() == name);
        let about = about.or(pseudo.map(|(_, about, _)| *about));
        Part {
            name: String::from_utf8_lossy(&name[..name.len().min(80)]).into_owned(),
            about,
            section: known.map_or(pseudo.map_or("", |it| it.2), |known| known.section),
            ranges: vec![("name", field.name.clone()), ("value", field.value.clone())],
        }
    }));
    Parts { parts, first }
}

fn start_line(head: &Head) -> Vec<Part> {
    let part =
        |name: &str, about: &'static str, section: &'static str, range: &Range<usize>| Part {
            name: name.to_owned(),
            about: Some(about),
            section,
            ranges: vec![("start", range.clone())],
        };
    match &head.start {
        StartLine::Request { method, target, version } => vec![
            part("method", "an upgrade is asked for with GET", "6455 §4.1", method),
            part(
                "request-target",
                "what is asked for: the path of the ws URI",
                "9112 §3.2",
                target,
            ),
            part("HTTP-version", "1.1 or higher", "6455 §4.1", version),
        ],
        StartLine::Status { version, code, reason } => vec![
            part("HTTP-version", "the version that the server speaks", "9112 §4", version),
            part(
                "status-code",
                "101 accepts the upgrade; anything else does not",
                "6455 §4.1",
                code,
            ),
            part("reason-phrase", "for people; programs ignore it", "9112 §4", reason),
        ],
        StartLine::Malformed(line) => {
            vec![part("start line", "neither a request line nor a status line", "9112 §2.1", line)]
        }
    }
}
