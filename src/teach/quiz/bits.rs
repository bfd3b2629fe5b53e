//! Questions about the bits of one frame. The bytes are made here; what they mean is read by the
//! decoder.

use super::material::{at, layout};
use super::{Answer, Kind, Material, Question, below, choose, one_of};
use crate::build::{Frame, Numbers};
use crate::render::escape;
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::frame::{self, FrameHeader, MASKING_KEY, PAYLOAD};

pub(super) const OPCODE: Kind = Kind {
    name: "opcode",
    about: "name a frame by its first byte",
    level: 1,
    topic: "opcodes",
    make: opcode,
};
pub(super) const FINAL: Kind = Kind {
    name: "final",
    about: "say whether a message ends here",
    level: 1,
    topic: "fin",
    make: is_final,
};
pub(super) const SENDER: Kind = Kind {
    name: "sender",
    about: "tell client from server by a header",
    level: 1,
    topic: "masking",
    make: sender,
};
pub(super) const LENGTH: Kind = Kind {
    name: "length",
    about: "read the payload's length in its three forms",
    level: 2,
    topic: "lengths",
    make: length,
};
pub(super) const HEADER_SIZE: Kind = Kind {
    name: "header-size",
    about: "reckon how many bytes a header takes",
    level: 2,
    topic: "lengths",
    make: header_size,
};
pub(super) const HEADER_BYTES: Kind = Kind {
    name: "header-bytes",
    about: "write a header",
    level: 2,
    topic: "frames",
    make: header_bytes,
};
pub(super) const UNMASK: Kind = Kind {
    name: "unmask",
    about: "unmask three bytes by hand",
    level: 2,
    topic: "masking",
    make: unmask,
};
pub(super) const NEXT_FRAME: Kind = Kind {
    name: "next-frame",
    about: "find where the next frame begins",
    level: 2,
    topic: "frames",
    make: next_frame,
};

/// Things that applications say.
const WORDS: [&str; 10] =
    ["Hello", "ping?", "Ready", "2 + 2", "move e4", "bye", "101", "on air", "Ok!", "price 9.50"];

/// A frame of the material, or one that is made up, and who sent it.
fn some_frame(numbers: &mut Numbers, material: &Material) -> (Endpoint, Vec<u8>) {
    if !material.frames.is_empty() {
        let (from, bytes) = one_of(numbers, &material.frames);
        return (*from, bytes.clone());
    }
    let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    let key = (from == Endpoint::Client).then(|| numbers.masking_key());
    let word = one_of(numbers, &WORDS).as_bytes();
    let frame = match below(numbers, 8) {
        0 => Frame::new(Opcode::Ping, word, key),
        1 => Frame::new(Opcode::Pong, word, key),
        2 => Frame::close(*one_of(numbers, &[1000, 1001, 1011, 4000]), "", key),
        3 => Frame::new(Opcode::Binary, &numbers.masking_key(), key),
        4 => Frame::new(Opcode::Continuation, word, key),
        5 => Frame::new(Opcode::Text, word, key).with_fin(false),
        _ => Frame::new(Opcode::Text, word, key),
    };
    (from, frame.bytes())
}

fn command(from: Endpoint, bytes: &[u8]) -> Option<String> {
    Some(format!("frame --from {from} {}", escape::hex(bytes)))
}

fn header_of(bytes: &[u8]) -> Option<FrameHeader> {
    FrameHeader::read(bytes).ok()
}

/// The bytes in front of the payload.
fn header_bytes_of(bytes: &[u8]) -> &[u8] {
    let length = header_of(bytes).map_or(bytes.len(), |header| header.header_length() as usize);
    &bytes[..length.min(bytes.len())]
}

fn opcode(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let (from, bytes) = some_frame(numbers, material);
    let right = header_of(&bytes)?.opcode();
    let named = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA].map(Opcode::from_bits);
    let mut wrong: Vec<String> =
        named.iter().filter(|other| **other != right).map(|it| it.name().to_owned()).collect();
    super::shuffle(&mut wrong, numbers);
    wrong.truncate(3);
    let (choices, answer) = choose(numbers, right.name().to_owned(), wrong)?;
    Some(Question {
        kind,
        ask: "A frame begins with these two bytes. What kind of frame is it?".to_owned(),
        shown: vec![escape::hex(&bytes[..2])],
        choices,
        answer,
        hint: "The opcode is the lower half of the first byte.",
        because: format!("{:02x} ends in {:x}: {}", bytes[0], right.bits(), right.meaning()),
        command: command(from, &bytes),
    })
}

