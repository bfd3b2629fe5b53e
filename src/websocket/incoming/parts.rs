//! From frames to messages (RFC 6455 §5.4): the place of each frame in its message, and Close.

use super::{FirstClose, Incoming, Origin};
use crate::said::{At, MessageKind, Said};
use crate::websocket::Opcode;
use crate::websocket::close::CloseBody;
use crate::websocket::event::{Close, Event, Message, Part};
use crate::websocket::extension::{Agreement, Compression};
use crate::websocket::frame::FrameHeader;
use crate::websocket::message::{self, Assembly, Desk, Form, Opening};

impl Incoming {
    /// The place in a message of a frame whose header begins so.
    #[inline]
    pub(super) fn part_of(&self, first: u8) -> Part {
        const CONTINUATION: u8 = Opcode::Continuation.bits();
        const TEXT: u8 = Opcode::Text.bits();
        const BINARY: u8 = Opcode::Binary.bits();
        let fin = first & 0x80 != 0;
        match (first & 0x0f, self.assembly.is_some()) {
            (8.., _) => Part::Control,
            (CONTINUATION, true) if fin => Part::Last,
            (CONTINUATION, true) => Part::Middle,
            (CONTINUATION, false) => Part::Orphan,
            (TEXT | BINARY, true) => Part::Interrupting,
            (TEXT | BINARY, false) if fin => Part::Whole,
            (TEXT | BINARY, false) => Part::First,
            _ => Part::Unknown,
        }
    }

    pub(super) fn message_number(&mut self, part: Part) -> Option<u64> {
        match part {
            Part::Control | Part::Unknown | Part::Orphan => None,
            Part::Middle | Part::Last => self.assembly.as_ref().map(|assembly| assembly.number()),
            Part::Whole | Part::First | Part::Interrupting => {
                self.messages += 1;
                Some(self.messages)
            }
        }
    }

    /// What the reserved bits of a message's first header say of its payload.
    #[inline]
    pub(super) fn form(&self, header: &FrameHeader) -> Form {
        if header.first & 0x70 == 0 {
            return Form::default();
        }
        let unknown = Compression { window_bits: 15, context_takeover: true };
        let (compression, explained) = match self.agreement {
            // Without a handshake RSV1 most likely means what it always means.
            None => (Some(unknown), true),
            Some(Agreement { deflate: Some(deflate), .. }) => (Some(deflate.of(self.from)), true),
            Some(_) => (None, false),
        };
        Form {
            compression: compression.filter(|_| header.rsv1()),
            opaque: header.rsv2() || header.rsv3() || header.rsv1() && !explained,
        }
    }

    pub(super) fn opening(
        &self,
        header: &FrameHeader,
        number: u64,
        offset: u64,
        started: At,
    ) -> Opening {
        Opening {
            from: self.from,
            number,
            opcode: header.opcode(),
            offset,
            started,
            fragmented: !header.fin(),
            form: self.form(header),
        }
    }

    /// A piece of a fragmented message; `opening` counts only for its first fragment.
    pub(super) fn fragment(
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

    pub(super) fn end_fragment(
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

    pub(super) fn abandon_message(
        &mut self,
        at: At,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        if let Some(assembly) = self.assembly.take() {
            self.finish_message(*assembly, false, at, desk, sink);
        }
    }

    pub(super) fn finish_message(
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

    /// A message that the input has as such: nothing is known of its frames.
    pub(in crate::websocket) fn message(
        &mut self,
        said: &Said<'_>,
        desk: &mut Desk,
        sink: &mut impl FnMut(&Event<'_>),
    ) {
        let Said::Message { kind, payload, at, .. } = *said else { return };
        self.last_at = at;
        if kind == MessageKind::Close {
            let body = CloseBody::read(payload);
            let first = self.closed().is_none();
            if first {
                let code = body.code;
                let close = FirstClose { code, at, heard: None, end: 0 };
                self.seldom.get_or_insert_default().closed = Some(close);
            }
            let (from, length) = (self.from, payload.len() as u64);
            let close = Close { from, frame: 0, offset: 0, length, body, first, heard: None, at };
            return sink(&Event::Close(&close));
        }
        self.messages += 1;
        message::as_such(said, self.messages, &desk.limits, &mut |message| {
            sink(&Event::Message(message));
        });
    }

    pub(super) fn control(
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
        let first = self.closed().is_none();
        if first {
            let end = offset + header.header_length() + header.payload_length;
            let Origin { at, heard } = origin;
            let close = FirstClose { code: body.code, at, heard, end };
            self.seldom.get_or_insert_default().closed = Some(close);
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
}
