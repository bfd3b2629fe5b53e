//! CTL: control frames (RFC 6455 §5.5). Whether Pings were answered is judged when the connection
//! is over: until then a Pong to a later Ping may still answer them all.

use super::heartbeat::duration;
use super::pings::Ping;
use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::layout::Span;
use crate::said::{Endpoint, Time};
use crate::websocket::{CutHeader, End, Frame, Opcode, Part};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &FRAGMENTED,
    &TOO_LONG,
    &PING_UNANSWERED,
    &PONG_PAYLOAD,
    &PONG_UNSOLICITED,
    &PONG_DUPLICATE,
    &AFTER_CLOSE,
    &PONG_DELAY,
];

/// A control frame carries at most this many bytes (RFC 6455 §5.5).
const MAX_CONTROL_PAYLOAD: u64 = 125;

static FRAGMENTED: Rule = Rule {
    id: "CTL-FRAGMENTED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §5.4, §5.5",
    title: "Control frames are not fragmented",
    mend: "send control frames whole, with FIN 1",
    check: Check::Frame(fragmented),
};

fn fragmented(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    let name = defined_control(frame)?;
    (!frame.header.fin()).then(|| {
        let seen = format!("FIN is 0, so this {name} announces more fragments");
        Broken::new(frame.from, seen, "FIN 1")
            .at(frame.header_bits(0, 1))
            .cause("the sender cuts everything it sends into fragments, control frames included")
    })
}

static TOO_LONG: Rule = Rule {
    id: "CTL-TOO-LONG",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5",
    title: "A control frame carries at most 125 bytes",
    mend: "shorten the payload to 125 bytes; a Close reason to 123, not inside a character",
    check: Check::Any(&[Check::Frame(too_long), Check::CutHeader(too_long_in_cut_header)]),
};

fn too_long(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    let name = defined_control(frame)?;
    let length = frame.header.payload_length;
    (length > MAX_CONTROL_PAYLOAD).then(|| {
        let seen = format!("this {name} announces {length} bytes of payload");
        let broken = Broken::new(frame.from, seen, "at most 125 bytes").at(frame.length_bits());
        broken.cause(if frame.header.opcode() == Opcode::Close {
            "the reason is longer than 123 bytes, often an error message put there whole"
        } else {
            "application data is sent in a control frame"
        })
    })
}

/// The 7 bits tell that the length stands in a longer field, even if that was cut off.
fn too_long_in_cut_header(cut: &CutHeader<'_>, _: &Memory) -> Option<Broken> {
    let &[first, second, ..] = cut.bytes else { return None };
    let opcode = Opcode::from_bits(first);
    let is_defined = opcode.is_control() && !matches!(opcode, Opcode::Reserved(_));
    (is_defined && second & 0x7f > MAX_CONTROL_PAYLOAD as u8).then(|| {
        let seen = format!("this {opcode} announces a length that does not fit into 7 bits");
        let span = Span::bits(cut.offset.saturating_mul(8).saturating_add(9), 7);
        Broken::new(cut.from, seen, "at most 125 bytes").at(span)
    })
}

static PING_UNANSWERED: Rule = Rule {
    id: "CTL-PING-UNANSWERED",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2, §5.5.3",
    title: "A Ping receives a Pong",
    mend: "answer each Ping, or the latest one, with a Pong that carries the same payload",
    check: Check::EndOf(ping_unanswered),
};

/// `endpoint` is the one that should have answered.
fn ping_unanswered(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let pings = memory.of(endpoint.peer()).seldom.pings.as_ref()?;
    let (first, count) = unanswered(end, endpoint, memory)?;
    if pings.mismatch.is_some() {
        return None;
    }
    let talked = memory.of(endpoint).frames.saturating_sub(first.peer_frames);
    let seen = format!(
        "{} from the {} {} no Pong, although the connection went on{}",
        match count {
            1 => format!("a Ping (frame {})", first.frame),
            count => format!("{count} Pings (the first is frame {})", first.frame),
        },
        endpoint.peer(),
        if count == 1 { "gets" } else { "get" },
        match talked {
            0 => String::new(),
            frames => format!(" and the {endpoint} sent {frames} other frames"),
        }
    );
    // The Ping lies in the stream of the endpoint that asked, not of the one to blame: no span.
    let broken = Broken::new(endpoint, seen, "a Pong with the Ping's payload").cause(
        "the endpoint has stopped reading, or its application was given the Ping and ignores it",
    );
    let is_grave = count >= memory.thresholds.pings_unanswered && talked > 0;
    Some(if is_grave { broken.severity(Severity::Error) } else { broken })
}

