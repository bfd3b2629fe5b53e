//! Builds what the rest of the crate reads: frames, handshakes, whole conversations as captures.
//! Correct by default, and broken in one place on purpose with a [`Fault`].
//!
//! Values in, bytes out: no file, no clock, no source of randomness; whatever is to look random
//! comes out of [`Numbers`], and so out of a seed. Nothing here is fit for the network: keys that
//! follow from a seed are not what RFC 6455 §10.3 asks of a client.
//!
//! ```
//! use ws101::build::{Frame, Numbers};
//! use ws101::websocket::Opcode;
//!
//! let key = Some([0x37, 0xfa, 0x21, 0x3d]);
//! let hello = Frame::new(Opcode::Text, b"Hello", key);
//! assert_eq!(hello.bytes(), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"); // §5.7
//! ```

mod capture;
mod conversation;
mod deflate;
pub mod fault;
mod frame;
mod head;
mod numbers;
mod saying;
pub mod script;

pub use conversation::{Act, Conversation, Fate, MILLISECOND, SECOND, What};
pub use deflate::Deflater;
pub use fault::Fault;
pub use frame::{Frame, LengthForm};
pub use head::{Head, Upgrade};
pub use numbers::Numbers;
pub use saying::{Mask, Saying};
pub use script::Script;
