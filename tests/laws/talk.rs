//! Conversations, made up: an opening, then turns in which one endpoint does this and that. Valid
//! ones follow RFC 6455 and RFC 7692; odd ones do what a peer must not.

use crate::dice::Dice;
use proptest::prelude::*;
use ws101::build::{Deflater, Frame, LengthForm};
use ws101::said::Endpoint;
use ws101::websocket::Opcode;
use ws101::websocket::accept::accept;

/// A conversation.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub(crate) opening: Opening,
    pub(crate) turns: Vec<(bool, Vec<Act>)>,
}

/// How it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Opening {
    Plain,
    /// permessage-deflate; whether client and server keep their context.
    Deflate([bool; 2]),
    /// An ordinary exchange with a body, then a handshake.
    AfterExchange,
    Refused,
    /// The server's answer is no HTTP.
    Unanswered,
}

/// What an endpoint does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Message {
        text: bool,
        content: Content,
        compress: bool,
        fragments: usize,
        ping: bool,
    },
    Control {
        opcode: u8,
        payload: Vec<u8>,
    },
    Close(Option<(u16, String)>),
    /// A frame with any first byte, its length in any form.
    Odd {
        first: u8,
        masked: bool,
        form: u8,
        payload: Vec<u8>,
    },
    Garbage(Vec<u8>),
    Http,
}

/// What a message holds: made from a few numbers, so that it shrinks well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    kind: Kind,
    length: usize,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    Cyrillic,
    Japanese,
    Random,
    Zeros,
}

impl Content {
    fn bytes(self, text: bool) -> Vec<u8> {
        let mut dice = Dice(self.seed);
        let words: &[&str] = match self.kind {
            Kind::Json | Kind::Random if text => {
                &["{\"type\":\"message\",", "\"n\":1,", "\"ok\":true}", "Hello ", "a", "42"]
            }
            Kind::Json => &["{\"type\":\"message\",", "\"n\":1,", "\"ok\":true}", "\n"],
            Kind::Cyrillic => &["Ёлка ", "Съешь ", "ещё ", "этих ", "мягких ", "Рё"],
            Kind::Japanese => &["ばら", "日本語", "テキスト", "、", "ёあいう", "⁉"],
            Kind::Random => &[],
            Kind::Zeros => &["\0\0\0\0\0\0\0\0"],
        };
        if words.is_empty() {
            return (0..self.length).map(|_| dice.roll() as u8).collect();
        }
        let mut all = String::new();
        while all.len() < self.length {
            all.push_str(words[dice.roll() as usize % words.len()]);
        }
        // A text may get a little longer, so that it ends with a whole character.
        let length =
            if all.is_char_boundary(self.length) || !text { self.length } else { all.len() };
        all.into_bytes()[..length].to_vec()
    }
}

/// One endpoint, writing.
struct Scribe {
    from: Endpoint,
    deflater: Option<Deflater>,
    dice: Dice,
    out: Vec<u8>,
}

impl Scribe {
    fn frame(&mut self, first: u8, masked: bool, form: u8, payload: &[u8]) {
        let bits = self.dice.roll();
        let key = masked.then(|| (bits ^ bits << 16).to_be_bytes());
        let mut frame = Frame::new(Opcode::from_bits(first), payload, key);
        frame.header.first = first;
        let form = match form {
            1 => Some(LengthForm::Sixteen),
            2 => Some(LengthForm::SixtyFour),
            _ => None,
        };
        if let Some(form) = form.filter(|form| form.holds(payload.len() as u64)) {
            frame = frame.with_form(form);
        }
        self.out.extend(frame.bytes());
    }

    fn legal(&mut self, first: u8, payload: &[u8]) {
        self.frame(first, self.from == Endpoint::Client, 0, payload);
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Message { text, content, compress, fragments, ping } => {
                let mut payload = content.bytes(*text);
                let mut first = if *text { 1 } else { 2 };
                if *compress && let Some(deflater) = &mut self.deflater {
                    payload = deflater.deflate(&payload);
                    first |= 0x40;
                }
                let size = payload.len().div_ceil(*fragments.max(&1)).max(1);
                let mut pieces: Vec<&[u8]> = payload.chunks(size).collect();
                if pieces.is_empty() {
                    pieces.push(&[]);
                }
                for (index, piece) in pieces.iter().enumerate() {
                    if index > 0 && *ping {
                        self.legal(0x89, &[index as u8]);
                    }
                    let fin = if index + 1 == pieces.len() { 0x80 } else { 0 };
                    self.legal(fin | if index == 0 { first } else { 0 }, piece);
                }
            }
            Act::Control { opcode, payload } => self.legal(0x80 | opcode, payload),
            Act::Close(None) => self.legal(0x88, &[]),
            Act::Close(Some((code, reason))) => {
                self.legal(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat());
            }
            Act::Odd { first, masked, form, payload } => {
                self.frame(*first, *masked, *form, payload);
            }
            Act::Garbage(bytes) => self.out.extend_from_slice(bytes),
            Act::Http => self.out.extend_from_slice(match self.from {
                Endpoint::Client => b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n",
                Endpoint::Server => b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno",
            }),
        }
    }
}

pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

impl Talk {
    /// Turn by turn, what is said; the first ones are the opening.
    pub(crate) fn said(&self) -> Vec<(Endpoint, Vec<u8>)> {
        let mut said = self.opening_said();
        let (deflates, keeps) = match self.opening {
            Opening::Deflate(keeps) => (true, keeps),
            _ => (false, [true; 2]),
        };
        let mut scribes = [Endpoint::Client, Endpoint::Server].map(|from| Scribe {
            from,
            deflater: deflates.then(|| Deflater::new(15, keeps[from.index()])),
            dice: Dice(from.index() as u64 + 7),
            out: Vec::new(),
        });
        for (client, acts) in &self.turns {
            let scribe = &mut scribes[usize::from(!client)];
            for act in acts {
                scribe.act(act);
            }
            said.push((scribe.from, std::mem::take(&mut scribe.out)));
        }
        said
    }

