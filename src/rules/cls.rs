//! CLS: the closing handshake (RFC 6455 §5.5.1, §7). How TLS is closed is not seen here.

mod explain;

use super::memory::{Closed, Fault};
use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::layout::Span;
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::close::{self, CODES};
use crate::websocket::utf8::Utf8FaultKind;
use crate::websocket::{
    Close, End, Frame, How, MAX_CONTROL_KEPT, NotFrames, NotFramesKind, Opcode,
};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &BODY_LEN_1,
    &CODE_PSEUDO,
    &CODE_1004,
    &CODE_LOW,
    &CODE_UNASSIGNED,
    &CODE_HIGH,
    &CODE_3XXX,
    &REASON_UTF8,
    &DATA_AFTER_CLOSE,
    &NOT_ANSWERED,
    &NO_CLOSE_FRAME,
    &DUPLICATE,
    &SERVER_CLOSES_TCP_FIRST,
    &SERVER_LINGERS,
    &RST,
    &TRAILING_BYTES,
    &SLOW,
    &CODE_ECHO,
    &CODE_1010_FROM_SERVER,
    &SERVER_CODE_FROM_CLIENT,
    &CODE_FITS_CAUSE,
    &NO_STATUS,
    &explain::EXPLAIN,
    &TLS_CLOSE_NOTIFY,
];

static BODY_LEN_1: Rule = Rule {
    id: "CLS-BODY-LEN-1",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1",
    title: "A Close has no body, or one that begins with a two-byte code",
    mend: "send the code as two bytes, highest first, or no body at all",
    check: Check::Any(&[Check::Close(body_len_1), Check::Frame(cut_body_len_1)]),
};

fn body_len_1(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    (close.length == 1).then(|| {
        Broken::new(close.from, "the body of this Close is one byte long", "0, or 2 and more bytes")
            .at(Span::bytes(close.offset, 1))
            .cause("the code was written as a single byte")
    })
}

/// The header tells, even if the byte itself was cut off.
fn cut_body_len_1(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    let is_cut = frame.header.opcode() == Opcode::Close && !frame.complete;
    (is_cut && frame.header.payload_length == 1).then(|| {
        let seen = "this Close announces a body of one byte";
        Broken::new(frame.from, seen, "0, or 2 and more bytes").at(frame.length_bits())
    })
}

static CODE_PSEUDO: Rule = Rule {
    id: "CLS-CODE-PSEUDO",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §7.4.1",
    title: "Codes 1005, 1006 and 1015 are never sent",
    mend: "send no body instead of 1005, nothing instead of 1006 and 1015, or a code that fits",
    check: Check::Close(code_pseudo),
};

fn code_pseudo(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let code = code(close, |code| matches!(code, 1005 | 1006 | 1015))?;
    let seen = format!("the code is {code}, {}", close::lookup(code).meaning);
    Some(
        at_code(close, seen, "a code that may be sent, such as 1000, or no body")
            .cause("a code that an API reported was passed on into a frame, often by a proxy"),
    )
}

static CODE_1004: Rule = Rule {
    id: "CLS-CODE-1004",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §7.4.1, §11.7",
    title: "Code 1004 is not used",
    mend: "send 1009 for a message that is too big, or another assigned code",
    check: Check::Close(code_1004),
};

fn code_1004(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    code(close, |code| code == 1004)?;
    Some(
        at_code(close, "the code is 1004, which is reserved and means nothing", "an assigned code")
            .cause("in a draft 1004 meant that a frame was too large; that became 1009"),
    )
}

static CODE_LOW: Rule = Rule {
    id: "CLS-CODE-LOW",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §7.4.2",
    title: "Codes 0 to 999 are not used",
    mend: "send 1000 for a normal end, another assigned code, or one from 4000 on of your own",
    check: Check::Close(code_low),
};

