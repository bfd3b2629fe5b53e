//! How TCP and TLS end below the closing handshake (RFC 6455 §7.1.1).

use super::{last_close, span_of_time};
use crate::layout::Span;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator, frm};
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::{End, How, NotFrames, NotFramesKind};

pub(super) static SERVER_CLOSES_TCP_FIRST: Rule = Rule {
    id: "CLS-SERVER-CLOSES-TCP-FIRST",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Client,
    rfc: "6455 §7.1.1, §5.5.1",
    title: "The server closes TCP first",
    mend: "let the client wait a little for the server to close TCP",
    check: Check::End(server_closes_tcp_first),
};

fn server_closes_tcp_first(end: &End, memory: &Memory) -> Option<Broken> {
    let (first, how) = end.first_to_end()?;
    if end.how != How::ClosingHandshake || (first, how) != (Endpoint::Client, TransportEnd::Fin) {
        return None;
    }
    // What it acknowledged behind the last frame is the server's FIN, which was not captured.
    if memory.heard_beyond(first, end.heard[first.index()]) {
        return None;
    }
    let closed = last_close(memory)?.at.time?;
    let client = end.transport[Endpoint::Client.index()]?.1.time?;
    let waited = client.seconds_since(closed);
    (0.0..memory.thresholds.client_patience).contains(&waited).then(|| {
        let seen = format!(
            "the client closes TCP {} after the closing handshake, before the server does",
            span_of_time(waited)
        );
        Broken::new(Endpoint::Client, seen, "the server to close TCP first")
            .cause("the client's library closes the socket as soon as both Closes are said")
    })
}

pub(super) static SERVER_LINGERS: Rule = Rule {
    id: "CLS-SERVER-LINGERS",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §5.5.1, §7.1.1",
    title: "The server closes TCP right after the closing handshake",
    mend: "close TCP on the server as soon as both Closes are said",
    check: Check::End(server_lingers),
};

fn server_lingers(end: &End, memory: &Memory) -> Option<Broken> {
    if end.how != How::ClosingHandshake {
        return None;
    }
    let closed = last_close(memory)?;
    // Only what was seen counts: the server's own end, or the client's giving up before it.
    let ended = end.transport[Endpoint::Server.index()].or(end.transport[0])?.1.time?;
    let waited = ended.seconds_since(closed.at.time?);
    let patience = memory.thresholds.server_close + memory.round_trip();
    let is_first = |(first, _): (Endpoint, TransportEnd)| first == Endpoint::Server;
    let client = end.transport[0].and_then(|(_, at)| at.time);
    let client_waited = client.is_none_or(|client| {
        closed.at.time.is_some_and(|closed| client.seconds_since(closed) > patience)
    });
    let waited_for = end.first_to_end().is_some_and(is_first) || client_waited;
    (waited > patience && waited_for).then(|| {
        let seen = format!(
            "{} after the closing handshake TCP is still open on the server's side",
            span_of_time(waited)
        );
        Broken::new(Endpoint::Server, seen, "FIN at once")
            .cause("the server waits for the client to close TCP, or has forgotten the connection")
    })
}

pub(super) static RST: Rule = Rule {
    id: "CLS-RST",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §7.1.1",
    title: "TCP is closed with FIN and not reset",
    mend: "shut down writing, read until the end, then close",
    check: Check::EndOf(rst),
};

fn rst(end: &End, endpoint: Endpoint, _: &Memory) -> Option<Broken> {
    let (how, _) = end.transport[endpoint.index()]?;
    let expected = match how {
        TransportEnd::Reset => "FIN",
        TransportEnd::ResetStream => "END_STREAM",
        TransportEnd::Fin | TransportEnd::EndStream => return None,
    };
    (end.how == How::ClosingHandshake).then(|| {
        let seen = format!("the {endpoint} {} after the closing handshake", frm::ended(how));
        Broken::new(endpoint, seen, expected).cause(
            "unread bytes were left in the socket when it was closed, or it was closed the hard way",
        )
    })
}

pub(super) static TRAILING_BYTES: Rule = Rule {
    id: "CLS-TRAILING-BYTES",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.1",
    title: "No bytes follow the Close",
    mend: "write nothing to the socket behind the library's back",
    check: Check::Any(&[Check::NotFrames(trailing_bytes), Check::EndOf(trailing_frame)]),
};

fn trailing_bytes(other: &NotFrames<'_>, _: &Memory) -> Option<Broken> {
    (other.kind == NotFramesKind::TrailingBytes).then(|| trailing(other.from, other.offset))
}

/// What follows the Close looked like a frame at first, but ends inside it.
fn trailing_frame(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let own = memory.of(endpoint);
    let (closed, cut) = (own.seldom.closed.as_ref()?, own.seldom.cut.as_ref()?);
    let is_behind = cut.offset >= closed.end() && end.inside_frame[endpoint.index()];
    if !is_behind || end.lossy[endpoint.index()] || end.how == How::CaptureEnd {
        return None;
    }
    Some(trailing(endpoint, cut.offset))
}

fn trailing(endpoint: Endpoint, offset: u64) -> Broken {
    let seen = "bytes follow the Close that form no frame";
    Broken::new(endpoint, seen, "nothing behind the Close")
        .at(Span::bytes(offset, 1))
        .cause("two layers write to one socket, such as an error page behind the Close")
}

pub(super) static TLS_CLOSE_NOTIFY: Rule = Rule {
    id: "CLS-TLS-CLOSE-NOTIFY",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §7.1.1; 8446 §6.1",
    title: "TLS is closed before TCP",
    mend: "shut TLS down (SSL_shutdown, unwrap, close_notify) before the socket is closed",
    check: Check::EndOf(tls_close_notify),
};

fn tls_close_notify(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let index = endpoint.index();
    let (how, _) = end.transport[index]?;
    let is_missing = memory.tls.is_some()
        && how == TransportEnd::Fin
        && !end.close_notify[index]
        && !end.lossy[index];
    is_missing.then(|| {
        let seen = format!("the {endpoint} ended TCP with FIN, without a close_notify before it");
        Broken::new(endpoint, seen, "the alert close_notify, then FIN")
    })
}
