//! The judge of one connection: looks at one fact at a time, runs the rules that concern it,
//! drops findings that others explain, and remembers what later facts will need.

use super::across::Across;
use super::causes::{Cause, Causes, Traced};
use super::checks::consider_each;
use super::ordinary::{is_ordinary_frame, is_ordinary_message};
use super::{Ending, Finding, Memory, Route, Rule, Severity, Thresholds, refused, suppression};
use crate::said::{Opening, Transport};
use crate::websocket::Event;
use crate::websocket::extension::Agreement;
use std::sync::Arc;

/// What came of judging one fact.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What is broken.
    pub findings: Vec<Finding>,
    /// For a handshake: the rules that hold.
    pub held: Vec<&'static Rule>,
    /// For a handshake: the rules that could not be judged, and why.
    pub not_observed: Vec<(&'static Rule, &'static str)>,
    /// How many findings were taken out because they do not count (see [`Policy`](super::Policy)).
    pub ignored: u64,
    /// For a Pong: how many seconds ago the Ping was sent that it answers.
    pub round_trip: Option<f64>,
    /// What was told often enough of an endpoint and is broken once more: no findings, counted only.
    pub repeats: Vec<(&'static Rule, Severity)>,
    /// For the end of a connection: how that is told.
    pub ending: Option<Ending>,
    /// What some of the findings come from, if it comes out now.
    pub cause: Option<Cause>,
    /// For the end of a connection: what followed from which cause.
    pub traced: Vec<Traced>,
}

impl Judged {
    /// The same, as if nothing had been found.
    pub(crate) fn without_findings(&self) -> Judged {
        let kept = self.ending.clone();
        Judged { ending: kept, round_trip: self.round_trip, ..Judged::default() }
    }

    /// Makes room for the next fact.
    pub fn clear(&mut self) {
        self.findings.clear();
        self.held.clear();
        self.not_observed.clear();
        self.traced.clear();
        self.repeats.clear();
        self.ignored = 0;
        self.round_trip = None;
        self.ending = None;
        self.cause = None;
    }
}

/// The judge of one connection.
#[derive(Debug, Default)]
pub struct Judge {
    /// What was seen so far.
    pub memory: Memory,
    /// What findings were traced to.
    causes: Option<Box<Causes>>,
}

impl Judge {
    /// A judge of a connection that opens like this, on which as much was agreed before.
    pub fn of(
        opening: &Opening,
        agreement: Option<Agreement>,
        thresholds: &Arc<Thresholds>,
    ) -> Judge {
        let mut judge = Judge::default();
        judge.memory.thresholds = Arc::clone(thresholds);
        judge.memory.agreement = agreement;
        judge.memory.direction_known = opening.initiator_seen;
        judge.memory.timed = opening.at.time.is_some();
        judge.memory.route = Route::of(opening);
        judge.memory.pasted = opening.transport == Transport::None;
        judge
    }

    /// Judges a fact.
    pub fn consider(&mut self, event: &Event<'_>, judged: &mut Judged) {
        if !self.passes(event) {
            self.consider_all(event, judged);
        }
    }

