//! An example of a rule's page, played and shown: the very place that breaks the rule with carets
//! below it (in a head, or in the figure of a frame), or the conversation step by step.

use super::frame::{self, FrameView, Sender};
use super::handshake::{self, Source};
use super::timeline::{self, Detail};
use super::{Clock, Paint, Sheet, finding, opaque, overview, wrap};
use crate::inspection::{Connection, Observer};
use crate::rules::{Finding, Judged, Severity};
use crate::said::{At, Endpoint, Http2Fact, Opaque};
use crate::scene::Example;
use crate::websocket::handshake::Handshake;
use crate::websocket::{Event, How, Http2Event};
use std::io::{self, Write};

/// What of a conversation the rule is about: shown of the mended one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// A handshake: on which connection, and how many were before it there.
    Handshake(u64, usize),
    /// A frame: on which connection, whose, and its number.
    Frame(u64, Endpoint, u64),
    /// All of it.
    Course,
}

/// Writes an example; says what of it the rule is about. `like` is what it was about in the one
/// that breaks it.
pub fn write(
    out: &mut impl Write,
    sheet: &Sheet,
    example: &Example,
    like: Option<Focus>,
) -> io::Result<Option<Focus>> {
    let scene = match example.scene() {
        Ok(scene) => scene,
        Err(why) => {
            writeln!(out, "{why}")?;
            return Ok(None);
        }
    };
    let stage = scene.play(Stage::new(*sheet, example));
    stage.write(out, like)
}

/// What is found in an example: first of the rule itself, then what can't be avoided beside it.
pub fn findings(example: &Example) -> Vec<Finding> {
    let Ok(scene) = example.scene() else { return Vec::new() };
    let stage = scene.play(Stage::new(Sheet::plain(100), example));
    let mut found: Vec<Finding> = stage.found.into_iter().map(|(_, finding)| finding).collect();
    found.extend(stage.beside);
    found
}

/// So many lines of a conversation are shown at its beginning, and as many at its end.
const MAX_LINES: usize = 8;

/// An observer that keeps what is to be shown.
struct Stage<'a> {
    sheet: Sheet,
    example: &'a Example,
    rows: Vec<Row>,
    connections: u64,
    /// What was found in requests, by connection: it is shown with the answer.
    asked: Vec<(u64, Severity)>,
    /// When the first connection was opened: all have one clock.
    opened: Option<At>,
    handshakes: Vec<(u64, Handshake, Judged)>,
    frames: Vec<(u64, Endpoint, FrameView)>,
    found: Vec<(Focus, Finding)>,
    beside: Vec<Finding>,
}

/// A line of the conversation, or several, and whether the rule is broken there.
struct Row {
    text: String,
    found: Option<Severity>,
}

