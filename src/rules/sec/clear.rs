//! What anybody on the way can read (RFC 6455 §10.6): connections without TLS to a server in a
//! public network. On loopback and in a network of one's own, and behind a proxy that ends TLS
//! there, it is nobody's business.

use super::credentials::{carries_credentials, query_token};
use super::words::Words;
use crate::layout::Span;
use crate::rules::observed::{Judgement, accepted, in_request, request};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::websocket::Message;
use crate::websocket::handshake::Handshake;

/// SEC-CLEARTEXT-CREDENTIALS
pub static CREDENTIALS: Rule = Rule {
    id: "SEC-CLEARTEXT-CREDENTIALS",
    severity: Severity::Warning,
    level: Level::Should,
    violator: Violator::Client,
    rfc: "6455 §10.6",
    title: "Cookies and logins travel over TLS",
    mend: "connect to wss://, and mark the cookie Secure so that it can't be sent without TLS",
    check: Check::Handshake(|handshake, memory| credentials(handshake, memory).into()),
};

fn credentials(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    if !memory.route.is_readable()? {
        return Ok(None);
    }
    let (what, name) = match carries_credentials(head) {
        Some("cookie") => ("a cookie", Some("Cookie")),
        Some("Authorization") => ("credentials in Authorization", Some("Authorization")),
        Some(_) => ("credentials in Proxy-Authorization", Some("Proxy-Authorization")),
        None if query_token(head).is_some_and(|token| !token.short_lived) => {
            ("a credential in the target", None)
        }
        None => return Ok(None),
    };
    let line = name.and_then(|name| head.line(name));
    let range = line.map_or(0..0, |line| line.name.clone());
    let range = if range.is_empty() { head.start_range() } else { range };
    let seen = format!("{what} travels without TLS over a public network");
    let broken = in_request(head, &range, seen, "wss://, which is the same over TLS");
    let was_tls = head.value("X-Forwarded-Proto").is_some_and(|proto| {
        proto.eq_ignore_ascii_case(b"https") || proto.eq_ignore_ascii_case(b"wss")
    });
    Ok(Some(if was_tls {
        broken.cause("a proxy ends TLS and passes the rest on").severity(Severity::Note)
    } else {
        broken
    }))
}

/// SEC-CLEARTEXT
pub static CLEARTEXT: Rule = Rule {
    id: "SEC-CLEARTEXT",
    severity: Severity::Note,
    level: Level::Should,
    violator: Violator::Client,
    rfc: "6455 §10.6",
    title: "The connection goes over TLS",
    mend: "connect to wss://",
    check: Check::Handshake(|handshake, memory| cleartext(handshake, memory).into()),
};

fn cleartext(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    accepted(handshake)?;
    Ok(memory.route.is_readable()?.then(|| {
        let seen = "ws:// without TLS: all of it can be read and changed on the way";
        in_request(head, &head.start_range(), seen, "wss://")
    }))
}

/// SEC-MIXED-CONTENT
pub static MIXED_CONTENT: Rule = Rule {
    id: "SEC-MIXED-CONTENT",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §10.6",
    title: "A page that came over TLS uses a socket over TLS",
    mend: "nothing, if a proxy ends TLS in front of this hop; else connect to wss://",
    check: Check::Handshake(|handshake, memory| mixed_content(handshake, memory).into()),
};

fn mixed_content(handshake: &Handshake, memory: &Memory) -> Judgement {
    let head = request(handshake)?;
    accepted(handshake)?;
    if !memory.route.is_readable()? {
        return Ok(None);
    }
    let line = head.line("Origin").filter(|line| head.bytes(&line.value).starts_with(b"https://"));
    Ok(line.map(|line| {
        let seen = "the page came over TLS, and its socket does not go over TLS";
        in_request(head, &line.value, seen, "wss://")
            .cause("browsers refuse that, so this is most likely the hop behind a proxy")
    }))
}

/// SEC-SECRETS-IN-CLEAR
pub static SECRETS: Rule = Rule {
    id: "SEC-SECRETS-IN-CLEAR",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Sender,
    rfc: "6455 §10.6",
    title: "Messages without TLS carry no passwords",
    mend: "connect to wss://: masking is no encryption, its key stands before the data",
    check: Check::Message(secrets),
};

fn secrets(message: &Message<'_>, memory: &Memory) -> Option<Broken> {
    let is_searched = memory.handshake.searches(message);
    let member = is_searched.then(|| spells_secret(message.payload)).flatten()?;
    let seen = format!("the JSON member \"{member}\" can be read by anybody on the way");
    Some(
        Broken::new(message.from, seen, "wss:// for secrets")
            .at(Span::bytes(message.offset, message.wire_length.max(1))),
    )
}

/// Members of JSON objects that hold secrets, each from its quotation mark on.
static MEMBERS: Words<9> = Words::new([
    "\"password",
    "\"passwd",
    "\"access_token",
    "\"token",
    "\"client_secret",
    "\"secret",
    "\"authorization",
    "\"api_key",
    "\"apikey",
]);

/// How much of a message is searched.
const SEARCHED: usize = 4096;

/// The first member of a JSON object that holds a secret, and a text as its value.
pub(in crate::rules) fn spells_secret(payload: &[u8]) -> Option<&'static str> {
    let payload = &payload[..payload.len().min(SEARCHED)];
    MEMBERS.find(payload, is_text_value).map(|member| &member[1..])
}

/// True for what follows the name of a member whose value is a text and not empty.
fn is_text_value(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(b"\"") else { return false };
    let rest = rest.trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":") else { return false };
    matches!(rest.trim_ascii_start(), [b'"', first, ..] if *first != b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_member_with_a_text() {
        assert_eq!(spells_secret(br#"{"user":"a","Password" : "x"}"#), Some("password"));
        assert_eq!(spells_secret(br#"{"token":"abc"}"#), Some("token"));
        assert_eq!(spells_secret(br#"{"token":7,"note":"password"}"#), None);
        assert_eq!(spells_secret(br#"{"password":""}"#), None);
        assert_eq!(spells_secret(b"the password: x"), None);
    }
}
