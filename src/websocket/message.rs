//! Messages (RFC 6455 §5.4, §5.6; RFC 7692 §6): fragments joined, inflated, checked as UTF-8, kept
//! up to a limit. Payloads stream through; nothing is held whole unless it was asked for.

use super::Opcode;
use super::compressed::Compressed;
use super::deflate::{self, History, InflateFault, Inflated, Inflater, Tokens};
use super::event::{Frame, Message, Place};
use super::extension::Compression;
use super::utf8::{self, Utf8Check};
use crate::said::{At, Endpoint, MessageKind, Said};

/// How much is kept. Everything is decoded and judged in any case.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes kept of each message.
    pub max_payload: usize,
    /// Bytes kept of all unfinished messages together.
    pub max_unfinished: usize,
    /// Bytes that may come out of one compressed message; no bomb is inflated past it.
    pub max_inflated: u64,
    /// Keep the payload of each frame, for layouts.
    pub keep_frames: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_payload: 16 << 20,
            max_unfinished: 256 << 20,
            max_inflated: 64 << 20,
            keep_frames: false,
        }
    }
}

/// The work space that all conversations share, so that an idle one costs little.
#[derive(Debug)]
pub struct Desk {
    /// How much is kept.
    pub limits: Limits,
    /// Bytes kept of unfinished messages right now.
    pub(super) unfinished: usize,
    /// A payload, or a piece of one, unmasked.
    pub(super) unmasked: Vec<u8>,
    /// Where the inflater writes.
    work: Box<[u8]>,
    /// Inflaters that no message is using.
    idle: Vec<Inflater>,
}

/// So many idle inflaters are kept. One is enough unless compressed messages come in pieces.
const MAX_IDLE: usize = 4;

impl Desk {
    /// A desk with these limits.
    pub fn new(limits: Limits) -> Desk {
        let work = vec![0; 64 * 1024].into();
        Desk { limits, unfinished: 0, unmasked: Vec::new(), work, idle: Vec::new() }
    }

    fn inflater(&mut self, history: &History) -> Inflater {
        let mut inflater = self.idle.pop().unwrap_or_default();
        inflater.begin(history);
        inflater
    }

    fn give_back(&mut self, inflater: Option<Inflater>) {
        if self.idle.len() < MAX_IDLE {
            self.idle.extend(inflater);
        }
    }

    /// Bytes kept of unfinished messages right now, all conversations together.
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }
}

/// What one endpoint's compression looks like from the outside.
#[derive(Debug, Default)]
pub(super) struct Context {
    history: Option<Box<History>>,
    /// Reads along where a window smaller than the largest was agreed.
    tokens: Option<Box<Tokens>>,
    /// Bytes of the history are missing, and nothing was inflated since.
    lost: bool,
}

impl Context {
    /// A context whose history may have begun before the capture did.
    pub(super) fn unknown() -> Context {
        Context { lost: true, ..Context::default() }
    }

    /// Begins a message.
    fn begin(&mut self, compression: Compression) {
        if !compression.context_takeover {
            self.lost = false;
            if let Some(history) = &mut self.history {
                history.clear();
            }
        }
        if compression.window_bits < deflate::MAX_WINDOW_BITS {
            **self.tokens.get_or_insert_default() = Tokens::default();
        }
    }

    fn history(&mut self) -> &mut History {
        let lost = std::mem::take(&mut self.lost);
        let fresh = || if lost { History::after_loss() } else { History::default() };
        self.history.get_or_insert_with(|| Box::new(fresh()))
    }

    /// Something may have been missed.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.history = None;
    }

    /// A message is over.
    fn settle(&mut self) {
        if let Some(history) = &mut self.history {
            history.settle();
        }
    }
}

/// What is known about a message from its first frame header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) from: Endpoint,
    pub(super) number: u64,
    pub(super) opcode: Opcode,
    pub(super) offset: u64,
    pub(super) started: At,
    /// It is the first of several.
    pub(super) fragmented: bool,
    pub(super) form: Form,
}

