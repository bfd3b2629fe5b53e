//! A capture as it happens, for people: each line as soon as its packet arrives. Of an open
//! connection it keeps how often what was found, so that nothing is told over and over.

use super::follow;
use super::handshake;
use super::timeline::{self, Detail};
use super::{Clock, Paint, Sheet, wrap};
use crate::inspection::{Connection, Observer};
use crate::rules::{Finding, Judged};
use crate::said::{Endpoint, Opaque};
use crate::websocket::Event;
use crate::websocket::handshake::Handshake;
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes a line for each event.
pub struct Stream<W> {
    out: W,
    sheet: Sheet,
    detail: Detail,
    /// Only this connection, if any.
    only: Option<u64>,
    clock: Clock,
    /// Messages are shown whole, under their lines.
    whole: bool,
    /// A handshake of the only connection is reported rule by rule.
    reports: bool,
    error: Option<io::Error>,
    /// What was found on open connections.
    told: HashMap<u64, Vec<Told>>,
}

/// How often a rule was found broken by one endpoint.
struct Told {
    rule: &'static str,
    endpoint: Option<Endpoint>,
    times: u64,
}

/// Columns of the label in front of each line: the number of the connection.
const LABEL: usize = 5;

/// So often the same is told in full.
const MAX_TOLD: u64 = 3;

impl<W: Write> Stream<W> {
    /// A stream of lines to `out`.
    pub fn new(out: W, sheet: Sheet, detail: Detail, only: Option<u64>) -> Stream<W> {
        let (clock, whole) = (Clock::Relative, false);
        // The label in front takes its columns.
        let label = if only.is_none() { LABEL } else { 0 };
        let sheet = Sheet { width: sheet.width.saturating_sub(label).max(20), ..sheet };
        Stream {
            out,
            sheet,
            detail,
            only,
            clock,
            whole,
            reports: true,
            error: None,
            told: HashMap::new(),
        }
    }

    /// Shows times like this.
    pub fn with_clock(self, clock: Clock) -> Stream<W> {
        Stream { clock, ..self }
    }

    /// Shows messages whole.
    pub fn with_whole_messages(self, whole: bool) -> Stream<W> {
        Stream { whole, ..self }
    }

    /// Whether the handshake of the only connection is reported rule by rule.
    pub fn with_reports(self, reports: bool) -> Stream<W> {
        Stream { reports, ..self }
    }

    /// The output back, or why it could not be written.
    pub fn finish(self) -> io::Result<W> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn write(&mut self, connection: &Connection, lines: &str) {
        if self.error.is_some() {
            return;
        }
        let label = format!("#{:<1$}", connection.number, LABEL - 1);
        for line in lines.lines() {
            let label = self.sheet.palette.paint(Paint::Faint, &label);
            let label = if self.only.is_some() { String::new() } else { label.to_string() };
            if let Err(error) = writeln!(self.out, "{label}{line}") {
                self.error = Some(error);
                return;
            }
        }
    }

    /// One connection alone has room for its handshake's whole report.
    fn report(&mut self, handshake: &Handshake, judged: &Judged) {
        if self.error.is_some() {
            return;
        }
        let (source, detail) = (handshake::Source::Stream, handshake::Detail::Normal);
        let written = writeln!(self.out)
            .and_then(|()| {
                handshake::report(&mut self.out, &self.sheet, handshake, judged, source, detail)
            })
            .and_then(|()| writeln!(self.out));
        self.error = written.err();
    }

    /// How often that was found by now.
    fn count(&mut self, connection: &Connection, finding: &Finding) -> u64 {
        let (rule, endpoint) = (finding.rule.id, finding.broken.endpoint);
        let told = self.told.entry(connection.number).or_default();
        if let Some(told) = told.iter_mut().find(|it| it.rule == rule && it.endpoint == endpoint) {
            told.times += 1;
            return told.times;
        }
        told.push(Told { rule, endpoint, times: 1 });
        1
    }

    /// What was not told, and what followed from which cause.
    fn sum_up(&mut self, connection: &Connection, judged: &Judged) {
        for Told { rule, times, .. } in self.told.remove(&connection.number).unwrap_or_default() {
            if times > MAX_TOLD {
                let more = times - MAX_TOLD;
                self.write(connection, &format!(" … and {more} more like this: {rule}"));
            }
        }
        for traced in judged.traced.iter().filter(|traced| traced.findings > 1) {
            let (id, findings, rules) = (traced.id, traced.findings, traced.rules.join(", "));
            let line = format!(" {findings} findings follow from cause[{id}]: {rules}");
            let rows = wrap(&line, self.sheet.width).join("\n   ");
            self.write(connection, &rows);
        }
    }

    fn concerns(&self, connection: &Connection) -> bool {
        self.only.is_none_or(|only| only == connection.number)
    }
}

impl<W: Write> Observer for Stream<W> {
    fn connection(&mut self, connection: &Connection) {
        if self.concerns(connection) {
            let title = super::overview::title(&self.sheet, connection);
            self.write(connection, &title);
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if !self.concerns(connection) {
            return;
        }
        if self.only.is_some()
            && self.reports
            && let Event::Handshake(handshake) = event
        {
            self.report(handshake, judged);
            return;
        }
        if self.whole
            && let Event::Message(message) = event
        {
            let head = follow::head(&self.sheet, &mut self.clock, connection, message);
            self.write(connection, &head);
            self.write(connection, &follow::body(&self.sheet, message));
        } else {
            let (sheet, clock) = (&self.sheet, &mut self.clock);
            let line = timeline::line_at(sheet, clock, connection, event, judged, self.detail);
            if let Some(line) = line {
                self.write(connection, &line);
            }
        }
        if let Event::End(_) = event {
            let line = timeline::end_line(&self.sheet, judged);
            self.write(connection, &line);
        }
        if let Some(cause) = &judged.cause {
            let lines = timeline::cause_lines(&self.sheet, cause, &[]);
            self.write(connection, &lines);
        }
        for finding in &judged.findings {
            if self.count(connection, finding) <= MAX_TOLD {
                let lines = timeline::finding_lines(&self.sheet, finding, 1);
                self.write(connection, &lines);
            }
        }
        if let Event::End(_) = event {
            self.sum_up(connection, judged);
        }
    }

    fn opaque(&mut self, opaque: &Opaque, _judged: &Judged) {
        if self.error.is_none() {
            let line = super::opaque::line(&self.sheet, opaque);
            let line = format!("{line}: not read, because {}", opaque.why.says());
            let rows = wrap(&line, self.sheet.width.saturating_sub(2));
            self.error = writeln!(self.out, "{}", rows.join("\n  ")).err();
        }
    }

    fn pause(&mut self) {
        if self.error.is_none()
            && let Err(error) = self.out.flush()
        {
            self.error = Some(error);
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}
