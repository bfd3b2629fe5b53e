//! The screen: a line about the connection, the events, the selected one, a line about the keys.

use super::keys::HELP;
use super::{Focus, Kind, Overlay, Step};
use crate::layout::Role;
use crate::recording::{Conversation, Item, Recording, What};
use crate::render::caption::{self, Kind as Word};
use crate::render::frame::line::Line;
use crate::render::timeline::arrow;
use crate::render::{Paint, Sheet, escape};
use ansi_to_tui::IntoText as _;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize as _};
use ratatui::text::{Line as Row, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

/// Nothing can be shown on less.
const LEAST: (u16, u16) = (40, 10);

/// Columns of a time in the list.
const TIME: usize = 8;

/// A list narrower than this does without sizes.
const NARROW: usize = 40;

/// Painted text as rows of the screen.
pub(super) fn rows(painted: &[u8]) -> Vec<Row<'static>> {
    painted.into_text().map(|text| text.lines).unwrap_or_default()
}

/// Painted lines as rows of the screen.
pub(super) fn rows_of(sheet: &Sheet, lines: impl IntoIterator<Item = Line>) -> Vec<Row<'static>> {
    let mut painted = Vec::new();
    for line in lines {
        // Memory does not fail.
        let _ = line.write(&mut painted, sheet);
    }
    rows(&painted)
}

/// A row that stands out. Reversed, it is one bar: its colours would make it a patchwork.
pub(super) fn marked(row: Row<'static>, modifier: Modifier, columns: usize) -> Row<'static> {
    let pad = " ".repeat(columns.saturating_sub(row.width()));
    let spans = row.spans.into_iter().chain([pad.into()]);
    let stand_out = |span: Span<'static>| match modifier {
        Modifier::REVERSED => Span::styled(span.content, Style::new().reversed()),
        _ => span.add_modifier(modifier),
    };
    spans.map(stand_out).collect::<Vec<_>>().into()
}

