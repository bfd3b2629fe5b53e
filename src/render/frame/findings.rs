//! Findings on frames, with carets under the very bits.

use super::FrameView;
use super::line::{Line, Marks};
use crate::layout::{Field, Span};
use crate::render::wrap;
use crate::render::{Paint, Sheet, escape, finding};
use crate::rules::Finding;
use crate::websocket::Opcode;
use std::io::{self, Write};
use std::ops::Range;

/// Writes findings, each with the bits that it speaks of if they lie in `view`.
pub fn findings(
    out: &mut impl Write,
    sheet: &Sheet,
    findings: &[Finding],
    view: Option<&FrameView>,
) -> io::Result<()> {
    for finding in findings {
        writeln!(out)?;
        shown(out, sheet, finding, view)?;
        let rule = finding.rule;
        advice(out, sheet, "rule:  ", &finding::demand(rule))?;
        advice(out, sheet, "more:  ", &format!("ws101 explain {}", rule.id))?;
    }
    Ok(())
}

/// Writes a finding as it stands on the page of its rule, which says the demand itself.
pub fn shown(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    view: Option<&FrameView>,
) -> io::Result<()> {
    headline(out, sheet, finding)?;
    place(out, sheet, finding, view)?;
    advice(out, sheet, "cause: ", finding.broken.cause.as_deref().unwrap_or_default())?;
    advice(out, sheet, "mend:  ", finding.mend())
}

/// Writes each finding in one line, or as many as its sentence takes.
pub fn brief_findings(out: &mut impl Write, sheet: &Sheet, findings: &[Finding]) -> io::Result<()> {
    findings.iter().try_for_each(|finding| brief(out, sheet, finding))
}

/// Writes a finding in one line, or as many as its sentence takes.
fn brief(out: &mut impl Write, sheet: &Sheet, finding: &Finding) -> io::Result<()> {
    let name = format!("{}[{}]", finding.severity, finding.rule.id);
    let text = Marks::of(sheet).prose(&finding.detail());
    let indent = 6;
    let first = Line::of(" ".repeat(indent)).paint(Paint::Severity(finding.severity), name);
    let room = sheet.width.saturating_sub(first.columns() + 2);
    if escape::width(&text) <= room {
        return first.text(": ").text(text).write(out, sheet);
    }
    first.write(out, sheet)?;
    for part in wrap(&text, sheet.width.saturating_sub(indent + 2)) {
        Line::of(" ".repeat(indent + 2)).text(part).write(out, sheet)?;
    }
    Ok(())
}

fn headline(out: &mut impl Write, sheet: &Sheet, finding: &Finding) -> io::Result<()> {
    let name = format!("{}[{}]", finding.severity, finding.rule.id);
    let seen = match &*finding.broken.seen {
        "" => finding.rule.title,
        seen => seen,
    };
    let seen = Marks::of(sheet).prose(seen);
    let mut line = Line::new().paint(Paint::Severity(finding.severity), name).text(": ");
    let room = sheet.width.saturating_sub(line.columns());
    let parts = match escape::width(&seen) <= room {
        true => vec![seen],
        // A sentence that needs more lines has them below the name, indented.
        false => {
            line.write(out, sheet)?;
            line = Line::of("  ");
            wrap(&seen, sheet.width.saturating_sub(2))
        }
    };
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            line.write(out, sheet)?;
            line = Line::of("  ");
        }
        line = line.paint(Paint::Title, part);
    }
    line.write(out, sheet)
}

