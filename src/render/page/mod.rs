//! One self-contained page of a few conversations: a sequence diagram in which each event opens to
//! its bytes. It loads nothing, and what was captured can only become text on it.
//!
//! [`write`] makes the document of a [`Recording`](crate::recording::Recording) that keeps as much as
//! [`EXTENT`] says, never longer than [`MAX_PAGE`]. What is left out is counted and said. The texts of
//! the course come from the caller: a renderer does not know them.

mod bits;
mod document;
mod findings;
mod heads;
mod prose;
mod sequence;
mod steps;

pub use document::{Course, Subject, Topic, Word, write};

use super::escape;
use crate::recording::Extent;
use maud::Render;

/// No page is longer than this, in bytes.
pub const MAX_PAGE: usize = 4 << 20;

/// So many bytes of each payload are shown.
const MAX_BYTES: usize = 256;

/// How much of a capture is shown at most.
pub const EXTENT: Extent = Extent {
    connections: 100,
    events: 1000,
    events_of_one: 200,
    events_of_findings: 50,
    payload: MAX_BYTES,
    message: 4 * MAX_BYTES,
};

/// Captured bytes, or words in which some may be quoted: the door by which they reach the page.
struct Shown<'a>(&'a [u8]);

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&escape::html(self.0));
    }
}

/// Captured bytes, at most so many of them.
struct Clipped<'a>(&'a [u8], usize);

impl Render for Clipped<'_> {
    fn render_to(&self, buffer: &mut String) {
        let Clipped(bytes, most) = *self;
        buffer.push_str(&escape::markup(&escape::beginning(bytes, most)));
    }
}
