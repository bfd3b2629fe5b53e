//! The records `close`, `end` and `finding`, written by hand: every connection has some. What they are
//! made of is declared in [`record`](super::record).

use super::hot::Lines;
use super::object::Object;
use super::page::Page;
use super::{heartbeat, record, to_the_microsecond};
use crate::rules::{Finding, Judged};
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::{Close, End, close};
use std::io::Write;

pub(super) fn push_close<W: Write>(
    page: &mut Page<W>,
    lines: &mut Lines,
    number: u64,
    event: &Close<'_>,
) {
    let code = event.body.code;
    let mut object = Object::begin(page, lines, b"{\"type\":\"close\"");
    object.place(number, Some(event.from), event.at, Some(event.offset));
    object.number_if(b",\"frame\":", Some(event.frame).filter(|frame| *frame > 0));
    object.number_or_null(b",\"code\":", code);
    object.bytes(b",\"reason\":", event.body.reason);
    object.text_or_null(b",\"code_name\":", code.map(|code| close::lookup(code).name));
    object.end();
}

pub(super) fn push_end<W: Write>(
    page: &mut Page<W>,
    lines: &mut Lines,
    number: u64,
    end: &End,
    judged: &Judged,
) {
    let ending = judged.ending.as_ref();
    let code = |endpoint: Endpoint| end.closes[endpoint.index()].flatten();
    let reports = |endpoint: Endpoint| ending.and_then(|end| end.reports[endpoint.index()]);
    let transport = end.first_to_end();
    let mut object = Object::begin(page, lines, b"{\"type\":\"end\"");
    object.place(number, None, end.at, None);
    object.text(b",\"how\":", end.how.name());
    object.text_or_null(b",\"closed_by\":", end.closed_by.map(Endpoint::name));
    object.number_or_null(b",\"client_code\":", code(Endpoint::Client));
    object.number_or_null(b",\"server_code\":", code(Endpoint::Server));
    object.bool(b",\"clean\":", end.is_clean());
    let ended_by = transport.map(|(endpoint, _)| endpoint.name());
    object.text_or_null(b",\"transport_ended_by\":", ended_by);
    object.text_or_null(b",\"transport_end\":", transport.map(|(_, how)| how_it_ended(how)));
    object.number_or_null(b",\"client_would_report\":", reports(Endpoint::Client));
    object.number_or_null(b",\"server_would_report\":", reports(Endpoint::Server));
    object.text_or_null(b",\"why\":", ending.map(|ending| ending.why.as_str()));
    if !judged.traced.is_empty() {
        let traced = judged.traced.iter().map(|it| record::Traced {
            cause: it.id,
            findings: it.findings,
            rules: &it.rules,
        });
        object.other(b",\"causes\":", &traced.collect::<Vec<_>>());
    }
    if let Some(ending) = ending.filter(|ending| !ending.heartbeats.is_empty()) {
        let heartbeats: Vec<_> = ending.heartbeats.iter().map(heartbeat).collect();
        object.other(b",\"heartbeats\":", &heartbeats);
    }
    if let Some(silence) = ending.and_then(|ending| ending.silence) {
        object.other(b",\"silence\":", &to_the_microsecond(silence));
    }
    object.end();
}

fn how_it_ended(how: TransportEnd) -> &'static str {
    match how {
        TransportEnd::Fin => "fin",
        TransportEnd::EndStream => "end-stream",
        TransportEnd::Reset => "rst",
        TransportEnd::ResetStream => "rst-stream",
    }
}

pub(super) fn push_finding<W: Write>(
    page: &mut Page<W>,
    lines: &mut Lines,
    number: u64,
    finding: &Finding,
) {
    let Finding { rule, broken, .. } = finding;
    let mut object = Object::begin(page, lines, b"{\"type\":\"finding\"");
    let offset = broken.span.map(|span| span.byte_offset());
    object.place(number, broken.endpoint, finding.at, offset);
    object.text(b",\"rule\":", rule.id);
    object.text(b",\"severity\":", finding.severity.name());
    object.text(b",\"level\":", rule.level.strength());
    object.text(b",\"rfc\":", rule.rfc);
    object.text_or_null(b",\"violator\":", finding.violator.map(Endpoint::name));
    object.text(b",\"title\":", rule.title);
    object.joined(b",\"detail\":", &finding.detail_parts());
    object.text_if(b",\"cause\":", broken.cause.as_deref());
    object.text(b",\"mend\":", finding.mend());
    object.text_if(b",\"root\":", finding.root);
    object.number_if(b",\"frame\":", finding.frame);
    object.number_if(b",\"message\":", finding.message);
    object.text_if(b",\"header\":", broken.header.as_deref());
    if let Some(span) = broken.span {
        object.number(b",\"span\":[", span.byte_offset());
        object.number(b",", span.byte_length());
        object.words(b"]");
    }
    object.end();
}
