//! A frame for people: the line that says what it is, the figure of RFC 6455 §5.2 with this frame's
//! bits, the table of its fields, the dump, the unmasking worked out, its payload, its findings.
//!
//! Everything derives from the [`Layout`] that the protocol declares; nothing is read or judged
//! here, and captured bytes reach the output only through [`escape`](super::escape).

mod dump;
mod figure;
mod findings;
mod ladder;
pub(in crate::render) mod line;
mod payload;
mod svg;
mod table;
mod unmask;

pub use figure::Look;
pub use findings::{brief_findings, findings, shown};
pub use ladder::{carriers, ladder};
pub use payload::{joined, joined_brief};
pub use svg::svg;
pub use table::{Part as FieldPart, parts};

use super::{Paint, Sheet, wrap};
use crate::layout::Layout;
use crate::recording::FrameFacts;
use crate::rules::{Finding, Severity};
use crate::said::Endpoint;
use crate::websocket::frame::{self, FrameHeader};
use crate::websocket::mask::mask;
use crate::websocket::{CutHeader, Frame, Message, NotFrames, Opcode, Part};
use line::{Line, Marks, count, number};
use std::io::{self, Write};

/// How it is known who sent a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// It was seen, or stated.
    Certain(Endpoint),
    /// The mask bit says so: clients mask, servers do not.
    MaskBit(Endpoint),
    /// Nobody knows.
    Unknown,
}

/// A message that came out of a frame by inflating it.
#[derive(Debug, Clone)]
pub struct Inflated {
    /// What came out, perhaps cut.
    pub payload: Vec<u8>,
    /// How much it is.
    pub length: u64,
    /// Why it is not whole.
    pub fault: Option<String>,
    /// Compression was agreed, and all that its context needs was seen.
    pub trusted: bool,
}

/// Everything that is shown of one frame.
#[derive(Debug, Clone)]
pub struct FrameView {
    /// Its number among the frames of its endpoint, from 1.
    pub number: u64,
    /// Offset of its first byte in the stream.
    pub offset: u64,
    /// Who sent it.
    pub sender: Sender,
    /// Its bytes as they stood on the wire, as far as they are there.
    pub wire: Vec<u8>,
    /// Its payload, unmasked, as far as it is there.
    pub payload: Vec<u8>,
    /// Its header; none if even that was cut short.
    pub header: Option<FrameHeader>,
    /// Where every bit went.
    pub layout: Layout,
    /// Its place in its message, and which.
    pub part: Option<(Part, Option<u64>)>,
    /// The frame was complete, only its payload is not at hand.
    pub not_kept: bool,
    /// Its payload is taken as compressed, because RSV1 says so and nothing speaks against it.
    pub compressed: bool,
    /// It was compressed and is a message of its own: what came out.
    pub inflated: Option<Inflated>,
    /// What the rules say about it.
    pub findings: Vec<Finding>,
}

impl FrameView {
    /// What is to be shown of this frame. Its wire bytes are had back by masking again.
    pub fn of(event: &Frame<'_>, sender: Sender) -> FrameView {
        let payload = event.payload.unwrap_or_default().to_vec();
        let mut wire = event.header.to_bytes();
        let start = wire.len();
        wire.extend_from_slice(&payload);
        if let Some(key) = event.header.masking_key {
            mask(&mut wire[start..], key, 0);
        }
        FrameView {
            number: event.number,
            offset: event.offset,
            sender,
            layout: frame::layout(&wire, event.offset),
            wire,
            not_kept: event.complete && (payload.len() as u64) < event.header.payload_length,
            payload,
            compressed: event.header.rsv1() && event.header.opcode().is_data(),
            header: Some(event.header),
            part: Some((event.part, event.message)),
            inflated: None,
            findings: Vec::new(),
        }
    }

