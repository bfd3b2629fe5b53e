//! What stands where frames should be and is none: HTTP behind the 101, bytes behind a Close.

use super::{Framing, Incoming, Origin, Partial};
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::event::{Event, MAX_NOT_FRAMES_KEPT, NotFrames, NotFramesKind};
use crate::websocket::frame::MAX_HEADER;

/// As much of an endpoint's HTTP is held back until the other shows whether it speaks it as well.
const MAX_HELD: usize = 16 * 1024;

/// So many characters of text instead of a frame are taken for text.
const TELLING_TEXT: usize = 5;

/// The longest method that is looked for behind a 101.
const MAX_METHOD: usize = b"OPTIONS".len();

/// The beginning of something that is no frame.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) kind: NotFramesKind,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
    /// How many bytes are kept.
    most: usize,
}

impl Other {
    pub(super) fn new(kind: NotFramesKind, offset: u64, bytes: &[u8], origin: Origin) -> Other {
        let most = match kind {
            NotFramesKind::HttpRequest | NotFramesKind::HttpAfterUpgrade => MAX_HELD,
            _ => MAX_NOT_FRAMES_KEPT,
        };
        Other { kind, offset, bytes: bytes.to_vec(), origin, most }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.most - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// More would not be kept.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= self.most
    }

    fn tell(&self, from: Endpoint, sink: &mut impl FnMut(&Event<'_>)) {
        let Other { kind, offset, bytes, origin, .. } = self;
        let bytes = &bytes[..bytes.len().min(MAX_NOT_FRAMES_KEPT)];
        let (kind, offset, at) = (*kind, *offset, origin.at);
        sink(&Event::NotFrames(&NotFrames { from, offset, bytes, kind, at }));
    }
}

impl Incoming {
    /// Tells what stands where frames should be, as far as it was kept.
    pub(in crate::websocket) fn tell_other(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if !matches!(self.framing, Framing::Other(_)) {
            return;
        }
        if let Framing::Other(other) = std::mem::replace(&mut self.framing, Framing::Over) {
            other.tell(self.from, sink);
        }
    }

    /// Nothing more comes: what was held back as the beginning of text is text.
    pub(super) fn tell_held_text(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if !self.holds_text() {
            return;
        }
        let (offset, bytes, origin) = self.take_http(sink);
        Other::new(NotFramesKind::TextAfterUpgrade, offset, &bytes, origin).tell(self.from, sink);
    }

    /// The pieces of a header that are held back may be text, and are no frame that could be.
    pub(super) fn holds_text(&self) -> bool {
        let is_text = |it: &Partial| self.is_text(&it.bytes[..it.length]);
        let may_be = self.from == Endpoint::Server && self.may_be_http() && self.closed().is_none();
        may_be && self.partial().is_some_and(is_text)
    }

    /// HTTP stands where the first frame should, and it was not told yet.
    #[inline]
    pub(in crate::websocket) fn holds_http(&self) -> bool {
        match &self.framing {
            Framing::Other(other) => {
                matches!(other.kind, NotFramesKind::HttpRequest | NotFramesKind::HttpAfterUpgrade)
            }
            _ => false,
        }
    }

    /// What comes is read as frames, or as nothing any more.
    pub(in crate::websocket) fn has_begun(&self) -> bool {
        let partial = self.partial().map_or(&[][..], |it| &it.bytes[..it.length]);
        let may_be_http = matches!(self.framing, Framing::Known)
            && (partial.is_empty() || self.may_become_other(partial));
        self.frames > 0 || !(may_be_http || self.holds_http())
    }

    /// With these bytes as the next, this is a stream of frames.
    pub(in crate::websocket) fn begins_frames(&self, bytes: &[u8]) -> bool {
        let partial = self.partial().map_or(&[][..], |it| &it.bytes[..it.length]);
        let beginning = [partial, &bytes[..bytes.len().min(MAX_HEADER)]].concat();
        self.has_begun()
            || !self.may_become_other(&beginning) && self.recognise_other(&beginning).is_none()
    }

