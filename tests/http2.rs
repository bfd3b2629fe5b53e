//! HTTP/2 in captures: streams that carry WebSocket become connections, beside ordinary requests, and
//! nothing hostile makes the reader fall over.

#[path = "shared/mod.rs"]
mod shared;

use proptest::prelude::*;
use shared::{of_type, utf8, ws101};
use ws101::input::capture::Http2Step;
use ws101::said::{
    At, ConnectionId, Endpoint, GapReason, Http2Fact, Interest, Listener, Opening, Said, Transport,
};

fn sample(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures").join(name)
}

#[test]
fn a_browsers_stream_is_a_connection_with_its_own_handshake() {
    let file = sample("browser-wss-h2.pcap");
    let records = shared::pcap(&file).records();
    let connection = of_type(&records, "connection")[0];
    assert_eq!((&connection["transport"], &connection["stream"]), (&"h2".into(), &3.into()));
    let handshake = of_type(&records, "handshake")[0];
    assert_eq!(handshake["valid"], true, "{handshake}");
    assert_eq!((&handshake["outcome"], &handshake["status"]), (&"upgraded".into(), &200.into()));
    assert_eq!(handshake["subprotocol"], "chat.v1");
    assert_eq!(records.last().expect("a summary")["other_exchanges"], 3);
    let run = ws101(&["pcap", utf8(&file), "--keylog", utf8(&sample("browser-wss-h2.keys"))]);
    assert_eq!(run.code, Some(0), "{}", String::from_utf8_lossy(&run.stdout));
}

/// What a listener hears of the streams, as lines.
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    others: usize,
}

impl Listener for Notes {
    fn opened(&mut self, id: ConnectionId, opening: &Opening) {
        self.lines.push(format!("{} opened {:?}", id.0, opening.transport));
    }

    fn said(&mut self, id: ConnectionId, said: Said<'_>) -> Interest {
        self.lines.push(match said {
            Said::Head { from, head, .. } => {
                format!(
                    "{} {from} {}",
                    id.0,
                    String::from_utf8_lossy(head.bytes(&head.start_range()))
                )
            }
            Said::Bytes { from, offset, bytes, .. } => {
                format!("{} {from} {offset} {}", id.0, String::from_utf8_lossy(bytes))
            }
            Said::End { from, how, .. } => format!("{} {from} {how:?}", id.0),
            Said::Gap { from, length, .. } => format!("{} {from} gap {length:?}", id.0),
            Said::Http2 { from, fact, .. } => format!("{} {from} {fact:?}", id.0),
            other => format!("{} {other:?}", id.0),
        });
        Interest::More
    }

    fn other_exchange(&mut self) {
        self.others += 1;
    }

    fn forgotten(&mut self, id: ConnectionId, _: bool) {
        self.lines.push(format!("{} forgotten", id.0));
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields as literals without indexing (RFC 7541 §6.2.2).
fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend(text.bytes());
        }
    }
    block
}

fn connect() -> Vec<u8> {
    literals(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "a.example"),
        ("sec-websocket-version", "13"),
    ])
}

/// The lines about heads and streams.
fn heads(notes: &Notes) -> Vec<&String> {
    let is_head = |line: &&String| line.contains("HTTP/2") || line.contains("opened");
    notes.lines.iter().filter(is_head).collect()
}

/// Both endpoints' bytes, in pieces of this size.
fn play(said: &[(Endpoint, Vec<u8>)], piece: usize) -> Notes {
    let mut notes = Notes::default();
    let mut step = Http2Step::default();
    let mut listener = step.before(&mut notes);
    let id = ConnectionId(0);
    let opening = Opening {
        client: None,
        server: None,
        transport: Transport::Tcp,
        initiator_seen: true,
        at: At::default(),
    };
    listener.opened(id, &opening);
    let mut offsets = [0; 2];
    for (from, bytes) in said {
        for bytes in bytes.chunks(piece) {
            let offset = offsets[from.index()];
            offsets[from.index()] += bytes.len() as u64;
            let at = At::default();
            listener.said(id, Said::Bytes { from: *from, offset, bytes, heard: None, at });
        }
    }
    listener.forgotten(id, true);
    notes
}