    /// What is to be shown of a header that was cut short: `number` would be the frame's.
    pub fn of_cut(cut: &CutHeader<'_>, number: u64, sender: Sender) -> FrameView {
        FrameView {
            number,
            offset: cut.offset,
            sender,
            wire: cut.bytes.to_vec(),
            payload: Vec::new(),
            header: None,
            layout: frame::layout(cut.bytes, cut.offset),
            part: None,
            not_kept: false,
            compressed: false,
            inflated: None,
            findings: Vec::new(),
        }
    }

    /// What is to be shown of a frame that was recorded.
    pub fn recorded(facts: &FrameFacts, from: Option<Endpoint>) -> FrameView {
        let payload = facts.payload();
        let there = facts.length().map_or(0, |length| length.saturating_sub(facts.missing));
        FrameView {
            number: facts.number,
            offset: facts.offset,
            sender: from.map_or(Sender::Unknown, Sender::Certain),
            layout: facts.layout(),
            wire: facts.wire.clone(),
            not_kept: (payload.len() as u64) < there,
            payload,
            compressed: facts.says_compressed(),
            header: facts.header,
            part: Some((facts.part, facts.of_message)),
            inflated: None,
            findings: Vec::new(),
        }
    }

    /// Takes note of the message that this frame alone carried.
    pub fn note_message(&mut self, message: &Message<'_>) {
        self.compressed = message.compressed;
        if message.compressed {
            self.inflated = Some(Inflated {
                payload: message.payload.to_vec(),
                length: message.length,
                fault: payload::inflate_fault(message),
                trusted: message.trusted,
            });
        }
    }

    fn opcode(&self) -> Option<Opcode> {
        self.wire.first().map(|first| Opcode::from_bits(*first))
    }

    /// Length of the header, as far as it is there.
    fn header_length(&self) -> usize {
        self.wire.len() - self.payload.len()
    }
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Everything, however long.
    pub all: bool,
}

/// Writes all there is to say about a frame.
pub fn annotated(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    extent: Extent,
) -> io::Result<()> {
    headline(out, sheet, view)?;
    writeln!(out)?;
    figure::write(out, sheet, view, extent)?;
    writeln!(out)?;
    table::write(out, sheet, view)?;
    writeln!(out)?;
    dump::write(out, sheet, view, extent)?;
    unmask::write(out, sheet, view, extent)?;
    payload::write(out, sheet, view, extent)?;
    findings(out, sheet, &view.findings, Some(view))
}

/// Writes the figure of a frame, as it is looked at.
pub fn figure(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    look: &Look,
) -> io::Result<()> {
    figure::looked_at(out, sheet, view, Extent::default(), look)
}

/// Writes how a byte of the payload is unmasked, and those around it.
pub fn unmasking(
    out: &mut impl Write,
    sheet: &Sheet,
    view: &FrameView,
    at: usize,
) -> io::Result<()> {
    unmask::around(out, sheet, view, at)
}

/// Writes what a frame is and its figure, and what came out of it if it was compressed.
pub fn pictured(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    headline(out, sheet, view)?;
    writeln!(out)?;
    figure::write(out, sheet, view, Extent::default())?;
    if view.inflated.is_some() {
        payload::write(out, sheet, view, Extent::default())
    } else {
        Ok(())
    }
}

/// Writes the figure alone of a frame of that endpoint, of which these bytes are there.
pub fn figure_of(
    out: &mut impl Write,
    sheet: &Sheet,
    from: Endpoint,
    bytes: &[u8],
) -> io::Result<()> {
    let header = FrameHeader::read(bytes).ok();
    let start = header.map_or(bytes.len(), |header| header.header_length() as usize);
    let mut payload = bytes[start.min(bytes.len())..].to_vec();
    if let Some(key) = header.and_then(|header| header.masking_key) {
        mask(&mut payload, key, 0);
    }
    let view = FrameView {
        number: 1,
        offset: 0,
        sender: Sender::Certain(from),
        wire: bytes.to_vec(),
        payload,
        header,
        layout: frame::layout(bytes, 0),
        part: None,
        not_kept: false,
        compressed: header.is_some_and(|it| it.rsv1() && it.opcode().is_data()),
        inflated: None,
        findings: Vec::new(),
    };
    figure::write(out, sheet, &view, Extent { all: false })
}

