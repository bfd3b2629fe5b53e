//! Faults of text (UTF).

use super::{EXPLAINED, Fault};
use crate::build::Conversation;
use crate::websocket::Opcode;

/// These bytes follow the speaker's text, this one if there is none yet, and the connection fails
/// with 1007.
fn text(c: &mut Conversation, text: &[u8], bad: &[u8]) {
    let index = c.change(Opcode::Text, text, |frame| {
        let payload = [&frame.payload, bad].concat();
        frame.with_payload(&payload)
    });
    c.fail(index, 1007);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::frames("UTF-INVALID-BYTE", "the byte ff in a text", |c| text(c, b"Hello ", b"\xff"))
        .also(&[EXPLAINED]),
    Fault::frames("UTF-OVERLONG", "a slash in two bytes", |c| text(c, b"", b"\xc0\xaf"))
        .also(&[EXPLAINED]),
    Fault::frames("UTF-SURROGATE", "an emoji as two halves (CESU-8)", |c| {
        text(c, b"", b"\xed\xa0\xbd\xed\xb8\x80");
    })
    .also(&[EXPLAINED]),
    Fault::frames("UTF-ABOVE-MAX", "a character above U+10FFFF", |c| {
        text(c, b"", b"\xf4\x90\x80\x80")
    })
    .also(&[EXPLAINED]),
    Fault::frames("UTF-TRUNCATED", "half an é at the end", |c| text(c, b"caf", b"\xc3"))
        .also(&[EXPLAINED]),
    Fault::frames("UTF-SPLIT-OK", "an é split across two fragments", |c| {
        let start = c.spoken(Opcode::Text, b"caf\xc3").with_fin(false);
        c.add(start);
        let end = c.spoken(Opcode::Continuation, b"\xa9");
        c.add(end);
    }),
    Fault::handshake("UTF-HANDSHAKE", "an é in a header value", |c| {
        c.request().add("User-Agent", "café");
    }),
    Fault::frames("UTF-BOM", "a byte order mark", |c| {
        let text = c.spoken(Opcode::Text, b"\xef\xbb\xbf{}");
        c.add(text);
    }),
    Fault::frames("UTF-TEXT-IN-BINARY", "JSON in binary messages", |c| {
        for number in 1..=6 {
            let frame = c.spoken(Opcode::Binary, format!("{{\"a\":{number}}}").as_bytes());
            c.add(frame);
        }
    }),
];
