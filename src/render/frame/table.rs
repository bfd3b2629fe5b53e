//! The table of a frame's fields: where each lies, its bytes, its own bits, what it says.

use super::line::{Line, Marks, count};
use super::{FrameView, Sender, payload};
use crate::layout::{Field, Role, Spec, Value};
use crate::render::{Paint, Sheet, escape};
use crate::said::Endpoint;
use crate::websocket::frame::MASK;
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table,
    TableStyle,
};
use std::io::{self, Write};
use std::ops::Range;

const COLUMNS: [&str; 7] = ["byte", "hex", "bits", "field", "value", "meaning", "section"];
const HEX: usize = 1;
const BITS: usize = 2;
const FIELD: usize = 3;
const VALUE: usize = 4;
const MEANING: usize = 5;
const SECTION: usize = 6;

/// Columns between two columns: padding and junction.
const GAP: usize = 2;

/// Narrower than this, the meaning is worth more than other columns.
const MEANING_WIDTH: usize = 22;

/// Bytes of hexadecimal in one line of a cell.
const HEX_BYTES: usize = 5;

struct Row {
    cells: [String; 7],
    role: Role,
    field: Option<(&'static Spec, Range<u64>)>,
}

/// A field as a row tells of it.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub spec: &'static Spec,
    /// Its bits, counted from the frame's first.
    pub span: Range<u64>,
    /// Its name; that of a field inside another begins with a mark.
    pub label: String,
    /// Its bits among those of its byte, where it is no whole byte.
    pub bits: String,
    /// What it holds.
    pub value: String,
    /// What that means here.
    pub meaning: String,
}

/// The fields of a frame, in the words of the table, for a sheet of that width.
pub fn parts(sheet: &Sheet, view: &FrameView) -> Vec<Part> {
    let rows = rows(view, Marks::of(sheet), sheet.width);
    let part = |row: Row| {
        let (spec, span) = row.field?;
        let [_, hex, bits, label, value, meaning, _] = row.cells;
        // A key has no other value than its bytes.
        let value = if value.is_empty() { hex } else { value };
        Some(Part { spec, span, label, bits, value, meaning })
    };
    rows.into_iter().filter_map(part).collect()
}

pub(super) fn write(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    let mut rows = rows(view, Marks::of(sheet), sheet.width.saturating_sub(20));
    let columns = fitting_columns(&rows, sheet.width.saturating_sub(1));
    if fixed_width(&rows, &columns) + MEANING_WIDTH > sheet.width {
        // The figure has the label in full.
        for row in &mut rows {
            row.cells[FIELD] = row.cells[FIELD].replace("Extended payload", "Ext.");
        }
    }
    let table = table(&rows, &columns, sheet);
    paint(out, sheet, &rows, &columns, &table.trim_fmt())
}

/// One row for each field, in order, children below their parent.
fn rows(view: &FrameView, marks: Marks, columns: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut shown_to = 0;
    for field in &view.layout.fields {
        rows.push(row(view, field, &mut shown_to, marks, columns, None));
        for child in &field.children {
            let mut nothing = u64::MAX;
            rows.push(row(view, child, &mut nothing, marks, columns, Some(marks.child())));
        }
    }
    if let Some(missing) = view.layout.missing {
        let is = if missing.bytes == 1 { "is" } else { "are" };
        let what = if view.not_kept { "not kept" } else { "missing" };
        let meaning = format!("{} {is} {what}", count(missing.bytes, "byte"));
        let cells = [
            view.wire.len().to_string(),
            "??".to_owned(),
            String::new(),
            missing.field.label.to_owned(),
            String::new(),
            meaning,
            section(missing.field.section, marks),
        ];
        rows.push(Row { cells, role: missing.field.role, field: None });
    }
    rows
}

