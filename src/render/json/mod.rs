//! `--format json` and `--format jsonl`: an observer that writes records as things happen.

#[cfg(test)]
mod by_hand;
mod closing;
mod hot;
mod object;
mod opening;
mod page;
pub mod record;
mod serializer;
mod text;

use crate::inspection::{Connection, Observer};
use crate::inspector::Counts;
use crate::layers;
use crate::layout::{self, Layout, Value};
use crate::render::ladders::carried;
use crate::rules::{self, Judged};
use crate::said::{At, Carried, Carrier, Endpoint, Opaque};
use crate::websocket::extension::Extension;
use crate::websocket::{Event, Frame, Message, frame, mask};
use page::Page;
use record::{Place, Record, SCHEMA};
use serde::Serialize as _;
use serializer::Serializer;
use std::borrow::Cow;
use std::io::{self, Write};
use std::net::SocketAddr;

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One object a line.
    Lines,
    /// One document: `{"schema": …, "records": […]}`.
    Document,
}

/// What is written besides the facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Write payload and layout of each frame.
    pub layouts: bool,
    /// Leave out everything but findings.
    pub findings_only: bool,
}

/// Writes records.
pub struct Writer<W: Write> {
    page: Page<W>,
    shape: Shape,
    options: Options,
    hot: hot::Lines,
    first: bool,
    file: Option<String>,
}

impl<W: Write> Writer<W> {
    /// A writer to `out`.
    pub fn new(out: W, shape: Shape, options: Options) -> Writer<W> {
        let mut page = Page::new(out);
        if shape == Shape::Document {
            let start = format!("{{\"schema\":\"{SCHEMA}\",\"records\":[");
            page.write(|pen| pen.piece(start.as_bytes()));
        }
        Writer { page, shape, options, hot: hot::Lines::new(shape), first: true, file: None }
    }

    /// The text that the handshakes from now on come from, where there are several.
    pub fn set_file(&mut self, name: &str) {
        self.file = Some(name.to_owned());
    }

    /// Writes one record.
    pub fn record(&mut self, record: &Record<'_>) {
        self.separate();
        // Writing to memory and from plain records can't fail.
        let result = record.serialize(Serializer { page: &mut self.page });
        debug_assert!(result.is_ok(), "{result:?}");
        self.end_record();
    }

    /// Writes the summary and whatever is still held back.
    pub fn finish(mut self, summary: record::Summary<'_>) -> io::Result<W> {
        self.record(&Record::Summary(summary));
        if self.shape == Shape::Document {
            self.page.write(|pen| pen.words(b"]}\n"));
        }
        self.page.finish()
    }

    #[inline]
    fn separate(&mut self) {
        if self.shape == Shape::Document {
            self.page.write(|pen| pen.piece(if self.first { b"\n" } else { b",\n" }));
        }
        self.first = false;
    }

    #[inline]
    fn end_record(&mut self) {
        if self.shape == Shape::Lines {
            self.page.write(|pen| pen.words(b"\n"));
        }
    }

    fn frame(&mut self, connection: &Connection, frame: &Frame<'_>) {
        self.separate();
        self.hot.push_frame(&mut self.page, connection, frame);
    }

    fn message(&mut self, connection: &Connection, message: &Message<'_>) {
        self.separate();
        self.hot.push_message(&mut self.page, connection, message);
    }

