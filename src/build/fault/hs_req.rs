//! Faults in the request (HS-REQ, HIST). A server refuses what is no handshake, and takes what is
//! merely odd.

use super::{Fault, REFUSED};
use crate::build::{Conversation, Head, SECOND, What};
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::accept::accept;

const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";

/// The request is changed, and refused.
fn refused(c: &mut Conversation, change: impl FnOnce(&mut Head)) {
    change(c.request());
    c.refuse(400);
}

/// The request has another version, and is refused as §4.4 says.
fn version(c: &mut Conversation, version: &str) {
    c.request().set(VERSION, version);
    c.refuse(426);
}

/// The request has another key, and gets the answer to that.
fn key(c: &mut Conversation, key: &str) {
    c.request().set(KEY, key);
    c.response().set("Sec-WebSocket-Accept", &accept(key.as_bytes()));
}

fn line(head: &mut Head, from: &str, to: &str) {
    head.line = head.line.replacen(from, to, 1);
}

/// Gives the request-target another form.
fn target(head: &mut Head, change: impl FnOnce(&str) -> String) {
    if let [method, target, version] = head.line.splitn(3, ' ').collect::<Vec<_>>()[..] {
        head.line = format!("{method} {} {version}", change(target));
    }
}

fn host(head: &Head) -> String {
    head.value("Host").unwrap_or_default().to_owned()
}

/// A draft's handshake instead of RFC 6455's, and nothing behind it.
fn draft(c: &mut Conversation, request: &[(&str, &str)], response: (&str, &[(&str, &str)])) {
    let fields = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let head = c.request();
    let host = host(head);
    head.fields = fields(request);
    head.fields.insert(0, ("Host".to_owned(), host));
    let head = c.response();
    head.line = response.0.to_owned();
    head.fields = fields(response.1);
    c.hang_up(Endpoint::Client);
}

