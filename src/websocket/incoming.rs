//! One endpoint's frames (RFC 6455 §5): bytes in, frames and messages out. However the bytes are
//! cut into pieces, the same comes out; nothing is refused.

use super::Opcode;
use super::close::CloseBody;
use super::event::{
    Close, CutHeader, Event, Frame, Gap, MAX_BEGINNING_KEPT, MAX_CONTROL_KEPT, MAX_NOT_FRAMES_KEPT,
    Message, NotFrames, NotFramesKind, Part, Recovered,
};
use super::extension::{Agreement, Compression};
use super::frame::{FrameHeader, MAX_HEADER};
use super::mask::mask;
use super::message::{Assembly, Context, Desk, Opening, whole};
use super::resync::{Expectation, Found, MARGIN_AFTER_LOSS, Seeker, What};
use crate::said::{At, Endpoint, GapReason};

/// Where bytes come from: their packet, and what their sender had heard by then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin {
    pub(super) at: At,
    pub(super) heard: Option<u64>,
}

/// One endpoint's stream of frames.
#[derive(Debug)]
pub(super) struct Incoming {
    from: Endpoint,
    /// Offset of the next byte in the endpoint's stream.
    offset: u64,
    frames: u64,
    messages: u64,
    /// A header that has not come whole.
    header: [u8; MAX_HEADER],
    header_length: u8,
    header_started: At,
    current: Option<Box<Current>>,
    /// The fragmented message in progress.
    assembly: Option<Box<Assembly>>,
    context: Context,
    /// What was agreed; none if the handshake was not seen.
    agreement: Option<Agreement>,
    framing: Framing,
    recovered: Option<Recovered>,
    /// Bytes were missing.
    pub(super) lossy: bool,
    /// The first Close: its code.
    pub(super) closed: Option<Option<u16>>,
    /// When it was sent.
    pub(super) closed_at: Option<At>,
    /// How much of the peer's stream this endpoint had heard when it sent its first Close, and the
    /// offset behind that Close.
    pub(super) closed_between: Option<(Option<u64>, u64)>,
    last_at: At,
}

/// What is known of the borders of the frames.
#[derive(Debug)]
enum Framing {
    /// The next byte is where the frames so far say it is.
    Known,
    /// Bytes were lost; the next border is being looked for since this offset.
    Sought(Box<Seeker>, u64),
    /// These are no frames any more, and that was told.
    Over,
    /// These are no frames any more. As soon as enough is there to see what they are, it is told.
    Other(Box<Other>),
}

/// The beginning of something that is no frame.
#[derive(Debug)]
struct Other {
    kind: NotFramesKind,
    offset: u64,
    bytes: Vec<u8>,
    at: At,
}

/// A frame whose payload has not come whole.
#[derive(Debug)]
struct Current {
    header: FrameHeader,
    number: u64,
    offset: u64,
    part: Part,
    message: Option<u64>,
    /// Position of the next byte in the payload.
    position: u64,
    missing: u64,
    kept: Vec<u8>,
    keep: usize,
    /// The message that is this frame alone.
    own: Option<Box<Assembly>>,
    started: At,
}

impl Incoming {
    pub(super) fn new(from: Endpoint, offset: u64, agreement: Option<Agreement>) -> Incoming {
        let context = if agreement.is_some() { Context::default() } else { Context::unknown() };
        Incoming {
            from,
            offset,
            frames: 0,
            messages: 0,
            header: [0; MAX_HEADER],
            header_length: 0,
            header_started: At::default(),
            current: None,
            assembly: None,
            context,
            agreement,
            framing: Framing::Known,
            recovered: None,
            lossy: false,
            closed: None,
            closed_at: None,
            closed_between: None,
            last_at: At::default(),
        }
    }

    pub(super) fn from(&self) -> Endpoint {
        self.from
    }

    pub(super) fn agreement(&self) -> Option<Agreement> {
        self.agreement
    }

    pub(super) fn is_inside_frame(&self) -> bool {
        self.current.is_some() || self.header_length > 0
    }

    pub(super) fn is_inside_message(&self) -> bool {
        self.assembly.is_some()
    }

