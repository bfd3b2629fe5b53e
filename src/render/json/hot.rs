//! The two records that come by the million, `frame` and `message`, written by hand. What does not
//! change from line to line is made once. A test holds these to what the records' types say.

use super::text;
use crate::inspection::Connection;
use crate::said::{At, Endpoint, Time};
use crate::websocket::{Frame, Message, Opcode, Recovered};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What is made once.
pub(super) struct Lines {
    /// For each connection slot and direction: everything up to the time.
    prefixes: Vec<Prefixes>,
    /// For each first byte of a frame: its fields.
    first_bytes: Vec<Vec<u8>>,
    /// The seconds of the last time written, and their digits.
    second: (i64, Vec<u8>),
}

#[derive(Default, Clone)]
struct Prefixes {
    connection: u64,
    /// The number and direction: `"connection":1,"direction":"client"`.
    directions: [Vec<u8>; 2],
}

impl Default for Lines {
    fn default() -> Lines {
        let first_bytes = (0..=u8::MAX).map(first_byte_fields).collect();
        Lines { prefixes: Vec::new(), first_bytes, second: (i64::MIN, Vec::new()) }
    }
}

impl Lines {
    pub(super) fn push_frame(
        &mut self,
        out: &mut Vec<u8>,
        connection: &Connection,
        frame: &Frame<'_>,
    ) {
        let header = &frame.header;
        out.extend_from_slice(b"{\"type\":\"frame\",");
        self.push_place(out, connection, frame.from, frame.offset, frame.at);
        push_number(out, b",\"frame\":", frame.number);
        out.extend_from_slice(&self.first_bytes[usize::from(header.first)]);
        match header.masking_key {
            Some(key) => {
                out.extend_from_slice(b",\"masked\":true,\"masking_key\":\"");
                push_hex(out, &key);
                out.push(b'"');
            }
            None => out.extend_from_slice(b",\"masked\":false"),
        }
        push_number(out, b",\"header_length\":", header.header_length());
        push_number(out, b",\"payload_length\":", header.payload_length);
        push_bool(out, b",\"complete\":", frame.complete);
        if let Some(Recovered { confidence, skipped }) = frame.recovered {
            let recovered = serde_json::json!({ "confidence": confidence, "skipped": skipped });
            out.extend_from_slice(format!(",\"recovered\":{recovered}").as_bytes());
        }
        if header.opcode().is_control()
            && let Some(payload) = frame.payload
        {
            out.extend_from_slice(b",\"payload\":\"");
            push_hex(out, payload);
            out.push(b'"');
        }
        out.push(b'}');
    }

    pub(super) fn push_message(
        &mut self,
        out: &mut Vec<u8>,
        connection: &Connection,
        message: &Message<'_>,
    ) {
        out.extend_from_slice(b"{\"type\":\"message\",");
        self.push_place(out, connection, message.from, message.offset, message.at);
        push_number(out, b",\"message\":", message.number);
        out.extend_from_slice(b",\"opcode_name\":\"");
        out.extend_from_slice(message.opcode.name().as_bytes());
        out.extend_from_slice(b"\",\"frames\":[");
        for (index, frame) in message.frames.iter().enumerate() {
            push_number(out, if index > 0 { b"," } else { b"" }, *frame);
        }
        push_bool(out, b"],\"compressed\":", message.compressed);
        push_number(out, b",\"wire_length\":", message.wire_length);
        push_number(out, b",\"length\":", message.length);
        push_payload(out, message);
        push_bool(out, b",\"truncated\":", message.truncated);
        push_bool(out, b",\"trusted\":", message.trusted);
        push_bool(out, b",\"complete\":", message.complete);
        out.push(b'}');
    }

    fn push_place(
        &mut self,
        out: &mut Vec<u8>,
        connection: &Connection,
        from: Endpoint,
        offset: u64,
        at: At,
    ) {
        let slot = connection.id.0 as usize;
        if self.prefixes.len() <= slot {
            self.prefixes.resize(slot + 1, Prefixes::default());
        }
        let prefixes = &mut self.prefixes[slot];
        if prefixes.connection != connection.number {
            let number = connection.number;
            prefixes.connection = number;
            prefixes.directions = [Endpoint::Client, Endpoint::Server].map(|from| {
                format!("\"connection\":{number},\"direction\":\"{from}\"").into_bytes()
            });
        }
        out.extend_from_slice(&prefixes.directions[from.index()]);
        if let Some(time) = at.time {
            self.push_time(out, time);
        }
        if let Some(packet) = at.packet {
            push_number(out, b",\"packet\":", packet.get());
        }
        push_number(out, b",\"offset\":", offset);
    }

