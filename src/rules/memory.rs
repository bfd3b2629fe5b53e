//! What the rules remember of a connection: small, and the same size however long it lives. What
//! few connections need (a Close, Pings, fragments) is boxed and made when it is first needed.

use super::ending::Before;
use super::handshake_memory::HandshakeMemory;
use super::keys::Keys;
use super::pace::Pace;
use super::seldom::Seldom;
use super::thresholds::{self, Thresholds};
use super::told::Told;
use super::tunnel::Tunnel;
use super::{Finding, Route, Rule, Severity, hist, suppression};
use crate::http::Head;
use crate::said::{At, Endpoint, GapReason, Http2Fact, Time, Tls};
use crate::websocket::extension::Agreement;
use crate::websocket::frame::FrameHeader;
use crate::websocket::handshake::Handshake;
use crate::websocket::{
    Close, CutHeader, Event, Frame, Gap, Message, NotFrames, NotFramesKind, Opcode, Part,
    subprotocol,
};
use std::sync::Arc;

/// What was seen of a connection before the fact that a check looks at.
#[derive(Debug)]
pub struct Memory {
    /// What was agreed in the handshake; none if it was not seen whole.
    pub agreement: Option<Agreement>,
    /// True if it is known for certain which endpoint is the client.
    pub direction_known: bool,
    /// Somebody stated what was agreed.
    pub stated: bool,
    /// The handshake was captured in part.
    pub(super) half: bool,
    /// Bytes were said that were not captured, as TCP shows before it is known that none come late.
    pub(crate) unseen: bool,
    /// True if the stream has a clock.
    pub timed: bool,
    /// True if the bytes were typed or pasted: nobody claims that they are a whole connection.
    pub pasted: bool,
    /// How the bytes travel, and where to.
    pub route: Route,
    /// What the handshake of TLS says, if it was seen.
    pub tls: Option<Arc<Tls>>,
    /// From when on something is worth mentioning.
    pub thresholds: Arc<Thresholds>,
    /// The server has allowed extended CONNECT (RFC 8441 §3).
    pub(super) connect_allowed: bool,
    /// A handshake was answered, with whatever status.
    pub(super) answered: bool,
    /// That status; 0 if there is none.
    pub(super) status: u16,
    /// The subprotocol is binary by definition, so readable binary messages mean nothing.
    pub(super) binary_subprotocol: bool,
    pub(super) client: Direction,
    pub(super) server: Direction,
    /// The client's masking keys.
    pub(super) keys: Keys,
    /// When things were said.
    pub(super) pace: Pace,
    /// When frames could first be sent.
    pub(super) opened: Option<Time>,
    /// A Pong was sent.
    pub(super) ponged: bool,
    /// What happened around the stream of HTTP/2, if anything did.
    pub(super) tunnel: Option<Box<Tunnel>>,
    /// What of the handshake matters later.
    pub(super) handshake: HandshakeMemory,
    pub(super) told: Told,
}

/// What one endpoint sent.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// The number of its last frame.
    pub(super) frames: u64,
    /// Where its last frame ended, or its head if there is none.
    pub(super) end: u64,
    /// Pings, fragments, a Close and other things that few endpoints have.
    pub(super) seldom: Seldom,
    /// It has sent a Close or something fatal: only then does each frame need a look at `seldom`,
    /// which lies elsewhere in memory.
    pub(super) is_ending: bool,
    /// It has begun a message, so that a continuation now needs one in progress.
    pub(super) has_begun: bool,
    /// The last data frame was a continuation without a message, and not the last one; or a message
    /// may have begun in what was not captured.
    pub(super) in_orphans: bool,
    /// A control frame was fragmented; what continues it is its fault.
    pub(super) control_fragments: bool,
    /// Bytes of it were not captured.
    pub(super) lossy: bool,
    /// Rows of the suppression table that are in force until the end.
    pub(super) hidden: u32,
    /// Binary messages in a row, from the first on, that read like text.
    pub(super) readable: u8,
}

/// A Close frame.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) code: Option<u16>,
    pub(super) frame: u64,
    /// Offset of its payload.
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) at: At,
    /// The peer had sent one, too, which had not come yet.
    pub(super) crossed: bool,
    /// What may be the reason for it.
    pub(super) before: Before,
}

impl Closed {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// What kind of fault obliges the peer to fail the connection, and so which code fits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Text,
    Inflate,
    Framing,
}

