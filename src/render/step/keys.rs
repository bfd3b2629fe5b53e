//! What each key does.

use super::{Focus, Form, Kind, Overlay, Step};
use crate::recording::Recording;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What comes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Stay,
    /// Leave.
    Quit,
}

/// Events, bytes or lines that a page holds.
const PAGE: usize = 10;

/// The keys, as the help shows them.
pub(super) const HELP: &[(&str, &str)] = &[
    ("↑ ↓  j k", "through events, fields or bytes: whatever has the focus"),
    ("→ ←  Tab Esc", "into the fields, the bytes, and back to the events"),
    ("J K", "next or previous event, whatever has the focus"),
    ("[ ]  c", "previous or next connection; a list of all"),
    ("PgUp PgDn Home End", "far, and to the ends"),
    ("f F", "to the next or previous finding"),
    ("/  n N", "search in heads, payloads and rules; next, previous"),
    ("u", "bytes as they stood on the wire, or unmasked"),
    ("i", "the message deflated, or inflated"),
    ("v", "the figure of RFC 6455 §5.2 instead of the fields"),
    ("e", "explain what is under the cursor"),
    ("Enter", "what is under the cursor at full length"),
    ("p", "presenter mode: values are hidden until you show them"),
    ("space  a", "in presenter mode: show the next value; all of the event"),
    ("q  Ctrl-C", "leave"),
];

impl Step {
    /// Does what a key asks for.
    pub fn press(&mut self, key: KeyEvent, recording: &Recording) -> Outcome {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && matches!(key.code, KeyCode::Char('c' | 'd')) {
            return Outcome::Quit;
        }
        self.note.clear();
        if self.typed.is_some() {
            self.type_in(key.code, recording);
            return Outcome::Stay;
        }
        if self.overlay.is_some() {
            return self.press_over(key.code, recording);
        }
        match key.code {
            KeyCode::Char('q') => return Outcome::Quit,
            KeyCode::Char('?') | KeyCode::F(1) => self.lay(Kind::Help, "Keys"),
            KeyCode::Char('c') => self.lay(Kind::Connections, "Connections"),
            KeyCode::Char('e') => self.explain_part(recording),
            KeyCode::Enter => self.lay(Kind::Part, "At full length"),
            KeyCode::Char('/') => self.typed = Some(String::new()),
            KeyCode::Char('n') => self.find(recording, true),
            KeyCode::Char('N') => self.find(recording, false),
            KeyCode::Char('f') => self.find_finding(recording, true),
            KeyCode::Char('F') => self.find_finding(recording, false),
            KeyCode::Char('u') => self.turn(Form::Plain),
            KeyCode::Char('i') => self.turn(Form::Inflated),
            KeyCode::Char('v') => self.is_figure = !self.is_figure,
            KeyCode::Char('p') => self.is_presenting = !self.is_presenting,
            KeyCode::Char(' ') => self.reveal_next(recording),
            KeyCode::Char('a') => self.reveal_all(recording),
            KeyCode::Char(']') => self.go_to_connection(1, recording),
            KeyCode::Char('[') => self.go_to_connection(-1, recording),
            code => self.travel(code, recording),
        }
        Outcome::Stay
    }

    /// Moves the cursor.
    fn travel(&mut self, code: KeyCode, recording: &Recording) {
        match code {
            KeyCode::Char('J') => self.go_to_event(1, recording),
            KeyCode::Char('K') => self.go_to_event(-1, recording),
            KeyCode::Tab => self.focus = self.focus.next(),
            KeyCode::BackTab => self.focus = self.focus.next().next(),
            KeyCode::Esc => self.focus = Focus::Events,
            KeyCode::Down | KeyCode::Char('j') => self.go_on(1, recording),
            KeyCode::Up | KeyCode::Char('k') => self.go_on(-1, recording),
            KeyCode::PageDown => self.go_on(PAGE as isize, recording),
            KeyCode::PageUp => self.go_on(-(PAGE as isize), recording),
            KeyCode::Home | KeyCode::Char('g') => self.go_on(isize::MIN / 2, recording),
            KeyCode::End | KeyCode::Char('G') => self.go_on(isize::MAX / 2, recording),
            KeyCode::Right | KeyCode::Char('l') => match self.focus {
                Focus::Events => self.focus = Focus::Parts,
                Focus::Parts => self.focus = Focus::Bytes,
                Focus::Bytes => self.go_to_byte(1, recording),
            },
            KeyCode::Left | KeyCode::Char('h') => match self.focus {
                Focus::Events => {}
                Focus::Parts => self.focus = Focus::Events,
                Focus::Bytes if self.byte == 0 => self.focus = Focus::Parts,
                Focus::Bytes => self.go_to_byte(-1, recording),
            },
            _ => {}
        }
    }

    fn lay(&mut self, kind: Kind, title: &str) {
        self.overlay = Some(Overlay { title: title.to_owned(), kind, scroll: 0 });
    }

