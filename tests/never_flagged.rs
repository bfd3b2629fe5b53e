//! What must never be reported, line by line: each case is a conversation that is right (or whose
//! oddity is legal), built as a capture and read by the binary. No error and no warning may be
//! found, and no note but those that the case names.

mod shared;

use shared::ws101_with_input;
use std::collections::BTreeSet;

use ws101::build::{
    Act, Conversation, Deflater, Fate, Head, MILLISECOND, Numbers, SECOND, Upgrade, What,
};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;
use ws101::websocket::accept::accept;

const CLIENT: Endpoint = Endpoint::Client;
const SERVER: Endpoint = Endpoint::Server;

/// Names and changes of a chat in which nothing is wrong, and notes that may be given.
type Case = (&'static str, fn(&mut Conversation), &'static [&'static str]);

fn request(c: &mut Conversation, name: &str, value: &str) {
    c.request().set(name, value);
}

fn response(c: &mut Conversation, name: &str, value: &str) {
    c.response().set(name, value);
}

fn origin(c: &mut Conversation, origin: &str) {
    request(c, "Origin", origin);
}

/// The client offers this, the server accepts that.
fn negotiate(c: &mut Conversation, offer: &str, answer: &str) {
    request(c, "Sec-WebSocket-Extensions", offer);
    response(c, "Sec-WebSocket-Extensions", answer);
}

fn say(c: &mut Conversation, from: Endpoint, opcode: Opcode, payload: &[u8]) {
    c.speaker = from;
    let frame = c.spoken(opcode, payload);
    c.add(frame);
}

/// A message in these pieces.
fn in_pieces(c: &mut Conversation, from: Endpoint, opcode: Opcode, rsv: u8, pieces: &[&[u8]]) {
    c.speaker = from;
    for (index, piece) in pieces.iter().enumerate() {
        let (opcode, rsv) = if index == 0 { (opcode, rsv) } else { (Opcode::Continuation, 0) };
        let frame = c.spoken(opcode, piece).with_rsv(rsv).with_fin(index + 1 == pieces.len());
        c.add(frame);
    }
}

/// The conversation ends with what `end` adds, and TCP behind it.
fn ending(c: &mut Conversation, end: fn(&mut Conversation)) {
    let index = c.before_close();
    c.cut(index);
    end(c);
}

fn close_frame(c: &mut Conversation, from: Endpoint, body: &[u8]) {
    let frame = c.frame(from, Opcode::Close, body);
    c.push(from, What::Frame(frame), 5 * MILLISECOND);
}

fn get(target: &str) -> Head {
    let mut head = Head::new(format!("GET {target} HTTP/1.1"));
    head.set("Host", "server.example.com");
    head
}

fn ok() -> Head {
    let mut head = Head::new("HTTP/1.1 200 OK");
    head.set("Content-Length", "0");
    head
}

fn key(c: &mut Conversation, key: &str) {
    request(c, "Sec-WebSocket-Key", key);
    response(c, "Sec-WebSocket-Accept", &accept(key.as_bytes()));
}

/// "Hello" (RFC 7692 §7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

const CONNECTION: &[Case] = &[
    ("1 a list in the request", |c| request(c, "Connection", "keep-alive, Upgrade"), &[]),
    ("1 lower case", |c| request(c, "Connection", "upgrade"), &[]),
    ("1 lower case in the answer", |c| response(c, "Connection", "upgrade"), &[]),
    (
        "1 two lines",
        |c| {
            request(c, "Connection", "keep-alive");
            c.request().add("Connection", "Upgrade");
        },
        &[],
    ),
    ("1 spaces and empty members", |c| request(c, "Connection", ",  , Upgrade ,"), &[]),
    ("2 WebSocket in the request", |c| request(c, "Upgrade", "WebSocket"), &[]),
    ("2 WebSocket in the answer", |c| response(c, "Upgrade", "WebSocket"), &[]),
    ("2 a list in the request", |c| request(c, "Upgrade", "h2c, websocket"), &[]),
    ("2 another reason", |c| c.response().line = "HTTP/1.1 101 Web Socket Handshake".into(), &[]),
    ("2 no reason", |c| c.response().line = "HTTP/1.1 101 ".into(), &[]),
    (
        "3 spaces around the Accept",
        |c| {
            let value = c.response().value("Sec-WebSocket-Accept").unwrap_or_default().to_owned();
            response(c, "Sec-WebSocket-Accept", &format!("   {value}  "));
        },
        &[],
    ),
    (
        "4 subprotocols in several lines",
        |c| {
            request(c, "Sec-WebSocket-Protocol", "mqtt");
            c.request().add("Sec-WebSocket-Protocol", "wamp");
            response(c, "Sec-WebSocket-Protocol", "wamp");
        },
        &[],
    ),
    (
        "4 extensions in several lines of the answer",
        |c| {
            negotiate(c, "permessage-deflate, bbf-usp-protocol", "permessage-deflate");
            c.response().add("Sec-WebSocket-Extensions", "bbf-usp-protocol");
        },
        &["NEG-EXT-RESPONSE-MULTILINE"],
    ),
];

const COMPRESSION: &[Case] = &[
    (
        "5 two offers of one extension",
        |c| {
            let offer = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
            negotiate(c, offer, "permessage-deflate");
        },
        &[],
    ),
    (
        "5 client_max_window_bits without a value",
        |c| negotiate(c, "permessage-deflate; client_max_window_bits", "permessage-deflate"),
        &[],
    ),
    (
        "5 a quoted number",
        |c| {
            let offer = "permessage-deflate; server_max_window_bits=\"10\"";
            negotiate(c, offer, "permessage-deflate; server_max_window_bits=10");
        },
        &[],
    ),
    (
        "5 server_no_context_takeover unasked",
        |c| {
            let answer = "permessage-deflate; server_no_context_takeover";
            negotiate(c, "permessage-deflate", answer);
        },
        &[],
    ),
    (
        "5 client_no_context_takeover unasked",
        |c| {
            let answer = "permessage-deflate; client_no_context_takeover";
            negotiate(c, "permessage-deflate", answer);
        },
        &[],
    ),
    (
        "5 server_max_window_bits unasked",
        |c| negotiate(c, "permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
        &[],
    ),
    (
        "5 a hint that the server ignores",
        |c| {
            let offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=10";
            negotiate(c, offer, "permessage-deflate");
        },
        &[],
    ),
    ("11 RSV1 0 although compression was agreed", |c| c.agree("permessage-deflate"), &[]),
    (
        "11 stored blocks",
        |c| {
            c.agree("permessage-deflate");
            // One stored block of five bytes, then the empty one whose 00 00 ff ff is taken off.
            let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
            in_pieces(c, SERVER, Opcode::Text, 4, &[&stored]);
        },
        &[],
    ),
    (
        "11 a last block with BFINAL",
        |c| {
            c.agree("permessage-deflate; server_no_context_takeover");
            // RFC 7692 §7.2.3.4: BFINAL 1, then a byte of zeros.
            let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
            in_pieces(c, SERVER, Opcode::Text, 4, &[&last]);
        },
        &[],
    ),
    (
        "11 00 00 ff ff at the end of a fragment that is not the last",
        |c| {
            c.agree("permessage-deflate");
            let first = [&HELLO[..], &[0x00, 0x00, 0xff, 0xff]].concat();
            in_pieces(c, SERVER, Opcode::Text, 4, &[&first, &[0x00]]);
        },
        &[],
    ),
    (
        "11 an empty message as the byte 00",
        |c| {
            c.agree("permessage-deflate");
            in_pieces(c, SERVER, Opcode::Text, 4, &[&[0x00]]);
        },
        &[],
    ),
    (
        "9 compressed bytes that are no UTF-8",
        |c| {
            c.agree("permessage-deflate");
            let mut deflater = Deflater::new(15, true);
            for text in ["Grüße, Grüße", "Grüße, Grüße"] {
                let payload = deflater.deflate(text.as_bytes());
                in_pieces(c, SERVER, Opcode::Text, 4, &[&payload]);
            }
        },
        &[],
    ),
];

const AROUND_THE_HANDSHAKE: &[Case] = &[
    (
        "6 frames in the segment of the 101",
        |c| {
            let hello = c.frame(SERVER, Opcode::Text, b"Hello").bytes();
            let bytes = [c.response().bytes(), hello].concat();
            let index = c.opened() - 1;
            c.acts[index].what = What::Bytes(bytes);
        },
        &[],
    ),
    (
        "6 an interim 100 and 103",
        |c| {
            let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
            let index = c.opened() - 1;
            c.insert(index, SERVER, What::Bytes(interim), MILLISECOND);
        },
        &[],
    ),
    (
        "6 requests before the upgrade",
        |c| {
            c.precede(get("/"), ok());
            c.precede(get("/style.css"), ok());
        },
        &["CAP-KEEPALIVE-PREFIX"],
    ),
    (
        "6 CONNECT before the handshake",
        |c| {
            let mut connect = Head::new("CONNECT server.example.com:80 HTTP/1.1");
            connect.set("Host", "server.example.com:80");
            c.precede(connect, Head::new("HTTP/1.1 200 Connection established"));
        },
        &["CAP-PROXY-CONNECT"],
    ),
    ("7 no Origin", |c| c.request().remove("Origin"), &[]),
    ("7 Origin: null", |c| origin(c, "null"), &["SEC-ORIGIN-NULL"]),
    ("7 an extension", |c| origin(c, "chrome-extension://aapocclcgogkmnckokdopfmhonfmgoek"), &[]),
    ("7 a file", |c| origin(c, "file://"), &[]),
    ("7 an app", |c| origin(c, "capacitor://localhost"), &[]),
];

const FRAMES: &[Case] = &[
    (
        "8 control frames between fragments",
        |c| {
            in_pieces(c, CLIENT, Opcode::Text, 0, &[b"Hel", b"lo"]);
            let first = c.before_close() - 1;
            for (from, opcode) in [(CLIENT, Opcode::Ping), (SERVER, Opcode::Pong)] {
                let frame = c.frame(from, opcode, b"x");
                c.insert(
                    first + usize::from(from == SERVER),
                    from,
                    What::Frame(frame),
                    MILLISECOND,
                );
            }
        },
        &[],
    ),
    ("8 an empty message", |c| say(c, CLIENT, Opcode::Text, b""), &[]),
    ("8 empty fragments", |c| in_pieces(c, SERVER, Opcode::Text, 0, &[b"", b"a", b""]), &[]),
    (
        "8 fragments of one byte",
        |c| in_pieces(c, SERVER, Opcode::Text, 0, &[b"H", b"e", b"l", b"l", b"o"]),
        &[],
    ),
    ("8 125 bytes", |c| say(c, SERVER, Opcode::Binary, &[7; 125]), &[]),
    ("8 126 bytes", |c| say(c, SERVER, Opcode::Binary, &[7; 126]), &[]),
    ("8 65535 bytes", |c| say(c, SERVER, Opcode::Binary, &[7; 65_535]), &[]),
    ("8 65536 bytes", |c| say(c, CLIENT, Opcode::Binary, &[7; 65_536]), &[]),
    (
        "9 a character split over fragments",
        |c| in_pieces(c, CLIENT, Opcode::Text, 0, &[b"gr\xc3", b"\xbc\xc3\x9fe"]),
        &["UTF-SPLIT-OK"],
    ),
    ("9 NUL", |c| say(c, SERVER, Opcode::Text, b"a\0b"), &[]),
    ("9 noncharacters", |c| say(c, SERVER, Opcode::Text, "\u{fffe}\u{10ffff}".as_bytes()), &[]),
    ("9 a byte order mark", |c| say(c, SERVER, Opcode::Text, "\u{feff}x".as_bytes()), &["UTF-BOM"]),
    ("9 no UTF-8 in a binary message", |c| say(c, SERVER, Opcode::Binary, b"\xff\xfe\x80"), &[]),
    ("10 an unsolicited Pong", |c| say(c, CLIENT, Opcode::Pong, b""), &["CTL-PONG-UNSOLICITED"]),
    (
        "10 one Pong for several Pings",
        |c| {
            for payload in [b"1", b"2", b"3"] {
                say(c, SERVER, Opcode::Ping, payload);
            }
            say(c, CLIENT, Opcode::Pong, b"3");
        },
        &[],
    ),
    (
        "10 no Pong after a Close",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                let ping = c.frame(SERVER, Opcode::Ping, b"still there?");
                c.push(SERVER, What::Frame(ping), 100_000);
                close_frame(c, SERVER, &1000u16.to_be_bytes());
                c.end_tcp(SERVER);
            })
        },
        &["CLS-EXPLAIN"],
    ),
    (
        "10 a Ping in the last second of the capture",
        |c| {
            say(c, SERVER, Opcode::Ping, b"?");
            let index = c.before_close();
            c.cut(index);
        },
        &["CAP-ENDED-EARLY"],
    ),
    (
        "14 one repeated key among tens of thousands",
        |c| {
            c.speaker = CLIENT;
            let index = c.before_close();
            let end = c.acts.split_off(index);
            let mut repeated = None;
            for number in 0..20_000u32 {
                let mut frame = c.spoken(Opcode::Binary, &number.to_be_bytes());
                if number == 19_990 {
                    frame = frame.with_key(repeated);
                }
                repeated = if number == 77 { frame.header.masking_key } else { repeated };
                c.push(CLIENT, What::Frame(frame), 10 * MILLISECOND);
            }
            let late = c.acts.last().map_or(0, |act| act.at) + SECOND;
            let first = end.first().map_or(0, |act| act.at);
            c.acts.extend(end.into_iter().map(|act| Act { at: act.at - first + late, ..act }));
        },
        &[],
    ),
];

