//! A conversation for people: one line for each thing that happened, with time and direction.

use super::clock::Clock;
use super::{Paint, Sheet, caption, escape, wrap};
use crate::inspection::Connection;
use crate::rules::{Cause, Finding, Judged, Severity, duration};
use crate::said::{At, Endpoint, GapReason};
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::{
    Close, Event, Frame, Gap, Message, NotFrames, NotFramesKind, Opcode, Recovered, close,
};
use std::fmt::Write as _;

/// What is shown of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Messages and control frames.
    Messages,
    /// The same, with the numbers by which messages can be asked for.
    Numbered,
    /// Every frame.
    Frames,
    /// Every frame and every message.
    Both,
}

/// Columns that the arrow takes, with the space around it.
const ARROW: usize = 7;

/// The line for an event, if it is one that is shown at this detail.
pub fn line(
    sheet: &Sheet,
    connection: &Connection,
    event: &Event<'_>,
    judged: &Judged,
    detail: Detail,
) -> Option<String> {
    line_at(sheet, &mut Clock::Relative, connection, event, judged, detail)
}

/// The line for an event, with the time as this clock shows it.
pub fn line_at(
    sheet: &Sheet,
    clock: &mut Clock,
    connection: &Connection,
    event: &Event<'_>,
    judged: &Judged,
    detail: Detail,
) -> Option<String> {
    let width = clock.width() + ARROW;
    let (from, at, what) = match event {
        Event::Handshake(handshake) => {
            return Some(handshake_lines(sheet, clock, connection, handshake, judged));
        }
        Event::Message(message) if detail != Detail::Frames => {
            (Some(message.from), message.at, message_text(sheet, message, detail, width))
        }
        Event::Frame(frame) if shows_frame(frame, detail) => {
            let text = frame_text(sheet, frame, judged.round_trip, detail, width);
            (Some(frame.from), frame.at, text)
        }
        Event::Close(close) => (Some(close.from), close.at, close_text(close)),
        Event::Gap(gap) => (Some(gap.from), gap.at, gap_text(gap)),
        Event::Resumed(resumed) => {
            (Some(resumed.from), resumed.at, resumed_text(&resumed.recovered))
        }
        Event::NotFrames(other) => {
            (Some(other.from), other.at, not_frames_text(sheet, other, width))
        }
        _ => return None,
    };
    let (what, room) = (sheet.words(&what), sheet.width.saturating_sub(width).max(12));
    let what = match event {
        // What a code means is worth a second line.
        Event::Close(_) => wrap(&what, room).join(&format!("\n{:width$}", "")),
        _ => sheet.clip(&what, room),
    };
    let line = format!("{}{what}", lead(sheet, clock, connection, from, at));
    Some(line.trim_end().to_owned())
}

/// A silence of so many seconds is worth a line.
const LONG_SILENCE: f64 = 10.0;

/// How the connection ended; how Pings were answered, and for how long it was silent.
pub fn end_line(sheet: &Sheet, judged: &Judged) -> String {
    let part = |name: &str, text: &str| {
        let title = sheet.palette.paint(Paint::Title, format!("{name:<7}"));
        let rows = wrap(&sheet.words(text), sheet.width.saturating_sub(9));
        format!(" {title} {}", rows.join("\n         "))
    };
    let Some(ending) = &judged.ending else { return part("ended", "") };
    let mut parts = vec![part("ended", &ending.why)];
    parts.extend(ending.heartbeats.iter().map(|heartbeat| part("pings", &heartbeat.to_string())));
    if let Some(silence) = ending.silence.filter(|silence| *silence >= LONG_SILENCE) {
        parts.push(part(
            "silence",
            &format!("{}, in which nobody said anything", duration(silence)),
        ));
    }
    parts.join("\n")
}

