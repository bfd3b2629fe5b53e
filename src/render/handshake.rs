//! The report card of a handshake: each line with its role and verdict, the findings, how the
//! Accept comes about, what was agreed, how many rules hold.

use super::finding::{self, Place};
use super::refusal;
use super::{Paint, Sheet, derivation::derivation, escape, wrap};
use crate::http::{FieldLine, Flaw, FlawKind, Head, StartLine};
use crate::rules::{Finding, Judged, Severity};
use crate::said::{At, Endpoint};
use crate::websocket::extension::{Compression, Deflate, Extension, PERMESSAGE_DEFLATE};
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::header::{self, Header, REQUIRED_IN_101, REQUIRED_IN_REQUEST};
use std::io::{self, Write};

/// Where the heads of a handshake come from, which decides how a place in them is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// Text in files: the request's and the response's (often the same). `file:line:column`.
    Files {
        /// The file of the request.
        request: &'a str,
        /// The file of the response.
        response: &'a str,
    },
    /// Heads put together from something else, which this names (`entry 3 of chat.har`).
    Rebuilt(&'a str),
    /// A capture: packet, and byte of the endpoint's stream.
    Stream,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Only what is wrong.
    Quiet,
    /// What most people want.
    #[default]
    Normal,
    /// Everything.
    Verbose,
}

/// Everything about a handshake.
pub fn report(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
    source: Source<'_>,
    detail: Detail,
) -> io::Result<()> {
    if detail == Detail::Quiet {
        return quiet(out, sheet, handshake, judged, source);
    }
    summary(out, sheet, handshake, judged)?;
    writeln!(out)?;
    card(out, sheet, handshake, judged)?;
    refused(out, sheet, handshake)?;
    findings(out, sheet, handshake, judged, source, detail)?;
    accept(out, sheet, handshake, detail)?;
    agreed(out, sheet, handshake, judged)?;
    closing(out, sheet, judged, detail)
}

/// Only what is wrong, with the line that says of which handshake.
fn quiet(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
    source: Source<'_>,
) -> io::Result<()> {
    let is_wrong = |finding: &&Finding| finding.severity > Severity::Note;
    if !judged.findings.iter().any(|finding| is_wrong(&finding)) {
        return Ok(());
    }
    summary(out, sheet, handshake, judged)?;
    for finding in sorted(judged).into_iter().filter(is_wrong) {
        finding::brief(out, sheet, finding, locate(handshake, finding, source).as_ref())?;
    }
    Ok(())
}

/// One line: what was asked, what was answered, how many findings.
pub fn summary(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
) -> io::Result<()> {
    let worst = judged.findings.iter().map(|finding| finding.severity).max();
    let (mark, paint) = match (worst, handshake.outcome()) {
        (Some(Severity::Error), _) => (sheet.bad(), Paint::Severity(Severity::Error)),
        (_, Outcome::Upgraded) => (sheet.good(), Paint::Good),
        (_, Outcome::Refused) => ("-", Paint::Severity(Severity::Warning)),
        (_, Outcome::Incomplete) => ("?", Paint::Severity(Severity::Note)),
    };
    let right = match counts(judged) {
        counts if !counts.is_empty() => counts,
        _ => match handshake.outcome() {
            Outcome::Upgraded => "valid".to_owned(),
            Outcome::Refused => "refused".to_owned(),
            Outcome::Incomplete => "one half only".to_owned(),
        },
    };
    let right = sheet.words(&right).into_owned();
    let room = sheet.width.saturating_sub(escape::width(mark) + 16 + escape::width(&right));
    let left = sheet.clip(&sheet.words(&subject(handshake, room)), room.max(8));
    let gap = room.saturating_sub(escape::width(&left)) + 3;
    writeln!(
        out,
        "{} {}  {left}{:gap$}{}",
        sheet.palette.paint(paint, mark),
        sheet.palette.paint(Paint::Title, "handshake"),
        "",
        sheet.palette.paint(paint, right)
    )
}

/// `GET /chat → 101 Switching Protocols`.
fn subject(handshake: &Handshake, columns: usize) -> String {
    let answer = match handshake.response.as_deref() {
        None => "no answer".to_owned(),
        Some(head) => match &head.start {
            StartLine::Status { code, reason, .. } => {
                let text = [head.bytes(code), b" ", head.bytes(reason)].concat();
                escape::clipped(text.trim_ascii(), 40)
            }
            _ => escape::clipped(head.bytes(&head.start_range()), 40),
        },
    };
    let question = match handshake.request.as_deref() {
        None => "no request".to_owned(),
        Some(head) => match (head.method(), head.target()) {
            (Some(method), Some(target)) => {
                let room = columns.saturating_sub(escape::width(&answer) + 3).max(16);
                escape::clipped(&[method, b" ", target].concat(), room)
            }
            _ => escape::clipped(head.bytes(&head.start_range()), 40),
        },
    };
    format!("{question} → {answer}")
}