/// Writes one line about a frame, and one for each finding.
pub fn brief(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let gutter = format!("{:>4}  {:>7}  ", view.number, number(view.offset));
    let mut line = Line::new().paint(Paint::Faint, gutter);
    line = match view.sender {
        Sender::Certain(from) | Sender::MaskBit(from) => {
            let paint = if from == Endpoint::Client { Paint::Client } else { Paint::Server };
            line.paint(paint, format!("{:<8}", from.name()))
        }
        Sender::Unknown => line.text(format!("{:<8}", "?")),
    };
    let name = view.opcode().map_or_else(|| "?".to_owned(), opcode_name);
    line = line.paint(Paint::Role(crate::layout::Role::Opcode), format!("{name:<13}"));
    line = line.text(format!("{:<9}", flags(view)));
    if sheet.width >= 90 {
        let masked = view.wire.get(1).map(|second| second & 0x80 != 0);
        let masked = masked.map_or("", |masked| if masked { "masked" } else { "unmasked" });
        line = line.text(format!("{masked:<8} "));
    }
    line = line.text(match view.header {
        Some(header) => format!("{:>7} B  ", number(header.payload_length)),
        None => format!("{:>7}    ", "?"),
    });
    let worst = view.findings.iter().map(|finding| finding.severity).max();
    let mark = match worst {
        Some(severity) => format!("  {} {}", sheet.mark(severity), severity.name()),
        None => String::new(),
    };
    let room = sheet.width.saturating_sub(line.columns() + super::escape::width(&mark)).max(12);
    let what = match &view.layout.missing {
        Some(missing) if !view.not_kept => {
            let field = if missing.field == &frame::PAYLOAD { "" } else { missing.field.label };
            format!("cut short: {} {field} missing", count(missing.bytes, "byte"))
                .replace("  ", " ")
        }
        _ => payload::short(view, marks, room),
    };
    line = line.text(super::escape::clip(&what, room, true));
    if let Some(severity) = worst {
        line = line.paint(Paint::Severity(severity), mark);
    }
    line.write(out, sheet)?;
    brief_findings(out, sheet, &view.findings)
}

/// Writes what stands where a frame should begin.
pub fn not_frames(out: &mut impl Write, sheet: &Sheet, other: &NotFrames<'_>) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let start = marks.clipped(other.bytes, sheet.width.saturating_sub(36).clamp(8, 60));
    let line = Line::new().paint(Paint::Severity(Severity::Warning), "not frames");
    let at = number(other.offset);
    line.text(format!("{}from byte {at} on: \"{start}\"", marks.dot())).write(out, sheet)
}