    /// The next bytes of the stream.
    pub(super) fn hear(
        &mut self,
        mut bytes: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.last_at = origin.at;
        if let Framing::Sought(seeker, since) = &mut self.framing {
            let since = *since;
            self.offset += bytes.len() as u64;
            if let Some(found) = seeker.push(bytes, origin) {
                self.resume(found, since, desk, sink);
            }
            return;
        }
        while !bytes.is_empty() && matches!(self.framing, Framing::Known) {
            let taken = if self.current.is_some() {
                self.go_on(bytes, origin, desk, sink)
            } else if self.header_length > 0 {
                self.complete_header(bytes, origin, desk, sink)
            } else {
                self.begin(bytes, origin, desk, sink)
            };
            bytes = &bytes[taken..];
        }
        self.offset += bytes.len() as u64;
        if let Framing::Other(other) = &mut self.framing {
            let room = MAX_NOT_FRAMES_KEPT - other.bytes.len();
            other.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if other.bytes.len() == MAX_NOT_FRAMES_KEPT {
                self.tell_other(sink);
            }
        }
    }

    /// Tells what stands where frames should be, as far as it was kept.
    fn tell_other(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if !matches!(self.framing, Framing::Other(_)) {
            return;
        }
        if let Framing::Other(other) = std::mem::replace(&mut self.framing, Framing::Over) {
            let Other { kind, offset, bytes, at } = *other;
            let from = self.from;
            sink(&Event::NotFrames(&NotFrames { from, offset, bytes: &bytes, kind, at }));
        }
    }

    /// At a frame border. Returns how many bytes were taken.
    fn begin(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
        if let Some(kind) = self.recognise_other(bytes) {
            let (offset, at) = (self.offset, origin.at);
            self.framing = Framing::Other(Box::new(Other { kind, offset, bytes: Vec::new(), at }));
            return 0;
        }
        let Some(header) = self.read_header(bytes) else {
            // A header is at most 14 bytes, so what is there of an incomplete one fits.
            self.header[..bytes.len()].copy_from_slice(bytes);
            self.header_length = bytes.len() as u8;
            self.header_started = origin.at;
            self.offset += bytes.len() as u64;
            return bytes.len();
        };
        let header_length = header.header_length() as usize;
        let left = &bytes[header_length..];
        if header.payload_length <= left.len() as u64 {
            let payload_length = header.payload_length as usize;
            self.frame_in_hand(header, &left[..payload_length], origin, desk, sink);
            self.offset += (header_length + payload_length) as u64;
            return header_length + payload_length;
        }
        self.open(header, self.offset, origin.at, desk, sink);
        self.offset += header_length as u64;
        header_length
    }

    /// Inside a header that came in pieces.
    fn complete_header(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
        let have = usize::from(self.header_length);
        let taken = bytes.len().min(MAX_HEADER - have);
        self.header[have..have + taken].copy_from_slice(&bytes[..taken]);
        let seen = &self.header[..have + taken];
        if let Some(kind) = self.recognise_other(seen) {
            let (offset, at) = (self.offset - have as u64, origin.at);
            let bytes = seen[..have].to_vec();
            self.framing = Framing::Other(Box::new(Other { kind, offset, bytes, at }));
            self.header_length = 0;
            return 0;
        }
        let Some(header) = self.read_header(seen) else {
            self.header_length += taken as u8;
            self.offset += taken as u64;
            return taken;
        };
        // A header may be shorter than what was held back to tell frames from HTTP.
        let header_length = header.header_length() as usize;
        if header_length < have {
            let seen = self.header;
            return self.begin_again(&seen[..have + taken], origin, desk, sink);
        }
        let used = header_length - have;
        let start = self.offset - have as u64;
        self.header_length = 0;
        self.open(header, start, self.header_started, desk, sink);
        self.offset += used as u64;
        if header.payload_length == 0 {
            self.end_current(origin, true, desk, sink);
        }
        used
    }

    /// Goes back over bytes that were held back and turned out to be more than a header, and over
    /// those that told. Returns how many of the latter were taken.
    fn begin_again(
        &mut self,
        seen: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
        let have = usize::from(std::mem::take(&mut self.header_length));
        self.offset -= have as u64;
        let mut done = 0;
        while done < have {
            done += match self.current {
                Some(_) => self.go_on(&seen[done..], origin, desk, sink),
                None => self.begin(&seen[done..], origin, desk, sink),
            };
        }
        done - have
    }

