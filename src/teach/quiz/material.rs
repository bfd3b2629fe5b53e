//! What questions are about: frames and conversations, as the decoder heard them. Made up by a
//! kind of question, or collected from a teacher's own capture.

use crate::inspection::{Connection, Observer};
use crate::layout::{Layout, Span};
use crate::rules::{Finding, Judged, Rule};
use crate::said::{At, ConnectionId, Endpoint, Listener, Opening, Said, Transport, TransportEnd};
use crate::websocket::extension::Agreement;
use crate::websocket::{Conversation, Event, Frame, Limits, Opcode};
use crate::{Inspector, render::escape};

/// What questions may be about, if it is not to be made up.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// Frames with short, whole payloads.
    pub frames: Vec<Kept>,
    /// How connections ended.
    pub endings: Vec<Ended>,
    /// Where it comes from, if it was not made up: the name of a file.
    pub source: Option<String>,
}

/// A frame as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Who sent it.
    pub from: Endpoint,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The number of its connection.
    pub connection: u64,
    /// Its number among the frames of its endpoint.
    pub number: u64,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The number of its connection.
    pub connection: u64,
    /// The last things that were said, as lines.
    pub lines: Vec<String>,
    /// The code that the client's API reports.
    pub client_reports: Option<u16>,
    /// The ending in a sentence.
    pub why: String,
}

/// A step of a conversation, in words, and how many bytes it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step(pub String);

/// So many frames and endings of a capture are kept.
const MAX_KEPT: usize = 2_000;

/// No longer payloads are kept: nobody unmasks more by hand.
const MAX_PAYLOAD: usize = 64;

/// Observes a conversation and keeps what questions need.
#[derive(Debug, Default)]
pub struct Heard {
    /// What was kept.
    pub material: Material,
    /// What happened, step by step, of the connection told last.
    pub steps: Vec<Step>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Rules of the handshake that were looked at and hold.
    pub held: Vec<&'static Rule>,
    /// Whole messages.
    pub messages: usize,
    /// Pings of each endpoint that no Pong has answered yet.
    unanswered: [usize; 2],
    /// Where the Close of each endpoint ends in its stream.
    closed: [Option<u64>; 2],
}

impl Observer for Heard {
    fn connection(&mut self, _: &Connection) {
        self.steps.clear();
        self.unanswered = [0; 2];
        self.closed = [None; 2];
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        self.findings.extend(judged.findings.iter().take(MAX_KEPT).cloned());
        match event {
            Event::Handshake(handshake) => {
                self.held.clone_from(&judged.held);
                self.step("client", "asks: GET with Upgrade: websocket and a key");
                if let Some(status) = handshake.status() {
                    self.step("server", &format!("answers {status}"));
                }
            }
            Event::Frame(frame) => self.frame(connection.number, frame),
            Event::Message(message) => self.messages += usize::from(message.complete),
            Event::Close(close) => {
                let does = match self.closed[close.from.peer().index()] {
                    _ if !close.first => "sends another Close",
                    None => "begins to close: Close",
                    // Two that cross on the way are no question and answer.
                    Some(end) if close.heard.is_some_and(|heard| heard < end) => {
                        "closes, too: Close"
                    }
                    Some(_) => "answers the Close: Close",
                };
                self.closed[close.from.index()] = Some(close.offset + close.length);
                let reason = escape::clipped(close.body.reason, 60);
                let said = match close.body.code {
                    None => format!("{does} without a code"),
                    Some(code) if reason.is_empty() => format!("{does} with {code}"),
                    Some(code) => format!("{does} with {code} \"{reason}\""),
                };
                self.step(close.from.name(), &said);
            }
            Event::End(end) => {
                for from in [Endpoint::Server, Endpoint::Client] {
                    match end.transport[from.index()] {
                        Some((TransportEnd::Fin, _)) => self.step(from.name(), "ends TCP (FIN)"),
                        Some((TransportEnd::EndStream, _)) => {
                            self.step(from.name(), "ends the stream (END_STREAM)");
                        }
                        Some((TransportEnd::Reset, _)) => self.step(from.name(), "ends TCP (RST)"),
                        Some((TransportEnd::ResetStream, _)) => {
                            self.step(from.name(), "ends the stream (RST_STREAM)");
                        }
                        None => {}
                    }
                }
                self.end(connection.number, judged);
            }
            _ => {}
        }
    }
}

