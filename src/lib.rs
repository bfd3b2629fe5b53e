//! ws101: an educational WebSocket protocol inspector and handshake validator.

pub mod http;
pub mod input;
pub mod layout;
pub mod said;