const ENDS: &[Case] = &[
    (
        "12 a Close without a body",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, b"");
                close_frame(c, SERVER, b"");
                c.end_tcp(SERVER);
            })
        },
        &["CLS-NO-STATUS"],
    ),
    (
        "12 an answer with another code",
        |c| {
            ending(c, |c| {
                close_frame(c, SERVER, &4001u16.to_be_bytes());
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                c.end_tcp(SERVER);
            })
        },
        &["CLS-CODE-ECHO", "CLS-EXPLAIN"],
    ),
    ("12 1012", |c| ending(c, |c| c.close(SERVER, 1012)), &["CLS-EXPLAIN"]),
    ("12 1013", |c| ending(c, |c| c.close(SERVER, 1013)), &["CLS-EXPLAIN"]),
    ("12 1014", |c| ending(c, |c| c.close(SERVER, 1014)), &["CLS-EXPLAIN"]),
    ("12 3000", |c| ending(c, |c| c.close(SERVER, 3000)), &["CLS-EXPLAIN"]),
    ("12 4999", |c| ending(c, |c| c.close(SERVER, 4999)), &["CLS-EXPLAIN"]),
    (
        "12 both at once",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                let frame = c.frame(SERVER, Opcode::Close, &1001u16.to_be_bytes());
                c.push(SERVER, What::Frame(frame), 100_000);
                c.end_tcp(SERVER);
            })
        },
        &["CLS-CODE-ECHO", "CLS-EXPLAIN"],
    ),
    (
        "12 the peer goes on until it has read the Close",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                let text = c.frame(SERVER, Opcode::Text, b"on its way already");
                c.push(SERVER, What::Frame(text), 100_000);
                close_frame(c, SERVER, &1000u16.to_be_bytes());
                c.end_tcp(SERVER);
            })
        },
        &[],
    ),
    (
        "13 the client ends TCP after a reasonable wait",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                close_frame(c, SERVER, &1000u16.to_be_bytes());
                c.push(CLIENT, What::Fin, 2 * SECOND);
                c.push(SERVER, What::Fin, 5 * MILLISECOND);
            })
        },
        &[],
    ),
    (
        "13 RST after both Close frames",
        |c| {
            ending(c, |c| {
                close_frame(c, CLIENT, &1000u16.to_be_bytes());
                close_frame(c, SERVER, &1000u16.to_be_bytes());
                c.push(SERVER, What::Reset, 5 * MILLISECOND);
            })
        },
        &["CLS-RST"],
    ),
];

