//! What can be explained, and its page: topics and rules have their texts in `docs/`, everything
//! else says what its declaration says, with an example.

use super::{Gloss, Topic, topics};
use crate::http::{Head, HeadRead};
use crate::layers;
use crate::layout::{Spec, cited};
use crate::rules::refused;
use crate::rules::{self, Covered, Rule};
use crate::websocket::frame::{EXTENDED_16, EXTENDED_64, MASKING_KEY, RSV1, RSV2, RSV3};
use crate::websocket::handshake::Handshake;
use crate::websocket::header::Header;
use crate::websocket::subprotocol::Subprotocol;
use crate::websocket::{Opcode, close};
use std::fmt::Write as _;

/// Something that can be explained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry {
    /// A step of the course.
    Topic(&'static Topic),
    /// A rule.
    Rule(&'static Rule),
    /// What no rule of its own finds.
    Covered(&'static Covered),
    /// A field of the frame header or of a payload.
    Field(&'static Spec),
    /// An opcode.
    Opcode(Opcode),
    /// A close code.
    CloseCode(u16),
    /// A header of the handshake.
    Header(&'static Header),
    /// A status code of HTTP, as an answer to a handshake.
    Status(u16),
    /// A known subprotocol.
    Subprotocol(&'static Subprotocol),
    /// Another word that output uses.
    Word(&'static Gloss),
}

/// A page to be shown: Markdown, in whose `console` blocks the commands may be run instead of
/// showing what is printed below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What kind of thing it is: `topic`, `rule`, `field`, …
    pub kind: &'static str,
    /// What to ask for to get here.
    pub name: String,
    /// The title.
    pub title: String,
    /// Where it is defined.
    pub sections: String,
    /// The text.
    pub markdown: String,
    /// The topic to read on.
    pub topic: Option<&'static Topic>,
}

impl Entry {
    /// What it is, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self {
            Entry::Topic(_) => "topic",
            Entry::Rule(_) => "rule",
            Entry::Covered(_) => "demand",
            Entry::Field(_) => "field",
            Entry::Opcode(_) => "opcode",
            Entry::CloseCode(_) => "close code",
            Entry::Header(_) => "header",
            Entry::Status(_) => "status",
            Entry::Subprotocol(_) => "subprotocol",
            Entry::Word(_) => "word",
        }
    }

    /// What to ask for to get exactly this.
    pub fn name(&self) -> String {
        match self {
            Entry::Topic(topic) => topic.name.to_owned(),
            Entry::Rule(rule) => rule.id.to_owned(),
            Entry::Covered(covered) => covered.id.to_owned(),
            Entry::Field(spec) => spec.name.to_owned(),
            Entry::Opcode(opcode) => format!("0x{:X}", opcode.bits()),
            Entry::CloseCode(code) => code.to_string(),
            Entry::Header(header) => header.name.to_owned(),
            Entry::Status(status) => status.to_string(),
            Entry::Subprotocol(known) => known.name.to_owned(),
            Entry::Word(gloss) => gloss.word.to_owned(),
        }
    }

    /// A line that says what it is.
    pub fn title(&self) -> String {
        match self {
            Entry::Topic(topic) => topic.title.to_owned(),
            Entry::Rule(rule) => rule.title.to_owned(),
            Entry::Covered(covered) => covered.title.to_owned(),
            Entry::Field(spec) => format!("{}, a field", spec.label),
            Entry::Opcode(opcode) => opcode.meaning().to_owned(),
            Entry::CloseCode(code) => format!("{code} {}", close::lookup(*code).name),
            Entry::Header(header) => format!("{}, a header", header.name),
            Entry::Status(status) => format!("{status}, as an answer to a handshake"),
            Entry::Subprotocol(known) => format!("{}, a subprotocol", known.name),
            Entry::Word(gloss) => format!("{}, a word of ws101's output", gloss.word),
        }
    }

    /// The topic that teaches it.
    pub fn topic(&self) -> Option<&'static Topic> {
        let teaching = |word: &str| topics().iter().find(|topic| topic.is_named(word));
        match self {
            Entry::Topic(topic) => Some(topic),
            Entry::Rule(rule) => teaching(area_topic(rule)),
            Entry::Field(spec) if spec.section.starts_with("9113") => teaching("http2"),
            Entry::Field(spec) if spec.section.starts_with("8446") => teaching("layers"),
            Entry::Covered(_) => teaching("http2"),
            Entry::Field(spec) => teaching(spec.name),
            Entry::Opcode(Opcode::Reserved(_)) => teaching("opcodes"),
            Entry::Opcode(opcode) => teaching(opcode.name()),
            Entry::CloseCode(_) => teaching("close-codes"),
            Entry::Header(header) => teaching(header.name).or_else(|| teaching("upgrade")),
            Entry::Status(101) => teaching("accept"),
            Entry::Status(_) => teaching("refusal"),
            Entry::Subprotocol(_) => teaching("subprotocols"),
            Entry::Word(gloss) => teaching(gloss.topic),
        }
    }

    /// Its page.
    pub fn page(&self) -> Page {
        let (sections, markdown) = match self {
            Entry::Topic(topic) => (topic.sections.to_owned(), topic.body.to_owned()),
            Entry::Rule(rule) => (rule.source(), rules::page(rule).to_owned()),
            Entry::Covered(covered) => (cited(covered.rfc).into_owned(), covered.page().to_owned()),
            Entry::Field(spec) => (cited(spec.section).into_owned(), field(spec)),
            Entry::Opcode(opcode) => ("RFC 6455 §5.2, §11.8".to_owned(), opcode_text(*opcode)),
            Entry::CloseCode(code) => {
                (cited(close::lookup(*code).section).into_owned(), close_code(*code))
            }
            Entry::Header(header) => (cited(header.section).into_owned(), header_text(header)),
            Entry::Status(status) => {
                ("RFC 6455 §4.2.2; RFC 9110 §15".to_owned(), status_text(*status))
            }
            Entry::Subprotocol(known) => ("RFC 6455 §1.9".to_owned(), subprotocol(known)),
            Entry::Word(gloss) => (String::new(), format!("{}\n", gloss.meaning)),
        };
        Page {
            kind: self.kind(),
            name: self.name(),
            title: self.title(),
            sections,
            markdown,
            topic: self.topic(),
        }
    }
}

/// The topic that a rule's area belongs to.
fn area_topic(rule: &Rule) -> &'static str {
    match rule.area() {
        "HS-REQ" => request_topic(rule.id),
        "HS-RES" => answer_topic(rule.id),
        "NEG" if rule.id.contains("EXT") => "extensions",
        "NEG" => "subprotocols",
        "FRM" if rule.id.contains("RSV") => "rsv",
        "FRM" if rule.id.contains("OPCODE") => "opcodes",
        "FRM" => "lengths",
        "MSK" => "masking",
        "FRG" => "fragmentation",
        "CTL" => "control-frames",
        "CLS" if rule.id.contains("CODE") => "close-codes",
        "CLS" => "closing",
        "UTF" => "utf-8",
        "PMD" => "compression",
        "H2" => "http2",
        "SEC" => security_topic(rule.id),
        "LIV" => "heartbeats",
        "HIST" => "history",
        _ => capture_topic(rule.id),
    }
}

/// What a rule about the request is about: most are about one header.
fn request_topic(rule: &str) -> &'static str {
    let headers = [
        ("HOST", "host"),
        ("KEY", "key"),
        ("VERSION", "version"),
        ("ORIGIN", "origin"),
        ("SUBPROTO", "subprotocols"),
        ("EXT", "extensions"),
        ("TLS", "wss"),
    ];
    let of = |header: &str| rule.split('-').nth(2) == Some(header);
    headers.iter().find(|(header, _)| of(header)).map_or("upgrade", |(_, topic)| topic)
}