/// As much of a row as there is room for, and a sign that there is more.
fn clipped(row: Row<'static>, sheet: &Sheet) -> Row<'static> {
    let mut room = sheet.width.saturating_sub(1);
    if row.width() <= room {
        return row;
    }
    let mut spans = Vec::new();
    for span in row.spans {
        let width = span.width();
        if width > room {
            let cut = sheet.clip(&span.content, room);
            spans.push(Span::styled(cut, span.style));
            break;
        }
        room -= width;
        spans.push(span);
    }
    spans.into()
}

impl Step {
    /// Shows what is being looked at.
    pub fn draw(&self, frame: &mut Frame<'_>, recording: &Recording) {
        let area = frame.area();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let words = format!("{} by {} at least, please", LEAST.0, LEAST.1);
            return frame.render_widget(Paragraph::new(words), area);
        }
        let rows =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]);
        let [top, middle, bottom] = rows.areas(area);
        // The figure has 32 bits in a row where there is room for them.
        let for_figure = if middle.width >= 112 { middle.width - 74 } else { middle.width };
        let left = (middle.width * 2 / 5).min(for_figure).clamp(18, 64);
        let columns = Layout::horizontal([Constraint::Length(left), Constraint::Min(1)]);
        let [list, detail] = columns.areas(middle);
        self.draw_title(frame, top, recording);
        if recording.conversations.is_empty() {
            let words = if self.is_read {
                "There is no WebSocket connection in it."
            } else {
                "reading …"
            };
            frame.render_widget(Paragraph::new(words), middle);
        } else {
            self.draw_list(frame, list, recording);
            self.draw_detail(frame, detail, recording);
        }
        self.draw_keys(frame, bottom, recording);
        if let Some(overlay) = &self.overlay {
            self.draw_overlay(frame, middle, overlay, recording);
        }
    }

    fn sheet_of(&self, width: u16) -> Sheet {
        Sheet { width: width as usize, ..self.sheet }
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect, recording: &Recording) {
        let width = area.width as usize;
        let mut words = self.title(recording);
        // What can be found out in another way goes first.
        while words.len() > 2 && escape::width(&joined(&words)) > width {
            let least = words.iter().enumerate().max_by_key(|(_, (weight, _))| *weight);
            let Some((least, _)) = least else { break };
            words.remove(least);
        }
        let text = self.sheet.words(&joined(&words)).into_owned();
        let text = format!("{:width$}", self.sheet.clip(&text, width));
        let bar = Style::new().add_modifier(Modifier::REVERSED);
        frame.render_widget(Paragraph::new(text).style(bar), area);
    }

    /// The parts of the first line, each with a weight: the heaviest goes where there is no room.
    fn title(&self, recording: &Recording) -> Vec<(u8, String)> {
        let mut words = vec![(0, format!(" {}", escape::text(self.name.as_bytes())))];
        if let Some(conversation) = self.conversation(recording) {
            let count = recording.conversations.len();
            let connection = &conversation.connection;
            if count > 1 {
                words.push((1, format!("connection {} of {count}", self.conversation + 1)));
            }
            if let (Some(client), Some(server)) = (connection.client, connection.server) {
                words.push((3, format!("{client} → {server}")));
            }
            let kept = conversation.items.len();
            words.push((1, format!("event {} of {kept}", self.event.min(kept) + 1)));
            if conversation.left_out > 0 {
                words.push((2, format!("{} more not kept", conversation.left_out)));
            }
        }
        if !self.is_read {
            words.push((1, "reading …".to_owned()));
        }
        if self.is_presenting {
            words.push((1, "presenter mode".to_owned()));
        }
        words
    }

    fn draw_list(&self, frame: &mut Frame<'_>, area: Rect, recording: &Recording) {
        let Some(conversation) = self.conversation(recording) else { return };
        let sheet = self.sheet_of(area.width);
        let height = area.height as usize;
        let count = conversation.items.len();
        let first = self.event.saturating_sub(height / 2).min(count.saturating_sub(height));
        let shown = first..count.min(first + height);
        let lines = shown.clone().map(|index| self.row(&sheet, conversation, index));
        let clip = |row| clipped(row, &sheet);
        let mut rows: Vec<_> = rows_of(&sheet, lines).into_iter().map(clip).collect();
        if let Some(row) = rows.get_mut(self.event.saturating_sub(first)) {
            let modifier = match self.focus {
                Focus::Events => Modifier::REVERSED,
                _ => Modifier::BOLD,
            };
            *row = marked(std::mem::take(row), modifier, area.width as usize);
        }
        frame.render_widget(Paragraph::new(rows), area);
    }

    /// An event in the list.
    fn row(&self, sheet: &Sheet, conversation: &Conversation, index: usize) -> Line {
        let item = &conversation.items[index];
        let pointer = match (index == self.event, sheet.ascii) {
            (false, _) => " ",
            (true, false) => "▸",
            (true, true) => ">",
        };
        let worst = item.findings.iter().map(|finding| finding.severity).max();
        let mut line = Line::new().paint(Paint::Title, pointer);
        line = match worst {
            Some(worst) => line.paint(Paint::Severity(worst), sheet.mark(worst)),
            None => line.text(" "),
        };
        let opened = conversation.connection.opened;
        let since = item.at.time.zip(opened.time).map(|(now, opened)| now.seconds_since(opened));
        if let Some(since) = since {
            let time = format!("{since:.3}");
            line = line.paint(Paint::Faint, format!("{time:>TIME$} "));
        }
        let (arrow, paint) = arrow(sheet, item.from);
        line = line.paint(paint, arrow).text(" ");
        if !self.tells(index) {
            return line.paint(Paint::Faint, untold(item));
        }
        for piece in caption::of(item) {
            let text = sheet.words(&piece.text).into_owned();
            if piece.kind == Word::Size && sheet.width < NARROW {
                continue;
            }
            line = match piece.kind {
                Word::Name => line.paint(Paint::Role(Role::Opcode), text),
                Word::Code => line.paint(Paint::Role(Role::Code), text),
                Word::Quote => line.paint(Paint::Role(Role::Payload), format!("\"{text}\"")),
                Word::Hex => line.paint(Paint::Role(Role::Payload), text),
                Word::Target => line.paint(Paint::Name, text),
                Word::Size | Word::Faint => line.paint(Paint::Faint, text),
                Word::Plain => line.text(text),
            };
            line = line.text(" ");
        }
        line
    }

    fn draw_keys(&self, frame: &mut Frame<'_>, area: Rect, recording: &Recording) {
        let text = match (&self.typed, self.note.as_str()) {
            (Some(typed), _) => format!(" /{}_", escape::text(typed.as_bytes())),
            (None, "") => self.hint(recording, area.width as usize),
            (None, note) => format!(" {}", escape::text(note.as_bytes())),
        };
        let text = match self.sheet.ascii {
            true => text.replace("↑↓←→", "arrows").replace("↑↓", "Up Down").replace('←', "<-"),
            false => text,
        };
        let text = self.sheet.clip(&self.sheet.words(&text), area.width as usize);
        let rows = rows_of(&self.sheet, [Line::new().paint(Paint::Faint, text)]);
        frame.render_widget(Paragraph::new(rows), area);
    }

    /// The keys of most use; where there is no room for all, those of help and of leaving stay.
    fn hint(&self, recording: &Recording, columns: usize) -> String {
        let mut words = match self.focus {
            Focus::Events => vec![" ↑↓ event", "→ fields"],
            Focus::Parts => vec![" ↑↓ field", "→ bytes", "← events"],
            Focus::Bytes => vec![" ↑↓←→ byte", "Esc events"],
        };
        if self.is_presenting {
            words.extend(["space show", "a all"]);
        }
        if self.focus != Focus::Events {
            words.push("u unmask");
            let is_deflated = |item: &Item| match &item.what {
                What::Frame(frame) => frame.says_compressed(),
                _ => false,
            };
            if self.item(recording).is_some_and(is_deflated) {
                words.push("i inflate");
            }
        }
        words.extend(["e explain", "f finding", "/ search", "? help", "q quit"]);
        // In ASCII an arrow takes more columns than one.
        let columns = if self.sheet.ascii { columns.saturating_sub(8) } else { columns };
        while words.len() > 2 && escape::width(&words.join("  ")) > columns {
            words.remove(words.len() - 3);
        }
        words.join("  ")
    }

    fn draw_overlay(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        overlay: &Overlay,
        recording: &Recording,
    ) {
        let width = if area.width < 100 { area.width } else { (area.width - 4).min(104) };
        let sheet = self.sheet_of(width.saturating_sub(4));
        let rows = match &overlay.kind {
            Kind::Help => help(&sheet),
            Kind::Word(word) => rows((self.explain)(word, &sheet).as_slice()),
            Kind::Part => self.part_in_full(&sheet, recording),
            Kind::Connections => self.connections(&sheet, recording),
        };
        let height = (rows.len() as u16).saturating_add(2).min(area.height);
        let x = area.x + (area.width - width) / 2;
        let y = area.y + (area.height - height) / 2;
        let place = Rect { x, y, width, height };
        let inner = height.saturating_sub(2);
        let scroll = match overlay.kind {
            Kind::Connections => (self.conversation as u16).saturating_sub(inner / 2),
            _ => overlay.scroll,
        };
        let last = (rows.len() as u16).saturating_sub(inner);
        let more = if scroll < last { " ↓ more " } else { " any other key closes " };
        let title = format!(" {} ", escape::text(overlay.title.as_bytes()));
        let block = Block::new()
            .borders(Borders::ALL)
            .border_set(match self.sheet.ascii {
                true => ASCII_BORDER,
                false => ratatui::symbols::border::ROUNDED,
            })
            .padding(ratatui::widgets::Padding::horizontal(1))
            .title(title)
            .title_bottom(self.sheet.words(&more.replace('↓', "Down:")).into_owned());
        frame.render_widget(Clear, place);
        let text = Paragraph::new(rows).scroll((scroll.min(last), 0)).block(block);
        frame.render_widget(text, place);
    }

    fn part_in_full(&self, sheet: &Sheet, recording: &Recording) -> Vec<Row<'static>> {
        let Some(subject) = self.subject(recording) else { return Vec::new() };
        let Some(part) = subject.parts.get(self.part) else { return Vec::new() };
        let mut painted = Vec::new();
        let title = Line::new().paint(part.paint, part.label.trim_start_matches(['└', '`', ' ']));
        let _ = title.write(&mut painted, sheet);
        if self.hides(self.part, part) {
            painted.extend_from_slice(b"hidden until you show it: space\n");
            return rows(&painted);
        }
        for line in crate::render::wrap(&part.value, sheet.width) {
            painted.extend_from_slice(format!("{line}\n").as_bytes());
        }
        painted.extend(subject.story(part, sheet, true));
        rows(&painted)
    }

    fn connections(&self, sheet: &Sheet, recording: &Recording) -> Vec<Row<'static>> {
        let lines = recording.conversations.iter().map(|it| {
            let connection = &it.connection;
            let address = |address: Option<std::net::SocketAddr>| {
                address.map_or("?".to_owned(), |address| address.to_string())
            };
            let [errors, warnings, _] = it.findings;
            let worst = match (errors, warnings) {
                (0, 0) => String::new(),
                (0, warnings) => format!("! {warnings}"),
                (errors, _) => format!("{} {errors}", sheet.bad()),
            };
            let text = format!(
                "{:>4}  {}  {}  {} frame{}  {worst}  {}",
                connection.number,
                address(connection.client),
                address(connection.server),
                it.frames,
                if it.frames == 1 { "" } else { "s" },
                escape::text(it.ended.as_deref().unwrap_or("open").as_bytes())
            );
            Line::of(sheet.clip(&sheet.words(&text), sheet.width))
        });
        let mut rows = rows_of(sheet, lines);
        if let Some(row) = rows.get_mut(self.conversation) {
            *row = marked(std::mem::take(row), Modifier::REVERSED, sheet.width);
        }
        rows
    }
}

