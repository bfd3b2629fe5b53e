//! The lines of both heads, each with its role, or with what is wrong.

use crate::http::{FieldLine, Flaw, FlawKind, Head, StartLine};
use crate::render::{Paint, Sheet, escape, wrap};
use crate::rules::{Finding, Judged, Severity};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use crate::websocket::header::{self, Header, REQUIRED_IN_101, REQUIRED_IN_REQUEST};
use std::io::{self, Write};

/// A line of the card.
struct Row {
    name: String,
    value: String,
    /// Too long a value is broken into lines, not cut: it matters.
    whole: bool,
    mark: Mark,
    words: String,
}

/// What is said about a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Found(Severity),
    Refused,
    Unknown,
    None,
}

/// The lines of both heads, each with its role, or with what is wrong.
pub fn card(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
) -> io::Result<()> {
    let request = rows(handshake, judged, Endpoint::Client);
    let response = rows(handshake, judged, Endpoint::Server);
    let width = |row: &Row| escape::width(&row.name) + escape::width(&row.value);
    let widest = request.iter().chain(&response).map(width).max().unwrap_or(0);
    // Beside the lines there has to be room for what is said about them.
    let left = match sheet.width {
        width if width < 60 => width.saturating_sub(3),
        width => widest.min((width - 41).max(ACCEPT_LINE.min(width - 30))).max(24),
    };
    let tunnel = if handshake.through_connect { ", through a forward proxy (CONNECT)" } else { "" };
    let interim = match handshake.interim.as_slice() {
        [] => String::new(),
        codes => {
            let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
            format!(", after an interim {}", codes.join(", "))
        }
    };
    let sides = [
        ("request", Paint::Client, request, handshake.request.is_some(), tunnel),
        ("response", Paint::Server, response, handshake.response.is_some(), interim.as_str()),
    ];
    for (name, paint, rows, is_there, addition) in sides {
        let absence = if is_there { "" } else { ": not given" };
        writeln!(out, " {}{addition}{absence}", sheet.palette.paint(paint, name))?;
        for row in rows {
            row.write(out, sheet, left)?;
        }
    }
    Ok(())
}

impl Row {
    fn write(&self, out: &mut impl Write, sheet: &Sheet, left: usize) -> io::Result<()> {
        let palette = sheet.palette;
        let (mark, paint) = match self.mark {
            Mark::Good => (sheet.good(), Paint::Good),
            Mark::Found(severity) => (sheet.mark(severity), Paint::Severity(severity)),
            Mark::Refused => ("-", Paint::Severity(Severity::Warning)),
            Mark::Unknown => ("?", Paint::Severity(Severity::Note)),
            Mark::None => ("", Paint::Faint),
        };
        let name = sheet.clip(&self.name, left);
        let values = self.values(sheet, left, escape::width(&name));
        let marks = escape::width(sheet.good());
        let beside = sheet.width.saturating_sub(3 + left + 2 + marks + 1);
        let is_beside = beside >= MIN_WORDS;
        let room = if is_beside { beside } else { sheet.width.saturating_sub(6 + marks + 1) };
        let words =
            if self.words.is_empty() { Vec::new() } else { wrap(&sheet.words(&self.words), room) };
        let faded = if self.mark == Mark::Good { Paint::Faint } else { paint };
        let say = |out: &mut dyn Write, index: usize| {
            let mark = if index == 0 { mark } else { "" };
            let pad = " ".repeat(marks - escape::width(mark).min(marks) + 1);
            let mark = palette.paint(paint, mark);
            writeln!(out, "{mark}{pad}{}", palette.paint(faded, &words[index]))
        };
        let beside = if is_beside { words.len() } else { 0 };
        for index in 0..values.len().max(beside) {
            let value = values.get(index).map_or("", String::as_str);
            // A header's name is set off from its value by its colour.
            let (name, indent) = if index == 0 { (name.as_str(), 3) } else { ("", 5) };
            write!(out, "{:indent$}{}{value}", "", palette.paint(Paint::Name, name))?;
            if index < beside {
                let used = indent - 3 + escape::width(name) + escape::width(value);
                write!(out, "{:gap$}", "", gap = left - used.min(left) + 2)?;
                say(out, index)?;
            } else {
                writeln!(out)?;
            }
        }
        for index in beside..words.len() {
            write!(out, "{:6}", "")?;
            say(out, index)?;
        }
        Ok(())
    }

    /// The value in as many lines as it takes.
    fn values(&self, sheet: &Sheet, left: usize, name: usize) -> Vec<String> {
        if !self.whole || name + escape::width(&self.value) <= left {
            return vec![sheet.clip(&sheet.words(&self.value), left - name.min(left))];
        }
        let value = self.value.trim_start();
        if left < name + 8 {
            let below = wrap(value, left.saturating_sub(2));
            return std::iter::once(String::new()).chain(below).collect();
        }
        // Space that can't be broken stands for the name in the first line.
        let placeholder = "\u{a0}".repeat(name);
        let text = format!("{placeholder}{}{value}", if name > 0 { " " } else { "" });
        let mut lines = wrap(&text, left.saturating_sub(2));
        lines[0] = lines[0].chars().skip(name).collect();
        lines
    }
}

