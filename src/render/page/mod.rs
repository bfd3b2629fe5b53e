//! One self-contained page of a few conversations: a sequence diagram in which each event opens to
//! its bytes. It loads nothing, and what was captured can only become text on it.
//!
//! [`Page`] collects a bounded number of events, whatever the size of the capture; [`Page::write`]
//! makes the document, never longer than [`MAX_PAGE`]. What is left out is counted and said. The
//! texts of the course come from the caller: a renderer does not know them.

mod bits;
mod collect;
mod document;
mod findings;
mod heads;
mod item;
mod prose;
mod sequence;
mod steps;

pub use collect::Page;
pub use document::{Course, Subject, Topic, Word};

use super::escape;
use maud::Render;

/// No page is longer than this, in bytes.
pub const MAX_PAGE: usize = 4 << 20;

/// So many events of one connection are kept, and some more if something is found in them.
pub const MAX_EVENTS_OF_ONE: usize = 200;

/// So many events are kept in all.
pub const MAX_EVENTS: usize = 1000;

/// So many connections are kept.
pub const MAX_CONNECTIONS: usize = 100;

/// So many bytes of each payload are shown.
pub const MAX_BYTES: usize = 256;

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
        let end = (0..=most.min(bytes.len()))
            .rev()
            .find(|end| bytes.get(*end).is_none_or(|byte| byte & 0xc0 != 0x80))
            .unwrap_or(0);
        buffer.push_str(&escape::html(&bytes[..end]));
        if end < bytes.len() {
            buffer.push('…');
        }
    }
}