/// What a rule about the capture itself is about.
fn capture_topic(rule: &str) -> &'static str {
    match rule {
        "CAP-GAP" | "CAP-SNAPLEN" | "CAP-UNREAD" | "CAP-RETRANSMISSION" => "losses",
        "CAP-TLS-OPAQUE" => "keylog",
        "CAP-PROXY-CONNECT" | "CAP-VANTAGE" => "proxies",
        _ => "capturing",
    }
}

/// What a rule about the answer is about: what proves it, which version it speaks, or why it is a
/// refusal.
fn answer_topic(rule: &str) -> &'static str {
    match rule {
        "HS-RES-VERSION-NEGOTIATION" | "HS-RES-VERSION-LIST" | "HS-RES-VERSION-ON-101" => "version",
        "HS-RES-NOT-101"
        | "HS-RES-200"
        | "HS-RES-REDIRECT"
        | "HS-RES-401-CHALLENGE"
        | "HS-RES-403"
        | "HS-RES-426-UPGRADE"
        | "HS-RES-503-RETRY"
        | "HS-RES-NO-RESPONSE"
        | "HS-RES-SLOW"
        | "HS-RES-FRAMES-AFTER-REFUSAL" => "refusal",
        _ => "accept",
    }
}

/// What a security rule is about: each of them guards another weakness.
fn security_topic(rule: &str) -> &'static str {
    match rule {
        "SEC-ORIGIN-MISSING"
        | "SEC-ORIGIN-CROSS"
        | "SEC-ORIGIN-NULL"
        | "SEC-LOCALHOST-FOREIGN-ORIGIN"
        | "SEC-CORS-HEADERS" => "origin",
        "SEC-TOKEN-IN-QUERY" | "SEC-SUBPROTO-TOKEN" | "SEC-NO-AUTH" | "SEC-SET-COOKIE-FLAGS" => {
            "authentication"
        }
        "SEC-PMD-SECRETS" => "compression",
        "SEC-HOP-STRIPPED" => "hop-by-hop",
        "SEC-PLAIN-GET" => "404-trap",
        "SEC-RECONNECT-STORM" => "reconnection",
        "SEC-OVERSIZED" | "SEC-RATE-BURST" | "SEC-PING-FLOOD" | "SEC-BIG-HEADERS" => "limits",
        _ => "wss",
    }
}

