//! Many ways out: one file per way. Renderers receive facts and findings and decide how to show
//! them; they read no input and judge nothing.

pub mod caption;
pub mod checks;
mod clock;
pub mod cost;
pub mod derivation;
pub mod diff;
pub mod escape;
pub mod example;
pub mod finding;
pub mod follow;
pub mod frame;
pub mod handshake;
pub mod har;
mod head_parts;
pub mod issue;
pub mod json;
pub mod ladders;
pub mod layouts;
pub mod markdown;
pub mod mermaid;
pub mod opaque;
pub mod overview;
pub mod page;
mod palette;
pub mod stats;
pub mod step;
pub mod stream;
pub mod timeline;
mod wrap;

pub use clock::Clock;
pub use palette::{Paint, Palette};
pub use wrap::wrap;

use crate::rules::Severity;
use std::borrow::Cow;

/// The sheet that text is laid out on.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// Columns that may be used.
    pub width: usize,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// Which colours are used, if any.
    pub palette: Palette,
}

impl Sheet {
    /// A sheet without colours.
    pub const fn plain(width: usize) -> Sheet {
        Sheet { width, ascii: false, palette: Palette::plain() }
    }

    /// The mark of something that is as it should be.
    pub const fn good(&self) -> &'static str {
        if self.ascii { "ok" } else { "✓" }
    }

    /// The mark of something that is not.
    pub const fn bad(&self) -> &'static str {
        if self.ascii { "x" } else { "✗" }
    }

    /// The mark of a finding.
    pub const fn mark(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Error => self.bad(),
            Severity::Warning => "!",
            Severity::Note => "i",
        }
    }

    /// Our own words as this sheet can show them: typographic marks become ASCII if need be.
    pub fn words<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '§' => out.push_str("section "),
                '→' => out.push_str("->"),
                '…' => out.push_str(".."),
                '·' | '–' | '—' => out.push('-'),
                '“' | '”' => out.push('"'),
                '’' => out.push('\''),
                '⊕' => out.push_str("xor"),
                c => out.push(c),
            }
        }
        Cow::Owned(out)
    }

    /// Printable text, cut so that it takes at most `columns` columns.
    pub fn clip(&self, text: &str, columns: usize) -> String {
        if escape::width(text) <= columns {
            return text.to_owned();
        }
        if !self.ascii {
            return escape::clip(text, columns, true);
        }
        let cut = escape::clip(text, columns.saturating_sub(1), true);
        cut.strip_suffix('…').map_or(cut.clone(), |cut| format!("{cut}.."))
    }
}
