//! The records of `--format json` and `jsonl`, one type each: the schema, documented in
//! `docs/json.md`. Fields are never renamed within a schema version; absent facts are absent.

use crate::said::{self, At, PacketNumber, Time, Transport};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The name and version of the schema.
pub const SCHEMA: &str = "ws101/1";

/// What most records have in common: where and when.
#[derive(Debug, Default, Serialize)]
pub struct Place {
    /// The number of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// Seconds since the epoch, with nine digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The number of the packet in its file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// The number of that file, from 1, if several are read as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_file: Option<u64>,
    /// Offset in that direction's stream, or in the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Place {
    /// Where and when, without direction and offset.
    pub fn new(connection: u64, at: At) -> Place {
        Place {
            connection: (connection > 0).then_some(connection),
            time: at.time.map(seconds),
            packet: at.packet.map(PacketNumber::number),
            packet_file: at.packet.and_then(PacketNumber::file),
            ..Place::default()
        }
    }
}

/// A time as JSON has it: seconds since the epoch with nine digits.
pub fn seconds(time: Time) -> String {
    let nanoseconds = time.nanoseconds();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, rest) =
        (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let (mut before, mut behind) = (itoa::Buffer::new(), itoa::Buffer::new());
    // A digit more keeps the zeros at the front.
    [sign, before.format(whole), ".", &behind.format(1_000_000_000 + rest)[1..]].concat()
}