fn is_final(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let (from, bytes) = some_frame(numbers, material);
    let header = header_of(&bytes)?;
    if header.opcode().is_control() {
        return None;
    }
    let (yes, no) = ("yes, it ends here", "no, it goes on");
    let right = if header.fin() { yes } else { no };
    let choices = vec![yes.to_owned(), no.to_owned()];
    let answer = Answer::Choice(usize::from(right == no));
    Some(Question {
        kind,
        ask: "A frame begins with this byte. Does its message end with it?".to_owned(),
        shown: vec![escape::hex(&bytes[..1])],
        choices,
        answer,
        hint: "FIN is the highest bit: set from 80 up.",
        because: format!("{:02x} is {:08b} in bits, and its first bit is FIN", bytes[0], bytes[0]),
        command: command(from, &bytes),
    })
}

fn sender(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let (_, bytes) = some_frame(numbers, material);
    let header = header_of(&bytes)?;
    let right = if header.masked() { Endpoint::Client } else { Endpoint::Server };
    let choices = [Endpoint::Client, Endpoint::Server].map(|it| format!("the {it}")).to_vec();
    Some(Question {
        kind,
        ask: "This is the header of a frame from a healthy connection. Who sent it?".to_owned(),
        shown: vec![escape::hex(header_bytes_of(&bytes))],
        choices,
        answer: Answer::Choice(right.index()),
        hint: "Only one of the two masks what it sends.",
        because: format!(
            "MASK, the highest bit of the second byte ({:02x}), is {}",
            bytes[1],
            u8::from(header.masked())
        ),
        command: command(right, &bytes),
    })
}

/// Lengths around the borders of the forms, and ordinary ones.
fn some_length(numbers: &mut Numbers) -> u64 {
    match below(numbers, 6) {
        0 => *one_of(numbers, &[0, 1, 125]),
        1 => *one_of(numbers, &[126, 127, 255, 256, 65_535]),
        2 => *one_of(numbers, &[65_536, 65_537, 1 << 20]),
        3 => 2 + numbers.roll() % 124,
        4 => 126 + numbers.roll() % 65_410,
        _ => 65_536 + numbers.roll() % 1_000_000,
    }
}

fn length(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let bytes = if material.frames.is_empty() {
        let key = (numbers.roll().is_multiple_of(2)).then(|| numbers.masking_key());
        let length = some_length(numbers);
        FrameHeader::new(true, 0, Opcode::Binary, length, key).to_bytes()
    } else {
        header_bytes_of(&some_frame(numbers, material).1).to_vec()
    };
    let header = header_of(&bytes)?;
    let from = if header.masked() { Endpoint::Client } else { Endpoint::Server };
    let code = header.length_code();
    Some(Question {
        kind,
        ask: "How many bytes of payload does this header announce?".to_owned(),
        shown: vec![escape::hex(&bytes)],
        choices: Vec::new(),
        answer: Answer::Number(header.payload_length),
        hint: "Seven bits of the second byte: 126 and 127 point to the bytes behind.",
        because: match code {
            126 => format!(
                "7 bits say 126, so the next 2 bytes hold it: {}",
                escape::hex(&bytes[2..4])
            ),
            127 => format!(
                "7 bits say 127, so the next 8 bytes hold it: {}",
                escape::hex(&bytes[2..10])
            ),
            code => format!("7 bits say {code}, which is the whole length"),
        },
        command: command(from, &bytes),
    })
}

fn header_size(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    let key = (from == Endpoint::Client).then(|| numbers.masking_key());
    let length = some_length(numbers);
    let bytes = FrameHeader::new(true, 0, Opcode::Binary, length, key).to_bytes();
    let header = header_of(&bytes)?;
    let extra = header.header_length() - 2 - if key.is_some() { 4 } else { 0 };
    Some(Question {
        kind,
        ask: format!(
            "The {from} sends a binary message of {length} bytes in one frame. How many bytes long \
             is the frame's header?"
        ),
        shown: Vec::new(),
        choices: Vec::new(),
        answer: Answer::Number(header.header_length()),
        hint: "Two bytes, then none, 2 or 8 for the length, then 4 if there is a key.",
        because: format!(
            "2 bytes, {extra} for the length, {} for a masking key",
            if key.is_some() { 4 } else { 0 }
        ),
        command: command(from, &bytes),
    })
}

