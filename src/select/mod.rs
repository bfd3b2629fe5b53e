//! What is shown of a capture: an observer that passes on to another one only what is asked for.
//!
//! Some conditions choose connections (their number, Host, path), others choose events; an event
//! is passed on if its connection is chosen and every condition on events holds for it. Its
//! findings go with it. Absent here: how a filter is written on the command line.

mod filter;
mod moment;
mod numbers;

pub use filter::{Filter, Units};
pub use moment::Moment;
pub use numbers::{Numbers, length};

use crate::inspection::{Connection, Observer};
use crate::inspector::Counts;
use crate::rules::{Judged, Severity};
use crate::said::{Opaque, Time};
use crate::websocket::Event;
use std::cell::Cell;

/// When connections closed, to find what was said just before: what [`Ends`] found out.
pub type Closed = Vec<Option<Time>>;

/// Passes on what a filter chooses.
pub struct Select<'a, O> {
    observer: O,
    filter: &'a Filter,
    /// When the capture began, once it did.
    start: &'a Cell<Option<Time>>,
    closed: Closed,
    /// By the connection's slot.
    states: Vec<State>,
    passed: Counts,
    shown: u64,
    /// The filter leaves nothing out: nothing needs to be looked at.
    is_everything: bool,
}

/// What is known of an open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Whether it is chosen will be known from its handshake.
    Open,
    /// It is not chosen.
    Not,
    /// It is chosen; the observer was not told of it yet.
    Chosen,
    /// The observer knows it.
    Told,
}

impl<'a, O: Observer> Select<'a, O> {
    /// Tells `observer` what the filter chooses of a capture that begins at `start`.
    pub fn new(observer: O, filter: &'a Filter, start: &'a Cell<Option<Time>>) -> Select<'a, O> {
        let (states, closed, passed) = (Vec::new(), Closed::new(), Counts::default());
        let is_everything = filter.is_empty();
        Select { observer, filter, start, closed, states, passed, shown: 0, is_everything }
    }

    /// With the times at which the connections closed, by number.
    pub fn with_closed(mut self, closed: Closed) -> Select<'a, O> {
        self.closed = closed;
        self
    }

    /// The observer, what was passed on to it, and how many events these were. Not counted if
    /// everything was passed on.
    pub fn into_parts(self) -> (O, Counts, u64) {
        (self.observer, self.passed, self.shown)
    }

    fn tell(&mut self, connection: &Connection) {
        let slot = connection.id.0 as usize;
        if self.states[slot] != State::Told {
            self.states[slot] = State::Told;
            self.passed.connections += 1;
            self.observer.connection(connection);
        }
    }

    fn decide(&mut self, connection: &Connection, event: &Event<'_>) {
        let slot = connection.id.0 as usize;
        if self.states[slot] == State::Open {
            let is_chosen = self.filter.concerns_request(event);
            self.states[slot] = if is_chosen { State::Chosen } else { State::Not };
        }
        if self.states[slot] == State::Chosen && (self.filter.context || self.filter.is_open()) {
            self.tell(connection);
        }
    }

    fn count(&mut self, event: &Event<'_>, judged: &Judged) {
        let passed = &mut self.passed;
        match event {
            Event::Frame(_) => passed.frames += 1,
            Event::Message(_) => passed.messages += 1,
            Event::Gap(_) => passed.gaps += 1,
            _ => {}
        }
        passed.ignored += judged.ignored;
        passed.repeats += judged.repeats.len() as u64;
        for finding in &judged.findings {
            match finding.severity {
                Severity::Error => passed.errors += 1,
                Severity::Warning => passed.warnings += 1,
                Severity::Note => passed.notes += 1,
            }
        }
    }
}

impl<O: Observer> Observer for Select<'_, O> {
    fn connection(&mut self, connection: &Connection) {
        if self.is_everything {
            return self.observer.connection(connection);
        }
        let slot = connection.id.0 as usize;
        if self.states.len() <= slot {
            self.states.resize(slot + 1, State::Not);
        }
        let is_chosen = self.filter.concerns(connection.number);
        self.states[slot] = if is_chosen { State::Open } else { State::Not };
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        if self.is_everything {
            return self.observer.event(connection, event, judged);
        }
        let slot = connection.id.0 as usize;
        if self.states[slot] == State::Open || self.states[slot] == State::Chosen {
            self.decide(connection, event);
        }
        if self.states[slot] == State::Not {
            return;
        }
        let closed = self.closed.get(connection.number as usize).copied().flatten();
        let is_visible = filter::is_visible(event, judged);
        let is_asked_for = self.filter.is_open()
            || is_visible && self.filter.asks_for(event, judged, self.start.get(), closed);
        let is_context = self.filter.context
            && matches!(
                event,
                Event::Request(_) | Event::Recognised(_) | Event::Handshake(_) | Event::End(_)
            );
        if !is_asked_for && !is_context {
            return;
        }
        self.tell(connection);
        if !is_asked_for {
            // It tells what the rest belongs to; what was found in it is not asked for.
            let judged = judged.without_findings();
            self.count(event, &judged);
            return self.observer.event(connection, event, &judged);
        }
        self.shown += u64::from(is_visible);
        self.count(event, judged);
        self.observer.event(connection, event, judged);
    }

    /// What chooses connections or events chooses none of those that can't be read.
    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        if self.is_everything {
            self.observer.opaque(opaque, judged);
        }
    }

    fn pause(&mut self) {
        self.observer.pause();
    }

    fn is_done(&self) -> bool {
        self.observer.is_done()
    }
}

/// Notes when each connection closed: by the first Close frame, else by FIN or RST, else when it
/// was heard of last. Eight bytes for each connection of the capture.
#[derive(Debug, Default)]
pub struct Ends {
    closed: Closed,
}

impl Ends {
    /// The times, by the connection's number.
    pub fn into_closed(self) -> Closed {
        self.closed
    }
}

impl Observer for Ends {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, connection: &Connection, event: &Event<'_>, _judged: &Judged) {
        let Event::End(end) = event else { return };
        let closes = end.closed_at.iter().flatten().filter_map(|at| at.time).min();
        let transport = end.transport.iter().flatten().filter_map(|(_, at)| at.time).min();
        let index = connection.number as usize;
        if self.closed.len() <= index {
            self.closed.resize(index + 1, None);
        }
        self.closed[index] = closes.or(transport).or(end.at.time);
    }
}
