//! PMD, the messages: RSV1 and inflating (RFC 7692 §6, §7.2). What was negotiated is judged in
//! [`pmd_negotiation`](super::pmd_negotiation).

use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::deflate::InflateFault;
use crate::websocket::extension::{Agreement, Compression};
use crate::websocket::{End, Frame, Message, Opcode, Part};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &RSV1_UNNEGOTIATED,
    &RSV1_CONTINUATION,
    &RSV1_CONTROL,
    &INFLATE_ERROR,
    &CONTEXT_TAKEOVER,
    &WINDOW_EXCEEDED,
    &TAIL_NOT_STRIPPED,
    &FRAGMENT_TAIL_STRIPPED,
    &BFINAL_TRAILER,
    &EMPTY_PAYLOAD,
    &BOMB_RATIO,
    &UNCOMPRESSED_OK,
    &EXPANDED,
];

static RSV1_UNNEGOTIATED: Rule = Rule {
    id: "PMD-RSV1-UNNEGOTIATED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2; 7692 §6",
    title: "RSV1 is set only if compression was agreed",
    mend: "compress only if the 101 accepted permessage-deflate; if it did, look for a proxy that takes the header out",
    check: Check::Frame(rsv1_unnegotiated),
};

/// Where the client had not even offered compression, FRM-RSV-UNNEGOTIATED says it.
fn rsv1_unnegotiated(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let agreed = memory.agreement?;
    let is_broken = frame.header.rsv1()
        && matches!(frame.part, Part::Whole | Part::First | Part::Interrupting)
        && agreed.deflate.is_none()
        && !agreed.unknown_extension
        && agreed.compression_offered;
    is_broken.then(|| {
        let seen = "RSV1 is 1, so this message is compressed; the client had offered that, and the \
                    101 does not accept it";
        Broken::new(frame.from, seen, "RSV1 0 and the message as it is")
            .at(frame.header_bits(1, 1))
            .cause(match frame.from {
                Endpoint::Server => {
                    "the server compresses although it did not say so, or a proxy took \
                     Sec-WebSocket-Extensions out of its answer"
                }
                Endpoint::Client => {
                    "the client takes its offer for an agreement, or a proxy took \
                     Sec-WebSocket-Extensions out of the answer behind this point"
                }
            })
    })
}

static RSV1_CONTINUATION: Rule = Rule {
    id: "PMD-RSV1-CONTINUATION",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "7692 §6.1",
    title: "RSV1 is set on the first fragment only",
    mend: "set RSV1 on the first fragment of a compressed message, and on no other",
    check: Check::Frame(rsv1_continuation),
};

fn rsv1_continuation(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let is_continuation = frame.header.opcode() == Opcode::Continuation;
    (frame.header.rsv1() && is_continuation && is_agreed(memory)).then(|| {
        Broken::new(
            frame.from,
            "RSV1 is 1 in this continuation",
            "RSV1 0: the first fragment speaks for all",
        )
        .at(frame.header_bits(1, 1))
        .cause("the sender compresses each frame, as the extension's forerunner did")
    })
}

static RSV1_CONTROL: Rule = Rule {
    id: "PMD-RSV1-CONTROL",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "7692 §6.1",
    title: "Control frames are not compressed",
    mend: "send control frames with RSV1 0 and their payload as it is",
    check: Check::Frame(rsv1_control),
};

fn rsv1_control(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    (frame.header.rsv1() && frame.part == Part::Control && is_agreed(memory)).then(|| {
        let seen = format!("RSV1 is 1 in this {}, a control frame", frame.header.opcode());
        Broken::new(frame.from, seen, "RSV1 0")
            .at(frame.header_bits(1, 1))
            .cause("everything that is sent goes through the compressor")
    })
}

static INFLATE_ERROR: Rule = Rule {
    id: "PMD-INFLATE-ERROR",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "7692 §6.2, §7.2.1, §7.2.2; 1951 §3.2",
    title: "A compressed message can be inflated",
    mend: "compress with raw DEFLATE, one stream for a direction, flushed after each message",
    check: Check::Message(inflate_error),
};

