//! The figure of RFC 6455 §5.2, drawn for one frame: its own fields, its own bits, 32 to a row
//! (16 where the sheet is narrow). Knows no protocol: it draws whatever fields a layout has.

use super::line::{Line, Marks, count, number};
use super::{Extent, FrameView};
use crate::layout::{Field, Layout, Role, Value};
use crate::render::{Paint, Sheet, escape};
use crate::websocket::Opcode;
use crate::websocket::frame::OPCODE;
use std::io::{self, Write};
use std::ops::Range;

/// Columns left of the frame: the offset of the row's first byte.
const GUTTER: usize = 6;

/// So many letters stand below each other in a box of one bit.
const MAX_LETTERS: usize = 4;

/// Rows of payload that are drawn unless all are asked for.
const PAYLOAD_ROWS: u64 = 3;

/// One field, or a field that is missing, or rows that are left out.
pub(super) struct Box_ {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) role: Role,
    pub(super) kind: Kind,
    pub(super) label: String,
    /// Shown below the label, one a line.
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Part of a byte: its bits are shown.
    Bits,
    /// Whole bytes.
    Bytes,
    /// Whole bytes that can be unmasked or read as characters.
    Payload,
    /// Bytes that are not there.
    Missing,
    /// Bytes that are not drawn.
    Elided,
}

/// A box's part in one row.
pub(super) struct Segment<'a> {
    pub(super) of: &'a Box_,
    pub(super) start: u64,
    pub(super) end: u64,
    /// The row that holds most of the box, which gets its value.
    pub(super) is_main: bool,
    pub(super) is_first: bool,
}

pub(super) fn write(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    looked_at(out, sheet, view, extent, &Look::default())
}

/// How a frame is looked at, in bits from its first.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The field that is being looked at.
    pub lit: Option<Range<u64>>,
    /// Fields whose values are not told.
    pub hidden: Vec<Range<u64>>,
    /// So many rows of payload are drawn.
    pub payload_rows: Option<u64>,
}

impl Look {
    fn lights(&self, of: &Box_) -> bool {
        self.lit.as_ref().is_some_and(|lit| lit.start < of.end && of.start < lit.end)
    }

    fn hides(&self, of: &Box_) -> bool {
        self.hidden.iter().any(|hidden| hidden.start <= of.start && of.end <= hidden.end)
    }
}

/// Writes the figure as it is looked at.
pub(super) fn looked_at(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
    look: &Look,
) -> io::Result<()> {
    let per_row: u64 = if sheet.width > GUTTER + 64 { 32 } else { 16 };
    let boxes = boxes(view, per_row, extent, look, Marks::of(sheet));
    let drawing = Drawing { sheet, view, per_row, marks: Marks::of(sheet), look };
    drawing.ruler(out)?;
    let mut above: Vec<Segment<'_>> = Vec::new();
    let mut row = 0;
    loop {
        let segments = segments(&boxes, row, per_row);
        drawing.rule(out, &above, &segments)?;
        if segments.is_empty() {
            return Ok(());
        }
        drawing.row(out, row, &segments)?;
        above = segments;
        row += 1;
    }
}

/// What is drawn, in order, without gap, counted from the frame's first bit.
pub(super) fn boxes(
    view: &FrameView,
    per_row: u64,
    extent: Extent,
    look: &Look,
    marks: Marks,
) -> Vec<Box_> {
    let Layout { fields, missing } = &view.layout;
    let origin = view.offset.saturating_mul(8);
    let mut boxes = Vec::new();
    for field in fields {
        let inner =
            if field.children.is_empty() { std::slice::from_ref(field) } else { &field.children };
        boxes.extend(inner.iter().map(|field| of_field(field, origin, marks)));
    }
    let end = boxes.last().map_or(0, |last| last.end);
    if let Some(missing) = missing {
        let absent = if view.not_kept { "not kept" } else { "missing" };
        boxes.push(Box_ {
            start: end,
            end: end.saturating_add(missing.bytes.saturating_mul(8)),
            role: missing.field.role,
            kind: Kind::Missing,
            label: format!("{absent}: {}", missing.field.label),
            values: vec![count(missing.bytes, "byte")],
        });
    }
    if !extent.all {
        let payload_rows = look.payload_rows.unwrap_or(PAYLOAD_ROWS);
        let drawn = (view.header_length() as u64 * 8).div_ceil(per_row) + payload_rows;
        elide(&mut boxes, drawn, per_row, marks);
    }
    boxes
}

