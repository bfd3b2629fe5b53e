//! An event in a line: what it is, how large, how it begins. Page, diagrams, reports and the
//! terminal view say the same words, each in its own dress.

use super::escape::{self, beginning};
use super::timeline::{instead_of_frames, percentage, size};
use crate::http::Head;
use crate::recording::{Answer, FrameFacts, Item, What};
use crate::websocket::handshake::{Handshake, Outcome};
use crate::websocket::{Gap, Opcode, Part, close};

/// So many bytes of text are shown.
const PREVIEW: usize = 60;

/// So many bytes are shown in hexadecimal.
const BYTES: usize = 8;

/// A part of the line. Its text is printable: what was captured went through [`escape`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is, which decides its dress.
    pub kind: Kind,
    /// What it says.
    pub text: String,
}

/// What a part of the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the event is.
    Name,
    /// A close code.
    Code,
    /// How large it is.
    Size,
    /// Captured text, to be quoted.
    Quote,
    /// What a request asks for.
    Target,
    /// Captured bytes in hexadecimal.
    Hex,
    /// Words.
    Plain,
    /// Words of less weight.
    Faint,
}

/// The line.
pub fn of(item: &Item) -> Vec<Piece> {
    let mut line = Caption::default();
    line.of(&item.what);
    line.pieces
}

/// The line as plain text.
pub fn text(item: &Item) -> String {
    let mut line = String::new();
    let mut before = None;
    for Piece { kind, text } in of(item) {
        line.push_str(match (before, kind) {
            (None, _) => "",
            (Some(Kind::Name), Kind::Faint) => ": ",
            _ => " ",
        });
        match kind {
            Kind::Quote => line.extend(["\"", &text, "\""]),
            _ => line.push_str(&text),
        }
        before = Some(kind);
    }
    line
}

/// What came of a handshake.
pub(super) fn verdict(handshake: &Handshake, is_broken: bool) -> &'static str {
    match handshake.outcome() {
        Outcome::Upgraded if is_broken => "handshake broken",
        Outcome::Upgraded => "handshake valid",
        Outcome::Refused => "no upgrade",
        Outcome::Incomplete if handshake.answer_lost => "answer not captured",
        Outcome::Incomplete if handshake.response.is_some() => "handshake not whole",
        Outcome::Incomplete => "never answered",
    }
}

#[derive(Default)]
struct Caption {
    pieces: Vec<Piece>,
}

impl Caption {
    fn add(&mut self, kind: Kind, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() || kind == Kind::Quote {
            self.pieces.push(Piece { kind, text });
        }
    }

    fn of(&mut self, what: &What) {
        match what {
            What::Exchange(exchange) => self.exchange(exchange),
            What::Request(head) => self.request(head),
            What::Response(answer) => self.response(answer),
            What::Recognised(confidence) => {
                self.add(Kind::Plain, "no handshake was seen; these are frames");
                self.add(Kind::Faint, format!("({} sure)", percentage(*confidence)));
            }
            What::Frame(frame) => self.frame(frame),
            What::NotFrames { kind, bytes, .. } => {
                self.add(Kind::Plain, instead_of_frames(*kind));
                self.add(Kind::Quote, beginning(bytes, PREVIEW));
            }
            What::Gap(gap) => self.gap(gap),
            What::Http2 => {
                self.add(Kind::Name, "HTTP/2");
                self.add(Kind::Faint, "see what was found");
            }
            What::End { why, clean, .. } => {
                self.add(Kind::Name, if *clean { "closed cleanly" } else { "ended" });
                self.add(Kind::Faint, escape::text(why.as_bytes()));
            }
        }
    }

    fn exchange(&mut self, exchange: &Handshake) {
        self.add(Kind::Plain, "an ordinary HTTP exchange:");
        if let Some(head) = &exchange.request {
            self.request(head);
        }
        if let Some(status) = exchange.status() {
            self.add(Kind::Plain, format!("→ {status}"));
        }
    }

