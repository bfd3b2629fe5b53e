//! What is written by hand is what the types in [`record`](super::record) say, whatever is in it.

use super::hot::Lines;
use super::page::Page;
use super::{Shape, closing, extension, heartbeat, opening, placed, record, to_the_microsecond};
use crate::http::{Head, HeadRead};
use crate::inspection::Connection;
use crate::layout::Span;
use crate::rules::{self, Broken, Ending, Finding, Heartbeat, Judged, Severity, Traced};
use crate::said::{At, ConnectionId, Endpoint, PacketNumber, Time, Tls, Transport, TransportEnd};
use crate::websocket::close::{self, CloseBody};
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::{Assumed, Carriage, Close, End, How, Origin, Stated};
use proptest::prelude::*;
use record::{Place, Record};
use std::borrow::Cow;
use std::net::SocketAddr;

/// The line as JSON.
fn written(write: impl FnOnce(&mut Page<Vec<u8>>, &mut Lines)) -> serde_json::Value {
    let mut page = Page::new(Vec::new());
    write(&mut page, &mut Lines::new(Shape::Lines));
    let line = page.finish().expect("memory takes everything");
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).expect("a line is JSON")
}

fn typed(record: &Record<'_>) -> serde_json::Value {
    serde_json::to_value(record).expect("a record is JSON")
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn head(head: &Head) -> record::Head<'_> {
    let text = |range| lossy(head.bytes(range));
    record::Head {
        line: text(&head.start_range()),
        headers: head.fields.iter().map(|field| (text(&field.name), text(&field.value))).collect(),
    }
}

fn handshake_record<'a>(handshake: &'a Handshake, judged: &'a Judged) -> Record<'a> {
    let first = handshake.request.as_ref().or(handshake.response.as_ref());
    let at =
        if handshake.response.is_some() { handshake.response_at } else { handshake.request_at };
    let outcome = handshake.outcome();
    let has_error = judged.findings.iter().any(|finding| finding.severity == Severity::Error);
    Record::Handshake(record::Handshake {
        place: Place {
            offset: first.map(|head| head.offset + head.range.start as u64),
            ..Place::new(7, at)
        },
        file: Some("a\"b"),
        valid: outcome == Outcome::Upgraded && !has_error,
        outcome: outcome.name(),
        request: handshake.request.as_deref().map(head),
        response: handshake.response.as_deref().map(head),
        status: handshake.status(),
        key: handshake.key().map(lossy),
        accept_expected: handshake.accept_expected(),
        accept_found: handshake.accept_found().map(lossy),
        subprotocol: handshake.subprotocol().map(lossy),
        extensions: handshake.accepted_extensions().iter().map(extension).collect(),
        rules_held: judged.held.len() as u64,
        rules_not_observed: judged.not_observed.iter().map(|(rule, why)| (rule.id, *why)).collect(),
    })
}

fn finding_record(finding: &Finding) -> Record<'_> {
    let Finding { rule, broken, .. } = finding;
    Record::Finding(record::Finding {
        place: Place {
            direction: broken.endpoint.map(Endpoint::name),
            offset: broken.span.map(|span| span.byte_offset()),
            ..Place::new(7, finding.at)
        },
        rule: rule.id,
        severity: finding.severity.name(),
        level: rule.level.strength(),
        rfc: rule.rfc,
        violator: finding.violator.map(Endpoint::name),
        title: rule.title,
        detail: finding.detail(),
        cause: broken.cause.as_deref(),
        mend: finding.mend(),
        root: finding.root,
        frame: finding.frame,
        message: finding.message,
        header: broken.header.as_deref(),
        span: broken.span.map(|span| [span.byte_offset(), span.byte_length()]),
    })
}