fn inflate_error(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let fault = message.inflate_fault?;
    // With a part of the history missing nobody can tell; a cap of ours is nobody's fault.
    let is_judged = message.trusted && !message.opaque && fault != InflateFault::TooBig;
    let compression = compression(message.from, memory)?;
    is_judged.then(|| {
        let seen = match message.length {
            0 => format!("nothing can be inflated: {fault}"),
            length => format!("after {length} inflated bytes, {fault}"),
        };
        let broken = Broken::new(message.from, seen, "DEFLATE data that inflates to its end");
        match (message.wire_start, fault) {
            ([0x78, 0x01 | 0x5e | 0x9c | 0xda], _) => broken
                .cause("the first two bytes are a zlib header: the compressor wraps its output")
                .mend("ask the compressor for raw DEFLATE (negative window bits in zlib)"),
            ([0x1f, 0x8b], _) => broken
                .cause("the first two bytes are a gzip header: the compressor wraps its output")
                .mend("ask the compressor for raw DEFLATE (negative window bits in zlib)"),
            (_, InflateFault::TooFarBack) if !compression.context_takeover => broken
                .cause("the sender keeps its window although no context takeover was agreed")
                .mend("reset the compressor after each message"),
            (_, InflateFault::TooFarBack) => {
                broken.cause("the sender refers to data that it has not sent on this connection")
            }
            (_, InflateFault::Cut) => {
                broken.cause("the compressor was not flushed at the end of the message")
            }
            _ => broken.cause(
                "the message is not compressed, or its fragments were each compressed on their own",
            ),
        }
    })
}

static CONTEXT_TAKEOVER: Rule = Rule {
    id: "PMD-CONTEXT-TAKEOVER",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1, §7.1.1",
    title: "Without context takeover a message refers to nothing before it",
    mend: "reset the compressor after each message, or do not agree to no_context_takeover",
    check: Check::Message(context_takeover),
};

fn context_takeover(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let reference = message.tokens.before_message.filter(|_| message.trusted && !message.opaque)?;
    let is_forbidden = !compression(message.from, memory)?.context_takeover;
    is_forbidden.then(|| {
        let from = message.from;
        let beyond = u64::from(reference.distance) - reference.position;
        let seen = format!(
            "{from}_no_context_takeover was agreed, but behind {} of the message a back-reference \
             points {} back, {} before the message begins",
            bytes(reference.position),
            bytes(u64::from(reference.distance)),
            bytes(beyond)
        );
        Broken::new(from, seen, "a message that can be inflated on its own").cause(
            "the sender keeps its compressor's window from message to message; receivers that \
             keep theirs too do not notice",
        )
    })
}

static WINDOW_EXCEEDED: Rule = Rule {
    id: "PMD-WINDOW-EXCEEDED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1, §7.1.2",
    title: "Back-references stay within the agreed window",
    mend: "make the compressor with the window bits that were agreed",
    check: Check::Message(window_exceeded),
};