    /// Takes note of a frame or a message if a glance at it tells that no rule has anything to say:
    /// of nearly every one. Otherwise it is to be [considered](Judge::consider).
    #[inline(always)]
    pub fn passes(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Frame(frame) if is_ordinary_frame(frame, &self.memory) => {
                self.memory.note_frame(frame);
            }
            Event::Message(message) if is_ordinary_message(message, &self.memory) => {
                self.memory.note_message(message);
            }
            _ => return false,
        }
        true
    }

    /// Says what the findings of a fact, on the connection of that number, come from.
    #[inline]
    pub fn trace(&mut self, event: &Event<'_>, number: u64, across: &Across, judged: &mut Judged) {
        let may_tell = matches!(event, Event::End(_) | Event::NotFrames(_));
        if may_tell || !judged.findings.is_empty() {
            Causes::trace(&mut self.causes, event, number, across, judged);
        }
        if let Event::Handshake(handshake) = event {
            refused::word(handshake, judged);
        }
    }

    /// Runs every rule that looks at this kind of fact.
    pub(crate) fn consider_all(&mut self, event: &Event<'_>, judged: &mut Judged) {
        let from = judged.findings.len();
        consider_each(event, &self.memory, judged);
        suppression::apply(&mut judged.findings, from);
        self.stop_at_lost_sync(event, judged, from);
        self.memory.note(event);
        if let Event::Frame(frame) = event {
            judged.round_trip = self.memory.round_trip_of(frame);
        }
        let route = self.memory.route;
        self.memory.handshake.note(event, route, &judged.findings[from..]);
        for finding in &judged.findings[from..] {
            self.memory.note_finding(finding);
        }
        if let Event::End(end) = event {
            judged.ending = Some(Ending::of(end, &self.memory));
        }
    }

    /// A reserved opcode may be a mistake. If the header of the next frame is broken in itself, too,
    /// it was most likely no header: from there on nothing is said about the endpoint's frames. A
    /// mask that is missing, or a payload that is wrong, is a fault in frames that can be read.
    fn stop_at_lost_sync(&mut self, event: &Event<'_>, judged: &mut Judged, from: usize) {
        let Event::Frame(frame) = event else { return };
        let before = self.memory.of(frame.from).seldom.nonsense;
        if before > 0
            && before + 1 == frame.number
            && judged.findings[from..].iter().any(breaks_header)
        {
            self.memory.of_mut(frame.from).hidden |= suppression::begins(suppression::LOST_SYNC);
            judged.findings.truncate(from);
        }
        if judged.findings[from..].iter().any(|found| found.rule.id == "FRM-OPCODE-RESERVED") {
            self.memory.of_mut(frame.from).seldom.make().nonsense = frame.number;
        }
    }
}

