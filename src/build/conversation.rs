//! A conversation as a list of acts: who does what, when. Scripts and faults work on it; a
//! capture, a transcript or the frames of one endpoint come out of it.

use super::head::refusal;
use super::{Frame, Head, Numbers, Upgrade};
use crate::said::{Endpoint, Time};
use crate::websocket::Opcode;
use crate::websocket::accept::accept;
use crate::websocket::extension::HEADER;
use std::net::SocketAddr;

/// Nanoseconds in a millisecond.
pub const MILLISECOND: i64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: i64 = 1000 * MILLISECOND;

/// Between two acts, where nothing else is said.
const PAUSE: i64 = 20 * MILLISECOND;

/// What an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Sends a head of the handshake.
    Head(Head),
    /// Sends a frame.
    Frame(Frame),
    /// Sends bytes that are neither.
    Bytes(Vec<u8>),
    /// Says how many bytes it can take.
    Window(u16),
    /// Says that it will send nothing more.
    Fin,
    /// Ends the connection at once.
    Reset,
}

/// What becomes of an act's packets on their way into the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// They are captured in order.
    #[default]
    Captured,
    /// They are not captured, though they arrive.
    Lost,
    /// They are captured behind the next act of the same endpoint.
    Late,
    /// They are captured twice, as if the answer had got lost.
    Twice,
}

/// One thing that an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When, in nanoseconds from the start.
    pub at: i64,
    /// Who.
    pub from: Endpoint,
    /// What.
    pub what: What,
    /// How it gets into the capture.
    pub fate: Fate,
}

impl Act {
    /// The bytes that are sent; none for the end of TCP.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.what {
            What::Head(head) => head.bytes(),
            What::Frame(frame) => frame.bytes(),
            What::Bytes(bytes) => bytes.clone(),
            What::Window(_) | What::Fin | What::Reset => Vec::new(),
        }
    }

    /// The frame that is sent, if it is one.
    pub fn frame(&self) -> Option<&Frame> {
        match &self.what {
            What::Frame(frame) => Some(frame),
            _ => None,
        }
    }
}

/// A conversation on one connection.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
    /// When TCP is opened.
    pub start: Time,
    /// Nanoseconds until the other end has heard what is said.
    pub latency: i64,
    /// The most payload that a packet carries, in bytes.
    pub segment: usize,
    /// How much of a packet the capture keeps, in bytes.
    pub snap: Option<usize>,
    /// How many packets at the beginning were not captured.
    pub missed: usize,
    /// From which packet on the capture's clock is set back, and by how many nanoseconds.
    pub set_back: Option<(usize, i64)>,
    /// Whose frames are asked for, and who breaks what either endpoint may break.
    pub speaker: Endpoint,
    /// True if only the speaker's own frames are wanted: nobody answers, and nothing ends.
    pub alone: bool,
    /// What happens, in order of time. The first request and response are the handshake.
    pub acts: Vec<Act>,
    /// Where keys come from.
    pub numbers: Numbers,
    /// Other connections in the same capture.
    pub others: Vec<Conversation>,
}

impl Conversation {
    /// A conversation that has just been opened: the request and its answer. Its addresses are
    /// private ones, and it takes place at nine o'clock on 1 January 2026.
    pub fn open(upgrade: &Upgrade, mut numbers: Numbers) -> Conversation {
        let [request, response] = upgrade.heads(&mut numbers);
        let mut conversation = Conversation {
            client: ([10, 0, 0, 2], 49152).into(),
            server: ([10, 0, 0, 1], 80).into(),
            start: Time::new(1_767_258_000 * SECOND),
            latency: MILLISECOND / 2,
            segment: 1460,
            snap: None,
            missed: 0,
            set_back: None,
            speaker: Endpoint::Client,
            alone: false,
            acts: Vec::new(),
            numbers,
            others: Vec::new(),
        };
        conversation.push(Endpoint::Client, What::Head(request), 2 * MILLISECOND);
        conversation.push(Endpoint::Server, What::Head(response), 2 * MILLISECOND);
        conversation
    }