fn conversation() -> Vec<(Endpoint, Vec<u8>)> {
    use Endpoint::{Client, Server};
    let block = connect();
    let (first, second) = block.split_at(20);
    let padded = [&[3][..], b"over two", &[0; 3]].concat();
    vec![
        (Client, [PREFACE, &frame(4, 0, 0, &[])].concat()),
        (Server, frame(4, 0, 0, &[0, 8, 0, 0, 0, 1])),
        (Client, frame(1, 5, 1, &literals(&[(":method", "GET"), (":path", "/")]))),
        (Client, frame(1, 0, 3, first)),
        (Client, frame(9, 4, 3, second)),
        (Client, frame(1, 4, 5, &block)),
        (Server, frame(1, 4, 3, &literals(&[(":status", "200")]))),
        (Server, frame(1, 4, 5, &literals(&[(":status", "403")]))),
        (Server, frame(0, 1, 5, b"no")),
        (Client, frame(0, 0, 3, b"one")),
        (Client, frame(8, 0, 0, &[0, 0, 1, 0])),
        (Client, frame(0, 8, 3, &padded)),
        (Server, frame(0, 0, 3, b"back")),
        (Server, frame(0, 1, 3, b"")),
        (Client, frame(3, 0, 3, &[0, 0, 0, 8])),
    ]
}

#[test]
fn streams_with_websocket_are_told_apart_from_ordinary_requests() {
    let notes = play(&conversation(), usize::MAX);
    let allowed = Http2Fact::ConnectProtocol { value: 1, before: None };
    let lines = [
        "0 opened Http2 { stream: 3 }".to_owned(),
        "0 client CONNECT /chat HTTP/2".to_owned(),
        format!("0 server {allowed:?}"),
        format!("0 client {:?}", Http2Fact::Asked { allowed: Some(true) }),
        "1 opened Http2 { stream: 5 }".to_owned(),
        "1 client CONNECT /chat HTTP/2".to_owned(),
        format!("1 client {:?}", Http2Fact::Asked { allowed: Some(true) }),
        "0 server HTTP/2 200 ".to_owned(),
        "1 server HTTP/2 403 ".to_owned(),
        "1 forgotten".to_owned(),
        "0 client 0 one".to_owned(),
        "0 client 3 over two".to_owned(),
        "0 server 0 back".to_owned(),
        "0 server EndStream".to_owned(),
        format!("0 client {:?}", Http2Fact::Reset { code: 8, accepted: true }),
        "0 client ResetStream".to_owned(),
        "0 forgotten".to_owned(),
    ];
    assert_eq!(notes.lines, lines);
    assert_eq!(notes.others, 1);
}

