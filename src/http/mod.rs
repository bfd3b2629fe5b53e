//! HTTP/1.1 as far as a WebSocket handshake needs it: heads with the span of every part, and
//! bodies only as something to step over (RFC 9112). Nothing is rejected here: what is odd about a
//! head is recorded as a [`Flaw`], for the rules to judge.

mod body;
mod head;
pub mod page;
mod quote;

pub use body::{Body, BodyLength};
pub(crate) use head::Names;
pub use head::{
    FieldLine, Flaw, FlawKind, Head, HeadRead, MAX_HEAD, Member, StartLine, is_tchar, is_token,
};
pub use quote::{clipped, is_harmful, is_odd_space, quote};
