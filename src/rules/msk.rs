//! MSK: masking (RFC 6455 §5.1, §5.3, §10.3). Keys are judged by what they are *not*: only
//! patterns that chance does not produce.

use super::across::Meeting;
use super::{Broken, Check, Level, Memory, Phrase, Rule, Severity, Violator};
use crate::layout::Span;
use crate::said::Endpoint;
use crate::websocket::mask::MaskingKey;
use crate::websocket::{End, Frame};

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &CLIENT_UNMASKED,
    &SERVER_MASKED,
    &ZERO_KEY,
    &CONSTANT_KEY,
    &REUSED_KEY,
    &PREDICTABLE_KEY,
    &SEED_REPEAT,
    &WIRE_LOOKS_HTTP,
];

static CLIENT_UNMASKED: Rule = Rule {
    id: "MSK-CLIENT-UNMASKED",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §5.1, §5.2, §5.3, §6.1",
    title: "Every client frame is masked",
    mend: "set MASK, choose four random bytes for each frame, and XOR the payload with them",
    check: Check::Frame(client_unmasked),
};

fn client_unmasked(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let is_broken =
        memory.direction_known && frame.from == Endpoint::Client && !frame.header.masked();
    is_broken.then(|| {
        Broken::new(
            frame.from,
            format!("MASK is 0 in this {} frame from the client", frame.header.opcode()),
            "MASK 1 and a masking key, also over TLS and for empty payloads",
        )
        .at(frame.header_bits(8, 1))
        .cause("the client uses the server's half of a library, or writes frames by hand")
    })
}

static SERVER_MASKED: Rule = Rule {
    id: "MSK-SERVER-MASKED",
    severity: Severity::Error,
    level: Level::MustNot,
    violator: Violator::Server,
    rfc: "6455 §5.1",
    title: "Server frames are not masked",
    mend: "send MASK 0 and the payload as it is",
    check: Check::Frame(server_masked),
};

fn server_masked(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let is_broken =
        memory.direction_known && frame.from == Endpoint::Server && frame.header.masked();
    is_broken.then(|| {
        Broken::new(
            frame.from,
            format!("MASK is 1 in this {} frame from the server", frame.header.opcode()),
            "MASK 0 and no masking key",
        )
        .at(frame.header_bits(8, 1))
        .cause("the server uses the client's half of a library, or forwards frames untouched")
    })
}

static ZERO_KEY: Rule = Rule {
    id: "MSK-ZERO-KEY",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §5.3, §10.3",
    title: "The masking key is not zero",
    mend: "take each key from a strong source of random numbers",
    check: Check::Frame(zero_key),
};

fn zero_key(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let key = client_key(frame).filter(|&key| key == [0; 4])?;
    let before = memory.keys.zeros;
    if before > 1 {
        return None;
    }
    let seen = if before == 0 {
        format!("the masking key is {}: the payload is on the wire as it is", hex(key))
    } else {
        "the masking key is zero again: masking is as good as switched off".to_owned()
    };
    let severity = if before == 0 { Severity::Note } else { Severity::Warning };
    Some(
        at_key(frame, seen, "four random bytes")
            .cause("masking is skipped to save time, often because the connection uses TLS")
            .severity(severity),
    )
}

static CONSTANT_KEY: Rule = Rule {
    id: "MSK-CONSTANT-KEY",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §5.3, §10.3",
    title: "Masking keys differ from frame to frame",
    mend: "take a new key for each frame from a strong source of random numbers",
    check: Check::Frame(constant_key),
};

fn constant_key(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let key = client_key(frame)?;
    let count = memory.keys.constant(key)?;
    (count == 3).then(|| {
        at_key(
            frame,
            format!("the first three frames all have the masking key {}", hex(key)),
            "a new random key for each frame",
        )
        .cause("the key is a constant in the source, or is drawn once for the connection")
    })
}

static REUSED_KEY: Rule = Rule {
    id: "MSK-REUSED-KEY",
    severity: Severity::Warning,
    level: Level::Must,
    violator: Violator::Client,
    rfc: "6455 §5.3, §10.3",
    title: "Masking keys do not repeat",
    mend: "take a new key for each frame, fragments and control frames included",
    check: Check::Any(&[Check::Frame(reused_key), Check::EndOf(reused_key_at_end)]),
};

fn reused_key(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let key = client_key(frame)?;
    let keys = &memory.keys;
    let pairs = keys.equal_pairs_by_chance(key);
    // With two alike, the third frame tells whether they are all alike.
    if keys.reused || keys.constant(key).is_some() || pairs >= memory.thresholds.mask_key_pairs {
        return None;
    }
    let seen = if keys.first_two_repeat(key) {
        "the first two frames have the same masking key".to_owned()
    } else if keys.repeats(key) {
        format!("the masking key {} was used before", hex(key))
    } else {
        return None;
    };
    Some(at_key(frame, seen, "a new random key for each frame").cause(REUSE))
}