fn end_record<'a>(end: &End, judged: &'a Judged) -> Record<'a> {
    let ending = judged.ending.as_ref().expect("an end is told");
    let transport = end.first_to_end();
    Record::End(record::End {
        place: Place::new(7, end.at),
        how: end.how.name(),
        closed_by: end.closed_by.map(Endpoint::name),
        client_code: end.closes[0].flatten(),
        server_code: end.closes[1].flatten(),
        clean: end.is_clean(),
        transport_ended_by: transport.map(|(endpoint, _)| endpoint.name()),
        transport_end: transport.map(|(_, how)| match how {
            TransportEnd::Fin => "fin",
            TransportEnd::EndStream => "end-stream",
            TransportEnd::Reset => "rst",
            TransportEnd::ResetStream => "rst-stream",
        }),
        client_would_report: ending.reports[0],
        server_would_report: ending.reports[1],
        why: Some(&ending.why),
        causes: judged
            .traced
            .iter()
            .map(|it| record::Traced { cause: it.id, findings: it.findings, rules: &it.rules })
            .collect(),
        heartbeats: ending.heartbeats.iter().map(heartbeat).collect(),
        silence: ending.silence.map(to_the_microsecond),
    })
}

fn places() -> impl Strategy<Value = At> {
    (any::<u32>(), any::<bool>(), any::<Option<i64>>()).prop_map(|(packet, several, time)| At {
        packet: PacketNumber::in_file(u16::from(several), packet.into()),
        time: time.map(Time::new),
    })
}

fn endpoints() -> impl Strategy<Value = Option<Endpoint>> {
    prop::sample::select(vec![None, Some(Endpoint::Client), Some(Endpoint::Server)])
}

/// A value of a field: any bytes but those that would end it.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>()];
    value.prop_map(|bytes| bytes.into_iter().filter(|b| !b"\r\n".contains(b)).collect())
}

