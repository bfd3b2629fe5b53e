//! The figure of RFC 6455 §5.2 for one frame as a picture, for slides: the boxes of
//! [`figure`](super::figure), 32 bits to a row. Captured bytes become text only.

use super::figure::{Box_, Kind, Look, Segment, boxes, segments};
use super::line::Marks;
use super::{Extent, FrameView};
use crate::layout::Role;
use crate::render::{Sheet, escape};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Bits in a row.
const ROW: u64 = 32;

/// Width of a bit, height of a row, and the space around all of it.
const BIT: u64 = 36;
const HEIGHT: u64 = 108;
const LEFT: u64 = 56;
const TOP: u64 = 96;
const MARGIN: u64 = 24;

/// Rows of payload that are drawn: a slide has no room for more.
const PAYLOAD_ROWS: u64 = 3;

/// Writes the picture.
pub fn svg(out: &mut impl Write, view: &FrameView) -> io::Result<()> {
    let marks = Marks::of(&Sheet::plain(100));
    let look = Look { payload_rows: Some(PAYLOAD_ROWS), ..Look::default() };
    let boxes = boxes(view, ROW, Extent::default(), &look, marks);
    let rows = boxes.last().map_or(0, |last| last.end.div_ceil(ROW));
    let (width, height) = (LEFT + ROW * BIT + MARGIN, TOP + rows * HEIGHT + MARGIN);
    let title = title(view);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{title}\">\n<style>{}</style>\n\
         <rect class=\"sheet\" width=\"{width}\" height=\"{height}\"/>\n",
        include_str!("svg.css")
    );
    // A long title is set smaller instead of running off the slide.
    let size = (ROW * BIT * 100 / 62 / (title.chars().count() as u64).max(1)).clamp(10, 24);
    let _ = writeln!(
        picture,
        "<text class=\"title\" x=\"{LEFT}\" y=\"38\" style=\"font-size:{size}px\">{title}</text>"
    );
    for bit in 0..ROW {
        let x = LEFT + bit * BIT + BIT / 2;
        text(&mut picture, "ruler", x, TOP - 10, &bit.to_string());
    }
    for row in 0..rows {
        let y = TOP + row * HEIGHT;
        let offset = (row * ROW / 8).to_string();
        text(&mut picture, "offset", LEFT - 12, y + HEIGHT / 2 + 5, &offset);
        for segment in segments(&boxes, row, ROW) {
            draw(&mut picture, view, row, &segment);
        }
    }
    picture.push_str("</svg>\n");
    out.write_all(picture.as_bytes())
}

/// What the frame is, as its first line says.
fn title(view: &FrameView) -> String {
    let mut painted = Vec::new();
    // Memory does not fail.
    let _ = super::headline(&mut painted, &Sheet::plain(1000), view);
    escape::markup(String::from_utf8_lossy(&painted).trim())
}

/// Text that is safe to stand in markup already.
fn text(picture: &mut String, class: &str, x: u64, y: u64, words: &str) {
    let _ = writeln!(picture, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
}

fn draw(picture: &mut String, view: &FrameView, row: u64, segment: &Segment<'_>) {
    let of = segment.of;
    let (x, y) = (LEFT + segment.start * BIT, TOP + row * HEIGHT);
    let width = (segment.end - segment.start) * BIT;
    let class =
        if matches!(of.kind, Kind::Missing | Kind::Elided) { "absent" } else { class(of.role) };
    let _ = writeln!(
        picture,
        "<rect class=\"box {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\"/>"
    );
    let middle = x + width / 2;
    if width == BIT {
        let (cx, cy) = (middle + 6, y + 40);
        let label = escape::markup(&of.label);
        let _ = writeln!(
            picture,
            "<text class=\"label\" transform=\"rotate(-90 {cx} {cy})\" x=\"{cx}\" y=\"{cy}\">{label}</text>"
        );
    } else {
        let more = if segment.is_first { "" } else { " (continued)" };
        let label = fitting(&of.label, more, width);
        text(picture, "label", middle, y + 30, &escape::markup(&label));
        if segment.is_main && !of.values.is_empty() {
            text(picture, "value", middle, y + 54, &escape::markup(&of.values.join(" · ")));
        }
    }
    contents(picture, view, row, segment, y + HEIGHT - 14);
}

/// The label in a length that fits into so much.
fn fitting(label: &str, more: &str, width: u64) -> String {
    let fits = |text: &str| text.chars().count() as u64 * 10 <= width;
    let whole = format!("{label}{more}");
    if fits(&whole) {
        return whole;
    }
    if fits(label) { label.to_owned() } else { label.split(' ').next().unwrap_or(label).to_owned() }
}

/// The bits, or the bytes each above its eight bits.
fn contents(picture: &mut String, view: &FrameView, row: u64, segment: &Segment<'_>, y: u64) {
    let base = row * ROW;
    let (from, to) = (base + segment.start, base + segment.end);
    match segment.of.kind {
        Kind::Elided | Kind::Missing => {}
        Kind::Bits => {
            for bit in from..to {
                let byte = view.wire.get((bit / 8) as usize).copied().unwrap_or(0);
                let x = LEFT + (bit - base) * BIT + BIT / 2;
                text(picture, "bits", x, y, if byte >> (7 - bit % 8) & 1 == 1 { "1" } else { "0" });
            }
        }
        Kind::Bytes | Kind::Payload => {
            for at in from / 8..to / 8 {
                let x = LEFT + (at * 8 - base) * BIT + 4 * BIT;
                text(picture, "bits", x, y, &byte(view, at as usize, segment.of));
            }
        }
    }
}

/// `7f → 48 H` if it is masked payload.
fn byte(view: &FrameView, at: usize, of: &Box_) -> String {
    let Some(wire) = view.wire.get(at) else { return String::new() };
    let plain = at.checked_sub(view.header_length()).and_then(|at| view.payload.get(at));
    let (Kind::Payload, Some(plain)) = (of.kind, plain) else { return format!("{wire:02x}") };
    let is_shown = plain.is_ascii_graphic() && of.role == Role::Payload && !view.compressed;
    let character = if is_shown { format!(" {}", *plain as char) } else { String::new() };
    let character = escape::markup(&character);
    match view.header.is_some_and(|header| header.masked()) {
        true => format!("{wire:02x} → {plain:02x}{character}"),
        false => format!("{wire:02x}{character}"),
    }
}

const fn class(role: Role) -> &'static str {
    match role {
        Role::Flag => "flag",
        Role::Opcode => "opcode",
        Role::Length => "length",
        Role::Key => "key",
        Role::Payload => "payload",
        Role::Code => "code",
        Role::Header => "header",
    }
}