fn row(
    view: &FrameView,
    field: &Field,
    shown_to: &mut u64,
    marks: Marks,
    columns: usize,
    child: Option<&str>,
) -> Row {
    let at = field.span.byte_offset().saturating_sub(view.offset);
    let end = at + field.span.byte_length();
    // Several fields in one byte: the byte is shown once.
    let is_new = at >= *shown_to || child.is_some();
    if child.is_none() {
        *shown_to = end;
    }
    let range = at as usize..(end as usize).min(view.wire.len());
    let role = field.spec.role;
    let value = match (role, field.value) {
        (Role::Opcode, Value::Number(value)) => format!("0x{value:X}"),
        (Role::Flag | Role::Code, Value::Number(value)) => value.to_string(),
        (_, Value::Number(value)) => super::number(value),
        (Role::Payload, Value::Bytes) => format!("{} B", super::number(field.span.byte_length())),
        (_, Value::Bytes) => String::new(),
    };
    let meaning = match role {
        Role::Payload => payload::meaning(view, field, marks, columns),
        _ => odd_mask(view, field).unwrap_or_else(|| field.meaning.to_string()),
    };
    let label = format!("{}{}", child.unwrap_or_default(), field.spec.label);
    // The bytes of a payload that is told apart further stand beside its parts.
    let shows_bytes = is_new && field.children.is_empty();
    let cells = [
        if is_new { at.to_string() } else { String::new() },
        if shows_bytes { hex(&view.wire[range.clone()], marks) } else { String::new() },
        if field.span.is_whole_bytes() { String::new() } else { bits(view, field, range, marks) },
        label,
        value,
        marks.prose(&meaning),
        section(field.spec.section, marks),
    ];
    let first = field.span.start.saturating_sub(view.offset.saturating_mul(8));
    let field = Some((field.spec, first..first + field.span.length));
    Row { cells, role, field }
}

/// The mask bit says something else than is known of the sender.
fn odd_mask(view: &FrameView, field: &Field) -> Option<String> {
    let Sender::Certain(from) = view.sender else { return None };
    let masked = field.spec == &MASK && field.value == Value::Number(1);
    if field.spec != &MASK || masked == (from == Endpoint::Client) {
        return None;
    }
    let masked = if masked { "masked" } else { "not masked" };
    Some(format!("{masked}, although it comes from the {from}"))
}

/// At most two lines of bytes; a word of 32 or 64 bits keeps together.
fn hex(bytes: &[u8], marks: Marks) -> String {
    let per_line = if bytes.len() == 8 || bytes.len() == 4 { 4 } else { HEX_BYTES };
    let lines: Vec<String> = bytes.chunks(per_line).take(2).map(escape::hex).collect();
    let mut text = lines.join("\n");
    if bytes.len() > 2 * per_line {
        text.truncate(text.len() - 3);
        text.push(' ');
        text.push_str(if marks.ellipsis().is_ascii() { ".." } else { "…" });
    }
    text
}

/// The bits of the field's byte; those of other fields as dots.
fn bits(view: &FrameView, field: &Field, range: Range<usize>, marks: Marks) -> String {
    let first = (field.span.start - view.offset * 8) as usize;
    let own = first..first + field.span.length as usize;
    let mut text = String::new();
    for bit in range.start * 8..range.end * 8 {
        if bit > range.start * 8 && bit.is_multiple_of(4) {
            text.push(' ');
        }
        let is_set = view.wire[bit / 8] >> (7 - bit % 8) & 1 == 1;
        text.push(match own.contains(&bit) {
            true if is_set => '1',
            true => '0',
            false => marks.other_bit(),
        });
    }
    text
}

fn section(section: &str, marks: Marks) -> String {
    let section = section.strip_prefix("6455 ").unwrap_or(section);
    if marks.prose("§") == "§" { section.to_owned() } else { section.replace('§', "") }
}

/// The columns that leave room for the meaning.
fn fitting_columns(rows: &[Row], width: usize) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
    for dropped in [SECTION, BITS, HEX] {
        if fixed_width(rows, &columns) + MEANING_WIDTH <= width {
            break;
        }
        columns.retain(|column| *column != dropped);
    }
    columns
}

