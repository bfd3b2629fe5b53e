//! A conversation as a sequence diagram: two lifelines, an arrow for each event, time downwards.
//! Each event opens to what is known of it.

use super::collect::Conversation;
use super::document::{about, address, counted};
use super::item::{Answer, FrameFacts, Item, What};
use super::{Clipped, MAX_PAGE, Shown, bits, findings, heads, steps};
use crate::http::Head;
use crate::render::timeline::{instead_of_frames, percentage, size};
use crate::rules::Severity;
use crate::said::{At, Endpoint, GapReason, Time};
use crate::websocket::handshake::Outcome;
use crate::websocket::{Gap, Opcode, Part, close};
use maud::{Markup, PreEscaped, html};

/// What the rest of a page may take: the course, the glossary, the rules explained, the table.
const FOR_THE_REST: usize = 5 << 18;

/// So many bytes of text are shown beside an arrow.
const PREVIEW: usize = 60;

/// How much has been written, and how many events there was no room for.
#[derive(Default)]
pub(super) struct Budget {
    used: usize,
    pub(super) left_out: u64,
}

impl Budget {
    fn take(&mut self, markup: Markup) -> Option<Markup> {
        let length = markup.0.len();
        if self.used + length > MAX_PAGE - FOR_THE_REST {
            self.left_out += 1;
            return None;
        }
        self.used += length;
        Some(markup)
    }
}

/// A conversation, as far as the budget allows.
pub(super) fn conversation(of: &Conversation, budget: &mut Budget) -> Markup {
    let connection = &of.connection;
    let number = connection.number;
    let mut before: Option<Time> = None;
    let mut cut = 0;
    let mut events = String::new();
    for (index, item) in of.items.iter().enumerate() {
        // What is left out is left out before the end, which is always told.
        if of.left_out > 0 && matches!(item.what, What::End { .. }) {
            events.push_str(&left_out(of.left_out, number).0);
        }
        let markup = event(item, number, index, connection.opened, before);
        before = item.at.time.or(before);
        match budget.take(markup) {
            Some(markup) => events.push_str(&markup.0),
            None => cut += 1,
        }
    }
    if cut > 0 {
        events.push_str(&left_out(cut, number).0);
    }
    html! {
        article.conversation id={ "c" (number) } aria-labelledby={ "c" (number) "-title" } {
            header {
                h2 id={ "c" (number) "-title" } { "Connection " (number) }
                p.about { (about(of)) " · " (findings::counts(&of.findings)) }
            }
            div.ends aria-hidden="true" {
                span.end.client { b { "Client" } " " span.address { (address(connection.client)) } }
                span.end.server { b { "Server" } " " span.address { (address(connection.server)) } }
            }
            ol.sequence { (PreEscaped(events)) }
        }
    }
}

fn left_out(count: u64, connection: u64) -> Markup {
    html! {
        li.event.nobody { p.gap { "⋮ " (counted(count, "event")) " of connection " (connection) " left out" } }
    }
}

fn event(item: &Item, connection: u64, index: usize, opened: At, before: Option<Time>) -> Markup {
    let id = format!("c{connection}-e{index}");
    let from = match item.from {
        Some(Endpoint::Client) => "client",
        Some(Endpoint::Server) => "server",
        None => "nobody",
    };
    let worst = item.findings.iter().map(|finding| finding.severity).max();
    let mark = worst.map_or("", |worst| match worst {
        Severity::Error => " has-error",
        Severity::Warning => " has-warning",
        Severity::Note => "",
    });
    let pause = item.at.time.zip(before).map_or(0.0, |(now, before)| now.seconds_since(before));
    html! {
        li class={ "event " (from) (mark) " p" (step_of(pause)) } id=(id) data-kind=(item.what.kind()) {
            @if pause >= 1.0 { p.pause { (seconds(pause)) " later" } }
            details.opens {
                summary {
                    (time(item.at, opened))
                    span.lane {
                        span.label { (label(item)) }
                        @if let Some(from) = item.from { span.arrow aria-hidden="true" {} span.aside { " from the " (from.name()) } }
                    }
                }
                div.body { (body(item)) (place(item)) }
            }
            @if !item.findings.is_empty() || item.cause.is_some() { div.findings { (findings::of(item)) } }
        }
    }
}

