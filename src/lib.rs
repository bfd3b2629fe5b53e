//! ws101: an educational WebSocket protocol inspector and handshake validator.

pub mod build;
pub mod calendar;
pub mod cost;
pub mod diff;
pub mod http;
pub mod input;
pub mod inspection;
mod inspector;
pub mod layers;
pub mod layout;
pub mod recording;
pub mod redact;
pub mod render;
pub mod rules;
pub mod said;
pub mod scene;
pub mod select;
pub mod teach;
pub mod websocket;

pub use inspector::{Counts, Inspector};