impl Heard {
    fn step(&mut self, who: &str, does: &str) {
        if self.steps.len() < MAX_KEPT {
            self.steps.push(Step(format!("the {who} {does}")));
        }
    }

    fn frame(&mut self, connection: u64, frame: &Frame<'_>) {
        let (from, header) = (frame.from, frame.header);
        match header.opcode() {
            Opcode::Close => {}
            Opcode::Pong if self.unanswered[from.peer().index()] > 0 => {
                self.unanswered[from.peer().index()] = 0;
                self.step(from.name(), "answers with a pong frame");
            }
            opcode => {
                self.unanswered[from.index()] += usize::from(opcode == Opcode::Ping);
                self.step(from.name(), &format!("sends a {opcode} frame"));
            }
        }
        let Some(payload) = frame.payload else { return };
        let is_whole = payload.len() as u64 == header.payload_length;
        if !is_whole || payload.len() > MAX_PAYLOAD || self.material.frames.len() >= MAX_KEPT {
            return;
        }
        let mut bytes = header.to_bytes();
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        if let Some(key) = header.masking_key {
            crate::websocket::mask::mask(&mut bytes[start..], key, 0);
        }
        self.material.frames.push(Kept { from, bytes, connection, number: frame.number });
    }

    fn end(&mut self, connection: u64, judged: &Judged) {
        let Some(ending) = &judged.ending else { return };
        if self.material.endings.len() >= MAX_KEPT {
            return;
        }
        let lines: Vec<String> = self.steps.iter().map(|step| step.0.clone()).collect();
        let lines = lines[lines.len().saturating_sub(MAX_LINES)..].to_vec();
        self.material.endings.push(Ended {
            connection,
            lines,
            client_reports: ending.reports[Endpoint::Client.index()],
            why: ending.why.clone(),
        });
    }
}

/// So many lines of an ending are shown.
const MAX_LINES: usize = 5;

/// What is said on a connection: bytes, or the end of TCP.
#[derive(Debug, Clone)]
pub(super) enum Saying {
    Bytes(Endpoint, Vec<u8>),
    End(Endpoint, TransportEnd),
}

impl Saying {
    /// The bytes, if it is bytes that are said.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Saying::Bytes(_, bytes) => Some(bytes),
            Saying::End(..) => None,
        }
    }
}

/// Lets the decoder hear a conversation, from its handshake on, or, if it is known what that
/// agreed on, from behind it.
pub(super) fn hear(sayings: &[Saying], agreed: Option<Option<Agreement>>) -> Heard {
    let limits = Limits { keep_frames: true, ..Limits::default() };
    let mut inspector = Inspector::new(Heard::default(), limits);
    let id = ConnectionId(0);
    let opening = Opening {
        client: None,
        server: None,
        transport: Transport::Tcp,
        initiator_seen: true,
        at: At::default(),
    };
    match agreed {
        Some(agreement) => inspector.begin(id, &opening, Conversation::assumed(agreement)),
        None => inspector.opened(id, &opening),
    }
    let mut offsets = [0u64; 2];
    for saying in sayings {
        let said = match saying {
            Saying::Bytes(from, bytes) => {
                let offset = offsets[from.index()];
                offsets[from.index()] += bytes.len() as u64;
                let heard = Some(offsets[from.peer().index()]);
                Said::Bytes { from: *from, offset, bytes, heard, at: At::default() }
            }
            Saying::End(from, how) => {
                let heard = Some(offsets[from.peer().index()]);
                Said::End { from: *from, how: *how, heard, at: At::default() }
            }
        };
        inspector.said(id, said);
    }
    inspector.forgotten(id, false);
    inspector.into_parts().0
}

/// The layout of a frame.
pub(super) fn layout(bytes: &[u8]) -> Layout {
    crate::websocket::frame::layout(bytes, 0)
}

/// The bytes at a span of them.
pub(super) fn at(bytes: &[u8], span: Span) -> &[u8] {
    let start = span.byte_offset() as usize;
    &bytes[start..start + span.byte_length() as usize]
}