    fn request(&mut self, head: &Head) {
        self.add(Kind::Name, beginning(head.method().unwrap_or(b"?"), 20));
        self.add(Kind::Target, beginning(head.target().unwrap_or_default(), PREVIEW));
    }

    fn response(&mut self, answer: &Answer) {
        let handshake = &answer.handshake;
        let line = handshake.response.as_ref().map(|head| head.bytes(&head.start_range()));
        let line = line.map(|line| line.strip_prefix(b"HTTP/1.1 ").unwrap_or(line));
        self.add(Kind::Name, beginning(line.unwrap_or_default(), PREVIEW));
        let is_upgraded = handshake.outcome() == Outcome::Upgraded;
        let more = if is_upgraded { "; frames from here on" } else { "" };
        self.add(Kind::Faint, format!("{}{more}", verdict(handshake, answer.is_broken)));
    }

    fn gap(&mut self, gap: &Gap) {
        let how = if gap.reason.is_closed() { "not readable" } else { "not captured" };
        let length = gap.length.map_or_else(|| "bytes".to_owned(), size);
        self.add(Kind::Name, format!("{length} {how}"));
        let after = if gap.framing_lost { "; where the next frame begins is lost" } else { "" };
        self.add(Kind::Faint, format!("{}{after}", gap.reason.name()));
    }

    fn frame(&mut self, frame: &FrameFacts) {
        let name = match frame.opcode() {
            Some(Opcode::Reserved(bits)) => format!("opcode 0x{bits:X}"),
            Some(opcode) => opcode.name().to_owned(),
            None => "frame".to_owned(),
        };
        self.add(Kind::Name, name);
        self.add(Kind::Plain, fragment(frame.part));
        self.add(
            Kind::Size,
            match frame.length() {
                Some(length) if frame.says_compressed() => format!("{} deflated", size(length)),
                Some(length) => size(length),
                None => "cut short".to_owned(),
            },
        );
        match &frame.close {
            Some((code, reason)) => {
                match code {
                    Some(code) => {
                        self.add(Kind::Code, code.to_string());
                        self.add(Kind::Plain, close::lookup(*code).name);
                    }
                    None => self.add(Kind::Plain, "without a status code"),
                }
                if !reason.is_empty() {
                    self.add(Kind::Quote, beginning(reason, PREVIEW));
                }
            }
            None => self.preview(frame),
        }
        if frame.recovered.is_some() {
            self.add(Kind::Faint, "found again after a loss");
        }
        if frame.missing > 0 {
            self.add(Kind::Faint, format!("{} not captured", size(frame.missing)));
        }
    }

    /// What the payload says: text as text, other bytes in hexadecimal.
    fn preview(&mut self, frame: &FrameFacts) {
        let message = frame.message.as_ref().filter(|it| it.frames == 1 && !it.opaque);
        let own = frame.payload();
        let payload = message.map_or(&own, |message| &message.payload);
        if payload.is_empty() || message.is_none() && frame.says_compressed() {
            return;
        }
        let readable = payload.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        let is_text = message.is_some_and(|it| it.opcode == Opcode::Text)
            || frame.opcode() == Some(Opcode::Text)
            || readable;
        // Less may have been kept than is shown.
        let is_cut = message.is_some_and(|it| it.complete && (it.payload.len() as u64) < it.length);
        if is_text {
            let shown = beginning(payload, PREVIEW);
            let more = if is_cut && !shown.ends_with('…') { "…" } else { "" };
            return self.add(Kind::Quote, shown + more);
        }
        let more = if is_cut || payload.len() > BYTES { " …" } else { "" };
        let shown = escape::hex(&payload[..payload.len().min(BYTES)]);
        self.add(Kind::Hex, format!("{shown}{more}"));
    }
}

const fn fragment(part: Part) -> &'static str {
    match part {
        Part::First => "first fragment",
        Part::Middle => "fragment",
        Part::Last => "last fragment",
        _ => "",
    }
}