    fn push_time(&mut self, out: &mut Vec<u8>, time: Time) {
        let (second, nanosecond) =
            (time.0.div_euclid(1_000_000_000), time.0.rem_euclid(1_000_000_000));
        if second < 0 {
            out.extend_from_slice(b",\"time\":\"");
            out.extend_from_slice(super::record::seconds(time).as_bytes());
            out.push(b'"');
            return;
        }
        if self.second.0 != second {
            self.second = (second, format!(",\"time\":\"{second}.").into_bytes());
        }
        out.extend_from_slice(&self.second.1);
        let mut digits = [0; 9];
        let mut rest = nanosecond as u32;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
        out.push(b'"');
    }
}

fn first_byte_fields(first: u8) -> Vec<u8> {
    let opcode = Opcode::from_bits(first);
    format!(
        ",\"fin\":{},\"rsv1\":{},\"rsv2\":{},\"rsv3\":{},\"opcode\":{},\"opcode_name\":\"{}\"",
        first & 0x80 != 0,
        first & 0x40 != 0,
        first & 0x20 != 0,
        first & 0x10 != 0,
        opcode.bits(),
        opcode.name()
    )
    .into_bytes()
}

/// Text as a string if it is UTF-8 as far as it was kept, anything else in Base64.
fn push_payload(out: &mut Vec<u8>, message: &Message<'_>) {
    match text_of(message) {
        Some(text) => {
            out.extend_from_slice(b",\"text\":\"");
            text::push(out, text);
            out.push(b'"');
        }
        None => {
            out.extend_from_slice(b",\"base64\":\"");
            let start = out.len();
            let room = message.payload.len().div_ceil(3) * 4;
            out.resize(start + room, 0);
            let written = STANDARD.encode_slice(message.payload, &mut out[start..]);
            debug_assert_eq!(written, Ok(room));
            out.push(b'"');
        }
    }
}

/// The message as text: without the beginning of a character at the end if it was cut.
pub(super) fn text_of<'a>(message: &Message<'a>) -> Option<&'a str> {
    if message.opcode != Opcode::Text || message.opaque {
        return None;
    }
    match std::str::from_utf8(message.payload) {
        Ok(text) => Some(text),
        Err(error) => {
            let was_cut = message.truncated || !message.complete;
            let cut_short = was_cut && error.error_len().is_none();
            std::str::from_utf8(&message.payload[..error.valid_up_to()]).ok().filter(|_| cut_short)
        }
    }
}

fn push_number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_bool(out: &mut Vec<u8>, name: &[u8], value: bool) {
    out.extend_from_slice(name);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0xf)]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{frame_record, placed, record};
    use super::*;
    use crate::said::{ConnectionId, Transport};
    use crate::websocket::frame::FrameHeader;
    use crate::websocket::{Origin, Part, deflate};
    use proptest::prelude::*;
    use std::num::NonZeroU64;

    fn connection(number: u64) -> Connection {
        Connection {
            number,
            id: ConnectionId(3),
            client: None,
            server: None,
            transport: Transport::Tcp,
            origin: Origin::Handshake,
            opened: At::default(),
        }
    }

    fn at(packet: u64, nanoseconds: Option<i64>) -> At {
        At { packet: NonZeroU64::new(packet), time: nanoseconds.map(Time) }
    }

    fn json(line: &[u8]) -> serde_json::Value {
        serde_json::from_slice(line).expect("a line is JSON")
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
                complete, missing: 0, payload: payload.as_deref(), started: At::default(),
                at: at(packet, time), heard: None,
            };
            let mut out = Vec::new();
            Lines::default().push_frame(&mut out, &connection(7), &frame);
            prop_assert_eq!(json(&out), typed(&record::Record::Frame(frame_record(7, &frame))));
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
                complete, trusted: true, utf8_fault: None, split_character: false,
                inflate_fault: None, inflate_ending: deflate::Ending::default(),
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
            let mut out = Vec::new();
            Lines::default().push_message(&mut out, &connection(7), &message);
            prop_assert_eq!(json(&out), typed(&record));
        }
    }
}
