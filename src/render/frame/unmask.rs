//! The unmasking worked out, byte by byte (RFC 6455 §5.3).

use super::line::{self, Line, Marks, count};
use super::{Extent, FrameView, title};
use crate::layout::Role;
use crate::render::{Paint, Sheet, escape};
use std::io::{self, Write};

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
    let per_row = [16, 8, 4].into_iter().find(|n| NAMES + n * CELL <= sheet.width).unwrap_or(4);
    let characters = characters(&view.payload[..shown], marks);
    for from in (0..shown).step_by(per_row) {
        let range = from..(from + per_row).min(shown);
        let masked = &view.wire[view.header_length()..];
        let faint = Some(Paint::Faint);
        row(out, sheet, "i", faint, range.clone().map(|i| i.to_string()))?;
        row(out, sheet, "masked", faint, range.clone().map(|i| format!("{:02x}", masked[i])))?;
        let role = Some(Paint::Role(Role::Key));
        row(
            out,
            sheet,
            &format!("{xor} key"),
            role,
            range.clone().map(|i| format!("{:02x}", key[i % 4])),
        )?;
        let role = Some(Paint::Role(Role::Payload));
        row(out, sheet, "= byte", role, range.clone().map(|i| format!("{:02x}", view.payload[i])))?;
        if !view.compressed {
            row(out, sheet, "", role, range.clone().map(|i| characters[i].clone()))?;
        }
        if range.end < shown {
            writeln!(out)?;
        }
    }
    if shown < view.payload.len() {
        let left = (view.payload.len() - shown) as u64;
        line::left_out(out, sheet, &count(left, "more byte"))?;
    }
    in_bits(out, sheet, view.wire[view.header_length()], key[0], view.payload[0])
}

fn row(
    out: &mut impl Write,
    sheet: &Sheet,
    name: &str,
    paint: Option<Paint>,
    cells: impl Iterator<Item = String>,
) -> io::Result<()> {
    let mut line = Line::of(format!("   {name}"));
    for (index, cell) in cells.enumerate() {
        let wide = usize::from(escape::width(&cell) < 2);
        line = line.pad_to(NAMES + index * CELL + wide);
        line = match paint {
            Some(paint) => line.paint(paint, cell),
            None => line.text(cell),
        };
    }
    line.write(out, sheet)
}

/// The first byte in bits: where they differ, the result is 1.
fn in_bits(out: &mut impl Write, sheet: &Sheet, masked: u8, key: u8, plain: u8) -> io::Result<()> {
    let xor = Marks::of(sheet).xor();
    let bits = |byte: u8| format!("{:04b} {:04b}", byte >> 4, byte & 0xf);
    let line = Line::of("   i = 0 in bits:  ");
    if sheet.width < 62 {
        return Ok(());
    }
    line.text(bits(masked))
        .text(format!(" {xor} "))
        .paint(Paint::Role(Role::Key), bits(key))
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