fn of_field(field: &Field, origin: u64, marks: Marks) -> Box_ {
    let start = field.span.start - origin;
    let kind = match field.spec.role {
        _ if !field.span.is_whole_bytes() => Kind::Bits,
        Role::Payload | Role::Code => Kind::Payload,
        _ => Kind::Bytes,
    };
    let values = match (field.spec.role, field.value) {
        (Role::Opcode, Value::Number(bits)) if field.spec == &OPCODE => {
            vec![short_name(Opcode::from_bits(bits as u8)).to_owned(), format!("0x{bits:X}")]
        }
        (Role::Opcode, Value::Number(bits)) => {
            vec![marks.prose(&field.meaning), format!("0x{bits:X}")]
        }
        (Role::Length | Role::Code, Value::Number(value)) => vec![number(value)],
        _ => Vec::new(),
    };
    Box_ {
        start,
        end: start + field.span.length,
        role: field.spec.role,
        kind,
        label: marks.prose(field.spec.label),
        values,
    }
}

/// A name that fits into the seven columns of four bits.
fn short_name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Continuation => "cont.",
        Opcode::Reserved(_) => "unknown",
        known => known.name(),
    }
}

/// A label as letters below each other: all of a short one, else the first of each word.
fn column_of(label: &str) -> Vec<char> {
    if label.chars().count() <= MAX_LETTERS {
        return label.chars().collect();
    }
    label.split([' ', '_', '-']).filter_map(|word| word.chars().next()).collect()
}

/// Leaves out the rows in the middle of nowhere: the first rows of payload tell enough.
fn elide(boxes: &mut Vec<Box_>, drawn: u64, per_row: u64, marks: Marks) {
    let end = boxes.last().map_or(0, |last| last.end);
    let mut cut = drawn * per_row;
    if let Some(missing) = boxes.last().filter(|last| last.kind == Kind::Missing) {
        // One row of bytes that are not there says it.
        cut = cut.min((missing.start / per_row + 1) * per_row);
    }
    if end.div_ceil(per_row) <= cut / per_row + 1 {
        return;
    }
    boxes.retain(|one| one.start < cut);
    let Some(last) = boxes.last_mut() else { return };
    let (role, was_missing) = (last.role, last.kind == Kind::Missing);
    last.end = last.end.min(cut);
    let rest = count((end - cut) / 8, if was_missing { "missing byte" } else { "more byte" });
    let ellipsis = marks.ellipsis();
    boxes.push(Box_ {
        start: cut,
        end: cut + per_row,
        role,
        kind: Kind::Elided,
        label: format!("{ellipsis} {rest} {ellipsis}"),
        values: Vec::new(),
    });
}

pub(super) fn segments(boxes: &[Box_], row: u64, per_row: u64) -> Vec<Segment<'_>> {
    let (from, to) = (row * per_row, (row + 1) * per_row);
    let touched = boxes.iter().filter(|one| one.start < to && from < one.end);
    touched
        .map(|of| {
            let (start, end) = (of.start.max(from), of.end.min(to));
            // The first row with the most bits of the box.
            let in_first = (of.start / per_row + 1) * per_row - of.start;
            let is_in_first = in_first.min(of.end - of.start) >= per_row.min(of.end - of.start);
            let second_holds_more =
                !is_in_first && (of.end - of.start - in_first).min(per_row) > in_first;
            let main_row = of.start / per_row + u64::from(second_holds_more);
            let is_first = of.start >= from;
            Segment { of, start: start - from, end: end - from, is_main: row == main_row, is_first }
        })
        .collect()
}

struct Drawing<'a> {
    sheet: &'a Sheet,
    view: &'a FrameView,
    per_row: u64,
    marks: Marks,
    look: &'a Look,
}

