//! Faults of the closing handshake (CLS).

use super::{EXPLAINED, Fault};
use crate::build::{Conversation, Frame, MILLISECOND, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;

/// The conversation is cut where it would close.
fn open_end(c: &mut Conversation) {
    let index = c.before_close();
    c.cut(index);
}

fn says(c: &mut Conversation, from: Endpoint, frame: Frame, after: i64) {
    c.push(from, What::Frame(frame), after);
}

/// The speaker's Close has this body, and fails the connection with 1002.
fn body(c: &mut Conversation, body: &[u8]) {
    close(c, body, 1002);
}

/// The speaker closes with this body; the other end answers with that code, and TCP ends.
fn close(c: &mut Conversation, body: &[u8], answer: u16) {
    open_end(c);
    let (own, peer) = (c.speaker, c.speaker.peer());
    let frame = c.spoken(Opcode::Close, body);
    says(c, own, frame, 20 * MILLISECOND);
    if !c.alone {
        let frame = c.frame(peer, Opcode::Close, &answer.to_be_bytes());
        says(c, peer, frame, 2 * MILLISECOND);
        c.end_tcp(Endpoint::Server);
    }
}

/// The same with a code that is answered with itself.
fn code(c: &mut Conversation, number: u16) {
    close(c, &number.to_be_bytes(), number);
}

/// Both Closes, but not the end of TCP.
fn both_close(c: &mut Conversation, first: Endpoint, between: i64) {
    open_end(c);
    let body = 1000u16.to_be_bytes();
    for (from, after) in [(first, 20 * MILLISECOND), (first.peer(), between)] {
        let frame = c.frame(from, Opcode::Close, &body);
        says(c, from, frame, after);
    }
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::frames("CLS-BODY-LEN-1", "a Close with one byte", |c| body(c, &[3])).also(&[EXPLAINED]),
    Fault::frames("CLS-CODE-PSEUDO", "Close 1006", |c| body(c, &1006u16.to_be_bytes()))
        .also(&[EXPLAINED]),
    Fault::frames("CLS-CODE-1004", "Close 1004", |c| body(c, &1004u16.to_be_bytes()))
        .also(&[EXPLAINED]),
    Fault::frames("CLS-CODE-LOW", "Close 0", |c| body(c, &0u16.to_be_bytes())).also(&[EXPLAINED]),
    Fault::frames("CLS-CODE-UNASSIGNED", "Close 1016", |c| code(c, 1016)),
    Fault::frames("CLS-CODE-HIGH", "Close 59395: 1000 with its bytes swapped", |c| {
        body(c, &1000u16.to_le_bytes());
    })
    .also(&[EXPLAINED]),
    Fault::frames("CLS-CODE-3XXX", "Close 3999", |c| code(c, 3999)),
    Fault::frames("CLS-REASON-UTF8", "a reason in Latin-1", |c| {
        close(c, b"\x03\xe8caf\xe9", 1000);
    }),
    Fault::frames("CLS-DATA-AFTER-CLOSE", "a text behind the own Close", |c| {
        open_end(c);
        let (own, peer) = (c.speaker, c.speaker.peer());
        let frame = c.spoken(Opcode::Close, &1000u16.to_be_bytes());
        says(c, own, frame, 20 * MILLISECOND);
        let frame = c.spoken(Opcode::Text, b"bye");
        says(c, own, frame, MILLISECOND / 10);
        if !c.alone {
            let frame = c.frame(peer, Opcode::Close, &1000u16.to_be_bytes());
            says(c, peer, frame, 2 * MILLISECOND);
            c.end_tcp(Endpoint::Server);
        }
    }),
    Fault::conversation("CLS-NOT-ANSWERED", "the client ends TCP instead of an answer", |c| {
        open_end(c);
        let frame = c.frame(Endpoint::Server, Opcode::Close, &1001u16.to_be_bytes());
        says(c, Endpoint::Server, frame, 20 * MILLISECOND);
        c.end_tcp(Endpoint::Client);
    }),
    Fault::conversation("CLS-NO-CLOSE-FRAME", "a reset and no Close", |c| {
        open_end(c);
        c.push(Endpoint::Server, What::Reset, 20 * MILLISECOND);
    }),
    Fault::frames("CLS-DUPLICATE", "two Closes of one endpoint", |c| {
        open_end(c);
        let (own, peer) = (c.speaker, c.speaker.peer());
        for after in [20 * MILLISECOND, MILLISECOND / 10] {
            let frame = c.spoken(Opcode::Close, &1000u16.to_be_bytes());
            says(c, own, frame, after);
        }
        if !c.alone {
            let frame = c.frame(peer, Opcode::Close, &1000u16.to_be_bytes());
            says(c, peer, frame, 2 * MILLISECOND);
            c.end_tcp(Endpoint::Server);
        }
    }),
    Fault::conversation("CLS-SERVER-CLOSES-TCP-FIRST", "the client ends TCP first", |c| {
        both_close(c, Endpoint::Server, 2 * MILLISECOND);
        c.end_tcp(Endpoint::Client);
    }),
    Fault::conversation("CLS-SERVER-LINGERS", "TCP stays open for ten seconds", |c| {
        both_close(c, Endpoint::Client, 2 * MILLISECOND);
        c.push(Endpoint::Client, What::Fin, 10 * SECOND);
        c.push(Endpoint::Server, What::Fin, 2 * MILLISECOND);
    }),
    Fault::conversation("CLS-RST", "TCP is reset after a clean close", |c| {
        both_close(c, Endpoint::Client, 2 * MILLISECOND);
        c.push(Endpoint::Server, What::Reset, 2 * MILLISECOND);
    }),
    Fault::frames("CLS-TRAILING-BYTES", "CR LF behind the Close", |c| {
        open_end(c);
        let (own, peer) = (c.speaker, c.speaker.peer());
        let frame = c.spoken(Opcode::Close, &1000u16.to_be_bytes());
        let bytes = [&frame.bytes()[..], b"\r\n"].concat();
        c.push(own, What::Bytes(bytes), 20 * MILLISECOND);
        if !c.alone {
            let frame = c.frame(peer, Opcode::Close, &1000u16.to_be_bytes());
            says(c, peer, frame, 2 * MILLISECOND);
            c.end_tcp(Endpoint::Server);
        }
    }),
    Fault::conversation("CLS-SLOW", "the answer to a Close takes eight seconds", |c| {
        both_close(c, Endpoint::Client, 8 * SECOND);
        c.end_tcp(Endpoint::Server);
    }),
    Fault::conversation("CLS-CODE-ECHO", "4001 answered with 1000", |c| {
        close(c, &4001u16.to_be_bytes(), 1000);
    })
    .given(&[EXPLAINED]),
    Fault::frames("CLS-1010-FROM-SERVER", "Close 1010 from the server", |c| code(c, 1010))
        .also(&[EXPLAINED]),
    Fault::frames("CLS-SERVER-CODE-FROM-CLIENT", "Close 1012 from the client", |c| code(c, 1012))
        .also(&[EXPLAINED]),
    Fault::conversation("CLS-CODE-FITS-CAUSE", "text that is not UTF-8, closed with 1000", |c| {
        c.speaker = Endpoint::Server;
        let index = c.change(Opcode::Text, b"", |frame| frame.with_payload(b"\xff"));
        c.fail(index, 1000);
    })
    .given(&[("UTF-INVALID-BYTE", "the cause that the code does not fit")]),
    Fault::frames("CLS-EXPLAIN", "Close 1009: a message was too big", |c| code(c, 1009)),
    Fault::frames("CLS-NO-STATUS", "a Close without a code", |c| {
        close(c, &[], 1000);
    }),
];