impl<'a> Stage<'a> {
    fn new(sheet: Sheet, example: &'a Example) -> Stage<'a> {
        Stage {
            sheet,
            example,
            rows: Vec::new(),
            connections: 0,
            asked: Vec::new(),
            opened: None,
            handshakes: Vec::new(),
            frames: Vec::new(),
            found: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// The frame that a finding points into, if it does.
    fn frame_of(&self, connection: u64, finding: &Finding) -> Option<Focus> {
        let (from, span) = (finding.broken.endpoint?, finding.broken.span?);
        let (_, _, view) = self.frames.iter().rev().find(|(number, endpoint, view)| {
            let start = view.offset;
            let bytes = start..start.saturating_add(view.wire.len() as u64);
            (*number, *endpoint) == (connection, from) && bytes.contains(&span.byte_offset())
        })?;
        Some(Focus::Frame(connection, from, view.number))
    }

    /// Keeps what is found at an event; says how bad it is if the rule is broken there.
    fn note(&mut self, connection: u64, place: Option<Focus>, judged: &Judged) -> Option<Severity> {
        let mut worst = None;
        for finding in &judged.findings {
            if finding.rule.id != self.example.rule {
                self.beside.push(finding.clone());
                continue;
            }
            let place = place.or_else(|| self.frame_of(connection, finding));
            worst = worst.max(Some(finding.severity));
            self.found.push((place.unwrap_or(Focus::Course), finding.clone()));
        }
        worst
    }

    fn next_handshake(&self, connection: u64) -> Focus {
        let before = self.handshakes.iter().filter(|(number, ..)| *number == connection).count();
        Focus::Handshake(connection, before)
    }

    /// The line of an event. Among several connections it says whose it is.
    fn line(
        &self,
        connection: &Connection,
        event: &Event<'_>,
        judged: &Judged,
        found: Option<Severity>,
    ) -> Option<String> {
        let is_one_of_several = connection.client.is_some();
        let label = format!("#{} ", connection.number);
        let room = self.sheet.width - if is_one_of_several { label.len() } else { 0 };
        let (sheet, mut clock) = (&Sheet { width: room, ..self.sheet }, Clock::Relative);
        let opened = self.opened.unwrap_or(connection.opened);
        let connection = &Connection { opened, ..connection.clone() };
        let line = match event {
            // An excerpt does not end; nothing is to be said about that.
            Event::End(end) if end.how == How::CaptureEnd && judged.findings.is_empty() => None,
            Event::End(_) => Some(timeline::end_line(sheet, judged)),
            Event::Http2(event) if found.is_some() => Some(http2_line(sheet, event)),
            _ => timeline::line_at(sheet, &mut clock, connection, event, judged, Detail::Frames),
        };
        if !is_one_of_several {
            return line;
        }
        let label = sheet.palette.paint(Paint::Faint, label);
        let lines = line?;
        let labelled: Vec<String> = lines.lines().map(|line| format!("{label}{line}")).collect();
        Some(labelled.join("\n"))
    }

    fn keep_frame(&mut self, connection: u64, from: Endpoint, view: FrameView) {
        self.frames.push((connection, from, view));
    }

    fn write(self, out: &mut impl Write, like: Option<Focus>) -> io::Result<Option<Focus>> {
        let focus = self.found.first().map(|(focus, _)| *focus).or(like).unwrap_or(Focus::Course);
        let rows = self.rows.len();
        let shows_course = match focus {
            Focus::Handshake(..) => self.connections > 1,
            Focus::Frame(..) => rows > 1,
            Focus::Course => true,
        };
        if shows_course {
            self.course(out)?;
        }
        let is_pictured = match focus {
            Focus::Handshake(connection, index) => {
                self.head(out, (connection, index), shows_course)?
            }
            Focus::Frame(connection, from, number) => {
                self.figure(out, (connection, from, number), shows_course)?
            }
            Focus::Course => false,
        };
        for (place, finding) in &self.found {
            if !(is_pictured && *place == focus) {
                writeln!(out)?;
                self.finding(out, *place, finding)?;
            }
        }
        self.verdict(out)?;
        Ok(Some(focus))
    }

    /// The conversation step by step.
    fn course(&self, out: &mut impl Write) -> io::Result<()> {
        let faint = |text: String| self.sheet.palette.paint(Paint::Faint, text).to_string();
        let left_out = self.rows.len().saturating_sub(2 * MAX_LINES);
        for (index, row) in self.rows.iter().enumerate() {
            let is_left_out = left_out > 1 && (MAX_LINES..MAX_LINES + left_out).contains(&index);
            if is_left_out && row.found.is_none() {
                if index == MAX_LINES {
                    writeln!(out, "{}", faint(format!("   ({left_out} steps are not shown)")))?;
                }
                continue;
            }
            for line in row.text.lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
            if let Some(severity) = row.found {
                let mark = format!("^^^ {}", self.example.rule);
                let mark = self.sheet.palette.paint(Paint::Severity(severity), mark);
                writeln!(out, "{:11}{mark}", "")?;
            }
        }
        Ok(())
    }

    /// A handshake: how many were before it on its connection.
    fn handshake(&self, connection: u64, index: usize) -> Option<(&Handshake, &Judged)> {
        let mut own = self.handshakes.iter().filter(|(number, ..)| *number == connection);
        own.nth(index).map(|(_, handshake, judged)| (handshake, judged))
    }

    /// The heads of a handshake, line by line, and what the rule says of them.
    fn head(
        &self,
        out: &mut impl Write,
        (connection, index): (u64, usize),
        follows: bool,
    ) -> io::Result<bool> {
        let Some((handshake, judged)) = self.handshake(connection, index) else { return Ok(false) };
        // Of one among several connections, the excerpt is enough.
        if self.connections == 1 {
            if follows {
                writeln!(out)?;
            }
            handshake::card(out, &self.sheet, handshake, judged)?;
        }
        let place = Focus::Handshake(connection, index);
        for (_, found) in self.found.iter().filter(|(focus, _)| *focus == place) {
            writeln!(out)?;
            let place = handshake::locate(handshake, found, Source::Rebuilt("the example"));
            finding::shown(out, &self.sheet, found, place.as_ref())?;
        }
        Ok(true)
    }

    /// The figure of a frame, and what the rule says of it.
    fn figure(
        &self,
        out: &mut impl Write,
        (connection, from, number): (u64, Endpoint, u64),
        follows: bool,
    ) -> io::Result<bool> {
        let of_endpoint = || self.frames.iter().filter(|(_, endpoint, _)| *endpoint == from);
        let is_it = |(at, _, view): &&(u64, Endpoint, FrameView)| {
            (*at, view.number) == (connection, number)
        };
        let Some((_, _, view)) = of_endpoint().find(is_it).or_else(|| of_endpoint().next_back())
        else {
            return Ok(false);
        };
        if follows {
            writeln!(out)?;
        }
        frame::pictured(out, &self.sheet, view)?;
        let place = Focus::Frame(connection, from, number);
        for (_, found) in self.found.iter().filter(|(focus, _)| *focus == place) {
            writeln!(out)?;
            frame::shown(out, &self.sheet, found, Some(view))?;
        }
        Ok(true)
    }

    fn finding(&self, out: &mut impl Write, place: Focus, found: &Finding) -> io::Result<()> {
        if let Focus::Frame(connection, from, number) = place {
            let view = self.frames.iter().find(|(at, endpoint, view)| {
                (*at, *endpoint, view.number) == (connection, from, number)
            });
            return frame::shown(out, &self.sheet, found, view.map(|(_, _, view)| view));
        }
        let handshake = match place {
            Focus::Handshake(connection, index) => self.handshake(connection, index),
            _ => None,
        };
        let place = handshake.and_then(|(handshake, _)| {
            handshake::locate(handshake, found, Source::Rebuilt("the example"))
        });
        finding::shown(out, &self.sheet, found, place.as_ref()).map(|_| ())
    }

    /// That nothing is found, or what can't be avoided beside it.
    fn verdict(&self, out: &mut impl Write) -> io::Result<()> {
        let mut beside: Vec<&str> = self.beside.iter().map(|finding| finding.rule.id).collect();
        beside.sort_unstable();
        beside.dedup();
        let beside = beside.join(", ");
        let (paint, text) = match (self.found.is_empty(), beside.as_str()) {
            (true, "") => (Paint::Good, format!("{} nothing is found", self.sheet.good())),
            (true, also) => {
                let good = self.sheet.good();
                (Paint::Good, format!("{good} the rule holds; found beside it: {also}"))
            }
            (false, "") => return Ok(()),
            (false, also) => (Paint::Faint, format!("found beside it, as it must be here: {also}")),
        };
        writeln!(out)?;
        for line in wrap(&self.sheet.words(&text), self.sheet.width) {
            writeln!(out, "{}", self.sheet.palette.paint(paint, line))?;
        }
        Ok(())
    }
}

impl Observer for Stage<'_> {
    fn connection(&mut self, connection: &Connection) {
        self.connections += 1;
        self.opened = self.opened.or(Some(connection.opened));
        if connection.client.is_some() {
            let text = overview::title(&self.sheet, connection);
            self.rows.push(Row { text, found: None });
        }
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let number = connection.number;
        let mut place = None;
        match event {
            Event::Handshake(handshake) => {
                place = Some(self.next_handshake(number));
                self.handshakes.push((number, (*handshake).clone(), judged.clone()));
            }
            Event::Request(_) => place = Some(self.next_handshake(number)),
            Event::Frame(frame) => {
                place = Some(Focus::Frame(number, frame.from, frame.number));
                let view = FrameView::of(frame, Sender::Certain(frame.from));
                self.keep_frame(number, frame.from, view);
            }
            Event::CutHeader(cut) => {
                let next =
                    self.frames.iter().filter(|(at, from, _)| (*at, *from) == (number, cut.from));
                let next = next.count() as u64 + 1;
                let view = FrameView::of_cut(cut, next, Sender::Certain(cut.from));
                place = Some(Focus::Frame(number, cut.from, next));
                self.keep_frame(number, cut.from, view);
            }
            Event::Message(message) if message.frames.len() == 1 => {
                let last = self.frames.last_mut().filter(|(_, from, _)| *from == message.from);
                if let Some((_, _, view)) = last {
                    view.note_message(message);
                }
            }
            _ => {}
        }
        let found = self.note(number, place, judged);
        let line = self.line(connection, event, judged, found);
        match (line, event, self.rows.last_mut()) {
            (Some(text), ..) => {
                let asked = self.asked.iter().filter(|(asked, _)| *asked == number);
                let found = found.max(asked.map(|(_, severity)| *severity).max());
                self.asked.retain(|(asked, _)| *asked != number);
                self.rows.push(Row { text, found });
            }
            (None, Event::Request(_), _) => {
                self.asked.extend(found.map(|severity| (number, severity)));
            }
            // What is found later about an event stands below its line.
            (None, _, Some(last)) => last.found = last.found.max(found),
            (None, _, None) => {}
        }
    }

    fn opaque(&mut self, told: &Opaque, judged: &Judged) {
        let found = self.note(0, Some(Focus::Course), judged);
        let why = told.why.says();
        let line = format!("{}: not read, because {why}", opaque::line(&self.sheet, told));
        let text = wrap(&line, self.sheet.width.saturating_sub(2)).join("\n  ");
        self.rows.push(Row { text, found });
    }
}

/// Something that happens around a stream of HTTP/2.
fn http2_line(sheet: &Sheet, event: &Http2Event) -> String {
    let what = match event.fact {
        Http2Fact::ConnectProtocol { value, .. } => {
            format!("SETTINGS  ENABLE_CONNECT_PROTOCOL (0x8) = {value}")
        }
        Http2Fact::Asked { .. } => "HEADERS  extended CONNECT".to_owned(),
        Http2Fact::LateHeaders => "HEADERS  on the stream that is a tunnel".to_owned(),
        Http2Fact::DataAfterEnd => "DATA  behind its END_STREAM".to_owned(),
        Http2Fact::Reset { code, .. } => format!("RST_STREAM  error code {code}"),
        Http2Fact::GoAway { code, .. } => format!("GOAWAY  error code {code}"),
        Http2Fact::Blocked => "DATA  that uses up the window".to_owned(),
        Http2Fact::Unblocked => "may send again: WINDOW_UPDATE or SETTINGS".to_owned(),
    };
    let (arrow, paint) = timeline::arrow(sheet, Some(event.from));
    format!("{:11}{}  {what}", "", sheet.palette.paint(paint, arrow))
}
