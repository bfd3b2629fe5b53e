//! An event taken apart for the eye and the cursor: its parts, each with the bits it stands on, and
//! its bytes. Parts come from the layouts, heads and findings that text and page show.

use crate::http::Head;
use crate::layout::{self, Role};
use crate::recording::{Answer, FrameFacts, Item, What};
use crate::render::frame::{self, FrameView};
use crate::render::timeline::percentage;
use crate::render::{Paint, Sheet, derivation, escape, finding, head_parts};
use crate::said::Endpoint;
use std::ops::Range;

/// So many field lines of a head are parts of their own.
const MAX_LINES: usize = 200;

/// What the cursor can stand on.
pub(super) struct Part {
    pub(super) label: String,
    /// Its bits beside those of its neighbours, where it is no whole byte.
    pub(super) bits: String,
    pub(super) value: String,
    pub(super) meaning: String,
    pub(super) section: &'static str,
    pub(super) paint: Paint,
    /// Its bits, counted from the event's first.
    pub(super) span: Option<Range<u64>>,
    /// What to ask for to have it explained.
    pub(super) word: String,
    /// What is told at length.
    pub(super) story: Story,
    /// It is not a value of these bytes: nothing to be guessed.
    pub(super) is_open: bool,
}

/// What is told of a part at length.
pub(super) enum Story {
    /// What its declaration says.
    About(String),
    /// The finding of that number.
    Finding(usize),
    /// How the Accept comes about.
    Accept,
    /// What the payload says.
    Payload,
}

/// An event taken apart.
pub(super) struct Subject<'a> {
    pub(super) item: &'a Item,
    pub(super) parts: Vec<Part>,
    /// Its bytes as they stood on the wire.
    pub(super) wire: Vec<u8>,
    /// The same, unmasked.
    pub(super) plain: Vec<u8>,
    /// What came out of inflating it.
    pub(super) inflated: Option<Vec<u8>>,
    /// Where its payload begins, if it is a frame.
    pub(super) payload_at: usize,
    pub(super) view: Option<FrameView>,
}

impl<'a> Subject<'a> {
    /// It is a head of HTTP/2, of which only the fields are known.
    pub(super) fn is_out_of_hpack(&self) -> bool {
        match &self.item.what {
            What::Request(head) => head.is_http2(),
            What::Response(answer) => {
                answer.handshake.response.as_ref().is_some_and(|head| head.is_http2())
            }
            _ => false,
        }
    }