/// A finding in one line and a half: what, where, what to do.
pub fn finding_lines(sheet: &Sheet, finding: &Finding, times: u64) -> String {
    let palette = sheet.palette;
    let severity = Paint::Severity(finding.severity);
    let label = format!("{}[{}]", finding.severity, finding.rule.id);
    let mut out = format!(" {}", palette.paint(severity, label));
    if times > 1 {
        let _ = write!(out, " ×{times}");
    }
    if let Some(from) = finding.broken.endpoint
        && let Some(frame) = finding.frame
    {
        let _ = write!(out, "  frame {frame} of the {from}");
    }
    if let Some(packet) = finding.at.packet {
        let _ = write!(out, "  packet {packet}");
    }
    let mut say = |what: &str, text: &str| {
        let indent = "   ";
        for (index, row) in wrap(text, sheet.width.saturating_sub(12)).iter().enumerate() {
            let head = if index == 0 { what } else { "" };
            let _ = write!(out, "\n{indent}{head:<6} {row}");
        }
    };
    say("", &finding.detail());
    if let Some(cause) = &finding.broken.cause {
        say("cause", cause);
    }
    if finding.severity > Severity::Note {
        say("mend", finding.mend());
    }
    say("more", &format!("ws101 explain {}  ({})", finding.rule.id, finding.rule.source()));
    out
}