    /// The header at the start of `bytes`, unless more bytes are needed to tell.
    #[inline(always)]
    fn read_header(&self, bytes: &[u8]) -> Option<FrameHeader> {
        if self.may_become_other(bytes) { None } else { FrameHeader::read(bytes).ok() }
    }

    /// A frame that lies whole in one piece: the hot path.
    fn frame_in_hand(
        &mut self,
        header: FrameHeader,
        raw: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let part = self.part_of(header.first);
        self.frames += 1;
        let mut unmasked = std::mem::take(&mut desk.unmasked);
        let payload = match header.masking_key {
            Some(key) => {
                unmasked.clear();
                unmasked.extend_from_slice(raw);
                mask(&mut unmasked, key, 0);
                &unmasked[..]
            }
            None => raw,
        };
        if part == Part::Interrupting && !header.fin() {
            self.abandon_message(origin.at, desk, sink);
        }
        let message = self.message_number(part);
        // As much as would be kept of it if it came in pieces.
        let shown = match keep(part, desk) {
            Some(keep) => &payload[..payload.len().min(keep)],
            None => payload,
        };
        sink(&Event::Frame(&Frame {
            from: self.from,
            number: self.frames,
            header,
            offset: self.offset,
            part,
            message,
            recovered: self.recovered,
            complete: true,
            missing: 0,
            payload: Some(shown),
            started: origin.at,
            at: origin.at,
            heard: origin.heard,
        }));
        match part {
            Part::Control => self.control(&header, shown, self.offset, origin, sink),
            Part::Unknown | Part::Orphan => {}
            _ => {
                let number = message.unwrap_or_default();
                let opening = self.opening(&header, number, self.offset, origin.at);
                let is_whole = matches!(part, Part::Whole | Part::Interrupting) && header.fin();
                if is_whole && opening.compression.is_none() {
                    whole(
                        &opening,
                        self.frames,
                        payload,
                        &desk.limits,
                        origin.at,
                        &mut |message| {
                            sink(&Event::Message(message));
                        },
                    );
                } else if is_whole {
                    let mut own = Assembly::new(opening, &mut self.context);
                    own.begin_frame(self.frames, self.offset + header.header_length());
                    own.push(payload, &mut self.context, desk);
                    self.finish_message(own, true, origin.at, desk, sink);
                } else {
                    self.fragment(part, &header, opening, self.offset, payload, desk);
                    self.end_fragment(part, header.fin(), origin.at, desk, sink);
                }
            }
        }
        desk.unmasked = unmasked;
    }

    /// A frame whose payload comes in pieces begins.
    fn open(
        &mut self,
        header: FrameHeader,
        offset: u64,
        started: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let part = self.part_of(header.first);
        self.frames += 1;
        if part == Part::Interrupting && !header.fin() {
            self.abandon_message(started, desk, sink);
        }
        let message = self.message_number(part);
        let keep = keep(part, desk).unwrap_or(MAX_BEGINNING_KEPT);
        let mut own = None;
        if let Some(number) = message {
            let opening = self.opening(&header, number, offset, started);
            if matches!(part, Part::Whole | Part::Interrupting) && header.fin() {
                let mut assembly = Assembly::new(opening, &mut self.context);
                assembly.begin_frame(self.frames, offset + header.header_length());
                own = Some(Box::new(assembly));
            } else {
                self.fragment(part, &header, opening, offset, &[], desk);
            }
        }
        self.current = Some(Box::new(Current {
            header,
            number: self.frames,
            offset,
            part,
            message,
            position: 0,
            missing: 0,
            kept: Vec::new(),
            keep,
            own,
            started,
        }));
    }