/// What usually makes keys repeat.
const REUSE: &str = "one key is used for a whole message, for each of its fragments, or drawn from \
                     a small pool";

/// The connection ended before a third frame came.
fn reused_key_at_end(_: &End, endpoint: Endpoint, memory: &Memory) -> Option<Broken> {
    let keys = &memory.keys;
    (endpoint == Endpoint::Client && keys.count == 2 && keys.two_alike()).then(|| {
        let seen = "both frames of the client have the same masking key";
        Broken::new(endpoint, seen, "a new random key for each frame").cause(REUSE)
    })
}

static PREDICTABLE_KEY: Rule = Rule {
    id: "MSK-PREDICTABLE-KEY",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §5.3, §10.3",
    title: "Masking keys follow no pattern",
    mend: "take each key from a strong source of random numbers, such as getrandom()",
    check: Check::Frame(predictable_key),
};

fn predictable_key(frame: &Frame<'_>, memory: &Memory) -> Option<Broken> {
    let key = client_key(frame)?;
    let pattern = memory.keys.pattern(key, frame.at.time)?;
    let seen = format!(
        "the first {} masking keys follow a pattern: {} (by chance: {})",
        memory.keys.count + 1,
        pattern.what,
        pattern.chance
    );
    Some(
        at_key(frame, seen, "keys that the earlier ones do not tell")
            .cause("a counter, the clock or a weak rand() stands in for random numbers"),
    )
}

static SEED_REPEAT: Rule = Rule {
    id: "MSK-SEED-REPEAT",
    severity: Severity::Warning,
    level: Level::MustNot,
    violator: Violator::Client,
    rfc: "6455 §5.3",
    title: "Masking keys are other ones on each connection",
    mend: "take the keys from the operating system's source of random numbers",
    check: Check::Across(seed_repeat),
};

fn seed_repeat(meeting: &Meeting<'_>) -> Option<Broken> {
    let earlier = meeting.same_masks()?;
    let [first, second] = meeting.own.masks?.map(|key| format!("{key:08x}"));
    let seen = format!(
        "the first two masking keys, {first} and {second}, are those of connection {}",
        earlier.number
    );
    Some(
        Broken::new(Endpoint::Client, seen, "keys that differ (by chance: 2^-64)")
            .cause("the generator starts from the same seed each time"),
    )
}

static WIRE_LOOKS_HTTP: Rule = Rule {
    id: "MSK-WIRE-LOOKS-HTTP",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §10.3",
    title: "Masked bytes do not spell an HTTP request",
    mend: "find out how the payload could be chosen to fit the key, and make keys unpredictable",
    check: Check::Frame(wire_looks_http),
};

fn wire_looks_http(frame: &Frame<'_>, _: &Memory) -> Option<Broken> {
    // With a zero key every text that begins like a request does so on the wire too.
    let key = client_key(frame).filter(|&key| key != [0; 4])?;
    spells_request(frame.payload, key).then(|| {
        Broken::new(
            frame.from,
            "the masked payload begins on the wire like an HTTP request",
            "bytes that mean nothing to a proxy",
        )
        .at(Span::bytes(frame.payload_offset(), 5))
        .cause(
            "the key was known in advance, and the payload chosen so that a proxy sees a request",
        )
    })
}

/// Starts of HTTP requests, five bytes each: chance makes each of them once in 2^40 frames.
const REQUESTS: [&[u8; 5]; 8] =
    [b"GET /", b"POST ", b"HEAD ", b"PUT /", b"DELET", b"OPTIO", b"CONNE", b"PATCH"];

/// True if this unmasked payload, masked with that key, begins like an HTTP request.
#[inline]
pub(super) fn spells_request(payload: Option<&[u8]>, key: MaskingKey) -> bool {
    let Some(&[a, b, c, d, e, ..]) = payload else { return false };
    let wire = [a ^ key[0], b ^ key[1], c ^ key[2], d ^ key[3], e ^ key[0]];
    matches!(wire[0], b'G' | b'P' | b'H' | b'D' | b'O' | b'C') && REQUESTS.contains(&&wire)
}

fn client_key(frame: &Frame<'_>) -> Option<MaskingKey> {
    frame.header.masking_key.filter(|_| frame.from == Endpoint::Client)
}

fn at_key(frame: &Frame<'_>, seen: impl Into<Phrase>, expected: &'static str) -> Broken {
    let broken = Broken::new(frame.from, seen, expected);
    match frame.key_bits() {
        Some(span) => broken.at(span),
        None => broken,
    }
}

fn hex(key: MaskingKey) -> String {
    let [a, b, c, d] = key;
    format!("{a:02x} {b:02x} {c:02x} {d:02x}")
}
