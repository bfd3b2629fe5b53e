//! Faults of compression (PMD) that frames show.

use super::{EXPLAINED, Fault};
use crate::build::{Conversation, Deflater, Frame};
use crate::said::Endpoint;
use crate::websocket::Opcode;

/// "Hello", compressed (RFC 7692 §7.2.3.1).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
const RSV1: u8 = 4;

/// Compression is agreed on; the speaker adds this compressed message.
fn compressed(c: &mut Conversation, opcode: Opcode, payload: &[u8]) -> usize {
    c.agree("permessage-deflate");
    let frame = c.spoken(opcode, payload).with_rsv(RSV1);
    c.add(frame)
}

/// The same, and it is fatal.
fn fatal(c: &mut Conversation, payload: &[u8], code: u16) {
    let index = compressed(c, Opcode::Text, payload);
    c.fail(index, code);
}

/// Compression is agreed on with that parameter; the last of these messages does not obey it.
fn windowed(c: &mut Conversation, parameter: &str, messages: &[&[u8]]) {
    c.agree(&format!("permessage-deflate; {parameter}"));
    let mut last = 0;
    for message in messages {
        let frame = c.spoken(Opcode::Text, message).with_rsv(RSV1);
        last = c.add(frame);
    }
    c.fail(last, 1002);
}

/// Adds a frame and fails the connection.
fn fatal_frame(c: &mut Conversation, frame: Frame) {
    let index = c.add(frame);
    c.fail(index, 1002);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::conversation("PMD-RSV1-UNNEGOTIATED", "compressed, though the server declined", |c| {
        c.speaker = Endpoint::Server;
        c.request().set("Sec-WebSocket-Extensions", "permessage-deflate");
        let frame = c.spoken(Opcode::Text, HELLO).with_rsv(RSV1);
        fatal_frame(c, frame);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-RSV1-CONTINUATION", "RSV1 is 1 in a continuation", |c| {
        c.agree("permessage-deflate");
        let start = c.spoken(Opcode::Text, &HELLO[..3]).with_rsv(RSV1).with_fin(false);
        c.add(start);
        let end = c.spoken(Opcode::Continuation, &HELLO[3..]).with_rsv(RSV1);
        fatal_frame(c, end);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-RSV1-CONTROL", "RSV1 is 1 in a Ping", |c| {
        c.agree("permessage-deflate");
        let ping = c.spoken(Opcode::Ping, b"").with_rsv(RSV1);
        fatal_frame(c, ping);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-INFLATE-ERROR", "a zlib header and checksum around the data", |c| {
        fatal(c, b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5", 1002);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-TAIL-NOT-STRIPPED", "00 00 ff ff left in the message", |c| {
        let whole = [HELLO, b"\x00\x00\xff\xff"].concat();
        fatal(c, &whole, 1002);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-FRAGMENT-TAIL-STRIPPED", "each fragment flushed and its tail taken", |c| {
        c.agree("permessage-deflate");
        let start = c.spoken(Opcode::Text, b"\xf2\x48\x05\x00").with_rsv(RSV1).with_fin(false);
        c.add(start);
        let end = c.spoken(Opcode::Continuation, b"\xca\xc9\xc9\x07\x00");
        fatal_frame(c, end);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-CONTEXT-TAKEOVER", "a copy from a message that was to be forgotten", |c| {
        let parameter = format!("{}_no_context_takeover", c.speaker);
        windowed(c, &parameter, &[HELLO, b"\xf2\x00\x11\x00\x00"]);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-WINDOW-EXCEEDED", "a copy from 1205 bytes back, the window has 1024", |c| {
        let parameter = format!("{}_max_window_bits=10", c.speaker);
        let far = format!("Hello{}Hello!", ".".repeat(1200));
        let payload = Deflater::default().deflate(far.as_bytes());
        windowed(c, &parameter, &[&payload]);
    })
    .also(&[EXPLAINED]),
    Fault::frames("PMD-BFINAL-TRAILER", "a final block without 00 behind it", |c| {
        compressed(c, Opcode::Text, b"\xf3\x48\xcd\xc9\xc9\x07\x00");
    }),
    Fault::frames("PMD-EMPTY-PAYLOAD", "a compressed message of no bytes", |c| {
        compressed(c, Opcode::Text, b"");
    }),
    Fault::frames("PMD-BOMB-RATIO", "3 MiB of zeros in 3 kB", |c| {
        let payload = Deflater::default().deflate(&vec![0; 3 << 20]);
        compressed(c, Opcode::Binary, &payload);
    }),
    Fault::frames("PMD-UNCOMPRESSED-OK", "a dozen long texts, none compressed", |c| {
        c.agree("permessage-deflate");
        for _ in 0..12 {
            let text = c.spoken(Opcode::Text, "uncompressed text ".repeat(6).as_bytes());
            c.add(text);
        }
    }),
    Fault::frames("PMD-EXPANDED", "a dozen texts in stored blocks", |c| {
        for _ in 0..12 {
            compressed(c, Opcode::Text, b"\x00\x05\x00\xfa\xffHello\x00");
        }
    }),
];