/// Something that obliges the peer to fail the connection.
#[derive(Debug)]
pub(super) struct Fatal {
    pub(super) rule: &'static Rule,
    pub(super) fault: Fault,
    pub(super) frame: Option<u64>,
    /// Where what it was in ended.
    pub(super) end: u64,
    pub(super) time: Option<Time>,
    /// Messages that the peer began although it had received it.
    pub(super) ignored: u32,
}

/// A frame that was cut short.
#[derive(Debug)]
pub(super) struct Cut {
    /// The frame's number; none if it was cut in its header.
    pub(super) frame: Option<u64>,
    pub(super) offset: u64,
    pub(super) header: Option<FrameHeader>,
    /// How many bytes of the payload (or of the header) there are.
    pub(super) have: u64,
    /// How many there should be; at least, for a header.
    pub(super) needed: u64,
}

/// A fragmented message.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// It is in progress.
    pub(super) open: bool,
    /// Its first frame.
    pub(super) frame: u64,
    pub(super) offset: u64,
    pub(super) count: u32,
    /// Fragments of one byte or none.
    pub(super) tiny: u32,
    /// Empty fragments in a row.
    pub(super) empty: u32,
    /// When the last one ended.
    pub(super) time: Option<Time>,
}

/// A large frame.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BigFrame {
    /// When it began, and when it ended.
    pub(super) started: Option<Time>,
    pub(super) time: Option<Time>,
    /// The length of its payload.
    pub(super) length: u64,
}

/// What compression made of the messages.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) messages: u64,
    /// Bytes of all messages on the wire.
    pub(super) wire: u64,
    pub(super) compressed: u64,
    /// Bytes of compressed messages on the wire.
    pub(super) deflated: u64,
    /// What came out of them.
    pub(super) inflated: u64,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            agreement: None,
            direction_known: false,
            stated: false,
            half: false,
            unseen: false,
            timed: false,
            pasted: false,
            route: Route::default(),
            tls: None,
            thresholds: thresholds::shared(),
            connect_allowed: false,
            answered: false,
            status: 0,
            binary_subprotocol: false,
            client: Direction::default(),
            server: Direction::default(),
            keys: Keys::default(),
            pace: Pace::default(),
            opened: None,
            ponged: false,
            tunnel: None,
            handshake: HandshakeMemory::default(),
            told: Told::default(),
        }
    }
}

impl Memory {
    /// What that endpoint sent.
    pub(super) fn of(&self, endpoint: Endpoint) -> &Direction {
        match endpoint {
            Endpoint::Client => &self.client,
            Endpoint::Server => &self.server,
        }
    }

    pub(super) fn of_mut(&mut self, endpoint: Endpoint) -> &mut Direction {
        match endpoint {
            Endpoint::Client => &mut self.client,
            Endpoint::Server => &mut self.server,
        }
    }