    /// More payload of the current frame.
    fn go_on(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
        let Some(current) = &mut self.current else { return 0 };
        let left = current.header.payload_length - current.position;
        let taken = left.min(bytes.len() as u64) as usize;
        let mut unmasked = std::mem::take(&mut desk.unmasked);
        let piece = match current.header.masking_key {
            Some(key) => {
                unmasked.clear();
                unmasked.extend_from_slice(&bytes[..taken]);
                mask(&mut unmasked, key, current.position);
                &unmasked[..]
            }
            None => &bytes[..taken],
        };
        current.position += taken as u64;
        if current.missing == 0 {
            let room = current.keep.saturating_sub(current.kept.len()).min(taken);
            current.kept.extend_from_slice(&piece[..room]);
        }
        if let Some(own) = &mut current.own {
            own.push(piece, &mut self.context, desk);
        } else if current.message.is_some()
            && let Some(assembly) = &mut self.assembly
        {
            assembly.push(piece, &mut self.context, desk);
        }
        let is_over = current.position == current.header.payload_length;
        desk.unmasked = unmasked;
        self.offset += taken as u64;
        if is_over {
            self.end_current(origin, true, desk, sink);
        }
        taken
    }

    /// The current frame ended, or (`whole` is false) the stream did.
    fn end_current(
        &mut self,
        origin: Origin,
        whole: bool,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Some(mut current) = self.current.take() else { return };
        let header = current.header;
        let missing = current.missing + (header.payload_length - current.position);
        sink(&Event::Frame(&Frame {
            from: self.from,
            number: current.number,
            header,
            offset: current.offset,
            part: current.part,
            message: current.message,
            recovered: self.recovered,
            complete: missing == 0,
            missing,
            payload: Some(&current.kept),
            started: current.started,
            at: origin.at,
            heard: origin.heard,
        }));
        if let Some(own) = current.own.take() {
            self.finish_message(*own, whole, origin.at, desk, sink);
        } else if current.part == Part::Control {
            if missing == 0 {
                self.control(&header, &current.kept, current.offset, origin, sink);
            }
        } else if current.message.is_some() && whole {
            self.end_fragment(current.part, header.fin(), origin.at, desk, sink);
        }
    }

    /// Bytes of this stream that were not captured.
    pub(super) fn gap(
        &mut self,
        length: Option<u64>,
        reason: GapReason,
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.lossy = true;
        let inside = match (&self.current, length) {
            (Some(current), Some(length)) => {
                current.header.payload_length - current.position >= length
            }
            _ => false,
        };
        let offset = self.offset;
        if inside && let (Some(current), Some(length)) = (&mut self.current, length) {
            current.position += length;
            current.missing += length;
            if let Some(own) = &mut current.own {
                own.hole(length, &mut self.context);
            } else if current.message.is_some()
                && let Some(assembly) = &mut self.assembly
            {
                assembly.hole(length, &mut self.context);
            }
        }
        self.tell_other(sink);
        let framing_lost = !inside && !matches!(self.framing, Framing::Over);
        if framing_lost {
            self.cut(origin, desk, sink);
        }
        self.offset += length.unwrap_or(0);
        match &mut self.framing {
            Framing::Sought(seeker, _) => match length {
                Some(length) => seeker.push_gap(length, reason, origin),
                None => seeker.restart(),
            },
            Framing::Known if framing_lost => self.seek(),
            Framing::Known | Framing::Over | Framing::Other(_) => {}
        }
        let (from, at) = (self.from, origin.at);
        sink(&Event::Gap(&Gap { from, offset, length, reason, framing_lost, at }));
        let is_over = self
            .current
            .as_ref()
            .is_some_and(|current| current.position == current.header.payload_length);
        if is_over {
            self.end_current(origin, true, desk, sink);
        }
    }

    /// These are no frames.
    pub(super) fn give_up(&mut self) {
        self.framing = Framing::Over;
    }

    /// Looks for the border of a frame from here on. What was missed may have been compressed.
    pub(super) fn seek(&mut self) {
        self.context.lose();
        let seeker = Seeker::new(self.offset, self.expectation());
        self.framing = Framing::Sought(Box::new(seeker), self.offset);
    }

    /// Goes on with a search that began before it was known which direction this is.
    pub(super) fn seek_with(
        &mut self,
        mut seeker: Seeker,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let since = self.offset;
        let found = seeker.expect_masked(self.from == Endpoint::Client);
        self.framing = Framing::Sought(Box::new(seeker), since);
        if let Some(found) = found {
            self.resume(found, since, desk, sink);
        }
    }

    fn expectation(&self) -> Expectation {
        let rsv1 = self
            .agreement
            .is_none_or(|agreement| agreement.deflate.is_some() || agreement.unknown_extension);
        let masked = Some(self.from == Endpoint::Client);
        Expectation { masked, rsv1, margin: MARGIN_AFTER_LOSS }
    }

