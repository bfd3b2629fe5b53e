//! A capture made in memory, the same one each time: chats over WebSocket, their connections taking
//! turns packet by packet. Checksums are left out, because they are not looked at.

use ws101::build::Frame;
use ws101::websocket::Opcode;

/// The client's masking key in each frame is this, turned by the frame's number.
const KEY: u32 = 0x9e37_79b9;

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A pcap of so many connections, each with so many messages; the packets in it.
pub fn chat(connections: u32, messages: u32) -> (Vec<u8>, u64) {
    conversations(connections, messages, true, |numbers| (0x81, text(numbers).into_bytes()))
}

/// The same with two messages each, and nobody closes: all are open when the capture ends.
#[allow(dead_code)] // no bench measures memory
pub fn idle(connections: u32) -> (Vec<u8>, u64) {
    conversations(connections, 2, false, |numbers| (0x81, text(numbers).into_bytes()))
}

/// The same with binary messages of so many bytes, in as many segments as that takes.
pub fn bulk(connections: u32, messages: u32, length: usize) -> (Vec<u8>, u64) {
    conversations(connections, messages, true, |numbers| {
        (0x82, (0..length).map(|_| numbers.below(256) as u8).collect())
    })
}

/// Conversations of messages: the first byte of the frame of each, and its payload.
fn conversations(
    connections: u32,
    messages: u32,
    is_closed: bool,
    mut message: impl FnMut(&mut Numbers) -> (u8, Vec<u8>),
) -> (Vec<u8>, u64) {
    let mut capture = Capture { bytes: Vec::new(), packets: 0 };
    capture.bytes.extend_from_slice(&0xa1b2_c3d4u32.to_le_bytes());
    capture.bytes.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let mut chats: Vec<Chat> = (0..connections).map(Chat::new).collect();
    for chat in &mut chats {
        chat.open(&mut capture);
    }
    let mut numbers = Numbers(7);
    for number in 0..messages {
        for chat in &mut chats {
            let (first, payload) = message(&mut numbers);
            let from_client = numbers.below(5) < 2;
            let frame = frame(first, &payload, from_client, number);
            chat.send(&mut capture, from_client, &frame);
        }
    }
    for chat in chats.iter_mut().filter(|_| is_closed) {
        chat.send(&mut capture, true, &frame(0x88, &[0x03, 0xe8], true, messages));
        chat.send(&mut capture, false, &frame(0x88, &[0x03, 0xe8], false, messages));
    }
    (capture.bytes, capture.packets)
}

/// A message such as chats send: 60 to 200 bytes of JSON, now and then something beyond ASCII.
fn text(numbers: &mut Numbers) -> String {
    let words = ["ticket", "price", "buy", "later", "tomorrow", "naïve", "ready", "🌍"];
    let mut said = String::new();
    for _ in 0..1 + numbers.below(20) {
        let rare = numbers.below(10) == 0;
        let word = numbers.below(if rare { 8 } else { 5 });
        said.push_str(words[word as usize]);
        said.push(' ');
    }
    let (id, user) = (numbers.below(100_000), numbers.below(1_000));
    format!(
        "{{\"t\":\"msg\",\"id\":{id},\"room\":\"r16\",\"u\":\"user{user}\",\"text\":\"{said}\"}}"
    )
}

/// One frame; masked if it is the client's.
pub fn frame(first: u8, payload: &[u8], masked: bool, number: u32) -> Vec<u8> {
    let key = masked.then(|| KEY.wrapping_mul(number.wrapping_mul(2) | 1).to_be_bytes());
    let mut frame = Frame::new(Opcode::from_bits(first), payload, key);
    frame.header.first = first;
    frame.bytes()
}

struct Capture {
    bytes: Vec<u8>,
    packets: u64,
}

/// One connection and how far each end has come: the client's first.
struct Chat {
    port: u16,
    address: u8,
    sequence: [u32; 2],
}

/// Bytes of payload in a packet at most.
const MAX_SEGMENT: usize = 1460;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

impl Chat {
    fn new(number: u32) -> Chat {
        let (port, address) = (10_000 + (number % 50_000) as u16, (number / 50_000) as u8);
        Chat { port, address, sequence: [1_000, 2_000] }
    }

    fn open(&mut self, capture: &mut Capture) {
        self.packet(capture, true, SYN, &[]);
        self.packet(capture, false, SYN | ACK, &[]);
        self.send(
            capture,
            true,
            b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Version: 13\r\n\r\n",
        );
        self.send(
            capture,
            false,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        );
    }

    fn send(&mut self, capture: &mut Capture, from_client: bool, bytes: &[u8]) {
        for segment in bytes.chunks(MAX_SEGMENT) {
            self.packet(capture, from_client, ACK, segment);
        }
    }

    fn packet(&mut self, capture: &mut Capture, from_client: bool, flags: u8, payload: &[u8]) {
        let [own, peer] = if from_client { [0, 1] } else { [1, 0] };
        let addresses = [[10, 0, self.address, 1], [10, 1, 0, 1]];
        let ports = [self.port, 80];
        let mut packet = vec![0; 12];
        packet.extend_from_slice(&[0x08, 0x00]);
        let total = (40 + payload.len()) as u16;
        packet.extend_from_slice(&[0x45, 0]);
        packet.extend_from_slice(&total.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend_from_slice(&addresses[own]);
        packet.extend_from_slice(&addresses[peer]);
        packet.extend_from_slice(&ports[own].to_be_bytes());
        packet.extend_from_slice(&ports[peer].to_be_bytes());
        packet.extend_from_slice(&self.sequence[own].to_be_bytes());
        packet.extend_from_slice(&self.sequence[peer].to_be_bytes());
        packet.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(payload);
        self.sequence[own] += payload.len() as u32 + u32::from(flags & SYN != 0);
        capture.push(&packet);
    }
}

impl Capture {
    fn push(&mut self, packet: &[u8]) {
        self.packets += 1;
        let microseconds = self.packets * 40;
        let second = 1_700_000_000 + (microseconds / 1_000_000) as u32;
        let length = packet.len() as u32;
        for word in [second, (microseconds % 1_000_000) as u32, length, length] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.extend_from_slice(packet);
    }
}
