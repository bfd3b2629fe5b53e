//! Questions about the bits of one frame. The bytes are made here; what they mean is read by the
//! decoder.

use super::material::{Kept, at, layout};
use super::{Answer, Kind, Material, Question, below, choose, one_of};
use crate::build::{Frame, LengthForm, Numbers};
use crate::render::escape;
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::frame::{self, FrameHeader, MASKING_KEY, PAYLOAD};

pub(super) const OPCODE: Kind = Kind {
    name: "opcode",
    about: "name a frame by its first byte",
    level: 1,
    topic: "opcodes",
    of_captures: true,
    make: opcode,
};
pub(super) const FINAL: Kind = Kind {
    name: "final",
    about: "say whether a message ends here",
    level: 1,
    topic: "fin",
    of_captures: true,
    make: is_final,
};
pub(super) const SENDER: Kind = Kind {
    name: "sender",
    about: "tell client from server by a header",
    level: 1,
    topic: "masking",
    of_captures: true,
    make: sender,
};
pub(super) const LENGTH: Kind = Kind {
    name: "length",
    about: "read the payload's length in its three forms",
    level: 2,
    topic: "lengths",
    of_captures: true,
    make: length,
};
pub(super) const HEADER_SIZE: Kind = Kind {
    name: "header-size",
    about: "reckon how many bytes a header takes",
    level: 2,
    topic: "lengths",
    of_captures: false,
    make: header_size,
};
pub(super) const HEADER_BYTES: Kind = Kind {
    name: "header-bytes",
    about: "write a header",
    level: 2,
    topic: "frames",
    of_captures: false,
    make: header_bytes,
};
pub(super) const UNMASK: Kind = Kind {
    name: "unmask",
    about: "unmask three bytes by hand",
    level: 2,
    topic: "masking",
    of_captures: true,
    make: unmask,
};
pub(super) const NEXT_FRAME: Kind = Kind {
    name: "next-frame",
    about: "find where the next frame begins",
    level: 2,
    topic: "frames",
    of_captures: true,
    make: next_frame,
};

/// Things that applications say: the first three characters differ.
const WORDS: [&str; 36] = [
    "Hello",
    "ping?",
    "Ready",
    "2+2=4",
    "move e4",
    "bye",
    "101 up",
    "on-air",
    "Ok!",
    "price 9.50",
    "apple",
    "banana",
    "chess",
    "draw",
    "Error",
    "football",
    "goal!",
    "hotel",
    "index",
    "jazz",
    "Kiwi",
    "lemon",
    "Monday",
    "north",
    "orbit",
    "pixel",
    "quiz",
    "river",
    "Stop!",
    "token",
    "update",
    "vote",
    "Wake up",
    "xyz",
    "yes",
    "zebra",
];

/// A frame, and how it is shown byte by byte.
struct Sample {
    from: Endpoint,
    bytes: Vec<u8>,
    command: String,
}

/// A frame of the material, or one that is made up.
fn some_frame(numbers: &mut Numbers, material: &Material) -> Option<Sample> {
    match &material.source {
        Some(file) => kept(one_of_some(numbers, &material.frames)?, file),
        None => Some(made_up(numbers)),
    }
}

fn one_of_some<'a, T>(numbers: &mut Numbers, things: &'a [T]) -> Option<&'a T> {
    (!things.is_empty()).then(|| one_of(numbers, things))
}

/// A frame of a capture; none if its mask contradicts its sender, which is no exercise.
fn kept(frame: &Kept, file: &str) -> Option<Sample> {
    let header = header_of(&frame.bytes)?;
    let is_healthy = header.masked() == (frame.from == Endpoint::Client);
    let (connection, number, from) = (frame.connection, frame.number, frame.from);
    let command = format!("pcap {file} --connection {connection} --from {from} --layout {number}");
    is_healthy.then(|| Sample { from, bytes: frame.bytes.clone(), command })
}

