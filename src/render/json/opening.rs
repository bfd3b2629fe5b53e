//! The records `connection` and `handshake`, written by hand: every connection has one of each. What
//! they are made of is declared in [`record`](super::record).

use super::hot::Lines;
use super::object::Object;
use super::page::Page;
use super::{extension, record};
use crate::http::Head;
use crate::inspection::Connection;
use crate::rules::{Judged, Severity};
use crate::said::Transport;
use crate::websocket::handshake::{Handshake, Outcome};
use std::io::Write;

pub(super) fn push_connection<W: Write>(
    page: &mut Page<W>,
    lines: &mut Lines,
    connection: &Connection,
) {
    let mut object = Object::begin(page, lines, b"{\"type\":\"connection\"");
    object.place(connection.number, None, connection.opened, None);
    object.address_if(b",\"client\":", connection.client);
    object.address_if(b",\"server\":", connection.server);
    object.text_if(b",\"transport\":", record::transport(connection.transport));
    if let Transport::Http2 { stream } = connection.transport {
        object.number(b",\"stream\":", stream.into());
    }
    object.text(b",\"origin\":", connection.origin.name());
    let assumed = connection.assumed.names();
    if !assumed.is_empty() {
        object.other(b",\"assumed\":", &assumed);
    }
    if let Some(tls) = &connection.tls {
        object.other(b",\"tls\":", &record::TlsFacts::new(tls));
    }
    object.end();
}

/// `file` is the text that it comes from, if there is one.
pub(super) fn push_handshake<W: Write>(
    page: &mut Page<W>,
    lines: &mut Lines,
    (number, file): (u64, Option<&str>),
    handshake: &Handshake,
    judged: &Judged,
) {
    let Handshake { request, response, .. } = handshake;
    let at = if response.is_some() { handshake.response_at } else { handshake.request_at };
    let first = request.as_ref().or(response.as_ref());
    let offset = first.map(|head| head.offset + head.range.start as u64);
    let outcome = handshake.outcome();
    let has_error = judged.findings.iter().any(|finding| finding.severity == Severity::Error);
    let mut object = Object::begin(page, lines, b"{\"type\":\"handshake\"");
    object.place(number, None, at, offset);
    object.text_if(b",\"file\":", file);
    object.bool(b",\"valid\":", outcome == Outcome::Upgraded && !has_error);
    object.text(b",\"outcome\":", outcome.name());
    push_head(&mut object, b",\"request\":", request.as_deref());
    push_head(&mut object, b",\"response\":", response.as_deref());
    object.number_or_null(b",\"status\":", handshake.status());
    object.bytes_or_null(b",\"key\":", handshake.key());
    object.text_or_null(b",\"accept_expected\":", handshake.accept_expected());
    object.bytes_or_null(b",\"accept_found\":", handshake.accept_found());
    object.bytes_or_null(b",\"subprotocol\":", handshake.subprotocol());
    match handshake.accepted_extensions() {
        [] => object.words(b",\"extensions\":[]"),
        accepted => {
            let accepted: Vec<_> = accepted.iter().map(extension).collect();
            object.other(b",\"extensions\":", &accepted);
        }
    }
    object.number(b",\"rules_held\":", judged.held.len() as u64);
    object.words(b",\"rules_not_observed\":[");
    for (index, (rule, why)) in judged.not_observed.iter().enumerate() {
        if index > 0 {
            object.words(b",");
        }
        object.text(b"[", rule.id);
        object.text(b",", why);
        object.words(b"]");
    }
    object.words(b"]");
    object.end();
}

/// The start line and the fields, in order.
fn push_head<W: Write, const N: usize>(
    object: &mut Object<'_, W>,
    name: &[u8; N],
    head: Option<&Head>,
) {
    let Some(head) = head else { return object.null(name) };
    object.words(name);
    object.bytes(b"{\"line\":", head.bytes(&head.start_range()));
    object.words(b",\"headers\":[");
    for (index, field) in head.fields.iter().enumerate() {
        if index > 0 {
            object.words(b",");
        }
        object.bytes(b"[", head.bytes(&field.name));
        object.bytes(b",", head.bytes(&field.value));
        object.words(b"]");
    }
    object.words(b"]}");
}