fn joined(words: &[(u8, String)]) -> String {
    words.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(" · ")
}

/// The corners and sides of a box in ASCII.
const ASCII_BORDER: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

fn help(sheet: &Sheet) -> Vec<Row<'static>> {
    let lines = HELP.iter().flat_map(|(keys, what)| {
        const KEYS: usize = 20;
        let text = crate::render::wrap(&sheet.words(what), sheet.width.saturating_sub(KEYS));
        let keys = match sheet.ascii {
            true => keys.replace("↑ ↓", "Up Down").replace("→ ←", "Right Left"),
            false => (*keys).to_owned(),
        };
        let row = move |(index, text): (usize, String)| {
            let keys = if index == 0 { keys.as_str() } else { "" };
            Line::new().paint(Paint::Name, keys).pad_to(KEYS).text(text)
        };
        text.into_iter().enumerate().map(row).collect::<Vec<_>>()
    });
    rows_of(sheet, lines)
}

/// An event whose values are still to be guessed.
fn untold(item: &Item) -> String {
    match &item.what {
        What::Frame(frame) => format!("a frame, {} bytes of it", frame.wire.len()),
        What::Request(_) => "a request".to_owned(),
        What::Response(_) => "a response".to_owned(),
        What::End { .. } => "the end".to_owned(),
        _ => "something else".to_owned(),
    }
}
