//! The two records that come by the million, `frame` and `message`, written by hand. What does not
//! change from line to line is made once. A test holds these to what the records' types say.

use super::page::{Page, Pen, Stamp};
use super::{Shape, text};
use crate::inspection::Connection;
use crate::said::{At, Endpoint, Time};
use crate::websocket::frame::MAX_HEADER;
use crate::websocket::{Frame, Message, Opcode, Recovered};
use base64::Engine as _;
use base64::engine::general_purpose::PAD;
use std::io::Write;

/// What is made once, or carried over from line to line.
pub(super) struct Lines {
    /// For each first byte of a frame that came so far: its fields.
    first_bytes: Vec<Stamp<112>>,
    /// For each length of a header (which tells whether it is masked): what stands between its first
    /// byte, or its masking key, and the length of the payload.
    headers: [Stamp<64>; MAX_HEADER + 1],
    /// The last place, and how it is written: a message mostly lies where its frame does.
    place: Place,
    written_place: Stamp<96>,
    /// The last time's second and its digits.
    second: (u64, Stamp<24>),
    /// The end of a line.
    end: Stamp<2>,
    base64: Base64,
}

/// With the vector instructions of the machine, where the crate knows them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Base64 = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Base64 = base64::engine::GeneralPurpose;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn base64() -> Base64 {
    Base64::standard(PAD)
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn base64() -> Base64 {
    Base64::new(&base64::alphabet::STANDARD, PAD)
}

/// Where and when something was.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    connection: u64,
    from: Endpoint,
    offset: u64,
    at: At,
}

/// How many frame numbers, and how many bytes in another form, are written with one pen.
const NUMBERS: usize = 256;
/// A text up to this length is written with the rest of its line, and the same pen.
const SHORT_TEXT: usize = text::PIECE - 256;
const BYTES: usize = 3 * 1024;

impl Lines {
    /// Lines that end in a newline, or not.
    pub(super) fn new(shape: Shape) -> Lines {
        Lines {
            first_bytes: vec![Stamp::default(); 256],
            headers: std::array::from_fn(header_fields),
            place: Place { connection: 0, from: Endpoint::Client, offset: 0, at: At::default() },
            written_place: Stamp::default(),
            second: (u64::MAX, Stamp::default()),
            end: Stamp::new(if shape == Shape::Lines { "}\n" } else { "}" }),
            base64: base64(),
        }
    }

    #[inline(always)]
    pub(super) fn push_frame<W: Write>(
        &mut self,
        page: &mut Page<W>,
        connection: &Connection,
        frame: &Frame<'_>,
    ) {
        let header = &frame.header;
        let shown = frame.payload.filter(|_| header.opcode().is_control());
        let goes_on = shown.is_some() || frame.recovered.is_some();
        let connection = connection.number;
        page.write(|pen| {
            pen.words(b"{\"type\":\"frame\",\"connection\":");
            let Frame { from, offset, at, .. } = *frame;
            self.push_place(pen, Place { connection, from, offset, at });
            pen.words(b",\"frame\":");
            pen.number(frame.number);
            pen.stamp(self.first_byte(header.first));
            if let Some(key) = header.masking_key {
                pen.words(b",\"masked\":true,\"masking_key\":\"");
                pen.hex(&key);
            }
            pen.stamp(&self.headers[header.header_length() as usize % (MAX_HEADER + 1)]);
            pen.number(header.payload_length);
            match frame.complete {
                true => pen.words(b",\"complete\":true"),
                false => pen.words(b",\"complete\":false"),
            }
            if !goes_on {
                pen.stamp(&self.end);
            }
        });
        if goes_on {
            push_recovered(page, frame.recovered);
            push_control_payload(page, shown);
            page.write(|pen| pen.stamp(&self.end));
        }
    }

