//! A conversation alone, unmasked and inflated: each message whole, as its receiver read it. Marks
//! at the start of every line say who spoke, so that colour is not needed.

use super::clock::Clock;
use super::timeline::{self, arrow, size};
use super::{Sheet, escape};
use crate::inspection::{Connection, Observer};
use crate::rules::Judged;
use crate::said::Endpoint;
use crate::websocket::{Event, Message, Opcode};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Bytes in a row of a dump.
const ROW: usize = 16;

/// Writes conversations.
pub struct Follow<W> {
    out: W,
    sheet: Sheet,
    clock: Clock,
    error: Option<io::Error>,
}

impl<W: Write> Follow<W> {
    /// Writes to `out` with times like this.
    pub fn new(out: W, sheet: Sheet, clock: Clock) -> Follow<W> {
        Follow { out, sheet, clock, error: None }
    }

    /// The output back, or why it could not be written.
    pub fn finish(self) -> io::Result<W> {
        self.error.map_or(Ok(self.out), Err)
    }

    fn write(&mut self, lines: &str) {
        if self.error.is_none() {
            self.error = writeln!(self.out, "{lines}").err();
        }
    }
}

impl<W: Write> Observer for Follow<W> {
    fn connection(&mut self, connection: &Connection) {
        let title = super::overview::title(&self.sheet, connection);
        self.write(&title);
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        match event {
            Event::Message(message) => {
                let head = head(&self.sheet, &mut self.clock, connection, message);
                self.write(&head);
                self.write(&body(&self.sheet, message));
            }
            // What is not in a message or in a Close frame is no part of the conversation; what is
            // missing from it must be said.
            Event::Close(_) | Event::Gap(_) | Event::NotFrames(_) => {
                let (sheet, clock) = (&self.sheet, &mut self.clock);
                let detail = timeline::Detail::Messages;
                let line = timeline::line_at(sheet, clock, connection, event, judged, detail);
                self.write(&line.unwrap_or_default());
            }
            Event::End(_) => {
                let line = timeline::end_line(&self.sheet, judged);
                self.write(&line);
            }
            _ => {}
        }
    }

    fn pause(&mut self) {
        if self.error.is_none() {
            self.error = self.out.flush().err();
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}

/// The line above a message: when, which way, which one.
pub(super) fn head(
    sheet: &Sheet,
    clock: &mut Clock,
    connection: &Connection,
    message: &Message<'_>,
) -> String {
    let Message { from, number, .. } = message;
    let (arrow, paint) = arrow(sheet, Some(*from));
    let what = format!(
        "{from} message {number}, {}, {}{}",
        message.opcode,
        size(message.length),
        timeline::message_notes(message)
    );
    let time = clock.show(connection, message.at);
    format!("{time}  {}  {}", sheet.palette.paint(paint, arrow), sheet.palette.paint(paint, what))
}

/// A whole message: text with its line ends, anything else as a dump.
pub(super) fn body(sheet: &Sheet, message: &Message<'_>) -> String {
    let is_text = message.opcode == Opcode::Text && !message.opaque;
    let rows = if is_text { lines(message.payload) } else { dump(message.payload) };
    let mark = if message.from == Endpoint::Client { ">" } else { "<" };
    let (_, paint) = arrow(sheet, Some(message.from));
    let mark = sheet.palette.paint(paint, mark).to_string();
    let mut out = String::with_capacity(message.payload.len() + 16);
    for (index, row) in rows.iter().enumerate() {
        let end = if index + 1 < rows.len() { "\n" } else { "" };
        let _ = write!(out, "  {mark} {row}{end}");
    }
    if message.truncated {
        let kept = size(message.payload.len() as u64);
        let _ = write!(out, "\n  {mark} (cut after {kept}: --max-payload keeps more)");
    }
    out
}

/// Text, escaped line by line.
fn lines(payload: &[u8]) -> Vec<String> {
    payload.split(|byte| *byte == b'\n').map(escape::text).collect()
}

/// Offset, hexadecimal and ASCII, sixteen bytes a row.
fn dump(payload: &[u8]) -> Vec<String> {
    let row = |(index, row): (usize, &[u8])| {
        let ascii: String = row
            .iter()
            .map(|byte| if byte.is_ascii_graphic() { *byte as char } else { '.' })
            .collect();
        format!("{:08x}  {:<47}  {ascii}", index * ROW, escape::hex(row))
    };
    payload.chunks(ROW).enumerate().map(row).collect()
}
