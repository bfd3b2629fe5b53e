//! Credentials where they get written down: in the target and in the list of subprotocols. What
//! they are is never repeated, and no span covers it.

use super::words::Words;
use crate::http::Head;
use crate::http::quote;
use crate::rules::observed::{Judgement, in_request, request};
use crate::rules::{Broken, Check, Level, Memory, Rule, Severity, Violator};
use crate::said::Endpoint;
use crate::websocket::handshake::Handshake;
use crate::websocket::{End, Message};
use std::ops::Range;

/// SEC-TOKEN-IN-QUERY
pub static TOKEN_IN_QUERY: Rule = Rule {
    id: "SEC-TOKEN-IN-QUERY",
    severity: Severity::Warning,
    level: Level::ShouldNot,
    violator: Violator::Client,
    rfc: "9110 §17.9",
    title: "The target carries no credentials",
    mend: "send a cookie and check Origin, or the token in the first message, or a ticket that \
           works once",
    check: Check::Handshake(|handshake, _| token_in_query(handshake).into()),
};

fn token_in_query(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    let Some(token) = query_token(head) else { return Ok(None) };
    let name = quote(head.bytes(&token.name));
    let seen = if token.short_lived {
        format!("the parameter {name} of the target looks like a session or a ticket")
    } else {
        format!("the parameter {name} of the target carries a credential")
    };
    let broken = in_request(head, &token.name, seen, "a target that may stand in a log file")
        .cause("browsers let no script set Authorization here, so it is put into the URL");
    Ok(Some(if token.short_lived { broken.severity(Severity::Note) } else { broken }))
}

/// A parameter of the query that looks like a credential.
pub(crate) struct Token {
    name: Range<usize>,
    /// It may be one that is worth nothing to whoever reads it in a log later.
    pub(super) short_lived: bool,
}

/// Names that are given to credentials only.
const SECRET: [&str; 11] = [
    "token",
    "access_token",
    "id_token",
    "auth",
    "authorization",
    "jwt",
    "api_key",
    "apikey",
    "secret",
    "password",
    "passwd",
];

/// Names that may also mean something harmless, or something that soon expires.
const MAYBE_SECRET: [&str; 7] = ["key", "pwd", "session", "sessionid", "sid", "sig", "ticket"];

/// The shortest value of an ambiguous parameter that is taken for a secret.
const SHORTEST_SECRET: usize = 16;

/// The first credential in the query of the target.
pub(crate) fn query_token(head: &Head) -> Option<Token> {
    let target = head.target()?;
    let from = memchr::memchr(b'?', target)? + 1;
    let base = head.start_range().start + head.method()?.len() + 1;
    // The target stands where its bytes do, however many spaces come before it.
    let source = &head.source[base..head.start_range().end];
    let base = base + source.windows(target.len()).position(|part| part == target)?;
    let query = target[from..].split(|&b| b == b'#').next().unwrap_or_default();
    // Socket.IO numbers its sessions in the query, on every connection.
    let is_socket_io = query.starts_with(b"EIO=") || query.windows(5).any(|part| part == b"&EIO=");
    let mut at = base + from;
    for parameter in query.split(|&b| b == b'&') {
        let start = at;
        at += parameter.len() + 1;
        let Some(equals) = memchr::memchr(b'=', parameter) else { continue };
        let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
        let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
        let is_secret = SECRET.iter().any(is) && !value.is_empty();
        let may_be_one = MAYBE_SECRET.iter().any(is)
            && value.len() >= SHORTEST_SECRET
            && !(is_socket_io && is(&"sid"));
        if is_secret || is_jwt(value) || may_be_one {
            let short_lived = !is_secret && !is_jwt(value);
            return Some(Token { name: start..start + equals, short_lived });
        }
    }
    None
}

/// SEC-SUBPROTO-TOKEN
pub static SUBPROTO_TOKEN: Rule = Rule {
    id: "SEC-SUBPROTO-TOKEN",
    severity: Severity::Warning,
    level: Level::Advice,
    violator: Violator::Client,
    rfc: "6455 §1.9, §4.1",
    title: "Subprotocols name protocols, and carry no credentials",
    mend: "send a cookie and check Origin, or the token in the first message",
    check: Check::Handshake(|handshake, _| subproto_token(handshake).into()),
};

/// What Kubernetes puts before its token, by design.
const KUBERNETES: &[u8] = b"base64url.bearer.authorization.k8s.io.";

/// The longest member that is still taken for the name of a protocol.
const LONGEST_NAME: usize = 64;

