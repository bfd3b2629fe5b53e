//! A finding in full: what was seen, the very place in its line, the cause, how to mend it, the
//! rule. Whoever shows it says where the line stands: in a file, in a packet.

use super::{Paint, Sheet, escape, wrap};
use crate::rules::{Finding, MAX_REPEATS, Rule};
use std::io::{self, Write};
use std::ops::Range;

/// A place in some text.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Where the text stands: `chat.http:11:23`, or `packet 7, byte 95 of the server's stream`.
    pub label: String,
    /// The number of the line.
    pub number: usize,
    /// The line, without its line end.
    pub line: &'a [u8],
    /// The part of the line that is meant.
    pub range: Range<usize>,
}

impl<'a> Place<'a> {
    /// The place of a range in a text: its line, the line's number from 1 and its column from 1.
    /// A range over several lines is cut at the end of its first.
    pub fn in_text(source: &'a [u8], range: &Range<usize>) -> (Place<'a>, usize) {
        let start = range.start.min(source.len());
        let line_start = memchr::memrchr(b'\n', &source[..start]).map_or(0, |at| at + 1);
        let line_end =
            memchr::memchr(b'\n', &source[start..]).map_or(source.len(), |at| start + at);
        let line = &source[line_start..line_end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = 1 + memchr::memchr_iter(b'\n', &source[..line_start]).count();
        let before = &source[line_start..start];
        let column = 1 + String::from_utf8_lossy(before).chars().count();
        let start = (start - line_start).min(line.len());
        let end = range.end.saturating_sub(line_start).clamp(start, line.len());
        let range = start..end;
        (Place { label: String::new(), number, line, range }, column)
    }
}

/// A finding with everything that there is to say about it.
pub fn whole(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    place: Option<&Place<'_>>,
) -> io::Result<()> {
    let gutter = shown(out, sheet, finding, place)?;
    footer(out, sheet, gutter, "rule", &demand(finding.rule))?;
    footer(out, sheet, gutter, "more", &format!("ws101 explain {}", finding.rule.id))
}

/// A finding as it stands on the page of its rule, which says the demand itself. Gives back how wide
/// the numbers of its lines are.
pub fn shown(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    place: Option<&Place<'_>>,
) -> io::Result<usize> {
    headline(out, sheet, finding)?;
    let broken = &finding.broken;
    let gutter = place.map_or(1, |place| place.number.to_string().len());
    if let Some(place) = place {
        let label = match &*broken.expected {
            "" => String::new(),
            expected => format!("expected {}", escape::text(expected.as_bytes())),
        };
        excerpt(out, sheet, finding, place, &label)?;
    }
    let mut part = |name: &str, text: &str| footer(out, sheet, gutter, name, text);
    if place.is_none() && !broken.expected.is_empty() {
        part("expected", &broken.expected)?;
    }
    if let Some(cause) = &broken.cause {
        part("cause", cause)?;
    }
    if !finding.mend().is_empty() {
        part("mend", finding.mend())?;
    }
    Ok(gutter)
}

/// A finding in a line or two: what was seen and where.
pub fn brief(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    place: Option<&Place<'_>>,
) -> io::Result<()> {
    headline(out, sheet, finding)?;
    if let Some(place) = place {
        let label = sheet.clip(&place.label, sheet.width.saturating_sub(6));
        writeln!(out, "  {} {label}", sheet.palette.paint(Paint::Faint, "-->"))?;
    }
    Ok(())
}

/// What is said of findings that are none any more, because the rule was told often enough.
pub fn not_told(times: u64) -> String {
    let told = format!("a rule is told {MAX_REPEATS} times of an endpoint");
    format!("not told and not counted: the same {times} more times ({told})")
}

/// A rule's demand and where it stands: `Method is GET (MUST, RFC 6455 §4.1)`.
pub fn demand(rule: &Rule) -> String {
    match (rule.source().as_str(), rule.level.verb()) {
        ("", verb) => format!("{} ({verb})", rule.title),
        (source, verb) => format!("{} ({verb}, {source})", rule.title),
    }
}

fn headline(out: &mut impl Write, sheet: &Sheet, finding: &Finding) -> io::Result<()> {
    let name = format!("{}[{}]", finding.severity, finding.rule.id);
    let seen = escape::text(finding.broken.seen.as_bytes());
    let seen = if seen.is_empty() { finding.rule.title.to_owned() } else { seen };
    let text = format!("{name}: {}", sheet.words(&seen));
    let mut lines = wrap(&text, sheet.width.saturating_sub(2)).into_iter();
    let first = lines.next().unwrap_or_default();
    let paint = Paint::Severity(finding.severity);
    // A name longer than the sheet is wide is broken like any other word.
    let (name, rest) = first.split_at(name.len().min(first.len()));
    writeln!(
        out,
        "{}{}",
        sheet.palette.paint(paint, name),
        sheet.palette.paint(Paint::Title, rest)
    )?;
    for line in lines {
        writeln!(out, "  {}", sheet.palette.paint(Paint::Title, line))?;
    }
    Ok(())
}

/// The line with carets below the place that is meant, and words behind them.
fn excerpt(
    out: &mut impl Write,
    sheet: &Sheet,
    finding: &Finding,
    place: &Place<'_>,
    label: &str,
) -> io::Result<()> {
    let gutter = place.number.to_string().len();
    let faint = |text: String| sheet.palette.paint(Paint::Faint, text).to_string();
    let bar = faint(format!("{:gutter$} |", ""));
    let arrow = faint(format!("{:gutter$}-->", ""));
    let room = sheet.width.saturating_sub(gutter + 3).max(16);
    let window = Window::around(sheet, place.line, &place.range, room);
    writeln!(out, "{arrow} {}", sheet.clip(&place.label, sheet.width - gutter - 4))?;
    writeln!(out, "{bar}")?;
    writeln!(out, "{} {}", faint(format!("{} |", place.number)), window.text)?;
    let paint = Paint::Severity(finding.severity);
    let carets = "^".repeat(window.length);
    let label = sheet.words(label);
    let behind = room.saturating_sub(window.start + window.length + 1);
    let indent = " ".repeat(window.start);
    let carets = sheet.palette.paint(paint, carets);
    if label.is_empty() {
        writeln!(out, "{bar} {indent}{carets}")?;
    } else if escape::width(&label) <= behind {
        writeln!(out, "{bar} {indent}{carets} {}", sheet.palette.paint(paint, label))?;
    } else {
        writeln!(out, "{bar} {indent}{carets}")?;
        let start = window.start.min(room.saturating_sub(40));
        for line in wrap(&label, room - start) {
            let line = sheet.palette.paint(paint, line);
            writeln!(out, "{bar} {:start$}{line}", "")?;
        }
    }
    writeln!(out, "{bar}")
}

fn footer(
    out: &mut impl Write,
    sheet: &Sheet,
    gutter: usize,
    name: &str,
    text: &str,
) -> io::Result<()> {
    // `= expected: ` is the only name longer than `cause`; it does not occur beside an excerpt.
    let name = format!("{name}:");
    let hang = gutter + 3 + name.len().max(6) + 1;
    let text = escape::text(text.as_bytes());
    for (index, line) in
        wrap(&sheet.words(&text), sheet.width.saturating_sub(hang)).iter().enumerate()
    {
        if index == 0 {
            let sign = sheet.palette.paint(Paint::Faint, "=");
            let name = format!("{name:<6}");
            writeln!(
                out,
                "{:gutter$} {sign} {} {line}",
                "",
                sheet.palette.paint(Paint::Name, name)
            )?;
        } else {
            writeln!(out, "{:hang$}{line}", "")?;
        }
    }
    Ok(())
}

/// A line as it can be shown: escaped, and cut around the place that is meant.
struct Window {
    text: String,
    /// Column of the first caret.
    start: usize,
    /// Number of carets.
    length: usize,
}

/// No more of a line than this is looked at on either side of the place.
const MAX_CONTEXT: usize = 1024;

impl Window {
    fn around(sheet: &Sheet, line: &[u8], range: &Range<usize>, columns: usize) -> Window {
        let from = char_start(line, range.start.saturating_sub(MAX_CONTEXT));
        let to = line.len().min(range.end.saturating_add(MAX_CONTEXT));
        let before = escape::line(&line[from..range.start]);
        let meant = escape::line(&line[range.start..range.end.min(range.start + MAX_CONTEXT)]);
        let after = escape::line(&line[range.end.min(to)..to]);
        let (lead, length) = (escape::width(&before), escape::width(&meant).max(1));
        let total = lead + length + escape::width(&after);
        if total <= columns && from == 0 && to == line.len() {
            let text = [before, meant, after].concat();
            return Window { text, start: lead, length };
        }
        // Show what stands before only as far as it leaves room for the place itself.
        let kept = lead.min(columns.saturating_sub(length.saturating_add(8)).max(columns / 4));
        let ellipsis = sheet.words("…").into_owned();
        let (head, start) = if kept < lead || from > 0 {
            let kept = kept.saturating_sub(ellipsis.len().min(2));
            let tail = last_columns(&before, kept);
            let start = escape::width(&ellipsis) + escape::width(tail);
            (format!("{ellipsis}{tail}"), start)
        } else {
            (before, lead)
        };
        let text = sheet.clip(&[head, meant, after].concat(), columns);
        let length = length.min(columns.saturating_sub(start)).max(1);
        Window { text, start, length }
    }
}

/// The end of a text, at most so many columns of it.
fn last_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += escape::width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

/// The nearest byte at or behind `at` that does not lie inside a character.
fn char_start(bytes: &[u8], at: usize) -> usize {
    (at..bytes.len()).find(|&at| at == 0 || bytes[at] & 0xc0 != 0x80).unwrap_or(bytes.len()).max(at)
}
