//! CLS: the closing handshake (RFC 6455 §5.5.1, §7), and what TCP and TLS do below it.

mod code;
mod exchange;
mod explain;
mod transport;

use super::memory::Closed;
use super::{Broken, Memory, Phrase, Rule};
use crate::layout::Span;
use crate::websocket::Close;

/// The rules of this area, in the order of the index.
pub(super) static RULES: &[&Rule] = &[
    &code::BODY_LEN_1,
    &code::CODE_PSEUDO,
    &code::CODE_1004,
    &code::CODE_LOW,
    &code::CODE_UNASSIGNED,
    &code::CODE_HIGH,
    &code::CODE_3XXX,
    &code::REASON_UTF8,
    &exchange::DATA_AFTER_CLOSE,
    &exchange::NOT_ANSWERED,
    &exchange::NO_CLOSE_FRAME,
    &exchange::DUPLICATE,
    &transport::SERVER_CLOSES_TCP_FIRST,
    &transport::SERVER_LINGERS,
    &transport::RST,
    &transport::TRAILING_BYTES,
    &exchange::SLOW,
    &code::CODE_ECHO,
    &code::CODE_1010_FROM_SERVER,
    &code::SERVER_CODE_FROM_CLIENT,
    &code::CODE_FITS_CAUSE,
    &code::NO_STATUS,
    &explain::EXPLAIN,
    &transport::TLS_CLOSE_NOTIFY,
];

/// The peer's Close that this one answers; none if it is the first, or if the two crossed.
fn answered<'a>(close: &Close<'_>, memory: &'a Memory) -> Option<&'a Closed> {
    let asked = memory.of(close.from.peer()).seldom.closed.as_deref()?;
    let heard = close.heard.is_some_and(|heard| heard >= asked.end());
    (close.first && heard).then_some(asked)
}

/// The Close that completed the closing handshake.
fn last_close(memory: &Memory) -> Option<&Closed> {
    let (client, server) =
        (memory.client.seldom.closed.as_deref()?, memory.server.seldom.closed.as_deref()?);
    Some(if client.at.time > server.at.time { client } else { server })
}

/// A finding about a Close as a whole: its first byte, or its body if it has one.
fn at_frame(close: &Close<'_>, seen: impl Into<Phrase>, expected: impl Into<Phrase>) -> Broken {
    let broken = Broken::new(close.from, seen, expected);
    match close.length {
        0 => broken,
        length => broken.at(Span::bytes(close.offset, length)),
    }
}

/// The code of this Close if it is one of those.
fn code_if(close: &Close<'_>, is_one: impl Fn(u16) -> bool) -> Option<u16> {
    close.body.code.filter(|&code| is_one(code))
}

/// The code is the one that the peer has sent before.
fn is_echo(close: &Close<'_>, memory: &Memory) -> bool {
    let asked = memory.of(close.from.peer()).seldom.closed.as_ref();
    asked.is_some_and(|asked| asked.code == close.body.code)
}

fn at_code(close: &Close<'_>, seen: impl Into<Phrase>, expected: impl Into<Phrase>) -> Broken {
    Broken::new(close.from, seen, expected).at(Span::bytes(close.offset, 2))
}

fn span_of_time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => {
            format!("{} ms", (seconds.max(0.0) * 1000.0).round_ties_even() as u64)
        }
        seconds => format!("{seconds:.1} s"),
    }
}
