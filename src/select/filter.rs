//! The conditions of a selection, and whether they hold for an event.

use super::{Moment, Numbers};
use crate::rules::{Judged, Pattern};
use crate::said::{At, Endpoint, Time};
use crate::websocket::{Event, Opcode};
use regex::bytes::Regex;

/// What is asked for. Nothing set: everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Connections with these numbers.
    pub connections: Option<Numbers>,
    /// Connections whose request has a Host like this.
    pub host: Option<Regex>,
    /// Connections whose request has a target like this.
    pub path: Option<Regex>,
    /// What this endpoint sent.
    pub from: Option<Endpoint>,
    /// Frames and messages with these opcodes; empty: any.
    pub opcodes: Vec<Opcode>,
    /// Messages with these numbers in their direction, and their frames.
    pub messages: Option<Numbers>,
    /// Messages and reasons of Close frames in which this is found.
    pub text: Option<Regex>,
    /// Messages and frames of at least this length.
    pub min_length: Option<u64>,
    /// Messages and frames of at most this length.
    pub max_length: Option<u64>,
    /// Not earlier than this.
    pub since: Option<Moment>,
    /// Not later than this.
    pub until: Option<Moment>,
    /// Events with one of these findings; empty: any event.
    pub findings: Vec<Pattern>,
    /// Which of frames and messages are to be seen.
    pub units: Units,
    /// Handshake and end of the chosen connections are passed on in any case: whoever listens
    /// needs them to make sense of the rest.
    pub context: bool,
}

/// Frames and messages say the same twice; a list of lines shows one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Units {
    /// Both.
    #[default]
    Both,
    /// Data frames are left out, unless something was found in them.
    Messages,
    /// Messages are left out, unless something was found in them.
    Frames,
}

impl Filter {
    /// True if every event of a chosen connection is asked for.
    pub fn is_open(&self) -> bool {
        self.from.is_none()
            && self.opcodes.is_empty()
            && self.messages.is_none()
            && self.text.is_none()
            && self.min_length.is_none()
            && self.max_length.is_none()
            && self.since.is_none()
            && self.until.is_none()
            && self.findings.is_empty()
    }

