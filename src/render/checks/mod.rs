//! Findings for the tools of continuous integration: an observer that says of each finding where
//! it is, and hands it on to one of three ways of writing it.

mod github;
mod junit;
mod sarif;

use super::handshake::head_of;
use super::{escape, finding};
use crate::inspection::{Connection, Observer};
use crate::inspector::Counts;
use crate::rules::{Finding, Judged, Severity};
use crate::said::{ConnectionId, Endpoint, Opaque, Transport};
use crate::websocket::handshake::Handshake;
use crate::websocket::{Assumed, Event, Origin as WebSocketOrigin};
use std::io::{self, Write};

/// The ways of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// SARIF 2.1.0: one document, written as findings come.
    Sarif,
    /// Workflow commands of GitHub Actions: one line a finding, as they come.
    Github,
    /// JUnit's XML: one test case a connection; written at the end, bounded.
    Junit,
}

/// Where the findings from now on come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file of the requests; none for what was typed or piped.
    pub request: Option<String>,
    /// The file of the responses, often the same.
    pub response: Option<String>,
    /// The heads stand in these files as they are, so that lines and columns can be told.
    pub has_lines: bool,
}

impl Origin {
    /// Everything comes from one file that has no lines; none for what was typed or piped.
    pub fn file(name: Option<&str>) -> Origin {
        let name = name.map(str::to_owned);
        Origin { request: name.clone(), response: name, has_lines: false }
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// What was counted.
    pub counts: &'a Counts,
    /// The exit status that the run will have.
    pub exit_code: i32,
    /// What could not be read, and why.
    pub problems: &'a [String],
}

/// A place in a text, counted from 1; the end is the column behind the last character.
#[derive(Debug, Clone, Copy)]
struct Region {
    line: usize,
    column: usize,
    end_column: usize,
}

/// A finding and where it is.
struct Check<'a> {
    finding: &'a Finding,
    connection: &'a Connection,
    /// Of the connections in its file, this is the first, second, …
    ordinal: u64,
    file: Option<&'a str>,
    region: Option<Region>,
}

impl Check<'_> {
    /// What contains it, from the outside in: `connection 3`, `server`, `frame 5`.
    fn containers(&self) -> Vec<String> {
        let mut names = vec![match self.connection.number {
            0 => format!("TLS connection {}", self.ordinal),
            number => format!("connection {number}"),
        }];
        let broken = &self.finding.broken;
        names.extend(broken.endpoint.map(|endpoint| endpoint.to_string()));
        names.extend(self.finding.message.map(|number| format!("message {number}")));
        names.extend(self.finding.frame.map(|number| format!("frame {number}")));
        names.extend(broken.header.as_ref().map(|name| format!("header {}", shown(name))));
        names
    }

    /// In words: `connection 3, server, frame 5, packet 7, byte 95 of the server's stream`.
    fn whereabouts(&self) -> String {
        let mut names = self.containers();
        names.extend(self.finding.at.packet.map(|packet| format!("packet {packet}")));
        let broken = &self.finding.broken;
        if let (Some(span), Some(endpoint), None) = (broken.span, broken.endpoint, self.region) {
            names.push(format!("byte {} of the {endpoint}'s stream", span.byte_offset()));
        }
        names.join(", ")
    }

    /// What was seen, in one line.
    fn headline(&self) -> String {
        match &*self.finding.broken.seen {
            "" => self.finding.rule.title.to_owned(),
            seen => shown(seen),
        }
    }

    /// Everything there is to say about it, a line each.
    fn lines(&self) -> Vec<String> {
        let broken = &self.finding.broken;
        let mut lines = vec![self.headline()];
        let mut part = |name: &str, text: &str| {
            if !text.is_empty() {
                lines.push(format!("{name}: {}", shown(text)));
            }
        };
        part("expected", &broken.expected);
        part("cause", broken.cause.as_deref().unwrap_or_default());
        part("mend", self.finding.mend());
        part("where", &self.whereabouts());
        part("rule", &finding::demand(self.finding.rule));
        part("more", &format!("ws101 explain {}", self.finding.rule.id));
        lines
    }
}

/// No text of a finding is longer than this many columns: some tools refuse long ones.
const MAX_TEXT: usize = 1000;

fn shown(text: &str) -> String {
    escape::clipped(text.as_bytes(), MAX_TEXT)
}

enum Writer<W> {
    Sarif(sarif::Sarif<W>),
    Github(github::Github<W>),
    Junit(junit::Junit<W>),
}

/// Writes findings for the tools of continuous integration.
pub struct Checks<W> {
    writer: Writer<W>,
    origin: Origin,
    /// The connections so far, and those in the files before this one.
    connections: u64,
    before: u64,
    /// TLS connections that stay closed.
    opaque: u64,
    error: Option<io::Error>,
}

