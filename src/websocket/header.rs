//! The header fields that an opening handshake meets: what each is for (RFC 6455 §4.3, §11.3).
//! A table of words; how a field is read and judged stands elsewhere.

/// A header field.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name, as the RFC spells it.
    pub name: &'static str,
    /// What it says in a request, in a few words; none if it does not belong there.
    pub in_request: Option<&'static str>,
    /// What it says in a response.
    pub in_response: Option<&'static str>,
    /// Where it is defined.
    pub section: &'static str,
    /// The opening handshake gives it a meaning of its own.
    pub of_handshake: bool,
}

/// What a request can't do without (RFC 6455 §4.1).
pub const REQUIRED_IN_REQUEST: [&str; 5] =
    ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"];

/// What a 101 can't do without (RFC 6455 §4.2.2).
pub const REQUIRED_IN_101: [&str; 3] = ["Upgrade", "Connection", "Sec-WebSocket-Accept"];

/// The header of that name; ASCII case does not matter.
pub fn find(name: &[u8]) -> Option<&'static Header> {
    ALL.iter().find(|header| header.name.as_bytes().eq_ignore_ascii_case(name))
}

/// True if a value was visibly taken out by whoever shared the text: `...`, `<redacted>`, `xxxx`,
/// `***`, or a part of it so marked.
pub fn is_redacted(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let lower = text.trim().to_ascii_lowercase();
    let is_filler = |c: char| matches!(c, '.' | '*' | 'x' | '#' | '-' | '_' | '•' | '…' | '█');
    let words = ["redacted", "removed", "censored", "omitted", "elided", "hidden", "snip"];
    let is_filled = lower.chars().count() >= 3 && lower.chars().all(is_filler);
    let is_bracketed = [('<', '>'), ('[', ']'), ('{', '}')]
        .iter()
        .any(|(open, close)| lower.starts_with(*open) && lower.ends_with(*close))
        && !lower.contains(' ');
    let is_cut = lower.contains("...") || lower.contains("***") || lower.contains(['…', '•', '█']);
    is_filled || is_bracketed || is_cut || words.iter().any(|word| lower.contains(word))
}

const fn handshake(
    name: &'static str,
    in_request: Option<&'static str>,
    in_response: Option<&'static str>,
    section: &'static str,
) -> Header {
    Header { name, in_request, in_response, section, of_handshake: true }
}

const fn request(name: &'static str, about: &'static str, section: &'static str) -> Header {
    Header { name, in_request: Some(about), in_response: None, section, of_handshake: false }
}

const fn response(name: &'static str, about: &'static str, section: &'static str) -> Header {
    Header { name, in_request: None, in_response: Some(about), section, of_handshake: false }
}

const fn both(
    name: &'static str,
    in_request: &'static str,
    in_response: &'static str,
    section: &'static str,
) -> Header {
    Header {
        name,
        in_request: Some(in_request),
        in_response: Some(in_response),
        section,
        of_handshake: false,
    }
}

