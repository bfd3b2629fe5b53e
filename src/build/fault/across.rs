//! Faults that two connections of one client show side by side.

use super::Fault;
use crate::build::{MILLISECOND, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::accept::accept;

pub(super) static FAULTS: &[Fault] = &[
    Fault::conversation("HS-REQ-KEY-FRESH", "two connections with the same key", |c| {
        let mut again = c.again(SECOND);
        let key = c.request().value("Sec-WebSocket-Key").unwrap_or_default().to_owned();
        again.request().set("Sec-WebSocket-Key", &key);
        again.response().set("Sec-WebSocket-Accept", &accept(key.as_bytes()));
        c.others.push(again);
    }),
    Fault::conversation("HS-REQ-CONCURRENT", "a handshake while another is unanswered", |c| {
        let again = c.again(MILLISECOND);
        c.others.push(again);
    }),
    Fault::conversation("MSK-SEED-REPEAT", "two connections with the same masking keys", |c| {
        let mut again = c.again(SECOND);
        let own = c.acts.iter().map(|act| act.frame().and_then(|frame| frame.header.masking_key));
        for (act, key) in again.acts.iter_mut().zip(own) {
            if let What::Frame(frame) = &mut act.what {
                *frame = frame.clone().with_key(key);
            }
        }
        c.others.push(again);
    }),
    Fault::conversation("SEC-RECONNECT-STORM", "five attempts within a second, all reset", |c| {
        let answer = c.opened() - 1;
        c.cut(answer + 1);
        let mut attempts: Vec<_> =
            (1..5).map(|number| (c.again(number * SECOND / 5), number)).collect();
        for (attempt, number) in &mut attempts {
            attempt.client.set_port(c.client.port() + *number as u16);
            attempt.cut(answer);
            attempt.push(Endpoint::Server, What::Reset, MILLISECOND);
        }
        c.cut(answer);
        c.push(Endpoint::Server, What::Reset, MILLISECOND);
        c.others.extend(attempts.into_iter().map(|(attempt, _)| attempt));
    })
    .given(&[("HS-RES-NO-RESPONSE", "each attempt is reset before it is answered")]),
    Fault::conversation("FRG-PROXY-REFRAMED", "a proxy cuts a compressed message in two", |c| {
        c.agree("permessage-deflate");
        c.speaker = Endpoint::Server;
        let mut behind = c.clone();
        (behind.client, behind.server) =
            (([10, 0, 0, 1], 41000).into(), ([10, 0, 1, 1], 80).into());
        // "Hello" (RFC 7692 §7.2.3.1), whole and in two.
        let text = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let whole = behind.spoken(Opcode::Text, &text);
        behind.add(whole.with_rsv(4));
        let first = c.spoken(Opcode::Text, &text[..3]);
        c.add(first.with_rsv(4).with_fin(false));
        let last = c.spoken(Opcode::Continuation, &text[3..]);
        c.add_after(last, 0);
        c.others.push(behind);
    }),
];
