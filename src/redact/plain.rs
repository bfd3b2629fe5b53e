//! What is known to be no secret. Everything else in a head is taken for one: a list of what is
//! harmless forgets something and hides too much; a list of secrets forgets something and tells it.

use crate::websocket::accept::decode_key;
use crate::websocket::{extension, subprotocol};
use std::net::Ipv6Addr;

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

/// Fields whose values say how the connection is made, not who makes it, as long as they are made
/// of known words.
const FIELDS: [&str; 41] = [
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
    "sec-websocket-version",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "vary",
    "via",
    "x-content-type-options",
    "x-frame-options",
];

/// What says which software speaks, in words of its own.
const FREE_FIELDS: [&str; 2] = ["server", "user-agent"];

/// Fields with numbers of any size: lengths, seconds, times.
const NUMERIC_FIELDS: [&str; 12] = [
    "age",
    "alt-svc",
    "cache-control",
    "content-length",
    "date",
    "dnt",
    "expires",
    "keep-alive",
    "max-forwards",
    "retry-after",
    "strict-transport-security",
    "upgrade-insecure-requests",
];

/// The longest number in one of those: 2^64 has as many digits.
const LONGEST_NUMBER: usize = 20;

/// What stands between the words of those values.
pub(super) const VALUE_SEPARATORS: &[u8] = b",;=/ \t\"():?+";

/// Words of those values, also with `-` between them.
const VALUE_WORDS: &str = "* 0 1 accept age agent allow all always amz apache app application apng \
    apr aug authorization avif b3 base64 br brotli bytes cache caddy charset chunked clear close \
    cloudflare cloudfront compress connect content control cookie cors credentials credentialless \
    cross css csv custom data date dec deflate delete deny disabled dnt document downgrade edge \
    empty en encoding envoy error event exchange expect false fastly feb fetch fly forbidden form \
    fri from get gif gmt google gzip h2 h2c h3 haproxy head headers heroku host html http http2 \
    httponly identity if image immutable includesubdomains insecure irc iso-8859-1 jan javascript \
    jpeg jpg js json jul jun keep key kong language length ma mar max may microsoft mixed mode \
    modified mon msgpack multipart must navigate nested nginx no none nosniff nov object oct octet \
    only open opener options origin parent passthrough patch pdf persist plain png policy post \
    preload private problem proto protocol proxied proxy public put q range referrer region \
    related requested requests revalidate same sameorigin sat sec seconds self sep server \
    settings signed site squid stale store stream strict style subframe sun svg tcp te text thu \
    timeout tls top trace traefik trailer trailers transfer transform true tue type unsafe \
    unconfigured upgrade url urlencoded us-ascii user utf-8 utf-16 v varnish vary vegur version via \
    video wasm wbxml webp websocket websockets wed when while with worker www x xhtml xml xmlhttprequest zip zlib \
    zstd";

/// Schemes of authentication (RFC 9110 §11, the registry of IANA).
const SCHEMES: [&str; 8] =
    ["basic", "bearer", "digest", "hoba", "mutual", "negotiate", "ntlm", "scram-sha-256"];

/// Parameters of a target whose values are no secrets: versions and ways of transport.
const OPEN_PARAMETERS: [&str; 6] = ["eio", "protocol", "transport", "v", "version", "b64"];

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

/// True for a field whose value may be shown whatever it is.
pub(super) fn is_free_field(name: &[u8]) -> bool {
    is_one_of(&FREE_FIELDS, name)
}

/// True for a field of whose value the known words may be shown.
pub(super) fn is_worded_field(name: &[u8]) -> bool {
    is_one_of(&FIELDS, name)
}

/// True for a word that anybody might have put into that field.
pub(super) fn is_value_word(field: &[u8], word: &[u8]) -> bool {
    let are_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let is_number = match word.iter().position(|byte| *byte == b'.') {
        // `1.1`, and weights such as `0.85`
        Some(at) => word.len() <= 5 && are_digits(&word[..at]) && are_digits(&word[at + 1..]),
        None if is_one_of(&NUMERIC_FIELDS, field) => {
            word.len() <= LONGEST_NUMBER && are_digits(word)
        }
        None => word.len() <= 3 && are_digits(word),
    };
    // Two letters: a language, a region.
    let is_of_language = is_one_of(&["accept-language", "content-language"], field);
    let is_tag =
        |part: &[u8]| is_of_language && part.len() == 2 && part.iter().all(u8::is_ascii_alphabetic);
    let is_listed = |part: &[u8]| {
        VALUE_WORDS.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(part))
    };
    let is_known = |part: &[u8]| !part.is_empty() && (is_listed(part) || is_tag(part));
    is_number
        || is_known(word)
        || is_one_of(&FIELDS, word)
        || word.len() <= 64 && word.split(|byte| *byte == b'-').all(is_known)
}

