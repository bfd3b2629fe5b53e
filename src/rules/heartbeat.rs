//! What the Pings of an endpoint showed, in numbers: how many there were, how many were answered,
//! and how fast (RFC 6455 §5.5.2, §5.5.3). Told when the connection ends.

use super::Memory;
use super::pings::RoundTrips;
use crate::said::Endpoint;
use crate::websocket::End;
use std::fmt;

/// The Pings of one endpoint, and the Pongs of the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// Who sent the Pings.
    pub from: Endpoint,
    /// How many of them there were before the first Close.
    pub pings: u64,
    /// How many were answered; one Pong may answer several.
    pub answered: u64,
    /// Seconds from a Ping to its Pong: the shortest, the median of the last ones, the longest.
    /// None without times.
    pub round_trip: Option<[f64; 3]>,
}

impl Heartbeat {
    /// The heartbeats of a connection.
    pub(super) fn all(memory: &Memory) -> Vec<Heartbeat> {
        [Endpoint::Client, Endpoint::Server]
            .into_iter()
            .filter_map(|from| {
                let pings = memory.of(from).seldom.pings.as_deref()?;
                let trip = |trips: RoundTrips| [trips.shortest, trips.median, trips.longest];
                let (sent, answered) = pings.counts();
                let round_trip = pings.round_trips().map(trip);
                (sent > 0).then_some(Heartbeat { from, pings: sent, answered, round_trip })
            })
            .collect()
    }
}

impl fmt::Display for Heartbeat {
    /// `5 by the server, all answered, in 0.4 ms (median; 0.4 ms to 3.4 s)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = match self.answered {
            0 => "none answered".to_owned(),
            answered if answered == self.pings => "all answered".to_owned(),
            answered => format!("{answered} answered"),
        };
        let answered = if self.pings == 1 && self.answered == 1 { "answered" } else { &answered };
        write!(f, "{} by the {}, {answered}", self.pings, self.from)?;
        match self.round_trip {
            Some([_, median, _]) if self.answered == 1 => write!(f, " in {}", duration(median)),
            Some([shortest, median, longest]) => {
                let (shortest, longest) = (duration(shortest), duration(longest));
                write!(f, " in {} (median; {shortest} to {longest})", duration(median))
            }
            None => Ok(()),
        }
    }
}

/// Seconds from one frame to the next, or to the end of the connection, at most; none without
/// times, or if they go backwards.
pub(super) fn longest_silence(end: &End, memory: &Memory) -> Option<f64> {
    let last = memory.pace.last.filter(|_| memory.pace.backwards == 0)?;
    let ended = end.first_to_end().and_then(|(endpoint, _)| end.transport[endpoint.index()]);
    let ended = ended.map_or(end.at, |(_, at)| at).time?;
    Some(memory.pace.silence().max(ended.seconds_since(last)))
}

/// A time in the unit that fits it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        ..0.01 => format!("{:.1} ms", seconds * 1000.0),
        0.01..1.0 => format!("{:.0} ms", seconds * 1000.0),
        1.0..120.0 => format!("{seconds:.1} s"),
        120.0..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}