static PONG_PAYLOAD: Rule = Rule {
    id: "CTL-PONG-PAYLOAD",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.3",
    title: "A Pong carries the payload of its Ping",
    mend: "copy the payload of the Ping into the Pong, byte for byte, after unmasking",
    check: Check::EndOf(pong_payload),
};

fn pong_payload(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let mismatch = memory.of(endpoint.peer()).seldom.pings.as_ref()?.mismatch.as_ref()?;
    let (ping, _) = unanswered(end, endpoint, memory)?;
    let seen = format!(
        "this Pong carries {}, the Ping that waits (frame {} of the {}) {}; no Pong matches it",
        bytes(mismatch.length),
        ping.frame,
        endpoint.peer(),
        bytes(ping.length)
    );
    let mut broken =
        Broken::new(endpoint, seen, "the payload of the Ping, unchanged").at(mismatch.span);
    broken.frame = Some(mismatch.frame);
    Some(broken.cause(if mismatch.length == 0 {
        "the Pong is always sent empty"
    } else {
        "the payload was copied while still masked, or cut, or is the application's own"
    }))
}

/// The first of the peer's Pings that this endpoint should have answered and did not, and how
/// many there are.
fn unanswered<'a>(end: &End, endpoint: Endpoint, memory: &'a Memory) -> Option<(&'a Ping, u64)> {
    let (own, peer) = (memory.of(endpoint), memory.of(endpoint.peer()));
    // Of an endpoint that is not seen to speak, nobody knows what it said.
    let is_seen = own.frames > 0 && !own.is_unreliable() && !peer.is_unreliable();
    if !is_seen || end.lossy != [false; 2] || peer.seldom.fatal.is_some() {
        return None;
    }
    let pings = peer.seldom.pings.as_ref()?;
    let closes = [own, peer].map(|direction| direction.seldom.closed.as_ref()?.at.time);
    let ends = end.transport.map(|ended| ended?.1.time);
    let over: Time = closes.into_iter().chain(ends).flatten().chain(end.at.time).min()?;
    let limits = &memory.thresholds;
    let usual = limits.pong_deadline_medians * pings.median().unwrap_or(0.0);
    let deadline = limits.pong_deadline.max(usual);
    let mut late = pings
        .outstanding
        .iter()
        .filter(|ping| ping.time.is_some_and(|time| over.seconds_since(time) >= deadline));
    let first = late.next()?;
    Some((first, 1 + late.count() as u64))
}

static PONG_UNSOLICITED: Rule = Rule {
    id: "CTL-PONG-UNSOLICITED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.3",
    title: "A Pong without a Ping is a heartbeat",
    mend: "nothing: it is legal, and no answer is expected",
    check: Check::Frame(pong_unsolicited),
};

fn pong_unsolicited(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let payload = pong(frame)?;
    let (own, peer) = (memory.of(frame.from), memory.of(frame.from.peer()));
    // The Ping may have come before the capture, or in a part of it that was lost.
    let heard_all = !memory.heard_beyond(frame.from, frame.heard);
    let is_certain = memory.agreement.is_some()
        && !memory.stated
        && heard_all
        && !peer.lossy
        && !peer.is_unreliable();
    let is_waited_for =
        peer.seldom.pings.as_ref().is_some_and(|pings| !pings.outstanding.is_empty());
    if !is_certain
        || is_waited_for
        || own.seldom.closed.is_some()
        || is_duplicate(payload, frame, memory)
    {
        return None;
    }
    let seen = "this Pong answers no Ping: a heartbeat, which is legal";
    Some(Broken::new(frame.from, seen, "").at(frame.span()))
}

