//! The unmasking worked out, byte by byte (RFC 6455 §5.3).

use super::line::{self, Line, Marks, count};
use super::{Extent, FrameView, title};
use crate::layout::Role;
use crate::render::{Paint, Sheet, escape};
use crate::websocket::mask::MaskingKey;
use std::io::{self, Write};
use std::ops::Range;

/// Bytes that are worked out unless all are asked for.
const BYTES: usize = 16;

/// Columns for the names of the lines, and for each byte.
const NAMES: usize = 11;
const CELL: usize = 4;

pub(super) fn write(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    let Some(key) = view.header.and_then(|header| header.masking_key) else { return Ok(()) };
    if view.payload.is_empty() {
        return Ok(());
    }
    let marks = Marks::of(sheet);
    let xor = marks.xor();
    writeln!(out)?;
    title(
        out,
        sheet,
        "unmasking",
        &format!("payload byte i {xor} key byte i mod 4  (RFC 6455 §5.3)"),
    )?;
    let shown = if extent.all { view.payload.len() } else { view.payload.len().min(BYTES) };
    let per_row = per_row(sheet);
    for from in (0..shown).step_by(per_row) {
        let range = from..(from + per_row).min(shown);
        block(out, sheet, view, key, range.clone(), None)?;
        if range.end < shown {
            writeln!(out)?;
        }
    }
    if shown < view.payload.len() {
        let left = (view.payload.len() - shown) as u64;
        line::left_out(out, sheet, &count(left, "more byte"))?;
    }
    in_bits(out, sheet, view, key, 0)
}

/// The bytes around one of the payload, worked out.
pub(super) fn around(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    at: usize,
) -> io::Result<()> {
    let Some(key) = view.header.and_then(|header| header.masking_key) else { return Ok(()) };
    if at >= view.payload.len() {
        return Ok(());
    }
    let per_row = per_row(sheet);
    let from = at / per_row * per_row;
    let range = from..(from + per_row).min(view.payload.len());
    block(out, sheet, view, key, range, Some(at))?;
    in_bits(out, sheet, view, key, at)
}

fn per_row(sheet: &Sheet) -> usize {
    [16, 8, 4].into_iter().find(|n| NAMES + n * CELL <= sheet.width).unwrap_or(4)
}

/// Some bytes: their numbers, masked, the key below them, what comes out, and what that shows.
fn block(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    key: MaskingKey,
    range: Range<usize>,
    lit: Option<usize>,
) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let masked = &view.wire[view.header_length()..];
    let lit = lit.map(|at| at - range.start);
    let mut row = |name: &str, paint: Paint, cell: &dyn Fn(usize) -> String| {
        row(out, sheet, name, paint, lit, range.clone().map(cell))
    };
    row("i", Paint::Faint, &|i| i.to_string())?;
    row("masked", Paint::Faint, &|i| format!("{:02x}", masked[i]))?;
    let name = format!("{} key", marks.xor());
    row(&name, Paint::Role(Role::Key), &|i| format!("{:02x}", key[i % 4]))?;
    row("= byte", Paint::Role(Role::Payload), &|i| format!("{:02x}", view.payload[i]))?;
    if !view.compressed {
        let characters = characters(&view.payload[..range.end], marks);
        row("", Paint::Role(Role::Payload), &|i| characters[i].clone())?;
    }
    Ok(())
}

fn row(
    out: &mut impl Write,
    sheet: &Sheet,
    name: &str,
    paint: Paint,
    lit: Option<usize>,
    cells: impl Iterator<Item = String>,
) -> io::Result<()> {
    let mut line = Line::of(format!("   {name}"));
    for (index, cell) in cells.enumerate() {
        let wide = usize::from(escape::width(&cell) < 2);
        let paint = if lit == Some(index) { Paint::Lit(Role::Payload) } else { paint };
        line = line.pad_to(NAMES + index * CELL + wide).paint(paint, cell);
    }
    line.write(out, sheet)
}

/// A byte in bits: where they differ, the result is 1.
fn in_bits(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    key: MaskingKey,
    at: usize,
) -> io::Result<()> {
    let (masked, plain) = (view.wire[view.header_length() + at], view.payload[at]);
    let xor = Marks::of(sheet).xor();
    let bits = |byte: u8| format!("{:04b} {:04b}", byte >> 4, byte & 0xf);
    if sheet.width < 62 {
        return Ok(());
    }
    Line::of(format!("   i = {at} in bits:  "))
        .text(bits(masked))
        .text(format!(" {xor} "))
        .paint(Paint::Role(Role::Key), bits(key[at % 4]))
        .text(" = ")
        .paint(Paint::Role(Role::Payload), bits(plain))
        .write(out, sheet)
}

/// For each byte what it shows: its character; for UTF-8 in several bytes at the first of them.
fn characters(bytes: &[u8], marks: Marks) -> Vec<String> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let shown = match c {
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                ' ' => "sp".to_owned(),
                c if escape::is_harmful(c) => ".".to_owned(),
                c => {
                    let text = marks.prose(c.encode_utf8(&mut [0; 4]));
                    if escape::width(&text) < CELL && escape::width(&text) > 0 {
                        text
                    } else {
                        ".".to_owned()
                    }
                }
            };
            out.push(shown);
            out.extend((1..c.len_utf8()).map(|_| String::new()));
        }
        out.extend(chunk.invalid().iter().map(|_| ".".to_owned()));
    }
    out
}
