//! CAP: what the capture does not show, and which rules are silent for it. Nobody breaks these.

use super::observed::{TRACES, is_passed_on, is_redacted};
use super::{Broken, Check, Level, Memory, Phrase, Rule, Severity, Verdict, Violator};
use crate::http::Head;
use crate::layout::Span;
use crate::said::{Endpoint, GapReason, Opaque, OpaqueReason};
use crate::websocket::handshake::Handshake;
use crate::websocket::{End, Frame, Gap, How};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &NO_HANDSHAKE,
    &GAP,
    &SNAPLEN,
    &UNREAD,
    &ENDED_EARLY,
    &RETRANSMISSION,
    &TLS_OPAQUE,
    &DIRECTION,
    &TRANSCRIPT,
    &PROXY_CONNECT,
    &KEEPALIVE_PREFIX,
    &VANTAGE,
    &CLOCK,
];

static NO_HANDSHAKE: Rule = Rule {
    id: "CAP-NO-HANDSHAKE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "6455 §5.2",
    title: "The handshake was captured",
    mend: "start the capture before the connection is opened",
    check: Check::Frame(no_handshake),
};

fn no_handshake(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let is_first = memory.client.frames + memory.server.frames == 0;
    (is_first && memory.misses_handshake()).then(|| {
        let what = match (memory.half, memory.route.http2) {
            (_, true) => {
                "the request or the answer that opened this stream can't be read, because HTTP/2 \
                 writes fields as numbers of earlier ones, and those were not captured"
            }
            (true, false) => "the handshake was not captured whole",
            (false, false) => "no 101 was captured before this frame",
        };
        let agreed = match memory.stated {
            true => "what was agreed is taken from --deflate, and RSV1 and compression",
            false => "what was agreed is not known, so RSV1 and compression",
        };
        let seen = format!("{what}: {agreed} are not judged");
        Broken::new(frame.from, seen, "").at(frame.header_bits(0, 16))
    })
}

static GAP: Rule = Rule {
    id: "CAP-GAP",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "No bytes are missing from the capture",
    mend: "capture with a larger buffer (tcpdump -B), nearer to the endpoint, or filter more",
    check: Check::Gap(gap),
};

static UNREAD: Rule = Rule {
    id: "CAP-UNREAD",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "Frames were found again behind every gap",
    mend: "capture with a larger buffer (tcpdump -B), nearer to the endpoint, or filter more",
    check: Check::EndOf(given_up),
};

fn given_up(end: &End, endpoint: Endpoint, _: &Memory) -> Option<Broken> {
    let unread = end.unread[endpoint.index()];
    (unread > 0).then(|| {
        let bytes = if unread == 1 { "byte".to_owned() } else { format!("{unread} bytes") };
        let seen = format!(
            "nothing was read of the last {bytes} of the {endpoint}: no border of a frame is \
             certain there"
        );
        Broken::new(endpoint, seen, "")
    })
}

fn gap(gap: &Gap, _: &Memory) -> Option<Broken> {
    match gap.reason {
        GapReason::Lost => Some(missing(gap, "were not captured")),
        GapReason::TlsRecord => Some(
            missing(gap, "could not be read, because their TLS record is not authentic or cut")
                .mend(
                    "if it was changed on the way, the peer ended the connection; else look at \
                       the capture: cut packets, a damaged file",
                ),
        ),
        GapReason::EarlyData => Some(
            missing(gap, "could not be read: it was sent early (0-RTT), and its secret is missing")
                .mend(
                    "give a key log with CLIENT_EARLY_TRAFFIC_SECRET: not every client writes it",
                ),
        ),
        GapReason::SnapLength | GapReason::CaptureStart => None,
    }
}

static SNAPLEN: Rule = Rule {
    id: "CAP-SNAPLEN",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "Packets were captured whole",
    mend: "capture whole packets: tcpdump -s 0",
    check: Check::Gap(snaplen),
};

fn snaplen(gap: &Gap, _: &Memory) -> Option<Broken> {
    (gap.reason == GapReason::SnapLength).then(|| missing(gap, "were cut off by the snap length"))
}

fn missing(gap: &Gap, how: &str) -> Broken {
    let bytes = match gap.length {
        Some(1) => "1 byte".to_owned(),
        Some(length) => format!("{length} bytes"),
        None => "bytes, nobody knows how many,".to_owned(),
    };
    let then = if gap.framing_lost {
        "where the next frame begins is lost; frames that are found again behind it are marked so"
    } else {
        "they lie inside a payload, so reading goes on; rules that need them are silent"
    };
    let seen = format!("{bytes} of the {} {how}: {then}", gap.from);
    Broken::new(gap.from, seen, "").at(Span::bytes(gap.offset, gap.length.unwrap_or(0)))
}

static ENDED_EARLY: Rule = Rule {
    id: "CAP-ENDED-EARLY",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "The connection's end was captured",
    mend: "let the capture run until the connection is closed",
    check: Check::End(ended_early),
};

