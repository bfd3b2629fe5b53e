//! What a capture may lack (CAP): nobody's fault, and worth a word.

use super::Fault;
use crate::build::{Fate, Head, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;

const NO_HANDSHAKE: &str = "without its beginning a connection has no handshake";

pub(super) static FAULTS: &[Fault] = &[
    Fault::conversation("CAP-NO-HANDSHAKE", "the capture begins behind the handshake", |c| {
        // TCP's three, and for each head a packet and its acknowledgment.
        c.missed = 3 + 2 * c.opened();
    }),
    Fault::conversation("CAP-GAP", "a packet with a message is missing", |c| {
        let text = c.spoken(Opcode::Text, b"lost on the way");
        let index = c.add(text);
        c.acts[index].fate = Fate::Lost;
        let text = c.spoken(Opcode::Text, b"and found");
        c.add(text);
    }),
    Fault::conversation("CAP-SNAPLEN", "packets are cut after 400 bytes", |c| {
        c.snap = Some(400);
        let frame = c.spoken(Opcode::Binary, &[7; 900]);
        c.add(frame);
    }),
    Fault::conversation("CAP-UNREAD", "a packet is missing, and too little comes behind it", |c| {
        let index = c.before_close();
        c.cut(index);
        let text = c.spoken(Opcode::Text, b"lost on the way");
        let index = c.add(text);
        c.acts[index].fate = Fate::Lost;
        let from = c.speaker;
        c.push(from, What::Bytes(vec![0x81]), SECOND / 100);
        c.end_tcp(from);
    })
    .given(&[("CAP-GAP", "nothing is looked for where nothing is missing")]),
    Fault::conversation("CAP-ENDED-EARLY", "the capture ends in the middle", |c| {
        let index = c.before_close();
        c.cut(index);
    }),
    Fault::conversation("CAP-RETRANSMISSION", "a packet with a message is sent twice", |c| {
        let text = c.spoken(Opcode::Text, b"said once, sent twice");
        let index = c.add(text);
        c.acts[index].fate = Fate::Twice;
    }),
    Fault::conversation("CAP-DIRECTION", "no handshake, and one end masks now and then", |c| {
        let index = c.opened();
        for act in &mut c.acts[..index] {
            act.fate = Fate::Lost;
        }
        c.missed = 3 + index;
        c.speaker = Endpoint::Client;
        for number in 0..8 {
            let text = c.spoken(Opcode::Text, format!("line {number}").as_bytes());
            c.add(text);
        }
        let text = c.spoken(Opcode::Text, b"who is who?").with_key(None);
        c.add(text);
    })
    .given(&[("CAP-NO-HANDSHAKE", NO_HANDSHAKE)]),
    Fault::conversation("CAP-PROXY-CONNECT", "a forward proxy is asked to CONNECT", |c| {
        let host = c.request().value("Host").unwrap_or_default().to_owned();
        let mut connect = Head::new(format!("CONNECT {host}:80 HTTP/1.1"));
        connect.add("Host", &format!("{host}:80"));
        let established = Head::new("HTTP/1.1 200 Connection established");
        c.precede(connect, established);
    }),
    Fault::conversation("CAP-KEEPALIVE-PREFIX", "another request comes first", |c| {
        let host = c.request().value("Host").unwrap_or_default().to_owned();
        let mut get = Head::new("GET / HTTP/1.1");
        get.add("Host", &host);
        let mut page = Head::new("HTTP/1.1 200 OK");
        page.add("Content-Length", "0");
        c.precede(get, page);
    }),
    Fault::handshake("CAP-VANTAGE", "a proxy adds X-Forwarded-For", |c| {
        c.request().add("X-Forwarded-For", "203.0.113.5");
    }),
    Fault::conversation("CAP-CLOCK", "the clock is set back by two seconds", |c| {
        c.delay(c.opened(), 5 * SECOND);
        c.set_back = Some((12, 2 * SECOND));
    }),
];
