//! The way that frames of a capture took, one ladder each, as they come.

use super::Sheet;
use super::frame::{self, Extent, FrameView, Sender};
use super::overview::title;
use crate::inspection::{Connection, Observer};
use crate::rules::Judged;
use crate::said::{Carried, Endpoint};
use crate::websocket::{Event, Frame};
use std::io::{self, Write};

/// A frame, and what carried it.
pub struct Carriage {
    /// The frame.
    pub view: FrameView,
    /// What carried it, the lowest layer first.
    pub carried: Vec<Carried>,
}

impl Carriage {
    /// A frame of this connection.
    pub fn of(connection: &Connection, frame: &Frame<'_>) -> Carriage {
        Carriage {
            view: FrameView::of(frame, Sender::Certain(frame.from)),
            carried: carried(connection, frame),
        }
    }

    /// Writes the ladder, and if wanted the layouts of all headers on the way.
    pub fn write(&self, out: &mut impl Write, sheet: &Sheet, layouts: bool) -> io::Result<()> {
        let Carriage { view, carried } = self;
        frame::ladder(out, sheet, view, carried)?;
        if layouts {
            frame::carriers(out, sheet, carried)?;
            writeln!(out)?;
            frame::annotated(out, sheet, view, Extent { all: false })?;
        }
        Ok(())
    }
}

/// What carried a frame, the lowest layer first; nothing if nobody asked in time.
pub fn carried(connection: &Connection, frame: &Frame<'_>) -> Vec<Carried> {
    let Some(trails) = &connection.trails else { return Vec::new() };
    let span = frame.span();
    trails.of(frame.from).of(span.byte_offset()..span.byte_offset() + span.byte_length())
}

/// Writes ladders.
pub struct Ladders<W> {
    out: W,
    sheet: Sheet,
    /// A frame, until it is known whether it is a message of its own.
    pending: [Option<Carriage>; 2],
    /// The connection that was spoken of last.
    told: Option<u64>,
    written: u64,
    error: Option<io::Error>,
}

impl<W: Write> Ladders<W> {
    /// An observer that writes to `out`.
    pub fn new(out: W, sheet: Sheet) -> Ladders<W> {
        Ladders { out, sheet, pending: [None, None], told: None, written: 0, error: None }
    }

    /// How many frames were written.
    pub fn finish(mut self) -> io::Result<u64> {
        self.flush_both();
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.written),
        }
    }

    fn flush_both(&mut self) {
        self.flush(Endpoint::Client);
        self.flush(Endpoint::Server);
    }

    fn flush(&mut self, from: Endpoint) {
        let Some(carriage) = self.pending[from.index()].take() else { return };
        if self.error.is_none() {
            self.written += 1;
            let written = carriage.write(&mut self.out, &self.sheet, false);
            self.error = written.and_then(|()| writeln!(self.out)).err();
        }
    }
}

impl<W: Write> Observer for Ladders<W> {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, connection: &Connection, event: &Event<'_>, _judged: &Judged) {
        match event {
            Event::Frame(frame) => {
                // In the order in which they came.
                self.flush_both();
                if self.error.is_none()
                    && self.told.replace(connection.number) != Some(connection.number)
                {
                    let title = title(&self.sheet, connection);
                    self.error = writeln!(self.out, "{title}\n").err();
                }
                self.pending[frame.from.index()] = Some(Carriage::of(connection, frame));
            }
            Event::Message(message) => {
                if let Some(carriage) = &mut self.pending[message.from.index()]
                    && message.frames == [carriage.view.number]
                    && self.told == Some(connection.number)
                {
                    carriage.view.note_message(message);
                }
            }
            _ => {}
        }
    }

    fn pause(&mut self) {
        self.flush_both();
        if self.error.is_none() {
            self.error = self.out.flush().err();
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}
