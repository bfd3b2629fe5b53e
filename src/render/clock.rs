//! How lines of text show their times.

use crate::calendar;
use crate::inspection::Connection;
use crate::said::{At, Time};

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Seconds since the connection's first packet.
    Relative,
    /// Date and time in UTC.
    Absolute,
    /// Seconds since the line before, whatever its connection.
    Delta(Option<Time>),
}

impl Clock {
    /// Columns that a time takes.
    pub const fn width(&self) -> usize {
        match self {
            Clock::Relative => 9,
            // What follows what on one machine does so within microseconds.
            Clock::Delta(_) => 11,
            Clock::Absolute => 30,
        }
    }

    /// A time on this connection; blank if none is known.
    pub fn show(&mut self, connection: &Connection, at: At) -> String {
        let width = self.width();
        let Some(time) = at.time else { return " ".repeat(width) };
        match self {
            Clock::Absolute => format!("{:<width$}", calendar::rfc3339(time)),
            Clock::Relative => match connection.opened.time {
                Some(opened) => format!("{:>width$.3}", time.seconds_since(opened)),
                None => " ".repeat(width),
            },
            Clock::Delta(before) => {
                let before = before.replace(time).unwrap_or(time);
                format!("{:>+width$.6}", time.seconds_since(before))
            }
        }
    }
}
