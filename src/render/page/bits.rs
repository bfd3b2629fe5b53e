//! A frame's bytes: the figure of RFC 6455 §5.2 with its own bits, the table of its fields, the
//! dump. What belongs to a field carries its number, so that one lights the other.

use super::{Clipped, MAX_BYTES, Shown};
use crate::layout::{Field, Missing, Role, Span, Value};
use crate::recording::FrameFacts;
use crate::render::escape;
use crate::render::timeline::size;
use crate::websocket::{Opcode, close};
use maud::{Markup, html};

/// Bits in a row of the figure on a narrow page; two such rows make one on a wide page.
const ROW: u64 = 16;

/// So many bytes of a field are drawn in the figure.
const MAX_DRAWN: u64 = 8;

/// So many bytes make a row of the dump.
const DUMP: usize = 8;

/// Figure, table, dump.
pub(super) fn of(frame: &FrameFacts) -> Markup {
    let layout = frame.layout();
    let fields = leaves(&layout.fields);
    html! {
        div.linked {
            (figure(frame, &fields))
            (table(frame, &fields, layout.missing))
            (dump(frame, &fields))
        }
    }
}

/// The fields that have none inside, in order.
fn leaves(fields: &[Field]) -> Vec<&Field> {
    fields.iter().flat_map(inside).collect()
}

fn inside(field: &Field) -> &[Field] {
    if field.children.is_empty() { std::slice::from_ref(field) } else { &field.children }
}

/// The class that colours a field.
const fn class(role: Role) -> &'static str {
    match role {
        Role::Flag => "r-flag",
        Role::Opcode => "r-opcode",
        Role::Length => "r-length",
        Role::Key => "r-key",
        Role::Payload => "r-payload",
        Role::Code => "r-code",
        Role::Header => "r-header",
    }
}

/// The boxes of the figure, cut at the ends of rows: the page lets them flow.
fn figure(frame: &FrameFacts, fields: &[&Field]) -> Markup {
    let origin = frame.offset.saturating_mul(8);
    html! {
        div.figure role="group" aria-label="The frame, bit by bit" {
            div.ruler aria-hidden="true" { @for bit in 0..2 * ROW { i { (bit) } } }
            @for (number, field) in fields.iter().enumerate() {
                @let start = field.span.start.saturating_sub(origin);
                @let drawn = field.span.length.min(MAX_DRAWN * 8);
                @let end = start + drawn;
                @for (part, (from, to)) in rows(start, end).enumerate() {
                    @let more = if part > 0 { " more" } else { "" };
                    @let class = format!("box w{} {}{more}{}", to - from, class(field.spec.role), half((from, to), (start, end)));
                    @if part == 0 {
                        button type="button" class=(class) data-f=(number) aria-describedby={ "field-" (field.spec.name) } {
                            span.name { (field.spec.label) } (contents(frame, from, to))
                        }
                    } @else {
                        span class=(class) data-f=(number) {
                            @if part == 1 && from.is_multiple_of(2 * ROW) { span.name { (field.spec.label) " (continued)" } }
                            (contents(frame, from, to))
                        }
                    }
                }
                @if drawn < field.span.length { span.elided { "… " (size((field.span.length - drawn) / 8)) " more of it" } }
            }
        }
    }
}

/// A run of bits, cut into rows.
fn rows(start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
    let first = start / ROW;
    (first..end.div_ceil(ROW)).map(move |row| (start.max(row * ROW), end.min((row + 1) * ROW)))
}

/// The class of a part that is one half of a row of a wide page, of a field with these bits.
fn half((from, to): (u64, u64), (start, end): (u64, u64)) -> &'static str {
    let is_left = from.is_multiple_of(2 * ROW) && to == from + ROW;
    match (is_left, end - to) {
        (true, 1..ROW) => " half8",
        (true, ROW..) => " half16",
        (false, _) if from % (2 * ROW) == ROW && start < from => " other-half",
        _ => "",
    }
}

