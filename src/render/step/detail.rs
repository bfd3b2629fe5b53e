//! The selected event: what it is, its figure or fields, its bytes, and what is under the cursor.

use super::draw::{marked, rows, rows_of};
use super::subject::{Part, Story, Subject};
use super::{Focus, Form, Step};
use crate::layout::Role;
use crate::recording::{Recording, What};
use crate::render::frame::line::Line;
use crate::render::frame::{self, Look};
use crate::render::{Paint, Sheet, caption, escape};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line as Row;
use ratatui::widgets::{Block, Borders, Paragraph};

/// So many rows of bytes, and of what is under the cursor, always have a place.
const LEAST_BYTES: usize = 2;
const LEAST_STORY: usize = 4;

/// What is under the cursor takes no more than this from the bytes.
const MOST_STORY: usize = 9;

/// Fields of a usual frame.
const FRAME_PARTS: usize = 9;

/// Columns of a value; longer ones push the meaning aside.
const VALUE: usize = 6;

impl Step {
    pub(super) fn draw_detail(&self, frame: &mut Frame<'_>, area: Rect, recording: &Recording) {
        let vertical_left = if self.sheet.ascii { "|" } else { "│" };
        let border =
            ratatui::symbols::border::Set { vertical_left, ..ratatui::symbols::border::PLAIN };
        let block = Block::new()
            .borders(Borders::LEFT)
            .border_set(border)
            .padding(ratatui::widgets::Padding::left(1));
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let Some(subject) = self.subject(recording) else { return };
        let sheet = Sheet { width: inner.width as usize, ..self.sheet };
        let rows = self.detail(&sheet, &subject, inner.height as usize);
        frame.render_widget(Paragraph::new(rows), inner);
    }

    /// All rows, at most so many.
    fn detail(&self, sheet: &Sheet, subject: &Subject<'_>, height: usize) -> Vec<Row<'static>> {
        let mut shown = self.headline(sheet, subject);
        shown.truncate(2);
        let bytes = self.bytes(sheet, subject);
        let parts = self.parts(sheet, subject);
        let figure = self.figure(sheet, subject);
        let story = self.story(sheet, subject);
        let rules = 2 + usize::from(!bytes.is_empty());
        let room = height.saturating_sub(shown.len() + rules);
        // Some bytes and what is under the cursor always have a place.
        let least = bytes.len().min(LEAST_BYTES) + story.len().min(LEAST_STORY);
        let fits_both = room >= figure.len() + parts.len().min(FRAME_PARTS) + least;
        let has_figure = !figure.is_empty() && (fits_both || self.is_figure);
        let has_parts = fits_both || !has_figure;
        let room = room.saturating_sub(if has_figure { figure.len() } else { 0 });
        let for_parts = if has_parts { parts.len().min(room.saturating_sub(least)) } else { 0 };
        let room = room.saturating_sub(for_parts);
        let for_story =
            story.len().min(room.saturating_sub(bytes.len().min(LEAST_BYTES)).min(MOST_STORY));
        let for_bytes = bytes.len().min(room.saturating_sub(for_story));
        if has_figure {
            shown.extend(figure.into_iter().take(height.saturating_sub(rules + least)));
        }
        if has_parts {
            let title = if subject.view.is_some() { "fields" } else { "what it says" };
            shown.extend(self.rule(sheet, title, self.focus == Focus::Parts));
            shown.extend(window(parts, self.part, for_parts));
        }
        if !bytes.is_empty() {
            shown.extend(self.rule(sheet, self.form_title(subject), self.focus == Focus::Bytes));
            shown.extend(window(bytes, self.byte / per_row(sheet), for_bytes));
        }
        shown.extend(self.rule(sheet, "under the cursor", false));
        shown.extend(story);
        shown.truncate(height);
        shown
    }

    /// A title with a line behind it.
    fn rule(&self, sheet: &Sheet, title: &str, has_focus: bool) -> Vec<Row<'static>> {
        let dash = if sheet.ascii { "-" } else { "─" };
        let paint = if has_focus { Paint::Lit(Role::Header) } else { Paint::Title };
        let line = Line::new().paint(Paint::Faint, dash).text(" ").paint(paint, title).text(" ");
        let rest = sheet.width.saturating_sub(line.columns());
        rows_of(sheet, [line.paint(Paint::Faint, dash.repeat(rest))])
    }