impl<W: Write> Checks<W> {
    /// Writes to `out`; `threshold` is the lowest severity that makes a test case fail.
    pub fn new(out: W, form: Form, threshold: Option<Severity>) -> Checks<W> {
        let writer = match form {
            Form::Sarif => Writer::Sarif(sarif::Sarif::new(out)),
            Form::Github => Writer::Github(github::Github::new(out)),
            Form::Junit => Writer::Junit(junit::Junit::new(out, threshold)),
        };
        Checks {
            writer,
            origin: Origin::default(),
            connections: 0,
            before: 0,
            opaque: 0,
            error: None,
        }
    }

    /// Says where the findings from now on come from.
    pub fn set_origin(&mut self, origin: Origin) {
        if origin.request != self.origin.request {
            self.before = self.connections;
        }
        self.origin = origin;
    }

    /// Completes what was written.
    pub fn finish(self, outcome: &Outcome<'_>) -> io::Result<W> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.writer {
            Writer::Sarif(sarif) => sarif.finish(outcome),
            Writer::Github(github) => github.finish(outcome),
            Writer::Junit(junit) => junit.finish(outcome),
        }
    }

    fn take(
        &mut self,
        connection: &Connection,
        event: &Event<'_>,
        judged: &Judged,
    ) -> io::Result<()> {
        if let (Writer::Junit(junit), Event::Handshake(handshake)) = (&mut self.writer, event) {
            junit.asked(connection, handshake);
        }
        let ordinal = connection.number.saturating_sub(self.before);
        let handshake = match event {
            Event::Handshake(handshake) => Some(*handshake),
            _ => None,
        };
        self.write(connection, ordinal, handshake, judged)?;
        if let Writer::Junit(junit) = &mut self.writer {
            judged.repeats.iter().for_each(|(_, severity)| junit.repeat(connection, *severity));
        }
        if let (Writer::Junit(junit), Event::End(_)) = (&mut self.writer, event) {
            junit.close(connection);
        }
        Ok(())
    }

    fn write(
        &mut self,
        connection: &Connection,
        ordinal: u64,
        handshake: Option<&Handshake>,
        judged: &Judged,
    ) -> io::Result<()> {
        for finding in &judged.findings {
            let file = match finding.broken.endpoint {
                Some(Endpoint::Server) => self.origin.response.as_deref(),
                _ => self.origin.request.as_deref(),
            };
            let region = handshake
                .filter(|_| self.origin.has_lines)
                .and_then(|handshake| region(handshake, finding));
            let check = Check { finding, connection, ordinal, file, region };
            match &mut self.writer {
                Writer::Sarif(sarif) => sarif.write(&check)?,
                Writer::Github(github) => github.write(&check)?,
                Writer::Junit(junit) => junit.note(&check),
            }
        }
        Ok(())
    }

    /// A connection that nobody can look into: nothing but what its hellos show is known of it.
    fn take_opaque(&mut self, opaque: &Opaque, judged: &Judged) -> io::Result<()> {
        self.opaque += 1;
        let connection = Connection {
            number: 0,
            id: ConnectionId(u32::MAX),
            client: opaque.client,
            server: opaque.server,
            transport: Transport::Tls,
            origin: WebSocketOrigin::Assumed,
            opened: opaque.at,
            tls: None,
            assumed: Assumed::default(),
            trails: None,
        };
        if let Writer::Junit(junit) = &mut self.writer {
            junit.open(&connection, self.origin.request.as_deref());
        }
        self.write(&connection, self.opaque, None, judged)?;
        if let Writer::Junit(junit) = &mut self.writer {
            junit.close(&connection);
        }
        Ok(())
    }
}

/// The place of a finding in the text that its head stands in.
fn region(handshake: &Handshake, finding: &Finding) -> Option<Region> {
    let (head, range) = head_of(handshake, finding)?;
    let (place, column) = finding::Place::in_text(&head.source, &range);
    let meant = String::from_utf8_lossy(&place.line[place.range.clone()]).chars().count();
    Some(Region { line: place.number, column, end_column: column + meant })
}

/// Who talks to whom, for a connection that has addresses: `10.0.0.1:4711 to 10.0.0.2:80`.
fn ends(connection: &Connection) -> Option<String> {
    let (client, server) = (connection.client?, connection.server?);
    let stream = match connection.transport {
        Transport::Http2 { stream } => format!(", stream {stream}"),
        _ => String::new(),
    };
    Some(format!("{client} to {server}{stream}"))
}

impl<W: Write> Observer for Checks<W> {
    fn connection(&mut self, connection: &Connection) {
        self.connections = connection.number;
        if let Writer::Junit(junit) = &mut self.writer {
            junit.open(connection, self.origin.request.as_deref());
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if self.error.is_none() {
            self.error = self.take(connection, event, judged).err();
        }
    }

    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        if self.error.is_none() {
            self.error = self.take_opaque(opaque, judged).err();
        }
    }

    fn pause(&mut self) {
        if let Writer::Github(github) = &mut self.writer
            && self.error.is_none()
        {
            self.error = github.flush().err();
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}
