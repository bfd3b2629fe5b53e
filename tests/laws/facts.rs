//! What happened, written down: events without their borrowed parts, and what the rules found.

use ws101::http::Head;
use ws101::layout::Span;
use ws101::rules::{Judge, Judged, Severity};
use ws101::said::{At, Endpoint, GapReason, Interest, Said, TransportEnd};
use ws101::websocket::deflate::{Ending, InflateFault};
use ws101::websocket::frame::FrameHeader;
use ws101::websocket::utf8::Utf8Fault;
use ws101::websocket::{
    Conversation, Desk, End, Event, Limits, NotFramesKind, Opcode, Part, Recovered,
};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    Exchange(Heads),
    Request(Words),
    Recognised(Endpoint, bool),
    Resumed(Endpoint, u64),
    Handshake(Heads),
    Frame(Frame),
    Message(Message),
    Close(Close),
    CutHeader { from: Endpoint, offset: u64, bytes: Vec<u8>, needed: u64 },
    NotFrames { from: Endpoint, offset: u64, kind: NotFramesKind },
    Gap { from: Endpoint, offset: u64, length: Option<u64>, reason: GapReason, framing_lost: bool },
    End(Box<Ended>),
    Finding(Finding),
}

/// A head as it stood on the wire, and where.
pub(crate) type Words = (u64, Vec<u8>, bool);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heads {
    pub(crate) request: Option<Words>,
    pub(crate) response: Option<Words>,
    pub(crate) interim: Vec<u16>,
    pub(crate) early: Option<(u64, u64)>,
    pub(crate) earlier: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) from: Endpoint,
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
    pub(crate) part: Part,
    pub(crate) message: Option<u64>,
    pub(crate) recovered: Option<Recovered>,
    pub(crate) complete: bool,
    pub(crate) missing: u64,
    /// None unless the limits say that frames are kept: it hangs on the chunks.
    pub(crate) payload: Option<Vec<u8>>,
}

impl Frame {
    pub(crate) fn end(&self) -> u64 {
        let length = self.header.header_length().saturating_add(self.header.payload_length);
        self.offset.saturating_add(length)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) from: Endpoint,
    pub(crate) number: u64,
    pub(crate) opcode: Opcode,
    pub(crate) frames: Vec<u64>,
    pub(crate) offset: u64,
    pub(crate) compressed: bool,
    pub(crate) wire_length: u64,
    pub(crate) length: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) truncated: bool,
    pub(crate) complete: bool,
    pub(crate) trusted: bool,
    pub(crate) utf8_fault: Option<Utf8Fault>,
    pub(crate) split_character: bool,
    pub(crate) inflate_fault: Option<InflateFault>,
    pub(crate) inflate_ending: Ending,
    pub(crate) wire_start: [u8; 2],
    pub(crate) opaque: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Close {
    pub(crate) from: Endpoint,
    pub(crate) frame: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) code: Option<u16>,
    pub(crate) reason: Vec<u8>,
    pub(crate) first: bool,
}

/// An [`End`] without its times.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended(pub(crate) End);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) span: Option<Span>,
    pub(crate) frame: Option<u64>,
    pub(crate) message: Option<u64>,
    pub(crate) detail: String,
}

impl Fact {
    /// Whose fact it is; nobody's if it concerns both.
    pub(crate) fn from(&self) -> Option<Endpoint> {
        match self {
            Fact::Exchange(_) | Fact::Handshake(_) | Fact::End(_) => None,
            Fact::Request(_) => Some(Endpoint::Client),
            Fact::Recognised(from, _) | Fact::Resumed(from, _) => Some(*from),
            Fact::Frame(frame) => Some(frame.from),
            Fact::Message(message) => Some(message.from),
            Fact::Close(close) => Some(close.from),
            Fact::CutHeader { from, .. } | Fact::NotFrames { from, .. } => Some(*from),
            Fact::Gap { from, .. } => Some(*from),
            Fact::Finding(finding) => finding.endpoint,
        }
    }

    pub(crate) fn frame(&self) -> Option<&Frame> {
        if let Fact::Frame(frame) = self { Some(frame) } else { None }
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        if let Fact::Message(message) = self { Some(message) } else { None }
    }

    pub(crate) fn close(&self) -> Option<&Close> {
        if let Fact::Close(close) = self { Some(close) } else { None }
    }

    pub(crate) fn finding(&self) -> Option<&Finding> {
        if let Fact::Finding(finding) = self { Some(finding) } else { None }
    }

    pub(crate) fn ended(&self) -> Option<&End> {
        if let Fact::End(ended) = self { Some(&ended.0) } else { None }
    }
}

fn words(head: &Head) -> Words {
    (head.offset + head.range.start as u64, head.text().to_vec(), head.complete)
}

