//! Faults of framing, masking and fragmentation (FRM, MSK, FRG).

use super::{EXPLAINED, Fault, NO_CLOSE};
use crate::build::{Conversation, Frame, LengthForm, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::mask::{MaskingKey, mask};

/// The speaker's text is changed, and the connection fails.
fn text(c: &mut Conversation, change: impl FnOnce(Frame) -> Frame) {
    let index = c.change(Opcode::Text, b"Hello", change);
    c.fail(index, 1002);
}

/// The client sends texts with these keys.
fn keys(c: &mut Conversation, keys: &[MaskingKey]) {
    for key in keys {
        let frame = c.spoken(Opcode::Text, b"Hello").with_key(Some(*key));
        c.add(frame);
    }
}

/// The client sends texts with these keys and nothing else, until the server has enough of it.
fn only_keys(c: &mut Conversation, of_frames: &[MaskingKey]) {
    let index = c.opened();
    c.cut(index);
    keys(c, of_frames);
    c.close(Endpoint::Server, 1008);
}

/// Nothing but the end of TCP follows; the speaker's first.
fn break_off(c: &mut Conversation, index: usize) {
    c.cut(index + 1);
    let speaker = c.speaker;
    c.end_tcp(speaker);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::frames("FRM-RSV-UNNEGOTIATED", "RSV2 is 1", |c| text(c, |frame| frame.with_rsv(2)))
        .also(&[EXPLAINED]),
    Fault::frames("FRM-OPCODE-RESERVED", "opcode 0x3", |c| {
        text(c, |mut frame| {
            frame.header.first = frame.header.first & 0xf0 | 0x3;
            frame
        });
    })
    .also(&[EXPLAINED]),
    Fault::frames("FRM-LEN-MINIMAL-16", "a short length in 16 bits", |c| {
        text(c, |frame| frame.with_form(LengthForm::Sixteen));
    })
    .also(&[EXPLAINED]),
    Fault::frames("FRM-LEN-MINIMAL-64", "a short length in 64 bits", |c| {
        text(c, |frame| frame.with_form(LengthForm::SixtyFour));
    })
    .also(&[EXPLAINED]),
    Fault::frames("FRM-LEN-MSB", "the highest bit of a 64-bit length is 1", |c| {
        text(c, |mut frame| {
            frame = frame.with_form(LengthForm::SixtyFour);
            frame.header.payload_length |= 1 << 63;
            frame
        });
    })
    .given(&[EXPLAINED]),
    Fault::conversation("FRM-LEN-BYTE-ORDER", "a 16-bit length with its bytes swapped", |c| {
        let mut frame = c.spoken(Opcode::Binary, &[0x5a; 128]);
        frame.header.payload_length = u64::from(128u16.swap_bytes());
        let index = c.add(frame);
        break_off(c, index);
    })
    .also(&[NO_CLOSE]),
    Fault::conversation("FRM-TRUNCATED", "half a frame, and the end of TCP", |c| {
        let bytes = c.spoken(Opcode::Text, b"Hello, everybody").bytes();
        let index = c.before_close();
        c.insert(index, c.speaker, What::Bytes(bytes[..bytes.len() / 2].to_vec()), 10_000_000);
        break_off(c, index);
    })
    .also(&[NO_CLOSE]),
    Fault::conversation("FRM-TOLERATED", "two seconds after a fatal frame nobody minds", |c| {
        c.speaker = Endpoint::Client;
        let index = c.change(Opcode::Text, b"Hello", |frame| frame.with_key(None));
        c.delay(index + 1, 2 * SECOND);
        let answer = c.frame(Endpoint::Server, Opcode::Text, b"Hello to you");
        c.insert(index + 1, Endpoint::Server, What::Frame(answer), 2 * SECOND);
    })
    .given(&[("MSK-CLIENT-UNMASKED", "the frame that should have been fatal")]),
    Fault::conversation("FRM-DATA-BEFORE-OPEN", "a frame of the server before its 101", |c| {
        let frame = c.frame(Endpoint::Server, Opcode::Text, b"hi");
        let index = c.opened() - 1;
        c.insert(index, Endpoint::Server, What::Frame(frame), 100_000);
        c.hang_up(Endpoint::Client);
    })
    .also(&[("CAP-NO-HANDSHAKE", "no 101 stands before the frame")]),
    Fault::frames("MSK-CLIENT-UNMASKED", "a client's frame without a mask", |c| {
        text(c, |frame| frame.with_key(None));
    })
    .also(&[EXPLAINED]),
    Fault::frames("MSK-SERVER-MASKED", "a server's frame with a mask", |c| {
        let key = c.numbers.masking_key();
        text(c, |frame| frame.with_key(Some(key)));
    })
    .also(&[EXPLAINED]),
    Fault::frames("MSK-ZERO-KEY", "a masking key of zeros, twice", |c| keys(c, &[[0; 4]; 2])),
    Fault::frames("MSK-CONSTANT-KEY", "the same masking key in each frame", |c| {
        only_keys(c, &[[0x37, 0xfa, 0x21, 0x3d]; 4]);
    })
    .also(&[EXPLAINED]),
    Fault::frames("MSK-REUSED-KEY", "a masking key used again", |c| {
        let key = c.numbers.masking_key();
        let other = c.numbers.masking_key();
        keys(c, &[key, key, other]);
    }),
    Fault::frames("MSK-PREDICTABLE-KEY", "masking keys that count", |c| {
        only_keys(c, &[1u32, 2, 3, 4].map(u32::to_be_bytes));
    })
    .also(&[EXPLAINED]),
    Fault::frames("MSK-WIRE-LOOKS-HTTP", "masked bytes that spell a request", |c| {
        let mut frame = c.spoken(Opcode::Binary, b"GET /index.html HTTP/1.1\r\n");
        if let Some(key) = frame.header.masking_key {
            mask(&mut frame.payload, key, 0);
        }
        c.add(frame);
    }),
    Fault::frames("FRG-CONT-WITHOUT-START", "a continuation of nothing", |c| {
        let frame = c.spoken(Opcode::Continuation, b"lo");
        let index = c.add(frame);
        c.fail(index, 1002);
    })
    .also(&[EXPLAINED]),
    Fault::frames("FRG-INTERLEAVED", "a message within another", |c| {
        let start = c.spoken(Opcode::Text, b"Hel").with_fin(false);
        c.add(start);
        let frame = c.spoken(Opcode::Text, b"again");
        let index = c.add(frame);
        c.fail(index, 1002);
    })
    .also(&[EXPLAINED, ("FRG-UNFINISHED", "the connection fails within the first message")]),
    Fault::frames("FRG-UNFINISHED", "a Close in the middle of a message", |c| {
        let start = c.spoken(Opcode::Text, b"Hel").with_fin(false);
        let index = c.add(start);
        c.cut(index + 1);
        let close = c.spoken(Opcode::Close, &1000u16.to_be_bytes());
        c.push(c.speaker, What::Frame(close), 1_000_000);
        if !c.alone {
            let answer = c.frame(c.speaker.peer(), Opcode::Close, &1000u16.to_be_bytes());
            c.push(c.speaker.peer(), What::Frame(answer), 1_000_000);
            c.end_tcp(Endpoint::Server);
        }
    }),
    Fault::frames("FRG-FLOOD", "a message with twenty empty fragments", |c| {
        let start = c.spoken(Opcode::Text, b"H").with_fin(false);
        c.add(start);
        for _ in 0..20 {
            let empty = c.spoken(Opcode::Continuation, b"").with_fin(false);
            c.add(empty);
        }
        let end = c.spoken(Opcode::Continuation, b"i");
        c.add(end);
    }),
    Fault::conversation("FRG-STALL", "45 seconds between two fragments", |c| {
        let start = c.spoken(Opcode::Text, b"Hel").with_fin(false);
        c.add(start);
        let end = c.spoken(Opcode::Continuation, b"lo");
        c.add_after(end, 45 * SECOND);
    }),
];