/// With less room than this beside the lines, words stand below them.
const MIN_WORDS: usize = 22;

/// Columns of a line with an Accept: nobody should have to see it broken.
const ACCEPT_LINE: usize = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".len();

fn rows(handshake: &Handshake, judged: &Judged, from: Endpoint) -> Vec<Row> {
    let head = match from {
        Endpoint::Client => handshake.request.as_deref(),
        Endpoint::Server => handshake.response.as_deref(),
    };
    let Some(head) = head else { return Vec::new() };
    let mut placed: Vec<(usize, Row)> = head
        .fields
        .iter()
        .map(|field| (field.line.start, field_row(handshake, head, field, judged, from)))
        .collect();
    // Lines without a colon are no fields, and still lines that were sent.
    let is_no_field = |flaw: &&Flaw| flaw.kind == FlawKind::NoColon;
    for flaw in head.flaws.iter().filter(is_no_field) {
        let (mark, words) = worst_in(head, &flaw.range, judged, from)
            .unwrap_or((Mark::Unknown, "no header line: there is no colon".to_owned()));
        let value = escape::clipped(head.bytes(&flaw.range), 256);
        placed
            .push((flaw.range.start, Row { name: String::new(), value, whole: true, mark, words }));
    }
    placed.sort_by_key(|(start, _)| *start);
    let mut rows = vec![start_row(handshake, head, judged, from)];
    rows.extend(placed.into_iter().map(|(_, row)| row));
    let required: &[&str] = match (from, head.status()) {
        // What HTTP/2 requires are pseudo-fields, and rules of their own (RFC 8441 §4).
        _ if head.is_http2() => &[],
        (Endpoint::Client, _) => &REQUIRED_IN_REQUEST,
        (Endpoint::Server, Some(101)) => &REQUIRED_IN_101,
        _ => &[],
    };
    for name in required.iter().filter(|name| head.line(name).is_none()) {
        let role = header::find(name.as_bytes()).and_then(|header| about(header, from));
        let words = format!("missing: {}", role.unwrap_or_default());
        let mark = Mark::Found(Severity::Error);
        let name = format!("{name}:");
        rows.push(Row { name, value: String::new(), whole: false, mark, words });
    }
    rows
}

fn start_row(handshake: &Handshake, head: &Head, judged: &Judged, from: Endpoint) -> Row {
    let value = escape::clipped(head.bytes(&head.start_range()), 512);
    let found = worst_in(head, &head.start_range(), judged, from);
    let (mark, words) = found.unwrap_or_else(|| match (&head.start, head.status()) {
        (StartLine::Request { .. }, _) => (Mark::Good, request_line_words(head)),
        (_, Some(101)) if handshake.request.is_none() => {
            (Mark::Good, "accepted, whatever was asked".to_owned())
        }
        (_, Some(101)) => (Mark::Good, "accepted".to_owned()),
        (_, Some(200..=299)) if head.is_http2() => (Mark::Good, "accepted".to_owned()),
        (_, Some(_)) => (Mark::Refused, "not accepted".to_owned()),
        (_, None) => (Mark::Unknown, "no start line that can be read".to_owned()),
    });
    Row { name: String::new(), value, whole: true, mark, words }
}

fn request_line_words(head: &Head) -> String {
    let method = escape::clipped(head.method().unwrap_or_default(), 12);
    let version = escape::clipped(head.version().unwrap_or_default(), 12);
    let form = match head.target() {
        Some([b'/', ..]) => "a path",
        Some(target) if memchr::memmem::find(target, b"://").is_some() => "a whole URL",
        _ => "no path",
    };
    format!("{method}, {version}, {form}")
}

fn field_row(
    handshake: &Handshake,
    head: &Head,
    field: &FieldLine,
    judged: &Judged,
    from: Endpoint,
) -> Row {
    let name = head.bytes(&field.name);
    let value = head.bytes(&field.value);
    let known = header::find(name);
    let (mark, words) = worst_in(head, &field.line, judged, from)
        .or_else(|| worst_of_header(head, field, judged, from))
        .or_else(|| which_key(handshake, known, value))
        .unwrap_or_else(|| role(handshake, judged, known, value, from));
    let value = if is_secret(name) { shortened(value) } else { shown(value) };
    let whole = known.is_some_and(|header| header.of_handshake);
    let name = format!("{}:", escape::clipped(name, 64));
    Row { name, value: format!(" {value}"), whole, mark, words }
}

/// A value whose spaces matter.
fn shown(value: &[u8]) -> String {
    escape::clip(
        &escape::line(&value[..value.len().min(MAX_VALUE)]),
        MAX_VALUE,
        value.len() <= MAX_VALUE,
    )
}

