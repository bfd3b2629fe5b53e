//! Many ways out: one file per way. Renderers receive facts and findings and decide how to show
//! them; they read no input and judge nothing.

pub mod escape;
pub mod frame;
pub mod handshake;
pub mod json;
pub mod overview;
mod palette;
pub mod stream;
pub mod timeline;

pub use palette::{Paint, Palette};

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
}