/// How the payload of a message is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    /// How the sender compresses, if this message is compressed.
    pub(super) compression: Option<Compression>,
    /// Nobody knows what a reserved bit means here.
    pub(super) opaque: bool,
}

/// A message in the making.
#[derive(Debug)]
pub(super) struct Assembly {
    opening: Opening,
    frames: Vec<u64>,
    /// Where the next byte of payload lies in the endpoint's stream.
    position: u64,
    wire_length: u64,
    length: u64,
    kept: Vec<u8>,
    truncated: bool,
    holed: bool,
    /// False once something depends on what was lost: from there on it is counted, and no more.
    trusted: bool,
    utf8: Utf8Check,
    utf8_fault_at: Option<Place>,
    split_character: bool,
    inflater: Option<Inflater>,
    inflate_fault: Option<InflateFault>,
    evidence: Option<Box<Compressed>>,
    wire_start: [u8; 2],
    wire_start_length: u8,
}

impl Assembly {
    pub(super) fn new(opening: Opening, context: &mut Context) -> Assembly {
        if let Some(compression) = opening.form.compression {
            context.begin(compression);
        }
        Assembly {
            opening,
            frames: Vec::new(),
            position: 0,
            wire_length: 0,
            length: 0,
            kept: Vec::new(),
            truncated: false,
            holed: false,
            trusted: true,
            utf8: Utf8Check::default(),
            utf8_fault_at: None,
            split_character: false,
            inflater: None,
            inflate_fault: None,
            evidence: Compressed::kept_for(&opening),
            wire_start: [0; 2],
            wire_start_length: 0,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.opening.number
    }

    /// A frame of the message begins; its payload lies there in the endpoint's stream.
    pub(super) fn begin_frame(&mut self, number: u64, payload_offset: u64) {
        self.frames.push(number);
        self.position = payload_offset;
        if let Some(evidence) = &mut self.evidence {
            evidence.begin_frame(number);
        }
    }

    /// A later fragment carries a reserved bit, so the payload's form is unknown.
    pub(super) fn doubt(&mut self) {
        self.opening.form.opaque = true;
    }

    /// The next piece of payload, unmasked.
    pub(super) fn push(&mut self, piece: &[u8], context: &mut Context, desk: &mut Desk) {
        self.wire_length += piece.len() as u64;
        for &byte in piece.iter().take(2 - usize::from(self.wire_start_length)) {
            self.wire_start[usize::from(self.wire_start_length)] = byte;
            self.wire_start_length += 1;
        }
        if self.opening.form.compression.is_none() {
            self.collect(piece, &desk.limits, &mut desk.unfinished);
            self.position += piece.len() as u64;
            return;
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.push(piece);
        }
        if let Some(tokens) = &mut context.tokens {
            tokens.push(piece);
        }
        if self.inflate_fault.is_some() || self.holed {
            return;
        }
        self.inflate(context, desk, |inflater, history, work, emit| {
            inflater.push(piece, history, work, emit)
        });
    }

    /// Inflates what `what` gives to the message's inflater.
    fn inflate<R: Default>(
        &mut self,
        context: &mut Context,
        desk: &mut Desk,
        what: impl FnOnce(
            &mut Inflater,
            &mut History,
            &mut [u8],
            &mut dyn FnMut(Inflated<'_>) -> bool,
        ) -> Result<R, InflateFault>,
    ) -> R {
        let history = context.history();
        let mut inflater = self.inflater.take().unwrap_or_else(|| desk.inflater(history));
        let Desk { limits, unfinished, work, .. } = desk;
        let mut emit = |out: Inflated<'_>| self.collect_inflated(out, limits, unfinished);
        let in_doubt = history.is_in_doubt();
        let result = what(&mut inflater, history, work, &mut emit);
        self.inflater = Some(inflater);
        result.unwrap_or_else(|fault| {
            self.inflate_fault = Some(fault);
            self.trusted &= !in_doubt;
            context.lose();
            R::default()
        })
    }

    /// A stretch of payload that was not captured.
    pub(super) fn hole(&mut self, length: u64, context: &mut Context) {
        self.wire_length += length;
        self.position += length;
        self.holed = true;
        if self.opening.form.compression.is_some() {
            context.lose();
        } else {
            self.length += length;
        }
    }

    /// A fragment's end.
    pub(super) fn end_fragment(&mut self) {
        self.split_character |= self.utf8.is_inside_character();
    }

    /// Collects what is certain, up to the cap exactly, however much the inflater hands out in one
    /// go; false beyond.
    fn collect_inflated(
        &mut self,
        out: Inflated<'_>,
        limits: &Limits,
        unfinished: &mut usize,
    ) -> bool {
        let room = limits.max_inflated.saturating_sub(self.length);
        let within = (out.bytes.len() as u64).min(room) as usize;
        let certain = if self.trusted { out.certain.min(within) } else { 0 };
        self.collect(&out.bytes[..certain], limits, unfinished);
        if certain < within {
            self.trusted = false;
            self.length += (within - certain) as u64;
        }
        self.truncated |= within < out.bytes.len();
        within == out.bytes.len()
    }

    fn collect(&mut self, out: &[u8], limits: &Limits, unfinished: &mut usize) {
        self.length += out.len() as u64;
        if self.holed {
            return;
        }
        if self.opening.opcode == Opcode::Text && !self.opening.form.opaque {
            let before = self.length - out.len() as u64;
            let is_new = self.utf8.push(out);
            if is_new && self.opening.form.compression.is_none() {
                self.utf8_fault_at = self.place_of_fault(before);
            }
        }
        let room = limits.max_payload.saturating_sub(self.kept.len());
        let room = room.min(limits.max_unfinished.saturating_sub(*unfinished));
        let taken = if self.truncated { 0 } else { out.len().min(room) };
        self.truncated |= taken < out.len();
        // Many large messages may be in the making: a quarter of spare room each, not as much again.
        if self.kept.capacity() - self.kept.len() < taken {
            self.kept.reserve_exact(taken.max(self.kept.len() / 4));
        }
        self.kept.extend_from_slice(&out[..taken]);
        *unfinished += taken;
    }

    /// Where the fault just found lies on the wire: in the piece that begins at message byte
    /// `before`.
    fn place_of_fault(&self, before: u64) -> Option<Place> {
        let fault = self.utf8.finish()?;
        let offset = self.position + fault.offset.saturating_sub(before);
        Some(Place { frame: *self.frames.last()?, offset })
    }

    /// What the tokens of a complete message tell against its sender.
    fn examine(
        &mut self,
        compression: Compression,
        ending: deflate::Ending,
        context: &mut Context,
    ) -> deflate::Evidence {
        let has_tail = ending.final_block_bare || ending.tail_left_on;
        let mut found = deflate::Evidence::default();
        if let Some(tokens) = &mut context.tokens
            && tokens.finish(has_tail)
        {
            let window = 1u32 << compression.window_bits;
            found.beyond_window = tokens.farthest.filter(|farthest| farthest.distance > window);
        }
        let is_unclear = self.inflate_fault.is_some_and(|fault| fault != InflateFault::TooBig);
        if let Some(evidence) = self.evidence.take()
            && is_unclear
        {
            found.tail_missing_behind = evidence.missing_tail();
            if !compression.context_takeover {
                found.before_message = evidence.reference_before_message();
            }
        }
        found
    }

    /// The message's end, or the end of what is known of it.
    pub(super) fn finish(
        mut self,
        complete: bool,
        at: At,
        context: &mut Context,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Message<'_>),
    ) {
        let complete = complete && !self.holed;
        let mut inflate_ending = deflate::Ending::default();
        let mut tokens = deflate::Evidence::default();
        if let Some(compression) = self.opening.form.compression {
            if complete && self.inflate_fault.is_none() && self.wire_length > 0 {
                inflate_ending = self.inflate(context, desk, Inflater::finish);
            } else if !complete {
                context.lose();
            }
            if complete {
                tokens = self.examine(compression, inflate_ending, context);
            }
            context.settle();
            desk.give_back(self.inflater.take());
        }
        let checked = complete && self.inflate_fault.is_none() && self.trusted;
        let utf8_fault = self
            .utf8
            .finish()
            .filter(|fault| checked || fault.kind != utf8::Utf8FaultKind::Truncated);
        // A text that ends too early does so behind its last byte.
        let end_of_text = (self.opening.form.compression.is_none())
            .then(|| Some(Place { frame: *self.frames.last()?, offset: self.position }))
            .flatten();
        desk.unfinished = desk.unfinished.saturating_sub(self.kept.len());
        sink(&Message {
            from: self.opening.from,
            number: self.opening.number,
            opcode: self.opening.opcode,
            frames: &self.frames,
            offset: self.opening.offset,
            compressed: self.opening.form.compression.is_some(),
            wire_length: self.wire_length,
            length: self.length,
            payload: &self.kept,
            truncated: self.truncated,
            complete,
            trusted: self.trusted,
            utf8_fault,
            utf8_fault_at: utf8_fault.and(self.utf8_fault_at.or(end_of_text)),
            split_character: self.split_character,
            inflate_fault: self.inflate_fault,
            inflate_ending,
            tokens,
            wire_start: self.wire_start,
            opaque: self.opening.form.opaque,
            started: self.opening.started,
            at,
        });
    }
}

/// The hot path: an uncompressed message that is one frame, which lies in one piece, is shown where
/// it lies.
#[inline]
pub(super) fn whole(
    frame: &Frame<'_>,
    payload: &[u8],
    form: Form,
    limits: &Limits,
    sink: &mut impl FnMut(&Message<'_>),
) {
    let opcode = frame.header.opcode();
    let is_text = opcode == Opcode::Text && !form.opaque;
    let kept = payload.len().min(limits.max_payload);
    let wire_start = match *payload {
        [] => [0, 0],
        [first] => [first, 0],
        [first, second, ..] => [first, second],
    };
    let utf8_fault = if is_text { utf8::check(payload) } else { None };
    let place = |offset| Place { frame: frame.number, offset: frame.payload_offset() + offset };
    sink(&Message {
        from: frame.from,
        number: frame.message.unwrap_or_default(),
        opcode,
        frames: &[frame.number],
        offset: frame.offset,
        compressed: false,
        wire_length: payload.len() as u64,
        length: payload.len() as u64,
        payload: &payload[..kept],
        truncated: kept < payload.len(),
        complete: true,
        trusted: true,
        utf8_fault,
        utf8_fault_at: utf8_fault.map(|fault| place(fault.offset)),
        split_character: false,
        inflate_fault: None,
        inflate_ending: deflate::Ending::default(),
        tokens: deflate::Evidence::default(),
        wire_start,
        opaque: form.opaque,
        started: frame.started,
        at: frame.at,
    });
}

/// A message that the input has as such: nothing is known of its frames, nor of its form on the
/// wire.
pub(super) fn as_such(
    said: &Said<'_>,
    number: u64,
    limits: &Limits,
    sink: &mut impl FnMut(&Message<'_>),
) {
    let Said::Message { from, kind, payload, truncated, complete, trusted, at } = *said else {
        return;
    };
    let kept = payload.len().min(limits.max_payload);
    let opcode = if kind == MessageKind::Text { Opcode::Text } else { Opcode::Binary };
    let is_checked = opcode == Opcode::Text && complete && trusted && !truncated;
    sink(&Message {
        from,
        number,
        opcode,
        frames: &[],
        offset: 0,
        compressed: false,
        wire_length: 0,
        length: payload.len() as u64,
        payload: &payload[..kept],
        truncated: truncated || kept < payload.len(),
        complete,
        trusted,
        utf8_fault: if is_checked { utf8::check(payload) } else { None },
        utf8_fault_at: None,
        split_character: false,
        inflate_fault: None,
        inflate_ending: deflate::Ending::default(),
        tokens: deflate::Evidence::default(),
        wire_start: [0; 2],
        opaque: false,
        started: at,
        at,
    });
}