    /// A short chat in which nothing is wrong: a text each, a Ping and its Pong, the closing
    /// handshake.
    pub fn chat(upgrade: &Upgrade, numbers: Numbers) -> Conversation {
        let mut chat = Conversation::open(upgrade, numbers);
        for (from, opcode, payload) in [
            (Endpoint::Client, Opcode::Text, &b"Hello"[..]),
            (Endpoint::Server, Opcode::Text, b"Hello, too"),
            (Endpoint::Server, Opcode::Ping, b"1"),
            (Endpoint::Client, Opcode::Pong, b"1"),
        ] {
            let frame = chat.frame(from, opcode, payload);
            chat.push(from, What::Frame(frame), PAUSE);
        }
        chat.close(Endpoint::Client, 1000);
        chat
    }

    /// The same once more on another connection, begun so many nanoseconds later, from another
    /// port and with keys of its own.
    pub fn again(&mut self, after: i64) -> Conversation {
        let mut again = self.clone();
        again.others.clear();
        again.client.set_port(self.client.port() + 1 + self.others.len() as u16);
        again.start = Time::new(again.start.nanoseconds() + after);
        let key = self.numbers.websocket_key();
        again.request().set("Sec-WebSocket-Key", &key);
        again.response().set("Sec-WebSocket-Accept", &accept(key.as_bytes()));
        for act in &mut again.acts {
            if let What::Frame(frame) = &mut act.what
                && frame.header.masked()
            {
                *frame = frame.clone().with_key(Some(self.numbers.masking_key()));
            }
        }
        again
    }

    /// A frame as that endpoint has to send it: masked with a new key by a client (§5.1).
    pub fn frame(&mut self, from: Endpoint, opcode: Opcode, payload: &[u8]) -> Frame {
        let key = (from == Endpoint::Client).then(|| self.numbers.masking_key());
        Frame::new(opcode, payload, key)
    }

    /// Adds an act so many nanoseconds behind the last one.
    pub fn push(&mut self, from: Endpoint, what: What, after: i64) {
        self.insert(self.acts.len(), from, what, after);
    }

    /// Inserts an act so many nanoseconds behind the one before it; all later ones wait.
    pub fn insert(&mut self, index: usize, from: Endpoint, what: What, after: i64) {
        let before = index.checked_sub(1).and_then(|before| self.acts.get(before));
        let at = before.map_or(0, |act| act.at) + after;
        self.delay(index, after);
        self.acts.insert(index, Act { at, from, what, fate: Fate::Captured });
    }

    /// Lets the act of that index and all later ones wait.
    pub fn delay(&mut self, index: usize, by: i64) {
        self.acts.iter_mut().skip(index).for_each(|act| act.at += by);
    }

    /// The closing handshake, begun by that endpoint, and the end of TCP: the server's first
    /// (§7.1.1). Where only one endpoint is asked for, nothing.
    pub fn close(&mut self, from: Endpoint, code: u16) {
        if self.alone {
            return;
        }
        for (endpoint, after) in [(from, PAUSE), (from.peer(), 2 * MILLISECOND)] {
            let frame = self.frame(endpoint, Opcode::Close, &code.to_be_bytes());
            self.push(endpoint, What::Frame(frame), after);
        }
        self.end_tcp(Endpoint::Server);
    }

    /// The end of TCP, by that endpoint first.
    pub fn end_tcp(&mut self, first: Endpoint) {
        if !self.alone {
            self.push(first, What::Fin, 2 * MILLISECOND);
            self.push(first.peer(), What::Fin, 2 * MILLISECOND);
        }
    }

    /// Drops everything from that act on.
    pub fn cut(&mut self, index: usize) {
        self.acts.truncate(index);
    }

    /// The receiver fails the connection for that act (§7.1.7): it closes with that code, and
    /// nothing else happens behind the act.
    pub fn fail(&mut self, index: usize, code: u16) {
        let from = self.acts[index].from;
        self.cut(index + 1);
        self.close(from.peer(), code);
    }

    /// The index of an endpoint's first head.
    fn head_index(&self, from: Endpoint) -> usize {
        let is_head = |act: &Act| act.from == from && matches!(act.what, What::Head(_));
        self.acts.iter().position(is_head).expect("each conversation is opened with two heads")
    }