    /// Whatever it is.
    fn any_event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let number = connection.number;
        if self.options.findings_only {
            return self.findings(number, judged);
        }
        match event {
            Event::Handshake(handshake) => {
                self.separate();
                let (page, lines) = (&mut self.page, &mut self.hot);
                let place = (number, self.file.as_deref());
                opening::push_handshake(page, lines, place, handshake, judged);
            }
            Event::Frame(frame) if self.options.layouts => {
                self.frame_with_layout(connection, frame);
            }
            Event::Frame(frame) if connection.trails.is_some() => {
                self.frame_with_layers(connection, frame);
            }
            Event::Frame(frame) => self.frame(connection, frame),
            Event::Message(message) => self.message(connection, message),
            Event::Close(event) => {
                self.separate();
                closing::push_close(&mut self.page, &mut self.hot, number, event);
            }
            Event::Gap(gap) => self.record(&Record::Gap(record::Gap {
                place: placed(number, gap.from, gap.offset, gap.at),
                length: gap.length,
                reason: gap.reason.name(),
            })),
            Event::End(end) => {
                self.separate();
                closing::push_end(&mut self.page, &mut self.hot, number, end, judged);
            }
            Event::Exchange(_)
            | Event::Request(_)
            | Event::Recognised(_)
            // Each frame says it of itself.
            | Event::Resumed(_)
            | Event::CutHeader(_)
            | Event::Http2(_)
            | Event::NotFrames(_) => {}
        }
        self.findings(number, judged);
    }

    fn findings(&mut self, number: u64, judged: &Judged) {
        if let Some(cause) = &judged.cause {
            self.record(&Record::Cause(record::Cause {
                place: Place::new(number, cause.at),
                cause: cause.id,
                what: &cause.what,
                mend: cause.mend,
                other_connection: cause.other,
            }));
        }
        for finding in &judged.findings {
            self.separate();
            closing::push_finding(&mut self.page, &mut self.hot, number, finding);
        }
    }

    fn frame_with_layers(&mut self, connection: &Connection, event: &Frame<'_>) {
        let layers = layers(connection, event, false);
        let record = record::Frame { layers, ..frame_record(connection.number, event) };
        self.record(&Record::Frame(record));
    }

    fn frame_with_layout(&mut self, connection: &Connection, event: &Frame<'_>) {
        let payload = event.payload.unwrap_or_default();
        let mut raw = event.header.to_bytes();
        let header_length = raw.len();
        raw.extend_from_slice(payload);
        if let Some(key) = event.header.masking_key {
            mask::mask(&mut raw[header_length..], key, 0);
        }
        let layout = frame::layout(&raw, event.offset);
        let mut record = frame_record(connection.number, event);
        record.layers = layers(connection, event, true);
        record.payload = Some(record::hex(payload));
        record.layout = fields(&layout, &raw, event.offset);
        self.record(&Record::Frame(record));
    }
}

impl<W: Write> Observer for Writer<W> {
    fn connection(&mut self, connection: &Connection) {
        self.separate();
        opening::push_connection(&mut self.page, &mut self.hot, connection);
    }

    #[inline]
    fn event(&mut self, connection: &Connection, event: &Event<'_>, judged: &Judged) {
        let is_plain = !self.options.findings_only
            && !self.options.layouts
            && connection.trails.is_none()
            && judged.findings.is_empty();
        match event {
            Event::Frame(frame) if is_plain => self.frame(connection, frame),
            Event::Message(message) if is_plain => self.message(connection, message),
            _ => self.any_event(connection, event, judged),
        }
    }

    fn opaque(&mut self, opaque: &Opaque, judged: &Judged) {
        let address = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        if !self.options.findings_only {
            self.record(&Record::Tls(record::Tls {
                place: Place::new(0, opaque.at),
                client: address(opaque.client),
                server: address(opaque.server),
                facts: record::TlsFacts::new(&opaque.tls),
                why: opaque.why.name(),
                alert: opaque.alert.map(|(_, name)| name),
                alert_from: opaque.alert.map(|(from, _)| from.name()),
            }));
        }
        self.findings(0, judged);
    }

    fn pause(&mut self) {
        self.page.flush();
    }

    fn is_done(&self) -> bool {
        self.page.has_failed()
    }
}

/// The `summary` of what was counted; the caller adds what only it knows.
pub fn summary(counts: &Counts) -> record::Summary<'static> {
    record::Summary {
        packets: None,
        bytes: None,
        connections: counts.connections,
        frames: counts.frames,
        messages: counts.messages,
        findings: by_severity(counts),
        ignored: counts.ignored,
        repeated: counts.repeats,
        gaps: counts.gaps,
        other_exchanges: counts.other_exchanges,
        tls: None,
        skipped: &[],
        selected: None,
    }
}

/// What was chosen, for a `summary`.
pub fn selected(counts: &Counts) -> record::Selected {
    record::Selected {
        connections: counts.connections,
        frames: counts.frames,
        messages: counts.messages,
        findings: by_severity(counts),
        gaps: counts.gaps,
    }
}

fn by_severity(counts: &Counts) -> record::BySeverity {
    record::BySeverity { error: counts.errors, warning: counts.warnings, note: counts.notes }
}

/// A `message` record without what the message says.
pub fn message_without_text(number: u64, message: &Message<'_>) -> serde_json::Value {
    let record = Record::Message(record::Message {
        place: placed(number, message.from, message.offset, message.at),
        message: message.number,
        opcode_name: message.opcode.name(),
        frames: message.frames,
        compressed: message.compressed,
        wire_length: message.wire_length,
        length: message.length,
        text: None,
        base64: None,
        truncated: message.truncated,
        trusted: message.trusted,
        complete: message.complete,
    });
    serde_json::to_value(&record).expect("plain records serialize")
}

/// A rule as a JSON object.
pub fn rule(rule: &rules::Rule) -> serde_json::Value {
    serde_json::json!({
        "type": "rule",
        "id": rule.id,
        "severity": rule.severity.name(),
        "level": rule.level.strength(),
        "rfc": rule.rfc,
        "title": rule.title,
    })
}