fn ended_early(end: &End, memory: &Memory) -> Option<Broken> {
    // Handshakes that were refused, and what was pasted, have no end to wait for.
    let is_open = end.how == How::CaptureEnd && end.upgraded && !memory.pasted;
    is_open.then(|| Broken {
        seen: "the connection was still open when the capture ended: how it is closed, and what \
               was still to come, is not judged"
            .into(),
        ..Broken::default()
    })
}

static RETRANSMISSION: Rule = Rule {
    id: "CAP-RETRANSMISSION",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "Each byte was captured once",
    mend: "nothing: repeated bytes are read once",
    check: Check::EndOf(retransmission),
};

fn retransmission(end: &End, endpoint: Endpoint, _: &Memory) -> Option<Broken> {
    let carriage = &end.carriage[endpoint.index()];
    let segments = match carriage.repeats {
        0 => return None,
        1 => "one segment".to_owned(),
        count => format!("{count} segments"),
    };
    let bytes = carriage.repeated;
    let seen = format!(
        "the sequence numbers of {segments} of the {endpoint} ({bytes} bytes) had been captured before"
    );
    let cause = match (carriage.differing, carriage.damaged) {
        (0, _) => {
            let seen = format!("{seen}: what came first was read, and not compared with it");
            let cause = "TCP repeats what was lost on the way, or the capture holds packets twice; \
                         if the bytes are others, somebody injects segments";
            return Some(Broken::new(endpoint, seen, "").cause(cause));
        }
        (differing, damaged) if differing == damaged => {
            "a segment was damaged on the way, or sent with a wrong checksum so that only listeners \
             take it"
        }
        _ => "somebody injects segments, or a middlebox rewrites the stream",
    };
    let differ = match carriage.differing {
        1 => "1 of them has other bytes than the first time".to_owned(),
        count => format!("{count} of them have other bytes than the first time"),
    };
    let read = match carriage.damaged {
        0 => "; what came first is read",
        _ => "; where only one has the right checksum, that one is read",
    };
    Some(
        Broken::new(endpoint, format!("{seen}, and {differ}{read}"), "the same bytes again")
            .cause(cause)
            .severity(Severity::Warning),
    )
}

static TLS_OPAQUE: Rule = Rule {
    id: "CAP-TLS-OPAQUE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "What goes over TLS can be read",
    mend: "give the secrets with --keylog FILE; clients write them when SSLKEYLOGFILE is set",
    check: Check::Opaque(tls_opaque),
};

fn tls_opaque(opaque: &Opaque) -> Option<Broken> {
    let why = opaque.why.says();
    let alert = opaque
        .alert
        .map_or(String::new(), |(from, name)| format!(" (the {from} sent the alert {name})"));
    let mend = match opaque.why {
        OpaqueReason::NoKeyLog | OpaqueReason::NotInKeyLog | OpaqueReason::SecretsIncomplete => {
            None
        }
        OpaqueReason::HandshakeMissing => Some("start the capture before the connection is opened"),
        OpaqueReason::Unsupported => {
            Some("let the peers agree on a cipher suite of TLS 1.2 or 1.3 with AES or ChaCha20")
        }
        OpaqueReason::WrongSecrets => {
            Some("use the key log that was written while this capture was taken")
        }
        OpaqueReason::HandshakeFailed => {
            Some("look at what the alert says: certificates, versions, protocols")
        }
        OpaqueReason::AnsweredInClear => {
            Some("use ws:// for this port, or the port for TLS; or let the server speak TLS there")
        }
        OpaqueReason::TooLate => {
            Some("put the secrets in front: editcap --inject-secrets tls,KEYS")
        }
    };
    let mend = mend.map(Phrase::Borrowed);
    if opaque.why == OpaqueReason::AnsweredInClear {
        let seen = "a TLS ClientHello stands where an HTTP request belongs: the server answers it \
                    with plain HTTP";
        return Some(Broken {
            seen: seen.into(),
            expected: "an HTTP request".into(),
            cause: Some("wss:// or https:// was used for a port that speaks plain HTTP".into()),
            mend,
            severity: Some(Severity::Warning),
            ..Broken::default()
        });
    }
    let seen =
        format!("this connection stays closed: {why}{alert}; of WebSocket nothing is judged");
    Some(Broken { seen: seen.into(), mend, ..Broken::default() })
}

static DIRECTION: Rule = Rule {
    id: "CAP-DIRECTION",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "6455 §5.1",
    title: "It is certain who is the client",
    mend: "capture the opening of the connection, TCP's or WebSocket's",
    check: Check::Frame(direction),
};

/// As long as the MASK bits fit the roles that were assumed, there is nothing to say.
fn direction(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let contradicts = frame.header.masked() != (frame.from == Endpoint::Client);
    (contradicts && !memory.direction_known && !memory.pasted).then(|| {
        let seen = format!(
            "who opened the connection was not captured, and the MASK bit of this frame does not \
             fit a {}: the roles may be the other way round, so masking is not judged",
            frame.from
        );
        Broken::new(frame.from, seen, "").at(frame.header_bits(8, 1))
    })
}