/// True for `Sec-WebSocket-Key` and `-Accept`: the key is a nonce that proves that the server read
/// it, and no secret (RFC 6455 §1.3, §10.8); without them nobody could check the finding that most
/// reports are about.
pub(super) fn is_nonce_field(name: &[u8]) -> bool {
    is_one_of(&["sec-websocket-key", "sec-websocket-accept"], name)
}

/// True for the Base64 of as many bytes as that field holds: 16 in a key, 20 of SHA-1 in an Accept.
/// Anything else may have got there by mistake.
pub(super) fn is_nonce(name: &[u8], value: &[u8]) -> bool {
    let length = if is_one_of(&["sec-websocket-key"], name) { 16 } else { 20 };
    decode_key(value).is_some_and(|bytes| bytes.len() == length)
}

/// True for a host with or without a port (RFC 9110 §7.2): what stands behind its colon are digits.
pub(super) fn is_host(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let name = match text[..end].split_last() {
        Some((b':', name)) if text.len() - end <= 5 => name,
        _ => text,
    };
    let in_brackets = |name: &[u8]| match name {
        [b'[', address @ .., b']'] => is_ipv6(address),
        _ => false,
    };
    let is_name = name.iter().all(|b| b.is_ascii_alphanumeric() || b".-_%*".contains(b));
    name.len() <= 253 && (is_name || in_brackets(name) || is_ipv6(text))
}

fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
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
    fn of_values_the_known_words_stay() {
        let of = |field: &str, value: &str| {
            let words = value.as_bytes().split(|byte| VALUE_SEPARATORS.contains(byte));
            let mut words = words.filter(|word| !word.is_empty());
            words.all(|word| is_value_word(field.as_bytes(), word))
        };
        for (field, value) in [
            ("upgrade", "websocket, h2c"),
            ("connection", "keep-alive, Upgrade, HTTP2-Settings"),
            ("accept", "text/html,application/xhtml+xml;q=0.9,image/avif,*/*;q=0.8"),
            ("accept-language", "de-DE,de;q=0.9,en-US;q=0.8"),
            ("date", "Tue, 25 Nov 2025 10:08:20 GMT"),
            ("cache-control", "max-age=31536000, must-revalidate"),
            ("content-type", "text/html; charset=utf-8"),
            ("via", "1.1 varnish"),
            ("sec-websocket-version", "13, 8, 7"),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert!(of(field, value), "{field}: {value}");
        }
        for (field, value) in [
            ("upgrade", "hunter2"),
            ("connection", "a-b-c-d-e-f"),
            ("sec-websocket-version", "4711"),
            ("via", "1.1 internal.example.com"),
            ("date", "hunter2"),
            ("content-type", "multipart/form-data; boundary=hunter2"),
            ("accept-language", "hu-nt-er2"),
        ] {
            assert!(!of(field, value), "{field}: {value}");
        }
    }

    #[test]
    fn a_host_has_a_port_behind_its_colon_and_no_password() {
        for host in ["example.com", "a:80", "[::1]:8080", "::1", "127.0.0.1", "*", "", "a:"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for other in ["user:hunter2", "ab:cafe", "a:b:80", "a b", "user:4711471147"] {
            assert!(!is_host(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn only_what_looks_like_a_nonce_is_shown_as_one() {
        assert!(is_nonce(b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_nonce(b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for other in [&b"hunter2"[..], b"aHVudGVyMg==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b""] {
            assert!(!is_nonce(b"Sec-WebSocket-Key", other), "{other:?}");
        }
        assert!(is_extension(b"permessage-deflate; client_max_window_bits=15"));
        assert!(!is_extension(b"permessage-deflate; session=hunter2"));
    }
}