fn example(command: &str) -> String {
    format!("```console\n$ ws101 {command}\n```\n")
}

fn field(spec: &'static Spec) -> String {
    let frame = match spec.name {
        name if name == EXTENDED_16.name => {
            // A whole payload would only hide the header.
            return format!(
                "{}\n\nIt is there if Payload len is 126.\n\n{}",
                spec.about,
                example("frame --from server 81 7e 00 7e")
            );
        }
        name if name == EXTENDED_64.name => {
            return format!(
                "{}\n\nIt is there if Payload len is 127.\n\n{}",
                spec.about,
                example("frame --from server 82 7f 00 00 00 00 00 01 00 00")
            );
        }
        name if name == RSV1.name => "--deflate --from server c1 07 f2 48 cd c9 c9 07 00",
        name if name == RSV2.name => "--from server a1 02 68 69",
        name if name == RSV3.name => "--from server 91 02 68 69",
        _ if layers::fields().any(|of_layer| of_layer == spec) => {
            return format!(
                "{}\n\n`ws101 pcap FILE --layers --layout 1` draws it, bit by bit.\n",
                spec.about
            );
        }
        "mask" | "payload_data" => "--from client 818537fa213d7f9f4d5158",
        name if name == MASKING_KEY.name => "--from client 818537fa213d7f9f4d5158",
        "close_code" | "close_reason" => "--from server 88 06 03 e9 62 79 65 21",
        _ => "--from server 81 02 68 69",
    };
    format!("{}\n\n{}", spec.about, example(&format!("frame {frame}")))
}

fn opcode_text(opcode: Opcode) -> String {
    let bits = opcode.bits();
    let kind = if opcode.is_control() {
        "A control frame: its highest opcode bit is 1, its payload has at most 125 bytes, and it may \
         stand between the fragments of a message."
    } else {
        "A data frame: it carries a message or a part of one."
    };
    let payload = match opcode {
        Opcode::Close => "02 03 e8",
        Opcode::Binary => "02 ca fe",
        _ => "02 68 69",
    };
    let start = if opcode == Opcode::Continuation { "01 01 68 " } else { "" };
    let payload = if opcode == Opcode::Continuation { "01 69" } else { payload };
    let frame = format!("frame --from server {start}{:02x} {payload}", 0x80 | bits);
    format!(
        "Opcode 0x{bits:X}, in bits {bits:04b}. {}.\n\n{kind}\n\n{}",
        sentence(opcode.meaning()),
        example(&frame)
    )
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn close_code(code: u16) -> String {
    let known = close::lookup(code);
    let mut text = format!("{}.\n\n", sentence(known.meaning));
    if known.first != known.last {
        let _ = writeln!(text, "It lies in the range {} to {}.\n", known.first, known.last);
    }
    if known.on_the_wire {
        text.push_str("It may stand in a Close frame:\n\n");
    } else {
        text.push_str(
            "It must not stand in a Close frame. An API reports it, or nobody does; on the wire \
             it is an error:\n\n",
        );
    }
    let [high, low] = code.to_be_bytes();
    text.push_str(&example(&format!("frame --from server 88 02 {high:02x} {low:02x}")));
    text
}

fn header_text(header: &Header) -> String {
    let mut text = String::new();
    for (place, about) in
        [("In a request", header.in_request), ("In a response", header.in_response)]
    {
        match about {
            Some(about) => {
                let _ = writeln!(text, "- {place}: {about}.");
            }
            None => {
                let _ = writeln!(text, "- {place} it has no place.");
            }
        }
    }
    if !header.of_handshake {
        text.push_str("\nThe handshake of WebSocket gives it no meaning of its own.\n");
    }
    text
}

fn status_text(status: u16) -> String {
    if status == 101 {
        return "Switching Protocols: the server accepts the upgrade. From the next byte on, both \
                sides speak frames.\n"
            .to_owned();
    }
    if status < 200 {
        return "An interim answer: the final one is still to come. Clients have to step over it.\n"
            .to_owned();
    }
    let Some(refusal) = refusal_of(status) else { return String::new() };
    format!(
        "{}\n\n**Likely:** {}\n\n**What to do:** {}\n",
        refusal.means,
        sentence(&refusal.likely),
        sentence(&refusal.next)
    )
}

/// What a bare answer with this status means after a request that does ask for the upgrade.
fn refusal_of(status: u16) -> Option<refused::Refusal> {
    let head = |text: String| match Head::read(text.as_bytes(), 0) {
        HeadRead::Head(head, _) => Some(head),
        _ => None,
    };
    let request = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\n\r\n";
    let handshake = Handshake {
        request: head(request.to_owned()),
        response: head(format!("HTTP/1.1 {status} -\r\n\r\n")),
        ..Handshake::default()
    };
    refused::explain(&handshake, &[])
}

fn subprotocol(known: &Subprotocol) -> String {
    let registered = if known.registered {
        "It is in the IANA registry."
    } else {
        "It is in common use, and not in the IANA registry, which is voluntary."
    };
    format!("{}. {registered}\n", sentence(known.about))
}
