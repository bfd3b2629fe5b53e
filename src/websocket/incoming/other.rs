//! What stands where frames should be and is none: HTTP behind the 101, bytes behind a Close.

use super::{Framing, Incoming};
use crate::said::{At, Endpoint};
use crate::websocket::Opcode;
use crate::websocket::event::{Event, NotFrames, NotFramesKind};

/// The beginning of something that is no frame.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) kind: NotFramesKind,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) at: At,
}

impl Incoming {
    /// Tells what stands where frames should be, as far as it was kept.
    pub(super) fn tell_other(&mut self, sink: &mut impl FnMut(&Event<'_>)) {
        if !matches!(self.framing, Framing::Other(_)) {
            return;
        }
        if let Framing::Other(other) = std::mem::replace(&mut self.framing, Framing::Over) {
            let Other { kind, offset, bytes, at } = *other;
            let from = self.from;
            sink(&Event::NotFrames(&NotFrames { from, offset, bytes: &bytes, kind, at }));
        }
    }

    /// Before the server's first frame after a handshake, there may be HTTP instead.
    #[inline]
    pub(super) fn may_be_http(&self) -> bool {
        self.frames == 0 && self.from == Endpoint::Server && self.agreement.is_some()
    }

    /// True while these bytes at a frame border are too few to tell a frame from something else.
    pub(super) fn may_become_other(&self, bytes: &[u8]) -> bool {
        let is_start_of_http =
            bytes == b"<" || bytes.len() < b"HTTP/".len() && b"HTTP/".starts_with(bytes);
        self.may_be_http() && is_start_of_http
    }

    /// What stands at this frame border if it can't be a frame.
    #[inline]
    pub(super) fn recognise_other(&self, bytes: &[u8]) -> Option<NotFramesKind> {
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