    /// True if nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.is_open() && self.connections.is_none() && self.host.is_none() && self.path.is_none()
    }

    /// True if it must be known when connections close before anything is shown.
    pub fn needs_ends(&self) -> bool {
        [self.since, self.until].iter().any(|moment| matches!(moment, Some(Moment::BeforeEnd(_))))
    }

    /// Whether a connection with this number may be chosen.
    pub(super) fn concerns(&self, number: u64) -> bool {
        self.connections.as_ref().is_none_or(|numbers| numbers.contains(number))
    }

    /// Whether a connection that begins with this event is chosen.
    pub(super) fn concerns_request(&self, event: &Event<'_>) -> bool {
        if self.host.is_none() && self.path.is_none() {
            return true;
        }
        let request = match event {
            Event::Request(head) => Some(*head),
            Event::Handshake(handshake) => handshake.request.as_deref(),
            _ => None,
        };
        let Some(request) = request else { return false };
        let is_like = |wanted: &Option<Regex>, found: Option<&[u8]>| {
            wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| wanted.is_match(found)))
        };
        is_like(&self.host, request.value("Host")) && is_like(&self.path, request.target())
    }

    /// Whether an event of a chosen connection is asked for.
    pub(super) fn asks_for(
        &self,
        event: &Event<'_>,
        judged: &Judged,
        start: Option<Time>,
        closed: Option<Time>,
    ) -> bool {
        self.shows_unit(event, judged)
            && self.from.is_none_or(|wanted| sender(event) == Some(wanted))
            && self.has_opcode(event)
            && self.has_number(event)
            && self.has_length(event)
            && self.is_in_time(event, start, closed)
            && self.has_finding(judged)
            && self.has_text(event)
    }

    fn shows_unit(&self, event: &Event<'_>, judged: &Judged) -> bool {
        let is_left_out = match (self.units, event) {
            (Units::Messages, Event::Frame(frame)) => frame.header.opcode().is_data(),
            (Units::Frames, Event::Message(_)) => true,
            _ => false,
        };
        !is_left_out || !judged.findings.is_empty()
    }

    fn has_opcode(&self, event: &Event<'_>) -> bool {
        let opcode = match event {
            _ if self.opcodes.is_empty() => return true,
            Event::Frame(frame) => frame.header.opcode(),
            Event::Message(message) => message.opcode,
            Event::Close(_) => Opcode::Close,
            _ => return false,
        };
        self.opcodes.contains(&opcode)
    }

    fn has_number(&self, event: &Event<'_>) -> bool {
        let Some(numbers) = &self.messages else { return true };
        let message = match event {
            Event::Frame(frame) => frame.message,
            Event::Message(message) => Some(message.number),
            _ => None,
        };
        message.is_some_and(|number| numbers.contains(number))
    }

    fn has_length(&self, event: &Event<'_>) -> bool {
        if self.min_length.is_none() && self.max_length.is_none() {
            return true;
        }
        let length = match event {
            Event::Frame(frame) => frame.header.payload_length,
            Event::Message(message) => message.length,
            Event::Close(close) => close.length,
            _ => return false,
        };
        self.min_length.is_none_or(|min| length >= min)
            && self.max_length.is_none_or(|max| length <= max)
    }

    fn is_in_time(&self, event: &Event<'_>, start: Option<Time>, closed: Option<Time>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(time) = at(event).time else { return false };
        let bound = |moment: Option<Moment>, holds: fn(Time, Time) -> bool| {
            moment.is_none_or(|moment| {
                moment.time(start, closed).is_some_and(|bound| holds(time, bound))
            })
        };
        bound(self.since, |time, since| time >= since)
            && bound(self.until, |time, until| time <= until)
    }

    fn has_finding(&self, judged: &Judged) -> bool {
        self.findings.is_empty()
            || judged
                .findings
                .iter()
                .any(|it| self.findings.iter().any(|sought| sought.covers(it.rule, it.severity)))
    }

    fn has_text(&self, event: &Event<'_>) -> bool {
        let Some(text) = &self.text else { return true };
        match event {
            Event::Message(message) => text.is_match(message.payload),
            Event::Close(close) => text.is_match(close.body.reason),
            _ => false,
        }
    }
}

/// Who did it, if it was one endpoint.
fn sender(event: &Event<'_>) -> Option<Endpoint> {
    match event {
        Event::Frame(frame) => Some(frame.from),
        Event::Message(message) => Some(message.from),
        Event::Close(close) => Some(close.from),
        Event::CutHeader(header) => Some(header.from),
        Event::NotFrames(other) => Some(other.from),
        Event::Gap(gap) => Some(gap.from),
        Event::Resumed(resumed) => Some(resumed.from),
        Event::Http2(event) => Some(event.from),
        Event::Request(_) => Some(Endpoint::Client),
        Event::Exchange(_) | Event::Recognised(_) | Event::Handshake(_) | Event::End(_) => None,
    }
}

/// When and in which packet it ended.
fn at(event: &Event<'_>) -> At {
    match event {
        Event::Exchange(handshake) | Event::Handshake(handshake) => {
            let is_answered = handshake.response.is_some();
            if is_answered { handshake.response_at } else { handshake.request_at }
        }
        Event::Request(_) => At::default(),
        Event::Recognised(recognised) => recognised.at,
        Event::Frame(frame) => frame.at,
        Event::Message(message) => message.at,
        Event::Close(close) => close.at,
        Event::CutHeader(header) => header.at,
        Event::NotFrames(other) => other.at,
        Event::Gap(gap) => gap.at,
        Event::Resumed(resumed) => resumed.at,
        Event::Http2(event) => event.at,
        Event::End(end) => end.at,
    }
}

/// True if an event has a line or a record of its own, or findings.
pub(super) fn is_visible(event: &Event<'_>, judged: &Judged) -> bool {
    !judged.findings.is_empty()
        || !matches!(
            event,
            Event::Exchange(_)
                | Event::Request(_)
                | Event::Recognised(_)
                | Event::Http2(_)
                | Event::CutHeader(_)
        )
}
