//! The closing handshake: codes (RFC 6455 §7.4, IANA registry), the body of a Close frame (§5.5.1),
//! and what the endpoints' APIs make of it (§7.1.5).

use super::utf8::{self, Utf8Fault};

/// One close code or range of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode {
    /// The first code of the range.
    pub first: u16,
    /// The last code of the range; the same for a single code.
    pub last: u16,
    /// The registered name, or what the range is for.
    pub name: &'static str,
    /// What it says about the connection.
    pub meaning: &'static str,
    /// May stand in a Close frame.
    pub on_the_wire: bool,
    /// Where it is defined.
    pub section: &'static str,
}

const fn code(
    first: u16,
    name: &'static str,
    on_the_wire: bool,
    section: &'static str,
    meaning: &'static str,
) -> CloseCode {
    CloseCode { first, last: first, name, meaning, on_the_wire, section }
}

/// All codes, in order, without gap.
pub static CODES: [CloseCode; 25] = [
    CloseCode {
        first: 0,
        last: 999,
        name: "unused",
        meaning: "this range is not used",
        on_the_wire: false,
        section: "6455 §7.4.2",
    },
    code(1000, "Normal Closure", true, "6455 §7.4.1", "the purpose of the connection is fulfilled"),
    code(1001, "Going Away", true, "6455 §7.4.1", "the server shuts down, or the page is left"),
    code(1002, "Protocol error", true, "6455 §7.4.1", "the peer broke the protocol"),
    code(
        1003,
        "Unsupported Data",
        true,
        "6455 §7.4.1",
        "a type of message that is not accepted here",
    ),
    code(1004, "Reserved", false, "6455 §7.4.1", "reserved; it has no meaning"),
    code(
        1005,
        "No Status Rcvd",
        false,
        "6455 §7.4.1",
        "for APIs only: the Close frame had no code",
    ),
    code(
        1006,
        "Abnormal Closure",
        false,
        "6455 §7.4.1",
        "for APIs only: the connection ended without a Close frame",
    ),
    code(
        1007,
        "Invalid frame payload data",
        true,
        "6455 §7.4.1",
        "the payload does not fit its type, such as text that is not UTF-8",
    ),
    code(
        1008,
        "Policy Violation",
        true,
        "6455 §7.4.1",
        "a message that breaks the endpoint's policy",
    ),
    code(
        1009,
        "Message Too Big",
        true,
        "6455 §7.4.1",
        "a message larger than the endpoint accepts",
    ),
    code(
        1010,
        "Mandatory Ext.",
        true,
        "6455 §7.4.1",
        "the client needed an extension that the server did not accept",
    ),
    code(
        1011,
        "Internal Error",
        true,
        "6455 §7.4.1",
        "something unexpected happened at the endpoint",
    ),
    code(
        1012,
        "Service Restart",
        true,
        "IANA",
        "the service restarts; come back after a random delay",
    ),
    code(1013, "Try Again Later", true, "IANA", "the service is overloaded; come back later"),
    code(1014, "Bad Gateway", true, "IANA", "a gateway got an invalid answer from behind it"),
    code(1015, "TLS handshake", false, "6455 §7.4.1", "for APIs only: TLS could not be set up"),
    CloseCode {
        first: 1016,
        last: 2999,
        name: "unassigned",
        meaning: "kept for the protocol and its extensions; not assigned",
        on_the_wire: false,
        section: "6455 §7.4.2",
    },
    code(3000, "Unauthorized", true, "IANA", "authentication is needed"),
    CloseCode {
        first: 3001,
        last: 3002,
        name: "library code",
        meaning: "a code for libraries and frameworks, not registered",
        on_the_wire: true,
        section: "6455 §7.4.2",
    },
    code(3003, "Forbidden", true, "IANA", "authenticated, but not allowed"),
    CloseCode {
        first: 3004,
        last: 3007,
        name: "library code",
        meaning: "a code for libraries and frameworks, not registered",
        on_the_wire: true,
        section: "6455 §7.4.2",
    },
    code(3008, "Timeout", true, "IANA", "the endpoint took too long"),
    CloseCode {
        first: 3009,
        last: 3999,
        name: "library code",
        meaning: "a code for libraries and frameworks, not registered",
        on_the_wire: true,
        section: "6455 §7.4.2",
    },
    CloseCode {
        first: 4000,
        last: 4999,
        name: "private code",
        meaning: "a code that the application gave its own meaning",
        on_the_wire: true,
        section: "6455 §7.4.2",
    },
];

/// Codes above 4999 do not exist; they all look like this.
static BEYOND: CloseCode = CloseCode {
    first: 5000,
    last: u16::MAX,
    name: "no such code",
    meaning: "codes end at 4999",
    on_the_wire: false,
    section: "6455 §7.4.2",
};

/// What is known about a code.
pub fn lookup(code: u16) -> &'static CloseCode {
    CODES.iter().find(|known| (known.first..=known.last).contains(&code)).unwrap_or(&BEYOND)
}

/// True for a code that a Close frame may carry; unassigned ones may be assigned by now.
pub fn may_be_sent(code: u16) -> bool {
    lookup(code).on_the_wire || (1016..=2999).contains(&code)
}

/// A code in words: `Going Away: the server shuts down, or the page is left`.
pub fn describe(code: u16) -> String {
    let known = lookup(code);
    format!("{}: {}", known.name, known.meaning)
}

/// The body of a Close frame: nothing, or a code and a reason (RFC 6455 §5.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseBody<'a> {
    /// The status code; none if the body is shorter than two bytes.
    pub code: Option<u16>,
    /// The reason's bytes.
    pub reason: &'a [u8],
    /// Where the reason stops being UTF-8.
    pub reason_fault: Option<Utf8Fault>,
}

impl<'a> CloseBody<'a> {
    /// Reads the unmasked payload of a Close frame.
    pub fn read(payload: &'a [u8]) -> CloseBody<'a> {
        match payload {
            [high, low, reason @ ..] => CloseBody {
                code: Some(u16::from_be_bytes([*high, *low])),
                reason,
                reason_fault: utf8::check(reason),
            },
            _ => CloseBody { code: None, reason: &[], reason_fault: None },
        }
    }
}
