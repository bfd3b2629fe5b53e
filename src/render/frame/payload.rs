//! What a payload is: text as text, a close code with its name, bytes as bytes. And messages,
//! joined from their fragments.

use super::line::{Line, Marks, count, left_out, split_at_column};
use super::{Extent, FrameView, title};
use crate::layout::{self, Field, Role};
use crate::render::wrap;
use crate::render::{Paint, Sheet, escape};
use crate::websocket::close::{self, CloseBody};
use crate::websocket::frame::CLOSE_REASON;
use crate::websocket::{Message, Opcode, Part};
use std::io::{self, Write};

/// Lines of text, and of bytes, that are shown unless all are asked for.
const TEXT_LINES: usize = 4;
const BYTE_LINES: usize = 2;

/// Columns left of what is shown.
const INDENT: &str = "   ";

/// What the payload is, in the words of the table.
pub(super) fn meaning(view: &FrameView, field: &Field, marks: Marks, columns: usize) -> String {
    let columns = columns.clamp(12, 60);
    if std::ptr::eq(field.spec, &CLOSE_REASON) {
        let reason = CloseBody::read(&view.payload).reason;
        return format!("\"{}\"", marks.clipped(reason, columns - 2));
    }
    let then =
        if view.header.is_some_and(|header| header.masked()) { " once unmasked" } else { "" };
    match kind(view) {
        Kind::Nothing => String::new(),
        Kind::Close => format!("status code and reason{then}"),
        Kind::Compressed => format!("DEFLATE data{then}"),
        Kind::Text => {
            let room = columns.saturating_sub(2 + then.len()).max(8);
            format!("\"{}\"{then}", marks.clipped(&view.payload, room))
        }
        Kind::Bytes => format!("any bytes{then}"),
    }
}

/// What the payload is, in one line of at most so many columns.
pub(super) fn short(view: &FrameView, marks: Marks, columns: usize) -> String {
    let quoted = |bytes: &[u8], columns: usize| {
        format!("\"{}\"", marks.clipped(bytes, columns.saturating_sub(2).max(4)))
    };
    match (kind(view), &view.inflated) {
        (Kind::Nothing, _) if view.not_kept => String::new(),
        (Kind::Nothing, _) => "no payload".to_owned(),
        (Kind::Close, _) => {
            let body = CloseBody::read(&view.payload);
            let Some(code) = body.code else { return "half a status code".to_owned() };
            let name = format!("{code} {}", close::lookup(code).name);
            match body.reason {
                [] => name,
                reason => {
                    format!("{name} {}", quoted(reason, columns.saturating_sub(name.len() + 1)))
                }
            }
        }
        (Kind::Compressed, Some(inflated)) if is_text(&inflated.payload) => {
            format!("deflated {}", quoted(&inflated.payload, columns.saturating_sub(9)))
        }
        (Kind::Compressed, _) => "deflated".to_owned(),
        (Kind::Text, _) => quoted(&view.payload, columns),
        (Kind::Bytes, _) => bytes_in_short(&view.payload, marks, columns),
    }
}

fn bytes_in_short(bytes: &[u8], marks: Marks, columns: usize) -> String {
    let fits = columns.saturating_sub(4) / 3;
    let shown = &bytes[..bytes.len().min(fits.max(1))];
    let more =
        if shown.len() < bytes.len() { format!(" {}", marks.ellipsis()) } else { String::new() };
    format!("{}{more}", escape::hex(shown))
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    Text,
    Bytes,
    Close,
    Compressed,
}

fn kind(view: &FrameView) -> Kind {
    match view.opcode() {
        _ if view.payload.is_empty() => Kind::Nothing,
        Some(Opcode::Close) => Kind::Close,
        _ if view.compressed => Kind::Compressed,
        Some(Opcode::Text) => Kind::Text,
        Some(Opcode::Binary) => Kind::Bytes,
        // What a continuation continues, and what a ping carries, shows in the bytes.
        _ if is_text(&view.payload) => Kind::Text,
        _ => Kind::Bytes,
    }
}