    pub(super) fn of(item: &'a Item, sheet: &Sheet) -> Subject<'a> {
        let mut subject = Subject {
            item,
            parts: Vec::new(),
            wire: Vec::new(),
            plain: Vec::new(),
            inflated: None,
            payload_at: 0,
            view: None,
        };
        match &item.what {
            What::Frame(frame) => subject.frame(frame, sheet),
            What::Request(head) => subject.head(head, Endpoint::Client),
            What::Response(answer) => subject.answer(answer),
            What::Exchange(exchange) => {
                let heads =
                    [(&exchange.request, Endpoint::Client), (&exchange.response, Endpoint::Server)];
                for (head, from) in heads {
                    if let Some(head) = head {
                        subject.head(head, from);
                    }
                }
            }
            What::NotFrames { bytes, .. } => {
                subject.wire.clone_from(bytes);
                subject.plain.clone_from(bytes);
            }
            What::Recognised(confidence) => {
                let about = "The capture begins after the handshake did. What follows was recognised \
                             by the shape of its frames.";
                subject.say("recognised", percentage(*confidence), about, "recognised");
            }
            What::Gap(gap) => {
                let length = gap.length.map_or("unknown".to_owned(), |length| length.to_string());
                let about = format!("At byte {} of what the {} sent.", gap.offset, gap.from);
                subject.say("bytes", length, &about, "losses");
                subject.say(
                    "reason",
                    gap.reason.name().to_owned(),
                    "Why they are missing.",
                    "losses",
                );
            }
            What::Http2 => {
                let about =
                    "It happened in HTTP/2, which carries this connection in one of its streams.";
                subject.say("HTTP/2", String::new(), about, "http2");
            }
            What::End { why, codes, reports, clean } => {
                let clean = if *clean { "cleanly" } else { "not cleanly" };
                subject.say("ended", clean.to_owned(), why, "closing");
                let rows = [
                    ("client's Close", codes[0]),
                    ("server's Close", codes[1]),
                    ("client's API", reports[0]),
                    ("server's API", reports[1]),
                ];
                for (label, code) in rows {
                    let value = code.map_or("–".to_owned(), |code| code.to_string());
                    let (about, word) = match code {
                        Some(code) => (crate::websocket::close::describe(code), value.clone()),
                        None => ("no code".to_owned(), "closing".to_owned()),
                    };
                    subject.say(label, value, &about, &word);
                }
            }
        }
        subject.findings(sheet);
        subject
    }

    /// A part without bytes.
    fn say(&mut self, label: &str, value: String, about: &str, word: &str) {
        self.parts.push(Part {
            label: label.to_owned(),
            bits: String::new(),
            value,
            meaning: about.to_owned(),
            section: "",
            paint: Paint::Name,
            span: None,
            word: word.to_owned(),
            story: Story::About(String::new()),
            is_open: false,
        });
    }

    fn frame(&mut self, frame: &FrameFacts, sheet: &Sheet) {
        let view = FrameView::recorded(frame, self.item.from);
        for part in frame::parts(sheet, &view) {
            let is_payload = part.spec.role == Role::Payload;
            self.parts.push(Part {
                label: part.label,
                bits: part.bits,
                value: part.value,
                meaning: part.meaning,
                section: part.spec.section,
                paint: Paint::Role(part.spec.role),
                span: Some(part.span),
                word: word_of_field(part.spec.name, frame),
                story: if is_payload {
                    Story::Payload
                } else {
                    Story::About(part.spec.about.to_owned())
                },
                is_open: false,
            });
        }
        self.wire.clone_from(&view.wire);
        self.payload_at = frame.header_length();
        self.plain = [&view.wire[..self.payload_at], &view.payload[..]].concat();
        let message = frame.message.as_ref().filter(|message| message.compressed);
        self.inflated = message.map(|message| message.payload.clone());
        self.view = Some(view);
    }

    fn head(&mut self, head: &Head, from: Endpoint) {
        let base = self.wire.len() as u64;
        for part in head_parts::of(head, from, MAX_LINES).parts {
            let (Some((_, first)), Some((_, last))) = (part.ranges.first(), part.ranges.last())
            else {
                continue;
            };
            let span = base + first.start as u64..base + last.end as u64;
            let name = escape::text(part.name.as_bytes());
            self.parts.push(Part {
                word: name.clone(),
                label: name,
                bits: String::new(),
                value: escape::beginning(head.bytes(last), 400),
                meaning: part.about.unwrap_or("nothing about WebSocket").to_owned(),
                section: part.section,
                paint: Paint::Role(if part.about.is_some() { Role::Length } else { Role::Header }),
                span: Some(span.start * 8..span.end * 8),
                story: Story::About(String::new()),
                is_open: false,
            });
        }
        self.wire.extend_from_slice(head.text());
        self.plain.extend_from_slice(head.text());
    }

    fn answer(&mut self, answer: &Answer) {
        let handshake = &answer.handshake;
        if let Some(head) = &handshake.response {
            self.head(head, Endpoint::Server);
        }
        if handshake.key().is_some() {
            let expected = handshake.accept_expected().unwrap_or_default();
            self.say(
                "the Accept",
                expected.to_owned(),
                "what answers this request's key",
                "accept",
            );
            if let Some(part) = self.parts.last_mut() {
                part.story = Story::Accept;
            }
        }
    }

    /// What is found comes first: it is what people look for.
    fn findings(&mut self, sheet: &Sheet) {
        let mut rows: Vec<Part> = Vec::new();
        let mut findings: Vec<_> = self.item.findings.iter().enumerate().collect();
        findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
        for (number, finding) in findings {
            let seen = &finding.broken.seen;
            let seen = if seen.is_empty() { finding.rule.title } else { seen };
            rows.push(Part {
                label: format!("{} {}", sheet.mark(finding.severity), finding.severity),
                bits: String::new(),
                value: String::new(),
                meaning: escape::text(seen.as_bytes()),
                section: finding.rule.rfc,
                paint: Paint::Severity(finding.severity),
                span: finding.broken.span.and_then(|span| self.within(span)),
                word: finding.rule.id.to_owned(),
                story: Story::Finding(number),
                is_open: true,
            });
        }
        rows.append(&mut self.parts);
        self.parts = rows;
    }

    /// A span of the stream, counted from the event's first bit.
    fn within(&self, span: crate::layout::Span) -> Option<Range<u64>> {
        let first = match &self.item.what {
            What::Frame(frame) => frame.offset,
            What::Request(head) => head.span(&(0..0)).byte_offset(),
            What::Response(answer) => {
                answer.handshake.response.as_ref()?.span(&(0..0)).byte_offset()
            }
            _ => return None,
        };
        let start = span.start.checked_sub(first.saturating_mul(8))?;
        (start < self.wire.len() as u64 * 8).then(|| start..start + span.length.max(1))
    }

    /// The part that a byte belongs to; of several in one byte the first.
    pub(super) fn part_at(&self, byte: usize) -> Option<usize> {
        let bit = byte as u64 * 8;
        self.parts.iter().rposition(|part| {
            !part.is_open
                && part.span.as_ref().is_some_and(|span| span.start <= bit && bit < span.end)
        })
    }

    /// A part at length, on a sheet of that width.
    pub(super) fn story(&self, part: &Part, sheet: &Sheet, is_inflated: bool) -> Vec<u8> {
        let mut out = Vec::new();
        // What is written goes to memory, which does not fail.
        let _ = self.write_story(&mut out, part, sheet, is_inflated);
        out
    }

    fn write_story(
        &self,
        out: &mut Vec<u8>,
        part: &Part,
        sheet: &Sheet,
        is_inflated: bool,
    ) -> std::io::Result<()> {
        use std::io::Write as _;
        match &part.story {
            Story::Finding(number) => {
                if let Some(cause) = &self.item.cause {
                    let lines = crate::render::timeline::cause_lines(sheet, cause, &[]);
                    writeln!(out, "{lines}")?;
                }
                return finding::whole(out, sheet, &self.item.findings[*number], None);
            }
            Story::Accept => {
                let What::Response(answer) = &self.item.what else { return Ok(()) };
                let Some(key) = answer.handshake.key() else { return Ok(()) };
                let found = answer.handshake.accept_found();
                return derivation::derivation(out, sheet, key, found);
            }
            Story::Payload => {
                for line in crate::render::wrap(&self.payload_text(is_inflated), sheet.width) {
                    writeln!(out, "{line}")?;
                }
            }
            Story::About(about) => {
                let section = layout::cited(part.section);
                let words = [part.meaning.as_str(), about, &section];
                let mut text = String::new();
                for word in words.into_iter().filter(|word| !word.is_empty()) {
                    let glue = match text.chars().last() {
                        None => "",
                        Some('.' | ' ') => " ",
                        Some(_) => ". ",
                    };
                    text = format!("{text}{glue}{word}");
                }
                for line in crate::render::wrap(&sheet.words(&text).replace("  ", " "), sheet.width)
                {
                    writeln!(out, "{line}")?;
                }
            }
        }
        Ok(())
    }

    /// What the payload says, in words for people.
    fn payload_text(&self, is_inflated: bool) -> String {
        let own = &self.plain[self.payload_at.min(self.plain.len())..];
        let payload = match &self.inflated {
            Some(inflated) if is_inflated => inflated,
            Some(_) => {
                let start = escape::hex(&own[..own.len().min(32)]);
                return format!("deflated (i inflates it): {start}");
            }
            None => own,
        };
        let is_text = std::str::from_utf8(payload).is_ok_and(|text| !text.contains('\0'));
        if is_text || matches!(&self.item.what, What::Frame(frame) if frame.close.is_some()) {
            return format!("\"{}\"", escape::text(payload));
        }
        escape::hex(&payload[..payload.len().min(256)])
    }
}

/// The word under which a field's value is explained best.
fn word_of_field(name: &str, frame: &FrameFacts) -> String {
    match (name, &frame.close) {
        ("opcode", _) => {
            frame.opcode().map_or("opcode".to_owned(), |it| format!("0x{:X}", it.bits()))
        }
        ("close_code", Some((Some(code), _))) => code.to_string(),
        _ => name.to_owned(),
    }
}
