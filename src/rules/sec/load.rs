//! What an endpoint asks of its peer (RFC 6455 §10.4).

use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::{End, Frame, Message, Opcode, Part};

/// SEC-OVERSIZED
pub static OVERSIZED: Rule = Rule {
    id: "SEC-OVERSIZED",
    severity: Severity::Warning,
    level: Level::Should,
    violator: Violator::Sender,
    rfc: "6455 §10.4",
    title: "Frames and messages have a size that a receiver can hold",
    mend: "cut it into fragments or messages; as a receiver set a limit and refuse with 1009",
    check: Check::Any(&[Check::Frame(large_frame), Check::Message(large_message)]),
};

fn large_frame(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let limits = &memory.thresholds;
    let length = frame.header.payload_length;
    let is_data = !matches!(frame.part, Part::Control | Part::Unknown)
        && !matches!(frame.header.opcode(), Opcode::Reserved(_));
    if length <= limits.large_frame || !is_data || length >> 63 != 0 {
        return None;
    }
    let is_known = !memory.of(frame.from).is_unreliable();
    is_known.then(|| {
        let seen = format!("this frame announces {}", mebibytes(length));
        let broken =
            Broken::new(frame.from, seen, format!("at most {}", mebibytes(limits.large_frame)))
                .at(frame.length_bits())
                .cause("a whole file or a whole collection is sent at once");
        if length > limits.huge_message { broken } else { broken.severity(Severity::Note) }
    })
}

fn large_message(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let limits = &memory.thresholds;
    // One frame was spoken of already.
    let is_one_frame = message.frames.len() == 1 && !message.compressed;
    (is_large_message(message, memory) && !is_one_frame).then(|| {
        let seen = format!("this message has {}", mebibytes(message.length));
        let expected = format!("at most {}", mebibytes(limits.large_message));
        let broken = Broken::new(message.from, seen, expected);
        let is_huge = message.length > limits.huge_message;
        if is_huge { broken } else { broken.severity(Severity::Note) }
    })
}

/// True for a message that is worth a word about its size.
#[inline]
pub(crate) fn is_large_message(message: &Message<'_>, memory: &Memory) -> bool {
    message.length > memory.thresholds.large_message
}

fn mebibytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match bytes {
        0..MIB => format!("{bytes} bytes"),
        _ if bytes < 1 << 40 => format!("{:.1} MiB", bytes as f64 / MIB as f64),
        _ => format!("{bytes} bytes"),
    }
}

/// SEC-RATE-BURST
pub static RATE_BURST: Rule = Rule {
    id: "SEC-RATE-BURST",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §10.4",
    title: "Messages come at a rate that a receiver can keep up with",
    mend: "gather updates and send them together; as a receiver limit the rate for each connection",
    check: Check::EndOf(rate_burst),
};

fn rate_burst(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let (most, limit) = (memory.pace.most_messages(endpoint), memory.thresholds.message_rate);
    (most > limit && !memory.of(endpoint).is_unreliable()).then(|| {
        let seen = format!("the {endpoint} sends {most} messages within a second");
        Broken::new(endpoint, seen, format!("at most {limit}")).cause(
            "each change is sent at once, as games and tickers do; or TCP catches up after a stall",
        )
    })
}

/// SEC-PING-FLOOD
pub static PING_FLOOD: Rule = Rule {
    id: "SEC-PING-FLOOD",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §10.4, §5.5.2",
    title: "Pings are rare",
    mend: "send a Ping every 20 to 30 seconds; as a receiver limit how many you answer",
    check: Check::Frame(ping_flood),
};

fn ping_flood(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    if frame.header.opcode() != Opcode::Ping {
        return None;
    }
    let pings = memory.of(frame.from).seldom.pings.as_ref()?;
    let (since, count) = pings.recent?;
    let seconds = frame.at.time?.seconds_since(since);
    let limits = &memory.thresholds;
    let limit = limits.pings_per_second * limits.ping_flood_time;
    // Said when the limit is passed, not for each Ping behind it.
    (f64::from(count) == limit.floor() && (0.0..limits.ping_flood_time).contains(&seconds)).then(
        || {
            let seen = format!("{} Pings come within {seconds:.1} s", count + 1);
            let expected = format!("at most {} a second", limits.pings_per_second);
            Broken::new(frame.from, seen, expected).at(frame.span()).cause(
                "a timer counts milliseconds where seconds were meant, or each message gets a Ping",
            )
        },
    )
}
