//! One endpoint's Pings and how they were answered (RFC 6455 §5.5.2, §5.5.3). At most
//! [`MAX_OUTSTANDING`] are remembered, each by a hash of its payload.

use crate::layout::Span;
use crate::said::Time;
use crate::websocket::Frame;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many unanswered Pings are remembered.
const MAX_OUTSTANDING: usize = 32;

/// How many round trips the median is taken of.
const ROUND_TRIPS: usize = 15;

/// The Pings of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// Those that no Pong has answered, oldest first.
    pub(super) outstanding: VecDeque<Ping>,
    /// A Pong that matched none of them, although they waited.
    pub(super) mismatch: Option<Mismatch>,
    /// The payload that was answered last.
    answered: Option<Payload>,
    /// The last Pong that answered nothing; its Ping may come later if the capture mixed up the
    /// two directions.
    early: Option<Payload>,
    /// Since when the last ones are counted, and how many they are.
    pub(super) recent: Option<(Time, u32)>,
    /// When the first and the last were sent, and how many there are.
    sent: Option<(Time, Time, u32)>,
    round_trips: [f32; ROUND_TRIPS],
    /// The shortest and the longest of all.
    extremes: Option<(f32, f32)>,
    count: usize,
    /// How many there were, how many were answered, and how long the last answer took.
    noted: u64,
    replied: u64,
    pub(super) last_trip: Option<f64>,
}

/// A payload, as far as it is needed to recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Payload {
    hash: u64,
    length: usize,
}

/// A Ping.
#[derive(Debug)]
pub(super) struct Ping {
    pub(super) frame: u64,
    pub(super) time: Option<Time>,
    pub(super) length: usize,
    /// How many frames the peer had sent by then.
    pub(super) peer_frames: u64,
    /// Where it ends in its sender's stream.
    end: u64,
    payload: Payload,
}

/// Pings that the peer, silent since the first of them, has not answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unanswered {
    /// Which Ping of its sender the first of them is, from 1.
    pub(super) first: u32,
    /// How many they are.
    pub(super) count: u32,
    /// For how many seconds the first has been waiting.
    pub(super) waited: f64,
}

/// A Pong that matched no Ping.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) frame: u64,
    pub(super) span: Span,
    pub(super) length: usize,
}

/// How long answers took, in seconds.
#[derive(Debug)]
pub(super) struct RoundTrips {
    pub(super) count: usize,
    pub(super) shortest: f64,
    /// Of the last ones.
    pub(super) median: f64,
    pub(super) longest: f64,
}

impl Pings {
    /// The Ping that a Pong with this payload answers, by its place among the outstanding ones: the
    /// latest whose sender had `heard` it, if one had.
    pub(super) fn find(&self, payload: &[u8], heard: Option<u64>) -> Option<usize> {
        let payload = Payload::of(payload);
        let heard = heard.unwrap_or(u64::MAX);
        let latest = |end| {
            self.outstanding.iter().rposition(|ping| ping.payload == payload && ping.end <= end)
        };
        latest(heard).or_else(|| latest(u64::MAX))
    }

    /// True if the Ping answered last had this payload.
    pub(super) fn was_answered(&self, payload: &[u8]) -> bool {
        self.answered == Some(Payload::of(payload))
    }

    /// The Pings that wait, if the peer, which has sent so many frames, says nothing any more.
    pub(super) fn unanswered(&self, now: Time, peer_frames: u64) -> Option<Unanswered> {
        let oldest = self.outstanding.front()?;
        let (_, _, sent) = self.sent?;
        let count = self.outstanding.len() as u32;
        let first = sent.saturating_sub(count).saturating_add(1);
        let waited = now.seconds_since(oldest.time?);
        (oldest.peer_frames == peer_frames).then_some(Unanswered { first, count, waited })
    }

    /// The median of the last round trips in seconds, once there are three.
    pub(super) fn median(&self) -> Option<f64> {
        (self.count >= 3).then(|| self.round_trips()).flatten().map(|trips| trips.median)
    }

    /// All round trips in numbers, if there are any.
    pub(super) fn round_trips(&self) -> Option<RoundTrips> {
        let (shortest, longest) = self.extremes?;
        let [shortest, longest] = [shortest, longest].map(f64::from);
        let known = self.count.min(ROUND_TRIPS);
        let mut sorted = self.round_trips;
        let sorted = &mut sorted[..known];
        sorted.sort_by(f32::total_cmp);
        let median = f64::from(sorted[known / 2]);
        Some(RoundTrips { count: self.count, shortest, median, longest })
    }

    /// How many Pings there were, and how many of them were answered.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.noted, self.replied)
    }

    /// Seconds from the first to the last Ping, once there are three.
    pub(super) fn lasted(&self) -> Option<f64> {
        let (first, last, count) = self.sent?;
        (count >= 3).then(|| last.seconds_since(first))
    }

    /// The mean time between two Pings in seconds, once there are three.
    pub(super) fn interval(&self) -> Option<f64> {
        Some(self.lasted()? / f64::from(self.sent?.2 - 1))
    }

    pub(super) fn note_ping(
        &mut self,
        frame: &Frame<'_>,
        payload: &[u8],
        peer_frames: u64,
        flood_time: f64,
    ) {
        self.count_recent(frame.at.time, flood_time);
        self.noted += 1;
        let known = Payload::of(payload);
        if !payload.is_empty() && self.early.take() == Some(known) {
            self.replied += 1;
            return;
        }
        if self.outstanding.len() == MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(Ping {
            frame: frame.number,
            time: frame.at.time,
            length: payload.len(),
            peer_frames,
            end: frame.end(),
            payload: known,
        });
    }

    fn count_recent(&mut self, now: Option<Time>, flood_time: f64) {
        let Some(now) = now else { return };
        let (first, count) = self.sent.map_or((now, 0), |(first, _, count)| (first, count));
        self.sent = Some((first, now, count.saturating_add(1)));
        self.recent = match self.recent {
            Some((since, count)) if (0.0..flood_time).contains(&now.seconds_since(since)) => {
                Some((since, count.saturating_add(1)))
            }
            _ => Some((now, 1)),
        };
    }

    /// A Pong answers the latest Ping with its payload and all before that (§5.5.3).
    pub(super) fn note_pong(&mut self, frame: &Frame<'_>, payload: &[u8]) {
        self.last_trip = None;
        let Some(place) = self.find(payload, frame.heard) else {
            self.early = Some(Payload::of(payload));
            if !self.outstanding.is_empty() {
                let (frame, span, length) = (frame.number, frame.span(), payload.len());
                self.mismatch = Some(Mismatch { frame, span, length });
            }
            return;
        };
        let ping = &self.outstanding[place];
        if let (Some(asked), Some(answered)) = (ping.time, frame.at.time) {
            let trip = answered.seconds_since(asked) as f32;
            self.last_trip = Some(f64::from(trip));
            self.round_trips[self.count % ROUND_TRIPS] = trip;
            let (shortest, longest) = self.extremes.unwrap_or((trip, trip));
            self.extremes = Some((shortest.min(trip), longest.max(trip)));
            self.count += 1;
        }
        self.answered = Some(ping.payload);
        self.replied += place as u64 + 1;
        self.mismatch = None;
        self.outstanding.drain(..=place);
    }
}

impl Payload {
    fn of(bytes: &[u8]) -> Payload {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Payload { hash: hasher.finish(), length: bytes.len() }
    }
}
