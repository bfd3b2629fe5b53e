//! The window an endpoint advertises (RFC 9293 §3.8.6, RFC 7323 §2): it tells which RSTs of the
//! other are to be believed.

use super::segment::{SYN, Segment};
use super::stream::Carrier;

/// Without both SYNs nobody knows how the window is scaled: as much as it can say alone, at least.
const UNSCALED: u64 = 0xffff;

/// No window is scaled further (RFC 7323 §2.3).
const MAX_SHIFT: u8 = 14;

/// The option of a SYN that scales windows.
const WINDOW_SCALE: u8 = 3;

/// What one endpoint is ready to receive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    advertised: u16,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, Default)]
enum Scale {
    /// Its SYN was not captured.
    #[default]
    Unknown,
    /// Its SYN offered none.
    None,
    Shift(u8),
}

impl Window {
    /// What a segment of this endpoint says of it.
    #[inline]
    pub(super) fn note(&mut self, segment: Segment<'_>) {
        self.advertised = segment.window;
        if segment.flags & SYN != 0 {
            self.scale = scale(segment);
        }
    }

    /// How many bytes the endpoint takes beyond those it has acknowledged. Scaling counts if both
    /// endpoints offered it.
    pub(super) fn size(self, peer: Window) -> u64 {
        let advertised = u64::from(self.advertised);
        match (self.scale, peer.scale) {
            (Scale::Shift(shift), Scale::Shift(_)) => advertised << shift,
            (Scale::Unknown, _) | (_, Scale::Unknown) => advertised.max(UNSCALED),
            _ => advertised,
        }
    }
}

/// How a SYN scales the windows that follow it.
#[cold]
fn scale(segment: Segment<'_>) -> Scale {
    let mut options = segment.options();
    loop {
        options = match *options {
            [] | [0, ..] => return Scale::None,
            [1, ref rest @ ..] => rest,
            [WINDOW_SCALE, 3, shift, ..] => return Scale::Shift(shift.min(MAX_SHIFT)),
            [_, length, ..] if length >= 2 => {
                options.get(usize::from(length)..).unwrap_or_default()
            }
            // Malformed, or cut by the snap length.
            _ => return Scale::Unknown,
        };
    }
}

/// A RST from beyond what was captured. It is one if the segments before it were lost to the capture
/// or still come. If its sender goes on instead, somebody injected it, and its receiver took no
/// notice (RFC 9293 §3.10.7.4, RFC 5961 §3.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// Its position in the stream of its sender.
    pub(super) position: u64,
    /// Where the stream ended when it came.
    pub(super) end: u64,
    /// How much its sender had acknowledged when it came.
    pub(super) heard: Option<u64>,
    pub(super) carrier: Carrier,
}

/// What a RST is worth.
pub(super) enum Reset {
    /// It ends the connection.
    Now,
    /// It does so if it is the last that its sender said.
    Perhaps(Pending),
    /// Its receiver drops it.
    Outside,
}
