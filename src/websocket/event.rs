//! What happened on a connection: the facts that a [`Conversation`](super::Conversation) derives
//! from what was said. No judgement is in them.

use super::Opcode;
use super::close::{self, CloseBody};
use super::deflate::{self, InflateFault};
use super::frame::FrameHeader;
use super::handshake::Handshake;
use super::utf8::Utf8Fault;
use crate::http::Head;
use crate::layout::Span;
use crate::said::{At, Endpoint, GapReason, Http2Fact, TcpFact, Time, TransportEnd};

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// An ordinary HTTP exchange, before or instead of a handshake.
    Exchange(&'a Handshake),
    /// An upgrade was asked for; the answer is still to come.
    Request(&'a Head),
    /// No handshake was seen, but these are frames.
    Recognised(&'a Recognised),
    /// An opening handshake ended, one way or another.
    Handshake(&'a Handshake),
    /// A frame ended (or everything that was captured of it).
    Frame(&'a Frame<'a>),
    /// A data message ended.
    Message(&'a Message<'a>),
    /// A Close frame was read.
    Close(&'a Close<'a>),
    /// The stream ended inside a frame header.
    CutHeader(&'a CutHeader<'a>),
    /// What should be frames is not.
    NotFrames(&'a NotFrames<'a>),
    /// Something happened around a stream of HTTP/2.
    Http2(&'a Http2Event),
    /// Bytes were not captured.
    Gap(&'a Gap),
    /// The borders of frames were found where they were not known.
    Resumed(&'a Resumed),
    /// The connection ended, or the capture did.
    End(&'a End),
}

/// Something that happened around a stream of HTTP/2.
#[derive(Debug, Clone, Copy)]
pub struct Http2Event {
    /// Who did it.
    pub from: Endpoint,
    /// What.
    pub fact: Http2Fact,
    /// The packet that showed it.
    pub at: At,
}

/// A connection without a handshake that was recognised by its frames.
#[derive(Debug, Clone, Copy)]
pub struct Recognised {
    /// Whose frames they were, by their MASK bits.
    pub from: Endpoint,
    /// The input had taken the server for the client.
    pub swapped: bool,
    /// How likely it is that this is right, from 0 to 1.
    pub confidence: f64,
    /// The packet that made it certain enough.
    pub at: At,
}

/// Framing goes on.
#[derive(Debug, Clone, Copy)]
pub struct Resumed {
    /// Whose frames they are.
    pub from: Endpoint,
    /// Offset of the first in the endpoint's stream.
    pub offset: u64,
    /// How it was found.
    pub recovered: Recovered,
    /// The packet that held its first byte.
    pub at: At,
}

/// How the border of a frame was found again after bytes had been lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recovered {
    /// How likely it is that this is right, from 0 to 1.
    pub confidence: f64,
    /// How many captured bytes before the border could not be told apart.
    pub skipped: u64,
}

/// The place of a frame in its message (RFC 6455 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A control frame: no part of any message.
    Control,
    /// A frame with a reserved opcode for data: nobody knows.
    Unknown,
    /// A message in one frame.
    Whole,
    /// The first fragment.
    First,
    /// A fragment that is neither first nor last.
    Middle,
    /// The last fragment.
    Last,
    /// A continuation although no message is in progress.
    Orphan,
    /// The start of a message while another one is unfinished.
    Interrupting,
}

/// A frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Who sent it.
    pub from: Endpoint,
    /// Its number among the frames of this endpoint, from 1.
    pub number: u64,
    /// Its header.
    pub header: FrameHeader,
    /// Offset of its first byte in the endpoint's stream.
    pub offset: u64,
    /// Its place in its message.
    pub part: Part,
    /// The number of the message it belongs to, from 1 per endpoint; none for control frames.
    pub message: Option<u64>,
    /// Set if framing had been lost before and was found again.
    pub recovered: Option<Recovered>,
    /// All its payload bytes were captured.
    pub complete: bool,
    /// How many payload bytes were not captured: lost, or beyond the end.
    pub missing: u64,
    /// How many of these lie beyond the end, and may never have been sent.
    pub beyond: u64,
    /// The unmasked payload, as far as it is at hand: of control frames up to [`MAX_CONTROL_KEPT`],
    /// of others all if it lay in one piece or was asked for, else [`MAX_BEGINNING_KEPT`] bytes.
    /// What lies behind a hole is never in it.
    pub payload: Option<&'a [u8]>,
    /// The packet that held its first byte.
    pub started: At,
    /// The packet that held its last byte.
    pub at: At,
    /// How much of the other endpoint's stream the sender had acknowledged by then.
    pub heard: Option<u64>,
}

/// So much of every payload is kept, for rules that look at its beginning.
pub const MAX_BEGINNING_KEPT: usize = 16;

/// A legal control frame carries at most 125 bytes (RFC 6455 §5.5); of illegal ones this much is
/// kept.
pub const MAX_CONTROL_KEPT: usize = 4096;

impl Frame<'_> {
    /// The frame's place in the endpoint's stream, without as many bytes as are missing of it: a
    /// header may announce more than there ever was.
    pub fn span(&self) -> Span {
        let header = self.header.header_length();
        let there = self.header.payload_length.saturating_sub(self.missing);
        Span::bytes(self.offset, header.saturating_add(there))
    }

    /// Offset of the payload in the endpoint's stream.
    pub fn payload_offset(&self) -> u64 {
        self.offset.saturating_add(self.header.header_length())
    }

    /// Offset of the byte behind the frame, as long as the header says it is.
    pub fn end(&self) -> u64 {
        self.payload_offset().saturating_add(self.header.payload_length)
    }

    /// The bits that hold the length: the 7-bit field, or the extended one if there is one.
    pub fn length_bits(&self) -> Span {
        match self.header.length_code() {
            126 => self.header_bits(16, 16),
            127 => self.header_bits(16, 64),
            _ => self.header_bits(9, 7),
        }
    }

    /// The masking key's bits; none if the frame is not masked.
    pub fn key_bits(&self) -> Option<Span> {
        let end = self.header.header_length() * 8;
        self.header.masked().then(|| self.header_bits(end - 32, 32))
    }

    /// Some bits of the header, counted from the frame's first bit.
    pub fn header_bits(&self, first: u64, length: u64) -> Span {
        Span::bits(self.offset.saturating_mul(8).saturating_add(first), length)
    }
}

/// A data message (RFC 6455 §5.6), unmasked, joined from its fragments, inflated.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Who sent it.
    pub from: Endpoint,
    /// Its number among the messages of this endpoint, from 1.
    pub number: u64,
    /// Text or binary.
    pub opcode: Opcode,
    /// The numbers of its frames; none if the input has no frames.
    pub frames: &'a [u64],
    /// Offset of its first frame in the endpoint's stream.
    pub offset: u64,
    /// RSV1 was set and compression agreed (or not ruled out).
    pub compressed: bool,
    /// Sum of the payload lengths on the wire.
    pub wire_length: u64,
    /// Length after inflating, as far as it is known.
    pub length: u64,
    /// The message, or its beginning if it is larger than the limit or has a hole.
    pub payload: &'a [u8],
    /// `payload` was cut because the message is larger than the limit.
    pub truncated: bool,
    /// All its bytes were captured and its last frame was seen.
    pub complete: bool,
    /// False if it depends on bytes before it in its compression context that were missing.
    /// `payload` ends where that begins: what is there is what was sent.
    pub trusted: bool,
    /// Where a text stops being UTF-8.
    pub utf8_fault: Option<Utf8Fault>,
    /// The byte on the wire at which it does; none for a compressed message.
    pub utf8_fault_at: Option<Place>,
    /// A frame border lies inside a character, which is legal (§5.6).
    pub split_character: bool,
    /// Why it could not be inflated.
    pub inflate_fault: Option<InflateFault>,
    /// How its DEFLATE data ended.
    pub inflate_ending: deflate::Ending,
    /// What its tokens tell of how the sender compresses.
    pub tokens: deflate::Evidence,
    /// The first bytes of the compressed payload, to recognise what else it may be.
    pub wire_start: [u8; 2],
    /// A reserved bit was set that nothing explains, so the payload's form is unknown.
    pub opaque: bool,
    /// The packet that held the first byte.
    pub started: At,
    /// The packet that held the last byte.
    pub at: At,
}

impl Message<'_> {
    /// Whether `length` is that of the message: where bytes of a compressed one are missing, it is
    /// only that of what there is.
    pub fn has_known_length(&self) -> bool {
        self.inflate_fault.is_none() && (self.complete || !self.compressed)
    }
}

/// A byte of a message's payload on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the frame that carries it.
    pub frame: u64,
    /// Its offset in the endpoint's stream.
    pub offset: u64,
}