static PONG_DUPLICATE: Rule = Rule {
    id: "CTL-PONG-DUPLICATE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2, §5.5.3",
    title: "A Ping is answered once",
    mend: "leave the answer to the library, or to the application, not to both",
    check: Check::Frame(pong_duplicate),
};

fn pong_duplicate(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let payload = pong(frame)?;
    is_duplicate(payload, frame, memory).then(|| {
        let seen = "this Pong answers a Ping that was answered already";
        Broken::new(frame.from, seen, "one Pong for a Ping")
            .at(frame.span())
            .cause("the library answers by itself, and the application answers again")
    })
}

fn is_duplicate(payload: &[u8], frame: &Frame<'_>, memory: &Memory) -> bool {
    let pings = &memory.of(frame.from.peer()).seldom.pings;
    let answers_again = |pings: &super::pings::Pings| {
        pings.find(payload, None).is_none() && pings.was_answered(payload)
    };
    !payload.is_empty() && pings.as_deref().is_some_and(answers_again)
}

static AFTER_CLOSE: Rule = Rule {
    id: "CTL-AFTER-CLOSE",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §1.4",
    title: "Nothing is said after the own Close",
    mend: "stop heartbeats when the closing handshake begins",
    check: Check::Frame(after_close),
};

fn after_close(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let name = defined_control(frame)?;
    let closed = memory.of(frame.from).seldom.closed.as_ref()?;
    (frame.header.opcode() != Opcode::Close).then(|| {
        let seen =
            format!("this {name} comes after the endpoint's own Close (frame {})", closed.frame);
        Broken::new(frame.from, seen, "nothing behind the Close; only data is forbidden, though")
            .at(frame.span())
            .cause("a heartbeat timer goes on, or a Pong was already on its way")
    })
}

static PONG_DELAY: Rule = Rule {
    id: "CTL-PONG-DELAY",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §5.5.2",
    title: "A Pong is sent as soon as practical",
    mend: "answer Pings where frames are read, not behind the application's work",
    check: Check::Frame(pong_delay),
};

fn pong_delay(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let payload = pong(frame)?;
    let own = memory.of(frame.from);
    let pings = memory.of(frame.from.peer()).seldom.pings.as_ref()?;
    let ping = &pings.outstanding[pings.find(payload, frame.heard)?];
    let asked = ping.time?;
    let delay = frame.at.time?.seconds_since(asked);
    let talked = frame.number.saturating_sub(1 + ping.peer_frames);
    let usual = pings.median();
    let is_unusual =
        usual.is_some_and(|usual| delay > memory.thresholds.pong_delay_medians * usual);
    // A Pong can't overtake a large frame that is on its way.
    let is_blocked = own.seldom.big_frame.as_ref().is_some_and(|big| big.time >= Some(asked));
    if delay <= memory.thresholds.pong_delay || is_blocked || talked == 0 && !is_unusual {
        return None;
    }
    let seen = match (talked, usual) {
        (0, Some(usual)) => {
            let usual = duration(usual);
            format!("this Pong comes {delay:.1} s after its Ping; {usual} is usual here")
        }
        (frames, _) => format!(
            "this Pong comes {delay:.1} s after its Ping, with {frames} other frames in between"
        ),
    };
    Some(
        Broken::new(frame.from, seen, "a Pong as soon as practical")
            .at(frame.span())
            .cause("Pongs wait in one queue with the application's messages"),
    )
}

/// The name of a control frame that is defined; of the others only the opcode is judged.
fn defined_control(frame: &Frame<'_>) -> Option<&'static str> {
    let opcode = frame.header.opcode();
    let is_defined = frame.part == Part::Control && !matches!(opcode, Opcode::Reserved(_));
    is_defined.then_some(opcode.name())
}

/// The payload of a Pong that was captured whole.
fn pong<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    let is_pong = frame.header.opcode() == Opcode::Pong && frame.complete;
    frame.payload.filter(|_| is_pong)
}

fn bytes(length: usize) -> String {
    match length {
        0 => "nothing".to_owned(),
        1 => "1 byte".to_owned(),
        length => format!("{length} bytes"),
    }
}
