//! Scenes: short conversations written down as text, played through an inspector. The examples of
//! the rule pages are scenes, so that what `ws101 explain` shows is what the tests hold.
//!
//! A scene in [`Notation::Frames`] is a conversation after a handshake, one in [`Notation::Http`]
//! begins with it. In both, each line stands for what it says:
//!
//! - `C> 81 85 …` and `S> …` are bytes of client and server (`00*976`: that many of them; ` *20` at
//!   the end: all of it that often); whoever says them has heard all lines above;
//! - `# t=45` sets the clock, `# gap: S 10` loses bytes, `# snap: S 10` cuts them off a packet,
//!   `# end: S FIN`, `# end: S RST`, `# end: S stream` (of HTTP/2) or `# end: cut` is an end, and what else follows a `#` is a
//!   comment;
//! - before frames, `# agreed: …` is the accepted `Sec-WebSocket-Extensions` (`nothing` if it is
//!   missing, `unknown` if the handshake was not seen), `# offered: …` what was offered, and
//!   `# roles: unknown` says that nobody saw who opened the connection;
//! - before heads, `# over: TCP 203.0.113.5:80` (or `TLS`) says how the bytes travel and to which
//!   address;
//! - over `H2`, heads have `HTTP/2` in their first line and pseudo-header fields below it, and
//!   `# h2: S setting 1` and its like (see [`http2_fact`]) say what happens around the stream;
//! - `# client: 198.51.100.7:50001` begins a connection from there, or goes on with it; one that
//!   has an end is over once the next one begins (` > 192.0.2.9:80` behind it: its server);
//! - before heads, `# tls: version=1.2 name=server.example` says what the handshake of TLS was
//!   (without `name`, the client named no server; `beside=h2`: the two speak HTTP/2, too), and `# opaque: REASON` is a TLS connection whose
//!   records stay closed; `# close_notify: S` is an alert of TLS, `# tcp: S repeats 5`,
//!   `# tcp: C shuts` and `# tcp: C opens` are about segments and windows of TCP, and
//!   after `# tcp: S misses` it is known that something was said and not captured;
//! - `# pasted`: somebody has typed or pasted the heads;
//! - all other lines among heads are heads, each ended by an empty line or the end of the scene:
//!   those that begin with `HTTP/` are the server's. They are sent as on the wire, with CR LF. If
//!   the scene is escaped, `\r`, `\0` and `\\` in a head are a bare CR, a NUL and a backslash.

mod example;
mod play;

pub use example::{BREAKS, Example, MENDED, examples};

use crate::http::{Head, HeadRead};
use crate::said::{
    Endpoint, GapReason, Http2Fact, Opaque, OpaqueReason, TcpFact, Time, Tls, TlsVersion,
    Transport, TransportEnd,
};
use crate::websocket::extension::Agreement;
use std::net::SocketAddr;

/// How a scene is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// What is said after a handshake.
    Frames,
    /// Heads, and what follows them.
    Http {
        /// Backslashes stand for what text can't show.
        escaped: bool,
    },
}

/// A conversation, or several.
#[derive(Debug)]
pub struct Scene {
    transport: Transport,
    server: Option<SocketAddr>,
    pasted: bool,
    timed: bool,
    /// For frames: what was agreed, if that is known. For heads: none.
    assumed: Option<Option<Agreement>>,
    roles_known: bool,
    parts: Vec<Part>,
}

/// Some lines of one connection.
#[derive(Debug)]
struct Part {
    client: Option<SocketAddr>,
    server: Option<SocketAddr>,
    tls: Option<Tls>,
    opaque: Option<Opaque>,
    steps: Vec<Step>,
}

/// What a line says.
#[derive(Debug)]
enum Step {
    Clock(Time),
    Bytes { from: Endpoint, bytes: Vec<u8> },
    Head { from: Endpoint, head: Box<Head> },
    Gap { from: Endpoint, length: Option<u64>, reason: GapReason },
    Http2 { from: Endpoint, fact: Http2Fact },
    CloseNotify { from: Endpoint },
    End { from: Endpoint, how: TransportEnd },
    Tcp { from: Endpoint, fact: TcpFact },
}

/// When `# t=0` is.
const START: Time = Time::new(1_700_000_000_000_000_000);

impl Scene {
    /// Reads a scene; what can't be understood is said in the error.
    pub fn read(text: &str, notation: Notation) -> Result<Scene, String> {
        let is_cut = text.contains("# end: cut");
        let over = value(text, "# over:").and_then(|over| over.split_once(' '));
        let server =
            over.map(|(_, address)| parsed(address, "an address and a port")).transpose()?;
        let scene = Scene {
            transport: match over {
                Some(("TLS", _)) => Transport::Tls,
                Some(("H2", _)) => Transport::Http2 { stream: 1 },
                Some(_) => Transport::Tcp,
                // An excerpt is not blamed for ending in the middle, unless it says that it was cut.
                None if is_cut || value(text, "# agreed:") == Some("unknown") => Transport::Tcp,
                None => Transport::None,
            },
            server,
            pasted: text.contains("# pasted"),
            timed: text.contains("# t="),
            assumed: (notation == Notation::Frames).then(|| agreement(text)),
            roles_known: !text.contains("# roles: unknown"),
            parts: Vec::new(),
        };
        let parts = parts(text)?.into_iter().map(|part| Part::read(part, notation));
        Ok(Scene { parts: parts.collect::<Result<_, _>>()?, ..scene })
    }
}