    #[inline(always)]
    pub(super) fn push_message<W: Write>(
        &mut self,
        page: &mut Page<W>,
        connection: &Connection,
        message: &Message<'_>,
    ) {
        let connection = connection.number;
        let text = utf8_of(message);
        let (frames, more) = message.frames.split_at(message.frames.len().min(NUMBERS));
        let short = text.filter(|text| frames.len() == 1 && text.len() <= SHORT_TEXT);
        page.write(|pen| {
            pen.words(b"{\"type\":\"message\",\"connection\":");
            let Message { from, offset, at, .. } = *message;
            self.push_place(pen, Place { connection, from, offset, at });
            pen.words(b",\"message\":");
            pen.number(message.number);
            match message.opcode {
                Opcode::Text => pen.words(b",\"opcode_name\":\"text\",\"frames\":["),
                Opcode::Binary => pen.words(b",\"opcode_name\":\"binary\",\"frames\":["),
                other => {
                    pen.words(b",\"opcode_name\":\"");
                    pen.piece(other.name().as_bytes());
                    pen.words(b"\",\"frames\":[");
                }
            }
            push_numbers(pen, frames);
            if more.is_empty() {
                push_lengths(pen, message, text.is_some());
            }
            if let Some(text) = short {
                text::push_piece(pen, text);
                self.push_flags(pen, message);
            }
        });
        if short.is_some() {
            return;
        }
        if !more.is_empty() {
            for numbers in more.chunks(NUMBERS) {
                page.write(|pen| pen.words(b","));
                page.write(|pen| push_numbers(pen, numbers));
            }
            page.write(|pen| push_lengths(pen, message, text.is_some()));
        }
        match text {
            Some(text) => text::push(page, text),
            None => self.push_base64(page, message.payload),
        }
        page.write(|pen| self.push_flags(pen, message));
    }

    #[inline(always)]
    fn push_flags(&self, pen: &mut Pen<'_>, message: &Message<'_>) {
        let Message { truncated, trusted, complete, .. } = *message;
        if (truncated, trusted, complete) == (false, true, true) {
            pen.words(b"\",\"truncated\":false,\"trusted\":true,\"complete\":true");
        } else {
            pen.words(b"\",\"truncated\":");
            pen.bool(truncated);
            pen.words(b",\"trusted\":");
            pen.bool(trusted);
            pen.words(b",\"complete\":");
            pen.bool(complete);
        }
        pen.stamp(&self.end);
    }

    #[inline(always)]
    fn first_byte(&mut self, first: u8) -> &Stamp<112> {
        let stamp = &mut self.first_bytes[usize::from(first)];
        if stamp.is_empty() {
            *stamp = first_byte_fields(first);
        }
        stamp
    }

    #[inline(always)]
    fn push_place(&mut self, pen: &mut Pen<'_>, place: Place) {
        if self.place == place && !self.written_place.is_empty() {
            return pen.stamp(&self.written_place);
        }
        let start = pen.position();
        self.push_fresh_place(pen, place);
        self.place = place;
        pen.keep(start, &mut self.written_place);
    }

    #[inline(always)]
    fn push_fresh_place(&mut self, pen: &mut Pen<'_>, place: Place) {
        pen.number(place.connection);
        match place.from {
            Endpoint::Client => pen.words(b",\"direction\":\"client\""),
            Endpoint::Server => pen.words(b",\"direction\":\"server\""),
        }
        self.push_at(pen, place.at);
        pen.words(b",\"offset\":");
        pen.number(place.offset);
    }

    /// The time and the packet.
    #[inline(always)]
    pub(super) fn push_at(&mut self, pen: &mut Pen<'_>, at: At) {
        if let Some(time) = at.time {
            self.push_time(pen, time);
        }
        if let Some(packet) = at.packet {
            pen.words(b",\"packet\":");
            pen.number(packet.number());
            if let Some(file) = packet.file() {
                pen.words(b",\"packet_file\":");
                pen.number(file);
            }
        }
    }

    /// The end of a record.
    #[inline(always)]
    pub(super) fn push_end(&self, pen: &mut Pen<'_>) {
        pen.stamp(&self.end);
    }

