//! FRG: fragmentation (RFC 6455 §5.4).

use super::across::Meeting;
use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::layout::Span;
use crate::said::Endpoint;
use crate::websocket::{Close, CutHeader, End, Frame, Opcode, Part};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] =
    &[&CONT_WITHOUT_START, &INTERLEAVED, &UNFINISHED, &FLOOD, &STALL, &PROXY_REFRAMED];

static CONT_WITHOUT_START: Rule = Rule {
    id: "FRG-CONT-WITHOUT-START",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.4",
    title: "A continuation goes on with a message that was begun",
    mend: "begin each message with opcode 1 or 2, and use opcode 0 for its later fragments only",
    check: Check::Any(&[
        Check::Frame(|frame, memory| cont_without_start(Start::of(frame), memory)),
        Check::CutHeader(|cut, memory| cont_without_start(Start::of_cut(cut), memory)),
    ]),
};

/// What the first byte of a frame says, whether or not the rest of its header came.
struct Start {
    from: Endpoint,
    part: Part,
    opcode: Opcode,
    /// The opcode's bits.
    span: Span,
}

impl Start {
    fn of(frame: &Frame<'_>) -> Start {
        let span = frame.header_bits(4, 4);
        Start { from: frame.from, part: frame.part, opcode: frame.header.opcode(), span }
    }

    fn of_cut(cut: &CutHeader<'_>) -> Start {
        let opcode = Opcode::from_bits(cut.bytes.first().copied().unwrap_or_default());
        let span = Span::bits(cut.offset * 8 + 4, 4);
        Start { from: cut.from, part: cut.part, opcode, span }
    }
}

fn cont_without_start(frame: Start, memory: &Memory) -> Option<Broken> {
    let own = memory.of(frame.from);
    // The message may have begun before the capture did.
    let may_have_begun = memory.agreement.is_none() && !own.has_begun;
    if frame.part != Part::Orphan || may_have_begun || own.in_orphans || own.control_fragments {
        return None;
    }
    let seen = if own.has_begun {
        "the opcode is 0 (continuation), but the last message of this endpoint was finished"
    } else {
        "the opcode is 0 (continuation), but this endpoint has not begun a message"
    };
    Some(
        Broken::new(frame.from, seen, "opcode 1 or 2 at the beginning of a message")
            .at(frame.span)
            .cause(
                "the first fragment was sent with FIN 1 or with opcode 0, or the sender did not \
                 reset its state after the last message",
            ),
    )
}

static INTERLEAVED: Rule = Rule {
    id: "FRG-INTERLEAVED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "6455 §5.4",
    title: "No message begins while another is unfinished",
    mend: "let one writer at a time have the connection until its message is finished",
    check: Check::Any(&[
        Check::Frame(|frame, memory| interleaved(Start::of(frame), memory)),
        Check::CutHeader(|cut, memory| interleaved(Start::of_cut(cut), memory)),
    ]),
};

fn interleaved(frame: Start, memory: &Memory) -> Option<Broken> {
    if frame.part != Part::Interrupting {
        return None;
    }
    let begun = match &memory.of(frame.from).seldom.fragments {
        Some(fragments) => format!(" that frame {} began", fragments.frame),
        None => String::new(),
    };
    let opcode = frame.opcode;
    let seen = format!("the opcode is {} ({opcode}) inside the message{begun}", opcode.bits());
    Some(
        Broken::new(frame.from, seen, "opcode 0 until FIN is 1; only control frames in between")
            .at(frame.span)
            .cause(
                "two threads write to one connection without a lock, or the later fragments were \
                 sent with the opcode of the first",
            ),
    )
}

static UNFINISHED: Rule = Rule {
    id: "FRG-UNFINISHED",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.4, §5.5.1, §6.1",
    title: "A message is finished before the connection ends",
    mend: "send the last fragment with FIN 1 before the Close",
    check: Check::Any(&[Check::Close(unfinished), Check::EndOf(unfinished_at_end)]),
};

fn unfinished(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let own = memory.of(close.from);
    let peer = memory.of(close.from.peer());
    if !close.first || !own.is_inside_message() {
        return None;
    }
    // An endpoint that answers a Close, or that fails the connection, may leave it unfinished.
    let gives_up = peer.seldom.closed.is_some() || peer.seldom.fatal.is_some();
    let broken = unfinished_message(close.from, "a Close comes", memory)?;
    Some(if gives_up { broken.severity(Severity::Note) } else { broken })
}