fn code_low(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let code = code(close, |code| code < 1000)?;
    let seen = format!("the code is {code}; the range below 1000 is not used");
    Some(at_code(close, seen, "1000 to 4999").cause(match code {
        0 => "the code was never set",
        100..=599 => "an HTTP status was passed on",
        _ => "an exit status or an error number was passed on",
    }))
}

static CODE_UNASSIGNED: Rule = Rule {
    id: "CLS-CODE-UNASSIGNED",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §7.4.2, §11.7",
    title: "Codes from 1000 to 2999 are assigned ones",
    mend: "use an assigned code, or one from 4000 to 4999 that needs nobody's permission",
    check: Check::Close(code_unassigned),
};

fn code_unassigned(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let code = code(close, |code| (1016..=2999).contains(&code))?;
    let seen = format!("the code is {code}, which was not assigned when this program was made");
    Some(
        at_code(close, seen, "an assigned code below 1016, or one from 3000 to 4999")
            .cause("the application chose a number from the range of the protocol"),
    )
}

static CODE_HIGH: Rule = Rule {
    id: "CLS-CODE-HIGH",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §7.4.2, §11.7",
    title: "No code is above 4999",
    mend: "send the code highest byte first, and below 5000",
    check: Check::Close(code_high),
};

fn code_high(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let code = code(close, |code| code >= 5000)?;
    let swapped = code.swap_bytes();
    let broken = at_code(close, format!("the code is {code}; codes end at 4999"), "1000 to 4999");
    let known = close::lookup(swapped);
    let looks_swapped = known.on_the_wire && known.first == known.last;
    Some(if looks_swapped {
        broken.cause(format!(
            "the bytes are swapped: the other way round it is {swapped} ({})",
            known.name
        ))
    } else {
        broken.cause("the number was made up, or text was written where the code belongs")
    })
}

static CODE_3XXX: Rule = Rule {
    id: "CLS-CODE-3XXX",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §7.4.2, §11.7",
    title: "Codes from 3000 to 3999 are registered ones",
    mend: "register the code with IANA, or take one from 4000 to 4999",
    check: Check::Close(code_3xxx),
};

fn code_3xxx(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let is_registered = |code| CODES.iter().any(|known| known.first == code && known.last == code);
    let code = code(close, |code| (3000..=3999).contains(&code) && !is_registered(code))?;
    let seen = format!("the code is {code}, from the range of libraries, and is not registered");
    Some(at_code(close, seen, "a registered code, or one from 4000 to 4999"))
}

static REASON_UTF8: Rule = Rule {
    id: "CLS-REASON-UTF8",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.6, §8.1",
    title: "The reason of a Close is UTF-8",
    mend: "encode the reason as UTF-8, and shorten it at the border of a character",
    check: Check::Close(reason_utf8),
};

fn reason_utf8(close: &Close<'_>, _: &Memory) -> Option<Broken> {
    let fault = close.body.reason_fault?;
    let is_cut = fault.kind == Utf8FaultKind::Truncated;
    // Of a Close that is far too long only the beginning is kept.
    if is_cut && close.length > MAX_CONTROL_KEPT as u64 {
        return None;
    }
    let at = if is_cut { fault.offset.saturating_sub(1) } else { fault.offset };
    let byte = close.body.reason.get(at as usize).copied().unwrap_or_default();
    let seen = if is_cut {
        format!("the reason ends inside a character, after the byte {byte:#04x}")
    } else {
        format!("byte {} of the reason is {byte:#04x}: {}", fault.offset, fault.kind)
    };
    Some(
        Broken::new(close.from, seen, "UTF-8")
            .at(Span::bytes(close.offset.saturating_add(2).saturating_add(at), 1))
            .cause(if is_cut {
                "the reason was cut to 123 bytes in the middle of a character"
            } else {
                "the reason is in the encoding of the operating system, such as Latin-1"
            }),
    )
}

static DATA_AFTER_CLOSE: Rule = Rule {
    id: "CLS-DATA-AFTER-CLOSE",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §5.1",
    title: "No data follows the own Close",
    mend: "send everything first and the Close last, and refuse to send after it",
    check: Check::Frame(data_after_close),
};

