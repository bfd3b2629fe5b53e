//! What happens around a stream of HTTP/2 that carries WebSocket, beside its heads and its bytes.

/// A fact about HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http2Fact {
    /// SETTINGS_ENABLE_CONNECT_PROTOCOL was set (RFC 8441 §3); what it was before, if it was set.
    ConnectProtocol {
        /// The new value.
        value: u32,
        /// The value before.
        before: Option<u32>,
    },
    /// The request came; whether the server had allowed such requests by then, if that is known.
    Asked {
        /// It had.
        allowed: Option<bool>,
    },
    /// HEADERS on the stream after it had become a tunnel.
    LateHeaders,
    /// DATA from an endpoint that had ended its side of the stream.
    DataAfterEnd,
    /// RST_STREAM with this error code (RFC 9113 §7).
    Reset {
        /// The code.
        code: u32,
        /// The stream was a tunnel by then.
        accepted: bool,
    },
}
