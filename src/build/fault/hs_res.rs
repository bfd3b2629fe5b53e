//! Faults in the response (HS-RES). A client fails a connection whose response is wrong.

use super::{Fault, REFUSED};
use crate::build::{Conversation, Head, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;

const ACCEPT: &str = "Sec-WebSocket-Accept";
/// The Accept of another key.
const WRONG: &str = "b9ErQYy9wuQEhHkbzx5/jYmp6x4=";

/// The response is changed, and the client hangs up.
fn failed(c: &mut Conversation, change: impl FnOnce(&mut Head)) {
    change(c.response());
    c.hang_up(Endpoint::Client);
}

/// A refusal without the field that its status asks for.
fn refused_without(c: &mut Conversation, status: u16, name: &str) {
    c.refuse(status);
    c.response().remove(name);
}

/// A version that nobody speaks, refused; the refusal is changed.
fn version(c: &mut Conversation, status: u16, change: impl FnOnce(&mut Head)) {
    c.request().set("Sec-WebSocket-Version", "25");
    c.refuse(status);
    change(c.response());
}

const VERSION_25: &[(&str, &str)] =
    &[("HS-REQ-VERSION-13", "only another version makes a server list its own")];

pub(super) static FAULTS: &[Fault] = &[
    Fault::handshake("HS-RES-STATUS-LINE", "HTTP/1.0 in the answer", |c| {
        failed(c, |head| head.line = head.line.replacen("HTTP/1.1", "HTTP/1.0", 1));
    }),
    Fault::handshake("HS-RES-NOT-101", "404 instead of 101", |c| c.refuse(404)),
    Fault::handshake("HS-RES-UPGRADE", "no Upgrade", |c| {
        failed(c, |head| head.remove("Upgrade"));
    }),
    Fault::handshake("HS-RES-CONNECTION", "Connection: keep-alive", |c| {
        failed(c, |head| head.set("Connection", "keep-alive"));
    }),
    Fault::handshake("HS-RES-ACCEPT-PRESENT", "no Accept", |c| {
        failed(c, |head| head.remove(ACCEPT));
    }),
    Fault::handshake("HS-RES-ACCEPT-VALUE", "the Accept of another key", |c| {
        failed(c, |head| head.set(ACCEPT, WRONG));
    }),
    Fault::handshake("HS-RES-ACCEPT-SINGLE", "two Accepts", |c| {
        failed(c, |head| head.add(ACCEPT, WRONG));
    }),
    Fault::handshake("HS-RES-ACCEPT-SYNTAX", "an Accept in hexadecimal", |c| {
        failed(c, |head| head.set(ACCEPT, "3b38b70e029442e8a544b7d75f67b7734772de69"));
    }),
    Fault::handshake("HS-RES-UNREQUESTED", "101 to a request without Upgrade", |c| {
        c.request().remove("Upgrade");
        c.hang_up(Endpoint::Client);
    })
    .given(&[("HS-REQ-UPGRADE-PRESENT", "the request does not ask for an upgrade")]),
    Fault::handshake("HS-RES-BODY-HEADERS", "a Content-Length in a 101", |c| {
        c.response().add("Content-Length", "0");
    }),
    Fault::handshake("HS-RES-ACCEPTED-BAD-REQUEST", "a POST is accepted", |c| {
        c.request().line = c.request().line.replacen("GET", "POST", 1);
    })
    .given(&[("HS-REQ-METHOD", "the request is what should have been refused")]),
    Fault::conversation("HS-RES-CLIENT-ACCEPTED-BAD", "frames in spite of a wrong Accept", |c| {
        c.response().set(ACCEPT, WRONG);
    })
    .given(&[("HS-RES-ACCEPT-VALUE", "the response is what should not have been accepted")]),
    Fault::conversation("HS-RES-FRAMES-AFTER-REFUSAL", "frames in spite of a refusal", |c| {
        c.refuse(400);
        let frame = c.frame(Endpoint::Client, Opcode::Text, b"Hello");
        let index = c.opened();
        c.insert(index, Endpoint::Client, What::Frame(frame), 1_000_000);
    })
    .given(REFUSED),
    Fault::handshake("HS-RES-VERSION-NEGOTIATION", "400 to version 25, without a list", |c| {
        version(c, 400, |_| {});
    })
    .given(VERSION_25)
    .also(REFUSED),
    Fault::handshake("HS-RES-VERSION-LIST", "v13 in the list of versions", |c| {
        version(c, 426, |head| head.set("Sec-WebSocket-Version", "v13"));
    })
    .given(VERSION_25)
    .also(REFUSED),
    Fault::handshake("HS-RES-VERSION-ON-101", "Sec-WebSocket-Version in a 101", |c| {
        c.response().add("Sec-WebSocket-Version", "13");
    }),
    Fault::handshake("HS-RES-426-UPGRADE", "426 without Upgrade", |c| {
        refused_without(c, 426, "Upgrade");
    })
    .also(REFUSED),
    Fault::handshake("HS-RES-401-CHALLENGE", "401 without WWW-Authenticate", |c| {
        refused_without(c, 401, "WWW-Authenticate");
    })
    .also(REFUSED),
    Fault::handshake("HS-RES-REDIRECT", "301 to another address", |c| {
        c.refuse(301);
        c.response().set("Location", "https://server.example/login");
    }),
    Fault::handshake("HS-RES-403", "403 to a foreign Origin", |c| {
        c.request().set("Origin", "https://other.example");
        c.refuse(403);
    }),
    Fault::handshake("HS-RES-503-RETRY", "503 without Retry-After", |c| {
        refused_without(c, 503, "Retry-After");
    })
    .also(REFUSED),
    Fault::handshake("HS-RES-200", "200 and a page", |c| {
        c.refuse(200);
        let head = c.response();
        head.add("Content-Type", "text/html");
        head.set("Content-Length", "6");
        head.body = b"<html>".to_vec();
    }),
    Fault::conversation("HS-RES-NO-RESPONSE", "TCP is reset instead of an answer", |c| {
        let index = c.opened() - 1;
        c.cut(index);
        c.push(Endpoint::Server, What::Reset, 1_000_000);
    }),
    Fault::conversation("HS-RES-SLOW", "the answer takes six seconds", |c| {
        let index = c.opened() - 1;
        c.delay(index, 6 * SECOND);
    }),
    Fault::conversation("HS-RES-HTTP-AFTER-101", "an HTTP response where frames begin", |c| {
        c.hang_up(Endpoint::Client);
        let index = c.opened();
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
        c.insert(index, Endpoint::Server, What::Bytes(page), 1_000_000);
    }),
    Fault::handshake("HS-RES-MISPLACED-HEADER", "Sec-WebSocket-Key in the answer", |c| {
        let key = c.request().value("Sec-WebSocket-Key").unwrap_or_default().to_owned();
        c.response().add("Sec-WebSocket-Key", &key);
    }),
    Fault::handshake("HS-RES-CONNECTION-CLOSE", "close in the Connection of a 101", |c| {
        c.response().set("Connection", "Upgrade, close");
    }),
];
