//! The report card of a handshake: each line with its role and verdict, the findings, how the
//! Accept comes about, what was agreed, how many rules hold.

mod card;

pub use card::card;

use super::finding::{self, Place};
use super::{Paint, Sheet, derivation::derivation, escape, timeline, wrap};
use crate::http::{Head, StartLine, page};
use crate::rules::{Cause, Finding, Judged, Severity, refused};
use crate::said::{At, Endpoint};
use crate::websocket::extension::{Compression, Deflate, Extension, PERMESSAGE_DEFLATE};
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::header;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

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
    /// Only what is at least so bad.
    Quiet(Severity),
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
    if let Detail::Quiet(least) = detail {
        return quiet(out, sheet, handshake, judged, source, least);
    }
    summary(out, sheet, handshake, judged)?;
    writeln!(out)?;
    card(out, sheet, handshake, judged)?;
    refused(out, sheet, handshake, judged)?;
    findings(out, sheet, handshake, judged, source, detail)?;
    accept(out, sheet, handshake, judged, detail)?;
    agreed(out, sheet, handshake, judged)?;
    closing(out, sheet, handshake, judged, detail)
}

/// Only what is wrong, with the line that says of which handshake.
fn quiet(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
    source: Source<'_>,
    least: Severity,
) -> io::Result<()> {
    if !judged.findings.iter().any(|finding| finding.severity >= least) {
        return Ok(());
    }
    summary(out, sheet, handshake, judged)?;
    findings(out, sheet, handshake, judged, source, Detail::Quiet(least))
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
    let right = match (counts(judged), handshake.outcome()) {
        (counts, Outcome::Refused) if counts.is_empty() => "refused".to_owned(),
        (counts, Outcome::Refused) => format!("refused · {counts}"),
        (counts, _) if !counts.is_empty() => counts,
        (_, Outcome::Upgraded) => "valid".to_owned(),
        (_, Outcome::Incomplete) => "not whole".to_owned(),
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

/// What a refusal means, where it comes from, what to do.
fn refused(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
) -> io::Result<()> {
    let Some(refusal) = refused::explain(handshake, &judged.findings) else { return Ok(()) };
    let status = handshake.status().unwrap_or(0);
    writeln!(out)?;
    let title = format!("what {status} says");
    writeln!(out, " {}", sheet.palette.paint(Paint::Title, title))?;
    let parts = [("it means", refusal.means), ("likely", refusal.likely), ("next", refusal.next)];
    for (name, text) in parts {
        paragraph(out, sheet, name, &text)?;
    }
    let said = page::says(&handshake.body_preview);
    if said.is_empty() {
        return Ok(());
    }
    let room = sheet.width.saturating_sub(12) * BODY_LINES;
    paragraph(out, sheet, "body", &escape::clipped(said.as_bytes(), room))
}

/// So many lines of a body show what it is about.
const BODY_LINES: usize = 2;

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
    let least = if let Detail::Quiet(least) = detail { least } else { Severity::Note };
    // One root cause is said in full, what follows from it in a line each.
    let follows = |cause: &Cause| {
        let following = judged.findings.iter().filter(|finding| finding.root == Some(cause.id));
        following.map(|finding| (finding.rule.id, 1)).collect::<Vec<_>>()
    };
    let told = judged.cause.as_ref().map(|cause| (cause, follows(cause)));
    let told = told.filter(|(cause, follows)| cause.says_more || follows.len() > 1);
    if let Some((cause, follows)) = &told {
        writeln!(out, "\n{}", timeline::cause_lines(sheet, cause, follows))?;
    }
    for finding in sorted(judged).into_iter().filter(|finding| finding.severity >= least) {
        let place = locate(handshake, finding, source);
        let is_said = refused::is_worded(finding) && !matches!(detail, Detail::Quiet(_));
        let finding = &if is_said { without_words(finding) } else { Cow::Borrowed(finding) };
        let is_folded = told.as_ref().is_some_and(|(cause, _)| finding.root == Some(cause.id));
        writeln!(out)?;
        let is_note = finding.severity == Severity::Note && !matches!(detail, Detail::Quiet(_));
        if (is_note || is_folded) && detail != Detail::Verbose {
            finding::brief(out, sheet, finding, place.as_ref())?;
        } else {
            finding::whole(out, sheet, finding, place.as_ref())?;
        }
    }
    Ok(())
}

/// A finding about a refusal: where that comes from and what to do stands above already.
fn without_words(finding: &Finding) -> Cow<'_, Finding> {
    let mut finding = finding.clone();
    finding.broken.cause = None;
    finding.broken.mend = Some(Cow::Borrowed(""));
    Cow::Owned(finding)
}

