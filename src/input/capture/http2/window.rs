//! Flow control (RFC 9113 §5.2): how much an endpoint may still send. Only whether it may send anything
//! at all matters here.

/// What every window begins with.
const INITIAL: i64 = 65_535;

/// How much may still be sent; below zero if SETTINGS took away what was sent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window(i64);

impl Default for Window {
    fn default() -> Window {
        Window(INITIAL)
    }
}

impl Window {
    /// A window of this size.
    pub(super) fn new(size: u32) -> Window {
        Window(i64::from(size))
    }

    /// So much was sent. True if that was all there was.
    pub(super) fn take(&mut self, length: usize) -> bool {
        let was_open = self.0 > 0;
        self.0 = self.0.saturating_sub(length as i64);
        was_open && self.0 <= 0
    }

    /// So much more may be sent, or less. True if nothing could be before.
    pub(super) fn change(&mut self, more: i64) -> bool {
        let was_closed = self.0 <= 0;
        self.0 = self.0.saturating_add(more);
        was_closed && self.0 > 0
    }
}
