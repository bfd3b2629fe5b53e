//! What the peers saw, and what is read from a capture: compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use ws101::Inspector;
use ws101::input::capture::{self, Options};
use ws101::inspection::{Connection, Observer};
use ws101::rules::{Judged, Severity};
use ws101::said::Endpoint;
use ws101::websocket::{End, Event, Limits, Opcode};

pub(crate) const BOTH: [Endpoint; 2] = [Endpoint::Client, Endpoint::Server];

/// A message: is it text, and its bytes.
pub(crate) type Message = (bool, Vec<u8>);

/// What client and server wrote down.
#[derive(Debug)]
pub(crate) struct Truth {
    messages: [Vec<Message>; 2],
    close: (u16, Vec<u8>),
}

impl Truth {
    pub(crate) fn read(name: &str) -> Truth {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/captures");
        let text =
            std::fs::read_to_string(folder.join(format!("{name}.truth.json"))).expect("truth");
        let truth: Value = serde_json::from_str(&text).expect("a truth file is JSON");
        let messages = ["client_to_server", "server_to_client"].map(|key| {
            let messages = truth[key].as_array().expect("a list of messages").iter();
            messages.map(message).collect()
        });
        let code = truth["close"][0].as_u64().expect("a code") as u16;
        let reason = truth["close"][1].as_str().expect("a reason").as_bytes().to_vec();
        Truth { messages, close: (code, reason) }
    }
}

fn message(value: &Value) -> Message {
    match (value["text"].as_str(), value["binary"].as_str()) {
        (Some(text), None) => (true, text.as_bytes().to_vec()),
        (None, Some(bytes)) => (false, STANDARD.decode(bytes).expect("it is Base64")),
        _ => panic!("a truth is text or binary: {value}"),
    }
}

/// A message as it was read.
#[derive(Debug)]
struct Told {
    message: Message,
    /// Nothing says that it may be wrong.
    silent: bool,
}

/// Everything that was read from one capture.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) connections: u64,
    messages: [Vec<Told>; 2],
    closes: [Vec<(Option<u16>, Vec<u8>)>; 2],
    pub(crate) frames: u64,
    pub(crate) recovered: u64,
    pub(crate) gaps: u64,
    /// Compressed messages behind a gap, and how many of them are trusted.
    pub(crate) behind: [u64; 2],
    lossy: [bool; 2],
    errors: Vec<String>,
    /// What was found, of whatever severity, and against whom.
    pub(crate) found: BTreeSet<(&'static str, Option<usize>)>,
    ends: Vec<End>,
}

impl Observer for Read {
    fn connection(&mut self, _: &Connection) {
        self.connections += 1;
    }

    fn event(&mut self, _: &Connection, event: &Event<'_>, judged: &Judged) {
        match event {
            Event::Frame(frame) => {
                self.frames += 1;
                self.recovered += u64::from(frame.recovered.is_some());
            }
            Event::Message(message) => {
                let is_text = message.opcode == Opcode::Text;
                if self.lossy[message.from.index()] && message.compressed && message.complete {
                    self.behind[0] += 1;
                    self.behind[1] += u64::from(message.trusted);
                }
                self.messages[message.from.index()].push(Told {
                    message: (is_text, message.payload.to_vec()),
                    silent: message.complete && message.trusted && !message.truncated,
                });
            }
            Event::Close(close) => {
                let reason = close.body.reason.to_vec();
                self.closes[close.from.index()].push((close.body.code, reason));
            }
            Event::Gap(gap) => {
                self.gaps += 1;
                self.lossy[gap.from.index()] = true;
            }
            Event::End(end) => self.ends.push(**end),
            _ => {}
        }
        let found = judged.findings.iter();
        self.found.extend(found.map(|it| (it.rule.id, it.violator.map(Endpoint::index))));
        let errors = judged.findings.iter().filter(|finding| finding.severity == Severity::Error);
        self.errors
            .extend(errors.map(|finding| format!("{}: {}", finding.rule.id, finding.detail())));
    }
}

/// Reads a capture file.
pub(crate) fn read(file: &[u8]) -> Read {
    let mut inspector = Inspector::new(Read::default(), Limits::default());
    capture::read(file, &mut inspector, Options::default()).expect("it is a capture");
    inspector.into_parts().0
}

impl Read {
    /// How many messages were read.
    pub(crate) fn count(&self) -> usize {
        self.messages.iter().map(Vec::len).sum()
    }

    /// How many of them are marked as incomplete or not to be trusted.
    pub(crate) fn marked(&self) -> usize {
        self.messages.iter().flatten().filter(|told| !told.silent).count()
    }

    /// Nothing was lost: what was read is what the peers saw.
    pub(crate) fn is_all_of(&self, truth: &Truth) -> Result<(), String> {
        for from in BOTH {
            let (told, sent) = (&self.messages[from.index()], &truth.messages[from.index()]);
            if told.len() != sent.len() {
                return Err(format!("{} of {} messages from the {from}", told.len(), sent.len()));
            }
            for (number, (told, sent)) in told.iter().zip(sent).enumerate() {
                if !told.silent || told.message != *sent {
                    return Err(format!("message {number} from the {from}: {}", brief(told)));
                }
            }
            let (code, reason) = &truth.close;
            if self.closes[from.index()] != [(Some(*code), reason.clone())] {
                return Err(format!("the {from} closed with {:?}", self.closes[from.index()]));
            }
        }
        self.accuses_nobody()?;
        match (&self.ends[..], self.connections, self.gaps) {
            ([end], 1, 0)
                if end.is_clean()
                    && end.lossy == [false; 2]
                    && end.closed_by == Some(Endpoint::Client) =>
            {
                Ok(())
            }
            (ends, connections, gaps) => {
                let how: Vec<_> = ends.iter().map(|end| (end.how.name(), end.closed_by)).collect();
                Err(format!("{connections} connections, {gaps} gaps, ends {how:?}"))
            }
        }
    }

    /// Something was lost: each message is one of those that were sent, in their order, or it is
    /// marked and the beginning of one.
    pub(crate) fn is_part_of(&self, truth: &Truth) -> Result<(), String> {
        for from in BOTH {
            let mut sent = truth.messages[from.index()].iter();
            for told in &self.messages[from.index()] {
                let (is_text, payload) = &told.message;
                let fits = |sent: &Message| {
                    let same =
                        if told.silent { sent.1 == *payload } else { sent.1.starts_with(payload) };
                    sent.0 == *is_text && same
                };
                if !sent.any(fits) {
                    return Err(format!("the {from} never sent {}", brief(told)));
                }
            }
            let (code, reason) = &truth.close;
            match &self.closes[from.index()][..] {
                [] => {}
                [(told_code, told_reason)]
                    if *told_code == Some(*code) && told_reason == reason => {}
                other => return Err(format!("the {from} never closed with {other:?}")),
            }
        }
        if self.connections > 1 {
            return Err(format!("{} connections", self.connections));
        }
        self.accuses_nobody()
    }

    fn accuses_nobody(&self) -> Result<(), String> {
        if self.errors.is_empty() { Ok(()) } else { Err(format!("accused: {:?}", self.errors)) }
    }
}

fn brief(told: &Told) -> String {
    let payload = &told.message.1;
    let start = String::from_utf8_lossy(&payload[..payload.len().min(80)]);
    let Told { message: (is_text, _), silent, .. } = told;
    format!("text: {is_text}, unmarked: {silent}, {} bytes: {start:?}", payload.len())
}
