//! FRM: framing (RFC 6455 §5.2). Whether a reserved bit belongs to permessage-deflate is judged
//! in [`pmd`](super::pmd).

use super::memory::{Cut, has_ignored};
use super::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::layout::Span;
use crate::said::{Endpoint, TransportEnd};
use crate::websocket::frame::FrameHeader;
use crate::websocket::{CutHeader, End, Frame, NotFrames, NotFramesKind, Opcode, Part};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &RSV_UNNEGOTIATED,
    &OPCODE_RESERVED,
    &LEN_MINIMAL_16,
    &LEN_MINIMAL_64,
    &LEN_MSB,
    &LEN_BYTE_ORDER,
    &TRUNCATED,
    &TOLERATED,
    &DATA_BEFORE_OPEN,
];

static RSV_UNNEGOTIATED: Rule = Rule {
    id: "FRM-RSV-UNNEGOTIATED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2, §5.8",
    title: "Reserved bits are zero unless an extension defines them",
    mend: "send the reserved bits as zero, or negotiate the extension that uses them",
    check: Check::Frame(rsv_unnegotiated),
};

fn rsv_unnegotiated(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    const RSV1: u8 = 0b100;
    let set = frame.header.first >> 4 & 0b111;
    if set == 0 {
        return None;
    }
    // RSV1 is the business of permessage-deflate where that was agreed, or half agreed.
    let begins_message = matches!(frame.part, Part::Whole | Part::First | Part::Interrupting);
    let belongs_to_deflate = memory.agreement.is_none_or(|agreed| {
        agreed.deflate.is_some()
            || agreed.compression_offered && begins_message && !agreed.unknown_extension
    });
    let unexplained = if belongs_to_deflate { set & !RSV1 } else { set };
    let severity = match memory.agreement {
        None => Severity::Warning,
        Some(agreed) if agreed.unknown_extension => Severity::Note,
        Some(_) => Severity::Error,
    };
    if unexplained == 0 {
        return None;
    }
    let names: Vec<&str> = [(0b100, "RSV1"), (0b010, "RSV2"), (0b001, "RSV3")]
        .iter()
        .filter(|(bit, _)| unexplained & bit != 0)
        .map(|&(_, name)| name)
        .collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let why = match (severity, memory.agreement) {
        (Severity::Note, _) => "an extension that is not known here was accepted and may use it",
        (_, None) => "the handshake was not seen, but no registered extension uses it",
        _ => "no extension was accepted that uses it",
    };
    let first = u64::from(unexplained.leading_zeros()) - 5;
    let last = 3 - u64::from(unexplained.trailing_zeros());
    let span = frame.header_bits(1 + first, last - first);
    let seen = format!("{} {verb} 1 in this {} frame, and {why}", names.join(" and "), name(frame));
    Some(
        Broken::new(frame.from, seen, "0 in RSV1, RSV2 and RSV3")
            .at(span)
            .cause(if severity == Severity::Note {
                "the extension gives the bit a meaning"
            } else if unexplained & RSV1 != 0 {
                "the sender compresses although compression was not agreed, or a proxy took \
                 Sec-WebSocket-Extensions out of one half of the handshake"
            } else {
                no_header(frame.from, memory)
            })
            .severity(severity),
    )
}

/// Why bytes may be no frame header. Nothing before the first one can be to blame.
fn no_header(from: Endpoint, memory: &Memory) -> &'static str {
    match memory.of(from).frames {
        0 => {
            "the bytes are no frame header: they begin inside of a frame, or are something else \
             than frames"
        }
        _ => {
            "the bytes are no frame header: an earlier frame was written or read with a wrong \
             length"
        }
    }
}

static OPCODE_RESERVED: Rule = Rule {
    id: "FRM-OPCODE-RESERVED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2, §11.8",
    title: "Only defined opcodes are used",
    mend: "use one of the six defined opcodes: 0, 1, 2, 8, 9 and 10",
    check: Check::Any(&[
        Check::Frame(opcode_reserved),
        Check::CutHeader(opcode_reserved_in_cut_header),
    ]),
};

fn opcode_reserved(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    reserved(frame.header.opcode(), frame.from, frame.offset, memory)
}

/// The first byte tells, even if the header ends behind it.
fn opcode_reserved_in_cut_header(cut: &CutHeader<'_>, memory: &Memory) -> Option<Broken> {
    reserved(Opcode::from_bits(*cut.bytes.first()?), cut.from, cut.offset, memory)
}