fn placed(number: u64, from: Endpoint, offset: u64, at: At) -> Place {
    Place { direction: Some(from.name()), offset: Some(offset), ..Place::new(number, at) }
}

fn extension(extension: &Extension) -> record::Extension {
    record::Extension {
        name: extension.name.clone(),
        parameters: extension
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
            .collect(),
    }
}

fn heartbeat(heartbeat: &rules::Heartbeat) -> record::Heartbeat {
    record::Heartbeat {
        direction: heartbeat.from.name(),
        pings: heartbeat.pings,
        answered: heartbeat.answered,
        round_trip: heartbeat.round_trip.map(|trips| trips.map(to_the_microsecond)),
    }
}

/// More digits than that no clock of a capture is good for.
fn to_the_microsecond(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn frame_record<'a>(number: u64, frame: &Frame<'_>) -> record::Frame<'a> {
    let header = frame.header;
    let opcode = header.opcode();
    let shows_payload = opcode.is_control() && frame.payload.is_some();
    record::Frame {
        place: placed(number, frame.from, frame.offset, frame.at),
        frame: frame.number,
        fin: header.fin(),
        rsv1: header.rsv1(),
        rsv2: header.rsv2(),
        rsv3: header.rsv3(),
        opcode: opcode.bits(),
        opcode_name: opcode.name(),
        masked: header.masked(),
        masking_key: header.masking_key.map(|key| record::hex(&key)),
        header_length: header.header_length(),
        payload_length: header.payload_length,
        complete: frame.complete,
        recovered: frame.recovered.map(|recovered| record::Recovered {
            confidence: recovered.confidence,
            skipped: recovered.skipped,
        }),
        payload: frame.payload.filter(|_| shows_payload).map(record::hex),
        layout: Vec::new(),
        layers: Vec::new(),
    }
}

/// What carried a frame.
fn layers<'a>(connection: &Connection, event: &Frame<'_>, layouts: bool) -> Vec<record::Layer<'a>> {
    carried(connection, event).iter().map(|carried| layer(carried, layouts)).collect()
}

fn layer<'a>(carried: &Carried, layouts: bool) -> record::Layer<'a> {
    let mut layer = record::Layer {
        layer: "tcp",
        place: Place { offset: Some(carried.offset), ..Place::default() },
        length: carried.length,
        content_offset: carried.content_offset,
        content_length: carried.content_length,
        sequence: None,
        stream: None,
        layout: Vec::new(),
    };
    let header = match carried.carrier {
        Carrier::Segment { sequence, at } => {
            layer.place = Place { offset: layer.place.offset, ..Place::new(0, at) };
            layer.sequence = Some(sequence);
            return layer;
        }
        Carrier::Record(header) => {
            layer.layer = "tls";
            let bytes = header.to_bytes().to_vec();
            (layers::tls::layout(&bytes, 0), bytes)
        }
        Carrier::Data { header, padding } => {
            (layer.layer, layer.stream) = ("http2", Some(header.stream));
            let mut bytes = header.to_bytes().to_vec();
            bytes.extend(padding);
            (layers::http2::layout(&bytes, 0), bytes)
        }
    };
    if layouts {
        layer.layout = fields(&header.0, &header.1, 0);
    }
    layer
}

fn fields<'a>(layout: &Layout, raw: &[u8], offset: u64) -> Vec<record::Field<'a>> {
    layout.fields.iter().map(|found| field(found, raw, offset)).collect()
}

fn field<'a>(found: &layout::Field, raw: &[u8], offset: u64) -> record::Field<'a> {
    let start = found.span.start.saturating_sub(offset.saturating_mul(8));
    let value = match found.value {
        Value::Number(number) => record::FieldValue::Number(number),
        Value::Bytes => {
            let first = (start / 8) as usize;
            let end = first + found.span.byte_length() as usize;
            record::FieldValue::Bytes(record::hex(raw.get(first..end).unwrap_or_default()))
        }
    };
    record::Field {
        name: found.spec.name,
        label: found.spec.label,
        bits: [start, found.span.length],
        value,
        meaning: Cow::Owned(found.meaning.clone().into_owned()),
        section: found.spec.section,
        fields: found.children.iter().map(|child| field(child, raw, offset)).collect(),
    }
}

/// A value as text that does no harm on a terminal.
pub fn harmless(value: &serde_json::Value) -> String {
    let mut page = Page::new(Vec::new());
    value.serialize(Serializer { page: &mut page }).expect("a value serializes");
    let out = page.finish().expect("memory takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}