/// What stands behind a mark at the beginning of a line.
fn value<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(mark)).map(str::trim)
}

fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not {what}"))
}

/// Client, server, text.
type Sockets<'a> = (Option<SocketAddr>, Option<SocketAddr>, &'a str);

/// The parts of a scene, each with the client it belongs to.
fn parts(text: &str) -> Result<Vec<Sockets<'_>>, String> {
    let mut parts = text.split("# client: ");
    let first = parts.next().filter(|part| *part == text).map(|part| Ok((None, None, part)));
    let others = parts.map(|part| {
        let (sockets, rest) = part.split_once('\n').unwrap_or((part, ""));
        let (client, server) = sockets
            .split_once('>')
            .map_or((sockets, None), |(client, server)| (client, Some(server)));
        let server = server.map(|server| parsed(server, "an address and a port")).transpose()?;
        Ok((Some(parsed(client, "an address and a port")?), server, rest))
    });
    first.into_iter().chain(others).collect()
}

/// What `# agreed:` and `# offered:` come to; none if it is unknown.
fn agreement(text: &str) -> Option<Agreement> {
    let agreed = value(text, "# agreed:");
    let accepted = head(
        "HTTP/1.1 101 Switching Protocols",
        agreed.filter(|&extensions| extensions != "nothing"),
    );
    let offered = head("GET / HTTP/1.1", value(text, "# offered:"));
    (agreed != Some("unknown")).then(|| Agreement::of(offered.as_ref(), accepted.as_ref()))
}

fn head(line: &str, extensions: Option<&str>) -> Option<Head> {
    let field = extensions.map(|value| format!("Sec-WebSocket-Extensions: {value}\r\n"));
    let text = format!("{line}\r\n{}\r\n", field.unwrap_or_default());
    match Head::read(text.as_bytes(), 0) {
        HeadRead::Head(head, _) => Some(*head),
        _ => None,
    }
}

impl Part {
    fn read((client, server, text): Sockets<'_>, notation: Notation) -> Result<Part, String> {
        let steps = match notation {
            Notation::Frames => text.lines().filter_map(|line| step(line).transpose()).collect(),
            Notation::Http { escaped } => steps_and_heads(text, escaped),
        };
        Ok(Part {
            client,
            server,
            tls: value(text, "# tls:").map(tls),
            opaque: value(text, "# opaque:").map(opaque).transpose()?,
            steps: steps?,
        })
    }
}

/// Lines among which are heads.
fn steps_and_heads(text: &str, escaped: bool) -> Result<Vec<Step>, String> {
    let (mut steps, mut head) = (Vec::new(), Vec::new());
    for line in text.lines().chain([""]) {
        let is_stage = ["C>", "S>", "#"].iter().any(|mark| line.starts_with(mark));
        if is_stage && head.is_empty() {
            steps.extend(step(line)?);
        } else if !line.is_empty() {
            head.extend(if escaped { unescaped(line) } else { line.as_bytes().to_vec() });
            head.extend(b"\r\n");
        } else if !head.is_empty() {
            head.extend(b"\r\n");
            let is_answer = head.starts_with(b"HTTP/");
            let from = if is_answer { Endpoint::Server } else { Endpoint::Client };
            let bytes = std::mem::take(&mut head);
            steps.push(match http2_head(&bytes) {
                Some(head) => Step::Head { from, head: Box::new(head) },
                None => Step::Bytes { from, bytes },
            });
        }
    }
    Ok(steps)
}

fn unescaped(line: &str) -> Vec<u8> {
    let text = line.replace("\\\\", "\u{1}").replace("\\r", "\r").replace("\\0", "\0");
    text.replace('\u{1}', "\\").into_bytes()
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
    let field = |line: &str| {
        let (name, value) = line.get(1..)?.split_once(':')?;
        Some((format!("{}{name}", &line[..1]).into(), value.trim().into()))
    };
    let fields: Option<Vec<_>> = lines.map(field).collect();
    Some(Head::decoded(words, &fields?))
}