    fn opening_said(&self) -> Vec<(Endpoint, Vec<u8>)> {
        let offer = match self.opening {
            Opening::Deflate(_) => {
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            }
            _ => "",
        };
        let accepted = match self.opening {
            Opening::Deflate([client, server]) => {
                let mut line = String::from("Sec-WebSocket-Extensions: permessage-deflate");
                if !client {
                    line.push_str("; client_no_context_takeover");
                }
                if !server {
                    line.push_str("; server_no_context_takeover");
                }
                line + "\r\n"
            }
            _ => String::new(),
        };
        let request = format!(
            "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
        );
        let response = match self.opening {
            Opening::Refused => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".into(),
            Opening::Unanswered => String::new(),
            _ => format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\n{accepted}\r\n",
                accept(KEY.as_bytes())
            ),
        };
        let mut said = Vec::new();
        if self.opening == Opening::AfterExchange {
            said.push((Endpoint::Client, b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec()));
            let page =
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
            said.push((Endpoint::Server, page.to_vec()));
        }
        said.push((Endpoint::Client, request.into_bytes()));
        if !response.is_empty() {
            said.push((Endpoint::Server, response.into_bytes()));
        }
        said
    }

    /// How many turns belong to the opening.
    pub(crate) fn opening_turns(&self) -> usize {
        self.opening_said().len()
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Json),
        2 => Just(Kind::Random),
        1 => Just(Kind::Cyrillic),
        1 => Just(Kind::Japanese),
        1 => Just(Kind::Zeros),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let length = prop_oneof![
        12 => 0usize..150,
        4 => 126usize..3000,
        1 => 3000usize..70_000,
    ];
    (kind(), length, 0u64..1000).prop_map(|(kind, length, seed)| Content { kind, length, seed })
}

fn message() -> impl Strategy<Value = Act> {
    let fragments = prop_oneof![4 => Just(1usize), 1 => 2usize..5];
    (any::<bool>(), content(), any::<bool>(), fragments, any::<bool>()).prop_map(
        |(text, content, compress, fragments, ping)| Act::Message {
            text,
            content,
            compress,
            fragments,
            ping,
        },
    )
}

fn control() -> impl Strategy<Value = Act> {
    (9u8..=10, prop::collection::vec(any::<u8>(), 0..20))
        .prop_map(|(opcode, payload)| Act::Control { opcode, payload })
}

fn close() -> impl Strategy<Value = Act> {
    prop::option::of((1000u16..=1003, "[a-z ]{0,20}")).prop_map(Act::Close)
}

fn odd() -> impl Strategy<Value = Act> {
    let frame = (any::<u8>(), any::<bool>(), 0u8..3, prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(first, masked, form, payload)| Act::Odd { first, masked, form, payload });
    // Compressed nonsense, fragments that interrupt and orphans, oversized control frames.
    let pointed = (
        prop::sample::select(vec![
            0xc1u8, 0xc2, 0x41, 0x01, 0x02, 0x00, 0x80, 0x81, 0x89, 0x88, 0x48,
        ]),
        any::<bool>(),
        0u8..3,
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..30),
            prop::collection::vec(0u8..4, 0..5000),
            Just(vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            Just(vec![0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            Just(vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff]),
        ],
    )
        .prop_map(|(first, masked, form, payload)| Act::Odd { first, masked, form, payload });
    let garbage = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..60),
        prop::sample::select(vec![
            b"HTTX\x00".to_vec(),
            b"HTT".to_vec(),
            b"<".to_vec(),
            b"<html>".to_vec(),
            b"\r\n\r\n".to_vec(),
            b"HTTP".to_vec(),
        ]),
    ]
    .prop_map(Act::Garbage);
    prop_oneof![4 => pointed, 2 => frame, 1 => garbage, 1 => Just(Act::Http), 1 => close()]
}

fn upgrade() -> impl Strategy<Value = Opening> {
    prop_oneof![
        2 => Just(Opening::Plain),
        3 => any::<[bool; 2]>().prop_map(Opening::Deflate),
        1 => Just(Opening::AfterExchange),
    ]
}

/// A conversation in which nobody breaks a rule.
pub(crate) fn valid(turns: usize) -> impl Strategy<Value = Talk> {
    let acts = prop::collection::vec(prop_oneof![5 => message(), 1 => control()], 1..6);
    let turns = prop::collection::vec((any::<bool>(), acts), 1..turns);
    (upgrade(), turns, prop::option::of((any::<bool>(), close()))).prop_map(
        |(opening, mut turns, close)| {
            if let Some((client, close)) = close {
                turns.push((client, vec![close.clone()]));
                turns.push((!client, vec![close]));
            }
            Talk { opening, turns }
        },
    )
}

/// A conversation in which anything happens.
pub(crate) fn anything() -> impl Strategy<Value = Talk> {
    let act = prop_oneof![4 => message(), 1 => control(), 4 => odd()];
    let turns = prop::collection::vec((any::<bool>(), prop::collection::vec(act, 0..6)), 0..8);
    let opening =
        prop_oneof![6 => upgrade(), 1 => Just(Opening::Refused), 1 => Just(Opening::Unanswered)];
    (opening, turns).prop_map(|(opening, turns)| Talk { opening, turns })
}
