//! What happens in TCP below the bytes, as far as it explains what is seen above it.

/// A fact about TCP (RFC 9293).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpFact {
    /// Sequence numbers of this endpoint were captured again: it repeats what was lost, the capture
    /// holds packets twice, or somebody injects segments. Their bytes are said once.
    Repeated {
        /// How many bytes.
        length: u64,
        /// They differ from those captured before. What was said already is not compared.
        differs: bool,
        /// They differ, and of the two segments one has the right checksum: its bytes are said.
        damaged: bool,
    },
    /// Bytes of this endpoint were said and are not captured so far: its peer acknowledges them, or
    /// later ones came. They may come late. Told once.
    Unseen,
    /// The receive window of this endpoint has closed, or is open again (§3.8.6): with a window of
    /// zero, its peer may send nothing.
    Window {
        /// It is open.
        open: bool,
    },
}
