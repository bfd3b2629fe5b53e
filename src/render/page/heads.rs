//! A request or response: its lines as they stood on the wire, each part with what it says.

use super::{Clipped, Shown};
use crate::http::Head;
use crate::render::head_parts::{self, Parts};
use crate::said::Endpoint;
use maud::{Markup, html};

/// So many field lines are shown.
const MAX_LINES: usize = 60;

/// So many bytes of a value are shown.
const MAX_VALUE: usize = 400;

/// The lines, and the table of what they say.
pub(super) fn of(head: &Head, from: Endpoint) -> Markup {
    let Parts { parts, first } = head_parts::of(head, from, MAX_LINES);
    // Fields of HTTP/2 come without lines.
    let has_lines = !head.is_http2();
    let left_out = head.fields.len().saturating_sub(MAX_LINES);
    html! {
        div.linked.head {
            div.lines {
                @if first > 0 { div.line {
                    @for (number, part) in parts[..first].iter().enumerate() {
                        @if number > 0 { " " }
                        @for (_, range) in &part.ranges { i.start data-f=(number) { (Clipped(head.bytes(range), MAX_VALUE)) } }
                    }
                    span.eol { "\\r\\n" }
                } }
                @for (index, part) in parts[first..].iter().enumerate() {
                    @let number = first + index;
                    div.line {
                        @for (kind, range) in &part.ranges {
                            @if *kind == "value" { ": " }
                            i class=(kind) data-f=(number) { (Clipped(head.bytes(range), MAX_VALUE)) }
                        }
                        @if has_lines { span.eol { "\\r\\n" } }
                    }
                }
                @if left_out > 0 { div.line.faint { "… and " (left_out) " more" } }
                @if head.has_empty_line() && has_lines { div.line { span.eol { "\\r\\n" } } }
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