    /// What is held back of HTTP is told once enough of it is there: the peer does not speak it.
    pub(in crate::websocket) fn await_no_peer(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if let Framing::Other(other) = &mut self.framing {
            other.most = other.bytes.len().max(MAX_NOT_FRAMES_KEPT);
            if other.is_full() {
                self.tell_other(sink);
            }
        }
    }

    /// What was held back of HTTP where no frame came yet: where it begins, its bytes and where
    /// they are from. A request is told.
    pub(in crate::websocket) fn take_http(
        &mut self,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> (u64, Vec<u8>, Origin) {
        if let Framing::Other(other) = std::mem::replace(&mut self.framing, Framing::Over) {
            if other.kind == NotFramesKind::HttpRequest {
                other.tell(self.from, sink);
            }
            return (other.offset, other.bytes, other.origin);
        }
        let partial = self.take_partial();
        let bytes = partial.map_or_else(Vec::new, |it| it.bytes[..it.length].to_vec());
        let origin = Origin { at: self.last_at, heard: None };
        (self.offset - bytes.len() as u64, bytes, origin)
    }

    /// Before an endpoint's first frame after a handshake, there may be HTTP instead.
    #[inline]
    pub(super) fn may_be_http(&self) -> bool {
        self.frames == 0 && self.agreement.is_some()
    }

    /// True while these bytes at a frame border are too few to tell a frame from something else.
    #[inline]
    pub(super) fn may_become_other(&self, bytes: &[u8]) -> bool {
        self.may_be_http() && self.is_start_of_http(bytes)
    }

    fn is_start_of_http(&self, bytes: &[u8]) -> bool {
        match self.from {
            Endpoint::Client => begins_request(bytes).is_none(),
            Endpoint::Server => {
                bytes == b"<"
                    || bytes.len() < b"HTTP/".len() && b"HTTP/".starts_with(bytes)
                    || bytes.len() < TELLING_TEXT && self.is_text(bytes)
            }
        }
    }

    /// What stands at this frame border if it can't be a frame.
    #[inline]
    pub(super) fn recognise_other(&self, bytes: &[u8]) -> Option<NotFramesKind> {
        match self.closed().is_some() || self.may_be_http() {
            true => self.look_for_other(bytes),
            false => None,
        }
    }

    /// The same, before the first frame and behind a Close: in between there is nothing else.
    fn look_for_other(&self, bytes: &[u8]) -> Option<NotFramesKind> {
        if self.closed().is_some() {
            return (!is_plausible(bytes, self.from)).then_some(NotFramesKind::TrailingBytes);
        }
        if self.from == Endpoint::Client {
            return (begins_request(bytes) == Some(true)).then_some(NotFramesKind::HttpRequest);
        }
        let is_markup = matches!(bytes, [b'<', b'!' | b'a'..=b'z' | b'A'..=b'Z', ..]);
        if bytes.starts_with(b"HTTP/") || is_markup {
            return Some(NotFramesKind::HttpAfterUpgrade);
        }
        let is_text = bytes.get(..TELLING_TEXT).is_some_and(|start| self.is_text(start));
        is_text.then_some(NotFramesKind::TextAfterUpgrade)
    }

    /// Readable text whose first character, taken for the first byte of a frame, breaks what was
    /// agreed: it sets RSV2 or RSV3, or has an opcode that no message begins with. Only `A` and `B`
    /// may begin a compressed message of several frames.
    fn is_text(&self, bytes: &[u8]) -> bool {
        let is_character = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        let agreed = self.agreement.filter(|agreed| !agreed.unknown_extension);
        let (Some(agreed), [first @ b' '..=b'~', ..]) = (agreed, bytes) else { return false };
        let may_begin_frame = agreed.deflate.is_some() && matches!(first, b'A' | b'B');
        !may_begin_frame && bytes.iter().all(is_character)
    }
}

/// Whether a request of HTTP begins here: capital letters, a space, and what begins a target
/// (RFC 9112 §3). None while that can't be told. No masked frame begins so.
fn begins_request(bytes: &[u8]) -> Option<bool> {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    match &bytes[method..] {
        [] | [b' '] if method <= MAX_METHOD => None,
        [b' ', b'/' | b'*' | b'h' | b'H', ..] => Some((3..=MAX_METHOD).contains(&method)),
        _ => Some(false),
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