static TRANSCRIPT: Rule = Rule {
    id: "CAP-TRANSCRIPT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "The values in a transcript are those that were sent",
    mend: "paste the key and the Accept as they were: neither is a secret once it is used",
    check: Check::Handshake(|handshake, _| transcript(handshake).into()),
};

/// Fields whose values are checked to the letter.
const CHECKED: [&str; 5] = [
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
];

/// What was made unrecognisable on purpose is not judged, and that is said.
fn transcript(handshake: &Handshake) -> Option<Broken> {
    let heads = [(&handshake.request, Endpoint::Client), (&handshake.response, Endpoint::Server)];
    heads.into_iter().filter(|_| handshake.transcript).find_map(|(head, from)| {
        let head = head.as_deref()?;
        let (name, line) = CHECKED.into_iter().find_map(|name| {
            let line = head.lines(name).find(|line| is_redacted(head.bytes(&line.value)))?;
            Some((name, line))
        })?;
        let seen = format!("{name} was made unrecognisable, so it can't be checked");
        Some(Broken::new(from, seen, "").in_head(head, &line.value))
    })
}

static PROXY_CONNECT: Rule = Rule {
    id: "CAP-PROXY-CONNECT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "6455 §4.1; 9110 §9.3.6",
    title: "The client reaches the server without a forward proxy",
    mend: "nothing: CONNECT opens a tunnel, and the handshake goes through it",
    check: Check::Handshake(proxy_connect),
};

fn proxy_connect(handshake: &Handshake, _: &Memory) -> Verdict {
    Verdict::from(handshake.through_connect.then(|| Broken {
        seen: "the handshake goes through a tunnel that a CONNECT opened at a proxy".into(),
        endpoint: Some(Endpoint::Client),
        ..Broken::default()
    }))
}

static KEEPALIVE_PREFIX: Rule = Rule {
    id: "CAP-KEEPALIVE-PREFIX",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "9112 §9.3",
    title: "The handshake is the first request on its connection",
    mend: "nothing: HTTP/1.1 may use a connection again",
    check: Check::Handshake(keepalive_prefix),
};

fn keepalive_prefix(handshake: &Handshake, _: &Memory) -> Verdict {
    let before = handshake.earlier_exchanges;
    Verdict::from((before > 0).then(|| Broken {
        seen: match before {
            1 => "another HTTP exchange came before the handshake on this connection".into(),
            count => format!("{count} other HTTP exchanges came before the handshake").into(),
        },
        endpoint: Some(Endpoint::Client),
        ..Broken::default()
    }))
}

static VANTAGE: Rule = Rule {
    id: "CAP-VANTAGE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "6455 §4.2",
    title: "The capture was taken between the client and the server themselves",
    mend: "read \"client\" and \"server\" as the two ends of this hop",
    check: Check::Handshake(vantage),
};

fn vantage(handshake: &Handshake, _: &Memory) -> Verdict {
    let heads = [(&handshake.request, Endpoint::Client), (&handshake.response, Endpoint::Server)];
    Verdict::from(heads.into_iter().find_map(|(head, from)| trace(head.as_deref()?, from)))
}

fn trace(head: &Head, from: Endpoint) -> Option<Broken> {
    if !is_passed_on(head) {
        return None;
    }
    let is_trace =
        |name: &[u8]| TRACES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    let field = head.fields.iter().find(|field| is_trace(head.bytes(&field.name)))?;
    let seen = format!(
        "an intermediary has passed this head on: the {from} seen here may not be the one that \
         the application runs on"
    );
    Some(Broken::new(from, seen, "").in_head(head, &field.line))
}

static CLOCK: Rule = Rule {
    id: "CAP-CLOCK",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Observer,
    rfc: "capture",
    title: "The clock of the capture goes forward",
    mend: "capture on one machine, and merge captures only if their clocks agree",
    check: Check::End(clock),
};

fn clock(_: &End, memory: &Memory) -> Option<Broken> {
    let pace = &memory.pace;
    let frames = memory.client.frames + memory.server.frames;
    let stands_still = pace.last.is_some() && pace.silence() == 0.0 && pace.packets() >= STILL;
    let seen = if pace.backwards > 0 {
        let back = pace.backwards as f64 / 1e9;
        format!(
            "a packet was captured {back:.6} s earlier than one before it: what hangs on the time \
             is not judged from there on"
        )
    } else if stands_still && frames >= STILL {
        "all packets have the same time: what hangs on it is not judged".to_owned()
    } else {
        return None;
    };
    Some(
        Broken { seen: seen.into(), ..Broken::default() }
            .cause("captures of several machines were merged, or the clock was set meanwhile"),
    )
}

/// So many packets within one tick of the clock are no coincidence.
const STILL: u64 = 50;
