//! Whether a Close is sent, answered and the last thing that is said (RFC 6455 §5.5.1, §7.1).

use super::{answered, at_frame, span_of_time};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator, frm};
use crate::said::Endpoint;
use crate::websocket::{Close, End, Frame};

pub(super) static DATA_AFTER_CLOSE: Rule = Rule {
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
    let closed = memory.of(frame.from).seldom.closed.as_ref()?;
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

pub(super) static NOT_ANSWERED: Rule = Rule {
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
    let close = peer.seldom.closed.as_ref()?;
    let is_excused = own.seldom.closed.is_some()
        || end.lossy[endpoint.index()]
        || peer.seldom.fatal.is_some()
        || own.is_unreliable()
        || end.inside_frame[endpoint.index()];
    let (first, how) = end.first_to_end()?;
    let heard = end.heard[endpoint.index()].is_some_and(|heard| heard >= close.end());
    if is_excused || !heard {
        return None;
    }
    let peer = endpoint.peer();
    let seen = if first == endpoint {
        let ended = frm::ended(how);
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

pub(super) static NO_CLOSE_FRAME: Rule = Rule {
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
    let is_excused = both.iter().any(|direction| direction.seldom.fatal.is_some())
        || memory.bad_response().is_some();
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
        frm::ended(how)
    );
    Some(
        Broken::new(endpoint, seen, "a Close from each end first")
            .cause("a process ended, a proxy timed out, or the socket was closed past the library"),
    )
}

pub(super) static DUPLICATE: Rule = Rule {
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
    let before = memory.of(close.from).seldom.closed.as_ref().filter(|_| !close.first)?;
    let seen = format!("this is a second Close; frame {} was the first", before.frame);
    Some(
        at_frame(close, seen, "one Close")
            .cause("the library and the application both answer the peer's Close"),
    )
}

pub(super) static SLOW: Rule = Rule {
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