    fn head(&mut self, from: Endpoint) -> &mut Head {
        let index = self.head_index(from);
        match &mut self.acts[index].what {
            What::Head(head) => head,
            _ => unreachable!("the index is a head's"),
        }
    }

    /// The request.
    pub fn request(&mut self) -> &mut Head {
        self.head(Endpoint::Client)
    }

    /// The response.
    pub fn response(&mut self) -> &mut Head {
        self.head(Endpoint::Server)
    }

    /// The index of the first act behind the handshake.
    pub fn opened(&self) -> usize {
        self.head_index(Endpoint::Server).max(self.head_index(Endpoint::Client)) + 1
    }

    /// The server answers with a refusal instead, and ends TCP.
    pub fn refuse(&mut self, status: u16) {
        *self.response() = refusal(status);
        self.hang_up(Endpoint::Server);
    }

    /// Nothing follows the handshake but the end of TCP, by that endpoint first.
    pub fn hang_up(&mut self, first: Endpoint) {
        self.cut(self.opened());
        self.end_tcp(first);
    }

    /// The client offers and the server accepts these extensions.
    pub fn agree(&mut self, extensions: &str) {
        self.request().set(HEADER, extensions);
        self.response().set(HEADER, extensions);
    }

    /// Another exchange comes before the handshake.
    pub fn precede(&mut self, request: Head, response: Head) {
        let pause = 2 * MILLISECOND;
        self.delay(0, 2 * pause);
        let turns = [(Endpoint::Client, request), (Endpoint::Server, response)];
        let acts = turns.into_iter().enumerate().map(|(index, (from, head))| Act {
            at: pause * (1 + index as i64),
            from,
            what: What::Bytes(head.bytes()),
            fate: Fate::Captured,
        });
        self.acts.splice(0..0, acts);
    }

    /// The extensions that the server accepts, as they stand in its answer.
    pub fn agreed(&self) -> Option<&str> {
        self.acts.iter().find_map(|act| match &act.what {
            What::Head(head) if act.from == Endpoint::Server => head.value(HEADER),
            _ => None,
        })
    }

    /// Where more can be said: before the first Close or end of TCP.
    pub fn before_close(&self) -> usize {
        let is_end = |act: &Act| match &act.what {
            What::Frame(frame) => frame.header.opcode() == Opcode::Close,
            What::Fin | What::Reset => true,
            _ => false,
        };
        let opened = self.opened();
        let end = self.acts.iter().skip(opened).position(is_end);
        end.map_or(self.acts.len(), |end| opened + end)
    }

    /// The speaker sends one more frame before the connection is closed; the act's index.
    pub fn add(&mut self, frame: Frame) -> usize {
        self.add_after(frame, PAUSE)
    }

    /// The same, so many nanoseconds after what was said before.
    pub fn add_after(&mut self, frame: Frame, after: i64) -> usize {
        let index = self.before_close();
        self.insert(index, self.speaker, What::Frame(frame), after);
        index
    }

    /// The speaker's frame with that payload, correct so far.
    pub fn spoken(&mut self, opcode: Opcode, payload: &[u8]) -> Frame {
        self.frame(self.speaker, opcode, payload)
    }

    /// Changes the first frame of the speaker that fits; one is added if there is none. Returns
    /// the act's index.
    pub fn change(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        change: impl FnOnce(Frame) -> Frame,
    ) -> usize {
        let speaker = self.speaker;
        let fits = |act: &Act| {
            act.from == speaker
                && act.frame().is_some_and(|frame| {
                    frame.header.opcode() == opcode && frame.header.fin() && !frame.header.rsv1()
                })
        };
        let found = self.acts.iter().position(fits);
        let index = found.unwrap_or_else(|| {
            let frame = self.spoken(opcode, payload);
            self.add(frame)
        });
        if let What::Frame(frame) = &mut self.acts[index].what {
            *frame = change(frame.clone());
        }
        index
    }

    /// What one endpoint sends behind the handshake.
    pub fn frames_of(&self, from: Endpoint) -> Vec<u8> {
        let acts = self.acts.iter().skip(self.opened()).filter(|act| act.from == from);
        acts.flat_map(Act::bytes).collect()
    }
}
