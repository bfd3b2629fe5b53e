//! The examples of the rule pages, played through the library.
//!
//! A ```` ```frames ```` block is a conversation after a handshake, a ```` ```http ```` block one
//! that begins with it. In both, each line stands for what it says:
//!
//! - `C> 81 85 …` and `S> …` are bytes (`00*976`: that many of
//!   them; ` *20` at the end: all of it that often); whoever says them has heard all lines above;
//! - `# t=45` sets the clock, `# gap: S 10` loses bytes, `# snap: S 10` cuts them off a packet,
//!   `# end: S FIN`, `# end: S RST` or `# end: cut` is an end, and what else follows a `#` is a
//!   comment;
//! - before frames, `# agreed: …` is the accepted `Sec-WebSocket-Extensions` (`nothing` if it is
//!   missing, `unknown` if the handshake was not seen), `# offered: …` what was offered, and
//!   `# roles: unknown` says that nobody saw who opened the connection;
//! - before heads, `# over: TCP 203.0.113.5:80` (or `TLS`) says how the bytes travel and to which
//!   address;
//! - over `H2`, heads have `HTTP/2` in their first line and pseudo-header fields below it, and
//!   `# h2: S setting 1` and its like (see `http2_fact`) say what happens around the stream;
//! - `# client: 198.51.100.7:50001` begins a connection from there, or goes on with it; one that
//!   has an end is over once the next one begins;
//! - before heads, `# tls: version=1.2 name=server.example` says what the handshake of TLS was
//!   (without `name`, the client named no server), and `# opaque: REASON` is a TLS connection whose
//!   records stay closed; `# close_notify: S` is an alert of TLS;
//! - `# pasted`: somebody has typed or pasted the heads;
//! - all other lines of an http block are heads, each ended by an empty line or the end of the
//!   block: those that begin with `HTTP/` are the server's. They are sent as on the wire, with CR
//!   LF. In a block marked `escaped`, `\r`, `\0` and `\\` in a head are a bare CR, a NUL
//!   and a backslash.

use std::net::SocketAddr;
use ws101::Inspector;
use ws101::http::{Head, HeadRead};
use ws101::inspection::{Connection, Observer};
use ws101::rules::{Finding, Judge, Judged};
use ws101::said::PacketNumber;
use ws101::said::{
    At, ConnectionId, Endpoint, GapReason, Http2Fact, Listener, Opaque, OpaqueReason, Opening,
    Said, Time, Tls, TlsVersion, Transport, TransportEnd,
};
use ws101::websocket::extension::Agreement;
use ws101::websocket::{Conversation, Desk, Event, Limits};

const ID: ConnectionId = ConnectionId(0);

