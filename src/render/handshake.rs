//! The report card of a handshake.