    /// The first rule that the response broke which accepted the handshake, unless it was spoken
    /// of already.
    pub(super) fn bad_response(&self) -> Option<&'static str> {
        self.handshake.rest()?.bad_response
    }

    /// A usual round trip in seconds, as far as Pings showed it.
    pub(super) fn round_trip(&self) -> f64 {
        let medians = [&self.client, &self.server].map(|direction| {
            direction.seldom.pings.as_ref().and_then(|pings| pings.median()).unwrap_or(0.0)
        });
        medians[0].max(medians[1])
    }

    /// No handshake was seen, and nobody was told yet.
    pub(super) fn misses_handshake(&self) -> bool {
        self.agreement.is_none() && !self.pasted && (self.half || !self.answered)
    }

    /// Reads what every frame is compared with, so that it comes out of memory while the frame is
    /// read: with many connections that take turns, nothing of this one is in a cache.
    #[inline]
    pub(crate) fn fetch(&self) {
        let Memory { client, server, keys, pace, .. } = self;
        std::hint::black_box(client.frames ^ server.frames ^ keys.count ^ pace.pause as u64);
    }

    /// Takes note of a fact, after the checks have looked at it.
    #[inline]
    pub fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Frame(frame) => self.note_frame(frame),
            Event::Message(message) => self.note_message(message),
            Event::Handshake(handshake) => self.note_handshake(handshake),
            Event::Close(close) => self.note_close(close),
            Event::Gap(gap) => self.note_gap(gap),
            Event::CutHeader(cut) => self.note_cut_header(cut),
            Event::NotFrames(other) => self.note_not_frames(other),
            Event::Http2(event) => {
                self.connect_allowed |= event.fact == Http2Fact::Asked { allowed: Some(true) };
                self.tunnel.get_or_insert_default().note(event);
            }
            Event::Exchange(_)
            | Event::Request(_)
            | Event::Recognised(_)
            | Event::Resumed(_)
            | Event::End(_) => {}
        }
    }

    /// Takes note of what was found in a fact, after the fact itself.
    pub(super) fn note_finding(&mut self, finding: &Finding) {
        let (rule, endpoint) = (finding.rule, finding.broken.endpoint);
        self.told.note(rule, endpoint);
        self.keys.reused |= rule.id == "MSK-REUSED-KEY";
        self.keys.patterned |= rule.id == "MSK-PREDICTABLE-KEY";
        let Some(violator) = finding.violator else { return };
        let direction = self.of_mut(violator);
        direction.hidden |= suppression::begins(rule.id);
        if let Some(fault) = fault_of(finding)
            && direction.seldom.fatal.is_none()
        {
            let (frame, end, time) = (finding.frame, direction.end, finding.at.time);
            let fatal = Fatal { rule, fault, frame, end, time, ignored: 0 };
            direction.is_ending = true;
            direction.seldom.make().fatal = Some(Box::new(fatal));
        }
    }

    fn note_handshake(&mut self, handshake: &Handshake) {
        // What was agreed can be read from two whole heads only.
        let is_whole = |head: &Option<Box<Head>>| head.as_ref().is_some_and(|head| head.complete);
        let was_seen = is_whole(&handshake.request) && is_whole(&handshake.response);
        if was_seen && handshake.is_accepted() {
            self.agreement = Some(handshake.agreement());
        }
        self.half = handshake.is_accepted() && !was_seen;
        let end = |head: &Head| match head.decoded {
            true => 0,
            false => head.offset + head.range.end as u64,
        };
        self.client.end = handshake.request.as_deref().map_or(0, end);
        self.server.end = handshake.response.as_deref().map_or(0, end);
        if hist::has_other_frames(handshake) {
            for direction in [&mut self.client, &mut self.server] {
                direction.hidden |= suppression::begins(suppression::OTHER_FRAMES);
            }
        }
        // What was fatal to frames before this handshake is over.
        for direction in [&mut self.client, &mut self.server] {
            if let Some(parts) = direction.seldom.made() {
                parts.fatal = None;
            }
        }
        self.opened = handshake.response_at.time;
        self.direction_known = true;
        self.answered |= handshake.response.is_some();
        self.status = handshake.status().unwrap_or(0);
        self.binary_subprotocol = handshake.subprotocol().is_some_and(is_binary_subprotocol);
    }

    #[inline(always)]
    pub(super) fn note_frame(&mut self, frame: &Frame<'_>) {
        let before = self.pace.last;
        self.pace.note_frame(frame.at);
        if self.pace.backwards > 0 {
            self.distrust_clock();
        }
        let direction = match frame.from {
            Endpoint::Client => &mut self.client,
            Endpoint::Server => &mut self.server,
        };
        direction.frames = frame.number;
        direction.end = frame.end();
        if frame.from == Endpoint::Client
            && let Some(key) = frame.header.masking_key
        {
            self.keys.note(key, frame.at.time);
        }
        if frame.part == Part::Whole && frame.complete && frame.header.payload_length < BIG_FRAME {
            direction.has_begun = true;
            direction.in_orphans = false;
            direction.control_fragments = false;
            self.note_ignored(frame);
            return;
        }
        if frame.header.opcode() == Opcode::Close {
            self.of_mut(frame.from).seldom.make().before_close = before;
        }
        self.note_unusual_frame(frame);
    }

    #[cold]
    fn distrust_clock(&mut self) {
        for direction in [&mut self.client, &mut self.server] {
            direction.hidden |= suppression::begins(suppression::BAD_CLOCK);
        }
    }

    fn note_unusual_frame(&mut self, frame: &Frame<'_>) {
        self.note_ignored(frame);
        let direction = self.of_mut(frame.from);
        if frame.header.payload_length >= BIG_FRAME {
            let (started, time) = (frame.started.time, frame.at.time);
            let length = frame.header.payload_length;
            let big = BigFrame { started, time, length };
            direction.seldom.make().big_frame = Some(Box::new(big));
        }
        if frame.missing > 0 {
            direction.seldom.make().cut = Some(Box::new(Cut {
                frame: Some(frame.number),
                offset: frame.offset,
                header: Some(frame.header),
                have: frame.header.payload_length - frame.missing,
                needed: frame.header.payload_length,
            }));
        }
        match frame.part {
            Part::Control => self.note_control(frame),
            Part::Unknown => {}
            Part::Orphan => direction.in_orphans = !frame.header.fin(),
            _ => direction.note_part(frame),
        }
    }

    /// Notes that a peer went on although it had been sent something fatal.
    #[inline]
    fn note_ignored(&mut self, frame: &Frame<'_>) {
        let peer = self.of_mut(frame.from.peer());
        if peer.is_ending
            && let Some(parts) = peer.seldom.made()
            && let Some(fatal) = &mut parts.fatal
            && has_ignored(frame, fatal)
        {
            fatal.ignored += 1;
        }
    }

    /// For a Pong, noted before: seconds since the Ping that it answers.
    pub(super) fn round_trip_of(&self, pong: &Frame<'_>) -> Option<f64> {
        let is_pong = pong.complete && pong.header.opcode() == Opcode::Pong;
        let pings = self.of(pong.from.peer()).seldom.pings.as_ref().filter(|_| is_pong);
        pings.and_then(|pings| pings.last_trip)
    }

    fn note_control(&mut self, frame: &Frame<'_>) {
        if !frame.header.fin() {
            self.of_mut(frame.from).control_fragments = true;
        }
        let Some(payload) = frame.payload.filter(|_| frame.complete) else { return };
        let closing = self.client.seldom.closed.is_some() || self.server.seldom.closed.is_some();
        match frame.header.opcode() {
            Opcode::Ping if !closing => {
                let answered = self.of(frame.from.peer()).frames;
                let flood_time = self.thresholds.ping_flood_time;
                let pings = self.of_mut(frame.from).seldom.make().pings.get_or_insert_default();
                pings.note_ping(frame, payload, answered, flood_time);
            }
            Opcode::Pong => {
                self.ponged = true;
                if let Some(parts) = self.of_mut(frame.from.peer()).seldom.made()
                    && let Some(pings) = &mut parts.pings
                {
                    pings.note_pong(frame, payload);
                }
            }
            _ => {}
        }
    }

    /// An endpoint has acknowledged more of its peer than up to the last frame that was told: what
    /// comes there may be on its way, or was never captured.
    pub(super) fn heard_beyond(&self, endpoint: Endpoint, heard: Option<u64>) -> bool {
        heard.is_some_and(|heard| heard > self.of(endpoint.peer()).end)
    }

    #[inline(always)]
    pub(super) fn note_message(&mut self, message: &Message<'_>) {
        if self.handshake.awaits_messages() {
            self.handshake.note_searched(message);
        }
        self.pace.note_message(message);
        let may_be_readable = message.opcode == Opcode::Binary && !self.binary_subprotocol;
        let is_agreed = self.agreement.is_some_and(|agreement| agreement.deflate.is_some());
        let direction = self.of_mut(message.from);
        if message.compressed || is_agreed {
            let sums = direction.seldom.make().sums.get_or_insert_default();
            sums.messages += 1;
            sums.wire += message.wire_length;
            // Of what lacks bytes only the half that is there would be counted.
            if message.compressed && message.complete {
                sums.compressed += 1;
                sums.deflated += message.wire_length;
                sums.inflated += message.length;
            }
        }
        if may_be_readable && direction.readable < NOT_READABLE {
            let reads = super::utf::reads_like_text(message);
            direction.readable = if reads { direction.readable + 1 } else { NOT_READABLE };
        }
    }

    fn note_close(&mut self, close: &Close<'_>) {
        if close.first {
            let last = self.of(close.from).seldom.before_close;
            let before = Before::of(self, close.from, close.heard, close.at, last);
            let asked = self.of(close.from.peer()).seldom.closed.as_ref();
            let crossed =
                asked.is_some_and(|asked| close.heard.is_some_and(|heard| heard < asked.end()));
            let direction = self.of_mut(close.from);
            direction.is_ending = true;
            direction.seldom.make().closed = Some(Box::new(Closed {
                crossed,
                before,
                code: close.body.code,
                frame: close.frame,
                offset: close.offset,
                length: close.length,
                at: close.at,
            }));
        }
    }

    fn note_gap(&mut self, gap: &Gap) {
        // That the beginning is missing is another rule's, which is silent about less.
        if gap.reason == GapReason::CaptureStart {
            return;
        }
        let direction = self.of_mut(gap.from);
        direction.lossy = true;
        if gap.framing_lost {
            // Frames may be found again, but what went before them stays unknown.
            direction.hidden |= suppression::begins(suppression::LOST_SYNC);
            if let Some(parts) = direction.seldom.made()
                && let Some(fragments) = &mut parts.fragments
            {
                fragments.open = false;
            }
        }
    }

    fn note_cut_header(&mut self, cut: &CutHeader<'_>) {
        let (offset, have, needed) = (cut.offset, cut.bytes.len() as u64, cut.needed);
        self.of_mut(cut.from).seldom.make().cut =
            Some(Box::new(Cut { frame: None, offset, header: None, have, needed }));
    }

    fn note_not_frames(&mut self, other: &NotFrames<'_>) {
        // Where HTTP and frames are mixed, nobody can tell one from the other any more.
        if matches!(other.kind, NotFramesKind::BeforeUpgrade | NotFramesKind::FramesAfterRefusal) {
            for direction in [&mut self.client, &mut self.server] {
                direction.hidden |= suppression::begins("FRM-DATA-BEFORE-OPEN");
            }
        }
    }
}