/// True for UTF-8, perhaps cut at either end, that is meant to be read.
fn is_text(bytes: &[u8]) -> bool {
    let looked_at = &bytes[..bytes.len().min(4096)];
    let odd = looked_at.utf8_chunks().map(|chunk| {
        let harmful = |c: &char| escape::is_harmful(*c) && !c.is_ascii_whitespace();
        chunk.invalid().len() + chunk.valid().chars().filter(harmful).count()
    });
    odd.sum::<usize>() * 8 <= looked_at.len()
}

/// Writes what the payload is.
pub(super) fn write(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    let Some(opcode) = view.opcode().filter(|_| !view.payload.is_empty()) else {
        return without(out, sheet, view);
    };
    writeln!(out)?;
    let length = count(view.payload.len() as u64, "byte");
    match (kind(view), opcode) {
        (Kind::Close, _) => close_body(out, sheet, view),
        (Kind::Compressed, _) => compressed(out, sheet, view, extent),
        (Kind::Text, opcode) => {
            let more = match std::str::from_utf8(&view.payload) {
                Ok(text) => {
                    let characters = count(text.chars().count() as u64, "character");
                    format!("{}{length}, {characters}", purpose(opcode))
                }
                // What is no UTF-8 has no number of characters.
                Err(_) => format!("{}{length}, not UTF-8 throughout", purpose(opcode)),
            };
            title(out, sheet, "payload", &more)?;
            text(out, sheet, &view.payload, extent)
        }
        (_, opcode) => {
            title(out, sheet, "payload", &format!("{}{length}", purpose(opcode)))?;
            bytes(out, sheet, &view.payload, extent)
        }
    }
}

fn purpose(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Text => "text, ",
        Opcode::Binary => "binary, ",
        Opcode::Continuation => "a piece of a message, ",
        Opcode::Ping => "for the pong to repeat, ",
        Opcode::Pong => "repeats what the ping carried, ",
        Opcode::Close | Opcode::Reserved(_) => "",
    }
}

/// There is no payload: what that means.
fn without(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    let Some(header) = view.header.filter(|header| header.payload_length == 0) else {
        return Ok(());
    };
    let says = match header.opcode() {
        Opcode::Close => "none: no status code, so the peer's API reports 1005 (RFC 6455 §7.1.5)",
        Opcode::Ping => "none: a pong without payload answers it",
        Opcode::Continuation if header.fin() => "none: it only says that the message is over",
        _ => "none",
    };
    writeln!(out)?;
    title(out, sheet, "payload", says)
}

fn close_body(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let body = CloseBody::read(&view.payload);
    title(out, sheet, "payload", "why the endpoint closes")?;
    let Some(code) = body.code else {
        return Line::of("   one byte: a status code takes two").write(out, sheet);
    };
    let known = close::lookup(code);
    let name = format!("{code} {}", known.name);
    let mut line = Line::of("   code    ").paint(Paint::Role(Role::Code), name);
    let about = format!(
        "  {} ({})",
        marks.prose(known.meaning),
        marks.prose(&layout::cited(known.section))
    );
    if line.columns() + escape::width(&about) > sheet.width {
        line.write(out, sheet)?;
        line = Line::of("           ");
        let lines = wrap(about.trim(), sheet.width.saturating_sub(11));
        for (index, part) in lines.iter().enumerate() {
            if index > 0 {
                line.write(out, sheet)?;
                line = Line::of("           ");
            }
            line = line.text(part.clone());
        }
    } else {
        line = line.text(about);
    }
    line.write(out, sheet)?;
    if body.reason.is_empty() {
        return Line::of("   reason  none").write(out, sheet);
    }
    // At most 123 bytes in a legal frame; an illegal one may carry more.
    let room = sheet.width.saturating_sub(13).max(8);
    let reason = marks.clipped(body.reason, room * TEXT_LINES);
    let mut rest = reason.as_str();
    let mut name = "   reason  \"";
    while !rest.is_empty() {
        let (head, tail) = split_at_column(rest, room);
        let quote = if tail.is_empty() { "\"" } else { "" };
        Line::of(name).paint(Paint::Role(Role::Payload), head).text(quote).write(out, sheet)?;
        name = "            ";
        rest = tail;
    }
    if let Some(fault) = body.reason_fault {
        let text = format!("not UTF-8 from its byte {} on: {}", fault.offset, fault.kind);
        for part in wrap(&text, sheet.width.saturating_sub(11)) {
            Line::of(" ".repeat(11)).text(part).write(out, sheet)?;
        }
    }
    Ok(())
}

