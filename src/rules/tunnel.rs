//! What happened around a stream of HTTP/2 and may explain how its conversation ended or why it
//! stalled: resets, GOAWAY, flow control (RFC 9113).

use super::h2;
use crate::said::{At, Endpoint, Http2Fact};
use crate::websocket::{End, Http2Event};

/// Seconds without leave to send that are worth a word.
const LONG: f64 = 2.0;

/// What is remembered of the stream.
#[derive(Debug, Default)]
pub(super) struct Tunnel {
    /// The code of its RST_STREAM.
    reset: Option<u32>,
    /// The last GOAWAY: who sent it, its code, and whether it refuses the stream.
    go_away: Option<(Endpoint, u32, bool)>,
    /// Since when each endpoint may send nothing.
    blocked: [Option<At>; 2],
}

impl Tunnel {
    pub(super) fn note(&mut self, event: &Http2Event) {
        let blocked = &mut self.blocked[event.from.index()];
        match event.fact {
            Http2Fact::Reset { code, .. } => self.reset = Some(code),
            Http2Fact::GoAway { code, refused } => {
                self.go_away = Some((event.from, code, refused));
            }
            Http2Fact::Blocked => *blocked = blocked.or(Some(event.at)),
            Http2Fact::Unblocked => *blocked = None,
            Http2Fact::ConnectProtocol { .. }
            | Http2Fact::Asked { .. }
            | Http2Fact::LateHeaders
            | Http2Fact::DataAfterEnd => {}
        }
    }

    /// ` the stream with CANCEL (8)`, if it was reset.
    pub(super) fn reset(&self) -> Option<String> {
        self.reset.map(|code| format!("the stream with {}", h2::error_name(code)))
    }

    /// What else is to be said about the end.
    pub(super) fn clauses(&self, end: &End) -> Vec<String> {
        let mut clauses = Vec::new();
        if let Some((from, code, refused)) = self.go_away {
            let refused = if refused { ", which refuses this stream" } else { "" };
            let code = h2::error_name(code);
            clauses.push(format!("the {from} had sent GOAWAY with {code}{refused}"));
        }
        for endpoint in [Endpoint::Client, Endpoint::Server] {
            let until = end.first_to_end().and_then(|(first, _)| end.transport[first.index()]);
            let until = until.map_or(end.at, |(_, at)| at).time;
            let since = self.blocked[endpoint.index()].and_then(|at| at.time);
            let Some((until, since)) = until.zip(since) else { continue };
            let seconds = until.seconds_since(since);
            if seconds >= LONG {
                clauses.push(format!(
                    "the {endpoint} had not been allowed to send for {seconds:.1} s (its window \
                     of HTTP/2 was used up)"
                ));
            }
        }
        clauses
    }
}