/// FIN and the reserved bits that are set.
fn flags(view: &FrameView) -> String {
    let Some(first) = view.wire.first() else { return String::new() };
    let names = [(0x80, "FIN"), (0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")];
    let names = names.iter().filter(|(bit, _)| first & bit != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(" ")
}

fn opcode_name(opcode: Opcode) -> String {
    match opcode {
        Opcode::Reserved(bits) => format!("reserved 0x{bits:X}"),
        known => known.name().to_owned(),
    }
}

/// The line that says what a frame is.
pub fn headline(out: &mut impl Write, sheet: &Sheet, view: &FrameView) -> io::Result<()> {
    let mut parts = vec![(Some(Paint::Title), format!("frame {}", view.number))];
    if let Some(opcode) = view.opcode() {
        let role = Paint::Role(crate::layout::Role::Opcode);
        parts.push((Some(role), opcode_name(opcode)));
    }
    if let Some(first) = view.wire.first() {
        let part = match view.part {
            Some((Part::First, Some(message))) => format!("first fragment of message {message}"),
            Some((Part::Middle, Some(message))) => format!("a fragment of message {message}"),
            Some((Part::Last, Some(message))) => format!("last fragment of message {message}"),
            Some((Part::Orphan, _)) => "no message to continue".to_owned(),
            _ if first & 0x80 != 0 => "final".to_owned(),
            _ => "not final".to_owned(),
        };
        parts.push((None, part));
        for (bit, name) in [(0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")] {
            if first & bit != 0 {
                let is_compression = name == "RSV1" && view.compressed;
                let name = if is_compression { "RSV1: compressed" } else { name };
                parts.push((None, name.to_owned()));
            }
        }
    }
    if let Some(second) = view.wire.get(1) {
        let masked = if second & 0x80 != 0 { "masked" } else { "unmasked" };
        parts.push((None, masked.to_owned()));
    }
    parts.push((None, size(view)));
    if let (Some(missing), Some(_), false) = (view.layout.missing, view.header, view.not_kept) {
        let warning = Paint::Severity(Severity::Warning);
        parts.push((Some(warning), format!("{} missing", count(missing.bytes, "byte"))));
    }
    match view.sender {
        Sender::Certain(from) => parts.push((Some(endpoint(from)), format!("from the {from}"))),
        Sender::MaskBit(from) => parts
            .push((Some(endpoint(from)), format!("from the {from} (assumed from the mask bit)"))),
        Sender::Unknown => {}
    }
    if view.offset > 0 {
        parts.push((Some(Paint::Faint), format!("at byte {}", number(view.offset))));
    }
    let dot = Marks::of(sheet).dot();
    let mut line = Line::new();
    let room = sheet.width.saturating_sub(2);
    let parts = parts
        .into_iter()
        .flat_map(|(paint, text)| wrap(&text, room).into_iter().map(move |text| (paint, text)));
    for (paint, text) in parts {
        let used = line.columns();
        let width = super::escape::width(&text) + dot.chars().count();
        if used > 0 && used + width > sheet.width {
            line.write(out, sheet)?;
            line = Line::of("  ");
        } else if used > 0 {
            line = line.paint(Paint::Faint, dot);
        }
        line = match paint {
            Some(paint) => line.paint(paint, text),
            None => line.text(text),
        };
    }
    line.write(out, sheet)
}

fn size(view: &FrameView) -> String {
    let Some(header) = view.header else {
        return format!("{}: not even a whole header", count(view.wire.len() as u64, "byte"));
    };
    let (head, body) = (header.header_length(), header.payload_length);
    let whole = head.checked_add(body).map(|whole| count(whole, "byte"));
    let whole = whole.unwrap_or_else(|| "more than 2^64 bytes".to_owned());
    format!("{whole} = {head} header + {} payload", number(body))
}

fn endpoint(endpoint: Endpoint) -> Paint {
    match endpoint {
        Endpoint::Client => Paint::Client,
        Endpoint::Server => Paint::Server,
    }
}

/// The title of a section.
fn title(out: &mut impl Write, sheet: &Sheet, name: &str, more: &str) -> io::Result<()> {
    let marks = Marks::of(sheet);
    let mut line = Line::of(" ").paint(Paint::Title, name);
    if !more.is_empty() {
        let more = marks.prose(more);
        let room = sheet.width.saturating_sub(line.columns() + 2);
        if super::escape::width(&more) > room {
            line.write(out, sheet)?;
            for part in wrap(&more, sheet.width.saturating_sub(3)) {
                Line::of("   ").paint(Paint::Faint, part).write(out, sheet)?;
            }
            return Ok(());
        }
        line = line.text("  ").paint(Paint::Faint, more);
    }
    line.write(out, sheet)
}

/// The worst of some findings.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}

#[cfg(test)]
mod tests;
