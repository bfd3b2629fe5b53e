//! One endpoint's frames (RFC 6455 §5): bytes in, frames and messages out. However the bytes are
//! cut into pieces, the same comes out; nothing is refused.

mod loss;
mod other;
mod parts;

use super::event::{Event, Frame, MAX_BEGINNING_KEPT, MAX_CONTROL_KEPT, Part, Recovered};
use super::extension::Agreement;
use super::frame::{FrameHeader, MAX_HEADER};
use super::mask::mask;
use super::message::{Assembly, Context, Desk, whole};
use super::resync::Seeker;
use crate::said::{At, Endpoint};
use other::Other;

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
    current: Option<Box<Current>>,
    /// The fragmented message in progress.
    assembly: Option<Box<Assembly>>,
    context: Context,
    /// What was agreed; none if the handshake was not seen.
    agreement: Option<Agreement>,
    framing: Framing,
    /// Bytes were missing.
    pub(super) lossy: bool,
    seldom: Option<Box<Seldom>>,
    last_at: At,
}

/// What few endpoints have at a time.
#[derive(Debug, Default)]
struct Seldom {
    /// A header that has not come whole.
    partial: Option<Box<Partial>>,
    recovered: Option<Recovered>,
    /// The first Close.
    closed: Option<FirstClose>,
}

/// The beginning of a header.
#[derive(Debug)]
struct Partial {
    bytes: [u8; MAX_HEADER],
    length: usize,
    started: At,
}

/// The first Close of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstClose {
    pub(super) code: Option<u16>,
    /// When it was sent.
    pub(super) at: At,
    /// How much of the peer's stream the endpoint had heard by then.
    pub(super) heard: Option<u64>,
    /// The offset behind it.
    pub(super) end: u64,
}

/// What is known of the borders of the frames.
#[derive(Debug)]
enum Framing {
    /// The next byte is where the frames so far say it is.
    Known,
    /// Bytes were lost; the next border is being looked for.
    Sought(Box<Search>),
    /// These are no frames any more, and that was told.
    Over,
    /// These are no frames any more. As soon as enough is there to see what they are, it is told.
    Other(Box<Other>),
}