fn reserved(opcode: Opcode, from: Endpoint, offset: u64, memory: &Memory) -> Option<Broken> {
    let Opcode::Reserved(bits) = opcode else { return None };
    let kind = if bits < 8 { "data" } else { "control" };
    let broken = Broken::new(
        from,
        format!("the opcode is {bits:#x}, which is reserved for {kind} frames to come"),
        "0x0, 0x1 or 0x2 for data, 0x8, 0x9 or 0xa for control",
    )
    .at(Span::bits(offset.saturating_mul(8).saturating_add(4), 4))
    .cause(format!("an extension that was not agreed; or {}", no_header(from, memory)));
    let extended = memory.agreement.is_some_and(|agreed| agreed.unknown_extension);
    Some(if extended { broken.severity(Severity::Note) } else { broken })
}

static LEN_MINIMAL_16: Rule = Rule {
    id: "FRM-LEN-MINIMAL-16",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2",
    title: "The 16-bit length is used only from 126 on",
    mend: "write lengths up to 125 into the 7 bits of Payload len",
    check: Check::Frame(len_minimal_16),
};

fn len_minimal_16(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    let length = frame.header.payload_length;
    (frame.header.length_code() == 126 && length < 126).then(|| {
        Broken::new(
            frame.from,
            format!("a length of {length} is written in 16 bits"),
            format!(
                "{length} in the 7 bits of Payload len: the byte {:02x}",
                frame.header.second & 0x80 | length as u8
            ),
        )
        .at(frame.length_bits())
        .cause("the sender compares the length with the wrong limit, or has one code path only")
    })
}

static LEN_MINIMAL_64: Rule = Rule {
    id: "FRM-LEN-MINIMAL-64",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2",
    title: "The 64-bit length is used only from 65536 on",
    mend: "write lengths up to 125 into 7 bits and lengths up to 65535 into 16 bits",
    check: Check::Frame(len_minimal_64),
};

fn len_minimal_64(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    let length = frame.header.payload_length;
    (frame.header.length_code() == 127 && length < 65536).then(|| {
        let form = if length < 126 { "the 7 bits of Payload len" } else { "16 bits, behind 126" };
        let cause = if length == 65535 {
            "the limit is off by one: 65535 is the last length that fits into 16 bits"
        } else {
            "the sender has one code path for all lengths"
        };
        Broken::new(
            frame.from,
            format!("a length of {length} is written in 64 bits"),
            format!("{length} in {form}"),
        )
        .at(frame.length_bits())
        .cause(cause)
    })
}

static LEN_MSB: Rule = Rule {
    id: "FRM-LEN-MSB",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2",
    title: "The highest bit of a 64-bit length is zero",
    mend: "write the length as a positive 63-bit number, highest byte first",
    check: Check::Frame(len_msb),
};

fn len_msb(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let length = frame.header.payload_length;
    (length >> 63 == 1).then(|| {
        Broken::new(
            frame.from,
            format!(
                "the 64-bit length is {length:#018x}: its highest bit is 1; reading stops here"
            ),
            "0 in the highest bit",
        )
        .at(frame.header_bits(16, 1))
        .cause(if length.swap_bytes() < 1 << 40 {
            "the length is written lowest byte first"
        } else {
            no_header(frame.from, memory)
        })
    })
}

static LEN_BYTE_ORDER: Rule = Rule {
    id: "FRM-LEN-BYTE-ORDER",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2",
    title: "The length is written in network byte order",
    mend: "write the highest byte of the length first",
    check: Check::EndOf(len_byte_order),
};

/// A hint beside FRM-TRUNCATED, never alone.
fn len_byte_order(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let cut = cut_by_its_sender(end, endpoint, memory)?;
    let header = cut.header?;
    let (swapped, size) = match header.length_code() {
        126 => (u64::from((header.payload_length as u16).swap_bytes()), 16),
        127 => (header.payload_length.swap_bytes(), 64),
        _ => return None,
    };
    (swapped == cut.have && swapped != header.payload_length).then(|| {
        let seen = format!(
            "the length reads {}; with its bytes swapped it reads {swapped}, which is exactly how \
             many bytes follow",
            header.payload_length
        );
        let span = Span::bits(cut.offset.saturating_mul(8).saturating_add(16), size);
        let mut broken = Broken::new(endpoint, seen, "the highest byte first").at(span);
        broken.frame = cut.frame;
        broken.cause(
            "the length is copied from memory on a machine that stores the lowest byte first",
        )
    })
}

static TRUNCATED: Rule = Rule {
    id: "FRM-TRUNCATED",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.2, §6.1, §7.1.5",
    title: "A frame is sent whole before TCP ends",
    mend: "send all bytes that the header promised, then a Close, then close TCP",
    check: Check::EndOf(truncated),
};

