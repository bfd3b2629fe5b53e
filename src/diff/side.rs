//! One of the two connections that are compared: an observer that keeps what matters of it.

use crate::inspection::{Connection, Observer};
use crate::rules::{Cause, Ending, Finding, Judged, Severity};
use crate::said::Transport;
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::{Event, Opcode};
use std::fmt;

/// What is kept of a connection.
#[derive(Debug, Default)]
pub struct Side {
    /// Which connection is listened to: its number, from 1.
    wanted: u64,
    /// It was there.
    pub found: bool,
    /// How many connections there are.
    pub connections: u64,
    /// Its last handshake.
    pub handshake: Option<Handshake>,
    /// What was found, each with how often.
    pub findings: Vec<(Finding, u64)>,
    /// What several of these come from.
    pub cause: Option<Cause>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// The codes of both Closes.
    pub closes: [Option<Option<u16>>; 2],
    /// What the two said.
    pub traffic: [Traffic; 2],
    /// Seconds from the request to the answer.
    pub answered_in: Option<f64>,
    /// `tcp`, `tls` or `h2`, for captures.
    pub transport: Option<String>,
    is_clean: bool,
    is_open: bool,
}

/// What one endpoint said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Its messages.
    pub messages: u64,
    /// Those that were compressed.
    pub compressed: u64,
    /// Bytes of all, inflated.
    pub bytes: u64,
    /// Its frames, control frames too, without the Close.
    pub frames: u64,
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { messages, compressed, bytes, frames } = self;
        write!(f, "{messages} messages ({compressed} compressed), {bytes} bytes, {frames} frames")
    }
}

/// Findings that are kept; more of other kinds are not compared.
const MAX_FINDINGS: usize = 256;

impl Side {
    /// Listens to the connection of that number.
    pub fn of(wanted: u64) -> Side {
        Side { wanted, ..Side::default() }
    }

    /// The handshake was accepted, nothing in it is wrong, and if the end was seen, it was no
    /// accident.
    pub fn works(&self) -> bool {
        let is_error = |(finding, _): &(Finding, u64)| finding.severity == Severity::Error;
        self.upgraded()
            && !self.findings.iter().any(is_error)
            && (self.is_clean || self.is_open || self.ending.is_none())
    }

    /// The handshake was accepted.
    pub fn upgraded(&self) -> bool {
        self.handshake.as_ref().is_some_and(|it| it.outcome() == Outcome::Upgraded)
    }

    /// What came of the handshake, in a few words.
    pub fn outcome(&self) -> String {
        let Some(handshake) = &self.handshake else { return "no handshake".to_owned() };
        match (handshake.outcome(), handshake.status()) {
            (Outcome::Upgraded, _) => "101, upgraded".to_owned(),
            (Outcome::Refused, Some(status)) => format!("{status}, no upgrade"),
            (Outcome::Incomplete, None) => "no answer".to_owned(),
            (_, Some(status)) => format!("{status}, incomplete"),
            (_, None) => "incomplete".to_owned(),
        }
    }

    /// The same was found here.
    pub fn has(&self, finding: &Finding) -> bool {
        self.findings.iter().any(|(own, _)| is_same(own, finding))
    }

    fn keep(&mut self, finding: &Finding) {
        match self.findings.iter().position(|(own, _)| is_same(own, finding)) {
            Some(index) => self.findings[index].1 += 1,
            None if self.findings.len() < MAX_FINDINGS => self.findings.push((finding.clone(), 1)),
            None => {}
        }
    }
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.rule == other.rule && one.broken.endpoint == other.broken.endpoint
}

impl Observer for Side {
    fn connection(&mut self, connection: &Connection) {
        self.connections = self.connections.max(connection.number);
        if connection.number == self.wanted {
            self.found = true;
            self.transport = match connection.transport {
                Transport::Tcp => Some("tcp".to_owned()),
                Transport::Tls => Some("tls".to_owned()),
                Transport::Http2 { .. } => Some("h2".to_owned()),
                Transport::None => None,
            };
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if connection.number != self.wanted {
            return;
        }
        match event {
            Event::Handshake(handshake) => {
                let times = handshake.request_at.time.zip(handshake.response_at.time);
                self.answered_in = times.map(|(asked, answered)| answered.seconds_since(asked));
                self.handshake = Some((*handshake).clone());
            }
            Event::Frame(frame) if frame.header.opcode() != Opcode::Close => {
                self.traffic[frame.from.index()].frames += 1;
            }
            Event::Message(message) => {
                let traffic = &mut self.traffic[message.from.index()];
                traffic.messages += 1;
                traffic.compressed += u64::from(message.compressed);
                traffic.bytes += message.length;
            }
            Event::End(end) => {
                self.closes = end.closes;
                self.is_clean = end.is_clean();
                self.is_open = end.how == crate::websocket::How::CaptureEnd;
                self.ending.clone_from(&judged.ending);
            }
            _ => {}
        }
        for finding in &judged.findings {
            self.keep(finding);
        }
        if self.cause.is_none() {
            self.cause.clone_from(&judged.cause);
        }
    }
}