impl What {
    /// What it is, for scripts and tests.
    fn kind(&self) -> &'static str {
        match self {
            What::Exchange(_) => "exchange",
            What::Request(_) => "request",
            What::Response(_) => "response",
            What::Recognised(_) => "recognised",
            What::Frame(_) => "frame",
            What::NotFrames { .. } => "not-frames",
            What::Gap(_) => "gap",
            What::Http2 => "http2",
            What::End { .. } => "end",
        }
    }
}

/// Space before an event, in steps of ten times the time.
fn step_of(pause: f64) -> usize {
    [0.001, 0.01, 0.1, 1.0, 10.0].iter().filter(|limit| pause >= **limit).count()
}

fn seconds(seconds: f64) -> String {
    if seconds >= 10.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}

fn time(at: At, opened: At) -> Markup {
    let since = at.time.zip(opened.time).map(|(now, opened)| now.seconds_since(opened));
    html! {
        span.time { @if let Some(since) = since { (format!("{since:.3}")) span.unit { " s" } } }
    }
}

/// Where in the capture.
fn place(item: &Item) -> Markup {
    html! {
        @if let Some(packet) = item.at.packet {
            p.faint { "packet " (packet) @if let What::Frame(frame) = &item.what { ", byte " (frame.offset) " of the stream" } }
        }
    }
}

/// The words at the arrow.
fn label(item: &Item) -> Markup {
    match &item.what {
        What::Exchange(exchange) => html! {
            "an ordinary HTTP exchange: "
            @if let Some(head) = &exchange.request { (request_line(head)) }
            @if let Some(status) = exchange.status() { " → " (status) }
        },
        What::Request(head) => html! { (request_line(head)) },
        What::Response(answer) => response_label(answer),
        What::Recognised(confidence) => html! {
            "no handshake was seen; these are frames" span.faint { " (" (percentage(*confidence)) " sure)" }
        },
        What::Frame(frame) => frame_label(frame),
        What::NotFrames { kind, bytes, .. } => {
            html! { (instead_of_frames(*kind)) " " q { (Clipped(bytes, PREVIEW)) } }
        }
        What::Gap(gap) => gap_label(gap),
        What::Http2 => html! { b { "HTTP/2" } " " span.faint { "see what was found" } },
        What::End { why, clean, .. } => html! {
            b { @if *clean { "closed cleanly" } @else { "ended" } } " " span.faint { (Shown(why.as_bytes())) }
        },
    }
}

fn request_line(head: &Head) -> Markup {
    html! { b { (Clipped(head.method().unwrap_or(b"?"), 20)) } " " q.plain { (Clipped(head.target().unwrap_or_default(), PREVIEW)) } }
}

fn response_label(answer: &Answer) -> Markup {
    let handshake = &answer.handshake;
    let line = handshake.response.as_ref().map(|head| head.bytes(&head.start_range()));
    let line = line.map(|line| line.strip_prefix(b"HTTP/1.1 ").unwrap_or(line));
    html! {
        @if let Some(line) = line { b { (Clipped(line, PREVIEW)) } " " }
        span.faint { @match handshake.outcome() {
            Outcome::Upgraded => "the connection carries frames from here on",
            Outcome::Refused => "no upgrade",
            Outcome::Incomplete if line.is_none() => "never answered",
            Outcome::Incomplete => "one half of the handshake is missing",
        } }
    }
}

fn gap_label(gap: &Gap) -> Markup {
    let how = if gap.reason == GapReason::TlsRecord { "not readable" } else { "not captured" };
    html! {
        b { @match gap.length { Some(length) => (size(length)), None => "bytes" } " " (how) }
        " " span.faint { (gap.reason.name()) @if gap.framing_lost { "; the frames after it can't be told apart" } }
    }
}