fn data_after_close(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let closed = memory.of(frame.from).closed.as_ref()?;
    // A frame that never ends may be no frame at all: see CLS-TRAILING-BYTES.
    let is_data = frame.header.opcode().is_data() && frame.complete;
    is_data.then(|| {
        let seen = format!(
            "this {} frame comes after the endpoint's own Close (frame {})",
            frame.header.opcode(),
            closed.frame
        );
        Broken::new(frame.from, seen, "nothing behind the Close")
            .at(frame.span())
            .cause("one thread closes while another still sends")
    })
}

static NOT_ANSWERED: Rule = Rule {
    id: "CLS-NOT-ANSWERED",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.2",
    title: "A Close is answered with a Close",
    mend: "answer with a Close as soon as possible, and only then close TCP",
    check: Check::EndOf(not_answered),
};

fn not_answered(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let (own, peer) = (memory.of(endpoint), memory.of(endpoint.peer()));
    let close = peer.closed.as_ref()?;
    let is_excused = own.closed.is_some()
        || end.lossy[endpoint.index()]
        || peer.fatal.is_some()
        || own.is_unreliable()
        || end.inside_frame[endpoint.index()];
    let (first, how) = end.first_to_end()?;
    let heard = end.heard[endpoint.index()].is_some_and(|heard| heard >= close.end());
    if is_excused || !heard {
        return None;
    }
    let peer = endpoint.peer();
    let seen = if first == endpoint {
        let ended = super::frm::ended(how);
        format!(
            "the {endpoint} received the Close of the {peer} and {ended} without a Close of its own"
        )
    } else {
        // Whoever asked may give up, but has to wait a while first.
        let waited = end.transport[first.index()]?.1.time?.seconds_since(close.at.time?);
        if waited < memory.thresholds.close_deadline + memory.round_trip() {
            return None;
        }
        format!(
            "the {endpoint} received the Close of the {peer} and did not answer it in {waited:.1} s"
        )
    };
    Some(
        Broken::new(endpoint, seen, "a Close in answer")
            .cause("the program treats a Close like the end of TCP"),
    )
}

static NO_CLOSE_FRAME: Rule = Rule {
    id: "CLS-NO-CLOSE-FRAME",
    severity: Severity::Warning,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §7.1.4, §7.1.5, §7.1.7, §7.3",
    title: "A connection ends with a closing handshake",
    mend: "send a Close before closing TCP; if nobody closed it on purpose, look for a crash or a time-out in between",
    check: Check::End(no_close_frame),
};

fn no_close_frame(end: &End, memory: &Memory) -> Option<Broken> {
    let both = [&memory.client, &memory.server];
    let is_known = end.upgraded
        && end.lossy == [false; 2]
        && !both.iter().any(|direction| direction.is_unreliable());
    // An endpoint may drop a connection on which something fatal was said, and a client one whose
    // handshake it can't accept (§4.1, §7.1.7).
    let is_excused =
        both.iter().any(|direction| direction.fatal.is_some()) || memory.bad_response().is_some();
    if !is_known || is_excused || end.closes != [None; 2] {
        return None;
    }
    let (endpoint, how) = end.first_to_end()?;
    let ended = end.transport[endpoint.index()]?.1.time;
    let idle = match (memory.pace.last, ended) {
        (Some(last), Some(ended)) => {
            format!(", {} after the last frame", span_of_time(ended.seconds_since(last)))
        }
        _ => String::new(),
    };
    let seen = format!(
        "the {endpoint} {}{idle}, and neither end has sent a Close: both APIs report 1006",
        super::frm::ended(how)
    );
    Some(
        Broken::new(endpoint, seen, "a Close from each end first")
            .cause("a process ended, a proxy timed out, or the socket was closed past the library"),
    )
}

static DUPLICATE: Rule = Rule {
    id: "CLS-DUPLICATE",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.5",
    title: "An endpoint sends one Close",
    mend: "remember that a Close was sent, and send no other",
    check: Check::Close(duplicate),
};