fn header_bytes(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let opcode = *one_of(numbers, &[Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong]);
    let length = match opcode.is_control() {
        true => numbers.roll() % 126,
        false => some_length(numbers).min(70_000),
    };
    let bytes = FrameHeader::new(true, 0, opcode, length, None).to_bytes();
    // What is asked for is what the decoder reads back, all of it.
    let header = header_of(&bytes)?;
    let (opcode, length) = (header.opcode(), header.payload_length);
    Some(Question {
        kind,
        ask: format!(
            "Write the header of an unfragmented {opcode} frame from the server with {length} bytes \
             of payload, in hexadecimal."
        ),
        shown: Vec::new(),
        choices: Vec::new(),
        answer: Answer::Bytes(bytes.clone()),
        hint: "FIN and the opcode make the first byte; MASK is 0 and the length follows.",
        because: format!(
            "FIN and opcode {:x} make {:02x}; the length takes the shortest form",
            opcode.bits(),
            bytes[0]
        ),
        command: command(Endpoint::Server, &bytes),
    })
}

fn unmask(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let is_fit = |bytes: &[u8]| {
        let header = header_of(bytes);
        header.is_some_and(|it| {
            it.masked() && it.opcode() == Opcode::Text && !it.rsv1() && it.payload_length >= 3
        })
    };
    let found: Vec<&Vec<u8>> =
        material.frames.iter().map(|(_, bytes)| bytes).filter(|bytes| is_fit(bytes)).collect();
    let bytes = match found.is_empty() {
        true if !material.frames.is_empty() => return None,
        true => {
            let key = Some(numbers.masking_key());
            Frame::new(Opcode::Text, one_of(numbers, &WORDS).as_bytes(), key).bytes()
        }
        false => (*one_of(numbers, &found)).clone(),
    };
    let layout = layout(&bytes);
    let key = at(&bytes, layout.find(&MASKING_KEY)?.span);
    let masked = &at(&bytes, layout.find(&PAYLOAD)?.span)[..3];
    let mut plain = masked.to_vec();
    crate::websocket::mask::mask(&mut plain, [key[0], key[1], key[2], key[3]], 0);
    let text =
        std::str::from_utf8(&plain).ok().filter(|it| it.bytes().all(|b| b.is_ascii_graphic()))?;
    Some(Question {
        kind,
        ask: "Unmask the first three bytes of this payload. Which characters are they?".to_owned(),
        shown: vec![
            format!("Masking-key  {}", escape::hex(key)),
            format!("payload      {}", escape::hex(masked)),
        ],
        choices: Vec::new(),
        answer: Answer::Text(text.to_owned()),
        hint: "Byte i of the payload ⊕ byte i of the key, bit by bit; then look it up in ASCII.",
        because: (0..3)
            .map(|i| format!("{:02x} ⊕ {:02x} = {:02x}", masked[i], key[i], plain[i]))
            .collect::<Vec<_>>()
            .join(", "),
        command: command(Endpoint::Client, &bytes),
    })
}

fn next_frame(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let key = (from == Endpoint::Client).then(|| numbers.masking_key());
        let word = one_of(numbers, &WORDS).as_bytes();
        let frame = Frame::new(Opcode::Text, word, key);
        bytes.extend_from_slice(&frame.bytes());
    }
    let layout = frame::layout(&bytes, 0);
    let end = layout.span().byte_length();
    Some(Question {
        kind,
        ask: format!(
            "The {from} sends two frames, one behind the other. At which byte, counted from 0, does \
             the second begin?"
        ),
        shown: vec![escape::hex(&bytes)],
        choices: Vec::new(),
        answer: Answer::Number(end),
        hint: "Header, then payload, then the next header: nothing stands in between.",
        because: format!(
            "the header takes {} bytes and the payload {}",
            header_of(&bytes)?.header_length(),
            header_of(&bytes)?.payload_length
        ),
        command: command(from, &bytes),
    })
}