fn frame_label(frame: &FrameFacts) -> Markup {
    let name = match frame.opcode {
        Some(Opcode::Reserved(bits)) => format!("opcode 0x{bits:X}"),
        Some(opcode) => opcode.name().to_owned(),
        None => "frame".to_owned(),
    };
    html! {
        b { (name) }
        @match frame.part { Part::First => " first fragment", Part::Middle => " fragment", Part::Last => " last fragment", _ => "" }
        " "
        @match frame.length {
            Some(length) => span.size { (size(length)) @if frame.rsv1 && frame.opcode.is_some_and(Opcode::is_data) { " deflated" } },
            None => span.size { "cut short" },
        }
        " "
        @if let Some((code, reason)) = &frame.close {
            @match code {
                Some(code) => { b.code { (code) } " " (close::lookup(*code).name) }
                None => "without a status code",
            }
            @if !reason.is_empty() { " " q { (Clipped(reason, PREVIEW)) } }
        } @else { (preview(frame)) }
        @if frame.recovered.is_some() { " " span.faint { "found again after a loss" } }
        @if frame.missing > 0 { " " span.faint { (size(frame.missing)) " not captured" } }
    }
}

/// What the payload says: text as text, other bytes in hexadecimal.
fn preview(frame: &FrameFacts) -> Markup {
    let message = frame.message.as_ref().filter(|it| it.frames == 1 && !it.opaque);
    let payload = message.map_or(&frame.payload, |message| &message.payload);
    let is_data = frame.opcode.is_some_and(Opcode::is_data);
    if payload.is_empty() || is_data && message.is_none() && frame.rsv1 {
        return html! {};
    }
    let readable = payload.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    let is_text = message.is_some_and(|it| it.opcode == Opcode::Text)
        || frame.opcode == Some(Opcode::Text)
        || readable;
    html! {
        @if is_text { q { (Clipped(payload, PREVIEW)) } }
        @else { code.hex { (crate::render::escape::hex(&payload[..payload.len().min(8)])) @if payload.len() > 8 { " …" } } }
    }
}

/// What an event opens to.
fn body(item: &Item) -> Markup {
    match &item.what {
        What::Exchange(exchange) => html! {
            @if let Some(head) = &exchange.request { (heads::of(head, Endpoint::Client)) }
            @if let Some(head) = &exchange.response { (heads::of(head, Endpoint::Server)) }
        },
        What::Request(head) => heads::of(head, Endpoint::Client),
        What::Response(answer) => html! {
            @if let Some(head) = &answer.handshake.response { (heads::of(head, Endpoint::Server)) }
            @if let Some(key) = answer.handshake.key() { (steps::accept(key, answer.handshake.accept_found())) }
            @if answer.held + answer.not_observed > 0 {
                p.faint { (counted(answer.held as u64, "rule")) " of the handshake hold, " (answer.not_observed) " could not be judged from what was captured" }
            }
        },
        What::Recognised(_) => html! {
            p { "The capture begins after the handshake did. What follows was recognised by the shape of its frames, so what was agreed in the handshake is not known." }
        },
        What::Frame(frame) => html! {
            @if let Some(found) = frame.recovered {
                p { "Framing had been lost before it and was found again here: "
                    (percentage(found.confidence)) " sure, "
                    (counted(found.skipped, "byte")) " before it could not be told apart." }
            }
            (bits::of(frame)) (steps::unmasking(frame)) (bits::message(frame))
        },
        What::NotFrames { bytes, offset, .. } => bits::raw(bytes, *offset),
        What::Http2 => html! {
            p { "It happened in HTTP/2, which carries this connection in one of its streams." }
        },
        What::Gap(gap) => {
            html! { p { "At byte " (gap.offset) " of what the " (gap.from.name()) " sent." } }
        }
        What::End { why, codes, reports, .. } => html! {
            p { (Shown(why.as_bytes())) }
            table.plain {
                thead { tr { td {} th scope="col" { "client" } th scope="col" { "server" } } }
                tbody {
                    tr { th scope="row" { "code in its Close frame" } @for code in codes { td { (optional(*code)) } } }
                    tr { th scope="row" { "code that its API reports" } @for code in reports { td { (optional(*code)) } } }
                }
            }
        },
    }
}

fn optional(code: Option<u16>) -> String {
    code.map_or_else(|| "–".to_owned(), |code| code.to_string())
}