/// Bytes in hexadecimal, without spaces.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// A record: its `type` and its fields.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record<'a> {
    /// A capture was opened.
    Capture(Capture<'a>),
    /// A connection turned out to concern WebSocket.
    Connection(Connection),
    /// An opening handshake ended.
    Handshake(Handshake<'a>),
    /// A frame.
    Frame(Frame<'a>),
    /// A data message.
    Message(Message<'a>),
    /// A Close frame's body.
    Close(Close<'a>),
    /// What several findings come from.
    Cause(Cause<'a>),
    /// A rule is broken.
    Finding(Finding<'a>),
    /// Bytes were not captured.
    Gap(Gap),
    /// A connection ended.
    End(End<'a>),
    /// A TLS connection whose records stay closed.
    Tls(Tls),
    /// Counts and sizes of one opcode in one direction.
    Stats(Stats),
    /// What carrying messages cost (`--compare-http`).
    Cost(Cost<'a>),
    /// What was counted.
    Summary(Summary<'a>),
}

/// `capture`.
#[derive(Debug, Serialize)]
pub struct Capture<'a> {
    /// Its name, `-` for standard input.
    pub file: Cow<'a, str>,
    /// Its number, from 1, if several are read as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_file: Option<u64>,
    /// `pcap` or `pcapng`.
    pub format: &'a str,
    /// The names of its link types.
    pub link_types: &'a [String],
}

/// `connection`.
#[derive(Debug, Serialize)]
pub struct Connection {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// `127.0.0.1:49152`, `[::1]:80`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `tcp`, `tls` or `h2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<&'static str>,
    /// The HTTP/2 stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// `handshake`, or `assumed`: no handshake was seen.
    pub origin: &'static str,
    /// What was assumed then: `recognised`, or `websocket-stated`; `client-stated`,
    /// `deflate-stated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<&'static str>,
    /// What the handshake of TLS says, over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
}

/// What the handshake of TLS says, as far as it was seen.
#[derive(Debug, Serialize)]
pub struct TlsFacts {
    /// `TLS 1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// IANA's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_suite: Option<&'static str>,
    /// IANA's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_suite_number: Option<u16>,
    /// The name that the client asks for (SNI).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// True if an encrypted ClientHello hides the real name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encrypted_client_hello: bool,
    /// The protocol that the server chose (ALPN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Those that the client offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alpn_offered: Vec<String>,
}

impl TlsFacts {
    /// The facts as JSON has them.
    pub fn new(tls: &said::Tls) -> TlsFacts {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        TlsFacts {
            version: tls.version.map(|version| version.to_string()),
            cipher_suite: tls.cipher_suite.map(|(_, name)| name),
            cipher_suite_number: tls.cipher_suite.map(|(number, _)| number),
            server_name: tls.server_name.as_ref().map(text),
            encrypted_client_hello: tls.encrypted_client_hello,
            alpn: tls.protocol.as_ref().map(text),
            alpn_offered: tls.offered_protocols.iter().map(text).collect(),
        }
    }
}

/// `tls`.
#[derive(Debug, Serialize)]
pub struct Tls {
    /// When it began.
    #[serde(flatten)]
    pub place: Place,
    /// `127.0.0.1:49152`, `[::1]:443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What its hellos say.
    #[serde(flatten)]
    pub facts: TlsFacts,
    /// Why no more is known: a word for each reason.
    pub why: &'static str,
    /// The alert that ended a handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<&'static str>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_from: Option<&'static str>,
}

/// The name of a transport in JSON.
pub fn transport(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Tcp => Some("tcp"),
        Transport::Tls => Some("tls"),
        Transport::Http2 { .. } => Some("h2"),
        Transport::None => None,
    }
}

/// A head in a `handshake`.
#[derive(Debug, Serialize)]
pub struct Head<'a> {
    /// The request line or status line.
    pub line: Cow<'a, str>,
    /// Name and value of each field line, in order.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// An extension with its parameters, in a `handshake`.
#[derive(Debug, Serialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Name and value of each parameter.
    pub parameters: Vec<(String, Option<String>)>,
}

/// `handshake`.
#[derive(Debug, Serialize)]
pub struct Handshake<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// The text it comes from, for `ws101 handshake`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
    /// It was accepted and nothing in it is an error.
    pub valid: bool,
    /// `upgraded`, `refused` or `incomplete`.
    pub outcome: &'static str,
    /// The request.
    pub request: Option<Head<'a>>,
    /// The final response.
    pub response: Option<Head<'a>>,
    /// The status code.
    pub status: Option<u16>,
    /// `Sec-WebSocket-Key`, as sent.
    pub key: Option<Cow<'a, str>>,
    /// What `Sec-WebSocket-Accept` should be.
    pub accept_expected: Option<&'a str>,
    /// What it is.
    pub accept_found: Option<Cow<'a, str>>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<Cow<'a, str>>,
    /// The extensions that the server accepted.
    pub extensions: Vec<Extension>,
    /// The rules that were checked and hold.
    pub rules_held: u64,
    /// The rules that could not be judged: id and why.
    pub rules_not_observed: Vec<(&'a str, &'a str)>,
}

/// `frame`.
#[derive(Debug, Serialize)]
pub struct Frame<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// Its number in its direction.
    pub frame: u64,
    /// FIN.
    pub fin: bool,
    /// RSV1.
    pub rsv1: bool,
    /// RSV2.
    pub rsv2: bool,
    /// RSV3.
    pub rsv3: bool,
    /// The opcode.
    pub opcode: u8,
    /// Its name.
    pub opcode_name: &'static str,
    /// MASK.
    pub masked: bool,
    /// The masking key in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masking_key: Option<String>,
    /// Bytes of the header.
    pub header_length: u64,
    /// Bytes of the payload.
    pub payload_length: u64,
    /// All payload bytes were captured.
    pub complete: bool,
    /// Framing had been lost before and was found again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// The unmasked payload in hexadecimal: control frames, and frames shown with their layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The fields in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layout: Vec<Field<'a>>,
    /// What carried it, the lowest layer first, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer<'a>>,
}

/// What carried a frame, or a part of it.
#[derive(Debug, Serialize)]
pub struct Layer<'a> {
    /// `tcp`, `tls` or `http2`.
    pub layer: &'static str,
    /// The packet that brought a segment.
    #[serde(flatten)]
    pub place: Place,
    /// How many bytes it has in the stream of the layer below, header included.
    pub length: u64,
    /// Offset of what it carries, in the stream that it is part of.
    pub content_offset: u64,
    /// How many bytes it carries.
    pub content_length: u64,
    /// The TCP sequence number of its first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// The stream of HTTP/2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// The fields of its header, with layouts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layout: Vec<Field<'a>>,
}

/// How sure it is that a frame is one, after framing had been lost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Recovered {
    /// From 0 to 1.
    pub confidence: f64,
    /// How many captured bytes before the border could not be told apart.
    pub skipped: u64,
}

/// A field of a layout.
#[derive(Debug, Serialize)]
pub struct Field<'a> {
    /// Machine name.
    pub name: &'static str,
    /// The RFC's label.
    pub label: &'static str,
    /// First bit in the frame, number of bits.
    pub bits: [u64; 2],
    /// A number, or bytes in hexadecimal.
    pub value: FieldValue,
    /// What it means here.
    pub meaning: Cow<'a, str>,
    /// Where it is defined.
    pub section: &'static str,
    /// Fields inside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field<'a>>,
}

/// The value of a field.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A number.
    Number(u64),
    /// Bytes in hexadecimal, as on the wire.
    Bytes(String),
}