    /// A key while something lies over the rest.
    fn press_over(&mut self, code: KeyCode, recording: &Recording) -> Outcome {
        let Some(overlay) = &mut self.overlay else { return Outcome::Stay };
        let is_list = matches!(overlay.kind, Kind::Connections);
        match code {
            KeyCode::Down | KeyCode::Char('j') if is_list => self.go_to_connection(1, recording),
            KeyCode::Up | KeyCode::Char('k') if is_list => self.go_to_connection(-1, recording),
            KeyCode::PageDown if is_list => self.go_to_connection(PAGE as isize, recording),
            KeyCode::PageUp if is_list => self.go_to_connection(-(PAGE as isize), recording),
            KeyCode::Down | KeyCode::Char('j') => overlay.scroll = overlay.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => overlay.scroll = overlay.scroll.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => {
                overlay.scroll = overlay.scroll.saturating_add(PAGE as u16);
            }
            KeyCode::PageUp => overlay.scroll = overlay.scroll.saturating_sub(PAGE as u16),
            KeyCode::Home => overlay.scroll = 0,
            _ => self.overlay = None,
        }
        Outcome::Stay
    }

    /// A key while a search is typed.
    fn type_in(&mut self, code: KeyCode, recording: &Recording) {
        let Some(typed) = &mut self.typed else { return };
        match code {
            KeyCode::Enter => {
                self.wanted = std::mem::take(typed);
                self.typed = None;
                self.find(recording, true);
            }
            KeyCode::Esc => self.typed = None,
            KeyCode::Backspace if typed.pop().is_none() => self.typed = None,
            KeyCode::Char(c) if !c.is_control() => typed.push(c),
            _ => {}
        }
    }

    fn go_on(&mut self, by: isize, recording: &Recording) {
        match self.focus {
            Focus::Events => self.go_to_event(by, recording),
            Focus::Parts => self.go_to_part(by, recording),
            Focus::Bytes => self.go_to_byte(by.saturating_mul(8), recording),
        }
    }

    fn go_to_event(&mut self, by: isize, recording: &Recording) {
        let count = self.conversation(recording).map_or(0, |it| it.items.len());
        self.go(self.conversation, moved(self.event, by, count));
    }

    fn go_to_connection(&mut self, by: isize, recording: &Recording) {
        self.go(moved(self.conversation, by, recording.conversations.len()), 0);
    }

    fn go_to_part(&mut self, by: isize, recording: &Recording) {
        let Some(subject) = self.subject(recording) else { return };
        self.part = moved(self.part, by, subject.parts.len());
        let span = subject.parts.get(self.part).and_then(|part| part.span.clone());
        if let Some(span) = span {
            self.byte = (span.start / 8) as usize;
        }
    }

    fn go_to_byte(&mut self, by: isize, recording: &Recording) {
        let Some(subject) = self.subject(recording) else { return };
        self.byte = moved(self.byte, by, subject.wire.len());
        if let Some(part) = subject.part_at(self.byte) {
            self.part = part;
        }
    }

    fn turn(&mut self, form: Form) {
        self.form = if self.form == form { Form::Wire } else { form };
    }

    fn explain_part(&mut self, recording: &Recording) {
        let Some(subject) = self.subject(recording) else { return };
        let word = subject.parts.get(self.part).map_or("frames", |part| part.word.as_str());
        self.lay(Kind::Word(word.to_owned()), word);
    }

    /// Shows the value under the cursor, or the next that is hidden.
    fn reveal_next(&mut self, recording: &Recording) {
        let Some(subject) = self.subject(recording) else { return };
        let parts = subject.parts.iter().enumerate();
        let mut hidden =
            parts.filter(|(index, part)| self.hides(*index, part)).map(|(index, _)| index);
        let Some(first) = hidden.next() else { return };
        let next = if first == self.part {
            first
        } else {
            hidden.find(|it| *it == self.part).unwrap_or(first)
        };
        let count = subject.parts.len();
        self.part = next;
        self.revealed.insert((self.conversation, self.event, next));
        if (0..count).all(|index| !self.hides(index, &subject.parts[index])) {
            self.revealed.insert((self.conversation, self.event, usize::MAX));
        }
    }

    /// Shows all values of the event, or hides them again.
    fn reveal_all(&mut self, recording: &Recording) {
        let Some(subject) = self.subject(recording) else { return };
        let at = |part: usize| (self.conversation, self.event, part);
        let all: Vec<_> = (0..subject.parts.len()).chain([usize::MAX]).map(at).collect();
        if self.revealed.contains(&at(usize::MAX)) {
            self.revealed.retain(|one| !all.contains(one));
        } else {
            self.revealed.extend(all);
        }
    }
}

impl Focus {
    const fn next(self) -> Focus {
        match self {
            Focus::Events => Focus::Parts,
            Focus::Parts => Focus::Bytes,
            Focus::Bytes => Focus::Events,
        }
    }
}

/// A place among so many, moved, and kept among them.
fn moved(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}