/// Frames from this size on hold up what comes behind them.
const BIG_FRAME: u64 = 1 << 16;

/// The number of readable binary messages that says: enough was seen, or one was not readable.
pub(super) const NOT_READABLE: u8 = 5;

impl Direction {
    /// A fragmented message is in progress.
    pub(super) fn is_inside_message(&self) -> bool {
        self.seldom.fragments.as_ref().is_some_and(|fragments| fragments.open)
    }

    /// What is read as frames may not be frames.
    pub(super) fn is_unreliable(&self) -> bool {
        self.hidden & suppression::UNRELIABLE != 0
    }

    fn note_part(&mut self, frame: &Frame<'_>) {
        self.has_begun = true;
        self.in_orphans = false;
        let begins = matches!(frame.part, Part::First | Part::Interrupting) && !frame.header.fin();
        if matches!(frame.part, Part::Whole | Part::Interrupting) && !begins {
            return;
        }
        let fragments = self.seldom.make().fragments.get_or_insert_default();
        if begins {
            **fragments = Fragments {
                open: true,
                frame: frame.number,
                offset: frame.offset,
                ..Fragments::default()
            };
            self.control_fragments = false;
        }
        fragments.count += 1;
        fragments.tiny += u32::from(frame.header.payload_length <= 1);
        let is_empty = frame.header.payload_length == 0 && !frame.header.fin();
        fragments.empty = if is_empty { fragments.empty + 1 } else { 0 };
        fragments.time = frame.at.time;
        fragments.open = !frame.header.fin();
    }
}