/// What is found in frames whose handshake is agreed upon.
pub(crate) fn play_frames(text: &str) -> Vec<Finding> {
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let agreed = value("# agreed").map(str::trim);
    let agreement = (agreed != Some("unknown")).then(|| {
        let accepted =
            head("HTTP/1.1 101 Switching Protocols", agreed.filter(|&name| name != "nothing"));
        let offered = head("GET / HTTP/1.1", value("# offered").map(str::trim));
        Agreement::of(Some(&offered), Some(&accepted))
    });
    let mut judge = Judge::default();
    judge.memory.agreement = agreement;
    judge.memory.direction_known = !text.contains("# roles: unknown");
    judge.memory.pasted = agreement.is_some() && !text.contains("# end: cut");
    let mut assumed = Assumed {
        conversation: Conversation::assumed(agreement),
        judge,
        desk: Desk::new(Limits::default()),
        found: Vec::new(),
    };
    let mut stage = Stage::default();
    let mut scene = Scene { tell: |said: Said<'_>| assumed.hear(said), stage: &mut stage };
    text.lines().for_each(|line| scene.line(line));
    assumed.finish(stage.cut)
}

/// What is found in a conversation that begins with its handshake, seen on the wire.
pub(crate) fn play_http(text: &str, escaped: bool) -> Vec<Finding> {
    let is_timed = text.contains("# t=");
    let recorder = Recorder::default();
    let mut inspector = if text.contains("# pasted") {
        Inspector::of_transcripts(recorder, Limits::default())
    } else {
        Inspector::new(recorder, Limits::default())
    };
    let at = At { packet: None, time: is_timed.then_some(START) };
    // An excerpt is not blamed for ending in the middle, unless it says that it was cut.
    let over = text.lines().find_map(|line| line.strip_prefix("# over: ")?.split_once(' '));
    let transport = match over {
        Some(("TLS", _)) => Transport::Tls,
        Some(("H2", _)) => Transport::Http2 { stream: 1 },
        Some(_) => Transport::Tcp,
        None if text.contains("# end: cut") => Transport::Tcp,
        None => Transport::None,
    };
    let server = over.map(|(_, address)| address.parse().expect("an address and a port"));
    let opening = Opening { client: None, server, transport, initiator_seen: true, at };
    let mut lines: Vec<Line> = Vec::new();
    for (client, text) in parts(text) {
        let place = match lines.iter().position(|line| line.client == client) {
            Some(place) => place,
            None => {
                lines.retain(|line| !line.hang_up(&mut inspector));
                let id = ConnectionId(lines.iter().map(|line| line.id.0 + 1).max().unwrap_or(0));
                let opened = text.lines().find_map(time);
                let at = At { time: opened.or(at.time), ..at };
                let server = server.or(client.map(|_| SERVER.parse().expect("an address")));
                inspector.opened(id, &Opening { client, server, at, ..opening });
                if let Some(line) = text.lines().find_map(|line| line.strip_prefix("# tls:")) {
                    inspector.said(id, Said::Secured { tls: &tls(line) });
                }
                if let Some(line) = text.lines().find_map(|line| line.strip_prefix("# opaque:")) {
                    inspector.opaque(&opaque(line.trim()));
                }
                let stage = Stage { time: at.time, ..Stage::default() };
                lines.push(Line { client, id, stage });
                lines.len() - 1
            }
        };
        let Line { id, stage, .. } = &mut lines[place];
        let mut scene = Scene { tell: |said: Said<'_>| _ = inspector.said(*id, said), stage };
        scene.heads(text, escaped);
    }
    for line in lines {
        inspector.forgotten(line.id, line.stage.cut);
    }
    inspector.into_parts().0.found
}

/// The server of connections that have a client.
const SERVER: &str = "203.0.113.5:443";

/// A connection of an http block.
struct Line {
    client: Option<SocketAddr>,
    id: ConnectionId,
    stage: Stage,
}

impl Line {
    /// Ends it, if an end was said.
    fn hang_up(&self, inspector: &mut Inspector<Recorder>) -> bool {
        if !self.stage.cut {
            inspector.forgotten(self.id, false);
        }
        !self.stage.cut
    }
}

/// The parts of a block, each with the client it belongs to.
fn parts(text: &str) -> Vec<(Option<SocketAddr>, &str)> {
    const MARK: &str = "# client: ";
    let mut parts = text.split(MARK);
    let first = parts.next().filter(|part| *part == text).map(|part| (None, part));
    let others = parts.map(|part| {
        let (client, rest) = part.split_once('\n').expect("a line");
        (Some(client.parse().expect("an address and a port")), rest)
    });
    first.into_iter().chain(others).collect()
}

fn tls(line: &str) -> Tls {
    let value = |name| line.split_whitespace().find_map(|word| word.strip_prefix(name));
    let version = match value("version=") {
        Some("1.0") => TlsVersion::TLS_1_0,
        Some("1.2") => TlsVersion::TLS_1_2,
        _ => TlsVersion::TLS_1_3,
    };
    let server_name = value("name=").map(|name| name.as_bytes().to_vec());
    Tls { version: Some(version), client_hello_seen: true, server_name, ..Tls::default() }
}

fn opaque(reason: &str) -> Opaque {
    let reasons = [OpaqueReason::NoKeyLog, OpaqueReason::NotInKeyLog, OpaqueReason::WrongSecrets];
    let why = reasons.into_iter().find(|why| why.name() == reason).expect("a reason");
    Opaque { client: None, server: None, tls: tls(""), why, alert: None, at: At::default() }
}

/// A head whose first line speaks of HTTP/2, field names with their colons.
fn http2_head(text: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let words: Vec<Vec<u8>> = lines.next()?.splitn(3, ' ').map(|word| word.into()).collect();
    let words: [Vec<u8>; 3] = words
        .try_into()
        .ok()
        .filter(|words: &[Vec<u8>; 3]| words[0] == b"HTTP/2" || words[2] == b"HTTP/2")?;
    let fields: Vec<_> = lines
        .map(|line| {
            let (name, value) = line[1..].split_once(':').expect("a field has a colon");
            (format!("{}{name}", &line[..1]).into(), value.trim().into())
        })
        .collect();
    Some(Head::decoded(words, &fields))
}

/// `S setting 1`, `S withdraws`, `C asks unallowed`, `C reset 2`, `S headers`, `C data after end`.
fn http2_fact(text: &str) -> (Endpoint, Http2Fact) {
    let (who, what) = text.trim().split_once(' ').expect("who, and what");
    let from = if who == "C" { Endpoint::Client } else { Endpoint::Server };
    let number = || what.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number");
    let fact = match what.split(' ').next() {
        Some("setting") => Http2Fact::ConnectProtocol { value: number(), before: None },
        Some("withdraws") => Http2Fact::ConnectProtocol { value: 0, before: Some(1) },
        Some("asks") => Http2Fact::Asked { allowed: Some(what == "asks") },
        Some("reset") => Http2Fact::Reset { code: number(), accepted: true },
        Some("headers") => Http2Fact::LateHeaders,
        _ => Http2Fact::DataAfterEnd,
    };
    (from, fact)
}

fn unescaped(line: &str) -> Vec<u8> {
    let text = line.replace("\\\\", "\u{1}").replace("\\r", "\r").replace("\\0", "\0");
    text.replace('\u{1}', "\\").into_bytes()
}

fn gap(line: &str) -> Option<(GapReason, &str)> {
    let lost = line.strip_prefix("# gap:").map(|gap| (GapReason::Lost, gap));
    lost.or_else(|| line.strip_prefix("# snap:").map(|gap| (GapReason::SnapLength, gap)))
}

/// When `# t=0` is.
const START: Time = Time(1_700_000_000_000_000_000);

/// How far a connection has come.
struct Stage {
    time: Option<Time>,
    packets: u64,
    sent: [u64; 2],
    cut: bool,
}

impl Default for Stage {
    fn default() -> Stage {
        Stage { time: None, packets: 0, sent: [0; 2], cut: true }
    }
}

/// Reads lines and tells what they say.
struct Scene<'a, F> {
    tell: F,
    stage: &'a mut Stage,
}

/// The time that a line sets.
fn time(line: &str) -> Option<Time> {
    let seconds: f64 = line.strip_prefix("# t=")?.trim().parse().expect("a number of seconds");
    Some(Time(START.0 + (seconds * 1e9) as i64))
}

impl<F: FnMut(Said<'_>)> Scene<'_, F> {
    /// Lines among which are heads.
    fn heads(&mut self, text: &str, escaped: bool) {
        let mut head = Vec::new();
        for line in text.lines().chain([""]) {
            let is_stage = ["C>", "S>", "#"].iter().any(|mark| line.starts_with(mark));
            if is_stage && head.is_empty() {
                self.line(line);
            } else if !line.is_empty() {
                head.extend(if escaped { unescaped(line) } else { line.as_bytes().to_vec() });
                head.extend(b"\r\n");
            } else if !head.is_empty() {
                head.extend(b"\r\n");
                let is_answer = head.starts_with(b"HTTP/");
                let from = if is_answer { Endpoint::Server } else { Endpoint::Client };
                let head = std::mem::take(&mut head);
                match http2_head(&head) {
                    Some(head) => {
                        let at = self.at();
                        (self.tell)(Said::Head { from, head, body: &[], at });
                    }
                    None => self.bytes(from, &head),
                }
            }
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(time) = time(line) {
            self.stage.time = Some(time);
        } else if let Some(end) = line.strip_prefix("# end:") {
            let (from, how) = match end.trim() {
                "C FIN" => (Endpoint::Client, TransportEnd::Fin),
                "S FIN" => (Endpoint::Server, TransportEnd::Fin),
                "C RST" => (Endpoint::Client, TransportEnd::Reset),
                "S RST" => (Endpoint::Server, TransportEnd::Reset),
                _ => return,
            };
            self.stage.cut = false;
            let heard = Some(self.stage.sent[from.peer().index()]);
            let at = self.at();
            (self.tell)(Said::End { from, how, heard, at });
        } else if let Some(fact) = line.strip_prefix("# h2:") {
            let (from, fact) = http2_fact(fact);
            let at = self.at();
            (self.tell)(Said::Http2 { from, fact, at });
        } else if let Some(who) = line.strip_prefix("# close_notify:") {
            let from = if who.trim() == "C" { Endpoint::Client } else { Endpoint::Server };
            let at = self.at();
            (self.tell)(Said::CloseNotify { from, at });
        } else if let Some((reason, gap)) = gap(line) {
            let (who, length) = gap.trim().split_once(' ').unwrap_or((gap.trim(), ""));
            let from = if who == "C" { Endpoint::Client } else { Endpoint::Server };
            let (offset, length) = (self.stage.sent[from.index()], length.trim().parse().ok());
            self.stage.sent[from.index()] += length.unwrap_or(0);
            let at = self.at();
            (self.tell)(Said::Gap { from, offset, length, reason, at });
        } else {
            let (from, hex) = match (line.strip_prefix("C>"), line.strip_prefix("S>")) {
                (Some(hex), _) => (Endpoint::Client, hex),
                (_, Some(hex)) => (Endpoint::Server, hex),
                _ => return assert!(line.is_empty() || line.starts_with('#'), "{line}"),
            };
            let hex = hex.split('#').next().unwrap_or_default();
            let (hex, times) = hex.split_once(" *").unwrap_or((hex, "1"));
            let bytes: Vec<u8> = hex
                .split_whitespace()
                .flat_map(|word| {
                    let (byte, times) = word.split_once('*').unwrap_or((word, "1"));
                    let byte = u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{line}"));
                    std::iter::repeat_n(byte, times.parse().expect("how many of that byte"))
                })
                .collect();
            let times = times.trim().parse().expect("how many of them");
            self.bytes(from, &bytes.repeat(times));
        }
    }

    fn bytes(&mut self, from: Endpoint, bytes: &[u8]) {
        let offset = self.stage.sent[from.index()];
        let heard = Some(self.stage.sent[from.peer().index()]);
        self.stage.sent[from.index()] += bytes.len() as u64;
        self.stage.packets += 1;
        let at = self.at();
        (self.tell)(Said::Bytes { from, offset, bytes, heard, at });
    }

    fn at(&self) -> At {
        let packet = self.stage.time.and(PacketNumber::new(self.stage.packets));
        At { packet, time: self.stage.time }
    }
}

/// Frames are played without an inspector, which can't be told what was agreed.
struct Assumed {
    conversation: Conversation,
    judge: Judge,
    desk: Desk,
    found: Vec<Finding>,
}

impl Assumed {
    fn hear(&mut self, said: Said<'_>) {
        let Assumed { conversation, judge, desk, found } = self;
        conversation.hear(said, desk, &mut |event| consider(judge, event, found));
    }

    fn finish(mut self, _cut: bool) -> Vec<Finding> {
        let Assumed { conversation, judge, desk, found } = &mut self;
        conversation.finish(desk, &mut |event| consider(judge, event, found));
        self.found
    }
}

fn consider(judge: &mut Judge, event: &Event<'_>, found: &mut Vec<Finding>) {
    let mut judged = Judged::default();
    judge.consider(event, &mut judged);
    found.extend(judged.findings);
}

/// Keeps the findings.
#[derive(Default)]
struct Recorder {
    found: Vec<Finding>,
}

impl Observer for Recorder {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        self.found.extend(judged.findings.iter().cloned());
    }

    fn opaque(&mut self, _: &Opaque, judged: &Judged) {
        self.found.extend(judged.findings.iter().cloned());
    }
}

fn head(line: &str, extensions: Option<&str>) -> Head {
    let field = extensions.map(|value| format!("Sec-WebSocket-Extensions: {value}\r\n"));
    let text = format!("{line}\r\n{}\r\n", field.unwrap_or_default());
    match Head::read(text.as_bytes(), 0) {
        HeadRead::Head(head, _) => *head,
        other => panic!("{text} is no head: {other:?}"),
    }
}
