//! The course and the reference: topics in teaching order, whose texts are `docs/topics/`, and
//! entries for every field, opcode, code, header and status, derived from their declarations.
//! Nothing here prints: each [`Page`] is Markdown whose `console` blocks are commands to run.

mod entry;
mod glossary;
pub mod quiz;
mod search;
mod topic;

pub use entry::{Entry, Page};
pub use glossary::{Gloss, glossary};
pub use search::{find, names, related};
pub use topic::{Topic, topics};
