//! The hex dump: every digit in the colour of the field that it belongs to.

use super::line::{self, Line, count};
use super::{Extent, FrameView};
use crate::layout::{Field, Role};
use crate::render::{Paint, Sheet, escape};
use std::io::{self, Write};

/// Rows that are shown unless all are asked for.
const ROWS: usize = 8;

pub(super) fn write(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    let masked = view.header.is_some_and(|header| header.masked()) && !view.payload.is_empty();
    let columns = |per_row: usize| {
        1 + 4 + 2 + per_row * 3 + 2 + per_row + if masked { 2 + per_row } else { 0 }
    };
    let per_row = [16, 8, 4].into_iter().find(|n| columns(*n) <= sheet.width).unwrap_or(4);
    let layout = Layout { per_row, masked };
    layout.header(out, sheet)?;
    let rows = view.wire.len().div_ceil(per_row);
    let shown = if extent.all || rows <= ROWS + 1 { rows } else { ROWS };
    let mut fields = view.layout.fields.iter().peekable();
    let mut under: Option<&Field> = None;
    for row in 0..shown {
        let from = row * per_row;
        let to = (from + per_row).min(view.wire.len());
        let mut line = Line::of(" ").paint(Paint::Faint, format!("{from:04x}")).text(" ");
        for at in from..to {
            let gap = if at % 8 == 0 { "  " } else { " " };
            line = line.text(if at % 8 == 0 && at == from { " " } else { gap });
            for nibble in [0, 1] {
                let bit = (view.offset + at as u64) * 8 + nibble * 4;
                while let Some(next) = fields.next_if(|field| holds_or_precedes(field, bit)) {
                    under = Some(next);
                }
                let digit = view.wire[at] >> (4 - nibble * 4) & 0xf;
                let role = under.map(|field| role(field, bit));
                line = match role {
                    Some(role) => line.paint(Paint::Role(role), format!("{digit:x}")),
                    None => line.text(format!("{digit:x}")),
                };
            }
        }
        layout.characters(line, view, from, to).write(out, sheet)?;
    }
    let left_out = view.wire.len() - (shown * per_row).min(view.wire.len());
    if left_out > 0 {
        line::left_out(out, sheet, &count(left_out as u64, "more byte"))?;
    }
    Ok(())
}

/// The field lies before the middle of these four bits, or around it.
fn holds_or_precedes(field: &Field, bit: u64) -> bool {
    field.span.start < bit + 2
}

fn role(field: &Field, bit: u64) -> Role {
    let child =
        field.children.iter().find(|child| child.span.start <= bit && bit < child.span.end());
    child.unwrap_or(field).spec.role
}

struct Layout {
    per_row: usize,
    masked: bool,
}

impl Layout {
    /// Where the column of characters begins.
    fn text_column(&self) -> usize {
        7 + self.per_row * 3 + self.per_row / 16 + 1
    }

    /// The title, with the names of the columns of characters.
    fn header(&self, out: &mut impl Write, sheet: &Sheet) -> io::Result<()> {
        let mut line = Line::of(" ").paint(Paint::Title, "hex");
        if self.masked && self.per_row >= 8 {
            line = line.pad_to(self.text_column()).paint(Paint::Faint, "wire");
            let second = self.text_column() + self.per_row + 2;
            line = line.pad_to(second).paint(Paint::Faint, "unmasked");
        }
        line.write(out, sheet)
    }

    /// The characters beside the bytes: as they are, and unmasked.
    fn characters(&self, line: Line, view: &FrameView, from: usize, to: usize) -> Line {
        let header = view.header_length();
        let mut line = line.pad_to(self.text_column());
        line = line.join(characters(&view.wire[from..to]));
        if !self.masked || to <= header {
            return line;
        }
        line = line.pad_to(self.text_column() + self.per_row + 2);
        let lead = header.saturating_sub(from);
        line = line.text(" ".repeat(lead));
        line.join(characters(&view.payload[(from + lead) - header..to - header]))
    }
}

/// Printable ASCII; everything else is a faint dot.
fn characters(bytes: &[u8]) -> Line {
    let mut line = Line::new();
    for run in bytes.chunk_by(|a, b| is_shown(*a) == is_shown(*b)) {
        let text: String = run.iter().map(|byte| escape::byte(*byte)).collect();
        line = if is_shown(run[0]) {
            line.text(text)
        } else {
            line.paint(Paint::Faint, text.replace('·', "."))
        };
    }
    line
}

fn is_shown(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}