fn truncated(end: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let cut = cut_by_its_sender(end, endpoint, memory)?;
    let (seen, span) = match cut.header {
        Some(header) => (
            format!(
                "TCP ends after {} of the {} payload bytes that the header promises",
                cut.have, cut.needed
            ),
            Span::bytes(cut.offset, header.header_length().saturating_add(cut.have)),
        ),
        None => (
            format!(
                "TCP ends inside a frame header, after {} of at least {} bytes",
                cut.have, cut.needed
            ),
            Span::bytes(cut.offset, cut.have),
        ),
    };
    let mut broken = Broken::new(endpoint, seen, "the whole frame").at(span);
    broken.frame = cut.frame;
    Some(broken.cause(
        "the process ended or a proxy gave up; or the length was counted in characters and not in \
         bytes",
    ))
}

/// The frame in whose middle this endpoint itself ended its stream, although it owed the rest.
fn cut_by_its_sender<'a>(end: &End, endpoint: Endpoint, memory: &'a Memory) -> Option<&'a Cut> {
    let own = memory.of(endpoint);
    let owes_nothing = end.closes.iter().any(Option::is_some)
        || end.lossy[endpoint.index()]
        || memory.of(endpoint.peer()).seldom.fatal.is_some();
    let ended_first = end.first_to_end().is_some_and(|(first, _)| first == endpoint);
    if owes_nothing || !ended_first || !end.inside_frame[endpoint.index()] || own.is_unreliable() {
        return None;
    }
    own.seldom.cut.as_deref()
}

static TOLERATED: Rule = Rule {
    id: "FRM-TOLERATED",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.1, §5.2, §7.1.7, §8.1",
    title: "An endpoint fails the connection when it is sent something broken",
    mend: "answer with a Close whose code says what was wrong (1002, or 1007 for text), then close",
    check: Check::Frame(tolerated),
};

fn tolerated(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let fatal = memory.of(frame.from.peer()).seldom.fatal.as_ref()?;
    let own = memory.of(frame.from);
    if own.seldom.closed.is_some() || !has_ignored(frame, fatal) {
        return None;
    }
    // What TCP acknowledged the program may not have read yet: it is given time, or, without a
    // clock, a message.
    let had_time = match (fatal.time, frame.at.time) {
        (Some(then), Some(now)) => now.seconds_since(then) >= memory.thresholds.fatal_patience,
        _ => fatal.ignored >= 1,
    };
    let peer = frame.from.peer();
    had_time.then(|| {
        let seen = format!(
            "the {} begins a new message although it has received what {} reports of the {peer}",
            frame.from, fatal.rule.id
        );
        let broken = Broken::new(frame.from, seen, "a Close, or the end of TCP")
            .at(frame.span())
            .cause("the library does not check what it receives, or a check was switched off");
        match fatal.frame {
            Some(number) => broken.cause(format!(
                "the library does not check what it receives (frame {number} of the {peer}), or \
                 the check is switched off"
            )),
            None => broken,
        }
    })
}

static DATA_BEFORE_OPEN: Rule = Rule {
    id: "FRM-DATA-BEFORE-OPEN",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Server,
    rfc: "6455 §5.1, §6.1",
    title: "No frames are sent before the handshake is answered",
    mend: "send the 101 first, and frames only once it is written",
    check: Check::NotFrames(data_before_open),
};

fn data_before_open(other: &NotFrames<'_>, _: &Memory) -> Option<Broken> {
    if other.kind != NotFramesKind::BeforeUpgrade {
        return None;
    }
    let header = FrameHeader::read(other.bytes).ok()?;
    let is_frame = header.first & 0x70 == 0
        && !matches!(header.opcode(), Opcode::Reserved(_) | Opcode::Continuation)
        && !header.masked();
    is_frame.then(|| {
        let seen = format!(
            "the server sends what looks like a {} frame before it has answered the handshake",
            header.opcode()
        );
        Broken::new(other.from, seen, "HTTP/1.1 101 first")
            .at(Span::bytes(other.offset, header.header_length()))
            .cause("the application writes as soon as TCP is open, past the library's handshake")
    })
}

/// What a frame is called in a sentence.
fn name(frame: &Frame<'_>) -> &'static str {
    frame.header.opcode().name()
}

/// How the transport was ended, as a verb.
pub(super) fn ended(how: TransportEnd) -> &'static str {
    match how {
        TransportEnd::Fin => "closes TCP",
        TransportEnd::EndStream => "ends the stream",
        TransportEnd::Reset => "resets TCP",
        TransportEnd::ResetStream => "resets the stream",
    }
}
