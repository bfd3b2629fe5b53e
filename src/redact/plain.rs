//! What is known to be no secret. Everything else in a head is taken for one: a list of what is
//! harmless forgets something and hides too much; a list of secrets forgets something and tells it.

use crate::websocket::{extension, subprotocol};

/// Words that paths, subprotocols and parameters of WebSocket services are made of.
const WORDS: [&str; 86] = [
    "access",
    "alpha",
    "api",
    "app",
    "auth",
    "b64",
    "bad",
    "beta",
    "binary",
    "bits",
    "cable",
    "channel",
    "channels",
    "chat",
    "client",
    "connect",
    "context",
    "data",
    "deflate",
    "demo",
    "dev",
    "echo",
    "eio",
    "encoding",
    "endpoint",
    "event",
    "events",
    "feed",
    "foo",
    "frame",
    "good",
    "graphql",
    "html",
    "http",
    "hub",
    "hubs",
    "id",
    "index",
    "io",
    "json",
    "key",
    "live",
    "login",
    "max",
    "message",
    "messages",
    "mqtt",
    "negotiate",
    "no",
    "notifications",
    "page",
    "password",
    "permessage",
    "ping",
    "public",
    "push",
    "realtime",
    "room",
    "rooms",
    "rpc",
    "rtm",
    "server",
    "session",
    "signalr",
    "socket",
    "sockets",
    "sockjs",
    "stomp",
    "stream",
    "streaming",
    "streams",
    "subscribe",
    "superchat",
    "t",
    "takeover",
    "test",
    "ticket",
    "token",
    "transport",
    "v",
    "version",
    "websocket",
    "websockets",
    "window",
    "ws",
    "wss",
];

/// Fields whose values say how the connection is made, not who makes it. `Sec-WebSocket-Key` and
/// `-Accept` are among them: a nonce that proves that the server read it, and no secret
/// (RFC 6455 §1.3, §10.8); without them nobody could check the finding that most reports are about.
const FIELDS: [&str; 46] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "dnt",
    "expires",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-connection",
    "referrer-policy",
    "retry-after",
    "sec-ch-ua-mobile",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "sec-gpc",
    "sec-websocket-accept",
    "sec-websocket-key",
    "sec-websocket-version",
    "server",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "vary",
    "via",
    "x-content-type-options",
    "x-frame-options",
];

/// Schemes of authentication (RFC 9110 §11, the registry of IANA).
const SCHEMES: [&str; 8] =
    ["basic", "bearer", "digest", "hoba", "mutual", "negotiate", "ntlm", "scram-sha-256"];

/// Parameters of a target whose values are no secrets: versions and ways of transport.
const OPEN_PARAMETERS: [&str; 6] = ["eio", "protocol", "transport", "v", "version", "b64"];

/// The longest value of `Sec-WebSocket-Key` and `-Accept` that is still taken for one.
const LONGEST_NONCE: usize = 48;

/// Reason phrases of RFC 9110 §15 and of common servers.
const REASONS: [&str; 42] = [
    "accepted",
    "bad gateway",
    "bad request",
    "conflict",
    "connection established",
    "continue",
    "created",
    "early hints",
    "expectation failed",
    "forbidden",
    "found",
    "gateway time-out",
    "gateway timeout",
    "gone",
    "http version not supported",
    "internal server error",
    "length required",
    "method not allowed",
    "misdirected request",
    "moved permanently",
    "no content",
    "not acceptable",
    "not found",
    "not implemented",
    "not modified",
    "ok",
    "payload too large",
    "permanent redirect",
    "precondition failed",
    "proxy authentication required",
    "request header fields too large",
    "request timeout",
    "see other",
    "service unavailable",
    "switching protocols",
    "temporary redirect",
    "too many requests",
    "unauthorized",
    "unprocessable content",
    "upgrade required",
    "uri too long",
    "web socket protocol handshake",
];

fn is_one_of(list: &[&str], text: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(text))
}