/// What follows from the cause first, then the worst first, else in the order of the lines.
fn sorted(judged: &Judged) -> Vec<&Finding> {
    let cause = judged.cause.as_ref().map(|cause| cause.id);
    let mut findings: Vec<&Finding> = judged.findings.iter().collect();
    findings.sort_by_key(|finding| {
        let broken = &finding.broken;
        let follows = cause.is_some() && finding.root == cause;
        let start = broken.span.map_or(u64::MAX, |span| span.start);
        (!follows, std::cmp::Reverse(finding.severity), broken.endpoint, start)
    });
    findings
}

/// Where a finding points, in the words of its source.
pub fn locate<'a>(
    handshake: &'a Handshake,
    finding: &Finding,
    source: Source<'_>,
) -> Option<Place<'a>> {
    let (head, range) = head_of(handshake, finding)?;
    let endpoint = finding.broken.endpoint?;
    let (mut place, column) = Place::in_text(&head.source, &range);
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
        Source::Stream => {
            let at = match endpoint {
                Endpoint::Client => handshake.request_at,
                Endpoint::Server => handshake.response_at,
            };
            stream_label(at, endpoint, head.offset + range.start as u64)
        }
    };
    Some(place)
}

/// The head that a finding points into, and the part of its source that is meant.
pub fn head_of<'a>(
    handshake: &'a Handshake,
    finding: &Finding,
) -> Option<(&'a Head, Range<usize>)> {
    let span = finding.broken.span?;
    let head = match finding.broken.endpoint? {
        Endpoint::Client => handshake.request.as_deref()?,
        Endpoint::Server => handshake.response.as_deref()?,
    };
    let start = usize::try_from(span.byte_offset().checked_sub(head.offset)?).ok()?;
    let end = start.saturating_add(usize::try_from(span.byte_length()).ok()?);
    (start <= head.source.len()).then_some((head, start..end))
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
    judged: &Judged,
    detail: Detail,
) -> io::Result<()> {
    let Some(key) = handshake.key().filter(|key| !header::is_redacted(key)) else { return Ok(()) };
    if card::has_broken_key(judged) && detail != Detail::Verbose {
        return Ok(());
    }
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
    if !handshake.is_accepted() || is_broken {
        return Ok(());
    }
    let subprotocol = match handshake.subprotocol() {
        Some(name) if !name.is_empty() => format!("subprotocol {}", escape::clipped(name, 60)),
        _ => "no subprotocol".to_owned(),
    };
    let extensions = handshake.accepted_extensions();
    let extensions = match extensions {
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
fn closing(
    out: &mut impl Write,
    sheet: &Sheet,
    handshake: &Handshake,
    judged: &Judged,
    detail: Detail,
) -> io::Result<()> {
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
    let mut text = match handshake.outcome() {
        Outcome::Refused => "refused: no WebSocket came of it; ".to_owned(),
        _ => String::new(),
    };
    let _ = write!(
        text,
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
    let has_notes = judged.findings.iter().any(|finding| finding.severity == Severity::Note);
    if has_notes && detail == Detail::Normal {
        text.push_str("; -v tells more of the notes");
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
