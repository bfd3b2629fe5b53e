//! The full-screen view of a recording: the sequence of events on one side, the selected one's
//! fields, bits and bytes on the other. [`Step`] is what is being looked at: [`Step::press`] changes
//! it, [`Step::draw`] shows it. It reads no input, holds no terminal, and knows no text of the course.

mod detail;
mod draw;
mod keys;
mod search;
mod subject;

pub use keys::Outcome;

use super::Sheet;
use crate::recording::{Conversation, Item, Recording};
use std::collections::HashSet;
use subject::{Part, Subject};

/// How much of a capture is kept to be looked at.
pub const EXTENT: crate::recording::Extent = crate::recording::Extent {
    connections: 10_000,
    events: 250_000,
    events_of_one: 200_000,
    events_of_findings: 1000,
    payload: 256,
    message: 1024,
};

/// Explains a word, on a sheet: what `ws101 explain` prints.
pub type Explain = fn(&str, &Sheet) -> Vec<u8>;

/// What is being looked at.
pub struct Step {
    name: String,
    sheet: Sheet,
    explain: Explain,
    conversation: usize,
    event: usize,
    part: usize,
    byte: usize,
    focus: Focus,
    form: Form,
    /// On a small screen the figure stands where the fields do.
    is_figure: bool,
    /// Values are hidden until they are asked for.
    is_presenting: bool,
    /// What has been asked for: connection, event, part.
    revealed: HashSet<(usize, usize, usize)>,
    overlay: Option<Overlay>,
    typed: Option<String>,
    wanted: String,
    note: String,
    /// All of the input has been read.
    pub is_read: bool,
}

/// What the arrow keys move through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Events,
    Parts,
    Bytes,
}

/// How the bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they stood on the wire.
    Wire,
    /// Unmasked.
    Plain,
    /// Inflated.
    Inflated,
}

/// What lies over everything else.
struct Overlay {
    title: String,
    kind: Kind,
    scroll: u16,
}

enum Kind {
    Help,
    /// A word to be explained.
    Word(String),
    /// The selected part at length.
    Part,
    Connections,
}

impl Step {
    /// Begins at the first event of a recording of that name.
    pub fn new(name: &str, sheet: Sheet, explain: Explain) -> Step {
        Step {
            name: name.to_owned(),
            sheet,
            explain,
            conversation: 0,
            event: 0,
            part: 0,
            byte: 0,
            focus: Focus::Events,
            form: Form::Wire,
            is_figure: false,
            is_presenting: false,
            revealed: HashSet::new(),
            overlay: None,
            typed: None,
            wanted: String::new(),
            note: String::new(),
            is_read: false,
        }
    }

    /// Hides values until they are asked for.
    pub fn presenting(mut self, is_presenting: bool) -> Step {
        self.is_presenting = is_presenting;
        self
    }

    fn conversation<'a>(&self, recording: &'a Recording) -> Option<&'a Conversation> {
        recording.conversations.get(self.conversation)
    }

    fn item<'a>(&self, recording: &'a Recording) -> Option<&'a Item> {
        self.conversation(recording)?.items.get(self.event)
    }

    fn subject<'a>(&self, recording: &'a Recording) -> Option<Subject<'a>> {
        self.item(recording).map(|item| Subject::of(item, &self.sheet))
    }

    /// True if this part's value is not told yet.
    fn hides(&self, index: usize, part: &Part) -> bool {
        self.is_presenting
            && !part.is_open
            && !self.revealed.contains(&(self.conversation, self.event, index))
    }

    /// True if the whole event may be told in a line.
    fn tells(&self, event: usize) -> bool {
        let all = (self.conversation, event, usize::MAX);
        !self.is_presenting || self.revealed.contains(&all)
    }

    /// The event of that number, of the connection of that number, with the cursor on its first part.
    fn go(&mut self, conversation: usize, event: usize) {
        if (conversation, event) != (self.conversation, self.event) {
            (self.conversation, self.event) = (conversation, event);
            (self.part, self.byte) = (0, 0);
        }
    }
}