/// Where it is: frame, byte, field; the bytes; carets.
fn place(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    view: Option<&FrameView>,
) -> io::Result<()> {
    let expected = match &*finding.broken.expected {
        "" => String::new(),
        expected => Marks::of(sheet).prose(&format!("expected {expected}")),
    };
    let inside = finding.broken.span.zip(view).and_then(|(span, view)| within(view, span));
    let (Some(bits), Some(view)) = (inside, view) else {
        let mut at: Vec<String> =
            finding.frame.map(|number| format!("frame {number}")).into_iter().collect();
        at.extend(
            finding.broken.span.map(|span| format!("byte {} of the stream", span.byte_offset())),
        );
        if !at.is_empty() {
            arrow(out, sheet, &at.join(", "))?;
        }
        return note(out, sheet, &expected);
    };
    let (first, last) = (bits.start / 8, bits.end.max(bits.start + 1).div_ceil(8) - 1);
    let bytes = match first == last {
        true => format!("byte {first}"),
        false => format!("bytes {first} to {last}"),
    };
    let names = names(view, &bits);
    let names = if names.is_empty() { String::new() } else { format!(": {names}") };
    arrow(out, sheet, &format!("frame {}, {bytes}{names}", view.number))?;
    let is_whole = bits.start.is_multiple_of(8) && bits.end.is_multiple_of(8);
    let snippet = match is_whole {
        true => of_bytes(view, first..last + 1, sheet),
        false => of_bits(view, &bits, first..last + 1, sheet),
    };
    bar(out, sheet, Line::new())?;
    for line in snippet.above {
        bar(out, sheet, line)?;
    }
    let carets = "^".repeat(snippet.carets.end.saturating_sub(snippet.carets.start).max(1));
    let paint = Paint::Severity(finding.severity);
    let line = Line::of(" ".repeat(snippet.carets.start)).paint(paint, carets);
    if expected.is_empty() || 5 + line.columns() + 1 + escape::width(&expected) <= sheet.width {
        bar(out, sheet, line.text(" ").paint(paint, expected))?;
    } else {
        bar(out, sheet, line)?;
        for part in wrap(&expected, sheet.width.saturating_sub(5)) {
            bar(out, sheet, Line::new().paint(paint, part))?;
        }
    }
    bar(out, sheet, Line::new())
}

/// The bits of the frame that a span of the stream covers, as far as they are there.
fn within(view: &FrameView, span: Span) -> Option<Range<u64>> {
    let origin = view.offset.saturating_mul(8);
    let start = span.start.checked_sub(origin)?;
    let end = view.wire.len() as u64 * 8;
    (start < end).then(|| start..(span.end() - origin).min(end).max(start))
}

/// The names of the fields touched.
fn names(view: &FrameView, bits: &Range<u64>) -> String {
    let origin = view.offset.saturating_mul(8);
    let touches = |field: &&Field| {
        let (start, end) = (field.span.start - origin, field.span.end() - origin);
        start < bits.end.max(bits.start + 1) && bits.start < end
    };
    let names: Vec<&str> =
        view.layout.fields.iter().filter(touches).map(|field| field.spec.label).collect();
    if names.len() > 3 {
        return format!("{} to {}", names[0], names[names.len() - 1]);
    }
    names.join(", ")
}

struct Snippet {
    above: Vec<Line>,
    carets: Range<usize>,
}

/// Bytes in hexadecimal, a few around those that are meant.
fn of_bytes(view: &FrameView, bytes: Range<u64>, sheet: &Sheet) -> Snippet {
    let fits = sheet.width.saturating_sub(4 + 8) / 3;
    let meant = bytes.start as usize..(bytes.end as usize).min(view.wire.len());
    let from = match meant.start.checked_sub(8) {
        Some(from) if meant.end > fits => from,
        _ => 0,
    };
    let to = view.wire.len().min(from + fits.min(32)).max(from + 1);
    let ellipsis = Marks::of(sheet).ellipsis();
    let mut line = Line::new();
    if from > 0 {
        line = line.paint(Paint::Faint, format!("{ellipsis} "));
    }
    let column = |at: usize, line: &Line| line.columns() + (at - from) * 3;
    let carets = column(meant.start, &line)..column(meant.end.min(to), &line).saturating_sub(1);
    line = line.text(escape::hex(&view.wire[from..to]));
    if to < view.wire.len() {
        line = line.paint(Paint::Faint, format!(" {ellipsis}"));
    }
    let mut above = vec![line];
    let lead = if from > 0 { ellipsis.chars().count() + 1 } else { 0 };
    above.extend(below(view, from..to, lead, meant.end > view.header_length(), sheet));
    Snippet { above, carets }
}