/// `message`.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// Its number in its direction.
    pub message: u64,
    /// `text` or `binary`.
    pub opcode_name: &'static str,
    /// The numbers of its frames.
    pub frames: &'a [u64],
    /// It is compressed.
    pub compressed: bool,
    /// Bytes on the wire, headers aside.
    pub wire_length: u64,
    /// Bytes after inflating.
    pub length: u64,
    /// The text, if it is text and UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Otherwise the bytes in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// It was cut by `--max-payload`.
    pub truncated: bool,
    /// False if bytes before it in its compression context were missing.
    pub trusted: bool,
    /// All its bytes were captured and its last frame was seen.
    pub complete: bool,
}

/// `close`.
#[derive(Debug, Serialize)]
pub struct Close<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// The number of the frame; none in a HAR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// The status code.
    pub code: Option<u16>,
    /// The reason; bytes that are not UTF-8 are replaced.
    pub reason: Cow<'a, str>,
    /// The code's name.
    pub code_name: Option<&'static str>,
}

/// `cause`.
#[derive(Debug, Serialize)]
pub struct Cause<'a> {
    /// Where and when it came out.
    #[serde(flatten)]
    pub place: Place,
    /// Its name.
    pub cause: &'static str,
    /// One sentence.
    pub what: &'a str,
    /// What to do about it.
    pub mend: &'a str,
    /// Another connection that shows it, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_connection: Option<u64>,
}

/// What followed from a cause.
#[derive(Debug, Serialize)]
pub struct Traced<'a> {
    /// Its name.
    pub cause: &'static str,
    /// How many findings.
    pub findings: u64,
    /// Their rules.
    pub rules: &'a [&'static str],
}

/// `finding`.
#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// The rule's id.
    pub rule: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// `MUST`, `SHOULD` or `advice`.
    pub level: &'static str,
    /// `6455 §5.1`.
    pub rfc: &'static str,
    /// `client`, `server` or null.
    pub violator: Option<&'static str>,
    /// What the rule demands.
    pub title: &'static str,
    /// What was seen and what was expected.
    pub detail: String,
    /// What usually causes exactly this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
    /// What to do about it.
    pub mend: &'a str,
    /// The `cause` record that it follows from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<&'static str>,
    /// The number of the frame in its direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// The number of the message in its direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// The header field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<&'a str>,
    /// First byte and number of bytes touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[u64; 2]>,
}

/// `gap`.
#[derive(Debug, Serialize)]
pub struct Gap {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// How many bytes, if known.
    pub length: Option<u64>,
    /// `lost`, `snaplen` or `capture-start`.
    pub reason: &'static str,
}

/// `end`.
#[derive(Debug, Serialize)]
pub struct End<'a> {
    /// Where and when.
    #[serde(flatten)]
    pub place: Place,
    /// `closing-handshake`, `fin`, `rst` or `capture-end`.
    pub how: &'static str,
    /// Who closed first.
    pub closed_by: Option<&'static str>,
    /// The code in the client's Close frame.
    pub client_code: Option<u16>,
    /// The code in the server's Close frame.
    pub server_code: Option<u16>,
    /// The closing handshake was complete.
    pub clean: bool,
    /// Who ended the transport first.
    pub transport_ended_by: Option<&'static str>,
    /// `fin` or `rst`.
    pub transport_end: Option<&'static str>,
    /// The code that the client's API shows.
    pub client_would_report: Option<u16>,
    /// The code that the server's API shows.
    pub server_would_report: Option<u16>,
    /// One sentence.
    pub why: Option<&'a str>,
    /// What followed from which cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Traced<'a>>,
    /// What the Pings of each endpoint that sent some showed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heartbeats: Vec<Heartbeat>,
    /// The longest time in seconds for which nobody said anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<f64>,
}

/// The Pings of one endpoint, and the Pongs of the other.
#[derive(Debug, Serialize)]
pub struct Heartbeat {
    /// Who sent the Pings.
    pub direction: &'static str,
    /// How many Pings there were before the first Close.
    pub pings: u64,
    /// How many of them were answered.
    pub answered: u64,
    /// Seconds from a Ping to its Pong: the shortest, the median of the last ones, the longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<[f64; 3]>,
}