/// Words from the list, with separators and small numbers between them: `chat.v1`, `socket.io`.
pub(super) fn is_wording(text: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'.' | b'-' | b'_');
    let is_shaped = |byte: &u8| byte.is_ascii_alphanumeric() || is_separator(byte);
    text.len() <= 64
        && text.iter().all(is_shaped)
        && text.split(is_separator).all(|word| {
            let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let (name, number) = word.split_at(letters);
            let is_small = number.len() <= 2 && number.iter().all(u8::is_ascii_digit);
            is_one_of(&WORDS, word) || is_small && (name.is_empty() || is_one_of(&WORDS, name))
        })
}

/// True for the name of a protocol that is known, or that is made of known words.
pub(super) fn is_subprotocol(name: &[u8]) -> bool {
    subprotocol::find(name).is_some() || is_wording(name)
}

/// True for an element of `Sec-WebSocket-Extensions` that names nothing unknown.
pub(super) fn is_extension(element: &[u8]) -> bool {
    element.split(|&byte| matches!(byte, b';' | b'=' | b'"')).all(|part| {
        let part = part.trim_ascii();
        is_one_of(&extension::PARAMETERS, part) || is_wording(part)
    })
}

/// True for a field whose value may be shown.
pub(super) fn is_open_field(name: &[u8], value: &[u8]) -> bool {
    let is_nonce = is_one_of(&["sec-websocket-key", "sec-websocket-accept"], name);
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    is_one_of(&FIELDS, name)
        && (!is_nonce || value.len() <= LONGEST_NONCE && value.iter().all(is_base64))
}

/// True for a field whose value is a list of subprotocols.
pub(super) fn is_subprotocol_field(name: &[u8]) -> bool {
    is_one_of(&[subprotocol::HEADER, "WebSocket-Protocol"], name)
}

/// True for a field whose value is a list of extensions.
pub(super) fn is_extension_field(name: &[u8]) -> bool {
    is_one_of(&[extension::HEADER], name)
}

/// True for a field whose value is a host, an origin or a URL.
pub(super) fn is_url_field(name: &[u8]) -> bool {
    const NAMES: [&str; 9] = [
        "access-control-allow-origin",
        "content-location",
        "host",
        "location",
        "origin",
        "referer",
        "sec-websocket-origin",
        "websocket-location",
        "websocket-origin",
    ];
    is_one_of(&NAMES, name)
}

/// The kind of secret that a field carries.
pub(super) fn kind_of_field(name: &[u8]) -> &'static str {
    const CREDENTIALS: [&str; 4] =
        ["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"];
    match name {
        name if is_one_of(&["cookie", "set-cookie", "cookie2"], name) => "cookie",
        name if is_one_of(&CREDENTIALS, name) => "credential",
        _ => "value",
    }
}

/// True for the name of an authentication scheme.
pub(super) fn is_scheme(word: &[u8]) -> bool {
    is_one_of(&SCHEMES, word)
}

/// True for a parameter whose value may be shown.
pub(super) fn is_open_parameter(name: &[u8], value: &[u8]) -> bool {
    is_one_of(&OPEN_PARAMETERS, name) && is_wording(value)
}

/// True for a method that is known; others may be anything.
pub(super) fn is_method(word: &[u8]) -> bool {
    const METHODS: [&str; 10] =
        ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PRI", "PUT", "TRACE"];
    is_one_of(&METHODS, word)
}

/// True for a reason phrase that anybody might have sent.
pub(super) fn is_reason(phrase: &[u8]) -> bool {
    phrase.is_empty() || is_one_of(&REASONS, phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wording_is_made_of_known_words_and_small_numbers() {
        for open in ["chat", "chat.v1", "socket.io", "ws", "v2", "graphql-ws", "42"] {
            assert!(is_wording(open.as_bytes()), "{open}");
        }
        for secret in ["hunter2", "chat.3fa85f64", "12345", "chat/../x", "eyJhbGci", "v1234"] {
            assert!(!is_wording(secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn only_what_looks_like_a_nonce_is_shown_as_one() {
        assert!(is_open_field(b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(!is_open_field(b"Sec-WebSocket-Key", b"my secret!"));
        assert!(!is_open_field(b"Sec-WebSocket-Key", &[b'a'; 100]));
        assert!(is_extension(b"permessage-deflate; client_max_window_bits=15"));
        assert!(!is_extension(b"permessage-deflate; session=hunter2"));
    }
}
