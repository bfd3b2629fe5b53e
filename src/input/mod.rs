//! Many ways in: each turns some kind of evidence into [`Said`](crate::said::Said).

pub mod bytes;
pub mod capture;
pub mod detect;
pub mod har;
mod reason;
pub mod transcript;

pub use reason::reason;
