//! `--format har`: HAR 1.2 with the messages of each connection as browsers' tools write and load
//! them (`_webSocketMessages`), and its control frames under a key of our own
//! (`_webSocketControlFrames`). `docs/json.md` says what is in them.
//!
//! An entry is written when its connection ends: until then its messages wait, in memory as long as
//! they are few, in a temporary file without a name beyond that.

use super::json;
use crate::calendar;
use crate::http::Head;
use crate::inspection::{Connection, Observer};
use crate::rules::Judged;
use crate::said::{At, Endpoint, Transport};
use crate::websocket::handshake::Handshake;
use crate::websocket::{Event, Frame, Message, Opcode, close};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// So much of what waits is in memory; what is more is in a file.
const MAX_IN_MEMORY: usize = 8 << 20;

/// Writes a HAR document.
pub struct Har<W> {
    out: W,
    waiting: Waiting,
    open: HashMap<u64, Entry>,
    entries: u64,
    error: Option<io::Error>,
}

/// What is known of an open connection.
#[derive(Default)]
struct Entry {
    handshake: Option<Handshake>,
    messages: List,
    control: List,
}

/// Objects of an array that waits to be written: where they lie, each behind a comma.
type List = Vec<Piece>;

struct Piece {
    start: u64,
    length: u64,
}

/// What waits to be written, of all connections as it came.
struct Waiting {
    store: SpooledTempFile,
    end: u64,
}

impl Waiting {
    fn push(&mut self, object: &Value, list: &mut List) -> io::Result<()> {
        let text = format!(",{}", json::harmless(object));
        self.store.seek(SeekFrom::Start(self.end))?;
        self.store.write_all(text.as_bytes())?;
        let (start, length) = (self.end, text.len() as u64);
        self.end += length;
        match list.last_mut() {
            Some(last) if last.start + last.length == start => last.length += length,
            _ => list.push(Piece { start, length }),
        }
        Ok(())
    }

    fn write(&mut self, list: &List, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        for (number, piece) in list.iter().enumerate() {
            // No comma stands before the first.
            let skipped = u64::from(number == 0);
            self.store.seek(SeekFrom::Start(piece.start + skipped))?;
            io::copy(&mut Read::take(&mut self.store, piece.length - skipped), out)?;
        }
        out.write_all(b"]")
    }
}

