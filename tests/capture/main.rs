//! Captures at their boundary: a file in, what was said out.

mod formats;
mod laws;
mod resets;
mod streams;
mod told;