/// True if this frame begins a message although its sender had received that before.
pub(super) fn has_ignored(frame: &Frame<'_>, fatal: &Fatal) -> bool {
    matches!(frame.part, Part::Whole | Part::First)
        && frame.started == frame.at
        && frame.heard.is_some_and(|heard| heard >= fatal.end)
}

/// What a finding obliges the peer to fail the connection for. Evidence that is statistical
/// creates no duty, nor does what comes with or after a Close.
fn fault_of(finding: &Finding) -> Option<Fault> {
    let rule = finding.rule;
    if finding.severity != Severity::Error || rule.id == "MSK-CONSTANT-KEY" {
        return None;
    }
    match (rule.area(), rule.id) {
        (_, "PMD-INFLATE-ERROR" | "PMD-CONTEXT-TAKEOVER" | "PMD-FRAGMENT-TAIL-STRIPPED") => {
            Some(Fault::Inflate)
        }
        ("UTF", _) => Some(Fault::Text),
        (_, "HS-RES-HTTP-AFTER-101" | "HS-REQ-AFTER-101") => Some(Fault::Framing),
        ("FRM" | "MSK" | "FRG" | "CTL", _) => Some(Fault::Framing),
        ("PMD", id) if id.starts_with("PMD-RSV1-") => Some(Fault::Framing),
        _ => None,
    }
}

/// True for subprotocols whose messages are binary, whatever they look like.
fn is_binary_subprotocol(name: &[u8]) -> bool {
    if let Some(known) = subprotocol::find(name) {
        return known.payload == subprotocol::Payload::Binary;
    }
    let name = name.to_ascii_lowercase();
    ["mqtt", "amqp", "binary", "msgpack", "cbor", "protobuf", "proto", "bson"]
        .iter()
        .any(|known| name.windows(known.len()).any(|part| part == known.as_bytes()))
}
