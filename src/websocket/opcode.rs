//! Opcodes (RFC 6455 §5.2, §11.8).

use std::fmt;

/// What a frame is. Reserved opcodes are values here, not errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0x0: goes on with the message that an earlier frame began.
    Continuation,
    /// 0x1: begins a message whose payload is UTF-8.
    Text,
    /// 0x2: begins a message of any bytes.
    Binary,
    /// 0x8: begins or answers the closing handshake.
    Close,
    /// 0x9: asks for a Pong with the same payload.
    Ping,
    /// 0xA: answers a Ping, or is a one-way heartbeat.
    Pong,
    /// 0x3 to 0x7 (data) and 0xB to 0xF (control): no meaning so far.
    Reserved(
        /// The four bits.
        u8,
    ),
}

/// The opcode of each number.
const ALL: [Opcode; 16] = [
    Opcode::Continuation,
    Opcode::Text,
    Opcode::Binary,
    Opcode::Reserved(3),
    Opcode::Reserved(4),
    Opcode::Reserved(5),
    Opcode::Reserved(6),
    Opcode::Reserved(7),
    Opcode::Close,
    Opcode::Ping,
    Opcode::Pong,
    Opcode::Reserved(11),
    Opcode::Reserved(12),
    Opcode::Reserved(13),
    Opcode::Reserved(14),
    Opcode::Reserved(15),
];

impl Opcode {
    /// The opcode of these four bits; higher bits are ignored.
    pub const fn from_bits(bits: u8) -> Opcode {
        ALL[(bits & 0x0f) as usize]
    }

    /// The four bits.
    pub const fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xA,
            Opcode::Reserved(bits) => bits & 0x0f,
        }
    }

    /// Control frames have the highest bit of the opcode set (§5.5), reserved ones included.
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }

    /// Text, binary and continuation frames carry messages (§5.6).
    pub const fn is_data(self) -> bool {
        matches!(self, Opcode::Continuation | Opcode::Text | Opcode::Binary)
    }

    /// The name used in output: `continuation`, `text`, `binary`, `close`, `ping`, `pong`,
    /// `reserved`.
    pub const fn name(self) -> &'static str {
        match self {
            Opcode::Continuation => "continuation",
            Opcode::Text => "text",
            Opcode::Binary => "binary",
            Opcode::Close => "close",
            Opcode::Ping => "ping",
            Opcode::Pong => "pong",
            Opcode::Reserved(_) => "reserved",
        }
    }

    /// What it announces, in words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Opcode::Continuation => "continuation: goes on with the message begun before",
            Opcode::Text => "text: the payload is UTF-8",
            Opcode::Binary => "binary: the payload is any bytes",
            Opcode::Close => "close: the closing handshake",
            Opcode::Ping => "ping: asks for a pong with the same payload",
            Opcode::Pong => "pong: answers a ping, or is a heartbeat",
            Opcode::Reserved(bits) if bits < 8 => "reserved for data frames to come",
            Opcode::Reserved(_) => "reserved for control frames to come",
        }
    }

    /// The same without the name in front.
    pub fn about(self) -> &'static str {
        let meaning = self.meaning();
        meaning.split_once(": ").map_or(meaning, |(_, about)| about)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