    fn headline(&self, sheet: &Sheet, subject: &Subject<'_>) -> Vec<Row<'static>> {
        let mut painted = Vec::new();
        match &subject.view {
            Some(view) if self.tells(self.event) => {
                let _ = frame::headline(&mut painted, sheet, view);
            }
            Some(view) => {
                let words = format!("frame {}", view.number);
                let _ = Line::new().paint(Paint::Title, words).write(&mut painted, sheet);
            }
            None => {
                let words = match &subject.item.what {
                    What::Request(_) => "the request".to_owned(),
                    What::Response(answer) => format!(
                        "the response: {} rules hold, {} could not be judged",
                        answer.held, answer.not_observed
                    ),
                    _ => caption::text(subject.item),
                };
                let text = sheet.clip(&sheet.words(&words), sheet.width);
                let _ = Line::new().paint(Paint::Title, text).write(&mut painted, sheet);
            }
        }
        rows(&painted)
    }

    fn figure(&self, sheet: &Sheet, subject: &Subject<'_>) -> Vec<Row<'static>> {
        let Some(view) = &subject.view else { return Vec::new() };
        let hidden = subject.parts.iter().enumerate();
        let hidden = hidden
            .filter(|(index, part)| self.hides(*index, part))
            .filter_map(|(_, part)| part.span.clone());
        let is_looked_at = self.focus != Focus::Events;
        let lit = subject.parts.get(self.part).filter(|_| is_looked_at);
        let look = Look {
            lit: lit.and_then(|part| part.span.clone()),
            hidden: hidden.collect(),
            payload_rows: Some(1),
        };
        let mut painted = Vec::new();
        let _ = frame::figure(&mut painted, sheet, view, &look);
        rows(&painted)
    }

    fn parts(&self, sheet: &Sheet, subject: &Subject<'_>) -> Vec<Row<'static>> {
        let parts = &subject.parts;
        let label = |part: &Part| match sheet.width {
            ..60 => part.label.replace("Extended payload", "Ext."),
            _ => part.label.clone(),
        };
        let widest = |text: &dyn Fn(&Part) -> usize| parts.iter().map(text).max().unwrap_or(0);
        let bits = widest(&|part| escape::width(&part.bits));
        let bits = if bits > 0 { bits + 2 } else { 0 };
        let labels = widest(&|part| escape::width(&label(part))).min(sheet.width * 2 / 5);
        let rest = sheet.width.saturating_sub(1 + bits + labels + 2);
        let is_frame = subject.view.is_some();
        let line = |(index, part): (usize, &Part)| {
            let is_here = index == self.part && self.focus != Focus::Events;
            let pointer = if is_here { if sheet.ascii { ">" } else { "▸" } } else { " " };
            let paint = match part.paint {
                Paint::Role(role) if is_here => Paint::Lit(role),
                paint => paint,
            };
            let pointer = Line::new().paint(Paint::Title, pointer);
            if part.is_open {
                let line = pointer.paint(paint, part.label.as_str()).text("  ");
                let room = sheet.width.saturating_sub(line.columns());
                return line.text(sheet.clip(&sheet.words(&part.meaning), room));
            }
            let mut line = pointer.paint(Paint::Faint, part.bits.clone());
            line = line.pad_to(1 + bits).paint(paint, sheet.clip(&label(part), labels));
            line = line.pad_to(1 + bits + labels + 2);
            if self.hides(index, part) {
                return line.paint(Paint::Faint, "?");
            }
            if !part.value.is_empty() {
                let value = part.value.lines().next().unwrap_or_default();
                let most = if is_frame || part.meaning.is_empty() { rest } else { rest * 2 / 3 };
                line = line.paint(part.paint, sheet.clip(value, most)).text("  ");
            }
            if is_frame {
                line = line.pad_to(1 + bits + labels + 2 + VALUE);
            }
            let room = sheet.width.saturating_sub(line.columns());
            line.text(sheet.clip(&sheet.words(&part.meaning), room))
        };
        let mut rows = rows_of(sheet, parts.iter().enumerate().map(line));
        if let (Some(row), Focus::Parts) = (rows.get_mut(self.part), self.focus) {
            *row = marked(std::mem::take(row), Modifier::BOLD, 0);
        }
        rows
    }

    fn form_title(&self, subject: &Subject<'_>) -> &'static str {
        match self.form {
            Form::Inflated if subject.inflated.is_some() => "the message, inflated",
            Form::Plain if subject.view.is_some() => "bytes, unmasked",
            _ if subject.is_out_of_hpack() => "the fields as text; on the wire they were HPACK",
            _ => "bytes on the wire",
        }
    }

    fn bytes(&self, sheet: &Sheet, subject: &Subject<'_>) -> Vec<Row<'static>> {
        let is_inflated = self.form == Form::Inflated && subject.inflated.is_some();
        let bytes = match self.form {
            Form::Inflated if is_inflated => subject.inflated.as_deref().unwrap_or_default(),
            Form::Plain => &subject.plain,
            _ => &subject.wire,
        };
        let is_payload_hidden =
            subject.parts.iter().enumerate().any(|(index, part)| {
                matches!(part.story, Story::Payload) && self.hides(index, part)
            });
        let is_told = |at: usize| {
            !is_payload_hidden || self.form == Form::Wire || !is_inflated && at < subject.payload_at
        };
        let lit = match (self.focus, subject.parts.get(self.part)) {
            (Focus::Bytes, _) => Some(self.byte as u64 * 8..self.byte as u64 * 8 + 8),
            (Focus::Parts, Some(part)) => part.span.clone(),
            _ => None,
        };
        let paint = |at: usize| {
            let part = if is_inflated { None } else { subject.part_at(at) };
            let role = match part.and_then(|part| subject.parts.get(part)).map(|part| part.paint) {
                Some(Paint::Role(role)) => role,
                _ if is_inflated => Role::Payload,
                _ => Role::Header,
            };
            let bits = at as u64 * 8..at as u64 * 8 + 8;
            let is_lit =
                lit.as_ref().is_some_and(|lit| lit.start < bits.end && bits.start < lit.end);
            if is_lit && !is_inflated { Paint::Lit(role) } else { Paint::Role(role) }
        };
        let per_row = per_row(sheet);
        let lines = bytes.chunks(per_row).enumerate().map(|(row, bytes)| {
            let from = row * per_row;
            let mut line = Line::new().paint(Paint::Faint, format!("{from:04x}"));
            let mut characters = Line::new();
            for (index, byte) in bytes.iter().enumerate() {
                let at = from + index;
                let gap = if index % 8 == 0 { "  " } else { " " };
                let told = is_told(at);
                let hex = if told { format!("{byte:02x}") } else { "??".to_owned() };
                line = line.text(gap).paint(paint(at), hex);
                let shown = if told { escape::byte(*byte) } else { '?' };
                let shown = if shown == '·' { '.' } else { shown };
                characters = characters.paint(paint(at), shown.to_string());
            }
            line.pad_to(4 + per_row * 3 + per_row / 8 + 2).join(characters)
        });
        rows_of(sheet, lines)
    }

    /// What is under the cursor, in words.
    fn story(&self, sheet: &Sheet, subject: &Subject<'_>) -> Vec<Row<'static>> {
        let Some(part) = subject.parts.get(self.part) else { return Vec::new() };
        if self.hides(self.part, part) {
            let words = "what does it say? space shows it";
            return rows_of(sheet, [Line::new().paint(Paint::Faint, words)]);
        }
        let mut painted = Vec::new();
        if let (Some(view), true) =
            (&subject.view, matches!(part.paint, Paint::Role(Role::Payload | Role::Code)))
        {
            let at = self.byte.saturating_sub(subject.payload_at);
            let _ = frame::unmasking(&mut painted, sheet, view, at);
        }
        painted.extend(subject.story(part, sheet, self.form == Form::Inflated));
        rows(&painted)
    }
}

/// Bytes in a row.
fn per_row(sheet: &Sheet) -> usize {
    if sheet.width >= 4 + 16 * 4 + 4 { 16 } else { 8 }
}

/// The rows around one of them, at most so many.
fn window(mut rows: Vec<Row<'static>>, at: usize, most: usize) -> Vec<Row<'static>> {
    let first = at.saturating_sub(most / 2).min(rows.len().saturating_sub(most));
    rows.drain(..first);
    rows.truncate(most);
    rows
}