/// An error in what every header has, whoever sends it.
fn breaks_header(finding: &Finding) -> bool {
    const OTHERS: [&str; 4] =
        ["CTL-FRAGMENTED", "CTL-TOO-LONG", "PMD-RSV1-CONTROL", "PMD-RSV1-CONTINUATION"];
    let id = finding.rule.id;
    let is_framing = id.starts_with("FRM-") && id != "FRM-TOLERATED";
    finding.severity == Severity::Error && (is_framing || OTHERS.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::{At, Endpoint, Said, Time};
    use crate::websocket::extension::{Agreement, Compression, Deflate};
    use crate::websocket::frame::FrameHeader;
    use crate::websocket::mask::mask;
    use crate::websocket::{Conversation, Desk, Limits, Opcode};
    use proptest::prelude::*;

    /// A frame to be sent: mostly in order, sometimes not.
    #[derive(Debug, Clone)]
    struct Planned {
        from: Endpoint,
        first: u8,
        flip_mask: bool,
        key: [u8; 4],
        payload: Vec<u8>,
        long_form: u8,
        seconds: u8,
        heard: bool,
        lost: bool,
    }

    fn rarely() -> impl Strategy<Value = bool> {
        prop::bool::weighted(0.03)
    }

    fn first_byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            20 => prop::sample::select(vec![0x81, 0x82, 0xc1, 0xc2]),
            6 => prop::sample::select(vec![0x01, 0x02, 0x41, 0x00, 0x80]),
            3 => prop::sample::select(vec![0x89, 0x8a, 0x88]),
            1 => any::<u8>(),
        ]
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => prop::collection::vec(0x20u8..0x7f, 0..40),
            1 => prop::collection::vec(any::<u8>(), 0..200),
            1 => Just(vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            1 => Just(b"{}".to_vec()),
            1 => Just(vec![0xef, 0xbb, 0xbf, b'x']),
            1 => Just(b"GET /".iter().zip([7, 7, 7, 7, 7]).map(|(a, b)| a ^ b).collect()),
        ]
    }

    fn planned() -> impl Strategy<Value = Planned> {
        let key = prop_oneof![
            8 => any::<[u8; 4]>(),
            1 => Just([7; 4]),
            1 => Just([0; 4]),
        ];
        let long_form = prop_oneof![20 => Just(0u8), 1 => 1u8..3];
        let header = (any::<bool>(), first_byte(), rarely(), key, long_form);
        (header, payload(), 0u8..40, any::<bool>(), rarely()).prop_map(
            |((client, first, flip_mask, key, long_form), payload, seconds, heard, lost)| Planned {
                from: if client { Endpoint::Client } else { Endpoint::Server },
                first,
                flip_mask,
                key,
                payload,
                long_form,
                seconds,
                heard,
                lost,
            },
        )
    }

    fn to_bytes(planned: &Planned) -> Vec<u8> {
        let masked = (planned.from == Endpoint::Client) != planned.flip_mask;
        let length = planned.payload.len() as u64;
        let key = masked.then_some(planned.key);
        let opcode = Opcode::from_bits(planned.first);
        let mut header = FrameHeader::new(true, 0, opcode, length, key);
        header.first = planned.first;
        match planned.long_form {
            1 => header.second = header.second & 0x80 | 126,
            2 => header.second = header.second & 0x80 | 127,
            _ => {}
        }
        let mut payload = planned.payload.clone();
        if masked {
            mask(&mut payload, planned.key, 0);
        }
        [header.to_bytes(), payload].concat()
    }

    fn agreements() -> impl Strategy<Value = Option<Agreement>> {
        let both = Compression { window_bits: 15, context_takeover: true };
        let deflate = Some(Deflate { client: both, server: both });
        let agreement = |deflate, unknown_extension, compression_offered| {
            Some(Agreement { deflate, unknown_extension, compression_offered })
        };
        prop::sample::select(vec![
            None,
            agreement(None, false, false),
            agreement(None, false, true),
            agreement(deflate, false, true),
            agreement(deflate, true, true),
        ])
    }

    proptest! {
        /// The guards of the hot path never keep a rule from speaking.
        #[test]
        fn what_the_guards_call_ordinary_breaks_no_rule(
            agreement in agreements(),
            known: bool,
            plan in prop::collection::vec(planned(), 1..80),
        ) {
            let mut conversation = Conversation::assumed(agreement);
            let mut judge = Judge::default();
            judge.memory.agreement = agreement;
            judge.memory.direction_known = known;
            let mut desk = Desk::new(Limits::default());
            let (mut now, mut sent) = (1_700_000_000_000_000_000i64, [0u64; 2]);
            for frame in &plan {
                now += i64::from(frame.seconds) * 1_000_000_000;
                let at = At { packet: None, time: Some(Time::new(now)) };
                let (from, bytes) = (frame.from, to_bytes(frame));
                let offset = sent[from.index()];
                sent[from.index()] += bytes.len() as u64;
                let heard = frame.heard.then_some(sent[from.peer().index()]);
                let said = if frame.lost {
                    let reason = crate::said::GapReason::Lost;
                    Said::Gap { from, offset, length: Some(bytes.len() as u64), reason, at }
                } else {
                    Said::Bytes { from, offset, bytes: &bytes, heard, at }
                };
                conversation.hear(said, &mut desk, &mut |event| {
                    let is_ordinary = match event {
                        Event::Frame(frame) => is_ordinary_frame(frame, &judge.memory),
                        Event::Message(message) => is_ordinary_message(message, &judge.memory),
                        _ => false,
                    };
                    let mut judged = Judged::default();
                    if is_ordinary {
                        consider_each(event, &judge.memory, &mut judged);
                        assert!(judged.findings.is_empty(), "{event:?}: {:?}", judged.findings);
                    }
                    judge.consider(event, &mut judged);
                });
            }
        }
    }

    #[test]
    fn the_memory_of_a_quiet_connection_is_small() {
        let size = size_of::<Judge>();
        assert!(size <= 512, "{size} bytes");
    }
}