    #[inline(always)]
    fn push_time(&mut self, pen: &mut Pen<'_>, time: Time) {
        let Ok(nanoseconds) = u64::try_from(time.nanoseconds()) else {
            pen.words(b",\"time\":\"");
            pen.piece(super::record::seconds(time).as_bytes());
            return pen.words(b"\"");
        };
        let second = nanoseconds / 1_000_000_000;
        if self.second.0 != second {
            self.second = (second, Stamp::new(&format!(",\"time\":\"{second}.")));
        }
        pen.stamp(&self.second.1);
        pen.nine_digits(nanoseconds % 1_000_000_000);
        pen.words(b"\"");
    }

    #[inline]
    fn push_base64<W: Write>(&self, page: &mut Page<W>, payload: &[u8]) {
        for bytes in payload.chunks(BYTES) {
            page.write(|pen| {
                pen.filled_by(|room| self.base64.encode_slice(bytes, room).unwrap_or(0));
            });
        }
    }
}

#[cold]
fn first_byte_fields(first: u8) -> Stamp<112> {
    let opcode = Opcode::from_bits(first);
    Stamp::new(&format!(
        ",\"fin\":{},\"rsv1\":{},\"rsv2\":{},\"rsv3\":{},\"opcode\":{},\"opcode_name\":\"{}\"",
        first & 0x80 != 0,
        first & 0x40 != 0,
        first & 0x20 != 0,
        first & 0x10 != 0,
        opcode.bits(),
        opcode.name()
    ))
}

/// A header has two bytes, none, two or eight for a longer length, and four for a masking key.
fn header_fields(length: usize) -> Stamp<64> {
    let before = if matches!(length, 6 | 8 | 14) { "\"" } else { ",\"masked\":false" };
    Stamp::new(&format!("{before},\"header_length\":{length},\"payload_length\":"))
}

#[cold]
fn push_recovered<W: Write>(page: &mut Page<W>, recovered: Option<Recovered>) {
    if let Some(Recovered { confidence, skipped }) = recovered {
        let recovered = serde_json::json!({ "confidence": confidence, "skipped": skipped });
        let recovered = format!(",\"recovered\":{recovered}");
        page.write(|pen| pen.piece(recovered.as_bytes()));
    }
}

fn push_control_payload<W: Write>(page: &mut Page<W>, payload: Option<&[u8]>) {
    let Some(payload) = payload else { return };
    page.write(|pen| pen.words(b",\"payload\":\""));
    for bytes in payload.chunks(BYTES) {
        page.write(|pen| pen.hex(bytes));
    }
    page.write(|pen| pen.words(b"\""));
}

#[inline(always)]
fn push_numbers(pen: &mut Pen<'_>, numbers: &[u64]) {
    let Some((first, rest)) = numbers.split_first() else { return };
    pen.number(*first);
    for number in rest {
        pen.words(b",");
        pen.number(*number);
    }
}

/// The lengths, and the beginning of the payload: text as a string if it is UTF-8 as far as it was
/// kept, anything else in Base64.
#[inline(always)]
fn push_lengths(pen: &mut Pen<'_>, message: &Message<'_>, is_text: bool) {
    match message.compressed {
        true => pen.words(b"],\"compressed\":true,\"wire_length\":"),
        false => pen.words(b"],\"compressed\":false,\"wire_length\":"),
    }
    pen.number(message.wire_length);
    pen.words(b",\"length\":");
    pen.number(message.length);
    match is_text {
        true => pen.words(b",\"text\":\""),
        false => pen.words(b",\"base64\":\""),
    }
}

/// The message's bytes that are UTF-8 text: without the beginning of a character at the end if it
/// was cut.
#[inline]
fn utf8_of<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let is_text = message.opcode == Opcode::Text && !message.opaque;
    let is_all = message.complete && message.trusted && !message.truncated;
    if is_text && is_all && message.inflate_fault.is_none() {
        // It was checked whole when it was collected.
        return message.utf8_fault.is_none().then_some(message.payload);
    }
    text_of(message).map(str::as_bytes)
}