    /// A border was found: what was held back is read from there on.
    pub(super) fn resume(
        &mut self,
        found: Found,
        since: u64,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.framing = Framing::Known;
        self.offset = found.start;
        let skipped = found.start.saturating_sub(since);
        self.recovered = Some(Recovered { confidence: found.confidence, skipped });
        for piece in found.pieces {
            match piece.what {
                What::Bytes(bytes) => self.hear(&bytes, piece.origin, desk, sink),
                What::Gap(length, reason) => {
                    self.gap_again(length, reason, piece.origin, desk, sink);
                }
            }
        }
    }

    /// A gap that was told when it came, and now falls into its place among the frames.
    fn gap_again(
        &mut self,
        length: u64,
        reason: GapReason,
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        self.gap(Some(length), reason, origin, desk, &mut |event| {
            if !matches!(event, Event::Gap(_)) {
                sink(event);
            }
        });
    }

    /// The stream ended: a search that is under way may have found enough.
    pub(super) fn finish_search(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        if let Framing::Sought(seeker, since) = &mut self.framing {
            let since = *since;
            if let Some(found) = seeker.finish() {
                self.resume(found, since, desk, sink);
            }
        }
    }

    /// What is unfinished is told as far as it is known.
    pub(super) fn finish(&mut self, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        self.tell_other(sink);
        self.cut(Origin { at: self.last_at, heard: None }, desk, sink);
    }

    fn cut(&mut self, origin: Origin, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        self.end_current(origin, false, desk, sink);
        if self.header_length > 0 {
            let have = usize::from(std::mem::take(&mut self.header_length));
            let bytes = &self.header[..have];
            let needed = FrameHeader::read(bytes).err().unwrap_or(have) as u64;
            let offset = self.offset - have as u64;
            let (from, at) = (self.from, origin.at);
            let part = self.part_of(bytes[0]);
            sink(&Event::CutHeader(&CutHeader { from, offset, bytes, needed, part, at }));
        }
        self.abandon_message(origin.at, desk, sink);
    }

    /// The place in a message of a frame whose header begins so.
    fn part_of(&self, first: u8) -> Part {
        let fin = first & 0x80 != 0;
        match (Opcode::from_bits(first), self.assembly.is_some()) {
            (opcode, _) if opcode.is_control() => Part::Control,
            (Opcode::Continuation, true) if fin => Part::Last,
            (Opcode::Continuation, true) => Part::Middle,
            (Opcode::Continuation, false) => Part::Orphan,
            (Opcode::Text | Opcode::Binary, true) => Part::Interrupting,
            (Opcode::Text | Opcode::Binary, false) if fin => Part::Whole,
            (Opcode::Text | Opcode::Binary, false) => Part::First,
            _ => Part::Unknown,
        }
    }

    fn message_number(&mut self, part: Part) -> Option<u64> {
        match part {
            Part::Control | Part::Unknown | Part::Orphan => None,
            Part::Middle | Part::Last => self.assembly.as_ref().map(|assembly| assembly.number()),
            Part::Whole | Part::First | Part::Interrupting => {
                self.messages += 1;
                Some(self.messages)
            }
        }
    }

    #[inline(always)]
    fn opening(&self, header: &FrameHeader, number: u64, offset: u64, started: At) -> Opening {
        let unknown = Compression { window_bits: 15, context_takeover: true };
        let (compression, explained) = match self.agreement {
            // Without a handshake RSV1 most likely means what it always means.
            None => (Some(unknown), true),
            Some(Agreement { deflate: Some(deflate), .. }) => match self.from {
                Endpoint::Client => (Some(deflate.client), true),
                Endpoint::Server => (Some(deflate.server), true),
            },
            Some(_) => (None, false),
        };
        let opaque = header.rsv2() || header.rsv3() || header.rsv1() && !explained;
        Opening {
            from: self.from,
            number,
            opcode: header.opcode(),
            offset,
            payload_offset: offset + header.header_length(),
            started,
            compression: compression.filter(|_| header.rsv1()),
            opaque,
        }
    }