fn subproto_token(handshake: &Handshake) -> Judgement {
    let head = request(handshake)?;
    for member in head.members("Sec-WebSocket-Protocol") {
        let value = head.bytes(&member.range);
        let starts = |word: &[u8]| {
            value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        let is_kubernetes = starts(KUBERNETES);
        let what =
            if is_kubernetes || starts(b"base64url.bearer.") || starts(b"authorization.bearer.") {
                "a bearer token"
            } else if is_jwt(value) {
                "a JSON Web Token"
            } else if [&b"bearer"[..], b"access_token", b"authorization"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word))
            {
                "the announcement of a credential"
            } else if value.len() > LONGEST_NAME && looks_random(value) {
                "a long random text"
            } else {
                continue;
            };
        let seen = format!("among the subprotocols is {what}");
        let line = head.line("Sec-WebSocket-Protocol").map(|line| line.name.clone());
        let range = line.unwrap_or(head.start_range());
        let broken = in_request(head, &range, seen, "names of protocols")
            .cause("it is the only field that a script in a browser can fill");
        return Ok(Some(if is_kubernetes { broken.severity(Severity::Note) } else { broken }));
    }
    Ok(None)
}

/// SEC-NO-AUTH
pub static NO_AUTH: Rule = Rule {
    id: "SEC-NO-AUTH",
    severity: Severity::Note,
    level: Level::Advice,
    violator: Violator::Server,
    rfc: "6455 §10.5",
    title: "Who connects is known before messages are exchanged",
    mend: "check a cookie or a token before the 101 is sent; nothing, if the data are for everybody",
    check: Check::End(no_auth),
};

/// Of a server in a public network only: who can reach another one is a matter of the network.
fn no_auth(_: &End, memory: &Memory) -> Option<Broken> {
    let is_open = memory.handshake.anonymous;
    let has_talked = memory.server.has_begun;
    (is_open && has_talked && !memory.client.lossy).then(|| {
        let seen = "the server accepts a client that shows no cookie, no Authorization and no token, \
                    and that does not log in with its first messages";
        let cause = match memory.route.encrypted {
            Some(true) => "the data are public, or the client has a certificate, which is not seen",
            _ => "the data are public, or the endpoint was forgotten when the site got its login",
        };
        Broken::new(Endpoint::Server, seen, "").cause(cause)
    })
}

/// True if the request carries anything that may tell who the client is.
pub(crate) fn shows_any(head: &Head) -> bool {
    carries_credentials(head).is_some()
        || query_token(head).is_some()
        || head.members("Sec-WebSocket-Protocol").any(|member| {
            let value = head.bytes(&member.range);
            is_jwt(value) || value.len() > LONGEST_NAME || spells_login(value)
        })
}

/// Words that messages have with which clients log in, in JSON, STOMP and others.
static LOGIN_WORDS: Words<9> = Words::new([
    "auth", "login", "token", "bearer", "password", "session", "apikey", "api_key", "CONNECT",
]);

fn spells_login(text: &[u8]) -> bool {
    LOGIN_WORDS.find(text, |_| true).is_some()
}

/// How much of a message is searched.
const SEARCHED: usize = 1024;

/// True if a message may be a login; one whose beginning was not kept may be anything.
pub(crate) fn may_be_login(message: &Message<'_>) -> bool {
    let payload = message.payload;
    if payload.len() < SEARCHED && payload.len() as u64 != message.length || !message.complete {
        return true;
    }
    // MQTT's CONNECT names the protocol in its first bytes.
    let start = &payload[..payload.len().min(SEARCHED)];
    spells_login(start) || start.get(4..8) == Some(b"MQTT")
}

/// The kind of credential that the request carries in its fields.
pub(super) fn carries_credentials(head: &Head) -> Option<&'static str> {
    [("Cookie", "cookie"), ("Authorization", "Authorization"), ("Proxy-Authorization", "login")]
        .into_iter()
        .find(|(name, _)| head.value(name).is_some_and(|value| !value.is_empty()))
        .map(|(_, what)| what)
}

/// True for three parts in Base64url of which the first two are JSON objects (RFC 7519).
fn is_jwt(value: &[u8]) -> bool {
    let mut parts = value.split(|&b| b == b'.');
    let [Some(header), Some(claims), Some(_)] = [parts.next(), parts.next(), parts.next()] else {
        return false;
    };
    header.starts_with(b"eyJ") && claims.starts_with(b"eyJ")
}

fn looks_random(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}