impl Drawing<'_> {
    /// The numbers of the bits, tens above units.
    fn ruler(&self, out: &mut impl Write) -> io::Result<()> {
        let bits = 0..self.per_row;
        let tens = |bit: u64| {
            if bit.is_multiple_of(10) { format!("{:<2}", bit / 10) } else { "  ".into() }
        };
        let tens: String = bits.clone().map(tens).collect();
        let units: String = bits.map(|bit| format!("{} ", bit % 10)).collect();
        for line in [tens, units] {
            let gutter = " ".repeat(GUTTER + 1);
            Line::of(gutter).paint(Paint::Faint, line).write(out, self.sheet)?;
        }
        Ok(())
    }

    fn row(&self, out: &mut impl Write, row: u64, segments: &[Segment<'_>]) -> io::Result<()> {
        let cells: Vec<Vec<Line>> =
            segments.iter().map(|segment| self.cell(row, segment)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..height {
            let gutter = match index {
                0 => format!("{:>w$} ", row * self.per_row / 8, w = GUTTER - 1),
                _ => " ".repeat(GUTTER),
            };
            let mut line = Line::new().paint(Paint::Faint, gutter);
            for (segment, cell) in segments.iter().zip(&cells) {
                let column = GUTTER + 1 + segment.end as usize * 2 - 1;
                line = line.paint(Paint::Faint, self.bar());
                // The bits or bytes of all cells stand in one line, the last.
                let content = match (cell.len() - 1, height - 1) {
                    (last, bottom) if index == bottom => cell.get(last),
                    (last, _) if index < last => cell.get(index),
                    _ => None,
                };
                line = line.join(content.cloned().unwrap_or_default()).pad_to(column);
            }
            line.paint(Paint::Faint, self.bar()).write(out, self.sheet)?;
        }
        Ok(())
    }

    /// The lines of a cell: label, values, bits or bytes last.
    fn cell(&self, row: u64, segment: &Segment<'_>) -> Vec<Line> {
        let of = segment.of;
        let width = (segment.end - segment.start) as usize * 2 - 1;
        let paint = match of.kind {
            Kind::Missing | Kind::Elided => Paint::Faint,
            _ if self.look.lights(of) => Paint::Lit(of.role),
            _ => Paint::Role(of.role),
        };
        let centred = |text: &str| {
            let left = width.saturating_sub(escape::width(text)) / 2;
            Line::of(" ".repeat(left)).paint(paint, text)
        };
        if width == 1 {
            let letters = column_of(&of.label).into_iter();
            let letters = letters.map(|letter| Line::new().paint(paint, letter.to_string()));
            return letters.chain([self.content(row, segment, paint)]).collect();
        }
        let mut lines = vec![centred(&self.label(segment, width))];
        if of.kind == Kind::Elided {
            return lines;
        }
        if segment.is_main && !self.look.hides(of) {
            let values = of.values.iter().filter(|value| escape::width(value) <= width);
            lines.extend(values.map(|value| centred(value)));
        }
        lines.push(self.content(row, segment, paint));
        lines
    }

    /// The label in the longest form that fits.
    fn label(&self, segment: &Segment<'_>, width: usize) -> String {
        let label = &segment.of.label;
        let forms = match segment.is_first {
            true => vec![label.clone()],
            false => {
                vec![format!("{label} (continued)"), format!("{label} {}", self.marks.ellipsis())]
            }
        };
        let shorter = [
            label.replace("Extended payload", "Ext. payload"),
            label.split([' ', ':']).next().unwrap_or_default().to_owned(),
        ];
        let forms = forms.into_iter().chain([label.clone()]).chain(shorter);
        forms
            .into_iter()
            .find(|form| escape::width(form) <= width)
            .unwrap_or_else(|| label.chars().take(width).collect())
    }

    /// The bits, or the bytes each above its eight bits.
    fn content(&self, row: u64, segment: &Segment<'_>, paint: Paint) -> Line {
        let base = row * self.per_row;
        let bytes = &self.view.wire;
        match segment.of.kind {
            Kind::Elided => Line::new(),
            Kind::Missing => {
                let byte = format!("{:^16}", "??");
                let text = byte.repeat(((segment.end - segment.start) / 8) as usize);
                Line::new().paint(paint, text[..text.len().max(1) - 1].to_owned())
            }
            Kind::Bits => {
                let bit = |bit: u64| {
                    let byte = bytes.get((bit / 8) as usize).copied().unwrap_or(0);
                    if byte >> (7 - bit % 8) & 1 == 1 { "1" } else { "0" }
                };
                let bits: Vec<&str> = (base + segment.start..base + segment.end).map(bit).collect();
                Line::new().paint(paint, bits.join(" "))
            }
            Kind::Bytes | Kind::Payload => {
                let (from, to) = ((base + segment.start) / 8, (base + segment.end) / 8);
                let mut line = Line::new();
                for (index, at) in (from..to).enumerate() {
                    line = line.pad_to(index * 16);
                    let kind =
                        if self.look.hides(segment.of) { Kind::Bytes } else { segment.of.kind };
                    line = line.join(self.byte(at as usize, kind, paint));
                }
                line
            }
        }
    }

    /// One byte in fifteen columns: `7f → 48 H` if it is masked payload.
    fn byte(&self, at: usize, kind: Kind, paint: Paint) -> Line {
        let Some(wire) = self.view.wire.get(at) else { return Line::new() };
        let payload = at.checked_sub(self.view.header_length());
        let plain = payload.and_then(|at| self.view.payload.get(at));
        let (Kind::Payload, Some(plain)) = (kind, plain) else {
            return Line::of("      ").paint(paint, format!("{wire:02x}"));
        };
        let is_text = matches!(paint, Paint::Role(Role::Payload) | Paint::Lit(Role::Payload));
        let is_shown = plain.is_ascii_graphic() && is_text;
        let character = if is_shown && !self.view.compressed {
            format!(" {}", escape::byte(*plain))
        } else {
            String::new()
        };
        let masked = self.view.header.is_some_and(|header| header.masked());
        if !masked {
            return Line::of("      ").paint(paint, format!("{wire:02x}{character}"));
        }
        let arrow = self.marks.arrow();
        let pad = " ".repeat(4 - arrow.chars().count());
        Line::of(pad)
            .paint(Paint::Faint, format!("{wire:02x} {arrow} "))
            .paint(paint, format!("{plain:02x}{character}"))
    }

    /// The line between two rows, with the right crossing at each border.
    fn rule(
        &self,
        out: &mut impl Write,
        above: &[Segment<'_>],
        below: &[Segment<'_>],
    ) -> io::Result<()> {
        let extent = |row: &[Segment<'_>]| row.last().map_or(0, |last| last.end);
        let last = extent(above).max(extent(below));
        let is_border = |row: &[Segment<'_>], bit: u64| {
            row.iter().any(|segment| segment.start == bit || segment.end == bit)
        };
        let inside = |row: &[Segment<'_>], twice: u64| {
            let segment = row.iter().find(|s| s.start * 2 < twice && twice < s.end * 2)?;
            Some(std::ptr::from_ref(segment.of))
        };
        let mut text = String::new();
        for twice in 0..=last * 2 {
            let bit = twice / 2;
            let on_bit = twice.is_multiple_of(2);
            let (up, down) = (on_bit && is_border(above, bit), on_bit && is_border(below, bit));
            let goes_on =
                inside(above, twice).is_some() && inside(above, twice) == inside(below, twice);
            text.push(if up || down {
                self.crossing(up, down, twice > 0, twice < last * 2)
            } else if goes_on {
                self.dash(twice)
            } else {
                self.marks.rule()
            });
        }
        let gutter = " ".repeat(GUTTER);
        Line::of(gutter).paint(Paint::Faint, text).write(out, self.sheet)
    }

    fn bar(&self) -> &'static str {
        if self.sheet.ascii { "|" } else { "│" }
    }

    /// Between two rows of the same field.
    fn dash(&self, twice: u64) -> char {
        match self.sheet.ascii {
            false => '╌',
            true if twice.is_multiple_of(2) => '-',
            true => ' ',
        }
    }

    fn crossing(&self, up: bool, down: bool, left: bool, right: bool) -> char {
        if self.sheet.ascii {
            return '+';
        }
        match (up, down, left, right) {
            (false, true, false, _) => '┌',
            (false, true, true, false) => '┐',
            (true, false, false, _) => '└',
            (true, false, true, false) => '┘',
            (true, true, false, _) => '├',
            (true, true, true, false) => '┤',
            (false, true, true, true) => '┬',
            (true, false, true, true) => '┴',
            _ => '┼',
        }
    }
}