/// No more of a value is shown.
const MAX_VALUE: usize = 512;

/// Of several keys, which one the Accept answers.
fn which_key(
    handshake: &Handshake,
    known: Option<&Header>,
    value: &[u8],
) -> Option<(Mark, String)> {
    let name = "Sec-WebSocket-Key";
    let is_key = known.is_some_and(|header| header.name == name);
    let several = is_key && handshake.request.as_ref()?.lines(name).nth(1).is_some();
    let found = handshake.accept_found().filter(|_| several)?;
    let answers = crate::websocket::accept::accept(value).as_bytes() == found;
    let words = if answers { "the Accept answers this key" } else { "the Accept answers another" };
    Some((Mark::Unknown, words.to_owned()))
}

/// True if the key has to be mended before there can be an answer to it.
pub fn has_broken_key(judged: &Judged) -> bool {
    const FAULTS: [&str; 3] = ["HS-REQ-KEY-SINGLE", "HS-REQ-KEY-BASE64", "HS-REQ-KEY-LENGTH"];
    judged.findings.iter().any(|finding| FAULTS.contains(&finding.rule.id))
}

/// What is said about a header that no finding points at.
fn role(
    handshake: &Handshake,
    judged: &Judged,
    known: Option<&Header>,
    value: &[u8],
    from: Endpoint,
) -> (Mark, String) {
    let Some(header) = known else { return (Mark::None, String::new()) };
    let Some(about) = about(header, from) else {
        let other = if from == Endpoint::Client { "a response" } else { "a request" };
        return (Mark::None, format!("belongs into {other}"));
    };
    if !header.of_handshake {
        return (Mark::None, about.to_owned());
    }
    if handshake.is_http2() && matches!(header.name, "Upgrade" | "Connection" | "Sec-WebSocket-Key")
    {
        return (Mark::None, "says nothing over HTTP/2".to_owned());
    }
    // In a refusal nothing is agreed, so nothing is as it should be either.
    if from == Endpoint::Server && !handshake.is_accepted() {
        let about = match header.name {
            "Upgrade" => "what it would rather speak",
            _ => about,
        };
        return (Mark::None, about.to_owned());
    }
    if header::is_redacted(value) {
        return (Mark::Unknown, "taken out by whoever shared it: not checked".to_owned());
    }
    if header.name == "Sec-WebSocket-Accept" {
        match handshake.key() {
            None => return (Mark::Unknown, "there is no key to check it against".to_owned()),
            Some(key) if header::is_redacted(key) => {
                return (Mark::Unknown, "the key was taken out: not checked".to_owned());
            }
            Some(key) if crate::websocket::accept::accept(key).as_bytes() != value => {
                return (Mark::Found(Severity::Error), "does not answer the key".to_owned());
            }
            Some(_) if has_broken_key(judged) => {
                let words = "answers this key; the mended one gets another Accept";
                return (Mark::Unknown, words.to_owned());
            }
            Some(_) => {}
        }
    }
    (Mark::Good, about.to_owned())
}

fn about(header: &Header, from: Endpoint) -> Option<&'static str> {
    match from {
        Endpoint::Client => header.in_request,
        Endpoint::Server => header.in_response,
    }
}

/// The worst finding that points into a line.
fn worst_in(
    head: &Head,
    line: &std::ops::Range<usize>,
    judged: &Judged,
    from: Endpoint,
) -> Option<(Mark, String)> {
    let span = head.span(line);
    worst(judged.findings.iter().filter(|finding| {
        let broken = &finding.broken;
        broken.endpoint == Some(from)
            && broken.span.is_some_and(|at| span.start <= at.start && at.start <= span.end())
    }))
}

/// The worst finding about this header that points nowhere in particular.
fn worst_of_header(
    head: &Head,
    field: &FieldLine,
    judged: &Judged,
    from: Endpoint,
) -> Option<(Mark, String)> {
    let name = head.bytes(&field.name);
    worst(judged.findings.iter().filter(|finding| {
        let broken = &finding.broken;
        let names_it =
            broken.header.as_ref().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(name));
        broken.endpoint == Some(from) && broken.span.is_none() && names_it
    }))
}

fn worst<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<(Mark, String)> {
    // Of equals the first one counts.
    let worst =
        findings.reduce(|worst, it| if it.severity > worst.severity { it } else { worst })?;
    Some((Mark::Found(worst.severity), worst.broken.seen.to_string()))
}

/// Headers whose values open doors.
fn is_secret(name: &[u8]) -> bool {
    ["Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization"]
        .iter()
        .any(|secret| secret.as_bytes().eq_ignore_ascii_case(name))
}

/// The first characters of a secret, and how long it is.
fn shortened(value: &[u8]) -> String {
    if value.len() <= 12 {
        return escape::text(value);
    }
    format!("{}… ({} bytes)", escape::text(&value[..8]), value.len())
}
