//! The layers that carry WebSocket: how a record of TLS and a frame of HTTP/2 begin, bit by bit. Knows
//! neither captures nor WebSocket.

pub mod http2;
pub mod tls;

use crate::layout::Spec;

/// All fields of the headers of these layers, in the order of the wire.
pub fn fields() -> impl Iterator<Item = &'static Spec> {
    tls::FIELDS.into_iter().chain(http2::FIELDS)
}
