//! A conversation as a sequence diagram: two lifelines, an arrow for each event, time downwards.
//! Each event opens to what is known of it.

use super::document::{about, counted};
use super::{MAX_PAGE, Shown, bits, findings, heads, steps};
use crate::recording::{Conversation, Item, What};
use crate::render::caption::{self, Kind, Piece};
use crate::render::timeline::percentage;
use crate::rules::Severity;
use crate::said::{At, Endpoint, Time};
use maud::{Markup, PreEscaped, html};

/// What the rest of a page may take: the course, the glossary, the rules explained, the table.
const FOR_THE_REST: usize = 5 << 18;

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
                p.about { (about(of)) (findings::counts(&of.findings)) }
            }
            div.ends aria-hidden="true" {
                span.end.client { b { "Client" } @if let Some(it) = connection.client { " " span.address { (it) } } }
                span.end.server { b { "Server" } @if let Some(it) = connection.server { " " span.address { (it) } } }
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
    html! {
        @for (index, piece) in caption::of(item).iter().enumerate() { @if index > 0 { " " } (worded(piece)) }
    }
}

fn worded(piece: &Piece) -> Markup {
    let text = Shown(piece.text.as_bytes());
    match piece.kind {
        Kind::Name => html! { b { (text) } },
        Kind::Code => html! { b.code { (text) } },
        Kind::Size => html! { span.size { (text) } },
        Kind::Quote => html! { q { (text) } },
        Kind::Target => html! { q.plain { (text) } },
        Kind::Hex => html! { code.hex { (text) } },
        Kind::Plain => html! { (text) },
        Kind::Faint => html! { span.faint { (text) } },
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