/// A root cause, with what follows from it: rules, and how often each was broken.
pub fn cause_lines(sheet: &Sheet, cause: &Cause, follows: &[(&'static str, u64)]) -> String {
    let total: u64 = follows.iter().map(|(_, times)| times).sum();
    let mut out = format!(" {}", sheet.palette.paint(Paint::Title, format!("cause[{}]", cause.id)));
    let mut say = |what: &str, text: &str| {
        for (index, row) in wrap(text, sheet.width.saturating_sub(12)).iter().enumerate() {
            let head = if index == 0 { what } else { "" };
            let _ = write!(out, "\n   {head:<6} {row}");
        }
    };
    say("", &cause.what);
    if total > 0 {
        let rules: Vec<String> =
            follows.iter().map(|(rule, times)| repeated(rule, *times)).collect();
        let (findings, verb) = if total == 1 { ("finding", "s") } else { ("findings", "") };
        let rules = rules.join(", ");
        say("", &sheet.words(&format!("{total} {findings} follow{verb} from it: {rules}")));
    }
    say("mend", cause.mend);
    out
}

fn repeated(rule: &str, times: u64) -> String {
    if times > 1 { format!("{rule} ×{times}") } else { rule.to_owned() }
}

/// A size as people read it: `25 B`, `70 kB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

fn lead(
    sheet: &Sheet,
    clock: &mut Clock,
    connection: &Connection,
    from: Option<Endpoint>,
    at: At,
) -> String {
    let time = clock.show(connection, at);
    let (arrow, paint) = arrow(sheet, from);
    let palette = sheet.palette;
    format!("{}  {}  ", palette.paint(Paint::Faint, time), palette.paint(paint, arrow))
}

/// Which way something went, and its colour.
pub(super) fn arrow(sheet: &Sheet, from: Option<Endpoint>) -> (&'static str, Paint) {
    match (from, sheet.ascii) {
        (Some(Endpoint::Client), false) => ("──▶", Paint::Client),
        (Some(Endpoint::Client), true) => ("-->", Paint::Client),
        (Some(Endpoint::Server), false) => ("◀──", Paint::Server),
        (Some(Endpoint::Server), true) => ("<--", Paint::Server),
        (None, _) => ("   ", Paint::Faint),
    }
}

fn handshake_lines(
    sheet: &Sheet,
    clock: &mut Clock,
    connection: &Connection,
    handshake: &Handshake,
    judged: &Judged,
) -> String {
    let width = clock.width() + ARROW;
    let room = sheet.width.saturating_sub(width + 26).max(20);
    let mut out = String::new();
    if let Some(request) = &handshake.request {
        out.push_str(&lead(sheet, clock, connection, Some(Endpoint::Client), handshake.request_at));
        let [method, target] = [request.method(), request.target()]
            .map(|part| escape::clipped(part.unwrap_or(b"?"), room));
        let _ = write!(out, "{method} {target}");
        let fits = sheet.width >= 60;
        if let Some(upgrade) = request.value("Upgrade").filter(|_| fits) {
            let _ = write!(out, "  Upgrade: {}", escape::clipped(upgrade, 20));
        }
    }
    let verdict = verdict(sheet, handshake, judged);
    match &handshake.response {
        Some(response) => {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&lead(
                sheet,
                clock,
                connection,
                Some(Endpoint::Server),
                handshake.response_at,
            ));
            let line = response.bytes(&response.start_range());
            // The version says nothing new.
            let line = line.strip_prefix(b"HTTP/1.1 ").unwrap_or(line);
            let line = escape::clipped(line, room);
            let column = 46.min(sheet.width.saturating_sub(width + VERDICT));
            let _ = write!(out, "{:<column$} {verdict}", sheet.words(&line));
        }
        None => {
            let _ = write!(out, "\n{}{verdict}", " ".repeat(width));
        }
    }
    out
}

/// Columns that a verdict takes.
const VERDICT: usize = 22;

fn verdict(sheet: &Sheet, handshake: &Handshake, judged: &Judged) -> String {
    let is_broken = judged.findings.iter().any(|it| it.severity == Severity::Error);
    let words = caption::verdict(handshake, is_broken);
    let is_half = handshake.answer_lost || handshake.response.is_some();
    let (paint, mark) = match handshake.outcome() {
        Outcome::Upgraded if !is_broken => (Paint::Good, sheet.good()),
        Outcome::Incomplete if is_half => (Paint::Severity(Severity::Note), "?"),
        _ => (Paint::Severity(Severity::Error), sheet.bad()),
    };
    sheet.palette.paint(paint, format!("{mark} {words}")).to_string()
}

fn shows_frame(frame: &Frame<'_>, detail: Detail) -> bool {
    let opcode = frame.header.opcode();
    match detail {
        Detail::Frames | Detail::Both => opcode != Opcode::Close,
        Detail::Messages | Detail::Numbered => !opcode.is_data() && opcode != Opcode::Close,
    }
}

fn message_text(sheet: &Sheet, message: &Message<'_>, detail: Detail, width: usize) -> String {
    let wire = if message.compressed {
        format!("({} deflated)", size(message.wire_length))
    } else if message.frames.len() > 1 {
        format!("({} frames)", message.frames.len())
    } else {
        String::new()
    };
    let beside = match detail {
        Detail::Messages => format!("{wire:<17} "),
        _ if wire.is_empty() => format!("{:<13}", format!("message {}", message.number)),
        _ => format!("{:<13}{wire:<17} ", format!("message {}", message.number)),
    };
    let (name, length) = (message.opcode.name(), size(message.length));
    let head = format!("{name:<7}{length:>8}  {beside}");
    let notes = message_notes(message);
    let room = sheet.width.saturating_sub(width + head.len() + notes.len() + 4).max(8);
    let shown_as = if message.opaque { Opcode::Binary } else { message.opcode };
    let preview = preview(shown_as, message.payload, room);
    format!("{head}{preview}{notes}")
}

/// What keeps a message from being the whole truth.
pub(super) fn message_notes(message: &Message<'_>) -> String {
    let mut notes = String::new();
    if let Some(fault) = message.inflate_fault {
        let _ = write!(notes, "  not inflated: {fault}");
    }
    if !message.trusted {
        notes.push_str("  not trusted");
    }
    if !message.complete {
        notes.push_str("  incomplete");
    }
    notes
}

/// The start of a payload: text in quotes, other bytes in hexadecimal.
fn preview(shown_as: Opcode, payload: &[u8], room: usize) -> String {
    if shown_as == Opcode::Text {
        return format!("\"{}\"", escape::clipped(payload, room.saturating_sub(2)));
    }
    let shown = payload.len().min(room.saturating_sub(2) / 3);
    let more = if shown < payload.len() { " …" } else { "" };
    format!("{}{more}", escape::hex(&payload[..shown]))
}

fn frame_text(
    sheet: &Sheet,
    frame: &Frame<'_>,
    round_trip: Option<f64>,
    detail: Detail,
    width: usize,
) -> String {
    let header = &frame.header;
    let opcode = header.opcode();
    let mut name = opcode.name().to_owned();
    if let Opcode::Reserved(bits) = opcode {
        name = format!("0x{bits:X}?");
    }
    let mut out = match detail {
        // "continuation" is the longest name; and here the borders of lengths are looked for.
        Detail::Frames | Detail::Both => format!("{name:<13}{:>9} B  ", header.payload_length),
        Detail::Messages | Detail::Numbered => {
            format!("{name:<7}{:>8}  ", size(header.payload_length))
        }
    };
    if matches!(detail, Detail::Frames | Detail::Both) {
        let flag = |set: bool, label: &'static str| if set { label } else { "" };
        let flags = [
            flag(header.fin(), "FIN"),
            flag(header.rsv1(), "RSV1"),
            flag(header.rsv2(), "RSV2"),
            flag(header.rsv3(), "RSV3"),
            flag(header.masked(), "MASK"),
        ];
        let flags: Vec<_> = flags.into_iter().filter(|flag| !flag.is_empty()).collect();
        let _ = write!(out, "frame {:<6} {:<16} ", frame.number, flags.join(" "));
    }
    let missing = match (frame.complete, round_trip) {
        (true, None) => String::new(),
        (true, Some(seconds)) => format!("  {} after its ping", duration(seconds)),
        (false, _) => format!("  {} missing", size(frame.missing)),
    };
    let room = sheet.width.saturating_sub(width + escape::width(&out) + missing.len()).max(8);
    if let Some(payload) = frame.payload
        && !payload.is_empty()
    {
        // Pings mostly carry random bytes: some of them are UTF-8 by chance.
        let is_readable = payload.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        let is_text = opcode == Opcode::Text && !header.rsv1() || is_readable;
        let shown_as = if is_text { Opcode::Text } else { Opcode::Binary };
        out.push_str(&preview(shown_as, payload, room));
    }
    out + &missing
}

fn close_text(close: &Close<'_>) -> String {
    match close.body.code {
        Some(code) => {
            let reason = escape::clipped(close.body.reason, 60);
            let reason = if reason.is_empty() { reason } else { format!(" \"{reason}\"") };
            format!("close  {code}{reason}  {}", close::describe(code))
        }
        None => "close  without a status code: the peer's API reports 1005".to_owned(),
    }
}

fn gap_text(gap: &Gap) -> String {
    if gap.reason == GapReason::CaptureStart {
        return "gap    what was said before was not captured (capture-start)".to_owned();
    }
    let length = gap.length.map_or("bytes".to_owned(), size);
    let after = if gap.framing_lost {
        "; where the next frame begins is lost"
    } else {
        "; framing goes on after it"
    };
    let how = if gap.reason.is_closed() { "not readable" } else { "not captured" };
    format!("gap    {length} {how} ({}){after}", gap.reason.name())
}

fn resumed_text(recovered: &Recovered) -> String {
    let skipped = match recovered.skipped {
        0 => String::new(),
        skipped => format!(", {} before it skipped", size(skipped)),
    };
    let percent = percentage(recovered.confidence);
    format!("found  the border of a frame, by evidence ({percent} certain){skipped}")
}

/// Never more than it is: what is not quite certain is not 100 %.
pub(super) fn percentage(confidence: f64) -> String {
    let hundredths = (confidence * 10_000.0).floor().clamp(0.0, 9_999.0) as u32;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// What stands where frames should be, in a few words.
pub(super) const fn instead_of_frames(kind: NotFramesKind) -> &'static str {
    match kind {
        NotFramesKind::HttpAfterUpgrade | NotFramesKind::TextAfterUpgrade => {
            "text where frames should be"
        }
        NotFramesKind::HttpRequest => "another HTTP request",
        NotFramesKind::TrailingBytes => "bytes that form no frame after the Close",
        NotFramesKind::FramesAfterRefusal => "frames although the handshake was refused",
        NotFramesKind::FlashPolicy => "a question of Flash's sockets",
        NotFramesKind::BeforeUpgrade => "bytes that are no HTTP before the answer",
        NotFramesKind::TlsRecord => "a TLS record instead of an HTTP response",
    }
}

fn not_frames_text(sheet: &Sheet, other: &NotFrames<'_>, width: usize) -> String {
    let what = instead_of_frames(other.kind);
    let room = sheet.width.saturating_sub(width + what.len() + 8).max(8);
    format!("{what}: \"{}\"", escape::clipped(other.bytes, room))
}