/// A Close frame's body.
#[derive(Debug, Clone, Copy)]
pub struct Close<'a> {
    /// Who sent it.
    pub from: Endpoint,
    /// The number of the frame; 0 if the input has no frames.
    pub frame: u64,
    /// Where the payload starts in the endpoint's stream.
    pub offset: u64,
    /// The length of the payload.
    pub length: u64,
    /// Code and reason.
    pub body: CloseBody<'a>,
    /// It is the first Close of this endpoint.
    pub first: bool,
    /// How much of the other endpoint's stream the sender had acknowledged by then.
    pub heard: Option<u64>,
    /// The packet that held its last byte.
    pub at: At,
}

/// A frame header that was cut short.
#[derive(Debug, Clone, Copy)]
pub struct CutHeader<'a> {
    /// Who sent it.
    pub from: Endpoint,
    /// Offset of its first byte in the endpoint's stream.
    pub offset: u64,
    /// What there is of it.
    pub bytes: &'a [u8],
    /// How many bytes at least it would have had.
    pub needed: u64,
    /// What its first byte says of its place in a message.
    pub part: Part,
    /// The packet that held the last byte.
    pub at: At,
}

/// Of what stands where frames should be, this much is kept, to see what it is.
pub const MAX_NOT_FRAMES_KEPT: usize = 256;

