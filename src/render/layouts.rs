//! The annotated layout of some frames of a capture: those of one number, in either direction.

use super::Sheet;
use super::frame::{self, Extent};
use super::ladders::Carriage;
use super::overview::title;
use crate::inspection::{Connection, Observer};
use crate::rules::Judged;
use crate::said::Endpoint;
use crate::websocket::Event;
use std::io::{self, Write};

/// Which frames are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Of this connection.
    pub connection: u64,
    /// From this endpoint; none: from either.
    pub from: Option<Endpoint>,
    /// With this number in its direction.
    pub frame: u64,
}

/// Writes their layouts.
pub struct Layouts<W> {
    out: W,
    sheet: Sheet,
    wanted: Wanted,
    /// A frame that was found, until nothing more will be said about it.
    pending: [Option<Carriage>; 2],
    written: u64,
    error: Option<io::Error>,
}

impl<W: Write> Layouts<W> {
    /// An observer that writes to `out`.
    pub fn new(out: W, sheet: Sheet, wanted: Wanted) -> Layouts<W> {
        Layouts { out, sheet, wanted, pending: [None, None], written: 0, error: None }
    }

    /// How many frames were found and written.
    pub fn finish(self) -> io::Result<u64> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.written),
        }
    }

    fn is_wanted(&self, from: Endpoint, number: u64) -> bool {
        number == self.wanted.frame && self.wanted.from.is_none_or(|wanted| wanted == from)
    }

    fn flush(&mut self, connection: &Connection, from: Endpoint) {
        let Some(carriage) = self.pending[from.index()].take() else { return };
        if self.error.is_some() {
            return;
        }
        self.written += 1;
        let written = writeln!(self.out, "{}\n", title(&self.sheet, connection))
            .and_then(|()| match connection.trails {
                Some(_) => carriage.write(&mut self.out, &self.sheet, true),
                None => {
                    let extent = Extent { all: false };
                    frame::annotated(&mut self.out, &self.sheet, &carriage.view, extent)
                }
            })
            .and_then(|()| writeln!(self.out));
        self.error = written.err();
    }
}

impl<W: Write> Observer for Layouts<W> {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if connection.number != self.wanted.connection {
            return;
        }
        let from = match event {
            Event::Frame(found) => {
                self.flush(connection, found.from);
                if self.is_wanted(found.from, found.number) {
                    self.pending[found.from.index()] = Some(Carriage::of(connection, found));
                }
                found.from
            }
            Event::Message(message) => {
                if let Some(carriage) = &mut self.pending[message.from.index()]
                    && message.frames == [carriage.view.number]
                {
                    carriage.view.note_message(message);
                }
                message.from
            }
            Event::Close(close) => close.from,
            Event::End(_) => {
                self.flush(connection, Endpoint::Client);
                return self.flush(connection, Endpoint::Server);
            }
            _ => return,
        };
        if let Some(carriage) = &mut self.pending[from.index()] {
            carriage.view.findings.extend_from_slice(&judged.findings);
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}
