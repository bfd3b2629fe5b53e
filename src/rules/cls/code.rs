//! What a Close says: its code and its reason (RFC 6455 §5.5.1, §7.4).

use super::{answered, at_code, at_frame, code_if, is_echo};
use crate::layout::Span;
use crate::rules::memory::Fault;
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::close::{self, CODES};
use crate::websocket::utf8::Utf8FaultKind;
use crate::websocket::{Close, Frame, MAX_CONTROL_KEPT, Opcode};

pub(super) static BODY_LEN_1: Rule = Rule {
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

pub(super) static CODE_PSEUDO: Rule = Rule {
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
    let code = code_if(close, |code| matches!(code, 1005 | 1006 | 1015))?;
    let seen = format!("the code is {code}, {}", close::lookup(code).meaning);
    Some(
        at_code(close, seen, "a code that may be sent, such as 1000, or no body")
            .cause("a code that an API reported was passed on into a frame, often by a proxy"),
    )
}

pub(super) static CODE_1004: Rule = Rule {
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
    code_if(close, |code| code == 1004)?;
    Some(
        at_code(close, "the code is 1004, which is reserved and means nothing", "an assigned code")
            .cause("in a draft 1004 meant that a frame was too large; that became 1009"),
    )
}

pub(super) static CODE_LOW: Rule = Rule {
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
    let code = code_if(close, |code| code < 1000)?;
    let seen = format!("the code is {code}; the range below 1000 is not used");
    Some(at_code(close, seen, "1000 to 4999").cause(match code {
        0 => "the code was never set",
        100..=599 => "an HTTP status was passed on",
        _ => "an exit status or an error number was passed on",
    }))
}

pub(super) static CODE_UNASSIGNED: Rule = Rule {
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
    let code = code_if(close, |code| (1016..=2999).contains(&code))?;
    let seen = format!("the code is {code}, which was not assigned when this program was made");
    Some(
        at_code(close, seen, "an assigned code below 1016, or one from 3000 to 4999")
            .cause("the application chose a number from the range of the protocol"),
    )
}

pub(super) static CODE_HIGH: Rule = Rule {
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
    let code = code_if(close, |code| code >= 5000)?;
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

pub(super) static CODE_3XXX: Rule = Rule {
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
    let code = code_if(close, |code| (3000..=3999).contains(&code) && !is_registered(code))?;
    let seen = format!("the code is {code}, from the range of libraries, and is not registered");
    Some(at_code(close, seen, "a registered code, or one from 4000 to 4999"))
}

pub(super) static REASON_UTF8: Rule = Rule {
    id: "CLS-REASON-UTF8",
    severity: Severity::Error,
    level: Level::Must,
    violator: Violator::Sender,
    rfc: "6455 §5.5.1, §7.1.6, §8.1",
    title: "The reason of a Close is UTF-8",
    mend: "encode the reason as UTF-8, and shorten it at the border of a character",
    check: Check::Close(reason_utf8),
};

/// Who cuts a reason so that the Close fits into 125 bytes leaves no more than three bytes free.
const NEARLY_FULL: u64 = 122;

/// From there on the bytes of Latin-1 are letters and marks.
const FIRST_LETTER: u8 = 0xa1;

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
            .cause(if is_cut && close.length >= NEARLY_FULL {
                "the reason was cut to 123 bytes in the middle of a character".to_owned()
            } else if byte >= FIRST_LETTER {
                let letter = char::from(byte);
                format!("the reason is in another encoding: in Latin-1, {byte:02x} is {letter}")
            } else {
                "the reason is in the encoding of the operating system, such as Latin-1".to_owned()
            }),
    )
}

pub(super) static CODE_ECHO: Rule = Rule {
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
        memory.of(close.from.peer()).seldom.fatal.is_some() || !close::lookup(asked).on_the_wire;
    (code != asked && !is_usual && !is_failing).then(|| {
        let seen = format!("this Close answers {asked} with {code}, which is legal but unusual");
        at_code(close, seen, asked.to_string())
            .cause("the library answers every Close with the same code")
    })
}

pub(super) static CODE_1010_FROM_SERVER: Rule = Rule {
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
    code_if(close, |code| code == 1010)?;
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

pub(super) static SERVER_CODE_FROM_CLIENT: Rule = Rule {
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
    let code = code_if(close, |code| (1011..=1014).contains(&code))?;
    // It may repeat what a Close said that was not captured.
    if memory.server.lossy || memory.heard_beyond(close.from, close.heard) {
        return None;
    }
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

pub(super) static CODE_FITS_CAUSE: Rule = Rule {
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
    let fatal = peer.seldom.fatal.as_ref()?;
    let code = close.body.code?;
    let heard = close.heard.is_some_and(|heard| heard >= fatal.end);
    if !close.first || peer.seldom.closed.is_some() || !heard {
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

pub(super) static NO_STATUS: Rule = Rule {
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
    let begins = close.first && memory.of(close.from.peer()).seldom.closed.is_none();
    (begins && close.length == 0).then(|| {
        let seen = format!(
            "this Close has no code, which is legal; the {}'s API reports 1005",
            close.from.peer()
        );
        at_frame(close, seen, "").cause("close() was called without arguments")
    })
}