/// The message as text, checked once more.
pub(super) fn text_of<'a>(message: &Message<'a>) -> Option<&'a str> {
    if message.opcode != Opcode::Text || message.opaque {
        return None;
    }
    match std::str::from_utf8(message.payload) {
        Ok(text) => Some(text),
        Err(error) => {
            let was_cut = message.truncated || !message.complete || !message.trusted;
            let cut_short = was_cut && error.error_len().is_none();
            std::str::from_utf8(&message.payload[..error.valid_up_to()]).ok().filter(|_| cut_short)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{frame_record, placed, record};
    use super::*;
    use crate::said::{ConnectionId, PacketNumber, Transport};
    use crate::websocket::frame::FrameHeader;
    use crate::websocket::{Assumed, Origin, Part, deflate, utf8};
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn connection(number: u64) -> Connection {
        Connection {
            number,
            id: ConnectionId(3),
            client: None,
            server: None,
            transport: Transport::Tcp,
            tls: None,
            origin: Origin::Handshake,
            assumed: Assumed::default(),
            opened: At::default(),
            trails: None,
        }
    }

    fn at(packet: u64, nanoseconds: Option<i64>) -> At {
        At {
            packet: PacketNumber::in_file((packet % 3) as u16, packet >> 20),
            time: nanoseconds.map(Time::new),
        }
    }

    fn json(page: Page<Vec<u8>>) -> serde_json::Value {
        let line = page.finish().expect("memory takes everything");
        serde_json::from_slice(&line).expect("a line is JSON")
    }

    fn typed(record: &record::Record<'_>) -> serde_json::Value {
        serde_json::to_value(record).expect("a record is JSON")
    }

    proptest! {
        #[test]
        fn a_frame_is_what_its_record_says(
            bytes in proptest::collection::vec(any::<u8>(), 14),
            number in 1u64.., packet: u64, time: Option<i64>, offset: u64, complete: bool,
            payload in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
            recovered in proptest::option::of((0u8.., any::<u64>())),
        ) {
            // 256ths are exact in decimal, so that reading them back is, too.
            let recovered = recovered.map(|(n, skipped)| {
                Recovered { confidence: f64::from(n) / 256.0, skipped }
            });
            let header = FrameHeader::read(&bytes).expect("14 bytes are enough");
            let frame = Frame {
                from: Endpoint::Client, number, header, offset, part: Part::Whole, message: None, recovered,
                complete, missing: 0, beyond: 0, payload: payload.as_deref(), started: At::default(),
                at: at(packet, time), heard: None,
            };
            let mut page = Page::new(Vec::new());
            Lines::new(Shape::Lines).push_frame(&mut page, &connection(7), &frame);
            prop_assert_eq!(json(page), typed(&record::Record::Frame(frame_record(7, &frame))));
        }

        #[test]
        fn a_message_is_what_its_record_says(
            payload in proptest::collection::vec(any::<u8>(), 0..40), text in ".{0,20}",
            is_text: bool, use_text: bool, truncated: bool, complete: bool,
            frames in proptest::collection::vec(any::<u64>(), 0..4), time: Option<i64>,
        ) {
            let payload = if use_text { text.into_bytes() } else { payload };
            let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
            let message = Message {
                from: Endpoint::Server, number: 5, opcode, frames: &frames, offset: 9,
                compressed: false, wire_length: 4, length: 5, payload: &payload, truncated,
                complete, trusted: true, utf8_fault: utf8::check(&payload), split_character: false,
                inflate_fault: None, inflate_ending: deflate::Ending::default(),
                tokens: deflate::Evidence::default(),
                wire_start: [0; 2], utf8_fault_at: None, opaque: false, started: At::default(), at: at(2, time),
            };
            let text = text_of(&message);
            let record = record::Record::Message(record::Message {
                place: placed(7, Endpoint::Server, 9, message.at),
                message: 5, opcode_name: opcode.name(), frames: &frames, compressed: false,
                wire_length: 4, length: 5, text,
                base64: text.is_none().then(|| STANDARD.encode(&payload)),
                truncated, trusted: true, complete,
            });
            let mut page = Page::new(Vec::new());
            Lines::new(Shape::Lines).push_message(&mut page, &connection(7), &message);
            prop_assert_eq!(json(page), typed(&record));
        }
    }
}
