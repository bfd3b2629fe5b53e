//! Connections on which an end may be gone (LIV): a matter of time.

use super::Fault;
use crate::build::{Conversation, MILLISECOND, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;

/// The conversation begins anew behind the handshake, without a heartbeat: a text each.
fn greet(c: &mut Conversation) {
    let index = c.opened();
    c.cut(index);
    for from in [Endpoint::Client, Endpoint::Server] {
        let frame = c.frame(from, Opcode::Text, b"Hello");
        c.push(from, What::Frame(frame), SECOND / 50);
    }
}

/// Pings of the server at that interval, each answered.
fn heartbeat(c: &mut Conversation, count: usize, interval: i64) {
    greet(c);
    for _ in 0..count {
        for (from, opcode, after) in [
            (Endpoint::Server, Opcode::Ping, interval),
            (Endpoint::Client, Opcode::Pong, SECOND / 500),
        ] {
            let frame = c.frame(from, opcode, b"beat");
            c.push(from, What::Frame(frame), after);
        }
    }
    c.close(Endpoint::Client, 1000);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::conversation("LIV-NO-HEARTBEAT", "200 idle seconds without a Ping", |c| {
        greet(c);
        let frame = c.frame(Endpoint::Server, Opcode::Text, b"still there?");
        c.push(Endpoint::Server, What::Frame(frame), 200 * SECOND);
        c.close(Endpoint::Client, 1000);
    }),
    Fault::conversation("LIV-HALF-OPEN", "three Pings that nobody hears", |c| {
        greet(c);
        for _ in 0..3 {
            let ping = c.frame(Endpoint::Server, Opcode::Ping, b"beat");
            c.push(Endpoint::Server, What::Frame(ping), 30 * SECOND);
        }
        c.push(Endpoint::Server, What::Reset, 30 * SECOND);
    }),
    Fault::conversation("LIV-IDLE-CUT", "cut after 60 silent seconds", |c| {
        greet(c);
        c.push(Endpoint::Server, What::Fin, 60 * SECOND);
        c.push(Endpoint::Client, What::Fin, SECOND / 50);
    }),
    Fault::conversation("LIV-HEARTBEAT-TOO-SLOW", "a Ping every 90 seconds", |c| {
        heartbeat(c, 3, 90 * SECOND);
    }),
    Fault::conversation("LIV-HEARTBEAT-TOO-FAST", "a Ping every half second", |c| {
        heartbeat(c, 140, SECOND / 2);
    }),
    Fault::conversation("LIV-PING-RTT", "one Pong of six takes three seconds", |c| {
        heartbeat(c, 6, 20 * SECOND);
        let index = c.opened() + 2 + 2 * 3 + 1;
        c.delay(index, 3 * SECOND);
    })
    .given(&[("CTL-PONG-DELAY", "it is said of the late Pong first")]),
    Fault::conversation("LIV-APP-HEARTBEAT", "a text \"ping\" every 25 seconds", |c| {
        greet(c);
        for _ in 0..5 {
            let frame = c.frame(Endpoint::Server, Opcode::Text, b"ping");
            c.push(Endpoint::Server, What::Frame(frame), 25 * SECOND);
        }
        c.close(Endpoint::Client, 1000);
    }),
    Fault::conversation("LIV-LONG-LIVED", "six minutes with a heartbeat", |c| {
        heartbeat(c, 12, 30 * SECOND);
    }),
    Fault::conversation("LIV-PONG-BLOCKED", "a Pong behind a large frame on a slow line", |c| {
        greet(c);
        let ping = c.frame(Endpoint::Server, Opcode::Ping, b"1");
        c.push(Endpoint::Server, What::Frame(ping), SECOND);
        let large = c.frame(Endpoint::Client, Opcode::Binary, &[7; 128 << 10]).bytes();
        for (part, after) in large.chunks(large.len() / 2 + 1).zip([SECOND / 1000, 6 * SECOND]) {
            c.push(Endpoint::Client, What::Bytes(part.to_vec()), after);
        }
        let pong = c.frame(Endpoint::Client, Opcode::Pong, b"1");
        c.push(Endpoint::Client, What::Frame(pong), SECOND / 1000);
        c.close(Endpoint::Client, 1000);
    }),
    Fault::conversation("LIV-BACKPRESSURE", "the peer takes nothing for five seconds", |c| {
        let (speaker, index) = (c.speaker, c.before_close());
        c.insert(index, speaker, What::Window(0), MILLISECOND);
        c.insert(index + 1, speaker, What::Window(64_240), 5 * SECOND);
    }),
];
