//! Faults of control frames (CTL).

use super::{EXPLAINED, Fault};
use crate::build::{Conversation, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;

/// The peer of the speaker says something, so that it is seen to be there.
fn peer_says(c: &mut Conversation, opcode: Opcode, payload: &[u8], after: i64) {
    let peer = c.speaker.peer();
    let frame = c.frame(peer, opcode, payload);
    let index = c.before_close();
    c.insert(index, peer, What::Frame(frame), after);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::frames("CTL-FRAGMENTED", "a Ping with FIN 0", |c| {
        let index = c.change(Opcode::Ping, b"Hi", |ping| ping.with_fin(false));
        c.fail(index, 1002);
    })
    .also(&[EXPLAINED]),
    Fault::frames("CTL-TOO-LONG", "a Ping of 126 bytes", |c| {
        let index = c.change(Opcode::Ping, b"", |ping| {
            let mut payload = ping.payload.clone();
            payload.resize(126, b'x');
            ping.with_payload(&payload)
        });
        c.fail(index, 1002);
    })
    .also(&[EXPLAINED]),
    Fault::conversation("CTL-PING-UNANSWERED", "a Ping without a Pong for 30 seconds", |c| {
        c.speaker = Endpoint::Server;
        let ping = c.spoken(Opcode::Ping, b"2");
        c.add(ping);
        peer_says(c, Opcode::Text, b"data", 30 * SECOND);
        let text = c.spoken(Opcode::Text, b"data");
        c.add(text);
    }),
    Fault::conversation("CTL-PONG-PAYLOAD", "a Pong with another payload than its Ping", |c| {
        c.speaker = Endpoint::Client;
        peer_says(c, Opcode::Ping, b"abc", SECOND);
        let pong = c.spoken(Opcode::Pong, b"");
        c.add(pong);
        peer_says(c, Opcode::Text, b"data", 30 * SECOND);
    }),
    Fault::conversation("CTL-PONG-UNSOLICITED", "a Pong that nobody asked for", |c| {
        let pong = c.spoken(Opcode::Pong, b"beat");
        c.add(pong);
    }),
    Fault::conversation("CTL-PONG-DUPLICATE", "two Pongs to one Ping", |c| {
        peer_says(c, Opcode::Ping, b"7", SECOND);
        for _ in 0..2 {
            let pong = c.spoken(Opcode::Pong, b"7");
            c.add(pong);
        }
    }),
    Fault::frames("CTL-AFTER-CLOSE", "a Ping behind the own Close", |c| {
        let index = c.before_close();
        c.cut(index);
        let close = c.spoken(Opcode::Close, &1000u16.to_be_bytes());
        c.push(c.speaker, What::Frame(close), 1_000_000);
        let ping = c.spoken(Opcode::Ping, b"x");
        c.push(c.speaker, What::Frame(ping), 100_000);
        if !c.alone {
            let peer = c.speaker.peer();
            let answer = c.frame(peer, Opcode::Close, &1000u16.to_be_bytes());
            c.push(peer, What::Frame(answer), 1_000_000);
            c.end_tcp(Endpoint::Server);
        }
    }),
    Fault::conversation("CTL-PONG-DELAY", "a Pong after four busy seconds", |c| {
        peer_says(c, Opcode::Ping, b"8", SECOND);
        let text = c.spoken(Opcode::Text, b"busy");
        c.add(text);
        let pong = c.spoken(Opcode::Pong, b"8");
        c.add_after(pong, 4 * SECOND);
    }),
];