/// `stats`.
#[derive(Debug, Serialize)]
pub struct Stats {
    /// The connection; none for the whole capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// Who sent it.
    pub direction: &'static str,
    /// The opcode.
    pub opcode: u8,
    /// Its name.
    pub opcode_name: &'static str,
    /// Frames with this opcode.
    pub frames: u64,
    /// Bytes of their headers.
    pub header_bytes: u64,
    /// Bytes of their payloads on the wire.
    pub payload_bytes: u64,
    /// Messages with this opcode.
    pub messages: u64,
    /// Their bytes after inflating.
    pub message_bytes: u64,
    /// The smallest message, or payload of a control frame.
    pub min: Option<u64>,
    /// Half of them are no larger than this (to 1/16).
    pub median: Option<u64>,
    /// 95 % of them are no larger than this (to 1/16).
    pub p95: Option<u64>,
    /// The largest.
    pub max: Option<u64>,
    /// From the first frame to the last.
    pub seconds: Option<f64>,
    /// Frames per second.
    pub frames_per_second: Option<f64>,
    /// Bytes on the wire for each byte of the compressed messages.
    pub compression_ratio: Option<f64>,
}

/// `cost`.
#[derive(Debug, Serialize)]
pub struct Cost<'a> {
    /// How the messages were carried, or (`if-…`) could have been.
    pub kind: &'static str,
    /// Method and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    /// Requests, each with its response.
    pub requests: u64,
    /// Messages; none where it is not known which of several targets carried them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// Bytes of the requests' heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_head_bytes: Option<u64>,
    /// Bytes of the responses' heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_head_bytes: Option<u64>,
    /// Bytes around the messages: frame headers, borders of chunks, the fields of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing_bytes: Option<u64>,
    /// Heads and framing.
    pub overhead_bytes: u64,
    /// The same for each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overhead_per_message: Option<f64>,
    /// Seconds from one request to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<f64>,
}

/// `summary`.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// Packets read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// Bytes read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// WebSocket connections.
    pub connections: u64,
    /// Their frames.
    pub frames: u64,
    /// Their messages.
    pub messages: u64,
    /// Findings by severity.
    pub findings: BySeverity,
    /// Findings that do not count, because they are ignored or not selected.
    #[serde(skip_serializing_if = "is_zero")]
    pub ignored: u64,
    /// Warnings and errors that are not told: each rule is told 16 times of an endpoint.
    #[serde(skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// Gaps in their streams.
    pub gaps: u64,
    /// HTTP exchanges that are no handshakes.
    pub other_exchanges: u64,
    /// TLS and key logs, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSummary>,
    /// What was skipped: how often, and why.
    pub skipped: &'a [Skipped<'a>],
    /// What was chosen of all this, if not everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<Selected>,
}

/// What was counted of TLS.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TlsSummary {
    /// Connections of which something was read.
    pub read: u64,
    /// Connections whose records stay closed.
    pub opaque: u64,
    /// Records that are not authentic, or cut short.
    pub bad_records: u64,
    /// Changes of keys within a connection of TLS 1.3 (RFC 8446 §4.6.3).
    #[serde(skip_serializing_if = "is_zero")]
    pub key_updates: u64,
    /// Handshakes within a connection, before TLS 1.3 (RFC 5246 §7.4.1.1).
    #[serde(skip_serializing_if = "is_zero")]
    pub renegotiations: u64,
    /// Lines of key logs with a secret that can be used.
    pub secrets: u64,
    /// Connections that those belong to.
    pub connections_in_key_log: u64,
    /// Of those, how many are in the capture.
    pub connections_matched: u64,
    /// Lines that are no secret and no comment.
    pub rubbish_lines: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What was chosen of a capture.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Selected {
    /// Connections of which something was chosen.
    pub connections: u64,
    /// Frames.
    pub frames: u64,
    /// Messages.
    pub messages: u64,
    /// Findings by severity.
    pub findings: BySeverity,
    /// Gaps.
    pub gaps: u64,
}

/// Findings by severity.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BySeverity {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Notes.
    pub note: u64,
}

/// Something that was skipped.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped<'a> {
    /// Why.
    pub reason: Cow<'a, str>,
    /// How often.
    pub count: u64,
}