fn counts(judged: &Judged) -> String {
    let parts = [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(|it| {
        let count = judged.findings.iter().filter(|finding| finding.severity == it).count();
        (count > 0).then(|| numbered(count, it.name()))
    });
    parts.collect::<Vec<_>>().join(" · ")
}

fn numbered(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

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
            return vec![sheet.clip(&self.value, left - name.min(left))];
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
        .unwrap_or_else(|| role(handshake, known, value, from));
    let value = if is_secret(name) { shortened(value) } else { escape::clipped(value, 512) };
    let whole = known.is_some_and(|header| header.of_handshake);
    let name = format!("{}:", escape::clipped(name, 64));
    Row { name, value: format!(" {value}"), whole, mark, words }
}

/// What is said about a header that no finding points at.
fn role(
    handshake: &Handshake,
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
    // In a refusal nothing is agreed, so nothing is as it should be either.
    if from == Endpoint::Server && handshake.status() != Some(101) {
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
    Some((Mark::Found(worst.severity), worst.rule.title.to_owned()))
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

/// What a refusal means, where it comes from, what to do.
fn refused(out: &mut impl Write, sheet: &Sheet, handshake: &Handshake) -> io::Result<()> {
    let Some(refusal) = refusal::explain(handshake) else { return Ok(()) };
    let status = handshake.status().unwrap_or(0);
    writeln!(out)?;
    let title = format!("what {status} says");
    writeln!(out, " {}", sheet.palette.paint(Paint::Title, title))?;
    let parts = [("it means", refusal.means), ("likely", refusal.likely), ("next", refusal.next)];
    for (name, text) in parts {
        paragraph(out, sheet, name, &text)?;
    }
    if !handshake.body_preview.is_empty() {
        let first = handshake.body_preview.trim_ascii_start();
        let line = first.split(|b| *b == b'\n').next().unwrap_or_default();
        let room = sheet.width.saturating_sub(12);
        paragraph(out, sheet, "body", &escape::clipped(line.trim_ascii_end(), room))?;
    }
    Ok(())
}

fn paragraph(out: &mut impl Write, sheet: &Sheet, name: &str, text: &str) -> io::Result<()> {
    const NAMES: usize = 9;
    let room = sheet.width.saturating_sub(NAMES + 3);
    for (index, line) in wrap(&sheet.words(text), room).iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        let name = format!("{name:<NAMES$}");
        writeln!(out, "   {}{line}", sheet.palette.paint(Paint::Faint, name))?;
    }
    Ok(())
}

fn findings(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
    source: Source<'_>,
    detail: Detail,
) -> io::Result<()> {
    for finding in sorted(judged) {
        let place = locate(handshake, finding, source);
        writeln!(out)?;
        if finding.severity == Severity::Note && detail != Detail::Verbose {
            finding::brief(out, sheet, finding, place.as_ref())?;
        } else {
            finding::whole(out, sheet, finding, place.as_ref())?;
        }
    }
    Ok(())
}

/// The worst first, else in the order of the lines.
fn sorted(judged: &Judged) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = judged.findings.iter().collect();
    findings.sort_by_key(|finding| {
        let broken = &finding.broken;
        let start = broken.span.map_or(u64::MAX, |span| span.start);
        (std::cmp::Reverse(finding.severity), broken.endpoint, start)
    });
    findings
}

/// Where a finding points, in the words of its source.
pub fn locate<'a>(
    handshake: &'a Handshake,
    finding: &Finding,
    source: Source<'_>,
) -> Option<Place<'a>> {
    let endpoint = finding.broken.endpoint?;
    let span = finding.broken.span?;
    let (head, at) = match endpoint {
        Endpoint::Client => (handshake.request.as_deref()?, handshake.request_at),
        Endpoint::Server => (handshake.response.as_deref()?, handshake.response_at),
    };
    let start = usize::try_from(span.byte_offset().checked_sub(head.offset)?).ok()?;
    if start > head.source.len() {
        return None;
    }
    let end = start.saturating_add(usize::try_from(span.byte_length()).ok()?);
    let (mut place, column) = Place::in_text(&head.source, &(start..end));
    place.label = match source {
        Source::Files { request, response } => {
            let file = if endpoint == Endpoint::Client { request } else { response };
            format!("{}:{}:{column}", escape::text(file.as_bytes()), place.number)
        }
        Source::Rebuilt(what) => {
            let half = if endpoint == Endpoint::Client { "request" } else { "response" };
            let what = escape::text(what.as_bytes());
            format!("{what}, {half} line {}", place.number)
        }
        Source::Stream => stream_label(at, endpoint, span.byte_offset()),
    };
    Some(place)
}