fn made_up(numbers: &mut Numbers) -> Sample {
    let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    let mut key = || (from == Endpoint::Client).then(|| numbers.masking_key());
    let keys = [key(), key()];
    let word = one_of(numbers, &WORDS).as_bytes();
    let text = Frame::new(Opcode::Text, word, keys[0]);
    // A fragment does not stand alone: the other one of its message goes with it.
    let frames = match below(numbers, 8) {
        0 => vec![Frame::new(Opcode::Ping, word, keys[0])],
        1 => vec![Frame::new(Opcode::Pong, word, keys[0])],
        2 => vec![Frame::close(*one_of(numbers, &[1000, 3000, 4000]), "", keys[0])],
        3 => vec![Frame::new(Opcode::Binary, &numbers.masking_key(), keys[0])],
        4 => vec![
            text.with_fin(false),
            Frame::new(Opcode::Continuation, one_of(numbers, &WORDS).as_bytes(), keys[1]),
        ],
        5 => vec![text.with_fin(false)],
        _ => vec![text],
    };
    let all: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
    let bytes = frames.last().map(Frame::bytes).unwrap_or_default();
    Sample { from, bytes, command: command(from, &all) }
}

fn command(from: Endpoint, bytes: &[u8]) -> String {
    format!("frame --from {from} {}", escape::hex(bytes))
}

/// Said of commands that show a header alone.
const HEADER_ONLY: &str = "header only: the payload is left out";

fn header_of(bytes: &[u8]) -> Option<FrameHeader> {
    FrameHeader::read(bytes).ok()
}

/// The bytes in front of the payload.
fn header_bytes_of(bytes: &[u8]) -> &[u8] {
    let length = header_of(bytes).map_or(bytes.len(), |header| header.header_length() as usize);
    &bytes[..length.min(bytes.len())]
}

/// `1 byte`, `5 bytes`.
fn bytes_in_words(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn opcode(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let sample = some_frame(numbers, material)?;
    let bytes = &sample.bytes;
    let right = header_of(bytes)?.opcode();
    let named = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA].map(Opcode::from_bits);
    if !named.contains(&right) {
        return None;
    }
    let mut wrong: Vec<String> =
        named.iter().filter(|other| **other != right).map(|it| it.name().to_owned()).collect();
    super::shuffle(&mut wrong, numbers);
    wrong.truncate(3);
    let (choices, answer) = choose(numbers, right.name().to_owned(), wrong)?;
    let ask = "A frame begins with these two bytes. What kind of frame is it?";
    Some(Question {
        shown: vec![escape::hex(&bytes[..2])],
        choices,
        hint: "The opcode is the lower half of the first byte.",
        because: format!(
            "the lower half of {:02x} is {:x}, the opcode of {right} ({})",
            bytes[0],
            right.bits(),
            right.about()
        ),
        command: Some(sample.command),
        frame: Some((sample.from, sample.bytes.clone())),
        ..Question::new(kind, ask, answer, right.name().to_owned())
    })
}

fn is_final(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let sample = some_frame(numbers, material)?;
    let first = sample.bytes[0];
    let header = header_of(&sample.bytes)?;
    if header.opcode().is_control() {
        return None;
    }
    let (yes, no) = ("yes, it ends here", "no, it goes on");
    let answer = Answer::Choice(usize::from(!header.fin()));
    let ask = "A frame begins with this byte. Does its message end with it?";
    Some(Question {
        shown: vec![escape::hex(&[first])],
        choices: vec![yes.to_owned(), no.to_owned()],
        hint: "FIN is the highest bit: set from 80 up.",
        because: format!("{first:02x} is {first:08b} in bits, and its first bit is FIN"),
        command: Some(sample.command),
        frame: Some((sample.from, sample.bytes)),
        ..Question::new(kind, ask, answer, format!("{first:02x}"))
    })
}

