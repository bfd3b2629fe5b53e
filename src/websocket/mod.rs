//! The protocol, in the order of RFC 6455: handshake, frames, messages, close. Sans-IO: what was
//! said goes in, [events](Event) come out. Nothing here judges; the [`rules`](crate::rules) do.

pub mod accept;
pub mod close;
mod compressed;
mod conversation;
pub mod deflate;
mod ending;
mod event;
mod exchanges;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod header;
mod incoming;
pub mod mask;
mod message;
mod opcode;
mod resync;
mod stated;
pub mod subprotocol;
pub mod utf8;

pub use conversation::{Conversation, Origin};
pub use event::*;
pub use message::{Desk, Limits};
pub use opcode::Opcode;
pub use stated::{Assumed, Stated, Statements};