fn read(start: &str, fields: &[(&str, &[u8])]) -> Box<Head> {
    let mut text = format!("{start}\r\n").into_bytes();
    for (name, value) in fields {
        text.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    match Head::read(&[&text[..], b"\r\n"].concat(), 3) {
        HeadRead::Head(head, _) => head,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_connection(
        client: Option<SocketAddr>, server: Option<SocketAddr>, opened in places(),
        http2: Option<u32>, recognised: bool, name: Option<Vec<u8>>,
    ) {
        let tls = name.map(|name| Tls { server_name: Some(name), ..Tls::default() });
        let transport = http2.map_or(Transport::Tcp, |stream| Transport::Http2 { stream });
        let assumed = Assumed { recognised, stated: Stated::default() };
        let connection = Connection {
            number: 7, id: ConnectionId(3), client, server, transport, assumed, opened,
            tls: tls.map(Into::into), origin: Origin::Assumed, trails: None,
        };
        let record = Record::Connection(record::Connection {
            place: Place::new(7, opened),
            client: client.map(|address| address.to_string()),
            server: server.map(|address| address.to_string()),
            transport: record::transport(transport),
            stream: http2,
            origin: "assumed",
            assumed: assumed.names(),
            tls: connection.tls.as_deref().map(record::TlsFacts::new),
        });
        let line = written(|page, lines| opening::push_connection(page, lines, &connection));
        prop_assert_eq!(line, typed(&record));
    }

    #[test]
    fn a_handshake(
        host in values(), key in prop::option::of(values()), is_answered: bool, at in places(),
        protocol in prop::option::of("[a-z]{1,5}"), is_compressed: bool,
    ) {
        let mut asked: Vec<(&str, &[u8])> = vec![("Host", &host)];
        asked.extend(key.as_deref().map(|key| ("Sec-WebSocket-Key", key)));
        let mut answer: Vec<(&str, &[u8])> = vec![("Sec-WebSocket-Accept", b"x\"y")];
        answer.extend(protocol.as_ref().map(|it| ("Sec-WebSocket-Protocol", it.as_bytes())));
        if is_compressed {
            answer.push(("Sec-WebSocket-Extensions", b"permessage-deflate; a=1; b"));
        }
        let handshake = Handshake {
            request: Some(read("GET / HTTP/1.1", &asked)),
            response: is_answered.then(|| read("HTTP/1.1 101 Switching", &answer)),
            response_at: at,
            ..Handshake::default()
        };
        let not_observed = rules::all().take(2).map(|rule| (rule, "no \"reason\"")).collect();
        let judged = Judged { not_observed, held: rules::all().collect(), ..Judged::default() };
        let line = written(|page, lines| {
            let place = (7, Some("a\"b"));
            opening::push_handshake(page, lines, place, &handshake, &judged);
        });
        prop_assert_eq!(line, typed(&handshake_record(&handshake, &judged)));
    }

    #[test]
    fn a_finding(
        rule in prop::sample::select(rules::all().collect::<Vec<_>>()), seen: String,
        expected: String, cause: Option<String>, mend: Option<String>, header: Option<String>,
        endpoint in endpoints(), violator in endpoints(), at in places(), number: Option<u64>,
        span in prop::option::of((0..1u64 << 40, 0..1000u64)),
    ) {
        let (cause, mend) = (cause.map(Into::into), mend.map(Into::into));
        let (seen, expected) = (seen.into(), expected.into());
        let span = span.map(|(offset, length)| Span::bytes(offset, length));
        let broken = Broken { seen, expected, cause, mend, header, endpoint, span, ..Broken::default() };
        let finding = Finding {
            rule, severity: Severity::Warning, violator, broken, frame: number, message: number, at,
            root: number.map(|_| "upgrade-stripped"),
        };
        let line = written(|page, lines| closing::push_finding(page, lines, 7, &finding));
        prop_assert_eq!(line, typed(&finding_record(&finding)));
    }

    #[test]
    fn a_close(reason: Vec<u8>, code: Option<u16>, frame: u64, offset: u64, at in places()) {
        let body = CloseBody { code, reason: &reason, reason_fault: None };
        let event = Close {
            from: Endpoint::Server, frame, offset, length: 2, body, first: true, heard: None, at,
        };
        let record = Record::Close(record::Close {
            place: placed(7, Endpoint::Server, offset, at),
            frame: (frame > 0).then_some(frame),
            code,
            reason: lossy(&reason),
            code_name: code.map(|code| close::lookup(code).name),
        });
        let line = written(|page, lines| closing::push_close(page, lines, 7, &event));
        prop_assert_eq!(line, typed(&record));
    }

    #[test]
    fn an_end(
        how in prop::sample::select(vec![How::ClosingHandshake, How::CaptureEnd, How::Reset]),
        codes: [Option<Option<u16>>; 2], reports: [Option<u16>; 2], closed_by in endpoints(),
        ended: bool, why: String, at in places(), silence: Option<u16>, pings: u32, follows: bool,
    ) {
        let ended = ended.then_some((TransportEnd::Reset, at));
        let end = End {
            how, upgraded: true, closed_by, closed_at: [None; 2], close_end: [None; 2],
            closes: codes, close_notify: [false; 2], carriage: [Carriage::default(); 2],
            transport: [ended, None], told_first: None, heard: [None; 2],
            inside_frame: [false; 2], inside_message: [false; 2], lossy: [false; 2], unread: [0; 2],
            tail_lost: [false; 2], at,
        };
        let round_trip = Some([0.5, 1.0, 2.0]);
        let beat = Heartbeat { from: Endpoint::Client, pings: pings.into(), answered: 1, round_trip };
        // 64ths of a second have six digits.
        let silence = silence.map(|silence| f64::from(silence) / 64.0);
        let heartbeats = if pings > 7 { vec![beat] } else { Vec::new() };
        let traced = Traced { id: "page-request", findings: 2, rules: vec!["HS-REQ-KEY-PRESENT"] };
        let judged = Judged {
            ending: Some(Ending { why, reports, heartbeats, silence }),
            traced: if follows { vec![traced] } else { Vec::new() },
            ..Judged::default()
        };
        let line = written(|page, lines| closing::push_end(page, lines, 7, &end, &judged));
        prop_assert_eq!(line, typed(&end_record(&end, &judged)));
    }
}