/// The headers, those of the handshake first.
pub static ALL: &[Header] = &[
    handshake("Host", Some("who is asked"), None, "9110 §7.2"),
    handshake(
        "Upgrade",
        Some("what to switch to"),
        Some("what is spoken from here on"),
        "9110 §7.8",
    ),
    handshake(
        "Connection",
        Some("what holds for this hop only"),
        Some("what holds for this hop only"),
        "9110 §7.6.1",
    ),
    handshake("Sec-WebSocket-Key", Some("16 random bytes in Base64"), None, "6455 §11.3.1"),
    handshake(
        "Sec-WebSocket-Version",
        Some("the version of the protocol"),
        Some("the versions the server speaks"),
        "6455 §11.3.5",
    ),
    handshake("Sec-WebSocket-Accept", None, Some("the proof that it read the key"), "6455 §11.3.3"),
    handshake(
        "Sec-WebSocket-Protocol",
        Some("subprotocols, best first"),
        Some("the subprotocol chosen"),
        "6455 §11.3.4",
    ),
    handshake(
        "Sec-WebSocket-Extensions",
        Some("extensions offered"),
        Some("extensions agreed"),
        "6455 §11.3.2",
    ),
    handshake("Origin", Some("which site's script asks"), None, "6455 §4.1"),
    both("Transfer-Encoding", "how the body is coded", "how the body is coded", "9112 §6.1"),
    both("Content-Length", "length of the body", "length of the body", "9110 §8.6"),
    both("Content-Type", "what the body is", "what the body is", "9110 §8.3"),
    both("Cache-Control", "do not answer from a cache", "who may keep the answer", "9111 §5.2"),
    both("Pragma", "the same for HTTP/1.0", "the same for HTTP/1.0", "9111 §5.4"),
    both("Via", "proxies on the way here", "proxies on the way back", "9110 §7.6.3"),
    both("Date", "when it was sent", "when it was sent", "9110 §6.6.1"),
    both("Keep-Alive", "for plain HTTP only", "for plain HTTP only", "9112 §C.2.2"),
    both("DNT", "do not track", "tracking status", "W3C"),
    request("User-Agent", "which program asks", "9110 §10.1.5"),
    request("Accept", "media types, of no use here", "9110 §12.5.1"),
    request("Accept-Encoding", "about bodies, of no use here", "9110 §12.5.3"),
    request("Accept-Language", "the reader's languages", "9110 §12.5.4"),
    request("Authorization", "credentials", "9110 §11.6.2"),
    request("Proxy-Authorization", "credentials for a proxy", "9110 §11.7.2"),
    request("Proxy-Connection", "not a standard header", "9112 §C.2.2"),
    request("Cookie", "what the server had set", "6265 §5.4"),
    request("Expect", "asks for an interim answer", "9110 §10.1.1"),
    request("Referer", "the page it comes from", "9110 §10.1.3"),
    request("Forwarded", "whom a proxy asks for", "7239 §4"),
    request("X-Forwarded-For", "whom a proxy asks for", "no RFC; see 7239"),
    request("X-Forwarded-Proto", "how the proxy was asked", "no RFC; see 7239"),
    request("X-Forwarded-Host", "who the proxy was", "no RFC; see 7239"),
    request("X-Real-IP", "whom a proxy asks for", "no RFC; see 7239"),
    request("Sec-Fetch-Dest", "a browser asks for a WebSocket", "W3C Fetch Metadata"),
    request("Sec-Fetch-Mode", "a browser asks for a WebSocket", "W3C Fetch Metadata"),
    request("Sec-Fetch-Site", "how near the asking site is", "W3C Fetch Metadata"),
    request("Sec-GPC", "do not sell or share", "W3C"),
    request("HTTP2-Settings", "for an upgrade to HTTP/2", "7540 §3.2.1"),
    response("Server", "which program answers", "9110 §10.2.4"),
    response("X-Powered-By", "which program answers", "no RFC"),
    response("Location", "where to go instead", "9110 §10.2.2"),
    response("Retry-After", "when to come back", "9110 §10.2.3"),
    response("WWW-Authenticate", "which credentials are wanted", "9110 §11.6.1"),
    response("Proxy-Authenticate", "which credentials the proxy wants", "9110 §11.7.1"),
    response("Allow", "the methods it takes", "9110 §10.2.1"),
    response("Set-Cookie", "to be sent next time", "6265 §5.2"),
    response("Age", "how long a cache had it", "9111 §5.1"),
    response("ETag", "the version of the body", "9110 §8.8.3"),
    response("Last-Modified", "when the body changed", "9110 §8.8.2"),
    response("Expires", "how long a cache may keep it", "9111 §5.3"),
    response("Vary", "what the answer depends on", "9110 §12.5.5"),
    response("Alt-Svc", "where else the server is", "7838 §3"),
    response("Content-Encoding", "how the body is packed", "9110 §8.4"),
    response("Strict-Transport-Security", "use TLS from now on", "6797 §6.1"),
    response("Access-Control-Allow-Origin", "CORS does not concern WebSocket", "Fetch §3.2"),
    response("Access-Control-Allow-Credentials", "CORS does not concern WebSocket", "Fetch §3.2"),
    response("Access-Control-Allow-Headers", "CORS does not concern WebSocket", "Fetch §3.2"),
    response("CF-RAY", "Cloudflare passed it on", "no RFC"),
    response("X-Cache", "a cache passed it on", "no RFC"),
    both(
        "Sec-WebSocket-Origin",
        "Origin, as drafts until 10 called it",
        "a draft of 2010",
        "hixie-76",
    ),
    response("Sec-WebSocket-Location", "a draft of 2010", "hixie-76"),
    response("WebSocket-Origin", "a draft of 2009", "hixie-75"),
    response("WebSocket-Location", "a draft of 2009", "hixie-75"),
    request("Sec-WebSocket-Key1", "a draft of 2010", "hixie-76"),
    request("Sec-WebSocket-Key2", "a draft of 2010", "hixie-76"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_was_taken_out_is_recognised_and_a_real_one_is_not() {
        for value in ["...", "<redacted>", "xxxxxxxx", "[key]", "dGhl...", "***", "REDACTED", "…"]
        {
            assert!(is_redacted(value.as_bytes()), "{value}");
        }
        for value in ["dGhlIHNhbXBsZSBub25jZQ==", "13", "", "x", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="] {
            assert!(!is_redacted(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn every_required_header_is_in_the_table_with_its_role() {
        let role = |name: &str| find(name.as_bytes()).expect("it is in the table");
        assert!(REQUIRED_IN_REQUEST.iter().all(|name| role(name).in_request.is_some()));
        assert!(REQUIRED_IN_101.iter().all(|name| role(name).in_response.is_some()));
    }
}