/// Bytes where frames should be.
#[derive(Debug, Clone, Copy)]
pub struct NotFrames<'a> {
    /// Who sent them.
    pub from: Endpoint,
    /// Offset of the first in the endpoint's stream.
    pub offset: u64,
    /// The first of them, [`MAX_NOT_FRAMES_KEPT`] at most.
    pub bytes: &'a [u8],
    /// What they are instead.
    pub kind: NotFramesKind,
    /// The packet that held them.
    pub at: At,
}

/// What stands where frames should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotFramesKind {
    /// A second HTTP response, HTML or other text after the 101.
    HttpAfterUpgrade,
    /// Text of no protocol after the 101, such as what a program prints.
    TextAfterUpgrade,
    /// Another HTTP request of the client after the 101.
    HttpRequest,
    /// Bytes that form no frame after the endpoint's Close.
    TrailingBytes,
    /// Client bytes that are frames although the server refused the handshake.
    FramesAfterRefusal,
    /// The question of Flash's sockets whether they may connect (web-socket-js).
    FlashPolicy,
    /// Server bytes that are no HTTP response, before the handshake was answered.
    BeforeUpgrade,
    /// The server answers the request with a TLS record.
    TlsRecord,
}

/// Bytes that were not captured.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    /// Who sent them.
    pub from: Endpoint,
    /// Where they would be in the endpoint's stream.
    pub offset: u64,
    /// How many; none if even that is unknown.
    pub length: Option<u64>,
    /// Why.
    pub reason: GapReason,
    /// The borders of the frames after it are not known.
    pub framing_lost: bool,
    /// The packet that showed it.
    pub at: At,
}

/// How the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// Both endpoints sent a Close frame.
    ClosingHandshake,
    /// TCP was closed without a complete closing handshake.
    Fin,
    /// TCP was reset.
    Reset,
    /// It had not ended when the capture did.
    CaptureEnd,
}

impl How {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            How::ClosingHandshake => "closing-handshake",
            How::Fin => "fin",
            How::Reset => "rst",
            How::CaptureEnd => "capture-end",
        }
    }
}

/// What TCP did below an endpoint's bytes, as far as it explains what is seen above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carriage {
    /// Segments with sequence numbers that had been captured before.
    pub repeats: u32,
    /// How many bytes those are.
    pub repeated: u64,
    /// Segments that differ from what they repeat, as far as that could be compared.
    pub differing: u32,
    /// Those of them of which it is known by its checksum which one was sent.
    pub damaged: u32,
    /// Since when its receive window has been closed, if it is.
    pub shut: Option<Time>,
    /// When it was closed for longest: from when until when.
    pub longest_shut: Option<(Time, Time)>,
}

impl Carriage {
    /// Takes note of a fact.
    pub(super) fn note(&mut self, fact: TcpFact, at: At) {
        match fact {
            TcpFact::Repeated { length, differs, damaged } => {
                self.repeats = self.repeats.saturating_add(1);
                self.repeated += length;
                self.differing = self.differing.saturating_add(u32::from(differs));
                self.damaged = self.damaged.saturating_add(u32::from(damaged));
            }
            TcpFact::Window { open: false } => self.shut = at.time,
            TcpFact::Window { open: true } => self.open(at.time),
            TcpFact::Unseen => {}
        }
    }