/// The bits, or whole bytes in hexadecimal, each in its place below the ruler.
fn contents(frame: &FrameFacts, from: u64, to: u64) -> Markup {
    let is_bytes = from.is_multiple_of(8) && to.is_multiple_of(8) && from >= 16;
    let byte = |at: u64| frame.wire.get(at as usize / 8).copied();
    html! {
        span.bits {
            @if is_bytes {
                @for at in (from..to).step_by(8) { i { @if let Some(byte) = byte(at) { (escape::hex(&[byte])) } } }
            } @else {
                @for at in from..to { i { (byte(at).unwrap_or(0) >> (7 - at % 8) & 1) } }
            }
        }
    }
}

fn table(frame: &FrameFacts, fields: &[&Field], missing: Option<Missing>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fields of the frame" {
            table.fields {
                thead { tr { th scope="col" { "field" } th scope="col" { "value" } th scope="col" { "meaning" } th scope="col" { "RFC" } } }
                tbody {
                    @for (number, field) in fields.iter().enumerate() {
                        tr data-f=(number) class=(class(field.spec.role)) {
                            th scope="row" { button type="button" data-f=(number) aria-pressed="false" { (field.spec.label) } }
                            td { (value(frame, field)) }
                            td { (meaning(frame, field)) }
                            td { a href={ "#field-" (field.spec.name) } { (field.spec.section) } }
                        }
                    }
                    @if let Some(missing) = missing {
                        tr.missing { th scope="row" { (missing.field.label) } td {} td { (beyond(frame, missing.bytes)) } td {} }
                    }
                }
            }
        }
    }
}

/// Why the frame ends here.
fn beyond(frame: &FrameFacts, bytes: u64) -> String {
    if frame.length().is_none() {
        return format!("{} more would have been needed: the stream ends here", size(bytes));
    }
    match frame.missing {
        0 => format!("{} more, left out of this page", size(bytes)),
        missing if missing == bytes => format!("{} not captured", size(missing)),
        missing => format!(
            "{} more: {} not captured, the rest left out of this page",
            size(bytes),
            size(missing)
        ),
    }
}

fn value(frame: &FrameFacts, field: &Field) -> Markup {
    match (field.value, field.spec.role) {
        (Value::Number(number), Role::Opcode) => html! { code { (format!("0x{number:X}")) } },
        (Value::Number(number), _) => html! { code { (number) } },
        (Value::Bytes, Role::Key) => {
            html! { code { (escape::hex(&frame.wire[range(frame, field.span)])) } }
        }
        (Value::Bytes, _) => html! { (size(field.span.length / 8)) },
    }
}

fn meaning(frame: &FrameFacts, field: &Field) -> Markup {
    let text = frame.payload();
    html! {
        @match (field.spec.role, field.value) {
            (Role::Code, Value::Number(code)) => { (close::lookup(code as u16).name) ": " (close::lookup(code as u16).meaning) }
            (Role::Payload, _) if field.spec.name == "close_reason" => { q { (Clipped(text.get(2..).unwrap_or_default(), 125)) } }
            (Role::Payload, _) if frame.says_compressed() => { "deflated" @if frame.key().is_some() { ", and masked" } }
            (Role::Payload, _) if frame.opcode() == Some(Opcode::Binary) => { "bytes of the application" }
            (Role::Payload, _) if is_bytes_of_a_message(frame, &text) => { "a part of its message" }
            (Role::Payload, _) if !text.is_empty() => { q { (Clipped(&text, 80)) } @if frame.key().is_some() { " once unmasked" } }
            _ => { (Shown(field.meaning.as_bytes())) }
        }
    }
}

/// It goes on with a message, and is no text by itself.
fn is_bytes_of_a_message(frame: &FrameFacts, payload: &[u8]) -> bool {
    let is_text = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    frame.opcode() == Some(Opcode::Continuation) && !std::str::from_utf8(payload).is_ok_and(is_text)
}

/// The bytes that a span touches, in what is kept of the frame.
fn range(frame: &FrameFacts, span: Span) -> std::ops::Range<usize> {
    let start = span.byte_offset().saturating_sub(frame.offset) as usize;
    let end = start + span.byte_length() as usize;
    start.min(frame.wire.len())..end.min(frame.wire.len())
}