fn fact(event: &Event<'_>, keep_frames: bool) -> Fact {
    match event {
        Event::Exchange(heads) | Event::Handshake(heads) => {
            let written = Heads {
                request: heads.request.as_deref().map(words),
                response: heads.response.as_deref().map(words),
                interim: heads.interim.clone(),
                early: heads.early.map(|early| (early.offset, early.length)),
                earlier: heads.earlier_exchanges,
            };
            match event {
                Event::Exchange(_) => Fact::Exchange(written),
                _ => Fact::Handshake(written),
            }
        }
        Event::Request(head) => Fact::Request(words(head)),
        Event::Resumed(resumed) => Fact::Resumed(resumed.from, resumed.offset),
        Event::Http2(_) => unreachable!("nothing is said of HTTP/2 here"),
        Event::Recognised(recognised) => Fact::Recognised(recognised.from, recognised.swapped),
        Event::Frame(frame) => Fact::Frame(Frame {
            from: frame.from,
            number: frame.number,
            offset: frame.offset,
            header: frame.header,
            part: frame.part,
            message: frame.message,
            recovered: frame.recovered,
            complete: frame.complete,
            missing: frame.missing,
            payload: frame.payload.filter(|_| keep_frames).map(<[u8]>::to_vec),
        }),
        Event::Message(message) => Fact::Message(Message {
            from: message.from,
            number: message.number,
            opcode: message.opcode,
            frames: message.frames.to_vec(),
            offset: message.offset,
            compressed: message.compressed,
            wire_length: message.wire_length,
            length: message.length,
            payload: message.payload.to_vec(),
            truncated: message.truncated,
            complete: message.complete,
            trusted: message.trusted,
            utf8_fault: message.utf8_fault,
            split_character: message.split_character,
            inflate_fault: message.inflate_fault,
            inflate_ending: message.inflate_ending,
            wire_start: message.wire_start,
            opaque: message.opaque,
        }),
        Event::Close(close) => Fact::Close(Close {
            from: close.from,
            frame: close.frame,
            offset: close.offset,
            length: close.length,
            code: close.body.code,
            reason: close.body.reason.to_vec(),
            first: close.first,
        }),
        Event::CutHeader(cut) => Fact::CutHeader {
            from: cut.from,
            offset: cut.offset,
            bytes: cut.bytes.to_vec(),
            needed: cut.needed,
        },
        Event::NotFrames(other) => {
            Fact::NotFrames { from: other.from, offset: other.offset, kind: other.kind }
        }
        Event::Gap(gap) => Fact::Gap {
            from: gap.from,
            offset: gap.offset,
            length: gap.length,
            reason: gap.reason,
            framing_lost: gap.framing_lost,
        },
        Event::End(end) => {
            let transport = end.transport.map(|end| end.map(|(how, _)| (how, At::default())));
            // What TCP repeats is said once; that it repeats is no fact about what was said.
            let carriage = Default::default();
            let end = End { at: At::default(), transport, carriage, ..**end };
            Fact::End(Box::new(Ended(end)))
        }
    }
}

/// Listens to one conversation and writes down what happens.
pub(crate) struct Ear {
    conversation: Conversation,
    pub(crate) desk: Desk,
    judge: Judge,
    judged: Judged,
    pub(crate) facts: Vec<Fact>,
    pub(crate) offsets: [u64; 2],
    pub(crate) done: bool,
}

impl Ear {
    pub(crate) fn new(limits: Limits) -> Ear {
        Ear::of(Conversation::new(), limits)
    }

    pub(crate) fn of(conversation: Conversation, limits: Limits) -> Ear {
        let mut judge = Judge::default();
        judge.memory.direction_known = true;
        Ear {
            conversation,
            desk: Desk::new(limits),
            judge,
            judged: Judged::default(),
            facts: Vec::new(),
            offsets: [0; 2],
            done: false,
        }
    }

    pub(crate) fn bytes(&mut self, from: Endpoint, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let offset = self.offsets[from.index()];
        self.offsets[from.index()] += bytes.len() as u64;
        self.said(Said::Bytes { from, offset, bytes, heard: None, at: At::default() });
    }

    pub(crate) fn gap(&mut self, from: Endpoint, length: Option<u64>, reason: GapReason) {
        let offset = self.offsets[from.index()];
        self.offsets[from.index()] = offset.saturating_add(length.unwrap_or(0));
        self.said(Said::Gap { from, offset, length, reason, at: At::default() });
    }

    pub(crate) fn end(&mut self, from: Endpoint, how: TransportEnd) {
        self.said(Said::End { from, how, heard: None, at: At::default() });
    }

    fn said(&mut self, said: Said<'_>) {
        if self.done {
            return;
        }
        let Ear { conversation, desk, judge, judged, facts, .. } = self;
        let keep = desk.limits.keep_frames;
        let interest = conversation.hear(said, desk, &mut |event| {
            note(event, keep, judge, judged, facts);
        });
        self.done = interest == Interest::Done;
    }

    /// The end of it: everything that happened.
    pub(crate) fn finish(mut self, cut: bool) -> Vec<Fact> {
        self.finish_here(cut);
        self.facts
    }

    pub(crate) fn finish_here(&mut self, _cut: bool) {
        if self.done {
            return;
        }
        let Ear { conversation, desk, judge, judged, facts, .. } = self;
        let keep = desk.limits.keep_frames;
        conversation.finish(desk, &mut |event| note(event, keep, judge, judged, facts));
    }
}

fn note(
    event: &Event<'_>,
    keep: bool,
    judge: &mut Judge,
    judged: &mut Judged,
    facts: &mut Vec<Fact>,
) {
    facts.push(fact(event, keep));
    judged.clear();
    judge.consider(event, judged);
    facts.extend(judged.findings.iter().map(|finding| {
        Fact::Finding(Finding {
            rule: finding.rule.id,
            severity: finding.severity,
            endpoint: finding.broken.endpoint,
            span: finding.broken.span,
            frame: finding.frame,
            message: finding.message,
            detail: finding.detail(),
        })
    }));
}