fn window_exceeded(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let reference = message.tokens.beyond_window.filter(|_| !message.opaque)?;
    let bits = compression(message.from, memory)?.window_bits;
    let seen = format!(
        "behind {} of the message a back-reference points {} back",
        bytes(reference.position),
        bytes(u64::from(reference.distance))
    );
    let expected =
        format!("at most {}, as {}_max_window_bits={bits} says", bytes(1 << bits), message.from);
    Some(
        Broken::new(message.from, seen, expected).cause(
            "the parameter was agreed, and the compressor was made with its default of 15 bits",
        ),
    )
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

static TAIL_NOT_STRIPPED: Rule = Rule {
    id: "PMD-TAIL-NOT-STRIPPED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1",
    title: "The tail 00 00 ff ff is taken off a compressed message",
    mend: "take the last four bytes off each flushed message",
    check: Check::Message(tail_not_stripped),
};

fn tail_not_stripped(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let is_judged = message.complete && !message.opaque && is_agreed(memory);
    (message.inflate_ending.tail_left_on && is_judged).then(|| {
        let seen = "the compressed message ends with 00 00 ff ff";
        Broken::new(message.from, seen, "the same without these four bytes")
            .cause("the sender flushes the compressor and sends all that comes out")
    })
}

static FRAGMENT_TAIL_STRIPPED: Rule = Rule {
    id: "PMD-FRAGMENT-TAIL-STRIPPED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1",
    title: "The tail 00 00 ff ff is left on a fragment that is not the last",
    mend: "take 00 00 ff ff off the end of the message only, and cut the rest as you like",
    check: Check::Message(fragment_tail_stripped),
};

fn fragment_tail_stripped(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let frame = message.tokens.tail_missing_behind?;
    (is_agreed(memory) && !message.opaque).then(|| {
        let seen = format!(
            "behind frame {frame}, a fragment that is not the last, 00 00 ff ff is missing: put \
             back there, it lets the message be inflated"
        );
        let expected = "these four bytes at the end of the fragment";
        let mut broken = Broken::new(message.from, seen, expected)
            .cause("the sender takes the tail off each piece that it flushes");
        broken.frame = Some(frame);
        broken
    })
}

static BFINAL_TRAILER: Rule = Rule {
    id: "PMD-BFINAL-TRAILER",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1, §7.2.3.4",
    title: "A byte 00 follows a final DEFLATE block",
    mend: "add a byte 00 behind the final block, or flush the compressor instead of finishing it",
    check: Check::Message(bfinal_trailer),
};

fn bfinal_trailer(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let is_judged = message.complete && !message.opaque && is_agreed(memory);
    (message.inflate_ending.final_block_bare && is_judged).then(|| {
        let seen =
            "the compressed message ends with a final block (BFINAL 1) and nothing behind it";
        Broken::new(message.from, seen, "one more byte, 00")
            .cause("the sender finishes the compressor's stream with each message")
    })
}

static EMPTY_PAYLOAD: Rule = Rule {
    id: "PMD-EMPTY-PAYLOAD",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "7692 §7.2.1, §7.2.3.6",
    title: "A compressed message has at least one byte",
    mend: "send empty messages with RSV1 0, or as the single byte 00",
    check: Check::Message(empty_payload),
};

fn empty_payload(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let is_judged = message.compressed && message.complete && is_agreed(memory);
    (is_judged && message.wire_length == 0).then(|| {
        let seen = "RSV1 says that this message is compressed, but it has no payload at all";
        Broken::new(message.from, seen, "the byte 00, which is nothing compressed")
            .cause("the sender sets RSV1 on all messages, and compresses only those with content")
    })
}

static BOMB_RATIO: Rule = Rule {
    id: "PMD-BOMB-RATIO",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §10.4; 7692 §8",
    title: "Messages do not grow out of all proportion when inflated",
    mend: "limit what a receiver inflates, not what it receives",
    check: Check::Message(bomb_ratio),
};

fn bomb_ratio(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let wire = message.wire_length.max(1);
    let times = message.length / wire;
    let limits = &memory.thresholds;
    let exceeds = |ratio, size| times > ratio && message.length > size;
    let is_capped = message.inflate_fault == Some(InflateFault::TooBig);
    let severity = if is_capped || exceeds(limits.inflate_ratio, limits.inflate_size) {
        Severity::Warning
    } else if exceeds(limits.inflate_note_ratio, limits.inflate_note_size) {
        Severity::Note
    } else {
        return None;
    };
    (message.compressed && is_agreed(memory)).then(|| {
        let (wire, length) = (message.wire_length, message.length);
        let seen = if is_capped {
            format!(
                "{wire} bytes inflate to more than {length}, at least {times} times as many; \
                 inflating stopped there"
            )
        } else {
            format!("{wire} bytes inflate to {length} bytes, {times} times as many")
        };
        Broken::new(message.from, seen, "")
            .cause("very repetitive data, such as zeros; or an attack on the receiver's memory")
            .severity(severity)
    })
}

static UNCOMPRESSED_OK: Rule = Rule {
    id: "PMD-UNCOMPRESSED-OK",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "7692 §6, §6.1",
    title: "What was agreed is used",
    mend: "do not negotiate compression that is never used: it holds memory",
    check: Check::EndOf(uncompressed_ok),
};

/// Each message may be sent as it is. Said only if an endpoint never compressed at all.
fn uncompressed_ok(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let sums = memory.of(endpoint).seldom.sums.as_ref()?;
    let (messages, bytes) = (memory.thresholds.messages, memory.thresholds.uncompressed);
    let is_unused = sums.compressed == 0 && sums.messages >= messages && sums.wire >= bytes;
    (is_agreed(memory) && is_unused).then(|| {
        let seen = format!(
            "permessage-deflate was agreed, and the {endpoint} compresses none of its {} \
             messages, which is legal",
            sums.messages
        );
        Broken::new(endpoint, seen, "")
            .cause("the sender's threshold is higher than its messages, or sending skips it")
    })
}

static EXPANDED: Rule = Rule {
    id: "PMD-EXPANDED",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "7692 §7.3",
    title: "Compression makes messages smaller",
    mend: "send short messages and data that is compressed already with RSV1 0",
    check: Check::EndOf(expanded),
};

fn expanded(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let sums = memory.of(endpoint).seldom.sums.as_ref()?;
    let has_grown = sums.compressed >= memory.thresholds.messages && sums.deflated >= sums.inflated;
    (is_agreed(memory) && has_grown && memory.of(endpoint).seldom.fatal.is_none()).then(|| {
        let seen = format!(
            "the {} compressed messages of the {endpoint} take {} bytes on the wire and {} \
             inflated",
            sums.compressed, sums.deflated, sums.inflated
        );
        Broken::new(endpoint, seen, "fewer bytes on the wire")
            .cause("the messages are too short to compress, or were compressed before")
    })
}

/// permessage-deflate was agreed, and nothing else that may use the same bit.
fn is_agreed(memory: &Memory) -> bool {
    let is_alone = |agreed: Agreement| agreed.deflate.is_some() && !agreed.unknown_extension;
    memory.agreement.is_some_and(is_alone)
}

/// How that endpoint compresses, if that was agreed.
fn compression(endpoint: Endpoint, memory: &Memory) -> Option<Compression> {
    Some(memory.agreement.filter(|_| is_agreed(memory))?.deflate?.of(endpoint))
}