fn compressed(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    let length = count(view.payload.len() as u64, "byte");
    let Some(inflated) = &view.inflated else {
        let more = match view.part {
            Some((Part::First | Part::Middle | Part::Last, _)) => {
                "; the message is inflated when it is whole"
            }
            _ => "",
        };
        title(out, sheet, "payload", &format!("compressed, {length}{more}"))?;
        return bytes(out, sheet, &view.payload, extent);
    };
    let out_length = count(inflated.length, "byte");
    let result = match inflated.fault {
        Some(_) if inflated.payload.is_empty() => String::new(),
        _ => format!(" that inflate to {out_length}"),
    };
    title(out, sheet, "payload", &format!("compressed, {length}{result}"))?;
    if !inflated.trusted {
        let note = "taken as permessage-deflate because RSV1 is set; no handshake was seen";
        for part in wrap(note, sheet.width.saturating_sub(3)) {
            Line::of(INDENT).paint(Paint::Faint, part).write(out, sheet)?;
        }
    }
    if let Some(fault) = &inflated.fault {
        let fault = format!("could not be inflated whole: {fault}");
        for part in wrap(&Marks::of(sheet).prose(&fault), sheet.width.saturating_sub(3)) {
            Line::of(INDENT).text(part).write(out, sheet)?;
        }
        if inflated.payload.is_empty() {
            return bytes(out, sheet, &view.payload, extent);
        }
    }
    match view.opcode() == Some(Opcode::Text) {
        true => text(out, sheet, &inflated.payload, extent),
        false => bytes(out, sheet, &inflated.payload, extent),
    }
}

/// Why a message could not be inflated, if so.
pub(super) fn inflate_fault(message: &Message<'_>) -> Option<String> {
    let fault = message.inflate_fault?;
    Some(match message.trusted {
        true => fault.to_string(),
        false => format!("{fault}, or bytes before it are not known"),
    })
}

/// Writes a message that was joined from several frames.
pub fn joined(
    out: &mut impl Write,
    sheet: &Sheet,
    message: &Message<'_>,
    extent: Extent,
) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let frames = match message.frames {
        [first, .., last] if message.frames.len() > 8 => {
            format!("{} frames ({first} to {last})", message.frames.len())
        }
        frames => {
            let numbers: Vec<String> = frames.iter().map(u64::to_string).collect();
            format!("{} ({})", count(frames.len() as u64, "frame"), numbers.join(", "))
        }
    };
    let size = match message.compressed {
        true => format!(
            "{} deflated {} {}",
            super::number(message.wire_length),
            marks.arrow(),
            count(message.length, "byte")
        ),
        false => count(message.length, "byte"),
    };
    let mut parts = vec![message.opcode.name().to_owned(), frames, size];
    if !message.complete {
        parts.push("unfinished".to_owned());
    }
    let dot = marks.dot();
    let line = Line::new().paint(Paint::Title, format!("message {}", message.number));
    line.text(format!("{dot}{}", parts.join(dot))).write(out, sheet)?;
    if let Some(fault) = inflate_fault(message) {
        Line::of(INDENT).text(format!("could not be inflated whole: {fault}")).write(out, sheet)?;
    }
    match message.opcode {
        _ if message.payload.is_empty() => Line::of(INDENT).text("nothing").write(out, sheet),
        Opcode::Text if !message.opaque => text(out, sheet, message.payload, extent),
        _ => bytes(out, sheet, message.payload, extent),
    }
}