fn stream_label(at: At, endpoint: Endpoint, offset: u64) -> String {
    let packet = at.packet.map_or(String::new(), |packet| format!("packet {packet}, "));
    format!("{packet}byte {offset} of the {endpoint}'s stream")
}

/// The derivation of the Accept, if there is something to see in it.
fn accept(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    detail: Detail,
) -> io::Result<()> {
    let Some(key) = handshake.key().filter(|key| !header::is_redacted(key)) else { return Ok(()) };
    let found = handshake.accept_found().filter(|found| !header::is_redacted(found));
    let is_wrong =
        found.is_some_and(|found| crate::websocket::accept::accept(key).as_bytes() != found);
    if !is_wrong && detail != Detail::Verbose {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, " {}", sheet.palette.paint(Paint::Title, "how the Accept comes about"))?;
    derivation(out, sheet, key, found)
}

/// What the two agreed on; nothing, if the client has to fail the connection (RFC 6455 §4.1).
fn agreed(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
) -> io::Result<()> {
    let is_broken = judged.findings.iter().any(|finding| finding.severity == Severity::Error);
    if handshake.status() != Some(101) || is_broken {
        return Ok(());
    }
    let subprotocol = match handshake.subprotocol() {
        Some(name) if !name.is_empty() => format!("subprotocol {}", escape::clipped(name, 60)),
        _ => "no subprotocol".to_owned(),
    };
    let extensions = handshake.extensions();
    let extensions = match extensions.as_slice() {
        [] => "no extensions".to_owned(),
        extensions => extensions.iter().map(extension_words).collect::<Vec<_>>().join("; "),
    };
    writeln!(out)?;
    let text = format!("agreed: {subprotocol}, {extensions}");
    for (index, line) in wrap(&sheet.words(&text), sheet.width - 3).iter().enumerate() {
        writeln!(out, "{}{line}", if index == 0 { " " } else { "   " })?;
    }
    Ok(())
}

/// An agreed extension in words.
pub fn extension_words(extension: &Extension) -> String {
    if extension.name != PERMESSAGE_DEFLATE {
        return format!("{} (not known to ws101)", escape::clipped(extension.name.as_bytes(), 60));
    }
    let deflate = Deflate::from_extension(extension);
    let side = |compression: Compression| {
        let memory = if compression.context_takeover {
            "remembers earlier messages"
        } else {
            "starts afresh with each message"
        };
        match compression.window_bits {
            15 => memory.to_owned(),
            bits => format!("{memory}, window {} bytes", 1u32 << bits),
        }
    };
    let (client, server) = (side(deflate.client), side(deflate.server));
    if client == server {
        format!("permessage-deflate (each side {client})")
    } else {
        format!("permessage-deflate (the client {client}; the server {server})")
    }
}

/// How many rules hold, how many are broken, how many could not be judged and why.
fn closing(out: &mut impl Write, sheet: &Sheet, judged: &Judged, detail: Detail) -> io::Result<()> {
    let mut broken: Vec<&str> = judged
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        .map(|finding| finding.rule.id)
        .collect();
    broken.sort_unstable();
    broken.dedup();
    let verb = |count: usize, one: &str, many: &str| {
        format!("{count} {}", if count == 1 { one } else { many })
    };
    let mut text = format!(
        "{}, {}",
        verb(judged.held.len(), "rule holds", "rules hold"),
        verb(broken.len(), "is broken", "are broken")
    );
    if !judged.not_observed.is_empty() {
        let mut reasons: Vec<&str> = Vec::new();
        for (_, reason) in &judged.not_observed {
            if !reasons.contains(reason) {
                reasons.push(reason);
            }
        }
        let count = judged.not_observed.len();
        text.push_str(&format!(", {count} could not be judged ({})", reasons.join("; ")));
    }
    writeln!(out)?;
    for (index, line) in wrap(&sheet.words(&text), sheet.width - 2).iter().enumerate() {
        writeln!(out, "{}{line}", if index == 0 { "" } else { "  " })?;
    }
    if detail == Detail::Verbose {
        list_rules(out, sheet, judged)?;
    }
    Ok(())
}

fn list_rules(out: &mut impl Write, sheet: &Sheet, judged: &Judged) -> io::Result<()> {
    let held = judged.held.iter().map(|rule| (sheet.good(), Paint::Good, *rule, None));
    let unknown = judged
        .not_observed
        .iter()
        .map(|(rule, why)| ("?", Paint::Severity(Severity::Note), *rule, Some(*why)));
    for (mark, paint, rule, why) in held.chain(unknown) {
        let title = why.map_or(rule.title.to_owned(), |why| format!("{} ({why})", rule.title));
        let text = format!("{:<28} {title}", rule.id);
        let text = sheet.clip(&sheet.words(&text), sheet.width.saturating_sub(5));
        writeln!(out, "  {} {text}", sheet.palette.paint(paint, mark))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
