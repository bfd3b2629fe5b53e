//! What is legal and not safe (SEC).

use super::{Fault, NO_CLOSE};
use crate::build::{Conversation, LengthForm, SECOND, What};
use crate::websocket::Opcode;

/// The server has a public address, of those reserved for documentation.
fn over_the_internet(c: &mut Conversation) {
    c.server = ([203, 0, 113, 5], 80).into();
}

const CREDENTIALS: &str = "session=abc";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ.x";

/// The client shows no credentials, so that everybody may come.
const ANYBODY: &[(&str, &str)] = &[("SEC-NO-AUTH", "the client shows no credentials")];

pub(super) static FAULTS: &[Fault] = &[
    Fault::handshake("SEC-ORIGIN-MISSING", "a browser's request without Origin", |c| {
        let browser = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";
        c.request().add("User-Agent", browser);
        c.request().add("Sec-Fetch-Mode", "websocket");
    }),
    Fault::handshake("SEC-ORIGIN-CROSS", "a foreign page is let in with a cookie", |c| {
        c.request().set("Origin", "https://evil.example");
        c.request().add("Cookie", CREDENTIALS);
    }),
    Fault::handshake("SEC-ORIGIN-NULL", "Origin: null is let in with a cookie", |c| {
        c.request().set("Origin", "null");
        c.request().add("Cookie", CREDENTIALS);
    }),
    Fault::handshake("SEC-LOCALHOST-FOREIGN-ORIGIN", "a page of the web talks to localhost", |c| {
        c.request().set("Host", "127.0.0.1:9222");
        c.request().set("Origin", "https://evil.example");
        c.server = ([127, 0, 0, 1], 9222).into();
        c.client = ([127, 0, 0, 1], c.client.port()).into();
    }),
    Fault::handshake("SEC-TOKEN-IN-QUERY", "an access token in the target", |c| {
        let head = c.request();
        head.line = head.line.replacen(" HTTP/", &format!("?access_token={TOKEN} HTTP/"), 1);
    }),
    Fault::handshake("SEC-SUBPROTO-TOKEN", "an access token offered as a subprotocol", |c| {
        c.request().set("Sec-WebSocket-Protocol", &format!("access_token, {TOKEN}"));
    }),
    Fault::conversation("SEC-CLEARTEXT-CREDENTIALS", "a cookie without TLS", |c| {
        over_the_internet(c);
        c.request().add("Cookie", CREDENTIALS);
    }),
    Fault::conversation("SEC-CLEARTEXT", "a server in a public network without TLS", |c| {
        over_the_internet(c);
    })
    .also(ANYBODY),
    Fault::conversation("SEC-MIXED-CONTENT", "a page over TLS opens ws://", |c| {
        over_the_internet(c);
        let origin = format!("https://{}", c.request().value("Host").unwrap_or_default());
        c.request().set("Origin", &origin);
    })
    .also(ANYBODY),
    Fault::conversation("SEC-NO-AUTH", "a server in a public network lets anybody in", |c| {
        over_the_internet(c);
    })
    .given(&[("SEC-CLEARTEXT", "no TLS is built here")]),
    Fault::handshake("SEC-HOP-STRIPPED", "a proxy passes HTTP/1.0 on without Upgrade", |c| {
        let head = c.request();
        head.line = head.line.replacen("HTTP/1.1", "HTTP/1.0", 1);
        head.remove("Upgrade");
        head.set("Connection", "close");
        head.add("X-Forwarded-For", "203.0.113.5");
        c.refuse(400);
    })
    .given(&[
        ("HS-REQ-HTTP-VERSION", "what the proxy made of the request"),
        ("HS-REQ-UPGRADE-PRESENT", "what the proxy made of the request"),
        ("HS-REQ-CONNECTION-UPGRADE", "what the proxy made of the request"),
        ("HS-RES-NOT-101", "the server does not accept what is no handshake"),
        ("CAP-VANTAGE", "the proxy can be seen"),
    ]),
    Fault::conversation("SEC-PLAIN-GET", "a WebSocket endpoint is asked for a page", |c| {
        let head = c.request();
        head.line = "GET /ws HTTP/1.1".to_owned();
        for name in
            ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"]
        {
            head.remove(name);
        }
        c.refuse(426);
    }),
    Fault::handshake("SEC-REDIRECT-TO-TLS", "301 to the same address with https", |c| {
        let host = c.request().value("Host").unwrap_or_default().to_owned();
        let target = c.request().line.split(' ').nth(1).unwrap_or_default().to_owned();
        c.refuse(301);
        c.response().set("Location", &format!("https://{host}{target}"));
    }),
    Fault::conversation("SEC-OVERSIZED", "a frame of 1 TiB is announced", |c| {
        let mut frame = c.spoken(Opcode::Binary, b"Hello").with_form(LengthForm::SixtyFour);
        frame.header.payload_length = 1 << 40;
        let index = c.before_close();
        c.insert(index, c.speaker, What::Frame(frame), SECOND / 50);
        c.cut(index + 1);
        let speaker = c.speaker;
        c.end_tcp(speaker);
    })
    .also(&[("FRM-TRUNCATED", "nobody sends 1 TiB"), NO_CLOSE]),
    Fault::conversation("SEC-RATE-BURST", "700 messages in 0.7 seconds", |c| {
        for number in 0..700 {
            let text = c.spoken(Opcode::Text, format!("move {number}").as_bytes());
            c.add_after(text, SECOND / 1000);
        }
    }),
    Fault::conversation("SEC-PING-FLOOD", "120 Pings in six seconds", |c| {
        for _ in 0..120 {
            let ping = c.spoken(Opcode::Ping, b"");
            c.add_after(ping, SECOND / 20);
        }
        let peer = c.speaker.peer();
        let pong = c.frame(peer, Opcode::Pong, b"");
        let index = c.before_close();
        c.insert(index, peer, What::Frame(pong), SECOND / 100);
    }),
    Fault::conversation("SEC-SECRETS-IN-CLEAR", "a password without TLS", |c| {
        over_the_internet(c);
        let text = c.spoken(Opcode::Text, br#"{"password":"hunter2"}"#);
        c.add(text);
    })
    .given(&[("SEC-CLEARTEXT", "where there is TLS, nothing is in clear")]),
    Fault::handshake("SEC-CORS-HEADERS", "Access-Control-Allow-Origin in a 101", |c| {
        c.response().add("Access-Control-Allow-Origin", "*");
    }),
    Fault::handshake("SEC-SET-COOKIE-FLAGS", "a cookie without HttpOnly and SameSite", |c| {
        c.response().add("Set-Cookie", "sid=1");
    }),
    Fault::handshake("SEC-BIG-HEADERS", "a request's head of 9 kB", |c| {
        let origin = format!("http://{}", c.request().value("Host").unwrap_or_default());
        c.request().set("Origin", &origin);
        let cookies: Vec<String> =
            (0..100).map(|number| format!("c{number:03}={}", "x".repeat(84))).collect();
        c.request().add("Cookie", &cookies.join("; "));
    }),
];