impl<W: Write> Har<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Har<W> {
        let waiting = Waiting { store: SpooledTempFile::new(MAX_IN_MEMORY), end: 0 };
        Har { out, waiting, open: HashMap::new(), entries: 0, error: None }
    }

    /// Completes the document.
    pub fn finish(mut self) -> io::Result<W> {
        if self.entries == 0 {
            self.begin();
        }
        self.write("\n]}}\n");
        self.error.map_or(Ok(self.out), Err)
    }

    fn begin(&mut self) {
        let creator = json!({ "name": "ws101", "version": env!("CARGO_PKG_VERSION") });
        self.write(&format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":["));
    }

    fn write(&mut self, text: &str) {
        if self.error.is_none() {
            self.error = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn entry(&mut self, connection: &Connection, entry: Entry) {
        if self.entries == 0 {
            self.begin();
        }
        let separator = if self.entries == 0 { "\n" } else { ",\n" };
        self.entries += 1;
        let text = json::harmless(&entry.to_json(connection));
        self.write(separator);
        // The lists are the last of the entry's keys.
        self.write(text.strip_suffix('}').unwrap_or(&text));
        for (key, list) in [("Messages", &entry.messages), ("ControlFrames", &entry.control)] {
            self.write(&format!(",\"_webSocket{key}\":"));
            if self.error.is_none() {
                self.error = self.waiting.write(list, &mut self.out).err();
            }
        }
        self.write("}");
    }

    /// Nothing is kept any more once something went wrong.
    fn keep(&mut self, connection: u64, object: &Value, list: fn(&mut Entry) -> &mut List) {
        if let (Some(entry), None) = (self.open.get_mut(&connection), &self.error) {
            self.error = self.waiting.push(object, list(entry)).err();
        }
    }
}

impl<W: Write> Observer for Har<W> {
    fn connection(&mut self, connection: &Connection) {
        self.open.insert(connection.number, Entry::default());
    }

    fn event(&mut self, connection: &Connection, event: &Event<'_>, _judged: &Judged) {
        let Some(entry) = self.open.get_mut(&connection.number) else { return };
        match event {
            Event::Handshake(handshake) => {
                let next = Entry { handshake: Some((*handshake).clone()), ..Entry::default() };
                let before = std::mem::replace(entry, next);
                // A refused one before it on the same connection has an entry of its own.
                if before.handshake.is_some() {
                    self.entry(connection, before);
                }
            }
            Event::Message(message) => {
                self.keep(connection.number, &data(message), |entry| &mut entry.messages);
            }
            Event::Frame(frame) if frame.header.opcode().is_control() => {
                self.keep(connection.number, &control(frame), |entry| &mut entry.control);
            }
            Event::End(_) => {
                if let Some(entry) = self.open.remove(&connection.number) {
                    self.entry(connection, entry);
                }
            }
            _ => {}
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}

/// `send` and `receive` are the client's: it is the browser in whose tools a HAR is made.
fn direction(from: Endpoint) -> &'static str {
    match from {
        Endpoint::Client => "send",
        Endpoint::Server => "receive",
    }
}

fn seconds(at: At) -> Option<f64> {
    at.time.map(|time| time.nanoseconds() as f64 / 1e9)
}

fn data(message: &Message<'_>) -> Value {
    let text = std::str::from_utf8(message.payload).ok();
    let is_text = message.opcode == Opcode::Text;
    let data = match text {
        Some(text) if is_text => text.to_owned(),
        _ if is_text => String::from_utf8_lossy(message.payload).into_owned(),
        _ => STANDARD.encode(message.payload),
    };
    let mut record = json!({
        "type": direction(message.from),
        "time": seconds(message.at),
        "opcode": message.opcode.bits(),
        "data": data,
    });
    if is_text && text.is_none() {
        record["_base64"] = STANDARD.encode(message.payload).into();
    }
    let doubts = [
        ("_truncated", message.truncated),
        ("_incomplete", !message.complete),
        ("_untrusted", !message.trusted),
    ];
    for (name, _) in doubts.into_iter().filter(|(_, is_so)| *is_so) {
        record[name] = true.into();
    }
    record
}

fn control(frame: &Frame<'_>) -> Value {
    let payload = frame.payload.unwrap_or_default();
    let opcode = frame.header.opcode();
    let mut record = json!({
        "type": direction(frame.from),
        "time": seconds(frame.at),
        "opcode": opcode.bits(),
        "data": STANDARD.encode(payload),
    });
    if opcode == Opcode::Close
        && let [high, low, reason @ ..] = payload
    {
        let code = u16::from_be_bytes([*high, *low]);
        record["code"] = code.into();
        record["codeName"] = close::lookup(code).name.into();
        record["reason"] = String::from_utf8_lossy(reason).into();
    }
    record
}

impl Entry {
    fn to_json(&self, connection: &Connection) -> Value {
        let handshake = self.handshake.as_ref();
        let request = handshake.and_then(|handshake| handshake.request.as_deref());
        let response = handshake.and_then(|handshake| handshake.response.as_deref());
        let started = handshake.and_then(|handshake| handshake.request_at.time);
        let answered = handshake.and_then(|handshake| handshake.response_at.time);
        // Milliseconds, of which nobody knows more than the nanoseconds.
        let wait = match (started, answered) {
            (Some(started), Some(answered)) => {
                answered.nanoseconds().saturating_sub(started.nanoseconds()).max(0) as f64 / 1e6
            }
            _ => 0.0,
        };
        let started = started.or(connection.opened.time).map(calendar::rfc3339);
        let mut entry = json!({
            "startedDateTime": started,
            "time": wait,
            "request": request_json(connection, request),
            "response": response_json(response),
            "cache": {},
            "timings": { "send": 0, "wait": wait, "receive": 0 },
            "connection": connection.number.to_string(),
            "_resourceType": "websocket",
        });
        if let Some(server) = connection.server {
            entry["serverIPAddress"] = server.ip().to_string().into();
        }
        if request.is_none() || response.is_none() {
            entry["comment"] = "the handshake, or one half of it, was not captured".into();
        }
        entry
    }
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

fn request_json(connection: &Connection, head: Option<&Head>) -> Value {
    let target = text(head.and_then(Head::target));
    let host = match head.and_then(|head| head.value("Host")) {
        Some(host) => text(Some(host)),
        None => connection.server.map_or(String::new(), |server| server.to_string()),
    };
    // Another HAR does not tell; a page that came over TLS may not open ws.
    let origin = head.and_then(|head| head.value("Origin")).unwrap_or_default();
    let is_plain = match connection.transport {
        Transport::Tcp => true,
        Transport::None => origin.starts_with(b"http:"),
        Transport::Tls | Transport::Http2 { .. } => false,
    };
    let scheme = if is_plain { "ws" } else { "wss" };
    let url = match target.as_str() {
        "" => format!("{scheme}://{host}/"),
        target if target.contains("://") => target.to_owned(),
        target => format!("{scheme}://{host}{target}"),
    };
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let query: Vec<Value> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "method": text(head.and_then(Head::method)),
        "url": url,
        "httpVersion": text(head.and_then(Head::version)),
        "cookies": [],
        "headers": headers(head),
        "queryString": query,
        "headersSize": size(head),
        "bodySize": 0,
    })
}

fn response_json(head: Option<&Head>) -> Value {
    let line = head.map(|head| text(Some(head.bytes(&head.start_range())))).unwrap_or_default();
    json!({
        // 0, as browsers write it for an answer that never came.
        "status": head.and_then(Head::status).unwrap_or(0),
        "statusText": line.splitn(3, ' ').nth(2).unwrap_or_default(),
        "httpVersion": text(head.and_then(Head::version)),
        "cookies": [],
        "headers": headers(head),
        "content": { "size": 0, "mimeType": "x-unknown" },
        "redirectURL": text(head.and_then(|head| head.value("Location"))),
        "headersSize": size(head),
        "bodySize": -1,
    })
}

fn headers(head: Option<&Head>) -> Vec<Value> {
    let fields = head.map_or(&[][..], |head| &head.fields);
    let of = |range| text(head.map(|head| head.bytes(range)));
    fields
        .iter()
        .map(|field| json!({ "name": of(&field.name), "value": of(&field.value) }))
        .collect()
}

fn size(head: Option<&Head>) -> i64 {
    head.map_or(-1, |head| head.range.len() as i64)
}