/// The connection ends without a Close.
fn unfinished_at_end(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let index = endpoint.index();
    let (first, how) = end.first_to_end()?;
    // Inside a frame FRM-TRUNCATED says it, more exactly.
    let is_open = end.inside_message[index] && !end.inside_frame[index] && !end.lossy[index];
    let is_closed = end.closes.iter().any(Option::is_some);
    if first != endpoint
        || !is_open
        || is_closed
        || memory.of(endpoint.peer()).seldom.fatal.is_some()
    {
        return None;
    }
    unfinished_message(endpoint, &format!("the {endpoint} {}", super::frm::ended(how)), memory)
}

fn unfinished_message(endpoint: Endpoint, what: &str, memory: &Memory) -> Option<Broken> {
    let fragments =
        memory.of(endpoint).seldom.fragments.as_ref().filter(|fragments| fragments.open)?;
    let seen = format!(
        "{what} inside the message that frame {} began; its {} so far will be thrown away",
        fragments.frame,
        match fragments.count {
            1 => "one fragment".to_owned(),
            count => format!("{count} fragments"),
        }
    );
    let mut broken = Broken::new(endpoint, seen, "a last fragment with FIN 1 first")
        .at(crate::layout::Span::bytes(fragments.offset, 2));
    broken.frame = Some(fragments.frame);
    Some(broken.cause("the sender gave up in the middle, or forgot FIN on the last fragment"))
}

static FLOOD: Rule = Rule {
    id: "FRG-FLOOD",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.4, §10.4",
    title: "Messages are not cut into very many tiny fragments",
    mend: "send larger fragments; receivers limit how many they take",
    check: Check::Frame(flood),
};

fn flood(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let fragments =
        memory.of(frame.from).seldom.fragments.as_ref().filter(|fragments| fragments.open)?;
    let length = frame.header.payload_length;
    let seen = match frame.part {
        Part::Middle
            if length == 0 && u64::from(fragments.empty) == memory.thresholds.empty_fragments =>
        {
            format!("{} empty fragments in a row", fragments.empty + 1)
        }
        Part::Last => {
            let count = fragments.count + 1;
            let tiny = fragments.tiny + u32::from(length <= 1);
            if u64::from(count) <= memory.thresholds.fragments || tiny * 2 <= count {
                return None;
            }
            format!("the message comes in {count} fragments, {tiny} of them of one byte or none")
        }
        _ => return None,
    };
    Some(
        Broken::new(frame.from, seen, "fragments that are worth their headers")
            .at(frame.span())
            .cause("a stream is sent byte by byte as it comes, or somebody tests the receiver"),
    )
}

static STALL: Rule = Rule {
    id: "FRG-STALL",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §5.4",
    title: "Fragments of a message follow one another soon",
    mend: "begin a message when its content is at hand, or send smaller messages",
    check: Check::Frame(stall),
};

fn stall(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    if !matches!(frame.part, Part::Middle | Part::Last) {
        return None;
    }
    let before = memory.of(frame.from).seldom.fragments.as_ref()?.time?;
    let pause = frame.started.time?.seconds_since(before);
    (pause > memory.thresholds.fragment_pause).then(|| {
        let seen = format!("this fragment comes {pause:.0} s after the one before it");
        Broken::new(frame.from, seen, "the next fragment soon after")
            .at(frame.span())
            .cause("the content is produced slowly, and nothing else can be sent meanwhile")
    })
}

static PROXY_REFRAMED: Rule = Rule {
    id: "FRG-PROXY-REFRAMED",
    severity: Severity::Note,
    level: Level::MustNot,
    violator: Violator::Intermediary,
    rfc: "6455 §5.4",
    title: "A proxy leaves fragments alone while an extension is in use",
    mend: "pass frames on as they are, or take Sec-WebSocket-Extensions out of the request",
    check: Check::Across(proxy_reframed),
};

/// Without an extension, intermediaries may cut data messages as they like.
fn proxy_reframed(meeting: &Meeting<'_>) -> Option<Broken> {
    let reframed = meeting.reframed()?;
    let agreement = meeting.memory.agreement?;
    if agreement.deflate.is_none() && !agreement.unknown_extension {
        return None;
    }
    let list = |lengths: &[u64]| {
        let lengths: Vec<String> = lengths.iter().take(8).map(u64::to_string).collect();
        lengths.join(" + ")
    };
    let [here, there] = [&reframed.lengths[0], &reframed.lengths[1]].map(|it| list(it));
    let seen = format!(
        "the same message of the {} comes in frames of {here} bytes here and of {there} bytes on \
         connection {}, and an extension is in use",
        reframed.from, reframed.other
    );
    let broken = Broken::new(reframed.from, seen, "the same frames on both sides of the proxy");
    Some(Broken { frame: Some(reframed.frame), ..broken }.cause("a proxy that buffers frames"))
}