    /// A piece of a fragmented message; `opening` counts only for its first fragment.
    fn fragment(
        &mut self,
        part: Part,
        header: &FrameHeader,
        opening: Opening,
        offset: u64,
        payload: &[u8],
        desk: &mut Desk,
    ) {
        if matches!(part, Part::First | Part::Interrupting) {
            self.assembly = Some(Box::new(Assembly::new(opening, &mut self.context)));
        }
        if let Some(assembly) = &mut self.assembly {
            assembly.begin_frame(self.frames, offset + header.header_length());
            if matches!(part, Part::Middle | Part::Last) && header.first & 0x70 != 0 {
                assembly.doubt();
            }
            assembly.push(payload, &mut self.context, desk);
        }
    }

    fn end_fragment(
        &mut self,
        part: Part,
        fin: bool,
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if part == Part::Last && fin {
            if let Some(assembly) = self.assembly.take() {
                self.finish_message(*assembly, true, at, desk, sink);
            }
        } else if let Some(assembly) = &mut self.assembly {
            assembly.end_fragment();
        }
    }

    fn abandon_message(&mut self, at: At, desk: &mut Desk, sink: &mut impl FnMut(&Event<'_>)) {
        if let Some(assembly) = self.assembly.take() {
            self.finish_message(*assembly, false, at, desk, sink);
        }
    }

    fn finish_message(
        &mut self,
        assembly: Assembly,
        complete: bool,
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        assembly.finish(complete, at, &mut self.context, desk, &mut |message: &Message<'_>| {
            sink(&Event::Message(message));
        });
    }

    fn control(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        offset: u64,
        origin: Origin,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if header.opcode() != Opcode::Close {
            return;
        }
        let body = CloseBody::read(payload);
        let first = self.closed.is_none();
        if first {
            self.closed = Some(body.code);
            self.closed_at = Some(origin.at);
            let length = header.header_length() + header.payload_length;
            self.closed_between = Some((origin.heard, offset + length));
        }
        sink(&Event::Close(&Close {
            from: self.from,
            frame: self.frames,
            offset: offset + header.header_length(),
            length: header.payload_length,
            body,
            first,
            heard: origin.heard,
            at: origin.at,
        }));
    }

    /// Before the server's first frame after a handshake, there may be HTTP instead.
    #[inline]
    fn may_be_http(&self) -> bool {
        self.frames == 0 && self.from == Endpoint::Server && self.agreement.is_some()
    }

    /// True while these bytes at a frame border are too few to tell a frame from something else.
    fn may_become_other(&self, bytes: &[u8]) -> bool {
        let is_start_of_http =
            bytes == b"<" || bytes.len() < b"HTTP/".len() && b"HTTP/".starts_with(bytes);
        self.may_be_http() && is_start_of_http
    }

    /// What stands at this frame border if it can't be a frame.
    #[inline]
    fn recognise_other(&self, bytes: &[u8]) -> Option<NotFramesKind> {
        if self.closed.is_some() {
            return (!is_plausible(bytes, self.from)).then_some(NotFramesKind::TrailingBytes);
        }
        if !self.may_be_http() {
            return None;
        }
        let is_markup = matches!(bytes, [b'<', b'!' | b'a'..=b'z' | b'A'..=b'Z', ..]);
        (bytes.starts_with(b"HTTP/") || is_markup).then_some(NotFramesKind::HttpAfterUpgrade)
    }
}

/// How much is kept of a frame's payload; none if nothing needs to be.
fn keep(part: Part, desk: &Desk) -> Option<usize> {
    match part {
        Part::Control => Some(MAX_CONTROL_KEPT),
        _ => desk.limits.keep_frames.then_some(desk.limits.max_payload.max(MAX_BEGINNING_KEPT)),
    }
}

/// True if these bytes may begin a frame from that endpoint: a defined opcode, no RSV2 or RSV3,
/// the MASK bit that fits the direction.
fn is_plausible(bytes: &[u8], from: Endpoint) -> bool {
    let opcode_fits =
        |first: u8| !matches!(Opcode::from_bits(first), Opcode::Reserved(_)) && first & 0x30 == 0;
    match bytes {
        [first, second, ..] => {
            opcode_fits(*first) && (second & 0x80 != 0) == (from == Endpoint::Client)
        }
        [first] => opcode_fits(*first),
        [] => true,
    }
}