#[test]
fn how_the_bytes_are_cut_makes_no_difference_to_heads_and_streams() {
    let whole = play(&conversation(), usize::MAX);
    for piece in 3..40 {
        let cut = play(&conversation(), piece);
        assert_eq!(heads(&whole), heads(&cut), "in pieces of {piece}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_the_reader_fall_over(
        frames in prop::collection::vec((0u8..12, any::<u8>(), 0u32..8, prop::collection::vec(any::<u8>(), 0..60)), 0..30),
        from in prop::collection::vec(any::<bool>(), 30),
        piece in 1usize..50,
    ) {
        let mut said = vec![(Endpoint::Client, PREFACE.to_vec())];
        for ((kind, flags, stream, payload), from) in frames.iter().zip(from) {
            let from = if from { Endpoint::Client } else { Endpoint::Server };
            let block = connect();
            let payload = if payload.len() == 7 { &block } else { payload };
            said.push((from, frame(*kind, *flags, *stream, payload)));
        }
        let notes = play(&said, piece.max(3));
        let opened = notes.lines.iter().filter(|line| line.contains("opened")).count();
        let forgotten = notes.lines.iter().filter(|line| line.contains("forgotten")).count();
        prop_assert_eq!(opened, forgotten);
    }
}

/// What is told of these, one after another, on a stream that was opened before.
fn facts(frames: &[(Endpoint, Vec<u8>)]) -> Vec<String> {
    let mut said = conversation();
    said.truncate(7);
    said.extend(frames.iter().cloned());
    let lines = play(&said, usize::MAX).lines;
    let known = play(&said[..7], usize::MAX).lines.len() - 2;
    lines[known..].iter().filter(|line| line.starts_with("0 ")).cloned().collect()
}

#[test]
fn who_may_not_send_any_more_and_who_goes_away_is_told() {
    use Endpoint::{Client, Server};
    let blocked = format!("0 client {:?}", Http2Fact::Blocked);
    let unblocked = format!("0 client {:?}", Http2Fact::Unblocked);
    let data = || frame(0, 0, 3, &[b'x'; 16_384]);
    let update = |stream| (Server, frame(8, 0, stream, &[0, 0, 0, 9]));
    // 65535 bytes, and one more that may not be sent: stream and connection have the same window.
    let last = (Client, frame(0, 0, 3, &[b'x'; 16_383]));
    let all = [(Client, data()), (Client, data()), (Client, data()), last, update(3), update(0)];
    let told = facts(&all);
    let about: Vec<_> = told.iter().filter(|line| line.contains("locked")).collect();
    assert_eq!(about, [&blocked, &blocked, &unblocked, &unblocked], "{told:?}");
    let refused = |last, from, code| {
        let payload = [last, code].map(u32::to_be_bytes).concat();
        facts(&[(from, frame(7, 0, 0, &payload))])
    };
    let fact = |refused, code| format!("{:?}", Http2Fact::GoAway { code, refused });
    assert!(refused(1, Server, 11)[0].ends_with(&fact(true, 11)));
    assert!(refused(3, Server, 0)[0].ends_with(&fact(false, 0)));
    assert!(refused(0, Client, 0)[0].ends_with(&fact(false, 0)));
}

/// A gap inside a frame whose length is known is stepped over; what it held is missing, and no more.
#[test]
fn a_gap_inside_a_frame_is_no_more_than_that() {
    use Endpoint::{Client, Server};
    let mut notes = Notes::default();
    let mut step = Http2Step::default();
    let mut listener = step.before(&mut notes);
    let id = ConnectionId(0);
    let at = At::default();
    let opening =
        Opening { client: None, server: None, transport: Transport::Tcp, initiator_seen: true, at };
    listener.opened(id, &opening);
    let mut offsets = [0; 2];
    let mut say = |from: Endpoint, bytes: &[u8], missing: u64| {
        let offset = offsets[from.index()];
        let said = Said::Bytes { from, offset, bytes, heard: None, at };
        listener.said(id, said);
        offsets[from.index()] += bytes.len() as u64;
        if missing > 0 {
            let (offset, reason) = (offsets[from.index()], GapReason::Lost);
            listener.said(id, Said::Gap { from, offset, length: Some(missing), reason, at });
            offsets[from.index()] += missing;
        }
    };
    for (from, bytes) in conversation().into_iter().take(7) {
        say(from, &bytes, 0);
    }
    let whole = frame(0, 0, 3, b"0123456789");
    say(Client, &whole[..13], 4);
    say(Client, &whole[17..], 0);
    // The rest of a DATA, exactly.
    say(Client, &whole[..15], 4);
    say(Client, &whole, 0);
    // The middle of a PING, and of an ordinary head: from there on the table is not known.
    let ping = frame(6, 0, 0, &[7; 8]);
    say(Client, &ping[..12], 3);
    say(Client, &ping[15..], 0);
    let head = frame(1, 5, 7, &literals(&[(":method", "GET"), (":path", "/again")]));
    say(Client, &head[..14], 5);
    say(Client, &head[19..], 0);
    say(Server, &frame(0, 1, 3, b"bye"), 0);
    say(Client, &frame(0, 1, 3, b"end"), 0);
    listener.forgotten(id, true);
    let lines: Vec<_> = notes.lines.iter().filter(|line| line.starts_with("0 ")).skip(5).collect();
    let expected = [
        "0 client 0 0123",
        "0 client gap Some(4)",
        "0 client 8 89",
        "0 client 10 012345",
        "0 client gap Some(4)",
        "0 client 20 0123456789",
        "0 server 0 bye",
        "0 server EndStream",
        "0 client 30 end",
        "0 client EndStream",
        "0 forgotten",
    ];
    assert_eq!(lines, expected, "{:?}", notes.lines);
}

proptest! {
    #[test]
    fn nor_do_gaps(
        lengths in prop::collection::vec((1usize..60, prop::option::of(prop::option::of(0u64..80))), 60),
        late: bool,
    ) {
        let mut notes = Notes::default();
        let mut step = Http2Step::default();
        let mut listener = step.before(&mut notes);
        let (id, at) = (ConnectionId(0), At::default());
        let opening =
            Opening { client: None, server: None, transport: Transport::Tcp, initiator_seen: true, at };
        listener.opened(id, &opening);
        let mut said = conversation();
        said.drain(..if late { 3 } else { 0 });
        let mut lengths = lengths.into_iter().cycle();
        let mut offsets = [0; 2];
        for (from, mut bytes) in said {
            while !bytes.is_empty() {
                let (length, gap) = lengths.next().expect("it has no end");
                let offset = offsets[from.index()];
                let rest = bytes.split_off(length.min(bytes.len()));
                listener.said(id, Said::Bytes { from, offset, bytes: &bytes, heard: None, at });
                offsets[from.index()] += bytes.len() as u64;
                bytes = rest;
                if let Some(length) = gap {
                    let (offset, reason) = (offsets[from.index()], GapReason::Lost);
                    listener.said(id, Said::Gap { from, offset, length, reason, at });
                    let length = length.unwrap_or(0);
                    offsets[from.index()] += length;
                    bytes.drain(..bytes.len().min(length as usize));
                }
            }
        }
        listener.forgotten(id, true);
        let opened = notes.lines.iter().filter(|line| line.contains("opened")).count();
        let forgotten = notes.lines.iter().filter(|line| line.contains("forgotten")).count();
        prop_assert_eq!(opened, forgotten);
    }
}

/// What is found on streams of HTTP/2, and on connections beside them.
#[derive(Default)]
struct Found(Vec<&'static str>);

impl ws101::inspection::Observer for Found {
    fn connection(&mut self, _: &ws101::inspection::Connection) {}

    fn event(
        &mut self,
        _: &ws101::inspection::Connection,
        _: &ws101::websocket::Event<'_>,
        judged: &ws101::rules::Judged,
    ) {
        self.0.extend(judged.findings.iter().map(|finding| finding.rule.id));
    }
}

/// Who sends what, in turn.
type Talk = Vec<(Endpoint, Vec<u8>)>;

/// Connections one after the other: what each end says, and the protocol that TLS agreed on.
fn found(connections: &[(&str, Talk)]) -> Vec<&'static str> {
    let mut inspector = ws101::Inspector::new(Found::default(), Default::default());
    let mut step = Http2Step::default();
    let at = At::default();
    let mut listener = step.before(&mut inspector);
    for (number, (protocol, said)) in connections.iter().enumerate() {
        let id = ConnectionId(number as u32);
        let port = 50_000 + number as u16;
        listener.opened(
            id,
            &Opening {
                client: Some(([192, 0, 2, 7], port).into()),
                server: Some(([203, 0, 113, 5], 443).into()),
                transport: Transport::Tls,
                initiator_seen: true,
                at,
            },
        );
        let protocol = Some(protocol.as_bytes().to_vec());
        let tls = ws101::said::Tls { protocol, ..Default::default() };
        listener.said(id, Said::Secured { tls: &tls });
        let mut sent = [0u64; 2];
        for (from, bytes) in said {
            let (from, offset) = (*from, sent[from.index()]);
            sent[from.index()] += bytes.len() as u64;
            let heard = Some(sent[from.peer().index()]);
            listener.said(id, Said::Bytes { from, offset, bytes, heard, at });
        }
    }
    for number in 0..connections.len() {
        listener.forgotten(ConnectionId(number as u32), false);
    }
    inspector.into_parts().0.0
}

const SETTINGS: u8 = 4;

/// ENABLE_CONNECT_PROTOCOL (RFC 8441 §3), set to 1.
const ALLOWED: [u8; 6] = [0, 8, 0, 0, 0, 1];

/// A connection of HTTP/2 on which the server sets this, and nothing is asked.
fn idle(settings: &[u8]) -> Vec<(Endpoint, Vec<u8>)> {
    let client = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    vec![(Endpoint::Client, client), (Endpoint::Server, frame(SETTINGS, 0, 0, settings))]
}

#[test]
fn http_1_1_beside_http_2_is_explained() {
    let upgrade = || {
        let request = "GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: \
                       Upgrade\r\nSec-WebSocket-Key: p8MfDlmy1EiOaw0h95NaxA==\r\n\
                       Sec-WebSocket-Version: 13\r\n\r\n";
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: \
                      Upgrade\r\nSec-WebSocket-Accept: Ozi3DgKUQuilRLfXX2e3c0dy3mk=\r\n\r\n";
        vec![
            (Endpoint::Client, request.as_bytes().to_vec()),
            (Endpoint::Server, answer.as_bytes().to_vec()),
        ]
    };
    let beside = found(&[("h2", idle(&[])), ("http/1.1", upgrade())]);
    assert!(beside.contains(&"H2-FALLBACK"), "{beside:?}");
    let allowed = found(&[("h2", idle(&ALLOWED)), ("http/1.1", upgrade())]);
    assert!(!allowed.contains(&"H2-FALLBACK"), "{allowed:?}");
    assert!(!found(&[("http/1.1", upgrade())]).contains(&"H2-FALLBACK"));
}

#[test]
fn frames_and_offers_on_a_stream_are_judged_as_on_a_connection() {
    const HEADERS: u8 = 1;
    const DATA: u8 = 0;
    const END_HEADERS: u8 = 4;
    let stream = |request: Vec<u8>, answer: &[(&str, &str)], data: &[u8], from: Endpoint| {
        let mut said = idle(&ALLOWED);
        said.push((Endpoint::Client, frame(HEADERS, END_HEADERS, 1, &request)));
        said.push((Endpoint::Server, frame(HEADERS, END_HEADERS, 1, &literals(answer))));
        said.push((from, frame(DATA, 0, 1, data)));
        found(&[("h2", said)])
    };
    let ok = &[(":status", "200")][..];
    let unmasked = stream(connect(), ok, b"\x81\x05Hello", Endpoint::Client);
    assert!(unmasked.contains(&"MSK-CLIENT-UNMASKED"), "{unmasked:?}");
    // Nothing was agreed, so no reserved bit has a meaning.
    let reserved = stream(connect(), ok, b"\xa1\x05Hello", Endpoint::Server);
    assert!(reserved.contains(&"FRM-RSV-UNNEGOTIATED"), "{reserved:?}");
    let chosen = [(":status", "200"), ("sec-websocket-protocol", "chat")];
    let unasked = stream(connect(), &chosen, b"\x81\x05Hello", Endpoint::Server);
    assert!(unasked.contains(&"NEG-SUBPROTO-NOT-OFFERED"), "{unasked:?}");
    let refused = stream(
        [connect(), literals(&[])].concat(),
        &[(":status", "404")],
        b"not found",
        Endpoint::Server,
    );
    assert!(!refused.contains(&"H2-UNSUPPORTED-501"), "websocket is known: {refused:?}");
    let other = literals(&[
        (":method", "CONNECT"),
        (":protocol", "websockets"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "a.example"),
        ("sec-websocket-version", "13"),
    ]);
    let unknown = stream(other, &[(":status", "404")], b"not found", Endpoint::Server);
    assert!(unknown.contains(&"H2-UNSUPPORTED-501"), "{unknown:?}");
}