/// A line that is no part of a head; none if it only sets the stage or is a comment.
fn step(line: &str) -> Result<Option<Step>, String> {
    if let Some(seconds) = line.strip_prefix("# t=") {
        let seconds: f64 = parsed(seconds, "a number of seconds")?;
        return Ok(Some(Step::Clock(Time::new(START.nanoseconds() + (seconds * 1e9) as i64))));
    }
    let said = [("C>", Endpoint::Client), ("S>", Endpoint::Server)]
        .into_iter()
        .find_map(|(mark, from)| Some((from, line.strip_prefix(mark)?)));
    if let Some((from, hex)) = said {
        let bytes = bytes(hex)?;
        return Ok(Some(Step::Bytes { from, bytes }));
    }
    let Some((name, rest)) = line.strip_prefix("# ").and_then(|line| line.split_once(':')) else {
        let is_quiet = line.is_empty() || line.starts_with('#');
        return if is_quiet { Ok(None) } else { Err(format!("{line:?} says nothing")) };
    };
    let (who, what) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let from = if who == "C" { Endpoint::Client } else { Endpoint::Server };
    Ok(match (name, what) {
        ("end", "stream") => Some(Step::End { from, how: TransportEnd::EndStream }),
        ("end", "FIN") => Some(Step::End { from, how: TransportEnd::Fin }),
        ("end", "RST_STREAM") => Some(Step::End { from, how: TransportEnd::ResetStream }),
        ("end", "RST") => Some(Step::End { from, how: TransportEnd::Reset }),
        ("h2", what) => Some(Step::Http2 { from, fact: http2_fact(what)? }),
        ("tcp", what) => Some(Step::Tcp { from, fact: tcp_fact(what)? }),
        ("close_notify", _) => Some(Step::CloseNotify { from }),
        ("gap", length) => {
            Some(Step::Gap { from, length: length.parse().ok(), reason: GapReason::Lost })
        }
        ("snap", length) => {
            Some(Step::Gap { from, length: length.parse().ok(), reason: GapReason::SnapLength })
        }
        _ => None,
    })
}

/// `81 85 00*976 # comment`, ` *20` behind it: all of it that often.
fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let hex = hex.split('#').next().unwrap_or_default();
    let (hex, times) = hex.split_once(" *").unwrap_or((hex, "1"));
    let mut bytes = Vec::new();
    for word in hex.split_whitespace() {
        let (byte, times) = word.split_once('*').unwrap_or((word, "1"));
        let byte = u8::from_str_radix(byte, 16).map_err(|_| format!("{word:?} is no byte"))?;
        bytes.extend(std::iter::repeat_n(byte, parsed(times, "how many of that byte")?));
    }
    Ok(bytes.repeat(parsed(times, "how many times")?))
}

/// `setting 1`, `withdraws`, `asks unallowed`, `reset 2`, `headers`, `data after end`.
fn http2_fact(what: &str) -> Result<Http2Fact, String> {
    let number = || parsed(what.rsplit(' ').next().unwrap_or_default(), "a number");
    Ok(match what.split(' ').next() {
        Some("setting") => Http2Fact::ConnectProtocol { value: number()?, before: None },
        Some("withdraws") => Http2Fact::ConnectProtocol { value: 0, before: Some(1) },
        Some("asks") => Http2Fact::Asked { allowed: Some(what == "asks") },
        Some("reset") => Http2Fact::Reset { code: number()?, accepted: true },
        Some("headers") => Http2Fact::LateHeaders,
        Some("data") => Http2Fact::DataAfterEnd,
        _ => return Err(format!("{what:?} is nothing that happens in HTTP/2")),
    })
}

/// `repeats 5`, `shuts`, `opens`, `misses`.
fn tcp_fact(what: &str) -> Result<TcpFact, String> {
    Ok(match what.split_once(' ') {
        Some(("repeats", bytes)) => {
            let length = parsed(bytes, "how many bytes")?;
            TcpFact::Repeated { length, differs: false, damaged: false }
        }
        None if what == "shuts" => TcpFact::Window { open: false },
        None if what == "opens" => TcpFact::Window { open: true },
        None if what == "misses" => TcpFact::Unseen,
        _ => return Err(format!("{what:?} is nothing that TCP does")),
    })
}

/// `version=1.2 name=server.example`.
fn tls(line: &str) -> Tls {
    let value = |name| line.split_whitespace().find_map(|word| word.strip_prefix(name));
    let version = match value("version=") {
        Some("1.0") => TlsVersion::TLS_1_0,
        Some("1.2") => TlsVersion::TLS_1_2,
        _ => TlsVersion::TLS_1_3,
    };
    let server_name = value("name=").map(|name| name.as_bytes().to_vec());
    let beside_http2 = value("beside=") == Some("h2");
    let version = Some(version);
    Tls { version, client_hello_seen: true, server_name, beside_http2, ..Tls::default() }
}

fn opaque(reason: &str) -> Result<Opaque, String> {
    let reasons = [
        OpaqueReason::NoKeyLog,
        OpaqueReason::NotInKeyLog,
        OpaqueReason::WrongSecrets,
        OpaqueReason::AnsweredInClear,
    ];
    let why = reasons.into_iter().find(|why| why.name() == reason);
    let why = why.ok_or_else(|| format!("{reason:?} is no reason why records stay closed"))?;
    Ok(Opaque {
        client: None,
        server: None,
        tls: tls(""),
        why,
        alert: None,
        at: Default::default(),
    })
}