const REFUSALS: &[Case] = &[
    (
        "16 401",
        |c| {
            c.refuse(401);
            response(c, "WWW-Authenticate", "Bearer");
        },
        &["HS-RES-NOT-101"],
    ),
    ("16 403", |c| c.refuse(403), &["HS-RES-NOT-101", "HS-RES-403"]),
    ("16 404", |c| c.refuse(404), &["HS-RES-NOT-101"]),
    (
        "16 426",
        |c| {
            c.refuse(426);
            response(c, "Upgrade", "websocket");
            response(c, "Connection", "Upgrade");
            response(c, "Sec-WebSocket-Version", "13");
        },
        &["HS-RES-NOT-101"],
    ),
    (
        "16 503",
        |c| {
            c.refuse(503);
            response(c, "Retry-After", "30");
        },
        &["HS-RES-NOT-101"],
    ),
];

const CAPTURES: &[Case] = &[
    (
        "17 the capture ended",
        |c| {
            let index = c.before_close();
            c.cut(index);
        },
        &["CAP-ENDED-EARLY"],
    ),
    (
        "17 a gap",
        |c| {
            say(c, CLIENT, Opcode::Text, b"lost on the way");
            let lost = c.before_close() - 1;
            c.acts[lost].fate = Fate::Lost;
            say(c, CLIENT, Opcode::Text, b"and found");
        },
        &["CAP-GAP"],
    ),
    (
        "17 retransmissions",
        |c| {
            for index in 0..c.acts.len() {
                c.acts[index].fate = Fate::Twice;
            }
        },
        &["CAP-RETRANSMISSION"],
    ),
    (
        "17 out of order",
        |c| {
            say(c, SERVER, Opcode::Text, b"second");
            let late = c.before_close() - 1;
            c.acts[late].fate = Fate::Late;
            say(c, SERVER, Opcode::Text, b"first");
        },
        &[],
    ),
    ("17 the capture began late", |c| c.missed = 3 + 2 * c.opened(), &["CAP-NO-HANDSHAKE"]),
    ("17 packets cut", |c| c.snap = Some(300), &["CAP-SNAPLEN"]),
    (
        "17 one direction",
        |c| {
            for act in &mut c.acts {
                act.fate = if act.from == SERVER { Fate::Lost } else { act.fate };
            }
        },
        &["CAP-GAP", "CAP-ENDED-EARLY", "CAP-NO-HANDSHAKE", "HS-RES-NO-RESPONSE"],
    ),
];

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (name, change, notes) in cases {
        let mut conversation = Conversation::chat(&Upgrade::default(), Numbers::new(101));
        change(&mut conversation);
        let run = ws101_with_input(&["pcap", "-", "--format", "jsonl"], &conversation.pcap());
        let mut connections = 0;
        let mut found = BTreeSet::new();
        for line in String::from_utf8_lossy(&run.stdout).lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            connections += usize::from(record["type"] == "connection");
            if record["type"] == "finding" {
                let is_note = record["severity"] == "note";
                let rule = record["rule"].as_str().unwrap_or_default().to_owned();
                if !is_note || !notes.contains(&&*rule) {
                    found.insert(format!("{} {rule}: {}", record["severity"], record["detail"]));
                }
            }
        }
        if connections != 1 {
            found.insert(format!("{connections} connections; {}", run.stderr));
        }
        if !found.is_empty() {
            wrong.push(format!("{name}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn handshakes_that_are_right_are_not_flagged() {
    check(CONNECTION);
    check(AROUND_THE_HANDSHAKE);
}

#[test]
fn compression_as_it_is_permitted_is_not_flagged() {
    check(COMPRESSION);
}

#[test]
fn frames_and_text_that_are_legal_are_not_flagged() {
    check(FRAMES);
}

#[test]
fn ends_that_are_legal_are_not_flagged() {
    check(ENDS);
}

#[test]
fn refusals_and_poor_captures_are_nobodys_fault() {
    check(REFUSALS);
    check(CAPTURES);
}

#[test]
fn a_key_that_is_not_canonical_is_at_most_a_warning() {
    let mut conversation = Conversation::chat(&Upgrade::default(), Numbers::new(101));
    key(&mut conversation, "AQIDBAUGBwgJCgsMDQ4PEC==");
    let run = ws101_with_input(&["pcap", "-", "--format", "jsonl"], &conversation.pcap());
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("HS-REQ-KEY-CANONICAL"), "{text}");
    assert!(!text.contains("\"severity\":\"error\""), "{text}");
}

#[test]
fn redacted_transcripts_are_not_flagged() {
    let text = "GET /chat HTTP/1.1\nHost: server.example.com\nUpgrade: websocket\n\
                Connection: Upgrade\nSec-WebSocket-Key: <redacted>\nSec-WebSocket-Version: 13\n\
                Cookie: ***\n\nHTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\
                Connection: Upgrade\nSec-WebSocket-Accept: <redacted>\n\n";
    let run = ws101_with_input(&["handshake", "--format", "jsonl"], text.as_bytes());
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(!text.contains("\"severity\":\"error\""), "{text}");
    assert!(!text.contains("\"severity\":\"warning\""), "{text}");
    assert!(text.contains("CAP-TRANSCRIPT"), "{text}");
}