/// What the payload bytes are once unmasked, if the finding is about them, and the characters that
/// they stand for, each below its byte; of a Close its code.
fn below(
    view: &FrameView,
    shown: Range<usize>,
    column: usize,
    is_about_them: bool,
    sheet: &Sheet,
) -> Vec<Line> {
    const NAME: &str = " unmasked";
    let header = view.header_length();
    let start = shown.start.saturating_sub(header);
    let payload = shown.end.checked_sub(header).and_then(|end| view.payload.get(start..end));
    let Some(payload) = payload.filter(|payload| !payload.is_empty() && !view.compressed) else {
        return Vec::new();
    };
    let lead = " ".repeat(column + header.saturating_sub(shown.start) * 3);
    let mut lines = Vec::new();
    if is_about_them && view.header.is_some_and(|header| header.masking_key.is_some()) {
        let hex = Line::of(format!("{lead}{}", escape::hex(payload)));
        let fits = 5 + hex.columns() + NAME.len() <= sheet.width;
        lines.push(if fits { hex.paint(Paint::Faint, NAME) } else { hex });
    }
    let is_close = view.header.is_some_and(|header| header.opcode() == Opcode::Close);
    let code = match payload {
        [high, low, ..] if start == 0 && is_close => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    };
    let mut text = code.map_or(lead.clone(), |code| format!("{lead}{code:<6}"));
    for byte in &payload[if code.is_some() { 2 } else { 0 }..] {
        let shown = if byte.is_ascii_graphic() { escape::byte(*byte) } else { '.' };
        text.push_str(&format!("{shown}  "));
    }
    lines.push(Line::new().paint(Paint::Faint, text.trim_end().to_owned()));
    lines
}

/// Bytes with their bits below them.
fn of_bits(view: &FrameView, bits: &Range<u64>, bytes: Range<u64>, sheet: &Sheet) -> Snippet {
    const BYTE: u64 = 12;
    // The first two bytes hold all fields that are shorter than a byte; elsewhere one byte more.
    let fits = (sheet.width.saturating_sub(2) as u64 / BYTE).clamp(2, 4);
    let from = if bytes.start < 2 { 0 } else { bytes.start };
    let to = bytes.end.max(2).min(from + fits).min(view.wire.len() as u64);
    let (mut numbers, mut hex, mut binary) = (Line::new(), Line::new(), Line::new());
    for at in from..to {
        let byte = view.wire[at as usize];
        let column = ((at - from) * BYTE) as usize;
        numbers = numbers.pad_to(column).paint(Paint::Faint, format!("byte {at}"));
        hex = hex.pad_to(column).text(format!("{byte:02x}"));
        binary = binary.pad_to(column).text(format!("{:04b} {:04b}", byte >> 4, byte & 0xf));
    }
    let column = |bit: u64| ((bit / 8 - from) * BYTE + bit % 8 + u64::from(bit % 8 >= 4)) as usize;
    let last = (bits.end.max(bits.start + 1) - 1).min(to * 8 - 1);
    Snippet { above: vec![numbers, hex, binary], carets: column(bits.start)..column(last) + 1 }
}

/// Cause, mend, rule, or where to read more; nothing if there is nothing to say.
fn advice(out: &mut impl Write, sheet: &Sheet, name: &str, text: &str) -> io::Result<()> {
    let text = Marks::of(sheet).prose(text);
    if text.is_empty() {
        return Ok(());
    }
    let parts = wrap(&text, sheet.width.saturating_sub(12));
    for (index, part) in parts.into_iter().enumerate() {
        let lead = if index == 0 {
            Line::of("   ").paint(Paint::Faint, "= ").paint(Paint::Name, name)
        } else {
            Line::of(" ".repeat(5 + name.len()))
        };
        lead.text(part).write(out, sheet)?;
    }
    Ok(())
}

fn arrow(out: &mut impl Write, sheet: &Sheet, at: &str) -> io::Result<()> {
    for (index, part) in wrap(at, sheet.width.saturating_sub(6)).into_iter().enumerate() {
        let lead = if index == 0 { "--> " } else { "    " };
        Line::of("  ").paint(Paint::Faint, lead).text(part).write(out, sheet)?;
    }
    Ok(())
}

fn note(out: &mut impl Write, sheet: &Sheet, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    bar(out, sheet, Line::new())?;
    for part in wrap(text, sheet.width.saturating_sub(5)) {
        bar(out, sheet, Line::of(part))?;
    }
    bar(out, sheet, Line::new())
}

/// A line of a snippet.
fn bar(out: &mut impl Write, sheet: &Sheet, line: Line) -> io::Result<()> {
    Line::of("   ").paint(Paint::Faint, "|").text(" ").join(line).write(out, sheet)
}