/// A search for the next border.
#[derive(Debug)]
struct Search {
    seeker: Seeker,
    /// The offset since which it has been under way.
    since: u64,
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
            current: None,
            assembly: None,
            context,
            agreement,
            framing: Framing::Known,
            lossy: false,
            seldom: None,
            last_at: At::default(),
        }
    }

    pub(super) fn from(&self) -> Endpoint {
        self.from
    }

    pub(super) fn agreement(&self) -> Option<Agreement> {
        self.agreement
    }

    /// The first Close.
    pub(super) fn closed(&self) -> Option<FirstClose> {
        self.seldom.as_ref()?.closed
    }

    /// A header that has not come whole.
    #[inline]
    fn partial(&self) -> Option<&Partial> {
        self.seldom.as_ref()?.partial.as_deref()
    }

    fn take_partial(&mut self) -> Option<Box<Partial>> {
        self.seldom.as_mut()?.partial.take()
    }

    pub(super) fn is_inside_frame(&self) -> bool {
        self.current.is_some() || self.partial().is_some() && !self.holds_text()
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
        if let Framing::Sought(search) = &mut self.framing {
            let since = search.since;
            self.offset += bytes.len() as u64;
            if let Some(found) = search.seeker.push(bytes, origin) {
                self.resume(found, since, desk, sink);
            }
            return;
        }
        while !bytes.is_empty() && matches!(self.framing, Framing::Known) {
            let taken = if self.current.is_some() {
                self.go_on(bytes, origin, desk, sink)
            } else if self.partial().is_some() {
                self.complete_header(bytes, origin, desk, sink)
            } else {
                self.begin(bytes, origin, desk, sink)
            };
            bytes = &bytes[taken..];
        }
        self.offset += bytes.len() as u64;
        if let Framing::Other(other) = &mut self.framing {
            other.push(bytes);
            if other.is_full() {
                self.tell_other(sink);
            }
        }
    }

    /// At a frame border. Returns how many bytes were taken.
    #[inline(always)]
    fn begin(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
        if let Some(kind) = self.recognise_other(bytes) {
            let other = Other::new(kind, self.offset, &[], origin);
            self.framing = Framing::Other(Box::new(other));
            return 0;
        }
        let Some(header) = self.read_header(bytes) else {
            // A header is at most 14 bytes, so what is there of an incomplete one fits.
            let (length, started) = (bytes.len(), origin.at);
            let mut partial = Partial { bytes: [0; MAX_HEADER], length, started };
            partial.bytes[..length].copy_from_slice(bytes);
            self.seldom.get_or_insert_default().partial = Some(Box::new(partial));
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
        let Some(mut partial) = self.take_partial() else { return 0 };
        let have = partial.length;
        let taken = bytes.len().min(MAX_HEADER - have);
        partial.bytes[have..have + taken].copy_from_slice(&bytes[..taken]);
        let seen = &partial.bytes[..have + taken];
        if let Some(kind) = self.recognise_other(seen) {
            let other = Other::new(kind, self.offset - have as u64, &seen[..have], origin);
            self.framing = Framing::Other(Box::new(other));
            return 0;
        }
        let Some(header) = self.read_header(seen) else {
            partial.length += taken;
            self.seldom.get_or_insert_default().partial = Some(partial);
            self.offset += taken as u64;
            return taken;
        };
        // A header may be shorter than what was held back to tell frames from HTTP.
        let header_length = header.header_length() as usize;
        if header_length < have {
            return self.begin_again(seen, have, origin, desk, sink);
        }
        let used = header_length - have;
        let start = self.offset - have as u64;
        self.open(header, start, partial.started, desk, sink);
        self.offset += used as u64;
        if header.payload_length == 0 {
            self.end_current(origin, true, desk, sink);
        }
        used
    }

    /// Goes back over bytes of which the first few were held back and turned out to be more than a
    /// header. Returns how many of the others were taken.
    fn begin_again(
        &mut self,
        seen: &[u8],
        have: usize,
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> usize {
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
    #[inline(always)]
    fn frame_in_hand(
        &mut self,
        header: FrameHeader,
        raw: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Some(key) = header.masking_key else {
            return self.take_frame(header, raw, origin, desk, sink);
        };
        let mut unmasked = std::mem::take(&mut desk.unmasked);
        unmasked.clear();
        unmasked.extend_from_slice(raw);
        mask(&mut unmasked, key, 0);
        self.take_frame(header, &unmasked, origin, desk, sink);
        desk.unmasked = unmasked;
    }

    /// A frame with all of its payload, unmasked.
    fn take_frame(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        origin: Origin,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let part = self.part_of(header.first);
        self.frames += 1;
        if part == Part::Interrupting && !header.fin() {
            self.abandon_message(origin.at, desk, sink);
        }
        let message = self.message_number(part);
        // As much as would be kept of it if it came in pieces.
        let shown = match keep(part, desk) {
            Some(keep) => &payload[..payload.len().min(keep)],
            None => payload,
        };
        let frame = Frame {
            from: self.from,
            number: self.frames,
            header,
            offset: self.offset,
            part,
            message,
            recovered: self.seldom.as_ref().and_then(|seldom| seldom.recovered),
            complete: true,
            missing: 0,
            beyond: 0,
            payload: Some(shown),
            started: origin.at,
            at: origin.at,
            heard: origin.heard,
        };
        sink(&Event::Frame(&frame));
        let Some(number) = message else {
            if part == Part::Control {
                self.control(&header, shown, self.offset, origin, sink);
            }
            return;
        };
        let is_whole = matches!(part, Part::Whole | Part::Interrupting) && header.fin();
        let form = self.form(&header);
        if is_whole && form.compression.is_none() {
            whole(&frame, payload, form, &desk.limits, &mut |message| {
                sink(&Event::Message(message));
            });
            return;
        }
        let opening = self.opening(&header, number, self.offset, origin.at);
        if is_whole {
            let mut own = Assembly::new(opening, &mut self.context);
            own.begin_frame(self.frames, self.offset + header.header_length());
            own.push(payload, &mut self.context, desk);
            self.finish_message(own, true, origin.at, desk, sink);
        } else {
            self.fragment(part, &header, opening, self.offset, payload, desk);
            self.end_fragment(part, header.fin(), origin.at, desk, sink);
        }
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
        let beyond = header.payload_length - current.position;
        let missing = current.missing + beyond;
        sink(&Event::Frame(&Frame {
            from: self.from,
            number: current.number,
            header,
            offset: current.offset,
            part: current.part,
            message: current.message,
            recovered: self.seldom.as_ref().and_then(|seldom| seldom.recovered),
            complete: missing == 0,
            missing,
            beyond,
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
}

/// How much is kept of a frame's payload; none if nothing needs to be.
fn keep(part: Part, desk: &Desk) -> Option<usize> {
    match part {
        Part::Control => Some(MAX_CONTROL_KEPT),
        _ => desk.limits.keep_frames.then_some(desk.limits.max_payload.max(MAX_BEGINNING_KEPT)),
    }
}
