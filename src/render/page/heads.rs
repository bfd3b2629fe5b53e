//! A request or response: its lines as they stood on the wire, each part with what it says.

use super::{Clipped, Shown};
use crate::http::{Head, StartLine};
use crate::said::Endpoint;
use crate::websocket::header;
use maud::{Markup, html};
use std::ops::Range;

/// So many field lines are shown.
const MAX_LINES: usize = 60;

/// So many bytes of a value are shown.
const MAX_VALUE: usize = 400;

/// A part of a head and what it says.
struct Part<'a> {
    name: String,
    about: Option<String>,
    section: &'a str,
    ranges: Vec<(&'static str, Range<usize>)>,
}

/// The lines, and the table of what they say.
pub(super) fn of(head: &Head, from: Endpoint) -> Markup {
    let mut parts = start_line(head);
    let first = parts.len();
    parts.extend(head.fields.iter().take(MAX_LINES).map(|field| {
        let name = head.bytes(&field.name);
        let known = header::find(name);
        let about = known.and_then(|known| match from {
            Endpoint::Client => known.in_request,
            Endpoint::Server => known.in_response,
        });
        Part {
            name: String::from_utf8_lossy(&name[..name.len().min(80)]).into_owned(),
            about: about.map(str::to_owned),
            section: known.map_or("", |known| known.section),
            ranges: vec![("name", field.name.clone()), ("value", field.value.clone())],
        }
    }));
    let left_out = head.fields.len().saturating_sub(MAX_LINES);
    html! {
        div.linked.head {
            div.lines {
                div.line {
                    @for (number, part) in parts[..first].iter().enumerate() {
                        @if number > 0 { " " }
                        @for (_, range) in &part.ranges { i.start data-f=(number) { (Clipped(head.bytes(range), MAX_VALUE)) } }
                    }
                    span.eol { "\\r\\n" }
                }
                @for (index, part) in parts[first..].iter().enumerate() {
                    @let number = first + index;
                    div.line {
                        @for (kind, range) in &part.ranges {
                            @if *kind == "value" { ": " }
                            i class=(kind) data-f=(number) { (Clipped(head.bytes(range), MAX_VALUE)) }
                        }
                        span.eol { "\\r\\n" }
                    }
                }
                @if left_out > 0 { div.line.faint { "… and " (left_out) " more" } }
                @if head.complete { div.line { span.eol { "\\r\\n" } } }
            }
            div.scroll tabindex="0" role="region" aria-label="What each part says" {
                table.fields {
                    thead { tr { th scope="col" { "part" } th scope="col" { "what it says" } th scope="col" { "RFC" } } }
                    tbody {
                        @for (number, part) in parts.iter().enumerate() {
                            tr data-f=(number) {
                                th scope="row" { button type="button" data-f=(number) aria-pressed="false" { (Shown(part.name.as_bytes())) } }
                                td { @match &part.about { Some(about) => (about), None => span.faint { "nothing about WebSocket" } } }
                                td { (part.section) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn start_line(head: &Head) -> Vec<Part<'static>> {
    let part = |name: &str, about: &str, section: &'static str, range: &Range<usize>| Part {
        name: name.to_owned(),
        about: Some(about.to_owned()),
        section,
        ranges: vec![("start", range.clone())],
    };
    match &head.start {
        StartLine::Request { method, target, version } => vec![
            part("method", "an upgrade is asked for with GET", "6455 §4.1", method),
            part(
                "request-target",
                "what is asked for: the path of the ws URI",
                "9112 §3.2",
                target,
            ),
            part("HTTP-version", "1.1 or higher", "6455 §4.1", version),
        ],
        StartLine::Status { version, code, reason } => vec![
            part("HTTP-version", "the version that the server speaks", "9112 §4", version),
            part(
                "status-code",
                "101 accepts the upgrade; anything else does not",
                "6455 §4.1",
                code,
            ),
            part("reason-phrase", "for people; programs ignore it", "9112 §4", reason),
        ],
        StartLine::Malformed(line) => {
            vec![part("start line", "neither a request line nor a status line", "9112 §2.1", line)]
        }
    }
}