/// Rows of bytes: in hexadecimal as they stood on the wire, and as characters once unmasked.
fn dump(frame: &FrameFacts, fields: &[&Field]) -> Markup {
    let plain = [&frame.wire[..frame.header_length()], &frame.payload()[..]].concat();
    let owners: Vec<String> =
        (0..frame.wire.len()).map(|byte| owners(frame, fields, byte)).collect();
    let roles: Vec<&str> = (0..frame.wire.len()).map(|byte| role(frame, fields, byte)).collect();
    html! {
        figure.bytes {
            figcaption { "Bytes on the wire" @if frame.key().is_some() { ", characters unmasked" } }
            div.dump {
                @for (row, bytes) in frame.wire.chunks(DUMP).enumerate() {
                    @let at = row * DUMP;
                    div.row {
                        span.offset { (format!("{at:04x}")) }
                        span.hex { @for run in runs(&owners[at..at + bytes.len()]) {
                            i data-f=(owners[at + run.start]) class=(roles[at + run.start]) { (escape::hex(&bytes[run])) }
                        } }
                        span.chars { @for run in runs(&owners[at..at + bytes.len()]) {
                            i data-f=(owners[at + run.start]) class=(roles[at + run.start]) {
                                (characters(&plain[at + run.start..at + run.end], at + run.start < frame.header_length()))
                            }
                        } }
                    }
                }
            }
        }
    }
}

fn characters(bytes: &[u8], is_header: bool) -> String {
    bytes.iter().map(|byte| if is_header { '·' } else { escape::byte(*byte) }).collect()
}

/// Neighbours that belong to the same fields.
fn runs(owners: &[String]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    owners.chunk_by(|one, other| one == other).map(move |chunk| {
        let run = start..start + chunk.len();
        start = run.end;
        run
    })
}

fn touching<'a>(
    frame: &FrameFacts,
    fields: &'a [&'a Field],
    byte: usize,
) -> impl Iterator<Item = (usize, &'a &'a Field)> {
    let first = frame.offset.saturating_add(byte as u64).saturating_mul(8);
    fields
        .iter()
        .enumerate()
        .filter(move |(_, field)| field.span.start < first + 8 && first < field.span.end())
}

/// The numbers of the fields that a byte belongs to: the first two bytes hold several.
fn owners(frame: &FrameFacts, fields: &[&Field], byte: usize) -> String {
    let numbers: Vec<String> =
        touching(frame, fields, byte).map(|(number, _)| number.to_string()).collect();
    numbers.join(" ")
}

fn role(frame: &FrameFacts, fields: &[&Field], byte: usize) -> &'static str {
    touching(frame, fields, byte).last().map_or("", |(_, field)| class(field.spec.role))
}

/// The message that the frame completed.
pub(super) fn message(frame: &FrameFacts) -> Markup {
    let Some(message) = &frame.message else { return html! {} };
    let is_text = message.opcode == Opcode::Text && !message.opaque;
    html! {
        section.message {
            h3 { (message.opcode.name()) " message " (message.number) }
            p.faint {
                (size(message.length))
                @if message.frames > 1 { " from " (message.frames) " frames" }
                @if message.compressed { ", " (size(message.wire_length)) " deflated on the wire" }
                @if let Some(fault) = &message.fault { ", not inflated: " (fault) }
                @if !message.trusted { ", not trusted: bytes before it were not captured" }
                @if !message.complete { ", incomplete" }
            }
            @if is_text { blockquote { (Clipped(&message.payload, 3 * MAX_BYTES)) } }
            @else { (plain_dump(&message.payload[..message.payload.len().min(MAX_BYTES)])) }
        }
    }
}

/// Bytes that are no frame.
pub(super) fn raw(bytes: &[u8], offset: u64) -> Markup {
    html! { p.faint { "from byte " (offset) " of the stream" } (plain_dump(bytes)) }
}

fn plain_dump(bytes: &[u8]) -> Markup {
    html! {
        div.dump {
            @for (row, bytes) in bytes.chunks(DUMP).enumerate() {
                div.row { span.offset { (format!("{:04x}", row * DUMP)) } span.hex { (escape::hex(bytes)) } span.chars { (characters(bytes, false)) } }
            }
        }
    }
}
