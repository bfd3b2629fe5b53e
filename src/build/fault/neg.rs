//! Faults in what is negotiated (NEG), and compression's part of it (PMD of the handshake).

use super::{EXPLAINED, Fault};
use crate::build::Conversation;
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::extension::HEADER as EXTENSIONS;

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// A subprotocol is offered, and another answered, which the client does not accept.
fn protocols(c: &mut Conversation, offered: &str, answered: &str) {
    c.request().set(PROTOCOL, offered);
    c.response().set(PROTOCOL, answered);
    c.hang_up(Endpoint::Client);
}

/// Extensions are offered, and others answered, which the client does not accept.
fn extensions(c: &mut Conversation, offered: &str, answered: &str) {
    c.request().set(EXTENSIONS, offered);
    c.response().set(EXTENSIONS, answered);
    c.hang_up(Endpoint::Client);
}

/// Extensions are offered and declined.
fn declined(c: &mut Conversation, offered: &str) {
    c.request().set(EXTENSIONS, offered);
}

const DEFLATE: &str = "permessage-deflate";

pub(super) static FAULTS: &[Fault] = &[
    Fault::handshake("NEG-SUBPROTO-NOT-OFFERED", "mqtt offered, wamp answered", |c| {
        protocols(c, "mqtt", "wamp");
    }),
    Fault::handshake("NEG-SUBPROTO-CASE", "v12.stomp answered in capitals", |c| {
        protocols(c, "v12.stomp", "V12.STOMP");
    }),
    Fault::handshake("NEG-SUBPROTO-SINGLE", "two subprotocols answered", |c| {
        protocols(c, "mqtt, wamp", "mqtt, wamp");
    }),
    Fault::handshake("NEG-SUBPROTO-EMPTY", "an empty subprotocol answered", |c| {
        protocols(c, "mqtt", "");
    }),
    Fault::handshake("NEG-SUBPROTO-SYNTAX", "a subprotocol answered in quotes", |c| {
        protocols(c, "mqtt", "\"mqtt\"");
    }),
    Fault::handshake("NEG-SUBPROTO-NONE-AGREED", "mqtt offered, none answered", |c| {
        c.request().set(PROTOCOL, "mqtt");
    }),
    Fault::handshake("NEG-SUBPROTO-UNREGISTERED", "a subprotocol of one's own", |c| {
        c.request().set(PROTOCOL, "chat.v1");
        c.response().set(PROTOCOL, "chat.v1");
    }),
    Fault::conversation("NEG-SUBPROTO-OPCODE", "MQTT in a text message", |c| {
        protocols(c, "mqtt", "mqtt");
        c.cut(c.opened());
        let connect = b"\x10\x0c\x00\x04MQTT\x04\x02\x00<\x00\x00";
        let frame = c.spoken(Opcode::Text, connect);
        c.add(frame);
        c.close(Endpoint::Client, 1000);
    }),
    Fault::handshake("NEG-EXT-NOT-OFFERED", "an extension answered that nobody offered", |c| {
        c.response().set(EXTENSIONS, DEFLATE);
        c.hang_up(Endpoint::Client);
    }),
    Fault::handshake("NEG-EXT-RESPONSE-SYNTAX", "a parameter without a name", |c| {
        extensions(c, DEFLATE, "permessage-deflate; =15");
    }),
    Fault::handshake("NEG-EXT-RESPONSE-MULTILINE", "two lines of accepted extensions", |c| {
        c.request().set(EXTENSIONS, "permessage-deflate, bbf-usp-protocol");
        c.response().add(EXTENSIONS, DEFLATE);
        c.response().add(EXTENSIONS, "bbf-usp-protocol");
    }),
    Fault::handshake("NEG-EXT-UNREGISTERED", "an extension of one's own offered", |c| {
        declined(c, "x-example-mux");
    }),
    Fault::handshake("NEG-EXT-RSV-CONFLICT", "two extensions that use RSV1", |c| {
        let both = "permessage-deflate, x-webkit-deflate-frame";
        extensions(c, both, both);
    })
    .also(&[("PMD-LEGACY-NAME", "the only other extension that uses RSV1 is a draft's")]),
    Fault::conversation("NEG-EXT-USED-NOT-ACCEPTED", "compressed, though it was declined", |c| {
        declined(c, DEFLATE);
        let index = c.change(Opcode::Text, b"Hello", |frame| {
            frame.with_payload(b"\xf2\x48\xcd\xc9\xc9\x07\x00").with_rsv(4)
        });
        c.fail(index, 1002);
    })
    .also(&[EXPLAINED]),
    Fault::handshake("PMD-OFFER-UNKNOWN-PARAM", "a parameter that does not exist", |c| {
        declined(c, "permessage-deflate; level=9");
    }),
    Fault::handshake("PMD-OFFER-DUP-PARAM", "a parameter offered twice", |c| {
        declined(c, "permessage-deflate; server_max_window_bits=10; server_max_window_bits=12");
    }),
    Fault::handshake("PMD-OFFER-BAD-VALUE", "a window of 16 bits offered", |c| {
        declined(c, "permessage-deflate; server_max_window_bits=16");
    }),
    Fault::handshake("PMD-ACCEPTED-BAD-OFFER", "an illegal offer accepted", |c| {
        c.request().set(EXTENSIONS, "permessage-deflate; level=9");
        c.response().set(EXTENSIONS, DEFLATE);
    })
    .given(&[("PMD-OFFER-UNKNOWN-PARAM", "the offer is what should have been declined")]),
    Fault::handshake("PMD-RESP-UNKNOWN-PARAM", "a parameter answered that does not exist", |c| {
        extensions(c, DEFLATE, "permessage-deflate; mem_level=8");
    }),
    Fault::handshake("PMD-RESP-DUP-PARAM", "a parameter answered twice", |c| {
        extensions(
            c,
            "permessage-deflate; server_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=12",
        );
    }),
    Fault::handshake("PMD-RESP-BAD-VALUE", "a window answered without its size", |c| {
        let bits = "permessage-deflate; client_max_window_bits";
        extensions(c, bits, bits);
    }),
    Fault::handshake("PMD-RESP-CLIENT-BITS-UNOFFERED", "a client's window answered unasked", |c| {
        extensions(c, DEFLATE, "permessage-deflate; client_max_window_bits=12");
    }),
    Fault::handshake("PMD-RESP-SERVER-BITS-TOO-BIG", "10 bits asked for, 12 answered", |c| {
        extensions(
            c,
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=12",
        );
    }),
    Fault::handshake("PMD-RESP-SERVER-BITS-MISSING", "10 bits asked for, none answered", |c| {
        extensions(c, "permessage-deflate; server_max_window_bits=10", DEFLATE);
    }),
    Fault::handshake("PMD-RESP-SERVER-NCT-MISSING", "no context asked for, not answered", |c| {
        extensions(c, "permessage-deflate; server_no_context_takeover", DEFLATE);
    }),
    Fault::handshake("PMD-RESP-CLIENT-BITS-LARGER", "10 bits hinted at, 15 answered", |c| {
        c.request().set(EXTENSIONS, "permessage-deflate; client_max_window_bits=10");
        c.response().set(EXTENSIONS, "permessage-deflate; client_max_window_bits=15");
    }),
    Fault::handshake("PMD-SMALL-WINDOW", "a window of 8 bits", |c| {
        c.agree("permessage-deflate; server_max_window_bits=8");
    }),
    Fault::conversation("PMD-CLIENT-ACCEPTED-BAD", "frames in spite of a wrong answer", |c| {
        c.request().set(EXTENSIONS, DEFLATE);
        c.response().set(EXTENSIONS, "permessage-deflate; server_max_window_bits=16");
    })
    .given(&[("PMD-RESP-BAD-VALUE", "the answer is what should not have been accepted")]),
    Fault::handshake("PMD-LEGACY-NAME", "compression under the name of a draft", |c| {
        declined(c, "x-webkit-deflate-frame");
    }),
];