/// Writes one line about a message that was joined from several frames.
pub fn joined_brief(out: &mut impl Write, sheet: &Sheet, message: &Message<'_>) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let dot = marks.dot();
    let frames: Vec<String> = message.frames.iter().take(8).map(u64::to_string).collect();
    let more =
        if message.frames.len() > 8 { format!(", {}", marks.ellipsis()) } else { String::new() };
    let state = if message.complete { "" } else { ", unfinished" };
    let line = Line::of("      ").paint(Paint::Title, format!("message {}", message.number)).text(
        format!(
            "{dot}{} of frames {}{more}{state}{dot}{} B  ",
            message.opcode.name(),
            frames.join(", "),
            super::number(message.length)
        ),
    );
    let room = sheet.width.saturating_sub(line.columns()).max(8);
    let what = match message.opcode {
        Opcode::Text if !message.opaque => {
            format!("\"{}\"", marks.clipped(message.payload, room - 2))
        }
        _ => bytes_in_short(message.payload, marks, room),
    };
    line.paint(Paint::Role(Role::Payload), what).write(out, sheet)
}

/// Text in quotes, in as many lines as it takes.
fn text(out: &mut impl Write, sheet: &Sheet, bytes: &[u8], extent: Extent) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let room = sheet.width.saturating_sub(INDENT.len() + 2).max(8);
    // Every character takes a column or is escaped to several, four bytes make at most one.
    let looked_at =
        if extent.all { bytes } else { &bytes[..bytes.len().min(room * TEXT_LINES * 4)] };
    let shown = marks.prose(&escape::text(looked_at));
    let mut rest = shown.as_str();
    let mut lines = 0;
    loop {
        let (head, tail) = split_at_column(rest, room);
        let open = if lines == 0 { "\"" } else { " " };
        lines += 1;
        let is_cut = !extent.all
            && lines == TEXT_LINES
            && (!tail.is_empty() || looked_at.len() < bytes.len());
        let is_last = tail.is_empty() || is_cut;
        let close = if is_last && !is_cut { "\"" } else { "" };
        Line::of(format!("{INDENT}{open}"))
            .paint(Paint::Role(Role::Payload), head)
            .text(close)
            .write(out, sheet)?;
        if is_cut {
            return left_out(out, sheet, &format!("{} in all", count(bytes.len() as u64, "byte")));
        }
        if is_last {
            return Ok(());
        }
        rest = tail;
    }
}

/// Bytes with their characters beside them.
fn bytes(out: &mut impl Write, sheet: &Sheet, bytes: &[u8], extent: Extent) -> io::Result<()> {
    let per_row = [16, 8, 4].into_iter().find(|n| 3 + n * 4 + 2 <= sheet.width).unwrap_or(4);
    let rows = bytes.len().div_ceil(per_row);
    let shown = if extent.all || rows <= BYTE_LINES + 1 { rows } else { BYTE_LINES };
    for row in bytes.chunks(per_row).take(shown) {
        let characters: String =
            row.iter().map(|byte| escape::byte(*byte)).collect::<String>().replace('·', ".");
        Line::of(INDENT)
            .paint(Paint::Role(Role::Payload), escape::hex(row))
            .pad_to(3 + per_row * 3 + 1)
            .paint(Paint::Faint, characters)
            .write(out, sheet)?;
    }
    if shown < rows {
        return left_out(out, sheet, &count((bytes.len() - shown * per_row) as u64, "more byte"));
    }
    Ok(())
}