    /// The window is open again.
    fn open(&mut self, at: Option<Time>) {
        let (Some(since), Some(until)) = (self.shut.take(), at) else { return };
        let longest = self.longest_shut.map_or(0.0, |(from, until)| until.seconds_since(from));
        if until.seconds_since(since) > longest {
            self.longest_shut = Some((since, until));
        }
    }

    /// When its receive window was closed for longest, and for how many seconds; up to this moment,
    /// if it still is.
    pub fn shut_for(mut self, end: At) -> Option<(Time, f64)> {
        self.open(end.time);
        self.longest_shut.map(|(from, until)| (from, until.seconds_since(from)))
    }
}

/// What is left to say when a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub how: How,
    /// It had been upgraded (or was assumed to be).
    pub upgraded: bool,
    /// Who closed first: by Close frame, else by FIN or RST. None if nobody did, or if the bytes that
    /// could tell are missing.
    pub closed_by: Option<Endpoint>,
    /// When each endpoint sent its first Close.
    pub closed_at: [Option<At>; 2],
    /// The offset behind the first Close of each endpoint, in its stream.
    pub close_end: [Option<u64>; 2],
    /// The first Close of each endpoint (client, server): its code, or that it had none.
    pub closes: [Option<Option<u16>>; 2],
    /// For each endpoint: it closed TLS with an alert before it ended the transport.
    pub close_notify: [bool; 2],
    /// What TCP did below the bytes of each endpoint.
    pub carriage: [Carriage; 2],
    /// How each endpoint ended the transport, and when.
    pub transport: [Option<(TransportEnd, At)>; 2],
    /// Whose end was told first; packets and times, where there are any, know it better.
    pub told_first: Option<Endpoint>,
    /// How much of the other endpoint's stream each had acknowledged when it ended the transport.
    pub heard: [Option<u64>; 2],
    /// For each endpoint: its stream ended inside a frame.
    pub inside_frame: [bool; 2],
    /// For each endpoint: its last message was not finished.
    pub inside_message: [bool; 2],
    /// For each endpoint: bytes were missing from its stream, or its framing was lost.
    pub lossy: [bool; 2],
    /// For each endpoint: how many bytes at the end of its stream, behind a gap, show no frames.
    pub unread: [u64; 2],
    /// For each endpoint: behind its last frame bytes are missing, or could not be read as frames. Its
    /// Close may be among them.
    pub tail_lost: [bool; 2],
    /// When the last thing was said on the connection.
    pub at: At,
}

impl End {
    /// No Close of that endpoint was captured, and there may have been one.
    pub fn may_have_closed(&self, endpoint: Endpoint) -> bool {
        self.tail_lost[endpoint.index()] && self.closes[endpoint.index()].is_none()
    }

    /// A Close of either endpoint may be missing.
    pub fn may_hide_a_close(&self) -> bool {
        [Endpoint::Client, Endpoint::Server].into_iter().any(|it| self.may_have_closed(it))
    }

    /// Who sent the first Close of those that were captured, if there are any.
    pub fn first_close(&self) -> Option<Endpoint> {
        let has_closed = |endpoint: &Endpoint| self.closes[endpoint.index()].is_some();
        let first = self.closed_by.filter(has_closed);
        first.or_else(|| [Endpoint::Client, Endpoint::Server].into_iter().find(has_closed))
    }

    /// RFC 6455 §7.1.4: both Close frames were exchanged before the transport ended.
    pub fn is_clean(&self) -> bool {
        self.how == How::ClosingHandshake
            && self.closes.iter().all(|close| close.flatten().is_none_or(close::may_be_sent))
    }

    /// Which endpoint ended the transport first, and how.
    pub fn first_to_end(&self) -> Option<(Endpoint, TransportEnd)> {
        super::ending::first_to_end(self)
    }

    /// The Close of the other endpoint came before this one ended its side of the transport, so
    /// that it can have been read. What was acknowledged tells more than the order in the capture,
    /// which may differ from that on the wire.
    pub fn took_close(&self, endpoint: Endpoint) -> bool {
        let Some(sent) = self.closed_at[endpoint.peer().index()] else { return false };
        let heard = self.heard[endpoint.index()];
        if heard.is_some() && heard >= self.close_end[endpoint.peer().index()] {
            return true;
        }
        self.transport[endpoint.index()]
            .is_none_or(|(how, ended)| how == TransportEnd::EndStream || !ended.is_before(sent))
    }
}