fn duplicate(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let before = memory.of(close.from).closed.as_ref().filter(|_| !close.first)?;
    let seen = format!("this is a second Close; frame {} was the first", before.frame);
    Some(
        at_frame(close, seen, "one Close")
            .cause("the library and the application both answer the peer's Close"),
    )
}

static SERVER_CLOSES_TCP_FIRST: Rule = Rule {
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

static SERVER_LINGERS: Rule = Rule {
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

static RST: Rule = Rule {
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
    (end.how == How::ClosingHandshake && how == TransportEnd::Reset).then(|| {
        let seen = format!("the {endpoint} resets TCP after the closing handshake");
        Broken::new(endpoint, seen, "FIN").cause(
            "unread bytes were left in the socket when it was closed, or it was closed the hard way",
        )
    })
}

static TRAILING_BYTES: Rule = Rule {
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
    let (closed, cut) = (own.closed.as_ref()?, own.cut.as_ref()?);
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

static SLOW: Rule = Rule {
    id: "CLS-SLOW",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1",
    title: "A Close is answered as soon as practical",
    mend: "answer a Close where frames are read, not behind the application's work",
    check: Check::Close(slow),
};

fn slow(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let asked = answered(close, memory)?;
    let waited = close.at.time?.seconds_since(asked.at.time?);
    (waited > memory.thresholds.close_reply + memory.round_trip()).then(|| {
        let seen = format!("this Close answers {waited:.1} s after the other");
        at_frame(close, seen, "an answer as soon as practical")
            .cause("the endpoint finishes other work first")
    })
}

static CODE_ECHO: Rule = Rule {
    id: "CLS-CODE-ECHO",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1",
    title: "The answer to a Close repeats its code",
    mend: "send back the code that was received",
    check: Check::Close(code_echo),
};

fn code_echo(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let asked = answered(close, memory)?.code?;
    let code = close.body.code?;
    let is_usual = asked == 1001 && code == 1000;
    // Whoever is sent something broken, a bad code included, has reasons of its own.
    let is_failing =
        memory.of(close.from.peer()).fatal.is_some() || !close::lookup(asked).on_the_wire;
    (code != asked && !is_usual && !is_failing).then(|| {
        let seen = format!("this Close answers {asked} with {code}, which is legal but unusual");
        at_code(close, seen, asked.to_string())
            .cause("the library answers every Close with the same code")
    })
}

static CODE_1010_FROM_SERVER: Rule = Rule {
    id: "CLS-1010-FROM-SERVER",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §7.4.1",
    title: "1010 is sent by clients, and says which extensions were missing",
    mend: "refuse the handshake with an HTTP status; as a client, list the extensions in the reason",
    check: Check::Close(code_1010_from_server),
};

fn code_1010_from_server(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    code(close, |code| code == 1010)?;
    if is_echo(close, memory) {
        return None;
    }
    match close.from {
        Endpoint::Server => Some(
            at_code(
                close,
                "the server closes with 1010, with which a client says that it misses an extension",
                "another code; a server refuses the handshake instead",
            )
            .cause("the code was taken from the list by its name"),
        ),
        Endpoint::Client if close.body.reason.is_empty() => Some(
            at_code(
                close,
                "the client closes with 1010 and does not say which extensions it misses",
                "their names as the reason",
            )
            .severity(Severity::Note),
        ),
        Endpoint::Client => None,
    }
}

static SERVER_CODE_FROM_CLIENT: Rule = Rule {
    id: "CLS-SERVER-CODE-FROM-CLIENT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §7.4.1",
    title: "Codes about servers are sent by servers",
    mend: "send 1001, 1008 or a code of your own from 4000 on",
    check: Check::Close(server_code_from_client),
};

fn server_code_from_client(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let code = code(close, |code| (1011..=1014).contains(&code))?;
    (close.from == Endpoint::Client && memory.direction_known && !is_echo(close, memory)).then(
        || {
            let name = close::lookup(code).name;
            at_code(
                close,
                format!("the client closes with {code} ({name})"),
                "a code that fits a client",
            )
            .cause("a constant was chosen by its name alone")
        },
    )
}

static CODE_FITS_CAUSE: Rule = Rule {
    id: "CLS-CODE-FITS-CAUSE",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §7.1.7, §7.4.1, §10.7",
    title: "The code tells why the connection failed",
    mend: "send 1007 for text that is not UTF-8 and 1002 for broken frames",
    check: Check::Close(code_fits_cause),
};

fn code_fits_cause(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let peer = memory.of(close.from.peer());
    let fatal = peer.fatal.as_ref()?;
    let code = close.body.code?;
    let heard = close.heard.is_some_and(|heard| heard >= fatal.end);
    if !close.first || peer.closed.is_some() || !heard {
        return None;
    }
    let (misfits, expected): (&[u16], &str) = match fatal.fault {
        Fault::Text => (&[1000, 1001, 1002], "1007"),
        Fault::Inflate => (&[1000, 1001], "1002 or 1007"),
        Fault::Framing => (&[1000, 1001, 1007], "1002"),
    };
    misfits.contains(&code).then(|| {
        let name = close::lookup(code).name;
        let seen = format!(
            "the {} closes with {code} ({name}) after what {} reports of its peer",
            close.from, fatal.rule.id
        );
        at_code(close, seen, expected).cause("the library closes with one code whatever went wrong")
    })
}

static NO_STATUS: Rule = Rule {
    id: "CLS-NO-STATUS",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.5",
    title: "A Close says why",
    mend: "send 1000 for a normal end; in a browser: socket.close(1000)",
    check: Check::Close(no_status),
};

fn no_status(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let begins = close.first && memory.of(close.from.peer()).closed.is_none();
    (begins && close.length == 0).then(|| {
        let seen = format!(
            "this Close has no code, which is legal; the {}'s API reports 1005",
            close.from.peer()
        );
        at_frame(close, seen, "").cause("close() was called without arguments")
    })
}

static TLS_CLOSE_NOTIFY: Rule = Rule {
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

/// The code of this Close if it is one of those.
fn code(close: &Close<'_>, is_one: impl Fn(u16) -> bool) -> Option<u16> {
    close.body.code.filter(|&code| is_one(code))
}

/// The peer's Close that this one answers; none if it is the first, or if the two crossed.
fn answered<'a>(close: &Close<'_>, memory: &'a Memory) -> Option<&'a Closed> {
    let asked = memory.of(close.from.peer()).closed.as_deref()?;
    let heard = close.heard.is_some_and(|heard| heard >= asked.end());
    (close.first && heard).then_some(asked)
}

/// The code is the one that the peer has sent before.
fn is_echo(close: &Close<'_>, memory: &Memory) -> bool {
    let asked = memory.of(close.from.peer()).closed.as_ref();
    asked.is_some_and(|asked| asked.code == close.body.code)
}

/// The Close that completed the closing handshake.
fn last_close(memory: &Memory) -> Option<&Closed> {
    let (client, server) = (memory.client.closed.as_deref()?, memory.server.closed.as_deref()?);
    Some(if client.at.time > server.at.time { client } else { server })
}

fn at_code(close: &Close<'_>, seen: impl Into<String>, expected: impl Into<String>) -> Broken {
    Broken::new(close.from, seen, expected).at(Span::bytes(close.offset, 2))
}

/// A finding about a Close as a whole: its first byte, or its body if it has one.
fn at_frame(close: &Close<'_>, seen: impl Into<String>, expected: impl Into<String>) -> Broken {
    let broken = Broken::new(close.from, seen, expected);
    match close.length {
        0 => broken,
        length => broken.at(Span::bytes(close.offset, length)),
    }
}

fn span_of_time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds.max(0.0) * 1000.0),
        seconds => format!("{seconds:.1} s"),
    }
}
