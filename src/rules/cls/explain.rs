//! What a close code means, and where to look next (RFC 6455 §7.4, IANA).

use super::{at_code, code_if, is_echo};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::Close;
use crate::websocket::close;

/// CLS-EXPLAIN
pub(in crate::rules) static EXPLAIN: Rule = Rule {
    id: "CLS-EXPLAIN",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §7.4",
    title: "The code needs no explanation",
    mend: "look into the log of whoever sent it",
    check: Check::Close(explain),
};

fn explain(close: &Close<'_>, memory: &Memory) -> Option<Broken> {
    let number = code_if(close, |code| close::may_be_sent(code) && !matches!(code, 1000 | 1001))?;
    if !close.first || is_echo(close, memory) {
        return None;
    }
    let known = close::lookup(number);
    let (cause, mend) = advice(number);
    let seen =
        format!("the {} closes with {number} ({}): {}", close.from, known.name, known.meaning);
    Some(at_code(close, seen, "").cause(cause).mend(mend))
}

/// What is usually behind a code, and what to do.
fn advice(code: u16) -> (&'static str, &'static str) {
    match code {
        1002 => (
            "the peer sent something that is no frame, or not one that is allowed here",
            "look at what the peer sent before: what is wrong with it is reported there",
        ),
        1003 => (
            "binary came where only text is taken, or the other way round",
            "send the type of message that the endpoint takes",
        ),
        1007 => (
            "text that is not UTF-8, or a payload that can't be inflated",
            "encode text messages as UTF-8, and send everything else as binary",
        ),
        1008 => (
            "the application refuses the peer: a login that failed or expired, an Origin that is not allowed, a rate limit",
            "check token and Origin, and look into the log of whoever sent it",
        ),
        1009 => (
            "the message is larger than the endpoint's limit",
            "raise the limit (maxPayload, max_size, SetReadLimit and the like), or send smaller messages",
        ),
        1010 => (
            "the client can't do without an extension that the server did not accept",
            "switch the extension on in the server; a proxy may have taken the offer out",
        ),
        1011 => (
            "an exception in the application, or Pings that nobody answered",
            "look into the log of whoever sent it, at this time",
        ),
        1012 => (
            "a deployment, or a process that was told to stop",
            "let the client come back after a random time",
        ),
        1013 => ("too many connections or too much work", "let the client come back later"),
        1014 => (
            "a gateway could not reach the server behind it, or did not understand it",
            "look into the gateway's log, and at the server behind it",
        ),
        3000 => ("there is no login, or it expired", "log in again, then connect"),
        3003 => ("the login is fine and does not suffice", "ask for the permission"),
        3008 => ("the endpoint waited too long for something", "look for what it waited for"),
        _ => (
            "the number belongs to the application or its library",
            "look it up in the documentation of the application",
        ),
    }
}