fn sender(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let sample = some_frame(numbers, material)?;
    let bytes = &sample.bytes;
    let header = header_of(bytes)?;
    let right = if header.masked() { Endpoint::Client } else { Endpoint::Server };
    let choices = [Endpoint::Client, Endpoint::Server].map(|it| format!("the {it}")).to_vec();
    let ask = "This is the header of a frame from a healthy connection. Who sent it?";
    let gist = format!("{:02x} {:02x}", bytes[0], bytes[1]);
    Some(Question {
        shown: vec![escape::hex(header_bytes_of(bytes))],
        choices,
        hint: "Only one of the two masks what it sends.",
        because: format!(
            "MASK, the highest bit of the second byte ({:02x}), is {}",
            bytes[1],
            u8::from(header.masked())
        ),
        command: Some(sample.command),
        frame: Some((sample.from, sample.bytes.clone())),
        ..Question::new(kind, ask, Answer::Choice(right.index()), gist)
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

/// In which form a length is written, and whether a key follows.
fn form_of(header: &FrameHeader) -> String {
    let masked = if header.masked() { "masked" } else { "unmasked" };
    format!("{:?}, {masked}", LengthForm::shortest(header.payload_length))
}

fn length(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let (bytes, command, note) = match &material.source {
        Some(_) => {
            let sample = some_frame(numbers, material)?;
            (header_bytes_of(&sample.bytes).to_vec(), sample.command, "")
        }
        None => {
            let key = (numbers.roll().is_multiple_of(2)).then(|| numbers.masking_key());
            let length = some_length(numbers);
            let bytes = FrameHeader::new(true, 0, Opcode::Binary, length, key).to_bytes();
            let from = if key.is_some() { Endpoint::Client } else { Endpoint::Server };
            let command = command(from, &bytes);
            (bytes, command, HEADER_ONLY)
        }
    };
    let header = header_of(&bytes)?;
    let from = if header.masked() { Endpoint::Client } else { Endpoint::Server };
    let because = match header.length_code() {
        126 => {
            format!("7 bits say 126, so the next 2 bytes hold it: {}", escape::hex(&bytes[2..4]))
        }
        127 => {
            format!("7 bits say 127, so the next 8 bytes hold it: {}", escape::hex(&bytes[2..10]))
        }
        code => format!("7 bits say {code}, which is the whole length"),
    };
    let ask = "How many bytes of payload does this header announce?";
    let gist = match material.source {
        Some(_) => header.payload_length.to_string(),
        None => form_of(&header),
    };
    Some(Question {
        shown: vec![escape::hex(&bytes)],
        hint: "Seven bits of the second byte: 126 and 127 point to the bytes behind.",
        because: with_note(because, note),
        command: Some(command),
        frame: Some((from, bytes)),
        ..Question::new(kind, ask, Answer::Number(header.payload_length), gist)
    })
}

fn with_note(because: String, note: &str) -> String {
    if note.is_empty() { because } else { format!("{because} ({note})") }
}

fn header_size(kind: &'static Kind, numbers: &mut Numbers, _: &Material) -> Option<Question> {
    let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
    let key = (from == Endpoint::Client).then(|| numbers.masking_key());
    let length = some_length(numbers);
    let bytes = FrameHeader::new(true, 0, Opcode::Binary, length, key).to_bytes();
    let header = header_of(&bytes)?;
    let extra = header.header_length() - 2 - if key.is_some() { 4 } else { 0 };
    let ask = format!(
        "The {from} sends a binary message of {} in one frame. How many bytes long is the frame's \
         header?",
        bytes_in_words(length)
    );
    let because = format!(
        "2 bytes, {extra} for the length, {} for a masking key",
        if key.is_some() { 4 } else { 0 }
    );
    Some(Question {
        hint: "Two bytes, then none, 2 or 8 for the length, then 4 if there is a key.",
        because: with_note(because, HEADER_ONLY),
        command: Some(command(from, &bytes)),
        frame: Some((from, bytes)),
        ..Question::new(kind, ask, Answer::Number(header.header_length()), form_of(&header))
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
    let ask = format!(
        "Write the header of an unfragmented {opcode} frame from the server with {} of payload, in \
         hexadecimal.",
        bytes_in_words(length)
    );
    let because = format!(
        "FIN and opcode {:x} make {:02x}; the length takes the shortest form",
        opcode.bits(),
        bytes[0]
    );
    let gist = format!("{opcode}, {}", form_of(&header));
    Some(Question {
        hint: "FIN and the opcode make the first byte; MASK is 0 and the length follows.",
        because: with_note(because, HEADER_ONLY),
        command: Some(command(Endpoint::Server, &bytes)),
        frame: Some((Endpoint::Server, bytes.clone())),
        ..Question::new(kind, ask, Answer::Bytes(bytes), gist)
    })
}

fn unmask(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let is_fit = |frame: &&Kept| {
        let header = header_of(&frame.bytes);
        header.is_some_and(|it| {
            it.masked() && it.opcode() == Opcode::Text && !it.rsv1() && it.payload_length >= 3
        })
    };
    let sample = match &material.source {
        Some(file) => {
            let fit: Vec<&Kept> = material.frames.iter().filter(is_fit).collect();
            kept(one_of_some(numbers, &fit)?, file)?
        }
        None => {
            let key = Some(numbers.masking_key());
            let bytes = Frame::new(Opcode::Text, one_of(numbers, &WORDS).as_bytes(), key).bytes();
            let command = command(Endpoint::Client, &bytes);
            Sample { from: Endpoint::Client, bytes, command }
        }
    };
    let layout = layout(&sample.bytes);
    let key = at(&sample.bytes, layout.find(&MASKING_KEY)?.span);
    let masked = &at(&sample.bytes, layout.find(&PAYLOAD)?.span)[..3];
    let mut plain = masked.to_vec();
    crate::websocket::mask::mask(&mut plain, [key[0], key[1], key[2], key[3]], 0);
    let text =
        std::str::from_utf8(&plain).ok().filter(|it| it.bytes().all(|b| b.is_ascii_graphic()))?;
    let ask = "Unmask the first three bytes of this payload. Which characters are they?";
    let answer = Answer::Text(text.to_owned());
    Some(Question {
        shown: vec![
            format!("Masking-key  {}", escape::hex(key)),
            format!("payload      {}", escape::hex(masked)),
        ],
        hint: "Byte i of the payload ⊕ byte i of the key, bit by bit; then look it up in ASCII.",
        because: (0..3)
            .map(|i| format!("{:02x} ⊕ {:02x} = {:02x}", masked[i], key[i], plain[i]))
            .collect::<Vec<_>>()
            .join(", "),
        command: Some(sample.command),
        frame: Some((sample.from, sample.bytes.clone())),
        ..Question::new(kind, ask, answer, text.to_owned())
    })
}

/// Two frames that follow each other: of a capture, or made up.
fn two_frames(numbers: &mut Numbers, material: &Material) -> Option<Sample> {
    let Some(file) = &material.source else {
        let from = *one_of(numbers, &[Endpoint::Client, Endpoint::Server]);
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let key = (from == Endpoint::Client).then(|| numbers.masking_key());
            let word = one_of(numbers, &WORDS).as_bytes();
            bytes.extend_from_slice(&Frame::new(Opcode::Text, word, key).bytes());
        }
        let command = command(from, &bytes);
        return Some(Sample { from, bytes, command });
    };
    let first = one_of_some(numbers, &material.frames)?;
    let is_next = |other: &&Kept| {
        (other.connection, other.from, other.number)
            == (first.connection, first.from, first.number + 1)
    };
    let second = material.frames.iter().find(is_next)?;
    let mut sample = kept(first, file)?;
    sample.bytes.extend_from_slice(&second.bytes);
    Some(sample)
}

fn next_frame(kind: &'static Kind, numbers: &mut Numbers, material: &Material) -> Option<Question> {
    let Sample { from, bytes, command } = two_frames(numbers, material)?;
    let layout = frame::layout(&bytes, 0);
    let end = layout.span().byte_length();
    let header = header_of(&bytes)?;
    let ask = format!(
        "The {from} sends two frames, one behind the other. At which byte, counted from 0, does \
         the second begin?"
    );
    Some(Question {
        shown: vec![escape::hex(&bytes)],
        hint: "Header, then payload, then the next header: nothing stands in between.",
        because: format!(
            "the header takes {} bytes and the payload {}",
            header.header_length(),
            header.payload_length
        ),
        command: Some(command),
        frame: Some((from, bytes[..end as usize].to_vec())),
        ..Question::new(kind, ask, Answer::Number(end), format!("{from} {end}"))
    })
}
