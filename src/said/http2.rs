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
    /// GOAWAY (RFC 9113 §6.8): the connection below will end.
    GoAway {
        /// The error code.
        code: u32,
        /// This stream is none of those that will still be dealt with.
        refused: bool,
    },
    /// This endpoint may send nothing more until the peer allows it (RFC 9113 §5.2).
    Blocked,
    /// It may go on.
    Unblocked,
}