fn fixed_width(rows: &[Row], columns: &[usize]) -> usize {
    let widest = |column: usize| {
        let lines = rows.iter().flat_map(|row| row.cells[column].lines()).map(escape::width);
        lines.max().unwrap_or(0).max(COLUMNS[column].len())
    };
    let fixed = columns.iter().filter(|column| **column != MEANING);
    fixed.map(|column| widest(*column) + GAP).sum()
}

fn table(rows: &[Row], columns: &[usize], sheet: &Sheet) -> Table {
    let rule = Marks::of(sheet).rule();
    let style = TableStyle::new()
        .header_lines(ContentLineStyle::none().junction(' '))
        .header_separator(LineStyle::none().fill(rule).junction(' '))
        .content_lines(ContentLineStyle::none().junction(' '));
    let mut table = Table::new();
    table.force_no_tty().load_style(style);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(sheet.width.saturating_sub(1)).unwrap_or(u16::MAX));
    let cell = |column: usize, text: &str| {
        let is_number = column == 0;
        Cell::new(text).set_alignment(if is_number {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        })
    };
    table.set_header(columns.iter().map(|column| cell(*column, COLUMNS[*column])));
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(*column, &row.cells[*column])));
    }
    for (index, column) in columns.iter().enumerate() {
        let Some(shown) = table.column_mut(index) else { continue };
        shown.set_padding((0, 1));
        if *column != MEANING {
            shown.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// Paints what comfy-table laid out: it can't paint parts of a cell, and the palette is ours.
fn paint(
    out: &mut impl Write,
    sheet: &Sheet,
    rows: &[Row],
    columns: &[usize],
    text: &str,
) -> io::Result<()> {
    let rule = Marks::of(sheet).rule();
    let ranges = text.lines().nth(1).map(|line| runs(line, rule)).unwrap_or_default();
    let mut row: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        if index < 2 {
            let paint = if index == 0 { Paint::Title } else { Paint::Faint };
            Line::of(" ").paint(paint, line).write(out, sheet)?;
            continue;
        }
        let cells: Vec<&str> = ranges.iter().map(|range| slice(line, range)).collect();
        let begins =
            columns.iter().zip(&cells).any(|(c, cell)| *c == FIELD && !cell.trim().is_empty());
        if begins {
            row = Some(row.map_or(0, |row| row + 1));
        }
        let role = row.and_then(|row| rows.get(row)).map(|row| Paint::Role(row.role));
        let mut painted = Line::of(" ");
        for ((column, cell), range) in columns.iter().zip(&cells).zip(&ranges) {
            painted = painted.pad_to(range.start + 1);
            painted = match (*column, role) {
                (BITS, Some(role)) => bits_painted(painted, cell, role),
                (HEX | FIELD | VALUE, Some(role)) => painted.paint(role, *cell),
                (MEANING, _) => painted.text(*cell),
                _ => painted.paint(Paint::Faint, *cell),
            };
        }
        painted.write(out, sheet)?;
    }
    Ok(())
}

fn bits_painted(mut line: Line, cell: &str, role: Paint) -> Line {
    let is_own = |c: &char| matches!(c, '0' | '1');
    let letters: Vec<char> = cell.chars().collect();
    for run in letters.chunk_by(|a, b| is_own(a) == is_own(b)) {
        let text: String = run.iter().collect();
        line = line.paint(if is_own(&run[0]) { role } else { Paint::Faint }, text);
    }
    line
}

/// The columns that the rule below the header marks.
fn runs(line: &str, rule: char) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    for (column, c) in line.chars().chain([' ']).enumerate() {
        match (c == rule, start) {
            (true, None) => start = Some(column),
            (false, Some(from)) => {
                runs.push(from..column);
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// The part of a line in these columns of the terminal.
fn slice<'a>(line: &'a str, columns: &Range<usize>) -> &'a str {
    let (mut used, mut from, mut to) = (0, None, line.len());
    for (at, c) in line.char_indices() {
        if used >= columns.end {
            to = at;
            break;
        }
        if used >= columns.start && from.is_none() {
            from = Some(at);
        }
        used += escape::width(c.encode_utf8(&mut [0; 4]));
    }
    from.map_or("", |from| &line[from..to])
}