pub(super) static FAULTS: &[Fault] = &[
    Fault::handshake("HS-REQ-HTTP-SYNTAX", "a header line without a colon", |c| {
        refused(c, |head| head.line.push_str("\r\nUser-Agent example/1.0"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-METHOD", "POST instead of GET", |c| {
        refused(c, |head| line(head, "GET", "POST"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-HTTP-VERSION", "HTTP/1.0", |c| {
        refused(c, |head| line(head, "HTTP/1.1", "HTTP/1.0"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-TARGET-FORM", "a ws:// URI as the target", |c| {
        let host = host(c.request());
        refused(c, |head| target(head, |path| format!("ws://{host}{path}")));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-NO-FRAGMENT", "#room1 behind the target", |c| {
        refused(c, |head| target(head, |path| format!("{path}#room1")));
    })
    .also(REFUSED),
    Fault::handshake(
        "HS-REQ-TARGET-CHARS",
        "an ü in the target that is not percent-encoded",
        |c| {
            target(c.request(), |path| format!("{path}?name=Jürgen"));
        },
    ),
    Fault::handshake("HS-REQ-HOST-PRESENT", "no Host", |c| {
        refused(c, |head| head.remove("Host"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-HOST-SINGLE", "Host twice", |c| {
        refused(c, |head| head.add("Host", "other.example"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-HOST-SYNTAX", "a URI as the Host", |c| {
        refused(c, |head| {
            let uri = format!("ws://{}/chat", host(head));
            head.set("Host", &uri);
        });
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-HOST-CONSISTENT", "an absolute target on another host", |c| {
        target(c.request(), |path| format!("http://other.example{path}"));
    }),
    Fault::handshake("HS-REQ-UPGRADE-PRESENT", "Upgrade: web-socket", |c| {
        refused(c, |head| head.set("Upgrade", "web-socket"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-CONNECTION-UPGRADE", "Connection: keep-alive", |c| {
        refused(c, |head| head.set("Connection", "keep-alive"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-KEY-PRESENT", "no Sec-WebSocket-Key", |c| {
        refused(c, |head| head.remove(KEY));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-KEY-SINGLE", "two keys", |c| {
        let second = c.numbers.websocket_key();
        refused(c, |head| head.add(KEY, &second));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-KEY-BASE64", "a key without its padding", |c| {
        refused(c, |head| {
            let bare = head.value(KEY).unwrap_or_default().trim_end_matches('=').to_owned();
            head.set(KEY, &bare);
        });
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-KEY-LENGTH", "a key of five bytes", |c| {
        refused(c, |head| head.set(KEY, "WhHHkD4="));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-KEY-CANONICAL", "spare bits of the key's last digit set", |c| {
        key(c, "p8MfDlmy1EiOaw0h95NaxB==");
    }),
    Fault::handshake("HS-REQ-KEY-ENTROPY", "a key of sixteen zero bytes", |c| {
        key(c, "AAAAAAAAAAAAAAAAAAAAAA==");
    }),
    Fault::handshake("HS-REQ-VERSION-PRESENT", "no Sec-WebSocket-Version", |c| {
        refused(c, |head| head.remove(VERSION));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-VERSION-13", "version 14, refused with 426", |c| version(c, "14"))
        .also(REFUSED),
    Fault::handshake("HS-REQ-VERSION-SINGLE", "versions 13 and 8", |c| {
        refused(c, |head| head.add(VERSION, "8"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-VERSION-SYNTAX", "version 013", |c| {
        refused(c, |head| head.set(VERSION, "013"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-ORIGIN-SYNTAX", "an Origin that ends in a slash", |c| {
        let origin = format!("http://{}/", host(c.request()));
        c.request().set("Origin", &origin);
    }),
    Fault::handshake("HS-REQ-ORIGIN-SINGLE", "two Origins", |c| {
        let origin = format!("http://{}", host(c.request()));
        refused(c, |head| {
            head.add("Origin", &origin);
            head.add("Origin", &origin);
        });
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-SUBPROTO-SYNTAX", "a space in the name of a subprotocol", |c| {
        refused(c, |head| head.set("Sec-WebSocket-Protocol", "chat room"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-SUBPROTO-UNIQUE", "a subprotocol offered twice", |c| {
        refused(c, |head| head.set("Sec-WebSocket-Protocol", "mqtt, wamp, mqtt"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-EXT-SYNTAX", "a parameter with = and no value", |c| {
        refused(c, |head| {
            head.set("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=");
        });
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-NO-BODY", "a body behind the request", |c| {
        refused(c, |head| {
            head.add("Content-Length", "5");
            head.body = b"hello".to_vec();
        });
    })
    .also(REFUSED),
    Fault::conversation("HS-REQ-EARLY-DATA", "a frame before the answer", |c| {
        let frame = c.frame(Endpoint::Client, Opcode::Text, b"early");
        let index = c.opened() - 1;
        c.insert(index, Endpoint::Client, What::Frame(frame), 100_000);
    }),
    Fault::conversation("HS-REQ-AFTER-101", "another request where frames begin", |c| {
        c.hang_up(Endpoint::Client);
        let index = c.opened();
        let request = b"GET /next HTTP/1.1\r\nHost: server.example.com\r\n\r\n".to_vec();
        c.insert(index, Endpoint::Client, What::Bytes(request), 1_000_000);
    }),
    Fault::handshake("HS-REQ-HEADER-WS", "a space before a colon", |c| {
        refused(c, |head| head.add("User-Agent ", "example/1.0"));
    })
    .also(REFUSED),
    Fault::handshake("HS-REQ-MISPLACED-HEADER", "a Sec-WebSocket-Accept in the request", |c| {
        let accept = accept(c.request().value(KEY).unwrap_or_default().as_bytes());
        c.request().add("Sec-WebSocket-Accept", &accept);
    }),
    Fault::handshake("HS-REQ-EXPECT", "Expect: 100-continue", |c| {
        c.request().add("Expect", "100-continue");
    }),
    Fault::handshake("HIST-HIXIE75", "the handshake of hixie-75", |c| {
        let request = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Origin", "http://server.example"),
        ];
        let response = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("WebSocket-Origin", "http://server.example"),
            ("WebSocket-Location", "ws://server.example/chat"),
        ];
        draft(c, &request, ("HTTP/1.1 101 Web Socket Protocol Handshake", &response));
    }),
    Fault::handshake("HIST-HIXIE76", "the handshake of hixie-76", |c| {
        let request = [
            ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00"),
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"),
            ("Origin", "http://server.example"),
        ];
        let response = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Origin", "http://server.example"),
            ("Sec-WebSocket-Location", "ws://server.example/chat"),
        ];
        draft(c, &request, ("HTTP/1.1 101 WebSocket Protocol Handshake", &response));
        c.request().body = b"^n:ds[4U".to_vec();
        c.response().body = b"8jKS'y:G*Co,Wxa-".to_vec();
    }),
    Fault::handshake("HIST-HYBI04-06", "version 6, refused with 426", |c| version(c, "6"))
        .given(REFUSED),
    Fault::handshake("HIST-HYBI07-12", "version 8, as draft 10 had it", |c| {
        let origin = format!("http://{}", host(c.request()));
        c.request().set(VERSION, "8");
        c.request().set("Sec-WebSocket-Origin", &origin);
    }),
    Fault::handshake("HIST-VERSION-9-12", "version 10, refused with 426", |c| version(c, "10"))
        .given(REFUSED),
    Fault::handshake("HIST-SEC-WEBSOCKET-DRAFT", "a Sec-WebSocket-Draft", |c| {
        c.request().add("Sec-WebSocket-Draft", "2");
    }),
    Fault::conversation("HIST-FLASH-POLICY", "Flash asks whether it may connect", |c| {
        c.cut(0);
        let question = b"<policy-file-request/>\0".to_vec();
        c.push(Endpoint::Client, What::Bytes(question), SECOND / 100);
        c.end_tcp(Endpoint::Server);
    }),
];
