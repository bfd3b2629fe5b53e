//! Who is the client, when the SYN was not captured, and whether bytes look like a beginning.

use super::places::Side;

/// Methods of HTTP/1.1 (RFC 9110 §9), and the preface of HTTP/2 (RFC 9113 §3.4).
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"OPTIONS ",
    b"DELETE ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI * HTTP/2.0",
];

/// True if the bytes look like the first of a stream, so that nothing is missing before them.
pub(super) fn begins_a_stream(bytes: &[u8]) -> bool {
    is_request(bytes) || is_response(bytes)
}

/// The side that is the client, judged by the first bytes that `side` was seen to say; if they do
/// not tell, the lower port is the server's.
pub(super) fn guess_client(side: Side, first: &[u8], ports: [u16; 2]) -> Side {
    if is_request(first) {
        side
    } else if is_response(first) {
        1 - side
    } else if ports[0] == ports[1] {
        side
    } else {
        usize::from(ports[1] > ports[0])
    }
}

/// An HTTP request, or the ClientHello of TLS (RFC 8446 §4).
fn is_request(bytes: &[u8]) -> bool {
    METHODS.iter().any(|method| bytes.starts_with(method)) || is_hello(bytes, 1)
}

/// The middle of a request line, where a segment may begin, has no space behind the version.
fn is_response(bytes: &[u8]) -> bool {
    let is_status_line =
        bytes.starts_with(b"HTTP/1.") && bytes.get(8).is_none_or(|&byte| byte == b' ');
    is_status_line || is_hello(bytes, 2)
}

/// A TLS record of the handshake, and in it a message of this type.
fn is_hello(bytes: &[u8], message: u8) -> bool {
    matches!(bytes, [0x16, 0x03, _, _, _, found, ..] if *found == message)
}
